//! Data pooled from several experiments: `--weights` and `--batch-column`.

use crate::common::kinds::Kind;
use crate::common::tisfm::Data;
use crate::common::{Table, bytes, parameter, text};

/// The table of signals with a column more, made of the row's number and its own fields.
fn with_column(data: &Data, name: &str, value: impl Fn(usize) -> String) -> String {
    changed(data, name, |row, fields| [fields, &[value(row)]].concat())
}

fn changed(data: &Data, name: &str, change: impl Fn(usize, &[String]) -> Vec<String>) -> String {
    let table = text(data.path("signals.tsv"));
    let (header, rows) = table.split_once('\n').unwrap();
    let rows = rows.lines().enumerate().map(|(row, line)| {
        let fields: Vec<String> = line.split('\t').map(String::from).collect();
        change(row, &fields).join("\t") + "\n"
    });
    format!("{header}\t{name}\n") + &rows.collect::<String>()
}

const LAST: &str = "model.last.safetensors";

fn weights(data: &Data, model: &str) -> Vec<f64> {
    parameter(data.path(&format!("{model}/{LAST}")), "linreg.weight")
}

#[test]
fn weights_that_are_all_one_number_change_nothing_and_others_do() {
    let data = Data::new(60, 40);
    for precision in ["f32", "f64"] {
        let flags = format!("--precision {precision} --number-of-epochs 2");
        let train = |out: &str, value: &dyn Fn(usize) -> String| {
            data.write(&format!("{out}.tsv"), with_column(&data, "quality", value));
            let out = format!("{out}_{precision}");
            let table = out.split('_').next().unwrap();
            data.train(
                &out,
                &format!("{flags} --atac-file {table}.tsv --weights quality"),
            )
            .ok();
            weights(&data, &out)
        };
        data.train(&format!("none_{precision}"), &flags).ok();
        let none = weights(&data, &format!("none_{precision}"));
        // 0.25 and its multiples are exact.
        assert_eq!(train("same", &|_| "0.25".to_string()), none);
        let other = train("other", &|row| (1 + row % 3).to_string());
        assert_ne!(other, none);
        let scaled = train("scaled", &|row| (1024 * (1 + row % 3)).to_string());
        assert_eq!(scaled, other);
    }
    let config = text(data.path("other_f32/config.json"));
    assert!(config.contains("\"weights\": \"quality\""), "{config}");
    let plain = text(data.path("none_f32/config.json"));
    assert!(
        !plain.contains("\"weights\"") && !plain.contains("columns"),
        "{plain}"
    );
    // The model has no output of that name, and later commands know the column.
    let tested = data.run("tisfm test --model other_f32").ok().table();
    assert_eq!(tested.column("output"), ["K562", "MCF7", "all"]);
    let predicted = data
        .run("tisfm predict --model other_f32 --split test")
        .ok()
        .table();
    assert_eq!(
        predicted.header,
        ["name", "K562", "MCF7", "K562.measured", "MCF7.measured"]
    );
}

#[test]
fn rows_of_the_weight_0_are_as_rows_without_a_number() {
    let data = Data::new(60, 40);
    let gone = [2, 9, 25, 26];
    data.write(
        "zero.tsv",
        with_column(&data, "w", |row| {
            if gone.contains(&row) { "0" } else { "2" }.to_string()
        }),
    );
    let missing = changed(&data, "w", |row, fields| match gone.contains(&row) {
        true => vec![
            fields[0].clone(),
            String::new(),
            "NA".to_string(),
            "1".to_string(),
        ],
        false => [fields, &["1".to_string()]].concat(),
    });
    data.write("missing.tsv", missing);
    let zero = data.train("zero", "--atac-file zero.tsv --weights w").ok();
    assert!(
        zero.err.contains(
            "zero.tsv: 4 rows of the weight 0 are left out of training, validation and test"
        ),
        "{}",
        zero.err
    );
    data.train("missing", "--atac-file missing.tsv --weights w")
        .ok();
    for file in [LAST, "test.tsv", "baselines.tsv", "validation_split.txt"] {
        let [a, b] = ["zero", "missing"].map(|model| bytes(data.path(&format!("{model}/{file}"))));
        assert!(a == b, "{file}");
    }
}

#[test]
fn a_loss_is_weighted_in_training_and_validation() {
    let data = Data::new(60, 40);
    let weight = |row: usize| [1.0, 0.5, 4.0][row % 3];
    data.write(
        "w.tsv",
        with_column(&data, "w", |row| weight(row).to_string()),
    );
    let flags = "--atac-file w.tsv --weights w --number-of-epochs 1 --precision f64 --lr 1e-300";
    data.train("model", flags).ok();
    let history = Table::read(data.path("model/history.tsv"));
    for (part, rows, column) in [
        ("train", 12..60, "train_loss"),
        ("validation", 6..12, "validation_loss"),
    ] {
        let predicted = data
            .run(&format!(
                "tisfm predict --model model/model.last --split {part}"
            ))
            .ok()
            .table();
        let (mut sum, mut all) = (0.0, 0.0);
        for output in ["K562", "MCF7"] {
            let measured = predicted.numbers(&format!("{output}.measured"));
            for ((row, p), m) in rows.clone().zip(predicted.numbers(output)).zip(measured) {
                sum += weight(row) * (p - m) * (p - m);
                all += weight(row);
            }
        }
        let (found, expected) = (history.numbers(column)[0], sum / all);
        assert!(
            (found - expected).abs() < 1e-9 * expected,
            "{part}: {found}, {expected}"
        );
    }
}

#[test]
fn weights_and_batches_that_make_no_sense_are_refused() {
    let data = Data::new(30, 40);
    let table = |value: &str| {
        let value = value.to_string();
        with_column(&data, "quality", move |row| {
            if row == 4 {
                value.clone()
            } else {
                "1".to_string()
            }
        })
    };
    for bad in ["-1", "inf", "NaN", "", "high", "0,5"] {
        data.write("bad.tsv", table(bad));
        data.refuses(
            "--atac-file bad.tsv --weights quality",
            1,
            &[
                "bad.tsv, line 6",
                &format!("'{bad}' in row '{}', column 'quality'", data.names[4]),
                "a weight, a number of 0 or more",
            ],
        );
    }
    data.write(
        "bad.tsv",
        with_column(&data, "quality", |_| "0".to_string()),
    );
    data.refuses(
        "--atac-file bad.tsv --weights quality",
        1,
        &["bad.tsv, line 1: column 'quality': all weights are 0"],
    );
    data.write(
        "good.tsv",
        with_column(&data, "quality", |row| (row % 2 + 1).to_string()),
    );
    data.refuses(
        "--atac-file good.tsv --weights qality",
        1,
        &["good.tsv, line 1: no column 'qality' (--weights); did you mean 'quality'"],
    );
    data.refuses(
        "--atac-file good.tsv --batch-column lab",
        1,
        &[
            "no column 'lab' (--batch-column); did you mean",
            "'quality'",
        ],
    );
    data.refuses(
        "--atac-file good.tsv --weights quality --batch-column quality",
        2,
        &["--batch-column quality: it is the column of --weights"],
    );
    data.write(
        "own.tsv",
        with_column(&data, "lab", |row| format!("lab{row}")),
    );
    data.refuses(
        "--atac-file own.tsv --batch-column lab",
        1,
        &["--batch-column: another batch in each of 24 training rows"],
    );
    data.write(
        "hole.tsv",
        with_column(&data, "lab", |row| {
            if row == 7 { "" } else { "x" }.to_string()
        }),
    );
    data.refuses(
        "--atac-file hole.tsv --batch-column lab",
        1,
        &[
            "hole.tsv, line 9: '' in row",
            "expected the name of the row's batch",
        ],
    );
    // Without the flag it is an output, which must be a number.
    data.refuses(
        "--atac-file own.tsv",
        1,
        &[
            "own.tsv, line 2: 'lab0' in row",
            "column 'lab'; expected a finite number",
        ],
    );
}

/// Batch b has K562 raised by 3 and MCF7 lowered by 1, of numbers that are exact.
fn shifted(data: &Data, shift: bool, batch: impl Fn(usize) -> &'static str) -> String {
    changed(data, "lab", |row, fields| {
        let batch = batch(row);
        let by = if shift && batch == "b" {
            [3.0, -1.0]
        } else {
            [0.0, 0.0]
        };
        let moved = |place: usize| {
            // On a grid, so that sums do not round.
            let value = (fields[place + 1].parse::<f64>().unwrap() * 64.0).round() / 64.0;
            (value + by[place]).to_string()
        };
        vec![fields[0].clone(), moved(0), moved(1), batch.to_string()]
    })
}

#[test]
fn what_a_batch_adds_to_all_of_its_signals_does_not_matter() {
    let data = Data::new(60, 40);
    // In each of the parts both batches are there: of the 48 training rows, 12..60, half are of b.
    let batch = |row: usize| ["a", "b"][row % 2];
    data.write("plain.tsv", shifted(&data, false, batch));
    data.write("moved.tsv", shifted(&data, true, batch));
    for precision in ["f32", "f64"] {
        let flags =
            format!("--batch-column lab --precision {precision} --lr 0.02 --number-of-epochs 3");
        let model = |table: &str| format!("{table}_{precision}");
        for table in ["plain", "moved"] {
            let run = data
                .train(&model(table), &format!("{flags} --atac-file {table}.tsv"))
                .ok();
            assert!(
                run.err
                    .contains("note: batches 'a', 'b': the mean of a batch's training signals"),
                "{}",
                run.err
            );
        }
        // What is left differs by the mean shift alone, which the bias has to find: correlations are nearly the same.
        let test = |table: &str| {
            let run = data
                .run(&format!("tisfm test --model {}", model(table)))
                .ok();
            assert!(run.err.contains("note: batches 'a', 'b'"), "{}", run.err);
            run.table()
        };
        let (plain, moved) = (test("plain"), test("moved"));
        let rules = ["ridge_mse", "GC_mse", "mean_mse"];
        for column in rules {
            for (a, b) in plain
                .column(column)
                .iter()
                .zip(moved.column(column))
                .take(2)
            {
                let [a, b] = [*a, b].map(|x| x.parse::<f64>().unwrap());
                assert!((a - b).abs() < 1e-9 * a.max(1.0), "{column}: {a} {b}");
            }
        }
        let config = text(data.path(&format!("{}/config.json", model("moved"))));
        let config: serde_json::Value = serde_json::from_str(&config).unwrap();
        assert_eq!(config["columns"], serde_json::json!({"batch": "lab"}));
        let offset =
            |batch: &str, output: usize| config["batch_offsets"][batch][output].as_f64().unwrap();
        let before = text(data.path(&format!("{}/config.json", model("plain"))));
        let before: serde_json::Value = serde_json::from_str(&before).unwrap();
        let was =
            |batch: &str, output: usize| before["batch_offsets"][batch][output].as_f64().unwrap();
        for (output, by) in [(0, 1.5), (1, -0.5)] {
            assert!((offset("b", output) - was("b", output) - by).abs() < 1e-12);
            assert!((offset("a", output) + offset("b", output)).abs() < 1e-12);
        }
    }
    // Without the column the shift is noise that no sequence explains.
    let without: String = text(data.path("moved.tsv"))
        .lines()
        .map(|line| line.rsplit_once('\t').unwrap().0.to_string() + "\n")
        .collect();
    data.write("without.tsv", without);
    data.train(
        "without",
        "--atac-file without.tsv --precision f64 --lr 0.02 --number-of-epochs 3",
    )
    .ok();
    let mean = |model: &str| {
        data.run(&format!("tisfm test --model {model}"))
            .ok()
            .table()
            .numbers("mse")[0]
    };
    assert!(mean("without") > mean("moved_f64") + 1.0);
    // Measured signals are less their offsets, predictions of no batch in particular.
    let predict = data
        .run("tisfm predict --model moved_f64 --split test")
        .ok();
    let same = data
        .run("tisfm predict --model moved_f64 --sequences sequences.tsv")
        .ok();
    assert!(
        same.err
            .contains("predictions are those of no batch in particular"),
        "{}",
        same.err
    );
    assert_eq!(
        predict.table().column("K562")[0],
        same.table().column("K562")[0]
    );
    let mse = |output: &str| {
        let table = predict.table();
        let pairs = table
            .numbers(output)
            .into_iter()
            .zip(table.numbers(&format!("{output}.measured")));
        let squares: Vec<f64> = pairs.map(|(p, m)| (p - m) * (p - m)).collect();
        squares.iter().sum::<f64>() / squares.len() as f64
    };
    assert!((mse("K562") - mean("moved_f64")).abs() < 1e-12);
}

#[test]
fn a_batch_that_was_not_in_training_is_named() {
    let data = Data::new(60, 40);
    let batch = |row: usize| match row {
        0..3 => "new",
        _ => ["a", "b"][row % 2],
    };
    data.write("table.tsv", shifted(&data, true, batch));
    let said =
        "warning: no training row is of the batch ('new', 3 rows): nothing is taken off there";
    let run = data
        .train("model", "--atac-file table.tsv --batch-column lab")
        .ok();
    assert!(run.err.contains(said), "{}", run.err);
    let run = data.run("tisfm test --model model").ok();
    assert!(run.err.contains(said), "{}", run.err);
    // Another table needs the column, too.
    data.run("tisfm test --model model --atac-file signals.tsv")
        .fails(
            1,
            &["signals.tsv, line 1: no column 'lab' (--batch-column)"],
        );
    let same = data
        .run("tisfm test --model model --atac-file table.tsv")
        .ok();
    assert_eq!(same.out, run.out);
}

#[test]
fn a_run_goes_on_with_its_own_columns_alone() {
    let data = Data::new(60, 40);
    let table = changed(&data, "w\tv\tlab", |row, fields| {
        let more = [
            (1 + row % 3).to_string(),
            (1 + row % 2).to_string(),
            ["a", "b"][row % 2].to_string(),
        ];
        [fields, &more].concat()
    });
    data.write("table.tsv", table);
    let flags = |columns: &str, epochs: u64| {
        format!("--atac-file table.tsv {columns} --number-of-epochs {epochs}")
    };
    // v is an output in the first.
    let first = "--weights w --batch-column lab";
    data.train("model", &flags(first, 1)).ok();
    let before = bytes(data.path("model/config.json"));
    for (columns, part) in [
        (
            "--weights v --batch-column lab",
            "--resume: model was started with --weights w, this run has v",
        ),
        (
            "--batch-column lab",
            "--resume: model was started with --weights w, this run has no --weights",
        ),
        (
            "--weights w --batch-column v",
            "--resume: model was started with --batch-column lab, this run has v",
        ),
    ] {
        // What is no number is refused before, unless it is the batch.
        let columns = format!("{columns} --resume");
        let run = data.train("model", &flags(&columns, 2));
        match part.contains("batch-column lab, this") {
            true => run.fails(1, &["'a' in row"]),
            false => run.fails(1, &[part]),
        };
        assert!(bytes(data.path("model/config.json")) == before, "{columns}");
    }
    data.train("model", &flags(&format!("{first} --resume"), 2))
        .ok();
    data.train("whole", &flags(first, 2)).ok();
    assert_eq!(weights(&data, "model"), weights(&data, "whole"));
}
