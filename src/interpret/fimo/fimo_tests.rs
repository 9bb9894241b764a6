use super::*;
use proptest::prelude::*;

type Rows = Vec<[f64; 4]>;

fn motif(text: &str) -> Rows {
    let row = |letter| match "ACGT".find(letter) {
        Some(best) => std::array::from_fn(|i| if i == best { 0.85 } else { 0.05 }),
        None => [0.25; 4],
    };
    text.chars().map(row).collect()
}

fn codes(text: &str) -> Vec<u8> {
    let code = |letter| "ACGT".find(letter).map_or(N, |code| code as u8);
    text.chars().map(code).collect()
}

/// Every word of so many bases.
fn words(width: usize) -> impl Iterator<Item = Vec<u8>> {
    (0..4usize.pow(width as u32))
        .map(move |n| (0..width).map(|i| (n >> (2 * i) & 3) as u8).collect())
}

fn rounded(rows: &Rows, word: &[u8]) -> i64 {
    let step = |(row, &code): (&[f64; 4], &u8)| {
        (((row[usize::from(code)] + 1e-4) / 0.25).log2() / 0.1).round_ties_even() as i64
    };
    rows.iter().zip(word).map(step).sum()
}

fn exact(rows: &Rows, word: &[u8]) -> f64 {
    let score = |(row, &code): (&[f64; 4], &u8)| ((row[usize::from(code)] + 1e-4) / 0.25).log2();
    rows.iter().zip(word).map(score).sum()
}

#[test]
fn p_values_are_shares_of_all_words() {
    let rows = vec![
        [0.7, 0.1, 0.1, 0.1],
        [0.0, 1.0, 0.0, 0.0],
        [0.3, 0.3, 0.2, 0.2],
        [0.05, 0.05, 0.45, 0.45],
        [0.9, 0.05, 0.03, 0.02],
    ];
    let all: Vec<i64> = words(5).map(|word| rounded(&rows, &word)).collect();
    let scanner = Scanner::new(&rows, 0.05);
    let (_, scores, _) = &scanner.strands[0];
    let mut seen = 0;
    for word in words(5) {
        let Some((score, p)) = scores.of(&word) else {
            continue;
        };
        seen += 1;
        assert!((score - exact(&rows, &word)).abs() < 1e-12);
        let step = (score / 0.1) as i64;
        let step = step.min(all.iter().copied().max().unwrap());
        let share = all.iter().filter(|&&other| other >= step).count() as f64 / 1024.0;
        assert!((p - share).abs() < 1e-12, "{word:?}: {p} {share}");
        assert!(p < 0.05);
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn hits_lie_on_both_strands_and_never_over_an_n() {
    let scanner = Scanner::new(&motif("CACGTGAA"), 1e-4);
    let text = codes("TTCACGTGAATTNTTCACGTGCACNTGAATTTTCACGTGTTCACGTGNA");
    let hits = scanner.hits(&text);
    let found: Vec<_> = hits.iter().map(|hit| (hit.start, hit.strand)).collect();
    // TTCACGTG is the other strand of CACGTGAA.
    let (forward, reverse) = (Strand::Forward, Strand::Reverse);
    assert_eq!(
        found,
        [
            (0, reverse),
            (2, forward),
            (13, reverse),
            (31, reverse),
            (39, reverse)
        ]
    );
    assert!(hits.iter().all(|hit| hit.p_value < 1e-4 && hit.score > 8.0));
    // Runs of 12, 11, 22 and 1 base.
    assert_eq!(Runs::of(&text).windows(8), 2 * (5 + 4 + 15));
    assert_eq!((scanner.width(), scanner.is_hopeless()), (8, false));
}

#[test]
fn what_cannot_be_found_is_not_found() {
    let text = codes(&"ACGT".repeat(50));
    for rows in [motif("ACGTA"), motif("NNNNNNNNNN"), Vec::new()] {
        let scanner = Scanner::new(&rows, 1e-4);
        assert!(scanner.is_hopeless());
        assert!(scanner.hits(&text).is_empty());
    }
    let long = Scanner::new(&motif(&"ACGT".repeat(60)), 1e-4);
    assert!(long.hits(&text).is_empty() && !long.is_hopeless());
    assert_eq!(Runs::of(&text).windows(long.width()), 0);
    assert!(
        Scanner::new(&motif("CACGTGAA"), 1e-4)
            .hits(&[N; 80])
            .is_empty()
    );
}

proptest! {
    /// The filter loses none, at any length and any place of a block.
    #[test]
    fn hits_are_those_of_the_plainest_scan(
        rows in prop::collection::vec(prop::array::uniform4(0.0..1.0f64), 1..34),
        sharp in 1.0..9.0f64,
        text in prop::collection::vec(0u8..5, 0..400),
        planted in 0usize..300,
        threshold in prop::sample::select(vec![1e-4, 1e-2, 0.3]),
    ) {
        let rows: Rows = rows
            .iter()
            .map(|row| {
                let row = row.map(|x| x.powf(sharp) + 1e-9);
                let sum: f64 = row.iter().sum();
                row.map(|x| x / sum)
            })
            .collect();
        let mut text = text;
        for (place, row) in rows.iter().enumerate() {
            let best = (0..4).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
            if let Some(code) = text.get_mut(planted + place) {
                *code = best as u8;
            }
        }
        let scanner = Scanner::new(&rows, threshold);
        let mut expected = Vec::new();
        for start in 0..(text.len() + 1).saturating_sub(rows.len()) {
            for (strand, scores, _) in &scanner.strands {
                let window = &text[start..start + rows.len()];
                if window.iter().all(|&code| code < N) && let Some((score, p_value)) = scores.of(window) {
                    expected.push(Hit { start, strand: *strand, score, p_value });
                }
            }
        }
        prop_assert_eq!(scanner.hits(&text), expected);
    }
}
