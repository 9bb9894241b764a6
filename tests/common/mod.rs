//! What the black-box tests share: running the program, small data, and looking at what it wrote.
#![allow(dead_code)] // each test file uses a part of it

pub mod factornet;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use cisgrad::io::state_dict::{StateDict, read};

pub const ARCHITECTURE: &str = "model_pos_calib_sigmoid_interaction";

/// The program in a folder; arguments are words parted by spaces.
pub fn command(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cisgrad"));
    command
        .current_dir(folder)
        .args(arguments.split_whitespace())
        .stdin(Stdio::null());
    command
}

pub fn cisgrad(folder: &Path, arguments: &str) -> Run {
    Run::of(command(folder, arguments).output().unwrap(), arguments)
}

/// How a run ended and what it said.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    arguments: String,
}

impl Run {
    pub fn of(output: Output, arguments: &str) -> Run {
        Run {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            arguments: arguments.to_string(),
        }
    }

    #[track_caller]
    pub fn ok(self) -> Run {
        assert_eq!(self.code, Some(0), "{}\n{}", self.arguments, self.err);
        self
    }

    /// Fails with this code and one line `error: ...` that has all these parts.
    #[track_caller]
    pub fn fails(self, code: i32, parts: &[&str]) -> Run {
        let said = format!("{}\n{}", self.arguments, self.err);
        assert_eq!(self.code, Some(code), "{said}");
        let message = self.err.split_once("error: ").map_or("", |(_, m)| m);
        for part in parts {
            assert!(message.contains(part), "{part:?} is not in: {said}");
        }
        assert!(!self.err.contains("panicked"), "{said}");
        self
    }

    /// The table on stdout.
    pub fn table(&self) -> Table {
        Table::parse(&self.out)
    }
}

/// A header and rows of tab-separated fields.
#[derive(Debug, PartialEq)]
pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    #[track_caller]
    pub fn parse(text: &str) -> Table {
        assert!(
            text.ends_with('\n'),
            "no line end after the last row: {text}"
        );
        let fields = |line: &str| line.split('\t').map(String::from).collect::<Vec<_>>();
        let mut lines = text.lines();
        let header = fields(lines.next().unwrap());
        let rows: Vec<_> = lines.map(fields).collect();
        for row in &rows {
            assert_eq!(row.len(), header.len(), "{row:?}");
        }
        Table { header, rows }
    }

    #[track_caller]
    pub fn read(path: impl AsRef<Path>) -> Table {
        Table::parse(&text(path))
    }

    /// A column by name.
    #[track_caller]
    pub fn column(&self, name: &str) -> Vec<&str> {
        let place = self.header.iter().position(|h| h == name);
        let place = place.unwrap_or_else(|| panic!("no column {name} in {:?}", self.header));
        self.rows.iter().map(|r| r[place].as_str()).collect()
    }

    #[track_caller]
    pub fn numbers(&self, name: &str) -> Vec<f64> {
        let number = |s: &&str| s.parse().unwrap_or_else(|_| panic!("{s} in {name}"));
        self.column(name).iter().map(number).collect()
    }
}

#[track_caller]
pub fn text(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[track_caller]
pub fn bytes(path: impl AsRef<Path>) -> Vec<u8> {
    let path = path.as_ref();
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The names in a folder, sorted.
#[track_caller]
pub fn names(folder: impl AsRef<Path>) -> Vec<String> {
    let folder = folder.as_ref();
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut names: Vec<String> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// No temporary file is left anywhere under a folder.
#[track_caller]
pub fn assert_no_leftovers(folder: impl AsRef<Path>) {
    for name in names(&folder) {
        assert!(!name.contains(".tmp"), "{name} is left over");
        let path = folder.as_ref().join(name);
        if path.is_dir() {
            assert_no_leftovers(path);
        }
    }
}

/// Numbers of a parameter in a weights file.
#[track_caller]
pub fn parameter(file: impl AsRef<Path>, name: &str) -> Vec<f64> {
    let state: StateDict = read(file).unwrap();
    let tensor = state.get(name).unwrap_or_else(|| panic!("no {name}"));
    tensor.values.to_f64()
}

/// Names of the parameters whose numbers differ between two weights files.
pub fn moved(a: impl AsRef<Path>, b: impl AsRef<Path>) -> Vec<String> {
    let (a, b) = (read(a).unwrap(), read(b).unwrap());
    let names = |s: &StateDict| s.tensors.iter().map(|t| t.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&a), names(&b));
    let pairs = a.tensors.iter().zip(&b.tensors);
    pairs
        .filter(|(a, b)| a != b)
        .map(|(a, _)| a.name.clone())
        .collect()
}

/// Two runs ended alike: the same files; weights, optimizer state and history to the last bit,
/// but for the columns that tell the time.
#[track_caller]
pub fn assert_same_end(a: &Path, b: &Path) {
    let list = names(a);
    assert_eq!(list, names(b));
    assert_no_leftovers(a);
    for name in list {
        let (x, y) = (a.join(&name), b.join(&name));
        if x.is_dir() {
            assert_same_end(&x, &y);
        } else if name == "state.safetensors" {
            let (s, t) = (read(&x).unwrap(), read(&y).unwrap());
            assert!(s.tensors == t.tensors, "{}: tensors", x.display());
            let progress = |s: &StateDict| timeless(&s.metadata["state"]);
            assert_eq!(progress(&s), progress(&t), "{}", x.display());
        } else if name == "history.tsv" {
            assert_eq!(history(&x), history(&y), "{}", x.display());
        } else if name != "config.json" {
            assert!(bytes(&x) == bytes(&y), "{} differs", x.display());
        }
    }
}

/// A history's columns that do not tell the time.
pub fn history(path: impl AsRef<Path>) -> Vec<Vec<String>> {
    let table = Table::read(path);
    let tisfm = "epoch train_loss validation_loss lr seconds seq_per_s";
    let factornet =
        "epoch train_loss train_accuracy validation_loss validation_accuracy seconds samples_per_s";
    let header = table.header.join(" ");
    assert!(header == tisfm || header == factornet, "{header}");
    // The last two tell the time.
    let kept = table.header.len() - 2;
    table.rows.into_iter().map(|r| r[..kept].to_vec()).collect()
}

fn timeless(state: &str) -> serde_json::Value {
    fn strip(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(map) => {
                map.retain(|key, _| {
                    !["seconds", "seq_per_s", "samples_per_s"].contains(&key.as_str())
                });
                map.values_mut().for_each(strip);
            }
            serde_json::Value::Array(list) => list.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = serde_json::from_str(state).unwrap();
    strip(&mut value);
    value
}

/// Whole numbers at random, the same in every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

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

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    /// Writes a file packed with gzip.
    pub fn write_gzip(&self, name: &str, content: impl AsRef<[u8]>) {
        let file = std::fs::File::create(self.path(name)).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::default());
        encoder.write_all(content.as_ref()).unwrap();
        encoder.finish().unwrap();
    }

    pub fn run(&self, arguments: &str) -> Run {
        cisgrad(self.folder(), arguments)
    }

    /// `tisfm train` with this folder's files, the small architecture and a few quick epochs;
    /// what `more` says again counts.
    pub fn train_arguments(&self, out: &str, more: &str) -> String {
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

    pub fn train(&self, out: &str, more: &str) -> Run {
        self.run(&self.train_arguments(out, more))
    }

    /// Training fails with this code and message, and leaves nothing behind.
    #[track_caller]
    pub fn refuses(&self, more: &str, code: i32, parts: &[&str]) {
        let before = names(self.folder());
        self.train("never", more).fails(code, parts);
        assert!(!self.path("never").exists(), "a folder was made: {more}");
        assert_eq!(names(self.folder()), before);
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
