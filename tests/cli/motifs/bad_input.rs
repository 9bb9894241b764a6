//! What every command on motifs says of files that are none, and that it writes nothing then.

use super::{Files, meme};

const COMMANDS: [&str; 3] = [
    "motifs match bad.meme known.meme --out out.tsv --html out.html",
    "motifs cluster bad.meme --out out.tsv --representatives out.meme",
    "motifs scan bad.meme --sequences s.fa --out out.tsv",
];

#[test]
fn collections_that_are_none_are_refused_by_line_and_nothing_is_written() {
    let protein = "MEME version 4\n\nALPHABET= ACDEFGHIKLMNPQRSTVWY\n\nMOTIF a\n";
    let rna = "MEME version 4\n\nALPHABET= ACGU\n\nMOTIF a\n";
    let twice = meme(&["A ACGTACGT", "A TTTTACGT"]);
    let cases = [
        ("", "bad.meme"),
        (
            "MEME version 4\n\nALPHABET= ACGT\n",
            "no motif in this file",
        ),
        (protein, "bad.meme, line 3"),
        (rna, "bad.meme, line 3"),
        (twice.as_str(), "first on line 5"),
        (">one\nACGT\n", "not a MEME file: it begins with"),
    ];
    for (text, message) in cases {
        let files = Files::new();
        files.write("bad.meme", text);
        let before = files.names();
        for command in COMMANDS {
            files.run(command).fails(1, &["bad.meme", message]);
            assert_eq!(files.names(), before, "{command} on {text:?}");
        }
        let targets = files.run("motifs match known.meme bad.meme --out out.tsv");
        targets.fails(1, &["bad.meme", message]);
        assert_eq!(files.names(), before);
    }
}

#[test]
fn motifs_that_say_little_are_no_trouble() {
    let files = Files::new();
    let motifs = meme(&[
        "ONE A",
        "FLAT NNNNNN",
        "SINGLE N",
        "LONG ACGTACGTACGTACGTACGTACGTACGTACGTACGTACGT",
    ]);
    files.write("bad.meme", &motifs);
    files.write("n.fa", ">n\nNNNNNNNNNN\n>short\nAC\n");
    let table = files
        .run("motifs match bad.meme known.meme --thresh 9 --evalue")
        .ok()
        .table();
    assert_eq!(table.rows.len(), 4 * 6);
    let flat = table.rows.iter().filter(|row| row[0] == "FLAT");
    assert!(
        flat.into_iter().all(|row| row[3] == "1"),
        "a uniform motif resembles nothing"
    );
    assert_eq!(
        files.run("motifs cluster bad.meme").ok().table().rows.len(),
        4
    );
    let run = files.run("motifs scan bad.meme --sequences n.fa").ok();
    assert!(run.table().rows.is_empty());
    assert!(run.err.contains("3 motifs too short"), "{}", run.err);
    assert!(
        run.err.contains(
            "2 motifs longer than every stretch of n.fa without an N, which have 2 bases at most"
        ),
        "{}",
        run.err
    );
    files.write("n.fa", ">n\nNNNNNNNNNN\n");
    let run = files.run("motifs scan known.meme --sequences n.fa").ok();
    assert!(run.err.contains("n.fa: no base but N"), "{}", run.err);
}

#[test]
fn numbers_out_of_range_are_wrong_usage() {
    let files = Files::new();
    for (command, message) in [
        (
            "motifs match own.meme known.meme --thresh 0",
            "expected a number above 0",
        ),
        (
            "motifs match own.meme known.meme --thresh -1",
            "expected a number above 0",
        ),
        (
            "motifs match own.meme known.meme --thresh 2",
            "a q-value is 1 at most",
        ),
        (
            "motifs scan own.meme --sequences s.fa --qvalue 2",
            "a q-value is 1 at most",
        ),
        (
            "motifs match own.meme known.meme --top 0",
            "expected a whole number of 1 or more",
        ),
        ("motifs match own.meme known.meme --distance x", "euclidean"),
        (
            "motifs scan own.meme --sequences s.fa --thresh 2",
            "a p-value is 1 at most",
        ),
        (
            "motifs scan own.meme --sequences s.fa --thresh nan",
            "expected a number above 0",
        ),
        (
            "motifs scan own.meme --sequences s.fa --out s.fa",
            "--out s.fa",
        ),
        (
            "motifs cluster own.meme --representatives own.meme",
            "--representatives own.meme",
        ),
    ] {
        files.run(command).fails(2, &[message]);
    }
}
