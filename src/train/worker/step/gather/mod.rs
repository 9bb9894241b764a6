//! A batch out of the rows that a GPU holds: a whole data set, or chunks of it that the host sends one after another. No
//! tape entry and no CPU form: there, the host fills each batch.
//!
//! A row is words of 32 bits. A base takes 2 bits, and whether it is unknown (N, or past a chromosome's end) one more; both
//! start at a new word, least significant bits first. Then come numbers in f32: each dense input's, and the targets.
//!
//! ```text
//! codes[r, l]      = 4 where unknown[order[b R + r], l], else bases[order[b R + r], l]
//! numbers_i[r, n]  = numbers_i[order[b R + r], n]
//! ```
//!
//! for row r of batch b of R rows.

mod cuda;

pub use cuda::{GatherLaunch, gather_codes_on, gather_numbers_on};

use crate::dna::bases::N;
use std::ops::Range;

/// What a row consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFormat {
    /// Base codes.
    pub length: usize,
    /// Elements of each dense input.
    pub dense: Vec<usize>,
    /// Elements of the target; 0 where nothing is trained.
    pub targets: usize,
}

impl RowFormat {
    fn bases(&self) -> usize {
        self.length.div_ceil(16)
    }

    /// The words of each list of numbers: the dense inputs, then the targets.
    pub fn lists(&self) -> impl Iterator<Item = Range<usize>> {
        let mut next = self.bases() + self.length.div_ceil(32);
        self.dense.iter().chain([&self.targets]).map(move |count| {
            let first = next;
            next += count;
            first..next
        })
    }

    /// Words of a row.
    pub fn words(&self) -> usize {
        self.lists().last().map_or(0, |targets| targets.end)
    }

    /// Writes a row: its base codes (0 to 3, else unknown), its dense inputs and its targets.
    ///
    /// # Panics
    /// When one of them, or the row, has another length than the format says.
    pub fn pack(&self, codes: &[u8], dense: &[Vec<f32>], targets: &[f64], row: &mut [u32]) {
        assert_eq!((codes.len(), dense.len()), (self.length, self.dense.len()));
        assert_eq!((targets.len(), row.len()), (self.targets, self.words()));
        for (list, values) in self.lists().zip(dense) {
            assert_eq!(values.len(), list.len());
            for (to, from) in row[list].iter_mut().zip(values) {
                *to = from.to_bits();
            }
        }
        let first = row.len() - self.targets;
        for (to, &from) in row[first..].iter_mut().zip(targets) {
            *to = (from as f32).to_bits();
        }
        let (bases, rest) = row.split_at_mut(self.bases());
        let unknown = &mut rest[..self.length.div_ceil(32)];
        for ((two, mark), codes) in bases.chunks_mut(2).zip(unknown).zip(codes.chunks(32)) {
            let (mut packed, mut marks) = (0u64, 0);
            for (i, &code) in codes.iter().enumerate() {
                let known = code < N;
                packed |= u64::from(if known { code } else { 0 }) << (2 * i);
                marks |= u32::from(!known) << i;
            }
            let halves = [packed as u32, (packed >> 32) as u32];
            two.copy_from_slice(&halves[..two.len()]);
            *mark = marks;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packed(codes: &[u8], dense: &[Vec<f32>], targets: &[f64]) -> (RowFormat, Vec<u32>) {
        let format = RowFormat {
            length: codes.len(),
            dense: dense.iter().map(Vec::len).collect(),
            targets: targets.len(),
        };
        let mut row = vec![u32::MAX; format.words()];
        format.pack(codes, dense, targets, &mut row);
        (format, row)
    }

    proptest! {
        #[test]
        fn packed_rows_unpack_to_themselves(
            codes in proptest::collection::vec(0u8..=4, 0..200),
            dense in proptest::collection::vec(proptest::collection::vec(-1e9f32..1e9, 1..9), 0..4),
            targets in proptest::collection::vec(0u8..=1, 0..4),
        ) {
            let targets: Vec<f64> = targets.iter().map(|&t| f64::from(t)).collect();
            let (format, row) = packed(&codes, &dense, &targets);
            let unknown = codes.len().div_ceil(16);
            for (l, &code) in codes.iter().enumerate() {
                let base = (row[l / 16] >> (2 * (l % 16)) & 3) as u8;
                let n = row[unknown + l / 32] >> (l % 32) & 1 == 1;
                prop_assert_eq!(if n { 4 } else { base }, code);
            }
            let exact = targets.iter().map(|&t| t as f32).collect();
            for (list, values) in format.lists().zip(dense.iter().chain([&exact])) {
                let found: Vec<f32> = row[list].iter().map(|&b| f32::from_bits(b)).collect();
                prop_assert_eq!(&found, values);
            }
        }
    }

    #[test]
    fn the_first_base_is_in_the_lowest_bits_and_none_is_left_of_the_row_before() {
        let (_, row) = packed(&[1, 4, 3], &[vec![1.0]], &[2.0]);
        let numbers = [1.0f32, 2.0].map(f32::to_bits);
        assert_eq!(row, [0b11_00_01, 0b010, numbers[0], numbers[1]]);
    }
}
