//! The commands of docs/from-atac-seq.md and docs/from-chip-seq.md, on made files and for fewer epochs.

use super::reads::{REVERSE, Read, bam};
use crate::common::Random;
use crate::common::factornet::{BASES, Cells};
use crate::common::kinds::Kind;
use crate::common::{Table, names, text};
use crate::scripts::{block, shell};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;

/// Reads all over the genome of [`Cells`], more of them where `peaks` (BED) lie.
fn reads(peaks: &str, seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let mut reads = Vec::new();
    let mut read = |reference: usize, place: u64, random: &mut Random| {
        reads.push(Read {
            reference,
            place: place.min(u64::from(BASES) - 60) as u32,
            flags: [0, REVERSE][random.below(2) as usize],
            quality: 60,
        });
    };
    for reference in 0..3 {
        for _ in 0..4_000 {
            let place = random.below(u64::from(BASES));
            read(reference, place, &mut random);
        }
    }
    for line in peaks.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let chromosome: usize = fields[0].trim_start_matches("chr").parse().unwrap();
        let start: u64 = fields[1].parse().unwrap();
        for _ in 0..60 {
            let place = start + random.below(300);
            read(chromosome - 1, place, &mut random);
        }
    }
    bam(&[("chr1", BASES), ("chr2", BASES), ("chr3", BASES)], &reads)
}

/// The files that both pages begin with, under their names.
fn files() -> Cells {
    let cells = Cells::new();
    let (a, b) = (
        text(cells.path("A/CTCF.bed")),
        text(cells.path("B/CTCF.bed")),
    );
    std::fs::write(cells.path("K562.bam"), reads(&a, 1)).unwrap();
    std::fs::rename(cells.path("genome.fa"), cells.path("hg38.fa")).unwrap();
    for (name, peaks) in [("K562", &a), ("GM12878", &b)] {
        cells.write(&format!("{name}.narrowPeak"), peaks);
    }
    for name in ["GM12878", "HepG2"] {
        std::fs::write(cells.path(&format!("{name}.bam")), reads(&b, 2)).unwrap();
    }
    let packed = |name: &str, text: &str| {
        let file = std::fs::File::create(cells.path(name)).unwrap();
        let mut packed = GzEncoder::new(file, Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap();
    };
    packed("CTCF.narrowPeak.gz", &a);
    packed(
        "CTCF.relaxed.narrowPeak.gz",
        &text(cells.path("A/CTCF.relaxed.bed")),
    );
    packed("JASPAR.meme.gz", &text(cells.path("motifs.meme")));
    cells
}

#[test]
fn from_atac_seq() {
    let page = include_str!("../../../docs/from-atac-seq.md");
    let script = block(
        page,
        "<!-- atac",
        &["prepare peaks", "tisfm train", "tisfm motifs"],
    )
    .replace("chrom:chr8:chr9", "chrom:chr2:chr3")
    .replace(
        "--recipe recommended",
        "--recipe recommended --number-of-epochs 1",
    );
    let cells = files();
    let run = shell(cells.folder(), &script).ok();
    assert!(
        run.out.contains("K562\t1\t") && run.out.contains("GM12878\t1\t"),
        "{}",
        run.out
    );
    let signals = Table::read(cells.path("data/signals.tsv"));
    assert_eq!(signals.header, ["name", "K562", "GM12878"]);
}

#[test]
fn from_chip_seq() {
    let page = include_str!("../../../docs/from-chip-seq.md");
    let commands = [
        "prepare track",
        "prepare cell",
        "factornet train",
        "factornet evaluate",
        "factornet predict",
    ];
    let script = block(page, "<!-- chip", &commands)
        .replace("chr1 chr8 chr21", "chr3")
        .replace("chr11", "chr2")
        .replace("hg38\n", "100000\n")
        .replace(
            "--recipe recommended",
            "--recipe recommended -e 1 -L 200 -w 10 -k 4 -r 3 -d 8",
        );
    let cells = files();
    cells.write("windows.bed", "chr3\t5000\t5200\n");
    let run = shell(cells.folder(), &script).ok();
    assert!(run.out.starts_with("factor\tauROC\t"), "{}", run.out);
    assert_eq!(cells.scored("scores.bed.gz").len(), 1);
    assert_eq!(names(cells.path("HepG2")), ["DNase.bw", "bigwig.txt"]);
}
