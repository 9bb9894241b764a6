//! Small data for tiSFM: random sequences with motifs planted in them, and signals that follow these.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::factornet::Cells;
use super::kinds::{Kind, Output, Reading};
use super::{Random, golden};

pub const ARCHITECTURE: &str = "model_pos_calib_sigmoid_interaction";

/// A small data set in every form that the program reads, in a folder of its own:
/// motifs.meme (widths 4 to 9), signals.tsv (outputs K562 and MCF7), sequences.tsv, peaks.fa,
/// peaks.bed with genome.fa (chr1 to chr4), and split/ with names.
pub struct Data {
    folder: tempfile::TempDir,
    pub names: Vec<String>,
    pub sequences: BTreeMap<String, String>,
}

pub const MOTIFS: [&str; 6] = [
    "GATA",
    "CACGTG",
    "TGACTCA",
    "GGGCGG",
    "ATGCAAAT",
    "CCATATTAG",
];

impl Data {
    pub fn new(peaks: usize, length: usize) -> Data {
        let folder = tempfile::tempdir().unwrap();
        let mut data = Data {
            folder,
            names: Vec::new(),
            sequences: BTreeMap::new(),
        };
        data.write_motifs();
        data.write_peaks(peaks, length);
        std::fs::create_dir(data.path("split")).unwrap();
        let tenth = peaks / 10;
        let parts = [
            ("test", 0..tenth),
            ("validation", tenth..2 * tenth),
            ("train", 2 * tenth..peaks),
        ];
        for (part, range) in parts {
            let lines: String = data.names[range].iter().map(|n| format!("{n}\n")).collect();
            data.write(&format!("split/{part}_split.txt"), lines);
        }
        data
    }

    fn write_motifs(&self) {
        let mut text = "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n".to_string();
        for consensus in MOTIFS {
            let width = consensus.len();
            let _ = write!(
                text,
                "\nMOTIF {consensus} label\nletter-probability matrix: alength= 4 w= {width} nsites= 20\n"
            );
            for base in consensus.chars() {
                let row = "ACGT"
                    .chars()
                    .map(|b| if b == base { "0.91" } else { "0.03" });
                let _ = writeln!(text, "{}", row.collect::<Vec<_>>().join(" "));
            }
        }
        self.write("motifs.meme", text);
    }

    fn write_peaks(&mut self, peaks: usize, length: usize) {
        let mut random = Random(7);
        let mut genome = vec![String::new(); 4];
        let (mut list, mut fasta, mut bed) = (String::new(), String::new(), String::new());
        let mut signals = "K562\tMCF7\n".to_string();
        for index in 0..peaks {
            let chromosome = index % 4;
            for _ in 0..random.below(9) + 1 {
                genome[chromosome].push('N');
            }
            let mut sequence: String = (0..length)
                .map(|_| b"ACGTACGTACGTacgtN"[random.below(17) as usize] as char)
                .collect();
            let planted = index % 3;
            if planted < 2 && length > 20 {
                let motif = MOTIFS[planted];
                let place = random.below((length - motif.len()) as u64) as usize;
                sequence.replace_range(place..place + motif.len(), motif);
            }
            let start = genome[chromosome].len();
            genome[chromosome] += &sequence;
            let end = genome[chromosome].len();
            let chr = format!("chr{}", chromosome + 1);
            let name = format!("{chr}:{start}-{end}");
            let noise = random.below(1000) as f64 / 2000.0;
            let of = |k| if planted == k { 2.0 } else { 0.0 };
            let _ = writeln!(signals, "{name}\t{}\t{}", of(0) + noise, of(1) - noise);
            let _ = writeln!(list, "{name}\t{sequence}");
            let _ = writeln!(fasta, ">{name} peak {index}\n{sequence}");
            let _ = writeln!(bed, "{chr}\t{start}\t{end}");
            self.sequences.insert(name.clone(), sequence);
            self.names.push(name);
        }
        self.write("sequences.tsv", list);
        self.write("peaks.fa", fasta);
        self.write("peaks.bed", bed);
        self.write("signals.tsv", signals);
        let mut text = String::new();
        for (i, bases) in genome.iter().enumerate() {
            let _ = writeln!(text, ">chr{}", i + 1);
            for line in bases.as_bytes().chunks(50) {
                let _ = writeln!(text, "{}", std::str::from_utf8(line).unwrap());
            }
        }
        self.write("genome.fa", text);
    }
}

impl Kind for Data {
    const NAME: &'static str = "tisfm";
    const TITLE: &'static str = "tiSFM";
    const RATE: &'static str = "--lr";
    const EPOCHS: u64 = 3;
    const WILD: &'static str = "--lr 1e38";
    const OTHER_NETWORK: &'static str = "--architecture model_pos_calib_sigmoid";
    const OWN_FILE: &'static str = "train_split.txt";
    const TOO_LITTLE: &'static str = "100K";
    const KILLED: u64 = 40;
    const HELD: &'static str = "";
    type Other = Cells;

    fn small() -> Data {
        Data::new(60, 40)
    }

    fn long() -> (Data, &'static str) {
        (Data::new(200, 80), "--batch-size 16 --save-all")
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn train_arguments(&self, out: &str, more: &str) -> String {
        let defaults = [
            ("--meme-file", "motifs.meme"),
            ("--atac-file", "signals.tsv"),
            ("--sequences", "sequences.tsv"),
            ("--architecture", ARCHITECTURE),
            ("--number-of-epochs", "3"),
            ("--batch-size", "32"),
            ("--lr", "0.01"),
            ("--model-output", out),
        ];
        let given: Vec<&str> = more.split_whitespace().collect();
        let mut arguments = format!("tisfm train {more}");
        if !given.contains(&"--split") && !given.contains(&"--split-folder") {
            arguments += " --split-folder split";
        }
        for (flag, value) in defaults {
            if !given.contains(&flag) {
                let _ = write!(arguments, " {flag} {value}");
            }
        }
        arguments
    }

    fn epochs(count: u64) -> String {
        format!("--number-of-epochs {count}")
    }

    fn reading(&self, model: &str, out: &str) -> Vec<Reading> {
        let table = |arguments: String, inputs: &[&'static str]| Reading {
            arguments,
            inputs: inputs.to_vec(),
            output: Output::Table,
        };
        vec![
            table(
                format!(
                    "tisfm predict --model {model} --sequences peaks.bed --genome genome.fa --out {out}"
                ),
                &["peaks.bed", "genome.fa"],
            ),
            table(
                format!("tisfm test --model {model} --out {out}"),
                &["signals.tsv", "sequences.tsv"],
            ),
            table(format!("tisfm motifs --model {model} --out {out}"), &[]),
        ]
    }

    fn train_over_arguments(&self, out: &str) -> String {
        self.train_arguments(out, "")
    }

    fn convert_arguments(&self, weights: &str, out: &str) -> String {
        let case = golden::tisfm("model_pos_calib_sigmoid");
        std::fs::create_dir_all(self.path(weights)).unwrap();
        for name in ["params.safetensors", "motifs.meme"] {
            std::fs::copy(case.join(name), self.path(weights).join(name)).unwrap();
        }
        format!(
            "convert tisfm --architecture model_pos_calib_sigmoid --meme-file {weights}/motifs.meme --weights {weights}/params.safetensors --window-size 80 --out {out}"
        )
    }
}
