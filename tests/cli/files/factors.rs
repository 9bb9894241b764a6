//! Factors without positives, empty peak files, training of all factors.

use serde_json::Value;

use crate::common::factornet::{BASES, Cells};
use crate::common::kinds::Kind;
use crate::common::text;

/// Eight peaks of a chromosome.
fn eight(chromosome: &str) -> String {
    let starts = (0..8).map(|i| 5000 + 3000 * i);
    starts
        .map(|s| format!("{chromosome}\t{s}\t{}\n", s + 300))
        .collect()
}

#[test]
fn factors_without_a_bound_window_are_warned_of_by_name() {
    let cells = Cells::new();
    cells.write("A/X.bed", eight("chr3"));
    cells.write("A/Y.bed", eight("chr1"));
    cells.write(
        "A/Z.bed",
        "chr1\t40000\t40300\nchr1\t9000\t9090\nchr3\t5000\t5300\nchr3\t7000\t7300\n",
    );
    cells.write("A/E.bed", "");
    cells.write(
        "A/chip.txt",
        "CTCF.bed CTCF\nX.bed X\nY.bed Y\nZ.bed Z\nE.bed E\n",
    );
    let run = cells.train_all("model", "-e 1").ok();
    let no_validation = "validation cannot tell whether its column means anything";
    for warning in [
        "X: no window for training is bound (its 8 peaks are in test regions); its column means nothing".to_string(),
        format!("X: no window for validation is bound (its 8 peaks are in test regions); {no_validation}"),
        format!("Y: no window for validation is bound (its 8 peaks are in training regions); {no_validation}"),
        "Z: no window for training is bound (of its 4 peaks: 1 shorter than 101 bases, 1 near the blacklist or a chromosome's end, 2 in test regions); its column means nothing".to_string(),
        "E: no window for training is bound (it has no peaks on the chromosomes in use); its column means nothing".to_string(),
        "A/E.bed: the file is empty; expected peaks: chromosome, start, end".to_string(),
    ] {
        let line = format!("warning: {warning}\n");
        assert_eq!(run.err.matches(&line).count(), 1, "{line}{}", run.err);
    }
    for bound in ["CTCF: no window", "Y: no window for training"] {
        assert!(!run.err.contains(bound), "{}", run.err);
    }
    // Evaluation of all warns of the empty file as well, and one factor alone is refused in both.
    let all = cells.on("evaluate", "-m model -t chr3").ok();
    assert!(
        all.err
            .contains("warning: A/E.bed: the file is empty; expected peaks"),
        "{}",
        all.err
    );
    assert!(all.out.contains("\nE\tNaN\t"), "{}", all.out);
    let empty = ["A/E.bed: the file is empty; expected peaks"];
    cells.refuses("-f E", 1, &empty);
    cells
        .on("evaluate", "-m model -f E -t chr3")
        .fails(1, &empty);
    // A file of comments alone; relaxed peaks, without which negatives would lie on peaks.
    cells.write("A/E.bed", "# no peaks\n\n");
    cells.refuses("-f E", 1, &empty);
    cells.write("A/chip.txt", "CTCF.bed CTCF E.bed\n");
    cells.refuses("", 1, &empty);
}

#[test]
fn training_of_all_factors_does_not_touch_relaxed_peaks() {
    let cells = Cells::new();
    cells.train_all("with", "-e 1").ok();
    let relaxed = ["A/CTCF.relaxed.bed", "A/MAX.relaxed.bed"];
    // No file, and no text.
    std::fs::remove_file(cells.path(relaxed[0])).unwrap();
    cells.write(relaxed[1], b"\xff\xfe junk");
    cells.train_all("without", "-e 1").ok();
    let file = |model: &str, name: &str| {
        let path = cells.path(&format!("{model}/{name}"));
        std::fs::read(path).unwrap()
    };
    let best = "model.best.safetensors";
    assert!(file("with", best) == file("without", best));
    let config: Value = serde_json::from_slice(&file("without", "config.json")).unwrap();
    assert!(!config["files"].to_string().contains("relaxed"));
    cells.train_all("without", "-e 2 --resume").ok();
    // One factor alone needs them, and so does evaluation, which leaves out what they alone cover.
    cells.refuses(
        "",
        1,
        &["A/chip.txt, line 1: there is no file", "CTCF.relaxed.bed"],
    );
    cells
        .on("evaluate", "-m without -f CTCF -t chr3")
        .fails(1, &["A/chip.txt, line 1: there is no file"]);
}

/// A genome whose chromosomes none of the defaults names, as yeast's and the fly's.
#[test]
fn where_no_default_chromosome_is_there_the_flags_are_named() {
    let cells = Cells::new();
    let roman = |from: &str, to: &str| {
        let text = text(cells.path(from));
        let text = text.replace("chr3", "chrIII").replace("chr2", "chrII");
        cells.write(to, text.replace("chr1", "chrI"));
    };
    roman("genome.fa", "yeast.fa");
    std::fs::create_dir(cells.path("Y")).unwrap();
    roman("A/CTCF.bed", "Y/CTCF.bed");
    cells.write("Y/chip.txt", "CTCF.bed CTCF\n");
    let train = |more: &str| {
        cells.run(&format!(
            "factornet train -i Y -f CTCF -e 1 -L 200 -w 8 -k 4 -r 0 -d 8 --genome yeast.fa {more}"
        ))
    };
    let validation = "no validation region: none of the default chromosomes (chr11) is in yeast.fa; name some with -v";
    let test = "no test region: none of the default chromosomes (chr1, chr8, chr21) is in yeast.fa; name some with -t";
    train("-o never").fails(2, &[&format!("{validation}; {test}\n")]);
    train("-o never -t chrIII").fails(2, &[&format!("{validation}\n")]);
    assert!(!cells.path("never").exists());
    let run = train("-o model -v chrII:1,000-50,000").ok();
    let note = format!("note: {test} to keep them out of training\n");
    assert!(run.err.contains(&note), "{}", run.err);
    let evaluate = |more: &str| {
        cells.run(&format!(
            "factornet evaluate -i Y -m model --genome yeast.fa {more}"
        ))
    };
    evaluate("").fails(2, &[&format!("{test}\n")]);
    evaluate(&format!("-t chrIII:0-{BASES}")).ok();
}
