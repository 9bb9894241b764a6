//! `cisgrad tisfm train`.

use crate::common::kinds::Kind;
use crate::common::same_end::history;
use crate::common::tisfm::{ARCHITECTURE, Data, MOTIFS};
use crate::common::{Table, bytes, moved, names, parameter, text};

const BEST: &str = "model.best.safetensors";

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
            "baselines.tsv",
            "config.json",
            "history.tsv",
            BEST,
            "model.last.safetensors",
            "model.train.best.safetensors",
            "quantiles.tsv",
            "state.safetensors",
            "test.tsv",
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

/// What the original does not have.
#[test]
fn the_rate_the_start_and_the_choice_of_weights_can_be_others() {
    let data = Data::new(60, 60);
    let flags = "--number-of-epochs 6 --lr 0.02 --warmup 3 --best-by r --patience 0 --position-start zero --save-all";
    let run = data.train("model", flags).ok();
    let history = Table::read(data.path("model/history.tsv"));
    let rates = history.numbers("lr");
    for (rate, expected) in rates.iter().zip([0.005, 0.01, 0.015]) {
        assert!((rate - expected).abs() < 1e-12, "{rates:?}");
    }
    let r = history.numbers("validation_r");
    let best = (0..6).max_by(|&a, &b| r[a].total_cmp(&r[b])).unwrap();
    let of_epoch = data.path(&format!("model/model.{}.safetensors", best + 1));
    assert_eq!(bytes(data.path(&format!("model/{BEST}"))), bytes(of_epoch));
    assert!(
        run.err
            .contains(&format!("best validation r {:.4}", r[best])),
        "{}",
        run.err
    );
    // Measured by test as well.
    let tested = data
        .run("tisfm test --model model --use-validation")
        .ok()
        .table();
    let mean = tested.numbers("pearson")[..2].iter().sum::<f64>() / 2.0;
    assert!((mean - r[best]).abs() < 1e-5, "{mean} {}", r[best]);
    // Falling as well as rising.
    data.train(
        "falling",
        &format!("{flags} --patience 9 --lr-decay cosine").replace("--patience 0 ", ""),
    )
    .ok();
    let falling = Table::read(data.path("falling/history.tsv")).numbers("lr");
    for (rate, expected) in falling.iter().zip([0.005, 0.00933013, 0.01125, 0.01]) {
        assert!((rate - expected).abs() < 1e-8, "{falling:?}");
    }
    // With a rate of nearly nothing the weights are as they started.
    let start = "--number-of-epochs 1 --lr 1e-30";
    data.train("zero", &format!("{start} --position-start zero"))
        .ok();
    data.train("normal", start).ok();
    let table =
        |model: &str| parameter(data.path(&format!("{model}/{BEST}")), "position_emb.weight");
    assert!(table("zero").iter().all(|x| x.abs() < 1e-20));
    assert!(table("normal").iter().any(|x| x.abs() > 0.1));
    let stopped = data
        .train("stopped", "--number-of-epochs 40 --lr 1e-30 --stop-after 2")
        .ok();
    assert!(
        stopped
            .err
            .contains("early stopping: no gain since epoch 1"),
        "{}",
        stopped.err
    );
    assert_eq!(Table::read(data.path("stopped/history.tsv")).rows.len(), 4);
    // They are part of the run.
    data.train("model", &flags.replace("--warmup 3", "--resume"))
        .fails(1, &["--resume: model was started with --warmup 3"]);
}

/// What the recipe says is what the flags it stands for say; a flag wins over it.
#[test]
fn a_recipe_is_a_set_of_flags() {
    let data = Data::new(60, 60);
    let bare = "--number-of-epochs 2 --split-folder split --meme-file motifs.meme --atac-file signals.tsv --sequences sequences.tsv";
    data.run(&format!(
        "tisfm train {bare} --recipe recommended --model-output recipe"
    ))
    .ok();
    let spelled = "--architecture plain_gate --calibrate-motifs --batch-size 32 --lr 0.01 --patience 2 --warmup 1 --best-by r";
    data.run(&format!(
        "tisfm train {bare} {spelled} --model-output spelled"
    ))
    .ok();
    let best = |model: &str| bytes(data.path(&format!("{model}/{BEST}")));
    assert_eq!(best("recipe"), best("spelled"));
    data.run(&format!(
        "tisfm train {bare} --recipe recommended --lr 0.02 --model-output other"
    ))
    .ok();
    assert_ne!(best("other"), best("recipe"));
    // Without it a line says that there is one.
    let run = data.train("model", "").ok();
    assert!(run.err.contains("--recipe recommended"), "{}", run.err);
}

#[test]
fn our_own_architectures_train_and_rank_motifs() {
    let data = Data::new(60, 60);
    for name in ["plain", "plain_gate", "parts3_gate"] {
        data.train(name, &format!("--architecture {name} --number-of-epochs 1"))
            .ok();
        let ranked = data
            .run(&format!("tisfm motifs --model {name} --top 1"))
            .ok()
            .table();
        assert!(MOTIFS.contains(&ranked.column("motif")[0]), "{name}");
    }
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
    let device = run.err.lines().next().unwrap();
    assert!(
        device.starts_with("device: cpu, ") && device.contains(", f64;"),
        "{device}"
    );
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
    assert!(run.err.starts_with("device: cpu, 1 thread, f32"));
    assert!(run.err.contains("note: --class-name is ignored"));
    // --out is --model-output.
    let arguments = data
        .train_arguments("short", "")
        .replace("--model-output", "--out");
    data.run(&arguments).ok();
    assert!(data.path("short/model.best.safetensors").exists());
}

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
