//! Pictures and tables of `tisfm test`: along a penalty path, and of the final layer.

use crate::common::kinds::Kind;
use crate::common::process::spawn;
use crate::common::tisfm::{ARCHITECTURE, Data};
use crate::common::{Run, Table, assert_no_leftovers, bytes, command, names, text};
use cisgrad::io::state_dict::{NamedTensor, StateDict, read, write_safetensors};

#[test]
fn a_path_is_tested_step_by_step_and_drawn() {
    let data = Data::small();
    data.train("path", "--penalty-param 0 0.05 0.5").ok();
    let run = data
        .run("tisfm test --model path --plot-path --plot-x-log")
        .ok();
    let table = Table::read(data.path("path/path_eval.tsv"));
    assert_eq!(table.header.join(" "), "step overall K562 MCF7 lambda");
    assert_eq!(table.column("step"), ["path_0", "path_1", "path_2"]);
    assert_eq!(table.numbers("lambda"), [0.0, 0.05, 0.5]);
    let one = data
        .run("tisfm test --model path/path_1")
        .ok()
        .table()
        .numbers("mse");
    let row = ["overall", "K562", "MCF7"].map(|name| table.numbers(name)[1]);
    assert_eq!(row, [one[2], one[0], one[1]]);
    assert!(
        run.err.contains("the step of penalty 0 has no place"),
        "{}",
        run.err
    );
    for name in ["path_mse.svg", "path_coef_K562.svg", "path_coef_MCF7.svg"] {
        let svg = text(data.path(&format!("path/{name}")));
        assert!(svg.starts_with("<svg ") && !svg.contains("NaN"), "{name}");
        // Two steps are left on the logarithmic axis.
        let first = svg.split("points=\"").nth(1).unwrap();
        assert_eq!(
            first.split('"').next().unwrap().split(' ').count(),
            2,
            "{name}"
        );
    }
    // On an even axis all three.
    data.run("tisfm test --model path --plot-path").ok();
    let svg = text(data.path("path/path_mse.svg"));
    let first = svg.split("points=\"").nth(1).unwrap();
    assert_eq!(first.split('"').next().unwrap().split(' ').count(), 3);
    data.run("tisfm test --model path/path_0 --plot-path")
        .fails(
            1,
            &["path/path_0 is the folder of one model, not of a penalty path"],
        );
    data.run("tisfm test --model path/path_0 --plot-x-log")
        .fails(2, &["--plot-x-log goes with --plot-path"]);
    // The dashed line is at the best of what is drawn, and the picture says so where another step is better.
    let table = Table::read(data.path("path/path_eval.tsv"));
    let losses = table.numbers("K562");
    data.run("tisfm test --model path --plot-path --plot-x-log")
        .ok();
    let svg = text(data.path("path/path_coef_K562.svg"));
    let first = losses[0] < losses[1].min(losses[2]);
    assert_eq!(svg.contains("the lowest of all is at penalty 0"), first);
    assert!(svg.contains("dashed: the lowest loss"));
}

/// Files of another run in a step's folder.
#[test]
fn a_step_of_another_model_is_named_before_any_is_tested() {
    let data = Data::small();
    data.train("path", "--penalty-param 0 0.05").ok();
    let one: String = text(data.path("signals.tsv"))
        .lines()
        .map(|line| line.rsplit_once('\t').unwrap().0.to_string() + "\n")
        .collect();
    data.write("one.tsv", one);
    data.train("one", "--atac-file one.tsv").ok();
    for name in ["config.json", "model.best.safetensors"] {
        std::fs::copy(
            data.path(&format!("one/{name}")),
            data.path(&format!("path/path_1/{name}")),
        )
        .unwrap();
    }
    data.run("tisfm test --model path --plot-path").fails(
        1,
        &[
            "path/path_1/config.json",
            "not the same outputs as in path/path_0",
        ],
    );
    assert!(!data.path("path/path_eval.tsv").exists());
}

#[test]
fn penalties_that_an_axis_cannot_tell_apart_are_drawn() {
    let data = Data::small();
    data.train("path", "--penalty-param 0 1e-323 --number-of-epochs 1")
        .ok();
    data.run("tisfm test --model path --plot-path").ok();
    for name in ["path_mse.svg", "path_coef_K562.svg", "path_coef_MCF7.svg"] {
        let svg = text(data.path(&format!("path/{name}")));
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
    }
}

#[test]
fn of_many_outputs_the_ends_are_named() {
    let data = Data::small();
    let signals = text(data.path("signals.tsv"));
    let mut lines = signals.lines();
    lines.next();
    let names: Vec<String> = (1..=12).map(|i| format!("cell_{i}")).collect();
    let mut many = names.join("\t") + "\n";
    for (row, line) in lines.enumerate() {
        let name = line.split('\t').next().unwrap();
        many += name;
        for i in 0..12 {
            many += &format!("\t{}", ((row * 7 + i * i) % 13) as f64 * i as f64 / 10.0);
        }
        many += "\n";
    }
    data.write("many.tsv", many);
    data.train("path", "--atac-file many.tsv --penalty-param 0.05 0.5")
        .ok();
    data.run("tisfm test --model path --plot-path").ok();
    let svg = text(data.path("path/path_mse.svg"));
    assert!(
        svg.contains("the 4 lowest and 4 highest of 12 outputs"),
        "{svg}"
    );
    let named = names
        .iter()
        .filter(|name| svg.contains(&format!(">{name}<")));
    assert_eq!(named.count(), 8);
    assert!(svg.contains(">overall<"));
    assert_eq!(svg.matches("<polyline").count(), 13);
}

#[test]
fn flags_of_a_picture_or_table_that_is_not_asked_for_are_errors() {
    let data = Data::small();
    for (flags, rule) in [
        ("--plot-path --out x", "--out: --plot-path writes"),
        (
            "--top-motifs 3",
            "--top-motifs goes with --plot-final-layer",
        ),
        ("--model-index a", "--model-index goes with --stat-out"),
    ] {
        data.run(&format!("tisfm test --model model {flags}"))
            .fails(2, &[rule]);
    }
}

#[test]
fn a_path_that_is_not_finished_shows_the_steps_that_are() {
    let data = Data::small();
    data.train("path", "--penalty-param 0.05 0.5").ok();
    let table = text(data.path("path/path.tsv"));
    let lines: Vec<&str> = table.lines().collect();
    data.write("path/path.tsv", lines[..2].join("\n"));
    let run = data.run("tisfm test --model path --plot-path").ok();
    assert!(
        run.err
            .contains("note: 1 of 2 steps of the path are finished"),
        "{}",
        run.err
    );
    data.write("path/path.tsv", lines[0]);
    data.run("tisfm test --model path --plot-path")
        .fails(1, &["no step of path is finished yet"]);
    data.write("path/path.tsv", format!("{}\n0\tx\n", lines[0]));
    data.run("tisfm test --model path --plot-path")
        .fails(1, &["path.tsv, line 2", "no penalty"]);
}

#[test]
fn the_final_layer_is_drawn_and_kept_beside_that_of_other_models() {
    let data = Data::small();
    // Names that are no names of files, and become one.
    let signals = text(data.path("signals.tsv")).replacen("K562\tMCF7", "NK/T\tNK_T", 1);
    data.write("slashed.tsv", signals);
    let flags = "--atac-file slashed.tsv";
    data.train("a", flags).ok();
    data.train("b", &format!("{flags} --seed 5")).ok();
    let run = |model: &str, more: &str| {
        data.run(&format!(
            "tisfm test --model {model} --stat-out stats.tsv --extract-final-layer layer {more}"
        ))
    };
    let first = run("a", "--plot-final-layer --top-motifs 100").ok();
    assert!(
        first.err.contains("note: --top-motifs 100: there are "),
        "{}",
        first.err
    );
    let svg = text(data.path("a/final_layer.svg"));
    assert!(svg.contains(">NK/T<") && svg.contains("z score") && !svg.contains("NaN"));
    run("b", "--model-index second").ok();
    let stats = Table::read(data.path("stats.tsv"));
    assert_eq!(stats.header.join(" "), "model overall NK/T NK_T");
    assert_eq!(stats.column("model"), ["a", "second"]);
    let tested = data.run("tisfm test --model b").ok().table().numbers("mse");
    let row = ["overall", "NK/T", "NK_T"].map(|name| stats.numbers(name)[1]);
    assert_eq!(row, [tested[2], tested[0], tested[1]]);
    let layer = Table::read(data.path("layer.NK_T_2"));
    assert_eq!(layer.header.join(" "), "motifs a second");
    let ranked = data.run("tisfm motifs --model b").ok().table();
    let of_output = ranked
        .column("output")
        .into_iter()
        .zip(ranked.column("motif"))
        .zip(ranked.numbers("weight"));
    for ((output, motif), weight) in of_output {
        if output == "NK_T" {
            let place = layer
                .column("motifs")
                .iter()
                .position(|m| *m == motif)
                .unwrap();
            assert_eq!(layer.numbers("second")[place] as f32, weight as f32);
        }
    }
    // The same column, another table, another model's motifs.
    run("b", "--model-index second").fails(
        1,
        &[
            "layer.NK_T",
            "has a column 'second' already",
            "--model-index",
        ],
    );
    assert_eq!(Table::read(data.path("stats.tsv")).column("model").len(), 2);
    data.write("stats.tsv", "model\tother\n");
    run("b", "--model-index third").fails(
        1,
        &[
            "stats.tsv, line 1",
            "has the columns model, other",
            "name another file",
        ],
    );
    data.write("table", "motifs\tx\nnone\t1\n");
    std::fs::rename(data.path("table"), data.path("else.NK_T")).unwrap();
    data.run("tisfm test --model b --extract-final-layer else")
        .fails(1, &["else.NK_T, line 2", "is not the row of"]);
}

/// A name as a cell holds it is the one that is looked for.
#[test]
fn a_column_is_known_again_by_the_name_that_it_was_given() {
    let data = Data::small();
    data.train("a", "").ok();
    let run = || {
        let mut command = command(
            data.folder(),
            "tisfm test --model a --extract-final-layer t",
        );
        command.args(["--model-index", "x\ty"]);
        Run::of(command.output().unwrap(), "--model-index x\\ty")
    };
    run().ok();
    run().fails(1, &["t.K562, line 1", "has a column 'x y' already"]);
}

#[test]
fn a_packed_table_grows_as_a_plain_one() {
    let data = Data::small();
    data.train("a", "").ok();
    for index in ["one", "two"] {
        data.run(&format!(
            "tisfm test --model a --stat-out s.tsv.gz --model-index {index}"
        ))
        .ok();
        data.run(&format!(
            "tisfm test --model a --stat-out s.tsv --model-index {index}"
        ))
        .ok();
    }
    let packed = cisgrad::io::text::read_text(&data.path("s.tsv.gz")).unwrap();
    assert_eq!(packed, text(data.path("s.tsv")));
    assert!(bytes(data.path("s.tsv.gz")).starts_with(&[0x1f, 0x8b]));
    assert_eq!(Table::parse(&packed).column("model"), ["one", "two"]);
    // A column too: the name ends in the output's, and a packed file stays readable.
    data.write_gzip("t.K562", text(data.path("s.tsv")));
    data.run("tisfm test --model a --extract-final-layer t")
        .fails(1, &["t.K562, line 1", "no table of --extract-final-layer"]);
}

/// A pipe would wait for itself, a device has no end.
#[test]
fn only_a_file_can_be_added_to() {
    let data = Data::small();
    data.train("a", "").ok();
    let made = std::process::Command::new("mkfifo")
        .arg(data.path("pipe"))
        .status();
    assert!(made.unwrap().success());
    std::fs::rename(data.path("pipe"), data.path("t.MCF7")).unwrap();
    for flags in [
        "--stat-out t.MCF7",
        "--stat-out /dev/stdout",
        "--stat-out /dev/zero",
        "--extract-final-layer t",
    ] {
        data.run(&format!("tisfm test --model a {flags}"))
            .fails(2, &["name a file", flags.split(' ').next().unwrap()]);
    }
    // Before anything is read.
    data.run("tisfm test --model none --stat-out /dev/stdout")
        .fails(2, &["--stat-out /dev/stdout"]);
}

#[test]
fn tests_that_run_at_once_add_a_row_and_a_column_each() {
    let data = Data::small();
    data.train("a", "").ok();
    let indices: Vec<String> = (0..6).map(|i| format!("run{i}")).collect();
    let runs: Vec<_> = indices
        .iter()
        .map(|index| {
            spawn(
                data.folder(),
                &format!("tisfm test --model a --stat-out s.tsv --extract-final-layer t --model-index {index}"),
            )
        })
        .collect();
    for mut run in runs {
        assert!(run.wait().unwrap().success());
    }
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let stats = Table::read(data.path("s.tsv"));
    let rows = stats.column("model").into_iter().map(String::from);
    assert_eq!(sorted(rows.collect()), indices);
    let columns = Table::read(data.path("t.MCF7")).header[1..].to_vec();
    assert_eq!(sorted(columns), indices);
    assert_no_leftovers(data.folder());
}

/// What is asked for in files is written, whoever reads standard output.
#[test]
fn a_reader_that_leaves_costs_no_file() {
    let data = Data::small();
    data.train("a", "").ok();
    let line = format!(
        "'{0}' tisfm motifs --model a --logos l.svg | true; '{0}' tisfm test --model a --stat-out s.tsv --plot-final-layer | true; echo ${{PIPESTATUS[0]}}",
        env!("CARGO_BIN_EXE_cisgrad")
    );
    let bash = std::process::Command::new("bash")
        .args(["-c", &line])
        .current_dir(data.folder())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(bash.stdout).unwrap(), "0\n");
    for name in ["l.svg", "s.tsv", "a/final_layer.svg"] {
        assert!(data.path(name).is_file(), "{name}");
    }
}

/// The original writes them beside the weights.
#[test]
fn nothing_is_written_beside_weights_of_elsewhere() {
    let data = Data::small();
    data.train("a", "").ok();
    std::fs::create_dir(data.path("theirs")).unwrap();
    std::fs::copy(
        data.path("a/model.best.safetensors"),
        data.path("theirs/w.safetensors"),
    )
    .unwrap();
    data.run(&format!(
        "tisfm test --model theirs/w.safetensors --architecture {ARCHITECTURE} --meme-file motifs.meme --atac-file signals.tsv \
         --sequences sequences.tsv --split-folder split --num_of_heads 2 --response_num 2 --plot-final-layer"
    ))
    .ok();
    assert_eq!(names(data.path("theirs")), ["w.safetensors"]);
    assert!(text(data.path("final_layer.svg")).contains(">K562<"));
    data.run("tisfm test --model a --response_num 3")
        .fails(1, &["--response-num 3", "config.json has 2 outputs"]);
    data.run("tisfm test --model a --num_of_heads 2 --response-num 2")
        .ok();
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let data = Data::small();
    let one: String = text(data.path("signals.tsv"))
        .lines()
        .map(|line| line.rsplit_once('\t').unwrap().0.to_string() + "\n")
        .collect();
    data.write("one.tsv", one);
    data.train("one", "--atac-file one.tsv").ok();
    let run = data.run("tisfm test --model one --plot-final-layer").ok();
    assert!(
        run.err
            .contains("note: with one output there are no z scores"),
        "{}",
        run.err
    );
    assert!(text(data.path("one/final_layer.svg")).contains(">weight<"));
    // A penalty that leaves nothing.
    data.train("zero", "--penalty-param 1000 --number-of-epochs 8")
        .ok();
    data.run("tisfm test --model zero --plot-final-layer --stat-out s.tsv --extract-final-layer t")
        .fails(
            1,
            &["all weights of the final layer of zero/", "nothing to draw"],
        );
    // What was refused has added to no table.
    assert!(!data.path("s.tsv").exists() && !data.path("t.K562").exists());
    // The first motifs alone may be 0, or the same in every output, where others are not.
    let weights = data.path("one/model.best.safetensors");
    let mut state = read(&weights).unwrap();
    let linear = |state: &mut StateDict, number: &dyn Fn(usize) -> f32| {
        let tensors = state.tensors.iter_mut();
        let mut found = tensors.filter(|tensor| tensor.name == "linreg.weight");
        let tensor = found.next().unwrap();
        let count = tensor.values.len();
        let shape = tensor.shape.clone();
        *tensor = NamedTensor::new(
            "linreg.weight",
            &shape,
            (0..count).map(number).collect::<Vec<f32>>(),
        );
    };
    linear(&mut state, &|i| if i == 0 { -1.0 } else { 0.0 });
    write_safetensors(&weights, &state).unwrap();
    data.run("tisfm test --model one --plot-final-layer --top-motifs 3")
        .fails(
            1,
            &[
                "nothing to draw",
                "the first 3",
                "with the weight 0",
                "larger --top-motifs",
            ],
        );
    data.run("tisfm test --model one --plot-final-layer --top-motifs 100")
        .ok();
    data.train("equal", "").ok();
    let weights = data.path("equal/model.best.safetensors");
    let mut state = read(&weights).unwrap();
    linear(&mut state, &|_| 0.5);
    write_safetensors(&weights, &state).unwrap();
    data.run("tisfm test --model equal --plot-final-layer")
        .fails(1, &["nothing to draw", "one weight in every output"]);
    assert!(!data.path("equal/final_layer.svg").exists());
    data.train("other", "--architecture model_effect_diffusion")
        .ok();
    for flag in ["--plot-final-layer", "--extract-final-layer x"] {
        data.run(&format!("tisfm test --model other {flag}")).fails(
            1,
            &[
                flag.split(' ').next().unwrap(),
                "model_effect_diffusion cannot rank motifs",
            ],
        );
    }
    // Of several features a motif each is a row of its own.
    data.train(
        "both",
        "--architecture model_pos_attention_calib_sigmoid_and_or",
    )
    .ok();
    data.run("tisfm test --model both --extract-final-layer rows")
        .ok();
    let motifs = Table::read(data.path("rows.K562"))
        .column("motifs")
        .join(",");
    assert!(
        motifs.contains(" and,") && motifs.contains(" or"),
        "{motifs}"
    );
}
