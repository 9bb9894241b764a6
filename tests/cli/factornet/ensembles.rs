//! Several FactorNet models of one command, and models compared.

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::{Table, bytes, names, text};

const BEST: &str = "model.best.safetensors";

#[test]
fn seeds_are_the_models_that_each_seed_gives_and_scores_their_mean() {
    let cells = Cells::new();
    let run = cells.train("out", "--seeds 2 -s 7").ok();
    assert_eq!(
        names(cells.path("out")),
        ["ensemble.json", "seed_7", "seed_8"]
    );
    assert!(
        run.err.contains("seed_7: epoch 1: ") && run.err.contains("seed_8: epoch 2: "),
        "{}",
        run.err
    );
    cells.train("alone", "-s 8").ok();
    assert!(
        bytes(cells.path(&format!("alone/{BEST}")))
            == bytes(cells.path(&format!("out/seed_8/{BEST}")))
    );

    cells.write(
        "w.bed",
        "chr3\t5000\t5200\nchr3\t9000\t9200\nchr3\t9500\t9700\n",
    );
    let scores = |model: &str, more: &str| -> Vec<Vec<f64>> {
        cells
            .on(
                "predict",
                &format!("-m {model} -b w.bed -o s.bed.gz {more}"),
            )
            .ok();
        let lines = cells.scored("s.bed.gz");
        let rows = lines.iter().filter(|line| !line[0].starts_with('#'));
        rows.map(|row| row[3..].iter().map(|x| x.parse().unwrap()).collect())
            .collect()
    };
    let all = scores("out", "--spread");
    let (a, b) = (scores("out/seed_7", ""), scores("out/seed_8", ""));
    for ((all, a), b) in all.iter().zip(&a).zip(&b) {
        assert!(
            (all[0] - (a[0] + b[0]) / 2.0).abs() < 1e-5,
            "{all:?} {a:?} {b:?}"
        );
        assert!(
            (all[1] - (a[0] - b[0]).abs() / 2f64.sqrt()).abs() < 1e-4,
            "{all:?} {a:?} {b:?}"
        );
    }
    assert_eq!(scores("out", "")[0].len(), 1);
    let header = cells.scored("s.bed.gz");
    assert_eq!(header.len(), 3, "no header of one column");
    cells
        .on("predict", "-m alone -b w.bed -o s.bed.gz --spread")
        .fails(2, &["--spread", "several models"]);
    cells
        .on(
            "predict",
            "-m out -b w.bed -o s.bed.gz --spread --combine rank",
        )
        .fails(2, &["--combine rank"]);

    let evaluate = |model: &str| {
        cells
            .on("evaluate", &format!("-m {model} -f CTCF -t chr3"))
            .ok()
    };
    let found = evaluate("out");
    let own = |model: &str| evaluate(model).table().numbers("auPRC")[0];
    let (a, b) = (own("out/seed_7"), own("out/seed_8"));
    let members = found.table().numbers("members_auPRC")[0];
    assert!((members - (a + b) / 2.0).abs() < 2e-6, "{members} {a} {b}");
    assert!(
        found.err.contains("an ensemble of 2 models"),
        "{}",
        found.err
    );
    cells
        .on("visualize", "-m out -b w.bed -o v")
        .refused(&["an ensemble", "ensemble.json"]);
}

#[test]
fn folds_hold_every_window_out_once() {
    let cells = Cells::new();
    let arguments = cells.train_arguments("out", "--folds 3 -e 1");
    let arguments = arguments.replace("-v chr2", "").replace("-t chr3", "");
    cells.run(&arguments).ok();
    let config = text(cells.path("out/fold_1/config.json"));
    assert!(
        config.contains("\"fold:1/3\"") && config.contains("\"fold:2/3\""),
        "{config}"
    );
    let all = cells.on("evaluate", "-m out -f CTCF").ok();
    let windows = |table: &Table| table.numbers("positives")[0] + table.numbers("negatives")[0];
    let of = |fold: usize| {
        let arguments = format!("-m out/fold_{fold} -f CTCF -t fold:{fold}/3");
        windows(&cells.on("evaluate", &arguments).ok().table())
    };
    assert_eq!(windows(&all.table()), (1..=3).map(of).sum::<f64>());
    assert!(
        all.err
            .contains("by the models whose test regions it lies in"),
        "{}",
        all.err
    );
    assert!(!all.err.contains("trained on"), "{}", all.err);
    let given = cells.on("evaluate", "-m out -f CTCF -t chr1").ok();
    assert!(
        given.err.contains("that the model was trained on"),
        "{}",
        given.err
    );
    // Three chromosomes are three blocks.
    let many = arguments
        .replace("--folds 3", "--folds 4")
        .replace("-o out", "-o never");
    cells.run(&many).fails(1, &["has no data", "3 blocks"]);
    let both = cells.train_arguments("never", "--folds 3");
    cells
        .run(&both)
        .fails(2, &["--folds makes the splits itself", "-v"]);
    cells.refuses("-v fold:2/1 -t chr3", 2, &["fold 2/1"]);
    assert!(!cells.path("never").exists());
}

#[test]
fn a_fold_of_a_file_takes_its_lists() {
    let cells = Cells::new();
    cells.write(
        "fold.json",
        r#"{"train": ["chr1"], "valid": ["chr2"], "test": ["chr3"]}"#,
    );
    cells.train("json", "-v fold.json -t fold.json").ok();
    cells.train("words", "").ok();
    assert!(
        bytes(cells.path(&format!("json/{BEST}"))) == bytes(cells.path(&format!("words/{BEST}")))
    );
    cells.write(
        "two.json",
        r#"{"train": ["chrX"], "valid": ["chr2"], "test": ["chr3"]}"#,
    );
    let run = cells.train("two", "-v two.json -t two.json").ok();
    assert_eq!(
        run.err.matches("two.json does not name 'chr1'").count(),
        1,
        "{}",
        run.err
    );
    cells.write(
        "none.json",
        r#"{"train": ["chr1"], "valid": ["chr7"], "test": ["chr3"]}"#,
    );
    cells.refuses(
        "-v none.json -t none.json",
        2,
        &["none.json", "none of chr7 is in use"],
    );
}

#[test]
fn models_are_compared_on_the_same_windows() {
    let cells = Cells::new();
    cells.train("good", "--seeds 2 -e 6 -n 2").ok();
    cells.train("bad", "--seeds 2 -e 1 -lr 0.000001").ok();
    let run = cells
        .run("compare good bad --blacklist blacklist.bed --plot p.svg")
        .ok();
    let table = run.table();
    assert_eq!(
        table.header.join(" "),
        "output model models auPRC auPRC_sd difference low high"
    );
    assert_eq!(table.column("model"), ["good", "bad"]);
    let figures = cells.on("evaluate", "-m good -f CTCF -t chr3").ok().table();
    assert!((table.numbers("auPRC")[0] - figures.numbers("members_auPRC")[0]).abs() < 1e-5);
    let of = |column: &str| table.column(column)[1].parse::<f64>().unwrap();
    assert!(
        of("low") <= of("difference") && of("difference") <= of("high") && of("difference") < 0.0,
        "{table:?}"
    );
    assert!(
        run.err.contains("and of the pairs of models"),
        "{}",
        run.err
    );
    cells.train("other", "-v chr3 -t chr2").ok();
    cells
        .run("compare good other --blacklist blacklist.bed -t chr1 chr2")
        .ok();
    let arguments = cells.train_arguments("folds", "--folds 3 -e 1");
    cells
        .run(&arguments.replace("-v chr2", "").replace("-t chr3", ""))
        .ok();
    cells
        .run("compare folds good")
        .fails(1, &["folds", "good", "not held against the same windows"]);
    cells
        .run("compare good bad --use-validation")
        .fails(2, &["--use-validation", "tiSFM"]);
    cells.run("compare good bad -f NOPE").fails(2, &["NOPE"]);
}
