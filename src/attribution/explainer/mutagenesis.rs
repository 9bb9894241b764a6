//! Saturation mutagenesis: what becomes of the score where one base is another.

use super::{Attributions, Explainer, Member, in_batches};
use crate::attribution::edits::{Change, Edited};
use crate::attribution::network::Explain;
use crate::attribution::subjects::Subject;
use crate::dna::bases::N;
use crate::train::folder::weights::Number;
use crate::train::interrupt::interrupted;
use crate::{Error, Result};
use rayon::prelude::*;
use std::sync::Arc;

impl<T: Number, M: Explain> Explainer<'_, T, M> {
    /// The score of each mutant less the reference's (0 for the base that is there), less the mean over the four bases.
    pub(super) fn ism(&mut self, subjects: &[Arc<Subject>]) -> Result<Attributions> {
        let batch = self.settings.batch_size;
        let each = self.members.iter_mut();
        let raws: Vec<Vec<Mutants>> = each
            .map(|member| member.mutants(subjects, batch))
            .collect::<Result<_>>()?;
        let (count, width) = (subjects.len(), self.outputs.len());
        let length = subjects.first().map_or(0, |subject| subject.codes.len());
        let mut found = Attributions {
            scores: vec![0.0; count * width],
            bases: vec![vec![0.0; count * 4 * length]; width],
            tracks: vec![Vec::new(); width],
            ..Attributions::default()
        };
        for (row, subject) in subjects.iter().enumerate() {
            let reference: Vec<&[f64]> = raws.iter().map(|r| &r[row].reference[..]).collect();
            for (place, &output) in self.outputs.iter().enumerate() {
                let score = self.score.of(&reference, output);
                found.scores[row * width + place] = score;
                let out = &mut found.bases[place][row * 4 * length..(row + 1) * 4 * length];
                for (l, &code) in subject.codes.iter().enumerate() {
                    if code >= N {
                        continue;
                    }
                    let mut changes = [0.0; 4];
                    for (base, change) in changes.iter_mut().enumerate() {
                        if base != usize::from(code) {
                            let own: Vec<&[f64]> =
                                raws.iter().map(|r| r[row].of(l, base)).collect();
                            *change = self.score.of(&own, output) - score;
                        }
                    }
                    let mean = changes.iter().sum::<f64>() / 4.0;
                    for (base, change) in changes.into_iter().enumerate() {
                        out[base * length + l] = (change - mean) as f32;
                    }
                }
            }
        }
        Ok(found)
    }
}

/// Raw values of a sequence and of its mutants.
struct Mutants {
    width: usize,
    /// (R)
    reference: Vec<f64>,
    /// (L, 4, R)
    mutants: Vec<f64>,
}

impl Mutants {
    fn new(length: usize, width: usize) -> Self {
        Mutants {
            width,
            reference: vec![0.0; width],
            mutants: vec![0.0; length * 4 * width],
        }
    }

    fn of(&self, l: usize, base: usize) -> &[f64] {
        let at = (l * 4 + base) * self.width;
        &self.mutants[at..at + self.width]
    }
}

impl<T: Number, M: Explain> Member<'_, T, M> {
    fn mutants(&mut self, subjects: &[Arc<Subject>], batch_size: usize) -> Result<Vec<Mutants>> {
        let width = self.model.raws();
        let Some(follow) = &self.follow else {
            let whole = |subject| self.whole_passes(subject, width, batch_size);
            return subjects.iter().map(whole).collect();
        };
        let followed = subjects.par_iter().map(|subject| {
            if interrupted() {
                return Err(Error::Interrupted);
            }
            let mut found = Mutants::new(subject.codes.len(), width);
            let numbers = |values: &Vec<f32>| values.iter().map(|&x| T::of(f64::from(x))).collect();
            let dense: Vec<Vec<T>> = subject.dense.iter().map(numbers).collect();
            let (reference, mutants) = (&mut found.reference, &mut found.mutants);
            follow.raws(&subject.codes, &dense, reference, mutants);
            Ok(found)
        });
        followed.collect()
    }

    fn whole_passes(
        &mut self,
        subject: &Arc<Subject>,
        width: usize,
        batch_size: usize,
    ) -> Result<Mutants> {
        let edited = |change| Edited {
            subject: Arc::clone(subject),
            change,
        };
        let mut found = Mutants::new(subject.codes.len(), width);
        let mut places = Vec::new();
        let mut sequences = vec![edited(Change::Nothing)];
        for (l, &code) in subject.codes.iter().enumerate() {
            for base in (0..4).filter(|&base| code < N && base != code) {
                sequences.push(edited(Change::Base(l, base)));
                places.push(l * 4 + usize::from(base));
            }
        }
        let raws = in_batches(&mut self.raws, &sequences, batch_size)?;
        let mut rows = raws.chunks(width);
        found
            .reference
            .copy_from_slice(rows.next().unwrap_or_default());
        for place in found.mutants.chunks_mut(width) {
            place.copy_from_slice(&found.reference);
        }
        for (place, row) in places.into_iter().zip(rows) {
            found.mutants[place * width..(place + 1) * width].copy_from_slice(row);
        }
        Ok(found)
    }
}
