//! Signals, motifs and splits.

use super::with_line;
use crate::common::kinds::Kind;
use crate::common::text;
use crate::common::tisfm::Data;

#[test]
fn signals_are_finite_numbers() {
    let data = Data::new(30, 40);
    let table = text(data.path("signals.tsv"));
    let name = &data.names[2];
    for bad in ["inf", "-inf", "1e999", "0,5", "high", "N/A"] {
        data.write(
            "bad.tsv",
            with_line(&table, 4, &format!("{name}\t1\t{bad}")),
        );
        data.refuses(
            "--atac-file bad.tsv",
            1,
            &[
                "bad.tsv, line 4",
                &format!("'{bad}'"),
                "MCF7",
                "finite number",
            ],
        );
    }
    data.write("bad.tsv", with_line(&table, 4, &format!("{name}\t1")));
    data.refuses(
        "--atac-file bad.tsv",
        1,
        &["bad.tsv, line 4", "1 value in row", "expected 2"],
    );
    data.write("bad.tsv", "K562\tMCF7\n");
    data.refuses("--atac-file bad.tsv", 1, &["bad.tsv, line 1", "no rows"]);
}

#[test]
fn rows_without_a_sequence_are_counted_and_named() {
    let data = Data::new(30, 40);
    let list = text(data.path("sequences.tsv"));
    let fewer: String = list.lines().skip(4).map(|l| format!("{l}\n")).collect();
    data.write("fewer.tsv", fewer);
    data.refuses(
        "--sequences fewer.tsv",
        1,
        &[
            "4 of the 30 rows of signals.tsv have no sequence in fewer.tsv",
            &data.names[0],
            "and 1 more",
        ],
    );
}

#[test]
fn motifs_that_are_no_probabilities_are_refused() {
    let data = Data::new(30, 40);
    let motifs = text(data.path("motifs.meme"));
    let at = motifs.lines().position(|l| l.starts_with("0.03")).unwrap();
    for (row, part) in [
        ("0.03 0.03 0.03 0.03", "sum"),
        ("0.03 0.03 0.94", "row 1"),
        ("0.03 0.03 x 0.94", "'x'"),
        ("-0.5 0.5 0.5 0.5", "-0.5"),
    ] {
        data.write("bad.meme", with_line(&motifs, at + 1, row));
        data.refuses(
            "--meme-file bad.meme",
            1,
            &[&format!("bad.meme, line {}", at + 1), "GATA", part],
        );
    }
    let half = motifs.find("MOTIF GGGCGG").unwrap();
    data.write("bad.meme", &motifs[..half + 40]);
    data.refuses("--meme-file bad.meme", 1, &["bad.meme, line", "GGGCGG"]);
    data.write(
        "bad.meme",
        "MEME version 4\n\nALPHABET= ACDEFGHIKLMNPQRSTVWY\n",
    );
    data.refuses("--meme-file bad.meme", 1, &["bad.meme, line 3", "ACGT"]);
}

#[test]
fn splits_are_in_range_apart_and_not_empty() {
    let data = Data::new(30, 40);
    std::fs::create_dir(data.path("bad")).unwrap();
    let (a, b, c) = ("0\n1\n2\n3\n", "4\n5\n", "6\n7\n");
    for (parts, message) in [
        (
            [a, "4\n30\n", c],
            &["bad/validation_split.txt, line 2", "index 30", "0 to 29"][..],
        ),
        (
            [a, "-1\n", c],
            &["bad/validation_split.txt, line 1", "index -1"],
        ),
        (
            [a, b, "6\n2\n"],
            &["bad/test_split.txt, line 2", "row 2", "train split too"],
        ),
        (
            [a, "4\n4\n", c],
            &["bad/validation_split.txt, line 2", "twice in this split"],
        ),
        (
            [a, "", c],
            &["bad/validation_split.txt", "validation split is empty"],
        ),
        (
            ["\n\n", b, c],
            &["bad/train_split.txt", "train split is empty"],
        ),
        (
            [a, b, "peak_9\n"],
            &["bad/test_split.txt, line 1", "'peak_9' is no row", "chr1:"],
        ),
    ] {
        for (part, content) in ["train", "validation", "test"].iter().zip(parts) {
            data.write(&format!("bad/{part}_split.txt"), content);
        }
        data.refuses("--split-folder bad", 1, message);
    }
    std::fs::remove_file(data.path("bad/test_split.txt")).unwrap();
    data.refuses(
        "--split-folder bad",
        1,
        &["bad: test_split.npy and test_split.txt are not there"],
    );
    data.write("bad/test_split.npy", "no array");
    data.refuses("--split-folder bad", 1, &["bad/test_split.npy"]);
}

#[test]
fn rules_of_splits_are_checked() {
    let data = Data::new(30, 40);
    for (rule, code, parts) in [
        (
            "random:80,10",
            2,
            &["'80,10' is not three numbers", "random:80,10,10"][..],
        ),
        ("random:80,10,20", 2, &["sum to 110"]),
        (
            "random:99,0.5,0.5",
            1,
            &["random split of 30 rows leaves a part empty"],
        ),
        ("halves", 2, &["'halves'", "chrom:chr8:chr9"]),
        ("chrom:chr1:chr1", 2, &["'chr1' comes twice"]),
        (
            "chrom:1:chr2",
            1,
            &["no row is on chromosome '1'", "'chr1'"],
        ),
        (
            "chrom:chr1,chr2:chr3,chr4",
            1,
            &["no row is left for training"],
        ),
    ] {
        data.refuses(&format!("--split {rule}"), code, parts);
    }
    data.refuses(
        "--split random:80,10,10 --split-folder split",
        2,
        &["cannot be used with"],
    );
    let arguments = data.train_arguments("never", "");
    let none = arguments.replace("--split-folder split", "");
    data.run(&none).fails(2, &["a split is needed"]);
    assert!(!data.path("never").exists());
}
