//! Signals that are there already.

use super::{Experiment, json};
use crate::common::Table;
use std::fmt::Write as _;

#[test]
fn rows_of_a_table_are_found_by_name_and_by_place() {
    let made = Experiment::new();
    made.prepare("plain", "").ok();
    let header = "name\tX\tY\n";
    let [mut by_name, mut by_place, mut by_window] = [header; 3].map(str::to_string);
    // Every peak but those of chr2 has a row, in another order than the peaks'.
    let peaks = made.peaks();
    let peaks: Vec<&str> = peaks.lines().collect();
    for (number, peak) in peaks.iter().enumerate().rev() {
        let fields: Vec<&str> = peak.split('\t').collect();
        if fields[0] == "chr2" {
            continue;
        }
        let signal = match number % 7 {
            0 => "NA".to_string(),
            _ => (number * 2).to_string(),
        };
        let _ = writeln!(by_name, "{}\t{number}\t{signal}", fields[3]);
        let _ = writeln!(
            by_place,
            "{}_{}_{}\t{number}\t{signal}",
            fields[0], fields[1], fields[2]
        );
    }
    made.write("names.tsv", &by_name);
    made.write("places.tsv", &by_place);
    let run = |out: &str, more: &str| {
        made.run(&format!(
            "prepare peaks --peaks peaks.narrowPeak --genome genome.fa --width 100 --split random:60,20,20 --out {out} {more}"
        ))
    };
    run("names", "--table names.tsv --keep-names").ok();
    run("places", "--table places.tsv").ok();
    let (names, places) = (
        Table::read(made.path("names/signals.tsv")),
        Table::read(made.path("places/signals.tsv")),
    );
    assert_eq!(names.header, ["name", "X", "Y"]);
    let mut missing = 0;
    for (row, place) in names.rows.iter().zip(&places.rows) {
        let number: usize = row[1].parse().unwrap();
        assert!(
            peaks[number].contains(&format!("\t{}\t", row[0])),
            "{row:?}"
        );
        match number % 7 {
            0 => assert_eq!(row[2], "NaN"),
            _ => assert_eq!(row[2], (number * 2).to_string()),
        }
        missing += usize::from(number.is_multiple_of(7));
        assert_eq!(row[1..], place[1..]);
    }
    assert!(missing > 3);
    let left_out = json(&made.path("names/prepare.json"));
    let of_chr2 = peaks.iter().filter(|peak| peak.starts_with("chr2\t"));
    assert!(left_out["left_out"]["table"].as_u64().unwrap() > of_chr2.count() as u64 / 2);
    assert_eq!(left_out["inputs"][2]["flag"], "--table");

    // By the windows' places, beside a track: outputs of the table last.
    for (row, name) in Table::read(made.path("plain/signals.tsv"))
        .column("name")
        .iter()
        .enumerate()
    {
        let _ = writeln!(by_window, "{name}\t{row}\t1");
    }
    made.write("windows.tsv", &by_window);
    run(
        "windows",
        "--table windows.tsv --signal A=a.bw --transform log2p1",
    )
    .ok();
    let windows = Table::read(made.path("windows/signals.tsv"));
    assert_eq!(windows.header, ["name", "A", "X", "Y"]);
    for (row, found) in windows.numbers("X").iter().enumerate() {
        assert_eq!(*found, (row as f64 + 1.0).log2());
    }
}

#[test]
fn a_table_that_does_not_fit_is_said() {
    let made = Experiment::new();
    let run = |text: &str, more: &str| {
        made.write("t.tsv", text);
        made.run(&format!(
            "prepare peaks --peaks peaks.narrowPeak --genome genome.fa --width 100 --out never --table t.tsv {more}"
        ))
    };
    let peaks = made.peaks();
    let first: Vec<&str> = peaks.lines().next().unwrap().split('\t').collect();
    let start: usize = first[1].parse().unwrap();
    let from_one = format!("name\tX\nchr1:{}-{}\t1\n", start + 1, first[2]);
    run(&from_one, "").fails(1, &["t.tsv: peaks have no rows", "p0_0", "count from 1"]);
    run("name\tX\nother\t1\n", "").fails(1, &["peaks have no rows: rows are called 'other'"]);
    run("name\tA\np0_0\t1\n", "--signal A=a.bw").fails(2, &["two signals are called 'A'"]);
    run("name\tX\nchr1:1-2\t1\nchr1-1-2\t3\n", "").fails(1, &["are of one place"]);
    made.write("twice.bed", "chr2\t1\t90\tp0_0\n");
    let twice = run("name\tX\np0_0\t1\n", "--peaks twice.bed");
    twice.fails(
        1,
        &["twice.bed, line 1: peak 'p0_0' again, first in peaks.narrowPeak, line 1"],
    );
    assert!(!made.path("never").exists());
}
