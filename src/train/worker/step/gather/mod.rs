//! A batch out of the data set that stays on the card. No tape entry and no CPU form: there, a batch is a slice of the
//! data set.
//!
//! On the card a base takes 2 bits, and whether it is known (an N is not) one more:
//!
//! ```text
//! codes[r, l]   = 4 where unknown[order[b R + r], l], else bases[order[b R + r], l]
//! targets[r, o] = signals[order[b R + r], o]
//! ```
//!
//! for row r of batch b of R rows.

mod cuda;

pub use cuda::{GatherLaunch, gather_on};

use crate::dna::bases::N;

/// Bases and marks of a data set; each row starts at a new word, least significant bits first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackedCodes {
    /// 16 bases a word; 0 where the base is not known.
    pub bases: Vec<u32>,
    /// 32 marks a word.
    pub unknown: Vec<u32>,
}

/// Packs rows of `length` base codes.
///
/// # Panics
/// When the codes are no whole rows.
pub fn pack(codes: &[u8], length: usize) -> PackedCodes {
    assert_eq!(codes.len() % length, 0, "gather: whole rows");
    let mut packed = PackedCodes::default();
    for row in codes.chunks_exact(length) {
        packed.bases.extend(words(row, 2, |code| match code {
            N.. => 0,
            base => u32::from(base),
        }));
        packed
            .unknown
            .extend(words(row, 1, |code| u32::from(code >= N)));
    }
    packed
}

/// `bits` of each code, as many a word as it holds.
fn words(row: &[u8], bits: usize, of: impl Fn(u8) -> u32) -> impl Iterator<Item = u32> {
    row.chunks(32 / bits).map(move |codes| {
        codes
            .iter()
            .rev()
            .fold(0, |word, &code| word << bits | of(code))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unpack(packed: &PackedCodes, rows: usize, length: usize) -> Vec<u8> {
        let code = |i: usize| {
            let (row, l) = (i / length, i % length);
            let bases = packed.bases[row * length.div_ceil(16) + l / 16];
            let unknown = packed.unknown[row * length.div_ceil(32) + l / 32];
            if unknown >> (l % 32) & 1 == 1 {
                4
            } else {
                (bases >> (2 * (l % 16)) & 3) as u8
            }
        };
        (0..rows * length).map(code).collect()
    }

    proptest! {
        #[test]
        fn packed_codes_unpack_to_themselves(
            (length, codes) in (1usize..100, 0usize..5).prop_flat_map(|(length, rows)| {
                (Just(length), proptest::collection::vec(0u8..=4, length * rows))
            })
        ) {
            let rows = codes.len() / length;
            let packed = pack(&codes, length);
            prop_assert_eq!(packed.bases.len(), rows * length.div_ceil(16));
            prop_assert_eq!(packed.unknown.len(), rows * length.div_ceil(32));
            prop_assert_eq!(unpack(&packed, rows, length), codes);
        }
    }

    #[test]
    fn the_first_base_is_in_the_lowest_bits() {
        let packed = pack(&[1, 4, 3], 3);
        assert_eq!(
            (packed.bases, packed.unknown),
            (vec![0b11_00_01], vec![0b010])
        );
    }
}
