//! The command line on small data: what each command takes, prints and writes, and its exit code.

mod common;

use std::io::Write;
use std::process::Stdio;

use common::{
    ARCHITECTURE, Data, MOTIFS, Table, bytes, command, history, moved, names, parameter, text,
};

const BEST: &str = "model.best.safetensors";

// ---- train

#[test]
fn training_leaves_a_whole_model_folder() {
    let data = Data::new(60, 60);
    let run = data.train("model", "--device cpu --threads 2").ok();
    assert_eq!(run.out, "", "results go to files");
    let first = run.err.lines().next().unwrap();
    assert_eq!(first, "device: cpu, 2 threads, f32");
    assert_eq!(
        names(data.path("model")),
        [
            "config.json",
            "history.tsv",
            BEST,
            "model.last.safetensors",
            "state.safetensors",
            "test_split.txt",
            "train_split.txt",
            "validation_split.txt"
        ]
    );
    let history = Table::read(data.path("model/history.tsv"));
    assert_eq!(history.column("epoch"), ["1", "2", "3"]);
    assert_eq!(history.numbers("lr"), [0.01; 3]);
    assert!(history.numbers("validation_loss").iter().all(|l| *l > 0.0));
    let config: serde_json::Value =
        serde_json::from_str(&text(data.path("model/config.json"))).unwrap();
    assert_eq!(config["motifs"], serde_json::json!(MOTIFS));
    assert_eq!(config["outputs"], serde_json::json!(["K562", "MCF7"]));
    assert_eq!(config["window"], 60);
    assert_eq!(config["flags"]["batch_size"], 32);
    assert_eq!(config["files"].as_array().unwrap().len(), 3);
    assert_eq!(config["version"], env!("CARGO_PKG_VERSION"));
    for part in ["train", "validation", "test"] {
        assert_eq!(
            text(data.path(&format!("model/{part}_split.txt"))),
            text(data.path(&format!("split/{part}_split.txt")))
        );
    }
    let untrained = data.path("model/model.last.safetensors");
    assert_eq!(parameter(untrained, "conv_motif.weight").len(), 16 * 4 * 9);
}

#[test]
fn the_best_weights_are_those_of_the_lowest_validation_loss() {
    let data = Data::new(60, 60);
    data.train("model", "--save-all --number-of-epochs 6 --lr 0.1")
        .ok();
    let losses = Table::read(data.path("model/history.tsv")).numbers("validation_loss");
    let lowest = (0..6)
        .min_by(|&i, &j| losses[i].total_cmp(&losses[j]))
        .unwrap();
    let epoch = |n: usize| bytes(data.path(&format!("model/model.{n}.safetensors")));
    assert!(bytes(data.path("model/model.best.safetensors")) == epoch(lowest + 1));
    assert!(bytes(data.path("model/model.last.safetensors")) == epoch(6));
    assert!(epoch(1) != epoch(2));
}

/// A list, FASTA and BED with its genome; plain, gzip and bgzip; LF and CRLF: the same bytes in
/// training, the same table in test, the same numbers in predict.
#[test]
fn every_form_of_the_inputs_gives_the_same_model_and_predictions() {
    let data = Data::new(60, 60);
    for name in ["signals.tsv", "sequences.tsv", "motifs.meme", "peaks.fa"] {
        let windows = text(data.path(name)).replace('\n', "\r\n");
        data.write_gzip(&format!("{name}.gz"), windows);
    }
    data.write(
        "peaks_crlf.bed",
        text(data.path("peaks.bed")).replace('\n', "\r\n"),
    );
    let bgzip = std::fs::File::create(data.path("genome.fa.bgz")).unwrap();
    let mut bgzip = noodles_bgzf::io::Writer::new(bgzip);
    bgzip.write_all(&bytes(data.path("genome.fa"))).unwrap();
    bgzip.finish().unwrap();
    let packed = "--atac-file signals.tsv.gz --meme-file motifs.meme.gz";
    let forms = [
        ("list", "--sequences sequences.tsv".to_string()),
        ("fasta", "--sequences peaks.fa".to_string()),
        (
            "bed",
            "--sequences peaks.bed --genome genome.fa".to_string(),
        ),
        ("list_gz", format!("--sequences sequences.tsv.gz {packed}")),
        ("fasta_gz", format!("--sequences peaks.fa.gz {packed}")),
        (
            "bed_bgz",
            format!("--sequences peaks_crlf.bed --genome genome.fa.bgz {packed}"),
        ),
    ];
    let mut first: Option<(Vec<u8>, String, String)> = None;
    for (out, form) in &forms {
        data.train(out, form).ok();
        let sequences: Vec<&str> = form.split_whitespace().collect();
        let end = sequences.iter().position(|w| *w == "--atac-file");
        let sequences = sequences[..end.unwrap_or(sequences.len())].join(" ");
        // The model folder alone knows its data; the flags override.
        let known = data.run(&format!("tisfm test --model {out}")).ok().out;
        let given = format!("tisfm test --model list --atac-file signals.tsv {sequences}");
        assert_eq!(data.run(&given).ok().out, known, "{out}");
        let predicted = format!("tisfm predict --model list {sequences}");
        let predicted = data.run(&predicted).ok().out;
        let weights = bytes(data.path(&format!("{out}/{BEST}")));
        let (w, k, p) =
            first.get_or_insert_with(|| (weights.clone(), known.clone(), predicted.clone()));
        assert!(*w == weights, "{out}: other weights");
        assert_eq!(*k, known, "{out}");
        assert_eq!(*p, predicted, "{out}");
    }
}

#[test]
fn a_random_split_follows_the_seed() {
    let data = Data::new(60, 40);
    let split = |out: &str, seed: u64| {
        data.train(out, &format!("--split random:70,20,10 --seed {seed}"))
            .ok();
        ["train", "validation", "test"]
            .map(|part| text(data.path(&format!("{out}/{part}_split.txt"))))
    };
    let (a, b, other) = (split("a", 1), split("b", 1), split("c", 2));
    assert_eq!(a.each_ref().map(|t| t.lines().count()), [42, 12, 6]);
    assert_eq!(a, b);
    assert_ne!(a, other);
    let mut all: Vec<&str> = a.iter().flat_map(|t| t.lines()).collect();
    all.sort_unstable();
    let mut expected: Vec<&str> = data.names.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(all, expected);
}

#[test]
fn a_chromosome_split_takes_names_or_the_bed() {
    let data = Data::new(60, 40);
    for (out, sequences) in [
        ("a", "--sequences sequences.tsv"),
        ("b", "--sequences peaks.bed --genome genome.fa"),
    ] {
        data.train(out, &format!("--split chrom:chr2:chr3,chr4 {sequences}"))
            .ok();
        let on = |part: &str, allowed: &[&str]| {
            let list = text(data.path(&format!("{out}/{part}_split.txt")));
            let chromosome = |l: &str| l.split(':').next().unwrap().to_string();
            assert!(list.lines().all(|l| allowed.contains(&&*chromosome(l))));
            list.lines().count()
        };
        assert_eq!(on("train", &["chr1"]), 15);
        assert_eq!(on("validation", &["chr2"]), 15);
        assert_eq!(on("test", &["chr3", "chr4"]), 30);
    }
}

#[test]
fn index_arrays_split_as_names_do() {
    let data = Data::new(60, 40);
    std::fs::create_dir(data.path("npy")).unwrap();
    for (part, range) in [("test", 0..6i32), ("validation", 6..12), ("train", 12..60)] {
        // NumPy's format 1.0, int32: magic, version, length of the header, header, elements.
        let header = format!(
            "{{'descr': '<i4', 'fortran_order': False, 'shape': ({},), }}",
            range.len()
        );
        let header = format!("{header:<117}\n");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(range.flat_map(i32::to_le_bytes));
        data.write(&format!("npy/{part}_split.npy"), file);
    }
    data.train("names", "").ok();
    data.train("indices", "--split-folder npy").ok();
    let weights = |out: &str| bytes(data.path(&format!("{out}/{BEST}")));
    assert!(weights("names") == weights("indices"));
}

#[test]
fn an_architecture_of_ones_own_is_a_toml_file() {
    let data = Data::new(60, 40);
    let shown = data.run(&format!("tisfm architectures --show {ARCHITECTURE}"));
    data.write("own.toml", shown.ok().out);
    data.train("builtin", "").ok();
    data.train("own", "--architecture own.toml").ok();
    let weights = |out: &str| bytes(data.path(&format!("{out}/{BEST}")));
    assert!(weights("builtin") == weights("own"));
    // Without the gate it is a smaller model.
    let gate = "[[block]]\nop = \"gate\"\nname = \"interaction_layer\"\n";
    let smaller = text(data.path("own.toml"));
    assert!(smaller.contains(gate), "{smaller}");
    data.write("smaller.toml", smaller.replace(gate, ""));
    data.train("smaller", "--architecture smaller.toml").ok();
    assert!(weights("smaller").len() < weights("own").len());
    data.run("tisfm predict --model smaller --sequences peaks.fa")
        .ok();
}

#[test]
fn f64_is_f64_in_the_files_and_in_the_tables() {
    let data = Data::new(60, 40);
    let run = data.train("model", "--precision f64").ok();
    assert!(run.err.lines().next().unwrap().ends_with(", f64"));
    let weights = cisgrad::io::state_dict::read(data.path(&format!("model/{BEST}"))).unwrap();
    for tensor in &weights.tensors {
        assert_eq!(tensor.values.type_name(), "F64", "{}", tensor.name);
    }
    let wide = data.run("tisfm predict --model model --sequences peaks.fa");
    let narrow = data.run("tisfm predict --model model --sequences peaks.fa --precision f32");
    let (wide, narrow) = (wide.ok().table(), narrow.ok().table());
    let (wide, narrow) = (wide.numbers("K562"), narrow.numbers("K562"));
    assert!(wide.iter().any(|x| f64::from(*x as f32) != *x));
    let far = |(a, b): (&f64, &f64)| (a - b).abs() / a.abs().max(1.0);
    let farthest = wide.iter().zip(&narrow).map(far).fold(0.0, f64::max);
    assert!(farthest > 0.0 && farthest < 1e-4, "{farthest}");
    data.refuses("--precision bf16", 2, &["bf16", "f32 or f64"]);
}

#[test]
fn motif_kernels_stay_unless_unfrozen_and_the_last_layer_can_train_alone() {
    let data = Data::new(60, 40);
    let trained = |out: &str, flags: &str| {
        data.train(out, &format!("{flags} --save-all")).ok();
        let file = |n: u8| data.path(&format!("{out}/model.{n}.safetensors"));
        moved(file(1), file(3))
    };
    let all = trained("all", "--unfreeze-all");
    assert!(all.contains(&"conv_motif.weight".to_string()));
    assert_eq!(trained("conv", "--unfreeze-conv"), all);
    let usual = trained("usual", "");
    assert!(usual.contains(&"conv_scale".to_string()));
    assert!(!usual.contains(&"conv_motif.weight".to_string()));
    assert_eq!(usual.len() + 1, all.len());
    let last = trained("last", "--freeze-all-except-final-layer");
    assert_eq!(last, ["linreg.bias", "linreg.weight"]);
}

#[test]
fn calibration_changes_where_the_motifs_start() {
    let data = Data::new(60, 40);
    let start = |out: &str, flags: &str| {
        let flags = format!("{flags} --freeze-all-except-final-layer --number-of-epochs 1");
        data.train(out, &flags).ok();
        parameter(data.path(&format!("{out}/{BEST}")), "conv_scale")
    };
    let (plain, calibrated) = (
        start("plain", ""),
        start("calibrated", "--calibrate-motifs"),
    );
    assert_ne!(plain, calibrated);
    let (motifs, pads) = calibrated.split_at(2 * MOTIFS.len());
    assert!(motifs.iter().all(|s| *s > 0.0), "{motifs:?}");
    assert_eq!(pads, [0.0; 4]);
}

#[test]
fn drop_last_leaves_out_the_batch_that_is_not_full() {
    let data = Data::new(60, 40);
    let steps = |out: &str, flags: &str| {
        let run = data.train(out, flags).ok();
        assert!(run.err.contains("48 training, 6 validation, 6 test"));
        let state = data.path(&format!("{out}/state.safetensors"));
        let state = cisgrad::io::state_dict::read(state).unwrap();
        let progress: serde_json::Value = serde_json::from_str(&state.metadata["state"]).unwrap();
        progress["steps"].as_u64().unwrap()
    };
    assert_eq!(steps("all", ""), 6); // 32 + 16 of 48, three times
    assert_eq!(steps("full", "--drop-last"), 3);
}

#[test]
fn early_stopping_ends_when_the_rate_has_fallen_to_the_threshold() {
    let data = Data::new(60, 40);
    let flags = "--early-stopping --early-stopping-threshold 0.01 --number-of-epochs 9";
    let run = data.train("model", flags).ok();
    assert!(run.err.contains("early stopping"), "{}", run.err);
    assert_eq!(history(data.path("model/history.tsv")).len(), 1);
    let ended = data.train("model", &format!("{flags} --resume")).ok();
    assert!(ended.err.contains("finished already"), "{}", ended.err);
}

#[test]
fn the_originals_flags_are_taken() {
    let data = Data::new(60, 40);
    let run = data.train(
        "model",
        "--class-name TISFM --num-of-workers 1 --window-size 40 --early-stopping",
    );
    let run = run.ok();
    assert!(run.err.starts_with("device: cpu, 1 threads"));
    assert!(run.err.contains("note: --class-name is ignored"));
    // --out is --model-output.
    let arguments = data
        .train_arguments("short", "")
        .replace("--model-output", "--out");
    data.run(&arguments).ok();
    assert!(data.path("short/model.best.safetensors").exists());
}

// ---- starting from weights

#[test]
fn a_run_may_start_from_a_folder_or_a_file() {
    let data = Data::new(60, 40);
    data.train("first", "").ok();
    let tiny = "--lr 1e-12 --number-of-epochs 1";
    data.train("folder", &format!("{tiny} --model first")).ok();
    data.train("file", &format!("{tiny} --model first/{BEST}"))
        .ok();
    assert!(
        bytes(data.path(&format!("folder/{BEST}"))) == bytes(data.path(&format!("file/{BEST}")))
    );
    let weight = |out: &str| parameter(data.path(&format!("{out}/{BEST}")), "linreg.weight");
    let (before, after) = (weight("first"), weight("folder"));
    assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 1e-6));
    // Other names are a warning, another number of outputs an error.
    let renamed = text(data.path("signals.tsv")).replacen("K562", "HepG2", 1);
    data.write("renamed.tsv", renamed);
    let run = data.train(
        "named",
        &format!("{tiny} --model first --atac-file renamed.tsv"),
    );
    let run = run.ok();
    assert!(
        run.err.contains(
            "warning: first was trained on the outputs K562, MCF7, this run's are HepG2, MCF7"
        ),
        "{}",
        run.err
    );
    let column = |l: &str| l.rsplit_once('\t').unwrap().0.to_string() + "\n";
    let one: String = text(data.path("signals.tsv")).lines().map(column).collect();
    data.write("one.tsv", one);
    data.refuses(
        "--model first --atac-file one.tsv",
        1,
        &[BEST, "linreg.", "shape", "expects"],
    );
}

// ---- penalties

#[test]
fn several_penalties_are_a_path_and_a_restart_skips_what_is_finished() {
    let data = Data::new(60, 40);
    let flags = "--penalty-param 0.5 0.001 0.05 --number-of-epochs 2";
    data.train("path", flags).ok();
    let table = Table::read(data.path("path/path.tsv"));
    assert_eq!(
        table.header.join(" "),
        "step lambda best_epoch validation_loss nonzero"
    );
    assert_eq!(table.column("step"), ["0", "1", "2"]);
    assert_eq!(table.numbers("lambda"), [0.001, 0.05, 0.5]); // sorted, no 0 added
    let nonzero = table.numbers("nonzero");
    assert!(nonzero[2] < nonzero[0], "{nonzero:?}");
    for (step, rate) in [("path_0", 0.01), ("path_1", 0.001), ("path_2", 0.001)] {
        let history = Table::read(data.path(&format!("path/{step}/history.tsv")));
        assert_eq!(history.numbers("lr"), [rate; 2], "{step}");
        data.run(&format!("tisfm test --model path/{step}")).ok();
    }
    // A folder that holds no model of its own says where its models are.
    data.run("tisfm test --model path")
        .fails(1, &["penalty path", "path_N"]);
    let before = bytes(data.path(&format!("path/path_2/{BEST}")));
    std::fs::remove_dir_all(data.path("path/path_2")).unwrap();
    let kept = std::fs::metadata(data.path("path/path_1/state.safetensors")).unwrap();
    let run = data.train("path", &format!("{flags} --resume")).ok();
    assert!(run.err.contains("path_1 is finished already"));
    assert!(!run.err.contains("path_2 is finished already"));
    assert!(bytes(data.path(&format!("path/path_2/{BEST}"))) == before);
    let still = std::fs::metadata(data.path("path/path_1/state.safetensors")).unwrap();
    assert_eq!(kept.modified().unwrap(), still.modified().unwrap());
    assert_eq!(Table::read(data.path("path/path.tsv")), table);
}

#[test]
fn penalty_ranges_are_linear_or_logarithmic_and_hold_zero() {
    let data = Data::new(60, 40);
    let lambdas = |out: &str, flags: &str| {
        data.train(out, &format!("{flags} --number-of-epochs 1"))
            .ok();
        Table::read(data.path(&format!("{out}/path.tsv"))).numbers("lambda")
    };
    let linear = lambdas("a", "--penalty-param-range 0.01 0.03 3 --step-lr 0.002");
    let close = |found: &[f64], expected: [f64; 4]| {
        assert_eq!(found.len(), 4, "{found:?}");
        for (f, e) in found.iter().zip(expected) {
            assert!((f - e).abs() <= 1e-15, "{found:?}");
        }
    };
    close(&linear, [0.0, 0.01, 0.02, 0.03]);
    let rate = Table::read(data.path("a/path_1/history.tsv")).numbers("lr");
    assert_eq!(rate, [0.002]);
    let log = lambdas("b", "--log-penalty-param-range -3 -1 3");
    close(&log, [0.0, 1e-3, 1e-2, 1e-1]);
}

#[test]
fn the_penalty_shrinks_only_its_layers_and_the_mcp_takes_its_parameter() {
    let data = Data::new(60, 40);
    let weights = |out: &str, flags: &str| {
        data.train(out, flags).ok();
        parameter(
            data.path(&format!("{out}/model.last.safetensors")),
            "linreg.weight",
        )
    };
    let zeros = |w: &[f64]| w.iter().filter(|x| **x == 0.0).count();
    let plain = weights("plain", "");
    let l1 = weights("l1", "--penalty-param 0.3");
    let mcp = weights("mcp", "--penalty-param 0.3 --penalty-type mcp");
    let other = weights(
        "other",
        "--penalty-param 0.3 --penalty-type mcp --mcp-param 30",
    );
    assert_eq!(zeros(&plain), 0);
    assert!(zeros(&l1) > 0, "{l1:?}");
    assert_ne!(l1, mcp);
    assert_ne!(mcp, other);
    assert!(!data.path("l1/path_0").exists(), "one penalty is no path");
    let gate = parameter(
        data.path("l1/model.last.safetensors"),
        "interaction_layer.weight",
    );
    assert_eq!(zeros(&gate), 0);
    let gate = "--penalty-param 0.3 --penalize-layers interaction_layer.weight";
    assert_eq!(zeros(&weights("gate", gate)), 0);
    data.refuses(
        "--penalty-param 0.3 --penalize-layers nothing",
        2,
        &["--penalize-layers nothing", "linreg.weight"],
    );
}

// ---- test, predict, motifs

#[test]
fn test_and_predict_agree_and_read_the_model_folder_alone() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    let elsewhere = tempfile::tempdir().unwrap();
    let model = data.path("model").display().to_string();
    let tested = common::cisgrad(elsewhere.path(), &format!("tisfm test --model {model}"));
    let tested = tested.ok().table();
    assert_eq!(
        tested.header.join(" "),
        "output mse pearson spearman sequences"
    );
    assert_eq!(tested.column("output"), ["K562", "MCF7", "all"]);
    assert_eq!(tested.column("sequences"), ["6"; 3]);

    let predicted = data.run("tisfm predict --model model --sequences peaks.fa --batch-size 7");
    let predicted = predicted.ok().table();
    assert_eq!(predicted.header.join(" "), "name K562 MCF7");
    assert_eq!(predicted.column("name"), data.names);
    let signals = text(data.path("signals.tsv"));
    let first_signals: Vec<f64> = signals
        .lines()
        .skip(1)
        .take(6)
        .map(|l| l.split('\t').nth(1).unwrap().parse().unwrap())
        .collect();
    let ours = predicted.numbers("K562");
    let squares = ours
        .iter()
        .zip(&first_signals)
        .map(|(a, b)| (a - b).powi(2));
    let mse = squares.sum::<f64>() / 6.0;
    let told = tested.numbers("mse")[0];
    // The shortest text of an f32 is read as another f64.
    assert!((mse - told).abs() < 1e-6 * told, "{mse} {told}");

    let validation = data.run("tisfm test --model model --use-validation");
    let validation = validation.ok().table().numbers("mse")[2];
    let history = Table::read(data.path("model/history.tsv")).numbers("validation_loss");
    let best = history.into_iter().fold(f64::INFINITY, f64::min);
    assert!(
        (validation - best).abs() < 1e-6 * best,
        "{validation} {best}"
    );
}

#[test]
fn predictions_have_the_digits_that_bring_them_back() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    let printed = |precision: &str| {
        let run = data.run(&format!(
            "tisfm predict --model model --sequences peaks.fa --precision {precision}"
        ));
        run.ok().table().column("MCF7").join(" ")
    };
    for number in printed("f32").split(' ') {
        let value: f32 = number.parse().unwrap();
        assert_eq!(format!("{value:?}"), number);
    }
    for number in printed("f64").split(' ') {
        let value: f64 = number.parse().unwrap();
        assert_eq!(format!("{value:?}"), number);
    }
}

#[test]
fn tables_go_to_a_file_when_one_is_named() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    for arguments in [
        "tisfm test --model model",
        "tisfm predict --model model --sequences peaks.fa",
        "tisfm motifs --model model",
    ] {
        let shown = data.run(arguments).ok();
        let kept = data.run(&format!("{arguments} --out table.tsv")).ok();
        assert_eq!(kept.out, "", "{arguments}");
        assert_eq!(text(data.path("table.tsv")), shown.out, "{arguments}");
    }
}

#[test]
fn motifs_are_ranked_by_their_weight_in_each_output() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    let table = data.run("tisfm motifs --model model").ok().table();
    assert_eq!(table.header.join(" "), "output rank motif weight");
    assert_eq!(table.rows.len(), 2 * MOTIFS.len());
    let weights = parameter(data.path(&format!("model/{BEST}")), "linreg.weight");
    let width = weights.len() / 2;
    for (o, output) in ["K562", "MCF7"].iter().enumerate() {
        let rows: Vec<_> = table.rows.iter().filter(|r| r[0] == *output).collect();
        let mut last = f64::INFINITY;
        for (i, row) in rows.iter().enumerate() {
            assert_eq!(row[1], (i + 1).to_string());
            let motif = MOTIFS.iter().position(|m| *m == row[2]).unwrap();
            let weight: f64 = row[3].parse().unwrap();
            assert_eq!(weight, weights[o * width + motif]);
            assert!(weight <= last);
            last = weight;
        }
    }
    let top = data.run("tisfm motifs --model model --top 2").ok().table();
    assert_eq!(top.column("rank"), ["1", "2", "1", "2"]);
}

// ---- the other commands

#[test]
fn architectures_are_listed_with_a_line_each() {
    let data = Data::new(10, 40);
    let table = data.run("tisfm architectures").ok().table();
    assert_eq!(table.header.join(" "), "architecture summary");
    assert_eq!(table.rows.len(), 26);
    assert!(table.rows.iter().all(|r| r[1].len() > 10));
    for name in table.column("architecture") {
        let shown = data.run(&format!("tisfm architectures --show {name}"));
        let shown = shown.ok().out;
        assert!(shown.contains(&format!("name = \"{name}\"")), "{shown}");
    }
}

#[test]
fn cuda_by_name_is_an_error_and_never_the_cpu() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    for device in ["cuda", "cuda:1"] {
        data.refuses(&format!("--device {device}"), 1, &["cuda", "--device cpu"]);
        let predict = "tisfm predict --model model --sequences peaks.fa --device";
        let run = data.run(&format!("{predict} {device}"));
        assert_eq!(run.out, "");
        run.fails(1, &["cuda"]);
    }
    data.refuses("--device tpu", 2, &["--device tpu", "auto, cpu"]);
    let run = data.run("tisfm test --model model").ok();
    assert!(run.err.starts_with("device: cpu"), "{}", run.err);
    assert!(run.err.contains("no NVIDIA card"), "auto says why not CUDA");
    let devices = data.run("devices").ok().out;
    assert!(devices.contains("\ncpu\t") && devices.contains("\ncuda\tnot used"));
}

#[test]
fn usage_is_exit_code_2_and_help_is_0() {
    let data = Data::new(10, 40);
    for (arguments, code) in [
        ("--help", 0),
        ("--version", 0),
        ("selftest --help", 0),
        ("bench --help", 0),
        ("demo --help", 0),
        ("convert tisfm --help", 0),
        ("tisfm train --help", 0),
        ("", 2),
        ("nonsense", 2),
        ("tisfm train --nonsense", 2),
        ("tisfm predict", 2),
        ("demo --peaks 5", 2),
    ] {
        let run = data.run(arguments);
        assert_eq!(run.code, Some(code), "{arguments}\n{}", run.err);
    }
    let help = data.run("tisfm train --help").ok().out;
    for flag in [
        "--meme-file",
        "--atac-file",
        "--model-output",
        "--num-of-workers",
        "--log-penalty-param-range",
        "--early-stopping-threshold",
        "--resume",
    ] {
        assert!(help.contains(flag), "{flag}");
    }
}

/// A reader that has seen enough (`| head`) is no failure, whatever the command.
#[test]
fn a_closed_pipe_is_exit_code_0() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    for arguments in [
        "--help",
        "devices",
        "tisfm architectures",
        "tisfm motifs --model model",
        "tisfm test --model model",
        "tisfm predict --model model --sequences peaks.fa",
        "demo --peaks 100 --length 40 --epochs 1",
    ] {
        let mut child = command(data.folder(), arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments}\n{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn the_demo_keeps_files_that_the_commands_take_again() {
    let data = Data::new(10, 40);
    let run = data.run("demo --keep kept --peaks 120 --length 40 --epochs 2");
    let out = run.ok().out;
    let parts: Vec<&str> = out.split("# ").collect();
    assert!(parts[1].starts_with("test\noutput\tmse\tpearson"), "{out}");
    assert!(parts[2].starts_with("motifs\noutput\trank\tmotif\tweight\n"));
    assert!(parts[3].starts_with("planted\noutput\tplanted_motif\teffect\trank\n"));
    assert_eq!(
        names(data.path("kept")),
        [
            "model",
            "motifs.meme",
            "sequences.tsv",
            "signals.tsv",
            "split"
        ]
    );
    data.run("demo --keep kept --peaks 120 --length 40")
        .fails(1, &["kept holds a demo already"]);
    data.run(
        "tisfm train --meme-file kept/motifs.meme --atac-file kept/signals.tsv --sequences kept/sequences.tsv \
         --split-folder kept/split --architecture model_pos_calib_sigmoid --number-of-epochs 1 --out again",
    )
    .ok();
    data.run("tisfm predict --model again --sequences kept/sequences.tsv")
        .ok();
}
