use proptest::prelude::*;

use super::*;
use crate::engine::random::Philox;

fn measures(scores: &[f64], labels: &[u8]) -> Measures<f64> {
    let labels: Vec<bool> = labels.iter().map(|&l| l == 1).collect();
    Ranked::new(scores, &labels).unwrap().measures()
}

/// By the definitions, each pair and each threshold looked at on its own.
fn naive(scores: &[f64], labels: &[bool]) -> Measures<f64> {
    let examples = || scores.iter().zip(labels);
    let positives = labels.iter().filter(|&&l| l).count() as f64;
    let negatives = labels.len() as f64 - positives;
    let mut wins = 0.0;
    for (a, &is_positive) in examples() {
        for (b, &is_other) in examples() {
            if is_positive && !is_other {
                wins += if a > b {
                    1.0
                } else if a == b {
                    0.5
                } else {
                    0.0
                };
            }
        }
    }
    let mut thresholds = scores.to_vec();
    thresholds.sort_by(|a, b| b.total_cmp(a));
    thresholds.dedup();
    let (mut auprc, mut recall_before, mut at_10, mut at_50) = (0.0, 0.0, 0.0_f64, 0.0_f64);
    for threshold in thresholds {
        let above = |label| {
            examples()
                .filter(|(s, l)| **s >= threshold && **l == label)
                .count()
        };
        let (tp, fp) = (above(true) as f64, above(false) as f64);
        let (precision, recall) = (tp / (tp + fp), tp / positives);
        auprc += (recall - recall_before) * precision;
        recall_before = recall;
        if 10.0 * fp <= tp + fp {
            at_10 = at_10.max(recall);
        }
        if 2.0 * fp <= tp + fp {
            at_50 = at_50.max(recall);
        }
    }
    Measures {
        auroc: wins / (positives * negatives),
        auprc,
        recall_at_10pct_fdr: at_10,
        recall_at_50pct_fdr: at_50,
    }
}

fn close(a: f64, b: f64) -> bool {
    a.is_nan() && b.is_nan() || (a - b).abs() < 1e-12
}

#[test]
fn a_table_by_hand() {
    // Thresholds: 0.9 (1 of 1), 0.8 (2 of 2), 0.7 (2 of 3), 0.6 (3 of 4), 0.5 (3 of 5), 0.4 (4 of 6), 0.3 (4 of 7).
    let found = measures(&[0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3], &[1, 1, 0, 1, 0, 1, 0]);
    assert_eq!(found.auroc, (3.0 + 3.0 + 2.0 + 1.0) / 12.0);
    assert!(close(
        found.auprc,
        (1.0 + 1.0 + 3.0 / 4.0 + 4.0 / 6.0) / 4.0
    ));
    assert_eq!(found.recall_at_10pct_fdr, 0.5);
    assert_eq!(found.recall_at_50pct_fdr, 1.0);
}

#[test]
fn ties_are_one_threshold() {
    // 0.8: 1 of 1; 0.5: 2 positives and 2 negatives more, 3 of 5; 0.1: 3 of 6.
    let scores = [0.5, 0.8, 0.5, 0.1, 0.5, 0.5];
    let found = measures(&scores, &[1, 1, 0, 0, 0, 1]);
    assert_eq!(found.auroc, (3.0 + 2.0 * 2.0) / 9.0);
    assert!(close(found.auprc, (1.0 + 2.0 * 3.0 / 5.0) / 3.0));
    assert_eq!(found.recall_at_10pct_fdr, 1.0 / 3.0);
    assert_eq!(found.recall_at_50pct_fdr, 1.0);
    // All alike: the positives' share, and no recall at 10 %.
    let found = measures(&[0.0, -0.0, 0.0, 0.0], &[1, 0, 0, 0]);
    assert_eq!((found.auroc, found.auprc), (0.5, 0.25));
    assert_eq!(
        (found.recall_at_10pct_fdr, found.recall_at_50pct_fdr),
        (0.0, 0.0)
    );
}

#[test]
fn a_false_discovery_rate_at_the_bound_counts() {
    let scores: Vec<f64> = (0..10).map(|i| 1.0 - f64::from(i) / 10.0).collect();
    // 9 positives and 1 negative above a threshold: a rate of exactly 10 %.
    let mut labels = [1; 10];
    labels[4] = 0;
    assert_eq!(measures(&scores, &labels).recall_at_10pct_fdr, 1.0);
    // Precision may come back later: 1 of 2, then 2 of 3, ..., 9 of 10.
    labels = [1; 10];
    labels[0] = 0;
    assert_eq!(measures(&scores, &labels).recall_at_10pct_fdr, 1.0);
    labels[9] = 0;
    assert_eq!(measures(&scores, &labels).recall_at_10pct_fdr, 0.0);
    assert_eq!(measures(&scores, &labels).recall_at_50pct_fdr, 1.0);
}

#[test]
fn perfect_and_reversed_scores() {
    let infinite = [f64::INFINITY, 1.0, 0.0, f64::NEG_INFINITY];
    let found = measures(&infinite, &[1, 1, 0, 0]);
    let all = [
        found.auroc,
        found.auprc,
        found.recall_at_10pct_fdr,
        found.recall_at_50pct_fdr,
    ];
    assert_eq!(all, [1.0; 4]);
    let found = measures(&infinite, &[0, 0, 1, 1]);
    assert_eq!(found.auroc, 0.0);
    assert!(close(found.auprc, (1.0 / 3.0 + 2.0 / 4.0) / 2.0));
    assert_eq!(found.recall_at_50pct_fdr, 1.0);
}

/// scikit-learn 1.9.1's roc_auc_score, average_precision_score and, at precision 0.9 and 0.5 or more, the largest recall
/// of precision_recall_curve.
#[test]
fn scikit_learns_values_are_met() {
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    for i in 0..5000_u64 {
        let score = (((i * 2_654_435_761) % (1 << 32)) >> 16) % 1000;
        let score = score as f64 / 1000.0;
        let label = (i * 40_503 % 65_536) as f64 / 65_536.0 < 0.3 * score * score * score;
        scores.push(score + if label && (i * 31) % 7 < 2 { 0.9 } else { 0.0 });
        labels.push(label);
    }
    let ranked = Ranked::new(&scores, &labels).unwrap();
    assert_eq!((ranked.positives(), ranked.negatives()), (379, 4621));
    let found = ranked.measures();
    assert!(close(found.auroc, 0.876_364_297_668_268), "{found:?}");
    assert!(close(found.auprc, 0.537_692_385_606_931), "{found:?}");
    assert!(
        close(found.recall_at_10pct_fdr, 0.306_068_601_583_113_44),
        "{found:?}"
    );
    assert!(
        close(found.recall_at_50pct_fdr, 0.424_802_110_817_941_95),
        "{found:?}"
    );
}

#[test]
fn one_class_alone_gives_nan_and_a_score_of_nan_is_an_error() {
    let none = measures(&[0.5, 0.2], &[0, 0]);
    assert!(none.auroc.is_nan() && none.auprc.is_nan() && none.recall_at_10pct_fdr.is_nan());
    let all = measures(&[0.5, 0.2], &[1, 1]);
    assert!(all.auroc.is_nan());
    assert_eq!((all.auprc, all.recall_at_10pct_fdr), (1.0, 1.0));
    assert!(measures(&[], &[]).auroc.is_nan());
    let interval = Ranked::new(&[0.5], &[false])
        .unwrap()
        .bootstrap(10, 0.95, 1, &[0]);
    assert!(interval.auroc.low.is_nan() && interval.auprc.high.is_nan());
    let message =
        |scores: &[f64], labels: &[bool]| Ranked::new(scores, labels).unwrap_err().to_string();
    assert!(message(&[0.1, f64::NAN], &[true, false]).contains("score 1 (counted from 0)"));
    assert!(message(&[0.1], &[]).contains("1 scores and 0 labels"));
}

/// Scores of two overlapping normal distributions, means 0 and 1, the first 400 of 2,000 positive.
fn two_normals() -> Ranked {
    let labels: Vec<bool> = (0..2000).map(|i| i < 400).collect();
    let scores: Vec<f64> = (0..2000).map(normal_score).collect();
    Ranked::new(&scores, &labels).unwrap()
}

fn normal_score(i: u64) -> f64 {
    Philox::new(11).normal(1, i) + if i < 400 { 1.0 } else { 0.0 }
}

/// Each example a group of its own.
fn singles(count: u32) -> Vec<u32> {
    (0..count).collect()
}

/// Four copies of an example say no more than one: the interval is that of the examples without copies.
#[test]
fn copies_in_one_group_do_not_narrow_an_interval() {
    let one = two_normals();
    let scores: Vec<f64> = (0..8000).map(|i| normal_score(i / 4)).collect();
    let labels: Vec<bool> = (0..8000).map(|i| i / 4 < 400).collect();
    let copies = Ranked::new(&scores, &labels).unwrap();
    let grouped: Vec<u32> = (0..8000).map(|i| i / 4).collect();
    let width = |m: Measures<Interval>| m.auroc.high - m.auroc.low;
    let of_one = width(one.bootstrap(200, 0.95, 5, &singles(2000)));
    let of_groups = width(copies.bootstrap(200, 0.95, 5, &grouped));
    assert!((of_groups / of_one - 1.0).abs() < 1e-9);
    let of_copies = width(copies.bootstrap(200, 0.95, 5, &singles(8000)));
    assert!((0.4..0.6).contains(&(of_copies / of_one)), "{of_copies}");
}

#[test]
fn intervals_hold_the_truth_and_have_the_known_width() {
    let ranked = two_normals();
    let interval = ranked.bootstrap(1000, 0.95, 5, &singles(2000)).auroc;
    // The normal distribution function at 1 / sqrt 2.
    let truth = 0.760_249_938_906_523_4;
    assert!(
        interval.low < truth && truth < interval.high,
        "{interval:?}"
    );
    let found = ranked.measures().auroc;
    assert!(interval.low < found && found < interval.high);
    // Hanley and McNeil's standard error, sqrt((A(1-A) + (P-1)(Q1-A²) + (N-1)(Q2-A²)) / PN).
    let a = found;
    let (q1, q2) = (a / (2.0 - a), 2.0 * a * a / (1.0 + a));
    let (p, n) = (400.0, 1600.0);
    let variance = (a * (1.0 - a) + (p - 1.0) * (q1 - a * a) + (n - 1.0) * (q2 - a * a)) / (p * n);
    let width = 2.0 * 1.96 * variance.sqrt();
    let ratio = (interval.high - interval.low) / width;
    assert!((0.85..1.15).contains(&ratio), "{ratio}");
}

#[test]
fn intervals_depend_on_the_seed_and_not_on_the_threads() {
    let ranked = two_normals();
    let on = |threads: usize, seed| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| ranked.bootstrap(50, 0.9, seed, &singles(2000)))
    };
    assert_eq!(on(1, 4), on(3, 4));
    assert_ne!(on(1, 4), on(1, 5));
}

#[test]
fn a_difference_is_that_of_both_and_0_of_a_score_with_itself() {
    let labels: Vec<bool> = (0..2000).map(|i| i < 400).collect();
    let noisy: Vec<f64> = (0..2000)
        .map(|i| normal_score(i) + 2.0 * Philox::new(3).normal(2, i))
        .collect();
    let noisy = Ranked::new(&noisy, &labels).unwrap();
    let good = two_normals();
    // Each of positives and negatives in its blocks.
    let blocks: Vec<u32> = (0..2000).map(|i| i % 40).collect();
    let found = auprc_differences(&good, &[noisy.clone(), good.clone()], &blocks, 7);
    let [Some(worse), Some(same)] = found[..] else {
        panic!("{found:?}");
    };
    let expected = good.measures().auprc - noisy.measures().auprc;
    assert!((worse.value - expected).abs() < 1e-12);
    assert!(0.0 < worse.low && worse.low < worse.value && worse.value < worse.high);
    assert_eq!((same.value, same.low, same.high), (0.0, 0.0, 0.0));
    assert_eq!(
        auprc_differences(&good, &[noisy], &vec![0; 2000], 7),
        [None]
    );
}

proptest! {
    #[test]
    fn sorting_once_agrees_with_the_definitions(
        examples in prop::collection::vec((0_u8..12, any::<bool>()), 1..60),
    ) {
        let scores: Vec<f64> = examples.iter().map(|&(s, _)| f64::from(s) / 4.0 - 1.0).collect();
        let labels: Vec<bool> = examples.iter().map(|&(_, l)| l).collect();
        let found = Ranked::new(&scores, &labels).unwrap().measures();
        let expected = naive(&scores, &labels);
        prop_assert!(close(found.auroc, expected.auroc), "{found:?} {expected:?}");
        if labels.contains(&true) {
            prop_assert!(close(found.auprc, expected.auprc), "{found:?} {expected:?}");
            prop_assert!(close(found.recall_at_10pct_fdr, expected.recall_at_10pct_fdr));
            prop_assert!(close(found.recall_at_50pct_fdr, expected.recall_at_50pct_fdr));
        } else {
            prop_assert!(found.auprc.is_nan());
        }
    }

    #[test]
    fn a_resample_has_the_measures_of_its_examples(
        examples in prop::collection::vec((0_u8..9, any::<bool>()), 1..40),
        size in 1_usize..5,
        seed in any::<u64>(),
    ) {
        let scores: Vec<f64> = examples.iter().map(|&(s, _)| f64::from(s)).collect();
        let labels: Vec<bool> = examples.iter().map(|&(_, l)| l).collect();
        let ranked = Ranked::new(&scores, &labels).unwrap();
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&i, &j| scores[j].total_cmp(&scores[i]).then(i.cmp(&j)));
        let groups: Vec<u32> = (0..scores.len()).map(|i| (i / size) as u32).collect();
        let blocks = scores.len().div_ceil(size);
        let times = resampled(blocks, 1, seed, <[u32]>::to_vec).remove(0);
        let chosen = || order.iter().flat_map(|&i| std::iter::repeat_n(i, times[i / size] as usize));
        let again: Vec<f64> = chosen().map(|i| scores[i]).collect();
        let again_labels: Vec<bool> = chosen().map(|i| labels[i]).collect();
        let expected = Ranked::new(&again, &again_labels).unwrap().measures();
        let found = ranked.bootstrap(1, 0.5, seed, &groups);
        prop_assert!(close(found.auroc.low, expected.auroc));
        prop_assert!(close(found.auprc.high, expected.auprc));
        prop_assert!(close(found.recall_at_50pct_fdr.low, expected.recall_at_50pct_fdr));
    }
}
