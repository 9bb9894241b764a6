//! `cisgrad motifs scan`.

use super::Files;
use crate::common::{Table, text};

#[test]
fn occurrences_have_fimos_columns_and_both_strands() {
    let files = Files::new();
    let run = files.run("motifs scan known.meme --sequences s.fa").ok();
    let table = run.table();
    assert_eq!(
        table.header.join(" "),
        "motif_id motif_alt_id sequence_name start stop strand score p-value q-value matched_sequence"
    );
    let found: Vec<String> = table
        .rows
        .iter()
        .map(|r| [&r[..6], &r[9..]].concat().join(" "))
        .collect();
    assert_eq!(
        found,
        [
            "AP1 ap1 one 3 10 + TGAGTCAT",
            "AP1 ap1 two 16 23 - TGAGTCAT",
            "CTCF ctcf two 3 14 + CCACTAGGTGGC",
        ]
    );
    // 8 positions of log2((0.91 + 0.0001) / 0.25), and one window of 4^8.
    let expected = 8.0 * (0.9101f64 / 0.25).log2();
    assert!((table.numbers("score")[0] - expected).abs() < 1e-3);
    assert!((table.numbers("p-value")[0] - 1.0 / 65_536.0).abs() < 1e-9);
    // Windows of 8 on both strands: 5, and 5 and 4 behind and before an N.
    let windows = 2.0 * (5.0 + 5.0 + 4.0);
    assert!((table.numbers("q-value")[0] - windows / 65_536.0 / 2.0).abs() < 1e-7);
    assert!(
        run.err.contains("1 motif too short") && run.err.contains("EBOX"),
        "{}",
        run.err
    );
    assert!(
        run.err.contains("3 occurrences of 6 motifs in 2 sequences"),
        "{}",
        run.err
    );
    let ebox = files.run("motifs scan known.meme --sequences s.fa --thresh 0.001 --qvalue 1e-6");
    assert_eq!(ebox.ok().table().column("motif_id"), ["CTCF"]);
}

#[test]
fn intervals_come_from_a_genome_and_places_go_to_bed() {
    let files = Files::new();
    files.write("b.bed", "chr1\t95\t105\nchr1\t80\t110\tpeak\n");
    let bed = "chr1\t92\t100\tAP1\t48\t+\n";
    let run = files
        .run("motifs scan known.meme --bed b.bed --genome g.fa --format bed")
        .ok();
    assert_eq!(run.out, bed);
    // A peak with two summits has two lines.
    files.write("twice.bed", "chr1\t80\t110\tp1\nchr1\t80\t110\tp2\n");
    let run = files
        .run("motifs scan known.meme --bed twice.bed --genome g.fa --format bed")
        .ok();
    assert_eq!(run.out, bed);
    assert!(
        run.err
            .contains("twice.bed: 1 interval with the place of an earlier one: taken once"),
        "{}",
        run.err
    );
    let table = files
        .run("motifs scan known.meme --bed b.bed --genome g.fa")
        .ok()
        .table();
    assert_eq!(table.rows.len(), 1);
    assert_eq!(table.rows[0][2..5], ["chr1:80-110", "13", "20"]);
    // Names that are places do as well; others do not.
    files.write(
        "places.fa",
        ">chr1:85-105\nTTTTTTTTGAGTCATAAAAA\n>chr1:0-3\nACG\n",
    );
    let run = files
        .run("motifs scan known.meme --sequences places.fa --format bed --out o.bed")
        .ok();
    assert_eq!(
        (run.out.as_str(), text(files.path("o.bed")).as_str()),
        ("", bed)
    );
    files
        .run("motifs scan known.meme --sequences s.fa --format bed")
        .fails(2, &["--format bed: s.fa: where 'one' lies is not known"]);
    files
        .run("motifs scan known.meme --bed b.bed")
        .fails(2, &["--genome"]);
    files
        .run("motifs scan known.meme")
        .fails(2, &["--sequences"]);
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let files = Files::new();
    let one =
        files.run("motifs scan known.meme --sequences s.fa --thresh 0.01 --threads 1 --out a.tsv");
    one.ok();
    files
        .run("motifs scan known.meme --sequences s.fa --thresh 0.01 --out b.tsv.gz")
        .ok();
    assert!(Table::read(files.path("a.tsv")).rows.len() > 4);
    let packed = std::fs::File::open(files.path("b.tsv.gz")).unwrap();
    let mut plain = String::new();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(packed), &mut plain)
        .unwrap();
    assert_eq!(plain, text(files.path("a.tsv")));
}

#[test]
fn a_genome_beside_sequences_is_not_read_and_nothing_to_scan_says_so() {
    let files = Files::new();
    let run = files
        .run("motifs scan known.meme --sequences s.fa --genome g.fa")
        .ok();
    let note = "note: s.fa holds sequences, no intervals: the genome g.fa is not read";
    assert!(run.err.contains(note), "{}", run.err);
    files.run("motifs scan known.meme").fails(
        2,
        &["nothing to scan: give --sequences FILE, or --bed BED and --genome FASTA"],
    );
}
