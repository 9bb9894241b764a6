//! A model and a genome for the tests.

use super::*;
use crate::data::packed_genome::PackedGenome;
use crate::data::variant_windows::{Layout, Pair, Window};
use crate::dna::bases;
use crate::engine::Philox;
use crate::io::stored::Stored;
use crate::io::text::read_text;
use crate::report::progress::Reporter;
use crate::{Error, Result};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

pub const LENGTH: usize = 20;
pub const HEAD: &str = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";

/// Counts G before A, and weighs bases by their places.
pub struct Fake {
    pub outputs: Vec<String>,
    pub logits: bool,
    pub motifs: Vec<String>,
    /// Calls that it answers before it fails.
    pub answers: usize,
    /// What happens at each call.
    pub meanwhile: Box<dyn FnMut()>,
}

impl Fake {
    pub fn new() -> Fake {
        Fake {
            outputs: ["GA", "by place"].map(String::from).to_vec(),
            logits: false,
            motifs: Vec::new(),
            answers: usize::MAX,
            meanwhile: Box::new(|| {}),
        }
    }
}

pub fn predictions(codes: &[u8]) -> [f64; 2] {
    // Three bases apart: a shuffle keeps the base beside the variant.
    let apart = |four: &&[u8]| four[0] == 2 && four[3] == 0;
    let pairs = codes.windows(4).filter(apart).count();
    let places = codes.iter().zip(1..);
    let sum: f64 = places
        .map(|(&code, at)| f64::from(code) * f64::from(at))
        .sum();
    [pairs as f64, sum / 64.0]
}

impl Scorer for Fake {
    fn outputs(&self) -> &[String] {
        &self.outputs
    }

    fn has_logits(&self) -> bool {
        self.logits
    }

    fn motifs(&self) -> &[String] {
        &self.motifs
    }

    fn scores(&mut self, windows: &[Window]) -> Result<Scores> {
        let Some(left) = self.answers.checked_sub(1) else {
            return Err(Error::Device("no more".to_string()));
        };
        self.answers = left;
        (self.meanwhile)();
        assert!(windows.iter().all(|window| window.codes.len() == LENGTH));
        let all = windows.iter().flat_map(|window| predictions(&window.codes));
        let predictions: Vec<f64> = all.collect();
        let logits = predictions.iter().map(|x| 2.0 * x).collect();
        Ok(Scores {
            predictions,
            logits: if self.logits { logits } else { Vec::new() },
        })
    }

    fn motif_effects(&mut self, pairs: &[Pair], shifts: usize) -> Result<Vec<MotifEffect>> {
        let first = pairs.iter().step_by(shifts);
        let effects = first.flat_map(|pair| {
            let sign = pair.alternative.codes > pair.reference.codes;
            let effect = MotifEffect {
                gained: sign.then_some(1),
                lost: (!sign).then_some(0),
                part: 0.25,
            };
            [effect, MotifEffect::default()]
        });
        Ok(effects.collect())
    }
}

/// A folder with a genome of two chromosomes.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub genome: PackedGenome,
    pub text: String,
}

pub fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let letter = |i: u64| bases::letter((Philox::new(9).bits(0, i) % 4) as u8) as char;
    let text: String = (0..300).map(letter).collect();
    let path = folder.path().join("g.fa");
    std::fs::write(&path, format!(">chr1\n{text}\n>chr2\n{}\n", &text[50..150])).unwrap();
    let genome = PackedGenome::read(&path, None).unwrap();
    Place {
        folder,
        genome,
        text,
    }
}

impl Place {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn vcf(&self, lines: &str) -> Stored {
        let path = self.path("v.vcf");
        std::fs::write(&path, format!("{HEAD}{lines}")).unwrap();
        Stored::open(&path).unwrap()
    }

    pub fn base(&self, position: usize) -> &str {
        &self.text[position - 1..position]
    }

    /// Another base than the one there, the same each time.
    pub fn other(&self, position: usize) -> &str {
        match self.base(position) {
            "A" => "C",
            "C" => "G",
            "G" => "T",
            _ => "A",
        }
    }

    /// Lines of SNVs at each of the positions.
    pub fn snvs(&self, positions: impl Iterator<Item = usize>) -> String {
        let line = |at| {
            let (from, to) = (self.base(at), self.other(at));
            format!("chr1\t{at}\ts{at}\t{from}\t{to}\t.\t.\t.\n")
        };
        positions.map(line).collect()
    }

    pub fn request<'a>(&'a self, vcf: &'a Stored, out: &str) -> Request<'a> {
        Request {
            vcf,
            wanted: None,
            genome: &self.genome,
            layout: Layout::new(LENGTH, &[0]).unwrap(),
            out: self.path(out),
            format: Format::Table(Form::Long),
            null: 0,
            seed: 7,
            strict: false,
            resume: false,
            fingerprint: "f".to_string(),
            backgrounds: None,
            notes: Vec::new(),
            block: NonZeroUsize::new(3).unwrap(),
        }
    }

    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

pub fn done(request: &Request, scorer: &mut Fake) -> Result<Tally> {
    run(request, scorer, &Reporter::quiet())
}

/// The columns of a table's lines, its head and notes left out.
pub fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = read_text(path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#')).skip(1);
    lines
        .map(|line| line.split('\t').map(String::from).collect())
        .collect()
}
