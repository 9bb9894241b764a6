//! Sequences of a file, of which a network takes nothing but the bases.

use super::subjects::{Place, Subject, Subjects};
use crate::dna::bases::N;
use crate::dna::sequences::Sequences;
use crate::io::hash::sha256;
use crate::io::text::first_names;
use crate::numbers::counted;
use crate::{Error, Result};

/// Those of a file that have a base.
pub struct Listed {
    sequences: Sequences,
    /// Which of them are explained.
    rows: Vec<usize>,
    chromosomes: Option<Vec<(String, u64)>>,
}

impl Listed {
    /// `chromosomes`: those of the genome that the sequences were cut from; `length`: the network's.
    ///
    /// # Errors
    /// Sequences of another length; none with a base.
    pub fn new(
        sequences: Sequences,
        length: usize,
        chromosomes: Option<Vec<(String, u64)>>,
        notes: &mut Vec<String>,
    ) -> Result<Self> {
        if sequences.length != length {
            return Err(Error::format(
                &sequences.path,
                format!(
                    "the sequences are {} long, the model takes {length}",
                    counted(sequences.length, "base")
                ),
            ));
        }
        let known = |&row: &usize| sequences.codes(row).iter().any(|&code| code < N);
        let (rows, blank): (Vec<usize>, Vec<usize>) = (0..sequences.len()).partition(known);
        if rows.is_empty() {
            return Err(Error::format(
                &sequences.path,
                "no sequence with a single A, C, G or T: there is nothing to explain",
            ));
        }
        if !blank.is_empty() {
            let names = blank.iter().map(|&row| &sequences.names[row]);
            notes.push(format!(
                "note: {}: {} without a single A, C, G or T left out: {}",
                sequences.path.display(),
                counted(blank.len(), "sequence"),
                first_names(names)
            ));
        }
        Ok(Listed {
            sequences,
            rows,
            chromosomes,
        })
    }
}

impl Subjects for Listed {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn name(&self, at: usize) -> String {
        self.sequences.names[self.rows[at]].clone()
    }

    fn place(&self, at: usize) -> Option<Place> {
        self.sequences.place(self.rows[at])
    }

    fn subject(&self, at: usize) -> Subject {
        Subject {
            codes: self.sequences.codes(self.rows[at]).to_vec(),
            dense: Vec::new(),
        }
    }

    fn kept(&self) -> Vec<bool> {
        let mut all: Vec<bool> = match self.sequences.kept.is_empty() {
            true => vec![true; self.sequences.len()],
            false => self.sequences.kept.clone(),
        };
        let here: Vec<usize> = (0..all.len()).filter(|&at| all[at]).collect();
        let mut explained = vec![false; here.len()];
        self.rows.iter().for_each(|&row| explained[row] = true);
        for (place, explained) in here.into_iter().zip(explained) {
            all[place] = explained;
        }
        all
    }

    fn chromosomes(&self) -> Option<Vec<(String, u64)>> {
        self.chromosomes.clone()
    }

    fn fingerprint(&self) -> String {
        let names = self.sequences.names.join("\n");
        format!(
            "{} {}",
            sha256(names.as_bytes()),
            sha256(&self.sequences.codes)
        )
    }
}
