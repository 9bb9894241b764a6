//! What the tests share: running the program, small data for each kind of model, looking at what it wrote, the way to the
//! real data, and the stand-in for the CUDA driver.
#![allow(dead_code)] // each test binary uses a part of it

pub mod factornet;
pub mod golden;
pub mod kinds;
pub mod process;
pub mod real_data;
pub mod same_end;
pub mod snapshot;
pub mod standin;
pub mod tisfm;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use cisgrad::io::state_dict::{StateDict, read};

/// The program in a folder; arguments are words separated by spaces.
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

/// The program with a file's text on standard input, through a pipe.
pub fn piped(folder: &Path, arguments: &str, file: &str) -> Run {
    let mut cat = Command::new("cat")
        .arg(folder.join(file))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut command = command(folder, arguments);
    let output = command.stdin(cat.stdout.take().unwrap()).output().unwrap();
    cat.wait().unwrap();
    Run::of(output, arguments)
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

    /// Refused: code 1, or 2 where the command line alone is wrong, with a message that has all these parts.
    #[track_caller]
    pub fn refused(self, parts: &[&str]) {
        let code = if self.code == Some(2) { 2 } else { 1 };
        self.fails(code, parts);
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
        // Remarks stand before the header.
        let mut lines = text.lines().skip_while(|line| line.starts_with("# "));
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
