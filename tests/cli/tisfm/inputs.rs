//! The forms of a tiSFM run's inputs, and its splits.

use std::io::Write;

use crate::common::kinds::Kind;
use crate::common::tisfm::Data;
use crate::common::{bytes, text};

const BEST: &str = "model.best.safetensors";

/// A list, FASTA and BED with its genome; plain, gzip and bgzip; LF and CRLF: the same bytes in
/// training, the same table in test, the same numbers in predict.
#[test]
fn every_form_of_the_inputs_gives_the_same_model_and_predictions() {
    let data = Data::new(60, 60);
    for name in ["signals.tsv", "sequences.tsv", "motifs.meme", "peaks.fa"] {
        let windows = text(data.path(name)).replace('\n', "\r\n");
        data.write_gzip(&format!("{name}.gz"), windows);
    }
    data.write(
        "peaks_crlf.bed",
        text(data.path("peaks.bed")).replace('\n', "\r\n"),
    );
    let bgzip = std::fs::File::create(data.path("genome.fa.bgz")).unwrap();
    let mut bgzip = noodles_bgzf::io::Writer::new(bgzip);
    bgzip.write_all(&bytes(data.path("genome.fa"))).unwrap();
    bgzip.finish().unwrap();
    let packed = "--atac-file signals.tsv.gz --meme-file motifs.meme.gz";
    let forms = [
        ("list", "--sequences sequences.tsv".to_string()),
        ("fasta", "--sequences peaks.fa".to_string()),
        (
            "bed",
            "--sequences peaks.bed --genome genome.fa".to_string(),
        ),
        ("list_gz", format!("--sequences sequences.tsv.gz {packed}")),
        ("fasta_gz", format!("--sequences peaks.fa.gz {packed}")),
        (
            "bed_bgz",
            format!("--sequences peaks_crlf.bed --genome genome.fa.bgz {packed}"),
        ),
    ];
    let mut first: Option<(Vec<u8>, String, String)> = None;
    for (out, form) in &forms {
        data.train(out, form).ok();
        let sequences: Vec<&str> = form.split_whitespace().collect();
        let end = sequences.iter().position(|w| *w == "--atac-file");
        let sequences = sequences[..end.unwrap_or(sequences.len())].join(" ");
        // The model folder alone knows its data; the flags override.
        let known = data.run(&format!("tisfm test --model {out}")).ok().out;
        let given = format!("tisfm test --model list --atac-file signals.tsv {sequences}");
        assert_eq!(data.run(&given).ok().out, known, "{out}");
        let predicted = format!("tisfm predict --model list {sequences}");
        let predicted = data.run(&predicted).ok().out;
        let weights = bytes(data.path(&format!("{out}/{BEST}")));
        let (w, k, p) =
            first.get_or_insert_with(|| (weights.clone(), known.clone(), predicted.clone()));
        assert!(*w == weights, "{out}: other weights");
        assert_eq!(*k, known, "{out}");
        assert_eq!(*p, predicted, "{out}");
    }
}

#[test]
fn a_random_split_follows_the_seed() {
    let data = Data::new(60, 40);
    let split = |out: &str, seed: u64| {
        data.train(out, &format!("--split random:70,20,10 --seed {seed}"))
            .ok();
        ["train", "validation", "test"]
            .map(|part| text(data.path(&format!("{out}/{part}_split.txt"))))
    };
    let (a, b, other) = (split("a", 1), split("b", 1), split("c", 2));
    assert_eq!(a.each_ref().map(|t| t.lines().count()), [42, 12, 6]);
    assert_eq!(a, b);
    assert_ne!(a, other);
    let mut all: Vec<&str> = a.iter().flat_map(|t| t.lines()).collect();
    all.sort_unstable();
    let mut expected: Vec<&str> = data.names.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(all, expected);
}

#[test]
fn a_chromosome_split_takes_names_or_the_bed() {
    let data = Data::new(60, 40);
    for (out, sequences) in [
        ("a", "--sequences sequences.tsv"),
        ("b", "--sequences peaks.bed --genome genome.fa"),
    ] {
        data.train(out, &format!("--split chrom:chr2:chr3,chr4 {sequences}"))
            .ok();
        let on = |part: &str, allowed: &[&str]| {
            let list = text(data.path(&format!("{out}/{part}_split.txt")));
            let chromosome = |l: &str| l.split(':').next().unwrap().to_string();
            assert!(list.lines().all(|l| allowed.contains(&&*chromosome(l))));
            list.lines().count()
        };
        assert_eq!(on("train", &["chr1"]), 15);
        assert_eq!(on("validation", &["chr2"]), 15);
        assert_eq!(on("test", &["chr3", "chr4"]), 30);
    }
}

#[test]
fn index_arrays_split_as_names_do() {
    let data = Data::new(60, 40);
    std::fs::create_dir(data.path("npy")).unwrap();
    for (part, range) in [("test", 0..6i32), ("validation", 6..12), ("train", 12..60)] {
        // NumPy's format 1.0, int32: magic, version, length of the header, header, elements.
        let header = format!(
            "{{'descr': '<i4', 'fortran_order': False, 'shape': ({},), }}",
            range.len()
        );
        let header = format!("{header:<117}\n");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(range.flat_map(i32::to_le_bytes));
        data.write(&format!("npy/{part}_split.npy"), file);
    }
    data.train("names", "").ok();
    data.train("indices", "--split-folder npy").ok();
    let weights = |out: &str| bytes(data.path(&format!("{out}/{BEST}")));
    assert!(weights("names") == weights("indices"));
}
