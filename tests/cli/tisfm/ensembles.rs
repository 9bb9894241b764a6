//! Several tiSFM models of one command, and models compared.

use crate::common::kinds::Kind;
use crate::common::process::{signal, spawn, wait_until};
use crate::common::tisfm::Data;
use crate::common::{Table, bytes, names, text};
use std::collections::BTreeSet;

const BEST: &str = "model.best.safetensors";

#[test]
fn seeds_are_the_models_that_each_seed_gives_and_predictions_their_mean() {
    let data = Data::new(60, 40);
    let run = data.train("out", "--seeds 2 --seed 4").ok();
    assert_eq!(
        names(data.path("out")),
        ["ensemble.json", "seed_4", "seed_5"]
    );
    assert!(
        run.err.contains("seed_4: epoch 1: ") && run.err.contains("seed_5: epoch 3: "),
        "{}",
        run.err
    );
    data.train("alone", "--seed 5").ok();
    let best = |model: &str| bytes(data.path(&format!("{model}/{BEST}")));
    assert!(best("out/seed_5") == best("alone"));
    assert!(best("out/seed_4") != best("alone"));
    // The same bytes one after the other.
    data.train("again", "--seeds 2 --seed 4 --side-by-side 1 --threads 1")
        .ok();
    assert!(best("again/seed_4") == best("out/seed_4"));

    let predict = |model: &str| {
        let run = data.run(&format!(
            "tisfm predict --model {model} --sequences sequences.tsv"
        ));
        run.ok().table()
    };
    let (all, a, b) = (predict("out"), predict("out/seed_4"), predict("out/seed_5"));
    assert_eq!(all.header.join(" "), "name K562 MCF7 K562.sd MCF7.sd");
    for output in ["K562", "MCF7"] {
        let [mean, sd] = [all.numbers(output), all.numbers(&format!("{output}.sd"))];
        let pairs = a.numbers(output).into_iter().zip(b.numbers(output));
        for ((mean, sd), (a, b)) in mean.iter().zip(sd).zip(pairs) {
            assert!((mean - (a + b) / 2.0).abs() < 1e-5, "{mean} {a} {b}");
            assert!(
                (sd - (a - b).abs() / 2f64.sqrt()).abs() < 1e-5,
                "{sd} {a} {b}"
            );
        }
    }
    let test = data.run("tisfm test --model out").ok();
    let own = |model: &str| {
        data.run(&format!("tisfm test --model {model}"))
            .ok()
            .table()
    };
    let (first, second) = (own("out/seed_4"), own("out/seed_5"));
    let r = |table: &Table| table.numbers("pearson")[0];
    let found = test.table().numbers("members_pearson")[0];
    assert!((found - (r(&first) + r(&second)) / 2.0).abs() < 1e-9);
    let spread = test.table().numbers("members_pearson_sd")[0];
    assert!((spread - (r(&first) - r(&second)).abs() / 2f64.sqrt()).abs() < 1e-9);
    assert!(
        test.err
            .contains("an ensemble of 2 models: the first columns are about the mean")
    );

    let ranked = data.run("tisfm motifs --model out").ok().table();
    assert_eq!(
        ranked.header[ranked.header.len() - 4..],
        ["weight_sd", "rank_mean", "rank_sd", "in_top"]
    );
    let weight = |model: &str| {
        let table = data
            .run(&format!("tisfm motifs --model {model}"))
            .ok()
            .table();
        let row = table
            .rows
            .iter()
            .find(|row| row[0] == "K562" && row[2] == "GATA")
            .unwrap();
        row[4].parse::<f64>().unwrap()
    };
    let mean = (weight("out/seed_4") + weight("out/seed_5")) / 2.0;
    assert!((weight("out") - mean).abs() < 1e-7);
    for (arguments, parts) in [
        (
            "tisfm test --model out --plot-final-layer",
            ["--plot-final-layer", "seed_4"],
        ),
        (
            "tisfm test --model out --plot-path",
            ["an ensemble", "ensemble.json"],
        ),
        (
            "motifs export --model out --out x.meme",
            ["an ensemble", "ensemble.json"],
        ),
    ] {
        data.run(arguments).refused(&parts);
    }
}

#[test]
fn an_ensemble_that_is_half_trained_says_so_and_goes_on() {
    let data = Data::new(60, 40);
    data.train("out", "--seeds 2").ok();
    let list = text(data.path("out/ensemble.json"));
    let place = list.rfind("true").unwrap();
    data.write(
        "out/ensemble.json",
        format!("{}false{}", &list[..place], &list[place + 4..]),
    );
    for command in ["predict --sequences sequences.tsv", "test", "motifs"] {
        data.run(&format!("tisfm {command} --model out")).fails(
            1,
            &[
                "out: 1 of 2 models not trained to the end (seed_1)",
                "--resume",
            ],
        );
    }
    data.train("out", "--seeds 2")
        .fails(1, &["holds an ensemble already", "--resume"]);
    data.train("out", "--seeds 1 --resume")
        .fails(1, &["seed_1", "more seeds"]);
    data.train("out", "")
        .fails(1, &["holds an ensemble", "--model-output"]);
    let run = data.train("out", "--seeds 3 --resume").ok();
    assert!(
        run.err.contains("seed_0: out/seed_0: finished already"),
        "{}",
        run.err
    );
    data.run("tisfm test --model out").ok();
    assert_eq!(names(data.path("out")).len(), 4);
}

#[test]
fn folds_test_every_sequence_once() {
    let data = Data::new(60, 40);
    data.train("out", "--split none --folds 3")
        .fails(2, &["--folds makes the splits itself", "--split"]);
    let folds = data
        .run(
            &data
                .train_arguments("out", "--folds 3")
                .replace("--split-folder split", ""),
        )
        .ok();
    assert!(folds.err.contains("fold_3: epoch 3: "), "{}", folds.err);
    let list = |fold: usize, part: &str| -> BTreeSet<String> {
        let path = data.path(&format!("out/fold_{fold}/{part}_split.txt"));
        text(path).lines().map(String::from).collect()
    };
    let mut tested = BTreeSet::new();
    for fold in 1..=3 {
        let (test, validation, train) = (
            list(fold, "test"),
            list(fold, "validation"),
            list(fold, "train"),
        );
        assert!(
            test.is_disjoint(&validation)
                && test.is_disjoint(&train)
                && validation.is_disjoint(&train)
        );
        assert_eq!(validation, list(fold % 3 + 1, "test"));
        // A chromosome here is one block.
        let chromosomes = |names: &BTreeSet<String>| -> BTreeSet<String> {
            names.iter().map(|name| name[..4].to_string()).collect()
        };
        assert!(chromosomes(&test).is_disjoint(&chromosomes(&train)));
        tested.extend(test);
    }
    assert_eq!(tested.len(), 60);
    let test = data.run("tisfm test --model out").ok();
    assert_eq!(test.table().numbers("sequences"), [60.0; 3]);
    assert!(
        test.err
            .contains("by the models that were not trained on it"),
        "{}",
        test.err
    );
    let predicted = data
        .run("tisfm predict --model out --split test")
        .ok()
        .table();
    assert_eq!(predicted.rows.len(), 60);
    assert!(
        !predicted.header.contains(&"K562.sd".to_string()),
        "each has one model"
    );
    // A fold by itself is the same model.
    let alone = data.train_arguments("alone", "--split fold:2/3");
    data.run(&alone).ok();
    assert!(
        bytes(data.path(&format!("alone/{BEST}")))
            == bytes(data.path(&format!("out/fold_2/{BEST}")))
    );
    data.run("tisfm compare").refused(&[]);
}

#[test]
fn a_fold_of_a_file_takes_its_lists() {
    let data = Data::new(60, 40);
    data.write(
        "fold_0.json",
        r#"{"train": ["chr1", "chr9"], "valid": ["chr2"], "test": ["chr3"]}"#,
    );
    data.train("out", "--split fold_0.json").ok();
    let rows = |part: &str| {
        text(data.path(&format!("out/{part}_split.txt")))
            .lines()
            .count()
    };
    assert_eq!(
        ["train", "validation", "test"].map(rows),
        [15; 3],
        "chr4 is in no list"
    );
    data.write(
        "bad.json",
        r#"{"train": ["chr1"], "valid": ["chr2"], "test": ["chr8"]}"#,
    );
    data.refuses("--split bad.json", 1, &["test list", "chr1"]);
    data.write(
        "twice.json",
        r#"{"train": ["chr1"], "valid": ["chr1"], "test": ["chr3"]}"#,
    );
    data.refuses("--split twice.json", 1, &["twice.json", "chr1 comes twice"]);
    data.refuses("--split none.json", 1, &["none.json"]);
}

#[test]
fn what_is_no_fold_or_no_ensemble_is_refused() {
    let data = Data::new(60, 40);
    for (more, code, parts) in [
        ("--split fold:4/3", 2, ["fold 4/3", "from 1 to 3"]),
        ("--split fold:0/3", 2, ["fold 0/3", "from 1 to 3"]),
        ("--split fold:1/2", 2, ["2 folds", "3 or more"]),
        ("--split fold:x", 2, ["fold 'x'", "I/K"]),
        ("--split fold:1/9", 1, ["has no data", "4 blocks"]),
        ("--seeds 0", 2, ["--seeds", "1 or more"]),
        (
            "--seeds 99999999999",
            2,
            ["--seeds 99999999999", "10000 models at most"],
        ),
        (
            "--side-by-side 2",
            2,
            ["--side-by-side", "--seeds or --folds"],
        ),
        (
            "--seeds 2 --seed 18446744073709551615",
            2,
            ["--seeds 2", "not so many numbers"],
        ),
        (
            "--seeds 2 --penalty-param 0.1 0.2",
            2,
            ["--seeds and --folds", "path"],
        ),
    ] {
        data.refuses(more, code, &parts);
    }
    let folds = |k: usize| {
        data.train_arguments("never", &format!("--folds {k}"))
            .replace("--split-folder split", "")
    };
    data.run(&folds(2)).fails(2, &["--folds 2", "3 or more"]);
    data.run(&folds(9)).fails(1, &["has no data", "4 blocks"]);
    assert!(!data.path("never").exists());
}

/// Moves each chromosome's sequences into seven megabases, blocks enough for intervals.
fn spread(data: &Data) {
    for file in ["signals.tsv", "sequences.tsv"] {
        let header = usize::from(file == "signals.tsv");
        let whole = text(data.path(file));
        let lines = whole.lines().enumerate().map(|(number, line)| {
            let Some((chromosome, rest)) = line.split_once(':').filter(|_| number >= header) else {
                return format!("{line}\n");
            };
            let (span, rest) = rest.split_once('\t').unwrap();
            let (start, end) = span.split_once('-').unwrap();
            let moved = (number - header) / 4 % 7 * 1_000_000;
            let place = |text: &str| text.parse::<usize>().unwrap() + moved;
            format!("{chromosome}:{}-{}\t{rest}\n", place(start), place(end))
        });
        let lines: String = lines.collect();
        std::fs::write(data.path(file), lines).unwrap();
    }
}

#[test]
fn models_are_compared_on_the_same_sequences() {
    let data = Data::new(200, 40);
    spread(&data);
    let rule = "--split chrom:chr1:chr2,chr3";
    data.train(
        "good",
        &format!(
            "{rule} --seeds 2 --recipe recommended --architecture plain --number-of-epochs 15"
        ),
    )
    .ok();
    data.train(
        "bad",
        &format!("{rule} --seeds 2 --number-of-epochs 1 --lr 0.00001"),
    )
    .ok();
    data.train("one", rule).ok();
    let run = data
        .run("compare good bad good --out table.tsv --plot plot.svg")
        .ok();
    let table = Table::read(data.path("table.tsv"));
    assert_eq!(
        table.header.join(" "),
        "output model models r r_sd difference low high"
    );
    assert_eq!(
        table.column("output"),
        [
            "K562", "K562", "K562", "MCF7", "MCF7", "MCF7", "(mean)", "(mean)", "(mean)"
        ]
    );
    assert_eq!(table.column("model")[..3], ["good (1)", "bad", "good (3)"]);
    assert!(
        run.err.contains("and of the pairs of models"),
        "{}",
        run.err
    );
    let figures = data.run("tisfm test --model good").ok().table();
    assert!((table.numbers("r")[0] - figures.numbers("members_pearson")[0]).abs() < 1e-6);
    let last = table.rows.len() - 2;
    let of = |column: &str| table.column(column)[last].parse::<f64>().unwrap();
    let r = table.numbers("r");
    assert!(
        (of("difference") - (r[last] - r[last - 1])).abs() < 1e-12,
        "{table:?}"
    );
    assert!(
        of("low") < of("difference") && of("difference") < of("high"),
        "{table:?}"
    );
    let same = &table.rows[2];
    assert_eq!(
        same[5..],
        ["0", "0", "0"],
        "a model is as good as itself: {same:?}"
    );
    let picture = text(data.path("plot.svg"));
    assert!(picture.starts_with("<svg") && picture.contains("K562"));
    // A model alone beside an ensemble: no pairs.
    let run = data.run("compare good one").ok();
    assert!(!run.err.contains("pairs"), "{}", run.err);
    let again = data.run("compare good one --threads 1").ok();
    assert_eq!(run.out, again.out);

    data.train("rows", "--split chrom:chr1:chr4").ok();
    data.run("compare one rows")
        .fails(1, &["one", "rows", "not tested on the same sequences"]);
    let signals = text(data.path("signals.tsv"));
    data.write("other.tsv", signals.replace("K562\tMCF7", "K562\tB"));
    data.train("outputs", &format!("{rule} --atac-file other.tsv"))
        .ok();
    data.run("compare one outputs")
        .fails(1, &["not the same outputs", "K562, B"]);
    let moved: String = signals
        .lines()
        .enumerate()
        .map(|(i, line)| match i {
            0 => format!("{line}\n"),
            _ => format!("{line}5\n"),
        })
        .collect();
    data.write("moved.tsv", moved);
    data.train("moved", &format!("{rule} --atac-file moved.tsv"))
        .ok();
    data.run("compare one moved")
        .fails(1, &["other signals of the same sequence"]);
    data.run("compare one").fails(2, &["2"]);
    data.run("compare one nowhere").fails(1, &["nowhere"]);
    data.run("compare one good -i A")
        .fails(2, &["--inputdir", "FactorNet"]);
    data.run("compare one good --out one/config.json")
        .fails(2, &["--out", "is a file that this run reads"]);
}

#[test]
fn a_member_that_goes_on_is_not_finished_and_its_old_figures_go() {
    let data = Data::new(400, 100);
    let epochs = |count: u64| format!("--seeds 2 --side-by-side 1 --number-of-epochs {count}");
    data.train("out", &epochs(1)).ok();
    let arguments = data.train_arguments("out", &format!("{} --resume", epochs(3000)));
    assert!(data.path("out/seed_0/test.tsv").exists());
    let mut child = spawn(data.folder(), &arguments);
    let history = data.path("out/seed_0/history.tsv");
    wait_until(&mut child, "a third epoch", || {
        std::fs::read_to_string(&history).is_ok_and(|text| text.lines().count() > 3)
    });
    signal(&child, "-KILL");
    child.wait().unwrap();
    assert!(!data.path("out/seed_0/test.tsv").exists());
    data.run("tisfm test --model out")
        .fails(1, &["out: 1 of 2 models not trained to the end (seed_0)"]);
}

#[test]
fn only_what_was_measured_alike_is_compared() {
    let data = Data::new(60, 40);
    data.train("a", "").ok();
    // The same outputs in another order are taken by name.
    let lines = text(data.path("signals.tsv"));
    let turned: Vec<String> = lines
        .lines()
        .map(|line| {
            // The header has no name for the names.
            let mut fields: Vec<&str> = line.split('\t').collect();
            let last = fields.len() - 1;
            fields.swap(last - 1, last);
            fields.join("\t")
        })
        .collect();
    std::fs::write(data.path("turned.tsv"), turned.join("\n") + "\n").unwrap();
    let other = |out: &str, signals: &str, sequences: &str| {
        data.run(&format!(
            "tisfm train --meme-file motifs.meme --atac-file {signals} --sequences {sequences} --split-folder split --number-of-epochs 3 --seed 3 --no-baselines --model-output {out}"
        ))
        .ok()
    };
    other("b", "turned.tsv", "sequences.tsv");
    let found = data.run("compare a b").ok().table();
    let r = |model: &str| -> Vec<f64> {
        let run = data.run(&format!("tisfm test --model {model} --no-baselines"));
        run.ok().table().numbers("pearson")
    };
    let (a, b) = (r("a"), r("b"));
    // By output of the first model, and by model.
    let expected = [a[0], b[1], a[1], b[0]];
    for (found, expected) in found.numbers("r").iter().zip(expected) {
        assert!((found - expected).abs() < 1e-4, "{found} {expected}");
    }

    // Other bases under the same names are not the same sequences.
    let bases = text(data.path("sequences.tsv"));
    let changed: Vec<String> = bases
        .lines()
        .map(|line| {
            let (name, sequence) = line.split_once('\t').unwrap();
            format!("{name}\t{}", sequence.chars().rev().collect::<String>())
        })
        .collect();
    std::fs::write(data.path("reversed.tsv"), changed.join("\n") + "\n").unwrap();
    other("c", "signals.tsv", "reversed.tsv");
    data.run("compare a c")
        .fails(1, &["c and a have other bases of the sequence called"]);
    std::fs::remove_file(data.path("reversed.tsv")).unwrap();
    let gone = data.run("compare c a");
    gone.fails(1, &["reversed.tsv, which is not there; put it back"]);
}
