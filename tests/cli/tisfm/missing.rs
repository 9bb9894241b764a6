//! Signals with missing numbers.

use crate::common::kinds::Kind;
use crate::common::tisfm::Data;
use crate::common::{Table, bytes, parameter, text};

/// The table of signals with some fields in another form: row (counted from 0), column (1: K562, 2: MCF7), text.
fn with_fields(data: &Data, fields: &[(usize, usize, &str)]) -> String {
    let table = text(data.path("signals.tsv"));
    let mut lines: Vec<Vec<String>> = table
        .lines()
        .map(|line| line.split('\t').map(String::from).collect())
        .collect();
    for (row, column, value) in fields {
        lines[row + 1][*column] = value.to_string();
    }
    lines.iter().map(|line| line.join("\t") + "\n").collect()
}

const WEIGHTS: [&str; 2] = ["model.best.safetensors", "model.last.safetensors"];

/// The parts of [`Data`] are test 0..6, validation 6..12, training 12..60.
#[test]
fn rows_without_a_number_are_as_if_they_were_not_there() {
    let data = Data::new(60, 40);
    let gone = [1, 8, 20, 41];
    let kept = |row: &usize| !gone.contains(row);
    std::fs::create_dir(data.path("fewer")).unwrap();
    for (part, rows) in [("test", 0..6), ("validation", 6..12), ("train", 12..60)] {
        let lines: String = rows
            .filter(kept)
            .map(|row| data.names[row].clone() + "\n")
            .collect();
        data.write(&format!("fewer/{part}_split.txt"), lines);
    }
    let table = text(data.path("signals.tsv"));
    let lines = table.lines().enumerate();
    let lines = lines.filter(|(line, _)| *line == 0 || kept(&(line - 1)));
    data.write(
        "fewer.tsv",
        lines
            .map(|(_, line)| format!("{line}\n"))
            .collect::<String>(),
    );
    for (precision, spelled) in [("f32", ""), ("f32", "NA"), ("f64", "nan"), ("f64", "NaN")] {
        let fields: Vec<_> = gone
            .iter()
            .flat_map(|&row| [(row, 1, spelled), (row, 2, spelled)])
            .collect();
        data.write("missing.tsv", with_fields(&data, &fields));
        let flags = format!("--precision {precision} --number-of-epochs 2");
        let [without, with] = [
            format!("without_{spelled}_{precision}"),
            format!("with_{spelled}_{precision}"),
        ];
        data.train(
            &without,
            &format!("{flags} --atac-file fewer.tsv --split-folder fewer"),
        )
        .ok();
        let run = data
            .train(&with, &format!("{flags} --atac-file missing.tsv"))
            .ok();
        for part in [
            "missing.tsv: 8 of 120 numbers are missing (6.7 %), most in 'K562' (4 of 60)",
            "missing.tsv: 4 rows without any number are left out of training, validation and test",
            "46 training, 5 validation, 5 test sequences",
        ] {
            assert!(run.err.contains(part), "{part}: {}", run.err);
        }
        for file in WEIGHTS
            .iter()
            .chain(&["test.tsv", "baselines.tsv", "train_split.txt"])
        {
            let [a, b] =
                [&without, &with].map(|model| bytes(data.path(&format!("{model}/{file}"))));
            assert!(a == b, "{spelled} {precision} {file}");
        }
    }
}

#[test]
fn a_missing_number_moves_nothing_but_what_it_is_of() {
    let data = Data::new(60, 40);
    let flags = "--number-of-epochs 3 --precision f64";
    // The number itself does not matter, and its output alone learns less.
    data.write("one.tsv", with_fields(&data, &[(20, 2, "NA"), (3, 1, "")]));
    data.train("whole", flags).ok();
    let run = data
        .train("part", &format!("{flags} --atac-file one.tsv"))
        .ok();
    assert!(
        run.err
            .contains("2 of 120 numbers are missing (1.7 %), most in 'K562' (1 of 60)"),
        "{}",
        run.err
    );
    assert!(!run.err.contains("without any number"), "{}", run.err);
    let weights = |model: &str| {
        parameter(
            data.path(&format!("{model}/model.last.safetensors")),
            "linreg.weight",
        )
    };
    assert_ne!(weights("whole"), weights("part"));
    let sequences =
        |model: &str| Table::read(data.path(&format!("{model}/test.tsv"))).numbers("sequences");
    assert_eq!(sequences("whole"), [6.0; 6]);
    assert_eq!(sequences("part"), [5.0, 6.0, 6.0, 5.0, 6.0, 6.0]);

    let tested = data.run("tisfm test --model part").ok();
    let scores = tested.table();
    assert_eq!(scores.numbers("sequences"), [5.0, 6.0, 6.0]);
    let predicted = data
        .run("tisfm predict --model part --split test")
        .ok()
        .table();
    assert_eq!(predicted.column("K562.measured")[3], "");
    assert_eq!(
        predicted
            .column("MCF7.measured")
            .iter()
            .filter(|s| s.is_empty())
            .count(),
        0
    );
    // The table's measures are those of the numbers that are there.
    let mut all = Vec::new();
    for (place, output) in ["K562", "MCF7"].into_iter().enumerate() {
        let predictions = predicted.numbers(output);
        let measured = predicted.column(&format!("{output}.measured"));
        let pairs = predictions
            .iter()
            .zip(measured)
            .filter(|(_, m)| !m.is_empty());
        let squares: Vec<f64> = pairs
            .map(|(p, m)| (p - m.parse::<f64>().unwrap()).powi(2))
            .collect();
        let mse = squares.iter().sum::<f64>() / squares.len() as f64;
        assert!(
            (mse - scores.numbers("mse")[place]).abs() < 1e-12,
            "{output}"
        );
        all.extend(squares);
    }
    let mse = all.iter().sum::<f64>() / all.len() as f64;
    assert!((mse - scores.numbers("mse")[2]).abs() < 1e-12);
    let header = tested.out.lines().next().unwrap();
    assert!(header.contains("ridge_mse"), "{header}");
    assert!(
        scores.column("ridge_mse")[..2]
            .iter()
            .all(|x| x.parse::<f64>().unwrap() > 0.0)
    );
}

/// With weights behind the targets, losses are the same numbers where nothing is missing that they would not see.
#[test]
fn the_loss_is_the_mean_over_the_numbers_that_are_known() {
    let data = Data::new(60, 40);
    // The last layer learns nothing at a rate that moves no weight: the loss is that of the first weights.
    let flags = "--number-of-epochs 1 --precision f64 --lr 1e-300 --no-baselines";
    data.write(
        "one.tsv",
        with_fields(&data, &[(20, 2, "NA"), (30, 2, "NA"), (8, 1, "")]),
    );
    data.train("part", &format!("{flags} --atac-file one.tsv"))
        .ok();
    let history = Table::read(data.path("part/history.tsv"));
    for (part, column) in [("train", "train_loss"), ("validation", "validation_loss")] {
        let predicted = data
            .run(&format!(
                "tisfm predict --model part/model.last --split {part}"
            ))
            .ok()
            .table();
        let mut squares = Vec::new();
        for output in ["K562", "MCF7"] {
            let pairs = predicted
                .numbers(output)
                .into_iter()
                .zip(predicted.column(&format!("{output}.measured")));
            let pairs = pairs.filter(|(_, m)| !m.is_empty());
            squares.extend(pairs.map(|(p, m)| (p - m.parse::<f64>().unwrap()).powi(2)));
        }
        let expected = squares.iter().sum::<f64>() / squares.len() as f64;
        let found = history.numbers(column)[0];
        assert!(
            (found - expected).abs() < 1e-9 * expected,
            "{part}: {found}, {expected}"
        );
    }
}

#[test]
fn what_is_missing_altogether_is_said() {
    let data = Data::new(30, 40);
    let column: Vec<_> = (0..30).map(|row| (row, 2, "NA")).collect();
    data.write("bad.tsv", with_fields(&data, &column));
    data.refuses(
        "--atac-file bad.tsv",
        1,
        &[
            "bad.tsv, line 1: column 'MCF7': no number in any of 30 rows",
            "leave the column out",
        ],
    );
    let validation: Vec<_> = (3..6)
        .flat_map(|row| [(row, 1, ""), (row, 2, "")])
        .collect();
    data.write("bad.tsv", with_fields(&data, &validation));
    data.refuses(
        "--atac-file bad.tsv",
        1,
        &["the validation split has 3 rows and none with a number"],
    );
    let training: Vec<_> = (6..30).map(|row| (row, 1, "")).collect();
    data.write("odd.tsv", with_fields(&data, &training));
    let run = data
        .train("odd", "--atac-file odd.tsv --number-of-epochs 1")
        .ok();
    assert!(run.err.contains("output 'K562' is missing in all training sequences: what is predicted there means nothing"), "{}", run.err);
    let test: Vec<_> = (0..3).map(|row| (row, 1, "")).collect();
    data.write("odd.tsv", with_fields(&data, &test));
    let run = data
        .train("odd_test", "--atac-file odd.tsv --number-of-epochs 1")
        .ok();
    assert!(run.err.contains("output 'K562' is missing in all test sequences: what is predicted there is not measured"), "{}", run.err);
    let table = Table::read(data.path("odd_test/test.tsv"));
    assert_eq!(
        (table.column("mse")[0], table.column("sequences")[0]),
        ("NaN", "0")
    );
}
