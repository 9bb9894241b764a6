use super::*;
use crate::dna::motif::reverse_complement;
use proptest::prelude::*;

type Rows = Vec<[f64; 4]>;

/// A motif that favors the letters of `text`; N: a uniform row.
fn motif(text: &str) -> Rows {
    let row = |letter| match "ACGT".find(letter) {
        Some(best) => std::array::from_fn(|i| if i == best { 0.85 } else { 0.05 }),
        None => [0.25; 4],
    };
    text.chars().map(row).collect()
}

fn targets(motifs: &[Rows], distance: Distance) -> Targets {
    Targets::new(motifs.iter().map(Vec::as_slice), distance)
}

fn random_rows(columns: std::ops::Range<usize>) -> impl Strategy<Value = Rows> {
    let row = prop::array::uniform4(0.01..1.0f64).prop_map(|row| {
        let sum: f64 = row.iter().sum();
        row.map(|x| x / sum)
    });
    prop::collection::vec(row, columns)
}

/// Columns of both strands, in the order of the targets.
fn columns_of(collection: &[Rows]) -> Rows {
    let forward = collection.iter().flatten().copied();
    let reverse = collection.iter().flat_map(|m| reverse_complement(m));
    forward.chain(reverse).collect()
}

/// The integer scores that a comparison computes with, each of them held against its definition in f64.
fn integer_scores(query: &[[f64; 4]], collection: &[Rows]) -> Vec<Vec<i32>> {
    let columns = columns_of(collection);
    let score = |q: &[f64; 4], t: &[f64; 4]| {
        let squares = q.iter().zip(t).map(|(a, b)| (a - b) * (a - b));
        -squares.sum::<f64>().sqrt()
    };
    let scores = query
        .iter()
        .map(|q| columns.iter().map(|t| score(q, t)).collect());
    let scores: Vec<Vec<f64>> = scores.collect();
    let extremes = |row: &[f64]| {
        let low = row.iter().copied().fold(f64::INFINITY, f64::min);
        (low, row.iter().copied().fold(f64::NEG_INFINITY, f64::max))
    };
    let median = |row: &Vec<f64>| {
        let (low, high) = extremes(row);
        if high - low < 1e-9 {
            return low;
        }
        let bin = |x: f64| ((x - low) / (high - low) * 999.0) as usize;
        let mut bins: Vec<usize> = row.iter().map(|&x| bin(x)).collect();
        bins.sort_unstable();
        let middle = bins[bins.len().div_ceil(2) - 1];
        let held: Vec<f64> = row.iter().copied().filter(|&x| bin(x) == middle).collect();
        held.iter().sum::<f64>() / held.len() as f64
    };
    let medians: Vec<f64> = scores.iter().map(median).collect();
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for (row, median) in scores.iter().zip(&medians) {
        low = low.min(extremes(row).0 - median);
        high = high.max(extremes(row).1 - median);
    }
    let low = (low + 1e-5).floor();
    let scale = (100.0 / (high - low).max(1.0)).floor();
    let mut found = Scored::default();
    let distance = Distance::Euclidean;
    found.set(
        query,
        &Columns::new(columns.iter().copied(), distance),
        distance,
    );
    assert_eq!(found.zero as f64, -low * scale);
    for ((values, row), median) in found.values.iter().zip(&scores).zip(&medians) {
        for (&value, score) in values.iter().zip(row) {
            // A score that lies between two integers may become either; a median, within one of its bins.
            let exact = (score - median) * scale;
            assert!((f64::from(value) - exact).abs() < 0.65, "{value} {exact}");
        }
    }
    let integers = |row: &Vec<i16>| row.iter().map(|&x| i32::from(x)).collect();
    found.values.iter().map(integers).collect()
}

/// P(best >= s) over all spans, each by going through every order of columns that the span can meet.
fn by_brute_force(scores: &[Vec<i32>], width: usize, score: i32) -> f64 {
    let columns = scores.len();
    let mut below = 1.0;
    for offset in 1 - columns as isize..width as isize {
        let first = (-offset).max(0) as usize;
        let last = ((width as isize - offset) as usize).min(columns);
        let mut sums = vec![0];
        for row in &scores[first..last] {
            sums = sums
                .iter()
                .flat_map(|sum| row.iter().map(move |x| sum + x))
                .collect();
        }
        let less = sums.iter().filter(|&&sum| sum < score).count();
        below *= less as f64 / sums.len() as f64;
    }
    1.0 - below
}

#[test]
fn p_values_are_those_of_all_orders_of_columns() {
    let collection = [motif("AC"), motif("GAT"), motif("N")];
    for query in [
        motif("AC"),
        motif("TC"),
        motif("G"),
        motif("CAT"),
        motif("GGN"),
    ] {
        let scores = integer_scores(&query, &collection);
        let found =
            targets(&collection, Distance::Euclidean).compare(&query, &mut Scratch::default());
        for (found, target) in found.iter().zip(&collection) {
            let p = by_brute_force(&scores, target.len(), found.score);
            let expected = 1.0 - (1.0 - p) * (1.0 - p);
            assert!(
                (found.p_value - expected).abs() < 1e-12,
                "{query:?} {target:?}: {} {expected}",
                found.p_value
            );
        }
    }
}

#[test]
fn the_alignment_is_where_the_motif_lies_on_either_strand() {
    let collection = [
        motif("NNCACGTGAANN"),
        motif("TTCACGTGCC"),
        motif("GGGGCGGGG"),
        motif("CACGT"),
    ];
    let collection = targets(&collection, Distance::Euclidean);
    let found = collection.compare(&motif("CACGTGAA"), &mut Scratch::default());
    assert_eq!(
        (found[0].offset, found[0].overlap, found[0].reverse),
        (2, 8, false)
    );
    // GGCACGTGAA is the second one's other strand.
    assert_eq!(
        (found[1].offset, found[1].overlap, found[1].reverse),
        (2, 8, true)
    );
    assert_eq!(
        (found[3].offset, found[3].overlap, found[3].reverse),
        (0, 5, false)
    );
    let p = |i: usize| found[i].p_value;
    assert!(
        p(0) < 1e-4 && p(1) < 1e-4 && p(3) < 1e-2 && p(2) > 0.5,
        "{found:?}"
    );
    let pearson = targets(&[motif("NNCACGTGAANN"), motif("GGGGGG")], Distance::Pearson);
    let found = pearson.compare(&motif("CACGTGAA"), &mut Scratch::default());
    assert_eq!((found[0].offset, found[0].overlap), (2, 8));
    assert!(found[0].p_value < found[1].p_value);
}

#[test]
fn what_has_nothing_to_compare_has_a_p_of_1() {
    let uniform = [motif("NNNN"), motif("NN")];
    let found =
        targets(&uniform, Distance::Euclidean).compare(&motif("NNN"), &mut Scratch::default());
    assert!(found.iter().all(|m| m.p_value == 1.0), "{found:?}");
    let collection = [motif("ACGT"), Vec::new()];
    let found =
        targets(&collection, Distance::Euclidean).compare(&motif("ACGT"), &mut Scratch::default());
    assert_eq!(found[1].p_value, 1.0);
    assert!(found[0].p_value < 1.0);
    assert_eq!(
        targets(&collection, Distance::Pearson).compare(&[], &mut Scratch::default())[0].p_value,
        1.0
    );
    let none = targets(&[], Distance::Pearson).compare(&motif("A"), &mut Scratch::default());
    assert!(none.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Scores, alignments and p-values against the plainest way to them.
    #[test]
    fn all_agrees_with_the_definition(
        collection in prop::collection::vec(random_rows(1..6), 1..5),
        query in random_rows(1..4),
    ) {
        let scores = integer_scores(&query, &collection);
        let found = targets(&collection, Distance::Euclidean).compare(&query, &mut Scratch::default());
        let half = scores[0].len() / 2;
        let mut start = 0;
        for (found, target) in found.iter().zip(&collection) {
            let mut best = i32::MIN;
            for begin in [start, start + half] {
                for offset in 1 - query.len() as isize..target.len() as isize {
                    let mut sum = 0;
                    for (i, row) in scores.iter().enumerate() {
                        let place = offset + i as isize;
                        if (0..target.len() as isize).contains(&place) {
                            sum += row[begin + place as usize];
                        }
                    }
                    best = best.max(sum);
                }
            }
            start += target.len();
            prop_assert_eq!(found.score, best);
            let p = by_brute_force(&scores, target.len(), best);
            let expected = 1.0 - (1.0 - p) * (1.0 - p);
            prop_assert!((found.p_value - expected).abs() < 1e-9, "{} {}", found.p_value, expected);
        }
    }

    #[test]
    fn strands_do_not_matter(collection in prop::collection::vec(random_rows(1..9), 1..5), query in random_rows(1..7)) {
        let collection = targets(&collection, Distance::Euclidean);
        let forward = collection.compare(&query, &mut Scratch::default());
        let reverse = collection.compare(&reverse_complement(&query), &mut Scratch::default());
        for (a, b) in forward.iter().zip(&reverse) {
            // A score between two integers may become either.
            prop_assert!((a.p_value - b.p_value).abs() < 0.1 * a.p_value.max(b.p_value), "{} {}", a.p_value, b.p_value);
        }
    }
}
