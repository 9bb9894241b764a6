//! Sequences: lists, FASTA, BED with a genome.

use super::with_line;
use crate::common::kinds::Kind;
use crate::common::text;
use crate::common::tisfm::Data;

#[test]
fn a_letter_that_is_no_base_is_shown_with_its_line() {
    let data = Data::new(30, 40);
    let list = text(data.path("sequences.tsv"));
    let (name, sequence) = list.lines().nth(4).unwrap().split_once('\t').unwrap();
    let bad = format!("{}J{}", &sequence[..11], &sequence[12..]);
    data.write("bad.tsv", with_line(&list, 5, &format!("{name}\t{bad}")));
    data.refuses("--sequences bad.tsv", 1, &["bad.tsv, line 5", "'J'", name]);
    let fasta = with_line(&text(data.path("peaks.fa")), 10, &bad);
    data.write("bad.fa", fasta);
    data.refuses("--sequences bad.fa", 1, &["bad.fa, line 10", "'J'"]);
    // All IUPAC codes are letters of a sequence.
    let iupac = format!("RYSWKMBDHVN{}", &sequence[11..]);
    data.write("good.tsv", with_line(&list, 5, &format!("{name}\t{iupac}")));
    data.train("model", "--sequences good.tsv --number-of-epochs 1")
        .ok();
    data.run("tisfm predict --model model --sequences bad.fa")
        .fails(1, &["bad.fa, line 10"]);
}

#[test]
fn sequences_of_two_lengths_name_the_first_that_differs() {
    let data = Data::new(30, 40);
    let list = text(data.path("sequences.tsv"));
    let line = list.lines().nth(6).unwrap();
    let name = line.split('\t').next().unwrap();
    data.write("bad.tsv", with_line(&list, 7, &format!("{line}A")));
    data.refuses(
        "--sequences bad.tsv",
        1,
        &["bad.tsv, line 7", name, "41 bases", "expected 40"],
    );
}

#[test]
fn another_window_than_the_sequences_is_refused() {
    let data = Data::new(30, 40);
    data.refuses(
        "--window-size 41",
        1,
        &["--window-size 41", "sequences.tsv", "40 bases"],
    );
    data.train("model", "--number-of-epochs 1").ok();
    data.write("long.tsv", format!("a\t{}\n", "ACGTA".repeat(10)));
    let run = data.run("tisfm predict --model model --sequences long.tsv --out table.tsv");
    run.fails(1, &["50 bases", "the model takes 40"]);
    assert!(!data.path("table.tsv").exists());
}

#[test]
fn sequences_shorter_than_the_longest_motif_are_refused() {
    let data = Data::new(30, 8);
    data.refuses("", 1, &["8 bases", "shorter than the longest motif (9)"]);
}

#[test]
fn duplicate_names_show_both_lines() {
    let data = Data::new(30, 40);
    let twice = |name: &str, of: usize, at: usize| {
        let content = text(data.path(name));
        let line = content.lines().nth(of - 1).unwrap().to_string();
        data.write("bad", with_line(&content, at, &line));
    };
    twice("sequences.tsv", 3, 8);
    data.refuses(
        "--sequences bad",
        1,
        &["bad, line 8", "first on line 3", &data.names[2]],
    );
    twice("signals.tsv", 3, 8);
    data.refuses(
        "--atac-file bad",
        1,
        &["bad, line 8", "first on line 3", &data.names[1]],
    );
    twice("peaks.fa", 3, 9);
    data.refuses("--sequences bad", 1, &["bad, line 9", "first on line 3"]);
    let motifs = text(data.path("motifs.meme"));
    data.write("bad", motifs.replace("MOTIF CACGTG", "MOTIF GATA"));
    data.refuses(
        "--meme-file bad",
        1,
        &["bad, line", "'GATA' again", "first on line"],
    );
    let signals = text(data.path("signals.tsv"));
    data.write("bad", signals.replace("K562\tMCF7", "K562\tK562"));
    data.refuses("--atac-file bad", 1, &["bad, line 1", "K562"]);
}

#[test]
fn a_bed_file_needs_its_genome_and_chromosomes_that_are_in_it() {
    let data = Data::new(30, 40);
    data.refuses(
        "--sequences peaks.bed",
        2,
        &["peaks.bed is a BED file", "--genome"],
    );
    data.write("bare.fa", text(data.path("genome.fa")).replace(">chr", ">"));
    let run = "--sequences peaks.bed --genome bare.fa";
    data.refuses(run, 1, &["chr1", "'1'"]);
    let bed = text(data.path("peaks.bed"));
    data.write("far.bed", with_line(&bed, 2, "chr2\t99990\t100030"));
    data.refuses(
        "--sequences far.bed --genome genome.fa",
        1,
        &[
            "1 of the 30 rows of signals.tsv",
            "has no sequence in far.bed: 'chr2:",
        ],
    );
    data.write("bad.bed", with_line(&bed, 2, "chr2\t60\t20"));
    data.refuses(
        "--sequences bad.bed --genome genome.fa",
        1,
        &["bad.bed, line 2"],
    );
}
