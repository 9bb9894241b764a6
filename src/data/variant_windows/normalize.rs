//! One place for every variant.
//!
//! Tan, Abecasis and Kang, "Unified representation of genetic variants", Bioinformatics 31 (2015): a variant is normalized when
//! its alleles share neither their last nor (both having two bases or more) their first base. There an allele keeps a base before
//! an indel, since the format has no empty allele; here it is left off, and one of the alleles may be empty.

/// Bases of a chromosome and what takes their place, as codes 0 to 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The first base that is removed, counted from 0; where none is, the base before which others are inserted.
    pub start: i64,
    pub removed: Vec<u8>,
    pub inserted: Vec<u8>,
}

/// The shortest and leftmost form of a change: the chromosome with the one or with the other is the same sequence. `base`
/// gives the chromosome's code at a place from 0 to `start - 1`. The alleles differ.
pub fn normalize(change: Change, mut base: impl FnMut(i64) -> u8) -> Change {
    let Change {
        mut start,
        mut removed,
        mut inserted,
    } = change;
    while let (Some(a), Some(b)) = (removed.last(), inserted.last())
        && a == b
    {
        removed.pop();
        inserted.pop();
    }
    let same = removed.iter().zip(&inserted).take_while(|(a, b)| a == b);
    let same = same.count();
    removed.drain(..same);
    inserted.drain(..same);
    start += same as i64;
    // Bases that are removed, or inserted, together may as well be those that begin one base before, if that one is the same
    // as their last; where both alleles are left neither can move.
    let moving = match (removed.is_empty(), inserted.is_empty()) {
        (true, false) => &mut inserted,
        (false, true) => &mut removed,
        _ => {
            return Change {
                start,
                removed,
                inserted,
            };
        }
    };
    let (length, mut steps) = (moving.len(), 0);
    while start > 0 && base(start - 1) == moving[length - 1 - steps % length] {
        start -= 1;
        steps += 1;
    }
    moving.rotate_right(steps % length);
    Change {
        start,
        removed,
        inserted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn apply(chromosome: &[u8], change: &Change) -> Vec<u8> {
        let start = change.start as usize;
        let rest = &chromosome[start + change.removed.len()..];
        [&chromosome[..start], &change.inserted, rest].concat()
    }

    /// Of all changes that make the same sequence one of the shortest, and of those the leftmost one.
    fn by_hand(chromosome: &[u8], change: &Change) -> Change {
        let wanted = apply(chromosome, change);
        let longer = wanted.len() as i64 - chromosome.len() as i64;
        let mut best: Option<Change> = None;
        for start in 0..=chromosome.len() {
            for removed in 0..=chromosome.len() - start {
                let Ok(inserted) = usize::try_from(removed as i64 + longer) else {
                    continue;
                };
                let Some(inserted) = wanted.get(start..start + inserted) else {
                    continue;
                };
                let found = Change {
                    start: start as i64,
                    removed: chromosome[start..start + removed].to_vec(),
                    inserted: inserted.to_vec(),
                };
                let shorter = |best: &Change| found.removed.len() < best.removed.len();
                if apply(chromosome, &found) == wanted && best.as_ref().is_none_or(shorter) {
                    best = Some(found);
                }
            }
        }
        best.unwrap()
    }

    #[test]
    fn repeats_are_left_behind() {
        let chromosome = [2, 2, 0, 1, 0, 1, 0, 1, 3];
        let at = |place: i64| chromosome[place as usize];
        let deletion = Change {
            start: 6,
            removed: vec![0, 1],
            inserted: vec![],
        };
        let expected = Change {
            start: 2,
            removed: vec![0, 1],
            inserted: vec![],
        };
        assert_eq!(normalize(deletion, at), expected);
        let insertion = Change {
            start: 7,
            removed: vec![1],
            inserted: vec![1, 0, 1],
        };
        let expected = Change {
            start: 2,
            removed: vec![],
            inserted: vec![0, 1],
        };
        assert_eq!(normalize(insertion, at), expected);
        // To the chromosome's beginning and no further.
        let first = Change {
            start: 1,
            removed: vec![2],
            inserted: vec![],
        };
        assert_eq!(normalize(first, at).start, 0);
        let mnv = Change {
            start: 2,
            removed: vec![0, 1, 0, 1],
            inserted: vec![0, 2, 2, 1],
        };
        let expected = Change {
            start: 3,
            removed: vec![1, 0],
            inserted: vec![2, 2],
        };
        assert_eq!(normalize(mnv, at), expected);
    }

    proptest! {
        #[test]
        fn the_shortest_and_leftmost_change_is_found(
            chromosome in prop::collection::vec(0_u8..2, 1..14),
            start in 0_usize..14,
            removed in 0_usize..5,
            inserted in prop::collection::vec(0_u8..2, 0..5),
        ) {
            let start = start.min(chromosome.len());
            let end = (start + removed).min(chromosome.len());
            let change = Change {
                start: start as i64,
                removed: chromosome[start..end].to_vec(),
                inserted,
            };
            prop_assume!(change.removed != change.inserted);
            let found = normalize(change.clone(), |place| chromosome[place as usize]);
            prop_assert_eq!(apply(&chromosome, &found), apply(&chromosome, &change));
            prop_assert_eq!(found, by_hand(&chromosome, &change));
        }
    }
}
