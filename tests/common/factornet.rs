//! Small data for FactorNet: a random genome, cell lines with peaks, tracks and meta values, annotation, blacklist.

use std::fmt::Write as _;
use std::path::Path;

use cisgrad::io::bigwig::{BigWig, Run as Values, write_bigwig};
use cisgrad::io::chrom_sizes::Chromosomes;

use super::kinds::{Kind, Output, Reading};
use super::tisfm::Data;
use super::{Random, Run, bytes, golden, names};

/// Bases of each of chr1, chr2 and chr3.
pub const BASES: u32 = 60_000;
/// What lies under every peak of CTCF.
pub const PLANTED: &str = "CCACTAGGGGGC";

/// A folder with `genome.fa` (chr1 to chr3), `genome.sizes`, `blacklist.bed`, `motifs.meme`, `annotations/` and the cell
/// lines `A` and `B`. Each has the track `DGF`, values `g1` and `g2`, the factors `CTCF` (every fifth peak relaxed alone)
/// and, `A` alone, `MAX`. Chromosomes 2 and 3 are meant for validation and test.
pub struct Cells {
    folder: tempfile::TempDir,
}

impl Cells {
    pub fn new() -> Cells {
        let cells = Cells {
            folder: tempfile::tempdir().unwrap(),
        };
        let mut random = Random(17);
        let mut genome: Vec<Vec<u8>> = (0..3)
            .map(|_| {
                (0..BASES)
                    .map(|_| b"ACGT"[random.below(4) as usize])
                    .collect()
            })
            .collect();
        // An N run, and N at an end.
        genome[0][20_000..20_100].fill(b'N');
        genome[2][..50].fill(b'N');
        for (cell, factors) in [("A", &["CTCF", "MAX"][..]), ("B", &["CTCF"])] {
            cells.cell(cell, factors, &mut genome, &mut random);
        }
        let mut fasta = String::new();
        for (i, bases) in genome.iter().enumerate() {
            let _ = writeln!(fasta, ">chr{} random", i + 1);
            for line in bases.chunks(60) {
                let _ = writeln!(fasta, "{}", std::str::from_utf8(line).unwrap());
            }
        }
        cells.write("genome.fa", fasta);
        let sizes: String = (1..=3).map(|i| format!("chr{i}\t{BASES}\n")).collect();
        cells.write("genome.sizes", sizes);
        cells.write(
            "blacklist.bed",
            "chr1\t40000\t40100\nchr3\t30000\t30500\nchrUn\t5\t9\n",
        );
        cells.annotations(&mut random);
        let mut motif = "MEME version 4\n\nALPHABET= ACGT\n\nMOTIF M1 ctcf\nletter-probability matrix: alength= 4 w= 12 nsites= 20\n".to_string();
        for base in PLANTED.chars() {
            let row = "ACGT"
                .chars()
                .map(|b| if b == base { "0.97" } else { "0.01" });
            let _ = writeln!(motif, "{}", row.collect::<Vec<_>>().join(" "));
        }
        cells.write("motifs.meme", motif);
        cells
    }

    /// Peaks of 250 to 350 bases every 1,500 or so, the motif in the middle of each, and a track that is high there.
    fn cell(&self, cell: &str, factors: &[&str], genome: &mut [Vec<u8>], random: &mut Random) {
        std::fs::create_dir(self.path(cell)).unwrap();
        let mut chip = String::new();
        let mut bumps = Vec::new();
        for factor in factors {
            let (mut strict, mut relaxed) = (String::new(), String::new());
            for (number, bases) in (0..).zip(genome.iter_mut()) {
                let mut at = 600 + random.below(500) as u32;
                let mut index = 0;
                while at + 600 < BASES {
                    let end = at + 250 + random.below(101) as u32;
                    let line = format!("chr{}\t{at}\t{end}\tp{index}\t7\n", number + 1);
                    relaxed += &line;
                    if index % 5 != 4 {
                        strict += &line;
                        let middle = (at + end) as usize / 2;
                        if *factor == "CTCF" {
                            bases[middle - 6..middle + 6].copy_from_slice(PLANTED.as_bytes());
                        }
                        bumps.push((number, at, end));
                    }
                    at = end + 900 + random.below(600) as u32;
                    index += 1;
                }
            }
            self.write(&format!("{cell}/{factor}.bed"), strict);
            self.write(&format!("{cell}/{factor}.relaxed.bed"), relaxed);
            let _ = writeln!(chip, "{factor}.bed\t{factor}\t{factor}.relaxed.bed");
        }
        self.write(&format!("{cell}/chip.txt"), chip);
        self.write(&format!("{cell}/meta.txt"), "0.5\tg1\n-1.25 g2\n");
        self.write(&format!("{cell}/bigwig.txt"), "dgf.bw\tDGF\n");
        let noise = random.below(1000) as f32 / 1000.0;
        self.track(&format!("{cell}/dgf.bw"), |chromosome, start| {
            let inside =
                |&(c, from, to): &(u32, u32, u32)| c == chromosome && from <= start && start < to;
            if bumps.iter().any(inside) {
                3.0
            } else {
                0.25 + noise * (start % 3) as f32
            }
        });
    }

    /// A bigWig of runs of 25 bases, with a gap at the beginning of each chromosome.
    pub fn track(&self, name: &str, value: impl Fn(u32, u32) -> f32) {
        let value = &value;
        let runs = (0..3).flat_map(|chromosome| {
            (100..BASES).step_by(25).map(move |start| {
                Ok(Values {
                    chromosome,
                    start,
                    end: start + 25,
                    value: value(chromosome, start),
                })
            })
        });
        write_bigwig(self.path(name), &chromosomes(), runs).unwrap();
    }

    fn annotations(&self, random: &mut Random) {
        std::fs::create_dir(self.path("annotations")).unwrap();
        for feature in ["cpgisland", "cds", "intron", "promoter", "utr5", "utr3"] {
            let mut text = String::new();
            for chromosome in 1..=3 {
                for _ in 0..10 {
                    let start = random.below(u64::from(BASES) - 3000);
                    let _ = writeln!(text, "chr{chromosome}\t{start}\t{}", start + 2500);
                }
            }
            self.write(&format!("annotations/{feature}.bed"), text);
        }
    }

    fn arguments(&self, factor: Option<&str>, out: &str, more: &str) -> String {
        let given: Vec<&str> = more.split_whitespace().collect();
        let mut arguments = format!("factornet train {more}");
        let defaults = [
            ("-i", "A"),
            ("-f", factor.unwrap_or_default()),
            ("-v", "chr2"),
            ("-t", "chr3"),
            ("-e", "2"),
            ("-L", "200"),
            ("-w", "10"),
            ("-k", "4"),
            ("-r", "3"),
            ("-d", "8"),
            ("--genome", "genome.fa"),
            ("--blacklist", "blacklist.bed"),
            ("-o", out),
        ];
        for (flag, value) in defaults {
            let other = flag == "-o" && given.contains(&"-oc");
            if !given.contains(&flag) && !value.is_empty() && !other {
                let _ = write!(arguments, " {flag} {value}");
            }
        }
        arguments
    }

    /// Training on all factors of `A` at once.
    pub fn train_all(&self, out: &str, more: &str) -> Run {
        self.run(&self.train_all_arguments(out, more))
    }

    pub fn train_all_arguments(&self, out: &str, more: &str) -> String {
        self.arguments(None, out, more)
    }

    /// Any of the other commands on `A`, with genome and blacklist.
    pub fn on_arguments(&self, command: &str, more: &str) -> String {
        let given: Vec<&str> = more.split_whitespace().collect();
        let mut arguments = format!("factornet {command} {more}");
        for (flag, value) in [
            ("-i", "A"),
            ("--genome", "genome.fa"),
            ("--blacklist", "blacklist.bed"),
        ] {
            if !given.contains(&flag) {
                let _ = write!(arguments, " {flag} {value}");
            }
        }
        arguments
    }

    pub fn on(&self, command: &str, more: &str) -> Run {
        self.run(&self.on_arguments(command, more))
    }

    /// The lines of a scored BED.
    #[track_caller]
    pub fn scored(&self, name: &str) -> Vec<Vec<String>> {
        let packed = bytes(self.path(name));
        assert!(packed.starts_with(&[0x1f, 0x8b]), "{name} is gzipped");
        let mut text = String::new();
        let mut decoder = flate2::read::MultiGzDecoder::new(&packed[..]);
        std::io::Read::read_to_string(&mut decoder, &mut text).unwrap();
        let fields = |line: &str| line.split('\t').map(String::from).collect();
        text.lines().map(fields).collect()
    }
}

impl Kind for Cells {
    const NAME: &'static str = "factornet";
    const TITLE: &'static str = "FactorNet";
    const RATE: &'static str = "-lr";
    const EPOCHS: u64 = 2;
    const WILD: &'static str = "-r 0 -p 0 -n 8 -lr 1e20";
    const OTHER_NETWORK: &'static str = "-k 5";
    const OWN_FILE: &'static str = "feature.txt";
    const TOO_LITTLE: &'static str = "1M";
    const KILLED: u64 = 4;
    const HELD: &'static str = "-v chr2:0-12000";
    type Other = Data;

    fn small() -> Cells {
        Cells::new()
    }

    /// Epochs of a hundred steps and more, so that a signal meets one in its middle.
    fn long() -> (Cells, &'static str) {
        (Cells::new(), "-i A B -m -n 9 --batch-size 4")
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `factornet train` of CTCF in `A` on a small network.
    fn train_arguments(&self, out: &str, more: &str) -> String {
        self.arguments(Some("CTCF"), out, more)
    }

    fn epochs(count: u64) -> String {
        format!("-e {count} -ep {count}")
    }

    fn reading(&self, model: &str, out: &str) -> Vec<Reading> {
        self.write("w.bed", "chr3\t5000\t5200\nchr3\t9000\t9200\n");
        let command = |name: &str, more: String, output| Reading {
            arguments: self.on_arguments(name, &format!("-m {model} {more}")),
            inputs: match name {
                "evaluate" => vec!["A/dgf.bw", "A/CTCF.bed", "genome.fa", "blacklist.bed"],
                _ => vec![
                    "w.bed",
                    "A/dgf.bw",
                    "A/bigwig.txt",
                    "genome.fa",
                    "blacklist.bed",
                ],
            },
            output,
        };
        vec![
            command("predict", format!("-b w.bed -o {out}"), Output::File),
            command(
                "evaluate",
                format!("-t chr3:4000-9000 --out {out}"),
                Output::Table,
            ),
            command(
                "visualize",
                format!("-b w.bed -c chr3 -o {out}"),
                Output::Folder,
            ),
        ]
    }

    fn train_over_arguments(&self, out: &str) -> String {
        self.train_arguments("", &format!("-oc {out}"))
    }

    fn convert_arguments(&self, weights: &str, out: &str) -> String {
        let case = golden::factornet("keras_files/train_T1_gmax_nometa");
        std::fs::create_dir_all(self.path(weights)).unwrap();
        for name in names(&case) {
            std::fs::copy(case.join(&name), self.path(weights).join(name)).unwrap();
        }
        format!("convert factornet {weights} --out {out}")
    }
}

pub fn chromosomes() -> Chromosomes {
    let list = (1..=3).map(|i| (format!("chr{i}"), BASES));
    Chromosomes::new("genome.sizes", list.collect()).unwrap()
}

/// The values of a bigWig over `start..end`; NaN where it has none.
#[track_caller]
pub fn values(path: &Path, chromosome: &str, start: u32, end: u32) -> Vec<f32> {
    let mut values = vec![f32::NAN; (end - start) as usize];
    let file = BigWig::open(path).unwrap();
    file.each_run(chromosome, start, end, |from, to, value| {
        values[(from.max(start) - start) as usize..(to.min(end) - start) as usize].fill(value);
    })
    .unwrap();
    values
}
