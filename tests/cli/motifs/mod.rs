//! `cisgrad motifs`.

mod bad_input;
mod cluster;
mod export;
mod matching;
mod scan;

use crate::common::{Run, cisgrad};
use std::path::PathBuf;
use tempfile::TempDir;

/// A folder with two collections of motifs, sequences and a genome.
pub struct Files(TempDir);

/// Motifs by their favorite words; a second word is the factor's name.
pub const KNOWN: [&str; 6] = [
    "AP1 TGAGTCAT",
    "SP1 GGGGCGGGGC",
    "EBOX CACGTG",
    "CTCF CCACTAGGTGGC",
    "GATA AGATAAGA",
    "ETS ACAGGAAGTG",
];

impl Files {
    pub fn new() -> Files {
        let files = Files(tempfile::tempdir().unwrap());
        files.write("known.meme", &meme(&KNOWN));
        // The other strand of AP1, part of CTCF, and nothing.
        files.write(
            "own.meme",
            &meme(&["M0 NNATGACTCANN", "M1 NCACTAGGTGG", "M2 NNNNNNNN"]),
        );
        files.write(
            "s.fa",
            ">one\nTTTGAGTCATTT\n>two\nNNCCACTAGGTGGCNATGACTCAAAA\n",
        );
        let genome = format!(">chr1\n{}TGAGTCAT{}\n", "T".repeat(92), "A".repeat(100));
        files.write("g.fa", &genome);
        files
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn run(&self, arguments: &str) -> Run {
        cisgrad(self.0.path(), arguments)
    }

    pub fn names(&self) -> Vec<String> {
        crate::common::names(self.0.path())
    }
}

/// A collection of motifs given as `ID WORD`; N: a uniform position.
pub fn meme(motifs: &[&str]) -> String {
    let mut text = "MEME version 4\n\nALPHABET= ACGT\n\n".to_string();
    for motif in motifs {
        let (id, word) = motif.split_once(' ').unwrap();
        text += &format!("MOTIF {id} {}\n", id.to_lowercase());
        text += &format!(
            "letter-probability matrix: alength= 4 w= {} nsites= 20\n",
            word.len()
        );
        for letter in word.chars() {
            let row = "ACGT".chars().map(|base| match letter {
                'N' => "0.25",
                _ if base == letter => "0.91",
                _ => "0.03",
            });
            text += &row.collect::<Vec<_>>().join(" ");
            text.push('\n');
        }
        text.push('\n');
    }
    text
}
