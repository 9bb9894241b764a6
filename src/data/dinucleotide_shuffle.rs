//! Shuffles of a sequence that keep its dinucleotides.
//!
//! Altschul and Erickson, "Significance of nucleotide sequence alignments: a method for random sequence permutation that preserves
//! dinucleotide and codon usage", Mol. Biol. Evol. 2 (1985): with letters as vertices and dinucleotides as edges, the sequence is an Euler path,
//! and every Euler path from its first to its last letter is a sequence with the same dinucleotides. A path is made by taking
//! the edges out of each letter in some order; it uses all edges exactly if the last edges of the letters other than the end form a tree
//! towards the end. The tree is drawn uniformly by loop-erased random walks (Wilson, "Generating random spanning trees more quickly than the
//! cover time", STOC 1996), the order of the other edges is a uniform permutation, and so every shuffle is as likely as any other.

use crate::dna::bases::N;
use crate::engine::Philox;

/// A, C, G, T, and N, which stays N's neighbor as any base stays that of another.
const LETTERS: usize = N as usize + 1;

/// A sequence of the same length, with the same count of each of the 25 dinucleotides and the same first and last letter; any such sequence,
/// also the one given, with the same probability. `codes`: 0 to 3 for A, C, G, T, anything above is N.
///
/// It depends on the sequence, on the seed of `random` and on `stream` alone.
pub fn dinucleotide_shuffle(codes: &[u8], random: Philox, stream: u64) -> Vec<u8> {
    let codes: Vec<u8> = codes.iter().map(|&code| code.min(N)).collect();
    let (Some(&first), Some(&last)) = (codes.first(), codes.last()) else {
        return codes;
    };
    let mut draws = Draws {
        random,
        stream,
        drawn: 0,
    };
    let mut edges: [Vec<u8>; LETTERS] = Default::default();
    for pair in codes.windows(2) {
        edges[usize::from(pair[0])].push(pair[1]);
    }
    let tree = last_edges(&edges, usize::from(last), &mut draws);
    for (to, last) in edges.iter_mut().zip(tree) {
        let place = last.and_then(|last| to.iter().position(|&to| usize::from(to) == last));
        let others = match place {
            Some(place) => {
                let end = to.len() - 1;
                to.swap(place, end);
                end
            }
            None => to.len(),
        };
        draws.shuffle(&mut to[..others]);
    }
    let mut untaken = edges.each_ref().map(|to| to.iter());
    let next = |&at: &u8| untaken[usize::from(at)].next().copied();
    std::iter::successors(Some(first), next).collect()
}

/// For each letter other than `end` that has edges, where its last one leads: a tree towards `end`, drawn with a probability in
/// proportion to how many ways there are to pick its edges.
///
/// Edges from a letter to itself belong to no tree; walks leave them out, which makes them short and changes no probability.
fn last_edges(
    edges: &[Vec<u8>; LETTERS],
    end: usize,
    draws: &mut Draws,
) -> [Option<usize>; LETTERS] {
    let away: [Vec<usize>; LETTERS] = std::array::from_fn(|from| {
        let to = edges[from].iter().map(|&to| usize::from(to));
        to.filter(|&to| to != from).collect()
    });
    let mut in_tree = [false; LETTERS];
    in_tree[end] = true;
    let mut next = [None; LETTERS];
    // The sequence itself leads from every one of its letters to the end, so that walks end.
    for start in 0..LETTERS {
        let mut at = start;
        while !in_tree[at] && !away[at].is_empty() {
            let to = away[at][draws.below(away[at].len())];
            next[at] = Some(to);
            at = to;
        }
        // Going over the walk again by what was drawn last leaves its loops out.
        let mut at = start;
        while let (false, Some(to)) = (in_tree[at], next[at]) {
            in_tree[at] = true;
            at = to;
        }
    }
    next
}

/// Numbers of a stream, one after the other.
struct Draws {
    random: Philox,
    stream: u64,
    drawn: u64,
}

impl Draws {
    /// Below `n`, each with the same probability but for n / 2^64 (Lemire's multiply-shift).
    fn below(&mut self, n: usize) -> usize {
        let bits = self.random.bits(self.stream, self.drawn);
        self.drawn += 1;
        ((u128::from(bits) * n as u128) >> 64) as usize
    }

    /// Fisher and Yates.
    fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let other = self.below(i + 1);
            items.swap(i, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn codes(text: &str) -> Vec<u8> {
        let code = |letter| "ACGTN".find(letter).unwrap() as u8;
        text.chars().map(code).collect()
    }

    fn pairs(codes: &[u8]) -> BTreeMap<[u8; 2], usize> {
        let mut counts = BTreeMap::new();
        for pair in codes.windows(2) {
            *counts.entry([pair[0], pair[1]]).or_default() += 1;
        }
        counts
    }

    #[test]
    fn dinucleotides_and_ends_stay() {
        let random = Philox::new(3);
        let any = |length: u64, letters: u64| -> Vec<u8> {
            let draw = |i| (random.bits(length, i) % letters) as u8;
            (0..length).map(draw).collect()
        };
        let repeated = |unit: &str| codes(&unit.repeat(40));
        let mut all = vec![any(1000, 4), any(999, 5), any(20, 2), any(3, 4)];
        all.extend(["A", "AC", "ACG", "AAAAC", "ACGTN", "AAAT"].map(repeated));
        all.push(codes(&["A".repeat(3000), "CN".to_string()].concat()));
        for codes in all {
            for stream in 0..20 {
                let shuffled = dinucleotide_shuffle(&codes, random, stream);
                assert_eq!(pairs(&shuffled), pairs(&codes));
                assert_eq!(shuffled.len(), codes.len());
                assert_eq!(shuffled.first(), codes.first());
                assert_eq!(shuffled.last(), codes.last());
            }
        }
    }

    #[test]
    fn short_ones_stay_as_they_are() {
        for text in ["", "G", "N", "GA", "AA", "GAT", "NNN"] {
            let codes = codes(text);
            assert_eq!(dinucleotide_shuffle(&codes, Philox::new(1), 0), codes);
        }
        let above = dinucleotide_shuffle(&[9, 0], Philox::new(1), 0);
        assert_eq!(above, [N, 0]);
    }

    #[test]
    fn seed_and_stream_decide() {
        let random = Philox::new(8);
        let codes: Vec<u8> = (0..200).map(|i| (random.bits(0, i) % 4) as u8).collect();
        let shuffled = dinucleotide_shuffle(&codes, random, 5);
        assert_eq!(dinucleotide_shuffle(&codes, Philox::new(8), 5), shuffled);
        for (seed, stream) in [(8, 6), (9, 5)] {
            let other = dinucleotide_shuffle(&codes, Philox::new(seed), stream);
            assert_ne!(other, shuffled);
        }
        let moved = shuffled.iter().zip(&codes).filter(|(a, b)| a != b);
        assert!(moved.count() > 100);
    }

    /// All sequences that go on from `path` with just these dinucleotides and end with `last`.
    fn enumerate(
        path: &mut Vec<u8>,
        left: &mut BTreeMap<[u8; 2], usize>,
        last: u8,
        found: &mut Vec<Vec<u8>>,
    ) {
        let Some(&at) = path.last() else { return };
        if left.values().all(|&count| count == 0) && at == last {
            found.push(path.clone());
        }
        for to in 0..LETTERS as u8 {
            if left.get(&[at, to]).is_none_or(|&count| count == 0) {
                continue;
            }
            left.entry([at, to]).and_modify(|count| *count -= 1);
            path.push(to);
            enumerate(path, left, last, found);
            path.pop();
            left.entry([at, to]).and_modify(|count| *count += 1);
        }
    }

    #[test]
    fn all_shuffles_are_equally_likely() {
        // Ends that are one letter and two, letters that follow themselves, rare ways to the end.
        for text in ["ACAAGCCATA", "AACACCAGAC", "ACACACAGCN", "ANCGACGNAACT"] {
            let codes = codes(text);
            let mut all = Vec::new();
            let (mut path, last) = (vec![codes[0]], codes[codes.len() - 1]);
            enumerate(&mut path, &mut pairs(&codes), last, &mut all);
            let mut counts: BTreeMap<Vec<u8>, f64> =
                all.iter().map(|one| (one.clone(), 0.0)).collect();
            let per_shuffle = 100.0;
            let draws = all.len() as u64 * per_shuffle as u64;
            for stream in 0..draws {
                let shuffled = dinucleotide_shuffle(&codes, Philox::new(21), stream);
                *counts.get_mut(&shuffled).unwrap() += 1.0;
            }
            let terms = counts.values().map(|n| (n - per_shuffle).powi(2));
            let chi_square = terms.sum::<f64>() / per_shuffle;
            // Mean k, variance 2 k.
            let freedom = all.len() as f64 - 1.0;
            let off = (chi_square - freedom) / (2.0 * freedom).sqrt();
            assert!(
                off.abs() < 3.5,
                "{text}: {} shuffles, {off} deviations",
                all.len()
            );
        }
    }
}
