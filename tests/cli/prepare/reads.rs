//! Reads in `cisgrad prepare`: BAM and fragment files.

use crate::common::{Random, Run, Table, cisgrad, text};
use cisgrad::io::bigwig::{BigWig, Run as Values, write_bigwig};
use cisgrad::io::chrom_sizes::Chromosomes;
use std::io::Write as _;
use std::path::PathBuf;

const LENGTHS: [(&str, u32); 3] = [("chr1", 6_000), ("chrM", 500), ("chr2_alt", 400)];

/// An alignment: 36 bases, of which the first 2 are clipped; 3 are missing in the middle of the rest.
#[derive(Clone, Copy)]
pub struct Read {
    pub reference: usize,
    /// The first aligned base, counted from 0.
    pub place: u32,
    pub flags: u16,
    pub quality: u8,
}

/// Bases of the genome that an alignment covers: 10 + 3 + 24.
const SPAN: u32 = 37;
pub const REVERSE: u16 = 0x10;

impl Read {
    /// Where it begins, if it counts.
    fn cut(self) -> Option<u32> {
        let out = 0x4 | 0x100 | 0x200 | 0x400 | 0x800;
        let counts = self.flags & out == 0 && self.quality >= 30;
        counts.then_some(match self.flags & REVERSE {
            0 => self.place,
            _ => self.place + SPAN - 1,
        })
    }
}

/// The bytes of a BAM file, as the SAM specification (section 4.2) has them.
pub fn bam(references: &[(&str, u32)], reads: &[Read]) -> Vec<u8> {
    let mut bytes = b"BAM\x01".to_vec();
    let lines: String = references
        .iter()
        .map(|(name, length)| format!("@SQ\tSN:{name}\tLN:{length}\n"))
        .collect();
    let header = format!("@HD\tVN:1.6\tSO:unsorted\n{lines}");
    bytes.extend((header.len() as u32).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend((references.len() as u32).to_le_bytes());
    for (name, length) in references {
        bytes.extend((name.len() as u32 + 1).to_le_bytes());
        bytes.extend(name.bytes().chain([0]));
        bytes.extend(length.to_le_bytes());
    }
    for read in reads {
        let mut record = Vec::new();
        record.extend((read.reference as u32).to_le_bytes());
        record.extend(read.place.to_le_bytes());
        record.extend([2, read.quality, 0, 0]);
        record.extend(4_u16.to_le_bytes());
        record.extend(read.flags.to_le_bytes());
        record.extend(36_u32.to_le_bytes());
        record.extend([0xff; 8]);
        record.extend([0; 4]);
        record.extend(*b"r\0");
        // 2S 10M 3D 24M.
        for (length, kind) in [(2_u32, 4), (10, 0), (3, 2), (24, 0)] {
            record.extend((length << 4 | kind).to_le_bytes());
        }
        record.extend([0x11; 18]);
        record.extend([0xff; 36]);
        bytes.extend((record.len() as u32).to_le_bytes());
        bytes.extend(record);
    }
    let mut packed = noodles_bgzf::io::Writer::new(Vec::new());
    packed.write_all(&bytes).unwrap();
    packed.finish().unwrap()
}

struct Reads {
    folder: tempfile::TempDir,
    reads: Vec<Read>,
}

impl Reads {
    fn new() -> Reads {
        let mut random = Random(3);
        let mut reads = Vec::new();
        for _ in 0..3_000 {
            let reference = [0, 0, 0, 1][random.below(4) as usize];
            let last = LENGTHS[reference].1 - SPAN;
            let out = [0, 0, 0, 0, 0, 0x400, 0x100, 0x4][random.below(8) as usize];
            reads.push(Read {
                reference,
                // Some places have many.
                place: (random.below(u64::from(last)) / 7 * 7) as u32,
                flags: out | [0, REVERSE][random.below(2) as usize],
                quality: [60, 60, 60, 7][random.below(4) as usize],
            });
        }
        let made = Reads {
            folder: tempfile::tempdir().unwrap(),
            reads,
        };
        std::fs::write(made.path("reads.bam"), made.bam(&LENGTHS)).unwrap();
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &str) -> Run {
        cisgrad(self.folder.path(), arguments)
    }

    fn bam(&self, references: &[(&str, u32)]) -> Vec<u8> {
        bam(references, &self.reads)
    }

    /// How many reads that count begin on each base.
    fn counts(&self, reference: usize, shift: (i64, i64)) -> Vec<f64> {
        let mut counts = vec![0.0; LENGTHS[reference].1 as usize];
        for read in self.reads.iter().filter(|read| read.reference == reference) {
            let Some(cut) = read.cut() else { continue };
            let by = match read.flags & REVERSE {
                0 => shift.0,
                _ => shift.1,
            };
            if let Some(count) = counts.get_mut((i64::from(cut) + by) as usize) {
                *count += 1.0;
            }
        }
        counts
    }

    fn kept(&self) -> usize {
        self.reads
            .iter()
            .filter(|read| read.cut().is_some())
            .count()
    }

    /// The values of a track, 0 where it has none.
    fn track(&self, name: &str, reference: usize) -> Vec<f64> {
        let (chromosome, length) = LENGTHS[reference];
        let mut values = vec![0.0; length as usize];
        let track = BigWig::open(self.path(name)).unwrap();
        track
            .each_run(chromosome, 0, length, |from, to, value| {
                values[from as usize..to as usize].fill(f64::from(value));
            })
            .unwrap();
        values
    }
}

#[test]
fn a_track_counts_where_reads_begin() {
    let made = Reads::new();
    let run = made
        .run("prepare track --reads reads.bam --out plain.bw")
        .ok();
    for reference in [0, 1] {
        assert_eq!(
            made.track("plain.bw", reference),
            made.counts(reference, (0, 0))
        );
    }
    let kept = made.kept();
    let said = format!("{kept} cuts of {kept} reads; left out: ");
    assert!(run.err.contains(&said), "{}", run.err);
    for part in [
        "unmapped",
        "secondary",
        "duplicates",
        "of low mapping quality",
    ] {
        assert!(run.err.contains(part), "{part}: {}", run.err);
    }
    // All chromosomes of the header are there, the one without a read too.
    let track = BigWig::open(made.path("plain.bw")).unwrap();
    let mut listed: Vec<(&str, u32)> = track.chromosomes().collect();
    listed.sort_unstable();
    assert_eq!(listed, [("chr1", 6_000), ("chr2_alt", 400), ("chrM", 500)]);

    made.run("prepare track --reads reads.bam --out shifted.bw --shift 4,-4")
        .ok();
    assert_eq!(made.track("shifted.bw", 0), made.counts(0, (4, -4)));
    made.run(
        "prepare track --reads reads.bam reads.bam --out cpm.bw --normalize cpm --chromosomes chr1",
    )
    .ok();
    let of_chr1 = made
        .reads
        .iter()
        .filter(|read| read.reference == 0 && read.cut().is_some())
        .count();
    for (found, count) in made.track("cpm.bw", 0).iter().zip(made.counts(0, (0, 0))) {
        let expected = count * 1e6 / of_chr1 as f64;
        assert!(
            (found - expected).abs() <= 1e-5 * expected,
            "{found} {expected}"
        );
    }
    // Reads are 36 bases long.
    made.run(
        "prepare track --reads reads.bam --out one.bw --normalize 1x --effective-genome-size hg38",
    )
    .ok();
    let factor = 2_913_022_398.0 / (kept as f64 * 36.0);
    for (found, count) in made.track("one.bw", 1).iter().zip(made.counts(1, (0, 0))) {
        let expected = count * factor;
        assert!(
            (found - expected).abs() <= 1e-5 * expected,
            "{found} {expected}"
        );
    }
    std::fs::write(made.path("black.bed"), "chr1\t0\t3000\n").unwrap();
    made.run("prepare track --reads reads.bam --out black.bw --blacklist black.bed")
        .ok();
    let left = made.track("black.bw", 0);
    assert!(left[..3000].iter().all(|value| *value == 0.0));
    assert_eq!(left[3000..], made.counts(0, (0, 0))[3000..]);
}

#[test]
fn fragments_have_two_cuts_and_are_taken_as_shifted() {
    let made = Reads::new();
    let lines = "# id=x\nchr1\t100\t180\tAAAC\t2\nchr1\t90\t181\tAAAG\t1\nchrUn\t5\t9\tAAAG\t1\n";
    std::fs::write(made.path("fragments.tsv"), lines).unwrap();
    std::fs::write(made.path("c.sizes"), "chr1\t6000\n").unwrap();
    let run = made
        .run("prepare track --reads fragments.tsv --out f.bw --chrom-sizes c.sizes --shift 4,-4")
        .ok();
    assert!(
        run.err
            .contains("4 cuts of 2 reads; left out: 1 on chromosomes"),
        "{}",
        run.err
    );
    let values = made.track("f.bw", 0);
    let cuts: Vec<usize> = (0..values.len()).filter(|&i| values[i] > 0.0).collect();
    assert_eq!(cuts, [90, 100, 179, 180]);
    // Not each file says how long its reads are.
    std::fs::write(
        made.path("all.sizes"),
        "chr1\t6000\nchrM\t500\nchr2_alt\t400\n",
    )
    .unwrap();
    let mixed = "prepare track --reads reads.bam fragments.tsv --chrom-sizes all.sizes --out m.bw";
    made.run(&format!(
        "{mixed} --normalize 1x --effective-genome-size hg38"
    ))
    .fails(2, &["--normalize 1x", "expected BAM"]);
    made.run(
        "prepare track --reads fragments.tsv --out cpm.bw --chrom-sizes c.sizes --normalize cpm",
    )
    .ok();
    assert_eq!(made.track("cpm.bw", 0)[90], 250_000.0);
    made.run("prepare track --reads fragments.tsv --out g.bw")
        .fails(2, &["fragments.tsv", "--chrom-sizes"]);
}

#[test]
fn windows_count_the_reads_that_begin_in_them() {
    let made = Reads::new();
    let genome: String = LENGTHS
        .iter()
        .map(|(name, length)| format!(">{name}\n{}\n", "ACGT".repeat(*length as usize / 4)))
        .collect();
    std::fs::write(made.path("genome.fa"), genome).unwrap();
    let peaks: String = (0..40)
        .map(|i| format!("chr1\t{}\t{}\n", 140 * i + 100, 140 * i + 160))
        .collect();
    std::fs::write(made.path("peaks.bed"), peaks).unwrap();
    let chromosomes = LENGTHS
        .iter()
        .map(|(name, length)| (name.to_string(), *length));
    let chromosomes = Chromosomes::new("genome", chromosomes.collect()).unwrap();
    let runs = (0..6_000).map(|start| {
        Ok(Values {
            chromosome: 0,
            start,
            end: start + 1,
            value: 1.0,
        })
    });
    write_bigwig(made.path("ones.bw"), &chromosomes, runs).unwrap();
    let prepare = |out: &str, more: &str| {
        made.run(&format!(
            "prepare peaks --peaks peaks.bed --genome genome.fa --width 100 --split random:60,20,20 --signal ones=ones.bw --reads cuts=reads.bam --out {out} {more}"
        ))
    };
    prepare("out", "--counts --signal-width 200").ok();
    let table = Table::read(made.path("out/signals.tsv"));
    assert_eq!(table.header.join(" "), "name ones cuts");
    let counts = made.counts(0, (0, 0));
    for (row, found) in table.rows.iter().zip(table.numbers("cuts")) {
        let start: usize = row[0][5..].split('-').next().unwrap().parse().unwrap();
        let expected: f64 = counts[start - 50..start + 150].iter().sum();
        assert_eq!(found, expected, "{row:?}");
    }
    assert!(table.numbers("ones").iter().all(|mean| *mean == 1.0));
    prepare("cpm", "--signal-width 200").ok();
    let cpm = Table::read(made.path("cpm/signals.tsv"));
    let factor = 1e6 / made.kept() as f64;
    for (cpm, count) in cpm.numbers("cuts").iter().zip(table.numbers("cuts")) {
        assert!((cpm - count * factor).abs() < 1e-6);
    }
    let kept = text(made.path("cpm/prepare.json"));
    assert!(kept.contains("\"--reads\"") && kept.contains("reads.bam"));
}

#[test]
fn fragments_of_another_build_are_refused_and_a_chromosome_without_signal_is_warned_of() {
    let made = Reads::new();
    let fragments: String = (0..200)
        .map(|i| format!("chr1\t{0}\t{1}\tb\t1\n", 100 + i * 20, 180 + i * 20))
        .collect();
    std::fs::write(made.path("f.tsv"), &fragments).unwrap();
    std::fs::write(made.path("sizes"), "chr1\t6000\nchrM\t500\n").unwrap();
    std::fs::write(made.path("short"), "chr1\t3000\nchrM\t500\n").unwrap();
    made.run("prepare track --reads f.tsv --chrom-sizes sizes --out f.bw")
        .ok();
    made.run("prepare track --reads f.tsv --chrom-sizes short --out never.bw")
        .fails(
            1,
            &[
                "f.tsv, line ",
                "ends past its chromosome, which has 3000 bases in short",
                "another genome build",
            ],
        );
    assert!(!made.path("never.bw").exists());
    made.run("prepare track --reads f.tsv --chrom-sizes sizes --out never.bw --effective-genome-size hg38")
        .fails(2, &["goes with --normalize 1x"]);
    for (reads, message) in [
        ("f.bw", "tracks are given with --signal"),
        ("empty", "the file is empty"),
    ] {
        std::fs::write(made.path("empty"), "").unwrap();
        made.run(&format!(
            "prepare track --reads {reads} --chrom-sizes sizes --out never.bw"
        ))
        .fails(1, &[reads, message]);
    }
    let genome = format!(
        ">chr1\n{}\n>chrM\n{}\n",
        "ACGT".repeat(1500),
        "AC".repeat(250)
    );
    std::fs::write(made.path("g.fa"), genome).unwrap();
    let peaks: String = (0..30)
        .map(|i| format!("chr1\t{0}\t{1}\n", 200 + i * 100, 260 + i * 100))
        .collect();
    std::fs::write(
        made.path("p.bed"),
        peaks + "chrM\t100\t160\nchrM\t300\t360\n",
    )
    .unwrap();
    let run = made
        .run("prepare peaks --peaks p.bed --reads F=f.tsv --genome g.fa --width 50 --split random:60,20,20 --out o")
        .ok();
    assert!(
        run.err
            .contains("warning: output F is 0 in every window on 'chrM'"),
        "{}",
        run.err
    );
    assert!(run.err.contains("f.tsv: 200 reads kept"), "{}", run.err);
    let kept: serde_json::Value = serde_json::from_str(&text(made.path("o/prepare.json"))).unwrap();
    assert_eq!(kept["settings"]["shift"], serde_json::json!([0, 0]));
    assert_eq!(kept["reads"][0]["kept"], 200);
}

#[test]
fn reads_that_cannot_be_counted_are_refused() {
    let made = Reads::new();
    let whole = std::fs::read(made.path("reads.bam")).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(made.path(name), bytes).unwrap();
    write("cut.bam", &whole[..whole.len() - 28]);
    write(
        "half.bam",
        &[&whole[..whole.len() / 2], &whole[whole.len() - 28..]].concat(),
    );
    write("reads.cram", b"CRAM\x03\x00");
    write("reads.sam", b"@HD\tVN:1.6\n@SQ\tSN:chr1\tLN:6000\n");
    let none = Reads {
        folder: tempfile::tempdir().unwrap(),
        reads: Vec::new(),
    };
    write("empty.bam", &none.bam(&LENGTHS));
    write("mm.bam", &none.bam(&[("1", 6_000)]));
    write("c.sizes", b"chr1\t7000\n");
    for (reads, more, code, parts) in [
        (
            "cut.bam",
            "",
            1,
            &["cut.bam", "truncated BAM", "copy the file again"][..],
        ),
        ("half.bam", "", 1, &["half.bam", "BAM file"]),
        (
            "reads.cram",
            "",
            1,
            &["reads.cram", "a CRAM file", "samtools view -b"],
        ),
        (
            "reads.sam",
            "",
            1,
            &["reads.sam", "SAM text", "samtools view -b"],
        ),
        (
            "empty.bam",
            "",
            1,
            &["empty.bam", "no read is left to count"],
        ),
        ("none.bam", "", 1, &["none.bam", "No such file"]),
        (
            "mm.bam",
            "--chrom-sizes c.sizes",
            1,
            &["no chromosome of mm.bam is in c.sizes", "'1'", "'chr1'"],
        ),
        (
            "reads.bam",
            "--chrom-sizes c.sizes",
            1,
            &[
                "reads.bam",
                "chr1 has 6000 bases in its header, 7000 in c.sizes",
            ],
        ),
        (
            "reads.bam",
            "--chromosomes chr9",
            2,
            &["--chromosomes chr9", "chr1"],
        ),
        (
            "reads.bam",
            "--normalize 1x",
            2,
            &["--effective-genome-size"],
        ),
        (
            "reads.bam",
            "--shift 4",
            2,
            &["--shift", "two whole numbers"],
        ),
        (
            "reads.bam",
            "--min-mapping-quality 200",
            1,
            &["no read is left", "low mapping quality"],
        ),
    ] {
        let run = made.run(&format!(
            "prepare track --reads {reads} --out never.bw {more}"
        ));
        run.fails(code, parts);
        assert!(!made.path("never.bw").exists(), "{reads} {more}");
    }
}
