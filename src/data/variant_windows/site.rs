//! A variant with the bases around it.

use super::edit::Edit;
use super::layout::Layout;
use crate::data::dinucleotide_shuffle::dinucleotide_shuffle;
use crate::data::packed_genome::PackedGenome;
use crate::dna::bases;
use crate::engine::Philox;

/// A window with one of a variant's alleles in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// The chromosome's number in the genome.
    pub chromosome: u32,
    /// Its first base, counted from 0; behind an indel its bases are others of the chromosome than those that its place says.
    pub start: i64,
    /// 0 to 3 for A, C, G, T; 4 for N.
    pub codes: Vec<u8>,
}

/// The same window with REF and with ALT, as the file names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    pub reference: Window,
    pub alternative: Window,
}

/// A variant and as many bases on both of its sides as its windows need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    pub(super) edit: Edit,
    pub(super) left: Vec<u8>,
    pub(super) right: Vec<u8>,
}

impl Site {
    /// `None` only for another layout than the one with which the variant was examined.
    pub fn read(genome: &PackedGenome, layout: &Layout, edit: Edit) -> Option<Site> {
        let flanks = layout.flanks(&edit)?;
        let start = edit.change.start;
        let read = |from: i64, count: usize| {
            let mut codes = vec![bases::N; count];
            genome.codes(edit.chromosome, from, &mut codes);
            codes
        };
        let left = read(start - flanks.left as i64, flanks.left);
        let right = read(start + edit.change.removed.len() as i64, flanks.right);
        Some(Site { edit, left, right })
    }

    /// The same variant between shuffled flanks, which keep their dinucleotides and the bases at their ends, those beside the
    /// variant among them: one shuffle for both alleles and all shifts. It
    /// depends on the site, on the seed of `random` and on `stream` alone; streams below 2^63.
    pub fn shuffled(&self, random: Philox, stream: u64) -> Site {
        Site {
            edit: self.edit.clone(),
            left: dinucleotide_shuffle(&self.left, random, 2 * stream),
            right: dinucleotide_shuffle(&self.right, random, 2 * stream + 1),
        }
    }

    /// A pair of windows for each shift, in the layout's order.
    pub fn pairs(&self, layout: &Layout) -> Vec<Pair> {
        let change = &self.edit.change;
        let shifts = layout.shifts().iter();
        let pair = |&shift: &i64| {
            let before = layout.before(self.edit.longer(), shift)?;
            let window = |allele: &[u8]| Window {
                chromosome: self.edit.chromosome,
                start: change.start - before as i64,
                codes: [
                    &self.left[self.left.len() - before..],
                    allele,
                    &self.right[..layout.length() - before - allele.len()],
                ]
                .concat(),
            };
            let (genome, other) = (window(&change.removed), window(&change.inserted));
            Some(match self.edit.exchanged {
                false => Pair {
                    reference: genome,
                    alternative: other,
                },
                true => Pair {
                    reference: other,
                    alternative: genome,
                },
            })
        };
        shifts.filter_map(pair).collect()
    }
}
