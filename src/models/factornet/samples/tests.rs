//! What holds for samples drawn from any peaks, blacklist and split.

use std::collections::HashSet;

use proptest::prelude::*;

use super::multi;
use super::multi::MultiTask;
use super::single::{Settings, SingleTask, excluded};
use super::*;
use crate::data::regions::Regions;
use crate::data::split::regions::{Choice, Part, Split};
use crate::data::windows::annotations::GencodeSpan;
use crate::data::windows::blacklist::Blacklist;
use crate::data::windows::negatives::Space;
use crate::data::windows::peaks::{Peaks, read_intervals};
use crate::dna::span::Span;
use crate::engine::random::Philox;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::sources::Sources;
use crate::io::text::Lines;

const LENGTH: u32 = 100;

fn chromosomes() -> Chromosomes {
    let list = [("a", 60_000), ("b", 30_000), ("c", 30_000)];
    let list = list.map(|(name, length)| (name.to_string(), length));
    Chromosomes::new("c.sizes", list.to_vec()).unwrap()
}

/// A genome with a split, a blacklist and N.
struct World {
    chromosomes: Chromosomes,
    blacklist: Blacklist,
    unknown: Regions,
    split: Split,
}

impl World {
    fn new(blacklist: &[(u32, Span)], unknown: &[(u32, Span)], v: &str, t: &str) -> World {
        let chromosomes = chromosomes();
        let plain = Regions::merge(3, blacklist.iter().copied());
        let (v, t) = ([v.to_string()], [t.to_string()]);
        let choice = |flag, words| Choice {
            flag,
            what: "region",
            words,
            explicit: true,
        };
        World {
            blacklist: Blacklist::new(plain, LENGTH, &chromosomes),
            unknown: Regions::merge(3, unknown.iter().copied()),
            split: Split::new(
                choice("-v", &v[..]),
                choice("-t", &t[..]),
                &Sources::new(),
                &chromosomes,
                &mut Notes::new(),
            )
            .unwrap(),
            chromosomes,
        }
    }

    fn single(&self, negatives: u32, seed: u64) -> Settings<'_> {
        Settings {
            chromosomes: &self.chromosomes,
            blacklist: &self.blacklist,
            unknown: Some(&self.unknown),
            split: &self.split,
            length: LENGTH,
            negatives,
            annotations: None,
            span: GencodeSpan::Window,
            max_shift: None,
            seed,
        }
    }

    fn multi(&self, seed: u64) -> multi::Settings<'_> {
        multi::Settings {
            chromosomes: &self.chromosomes,
            blacklist: &self.blacklist,
            unknown: Some(&self.unknown),
            split: &self.split,
            length: LENGTH,
            seed,
        }
    }
}

fn plain() -> World {
    World::new(&[], &[], "b", "c")
}

fn peaks(list: &[(u32, u32, u32)]) -> Peaks {
    let list = list
        .iter()
        .map(|&(chromosome, start, end)| (chromosome, Span::new(start, end)));
    Peaks::new(list.collect(), None, 3)
}

fn spans(most: usize) -> impl Strategy<Value = Vec<(u32, Span)>> {
    let span = (0_u32..3, 0_u32..29_000, 1_u32..900);
    let span =
        span.prop_map(|(chromosome, start, length)| (chromosome, Span::new(start, start + length)));
    prop::collection::vec(span, 0..most)
}

/// Peaks that leave one positive for each of training and validation whatever else is drawn.
fn with_two(mut list: Vec<(u32, Span)>) -> Peaks {
    list.extend([
        (0, Span::new(50_000, 50_300)),
        (1, Span::new(29_300, 29_500)),
    ]);
    Peaks::new(list, None, 3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn no_sample_lies_where_it_must_not(
        first in spans(25), second in spans(25), relaxed in spans(10),
        black in spans(4), unknown in spans(6), negatives in 1_u32..4, seed in any::<u64>(),
    ) {
        let world = World::new(&black, &unknown, "b", "a:20000-21000");
        let mut cells = [with_two(first), with_two(second)];
        cells[1].relaxed = cells[1].relaxed.union(&Regions::merge(3, relaxed));
        let settings = world.single(negatives, seed);
        let Ok((task, _)) = SingleTask::new(settings, &cells, None) else {
            return Ok(()); // the two peaks were blacklisted, or no room was left
        };
        let held_out = world.split.validation().union(world.split.test());
        let half = i64::from(LENGTH / 2);
        for (part, samples) in [(Part::Train, task.epoch(3).unwrap().samples), (Part::Validation, task.validation().to_vec())] {
            for (cell, peaks) in (0..).zip(&cells) {
                let excluded = excluded(&peaks.relaxed, &settings);
                let own: Vec<&Sample> = samples.iter().filter(|sample| sample.cell == cell).collect();
                let (positives, drawn): (Vec<&Sample>, Vec<&Sample>) = own.into_iter().partition(|sample| sample.label == 1);
                prop_assert_eq!(drawn.len(), negatives as usize * positives.len());
                let distinct: HashSet<_> = drawn.iter().map(|sample| (sample.chromosome, sample.middle)).collect();
                prop_assert_eq!(distinct.len(), drawn.len());
                for sample in drawn {
                    prop_assert!(!excluded.touches(sample.chromosome, sample.middle - 100, sample.middle + 100));
                    prop_assert_eq!(world.split.part(sample.chromosome, sample.middle as u32), part);
                }
            }
            if part == Part::Train {
                let reaches = |s: &Sample| held_out.touches(s.chromosome, s.middle - half, s.middle + half);
                prop_assert!(!samples.iter().any(reaches));
            }
        }
    }

    #[test]
    fn windows_that_are_drawn_apart_do_not_overlap(
        taken in spans(30), closed in spans(6), count in 1_usize..200, seed in any::<u64>(),
    ) {
        let all = chromosomes();
        let free = Regions::merge(3, taken).complement(&all);
        let middles = Regions::merge(3, closed).complement(&all);
        let space = Space::new(&free, &middles, 3);
        let Some(drawn) = space.draw(count, Philox::new(seed), 0) else {
            prop_assert!(space.len() < count as u64);
            return Ok(());
        };
        prop_assert_eq!(drawn.starts.len(), count);
        let mut sorted = drawn.starts.clone();
        sorted.sort_unstable();
        for &(chromosome, start) in &sorted {
            let (from, to) = (i64::from(start), i64::from(start) + 200);
            prop_assert_eq!(free.covered(chromosome, from, to), 200);
            prop_assert!(middles.contains(chromosome, from + 100));
        }
        let apart = sorted.windows(2).all(|pair| pair[0].0 != pair[1].0 || pair[0].1 + 200 <= pair[1].1);
        prop_assert_eq!(apart, !drawn.overlapping);
    }
}

#[test]
fn the_last_windows_side_by_side_are_found_before_any_overlap() {
    // Room for exactly five windows in one gap, three in another.
    let free = Regions::merge(1, [(0, Span::new(100, 1100)), (0, Span::new(2000, 2750))]);
    let middles = Regions::merge(1, [(0, Span::new(0, 5000))]);
    let space = Space::new(&free, &middles, 1);
    assert_eq!(space.len(), 801 + 551);
    for seed in 0..20 {
        let drawn = |count| space.draw(count, Philox::new(seed), 0).unwrap();
        assert!(!drawn(8).overlapping, "seed {seed}");
        assert!(drawn(9).overlapping, "seed {seed}");
        let all: HashSet<_> = drawn(1352).starts.into_iter().collect();
        assert_eq!(all.len(), 1352);
    }
    assert!(space.draw(1353, Philox::new(1), 0).is_none());
}

#[test]
fn every_window_is_as_likely_as_any_other() {
    let free = Regions::merge(
        2,
        [
            (0, Span::new(0, 250)),
            (1, Span::new(10, 260)),
            (1, Span::new(500, 698)),
        ],
    );
    let middles = Regions::merge(2, [0, 1].map(|number| (number, Span::new(0, 1000))));
    let space = Space::new(&free, &middles, 2);
    assert_eq!(space.len(), 102);
    let mut counts = std::collections::BTreeMap::<_, f64>::new();
    for seed in 0..20_400 {
        for start in space.draw(1, Philox::new(seed), 7).unwrap().starts {
            *counts.entry(start).or_default() += 1.0;
        }
    }
    // Chi-square with 101 degrees of freedom: above 170 once in 50,000 draws of seeds.
    let square: f64 = counts
        .values()
        .map(|count| (count - 200.0).powi(2) / 200.0)
        .sum();
    assert!(counts.len() == 102 && square < 170.0, "{square}");
}

#[test]
fn both_ends_of_the_range_of_shifts_are_drawn() {
    let world = plain();
    // 24 bases around a middle: reach 24 + 12 = 36, as end - start - 76 says.
    let cell = peaks(&[(0, 30_000, 30_024), (1, 5_000, 5_200)]);
    let (task, _) = SingleTask::new(world.single(1, 5), std::slice::from_ref(&cell), None).unwrap();
    let positive = task.positives()[0];
    assert_eq!(positive.reach(), positive.peak.end - positive.start() - 76);
    let middles: Vec<i64> = (0..2000)
        .flat_map(|epoch| task.epoch(epoch).unwrap().samples)
        .filter(|sample| sample.label == 1)
        .map(|sample| sample.middle - 30_012)
        .collect();
    let distinct: HashSet<_> = middles.iter().collect();
    assert_eq!(
        (middles.iter().min(), middles.iter().max()),
        (Some(&-36), Some(&36))
    );
    assert_eq!(distinct.len(), 73);
    // A largest shift narrows the range and never widens it.
    for (most, reach) in [(5, 5), (0, 0), (500, 36)] {
        let settings = Settings {
            max_shift: Some(most),
            ..world.single(1, 5)
        };
        let (task, _) = SingleTask::new(settings, std::slice::from_ref(&cell), None).unwrap();
        let middles: HashSet<i64> = (0..2000)
            .flat_map(|epoch| task.epoch(epoch).unwrap().samples)
            .filter(|sample| sample.label == 1)
            .map(|sample| sample.middle - 30_012)
            .collect();
        assert_eq!(middles, (-reach..=reach).collect());
    }
    let still = task
        .validation()
        .iter()
        .find(|sample| sample.label == 1)
        .unwrap();
    assert_eq!(still.middle, 5_100);
}

#[test]
fn the_same_seed_gives_the_same_samples_on_any_number_of_threads() {
    let world = World::new(&[(0, Span::new(7000, 8000))], &[], "b", "a:20000-21000");
    let list: Vec<(u32, Span)> = (0..60)
        .map(|i| (i % 3, Span::new(500 + 480 * i, 650 + 480 * i)))
        .collect();
    let cells = [with_two(list.clone()), with_two(list[..40].to_vec())];
    let draw = |seed, threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let (task, _) = SingleTask::new(world.single(2, seed), &cells, None).unwrap();
            let (multi, _) = MultiTask::new(world.multi(seed), &cells).unwrap();
            let single = [
                task.epoch(0).unwrap().samples,
                task.epoch(1).unwrap().samples,
                task.validation().to_vec(),
            ];
            (
                single,
                [multi.epoch(0).samples, multi.validation().to_vec()],
            )
        })
    };
    let one = draw(1, 1);
    assert_eq!(one, draw(1, 3));
    let other = draw(2, 1);
    assert!(
        one.0[0] != one.0[1]
            && one.0[0] != other.0[0]
            && one.0[2] != other.0[2]
            && one.1[0] != other.1[0]
    );
    // Validation holds the same positives under every seed, in an order of its own.
    let positives = |samples: &[Sample]| -> HashSet<Sample> {
        samples.iter().filter(|s| s.label == 1).copied().collect()
    };
    assert_eq!(positives(&one.0[2]), positives(&other.0[2]));
}

#[test]
fn validation_from_other_folders_takes_their_peaks_and_numbers() {
    let world = plain();
    let train = peaks(&[(0, 30_000, 30_200), (1, 5_000, 5_200)]);
    let other = peaks(&[(0, 40_000, 40_200), (1, 9_000, 9_200), (1, 9_000, 9_200)]);
    let (task, _) = SingleTask::new(world.single(1, 1), &[train], Some(&[other])).unwrap();
    assert_eq!(task.positives().len(), 1);
    let positives: Vec<_> = task
        .validation()
        .iter()
        .filter(|sample| sample.label == 1)
        .collect();
    assert!(
        positives
            .iter()
            .all(|sample| (sample.cell, sample.middle) == (1, 9_100))
    );
    assert_eq!((positives.len(), task.validation().len()), (2, 4));
}

#[test]
fn a_peak_with_no_shift_left_is_dropped_and_counted() {
    // 50 free bases between two held-out regions: no input of 100 bases fits.
    let folder = tempfile::tempdir().unwrap();
    let bed = folder.path().join("t.bed");
    std::fs::write(&bed, "a\t20000\t25000\na\t25050\t30000\n").unwrap();
    let world = World::new(&[], &[], "b", &bed.display().to_string());
    let cell = peaks(&[(0, 25_020, 25_030), (0, 31_000, 31_200), (1, 5_000, 5_200)]);
    let (task, notes) = SingleTask::new(world.single(1, 1), &[cell], None).unwrap();
    assert_eq!(task.positives().len(), 1);
    assert!(
        notes[0].starts_with("1 training peak dropped: with any shift"),
        "{notes:?}"
    );
}

#[test]
fn nothing_to_train_or_to_choose_with_is_an_error() {
    let world = plain();
    let found = |list: &[(u32, u32, u32)], negatives| {
        SingleTask::new(world.single(negatives, 1), &[peaks(list)], None)
            .err()
            .unwrap()
            .to_string()
    };
    assert!(found(&[(1, 5_000, 5_200)], 1).starts_with("no positive for training"));
    assert!(
        found(&[(0, 5_000, 5_200), (2, 5_000, 5_200)], 1).starts_with("no positive for validation")
    );
    let crowded = found(&[(0, 5_000, 5_200), (1, 5_000, 5_200)], 100_000);
    assert!(
        crowded.starts_with("no space left for negatives: 100000 asked for, 58802 windows found"),
        "{crowded}"
    );
    let odd = Settings {
        length: 101,
        ..world.single(1, 1)
    };
    let odd = SingleTask::new(odd, &[peaks(&[(0, 5_000, 5_200)])], None)
        .err()
        .unwrap();
    assert!(
        odd.to_string()
            .starts_with("input length 101; expected an even number")
    );
}

#[test]
fn negatives_overlap_with_a_warning_when_there_is_no_room() {
    let world = plain();
    let cell = peaks(&[(0, 30_000, 30_200), (1, 5_000, 5_200)]);
    let (task, notes) = SingleTask::new(world.single(1_000, 1), &[cell], None).unwrap();
    let epoch = task.epoch(0).unwrap();
    assert_eq!(epoch.samples.len(), 1_001);
    assert!(
        notes[0].starts_with("warning: no room for 1000 negatives side by side"),
        "{notes:?}"
    );
    assert_eq!(epoch.notes, notes);
}

#[test]
fn multi_task_windows_are_those_that_peaks_cover_enough() {
    let world = plain();
    // 5,000..5,151 covers 101 bases of windows that begin at 4,901 to 5,050, 5,040..5,141 at 4,941
    // to 5,040; of that at 10,000 neither of two peaks does, only both together.
    let factors = [
        peaks(&[(0, 5_000, 5_151), (0, 9_900, 10_060), (1, 7_000, 7_200)]),
        peaks(&[(0, 5_040, 5_141), (0, 10_060, 10_110)]),
    ];
    let (task, _) = MultiTask::new(world.multi(1), &factors).unwrap();
    let windows = task.windows();
    let row = |start: u32| {
        let place = windows
            .starts
            .iter()
            .position(|window| *window == (0, start))?;
        Some(windows.row(place).to_vec())
    };
    assert_eq!(row(4_850), None);
    assert_eq!(row(4_900), None);
    assert_eq!(row(4_950), Some(vec![1, 1]));
    assert_eq!(row(5_000), Some(vec![1, 1]));
    assert_eq!(row(5_050), Some(vec![1, 0]));
    assert_eq!(row(5_100), None);
    assert_eq!(row(10_000), Some(vec![0, 0]));
    let (mut reached, mut labels) = (HashSet::new(), [9.0; 2]);
    for epoch in 0..400 {
        for sample in task.epoch(epoch).samples {
            task.labels(&sample, &mut labels);
            match sample.label {
                0 => assert_eq!(labels, [0.0; 2]),
                row => {
                    let (_, start) = windows.starts[row as usize - 1];
                    reached.insert(sample.middle - i64::from(start) - 100);
                    assert_eq!(
                        labels.map(|label| label as u8)[..],
                        *windows.row(row as usize - 1)
                    );
                }
            }
        }
    }
    assert_eq!(
        (reached.iter().min(), reached.iter().max(), reached.len()),
        (Some(&-20), Some(&20), 41)
    );
}

#[test]
fn peaks_are_read_with_what_does_not_fit_counted_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.bed");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let mut notes = Notes::new();
        read_intervals(Lines::open(&path).unwrap(), &chromosomes(), &mut notes)
            .map(|found| (found, notes))
    };
    let (found, notes) = read("b\t5\t9\tx\nchrM\t1\t2\na\t7\t8\nb\t5\t9\nchrM\t5\t6\n").unwrap();
    assert_eq!(
        found,
        [
            (1, Span::new(5, 9)),
            (0, Span::new(7, 8)),
            (1, Span::new(5, 9))
        ]
    );
    assert!(notes[0].ends_with("2 intervals left out, on chromosomes that are not in use: 'chrM'"));
    assert_eq!(read("").unwrap(), (Vec::new(), Notes::new()));
    let (edges, notes) = read("b\t29999\t30001\nb\t30000\t30001\na\t5\t5\n").unwrap();
    assert_eq!(edges, [(1, Span::new(29_999, 30_000))]);
    assert_eq!(notes.len(), 1, "{notes:?}");
    for (text, expected) in [
        (
            "chra\t1\t2\nchrb\t1\t2\n",
            "'chra', 'chrb' there, 'a', 'b', 'c' here",
        ),
        (
            "a\t1\n",
            "p.bed, line 1: 'a\t1'; expected chromosome, start and end",
        ),
        (
            "a\t5\t4\n",
            "p.bed, line 1: interval a:5-4 ends before it starts",
        ),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\n  expected: {expected}");
    }
}
