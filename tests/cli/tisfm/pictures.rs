//! Pictures and tables of `tisfm test`: along a penalty path, and of the final layer.

use crate::common::kinds::Kind;
use crate::common::tisfm::Data;
use crate::common::{Table, text};

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
            assert_eq!(layer.numbers("second")[place], weight);
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
    data.run("tisfm test --model zero --plot-final-layer")
        .fails(
            1,
            &["all weights of the final layer of zero/", "nothing to draw"],
        );
    data.train("other", "--architecture model_effect_diffusion")
        .ok();
    for flag in ["--plot-final-layer", "--extract-final-layer x"] {
        data.run(&format!("tisfm test --model other {flag}"))
            .fails(1, &["model_effect_diffusion cannot rank motifs"]);
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
