//! The kernels of a training session that are no ops of a tape, against plain Rust, on the host stand-in of the driver.

use cisgrad::engine::Philox;
use cisgrad::engine::cuda::{Gpu, StepState};
use cisgrad::optim::adam::{AdamLaunch, AdamStep, Form, Shrink, flag, update, update_on};
use cisgrad::train::worker::step::begin_step::begin_step_on;
use cisgrad::train::worker::step::end_step::{EndStepLaunch, end_step_on};
use cisgrad::train::worker::step::gather::{
    GatherLaunch, RowFormat, gather_codes_on, gather_numbers_on,
};
use cisgrad::train::worker::step::keep_outputs::{KeepOutputsLaunch, keep_outputs_on};
use std::sync::Arc;

use crate::common::standin;

/// The stand-in's card; None where it cannot be built.
fn card() -> Option<Arc<Gpu>> {
    standin::install().then(|| Gpu::open_ordinal(0).expect("the stand-in has a card"))
}

fn numbers(stream: u64, len: usize) -> Vec<f32> {
    let philox = Philox::new(11);
    (0..len as u64)
        .map(|i| (philox.uniform(stream, i) * 2.0 - 1.0) as f32)
        .collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn adam_gives_the_bits_of_the_cpu() {
    let Some(gpu) = card() else { return };
    // More than a block (1024), and not a multiple of one.
    let total = 64 * 37;
    let flags: Vec<u8> = (0..total / 64)
        .map(|i| [flag::LEARNS, flag::PENALISED, flag::RESTS][i % 3])
        .collect();
    // Forms in turn.
    let shrinks = [
        Shrink::None,
        Shrink::None,
        Shrink::L1 { lambda: 0.3 },
        Shrink::Mcp {
            lambda: 0.3,
            b: 3.0,
        },
    ];
    for (number, shrink) in shrinks.into_iter().enumerate() {
        let decay = if shrink == Shrink::None { 0.01 } else { 0.0 };
        // Weights small enough that some steps cross zero.
        let mut w: Vec<f32> = numbers(0, total).iter().map(|x| x * 0.01).collect();
        // Padding, and a gradient whose square is subnormal.
        w[..8].fill(0.0);
        let (mut m, mut v) = (vec![0.0; total], vec![0.0; total]);
        let name = "a test";
        let on_card = [&w, &m, &v].map(|x| gpu.upload(x, name).unwrap());
        let flags_on_card = gpu.upload(&flags, name).unwrap();
        let stopped = gpu.upload(&[0u32], name).unwrap();
        for t in 1..=4 {
            let mut g = numbers(10 * (1 + number as u64) + t, total);
            g[..8].fill(0.0);
            g[9] = 1e-20;
            let step = AdamStep {
                form: [Form::Corrected, Form::Keras][number % 2],
                ..AdamStep::new(1e-3, decay, t)
            };
            let state = gpu.upload(&[step.state(5, 0)], name).unwrap();
            let gradient = gpu.upload(&g, name).unwrap();
            let launch = AdamLaunch {
                w: on_card[0].out(),
                g: gradient.input(),
                m: on_card[1].out(),
                v: on_card[2].out(),
                flags: flags_on_card.input(),
                total,
                state: state.input(),
                stopped: stopped.input(),
                shrink,
            };
            update_on(&gpu, &launch).unwrap();
            for (i, &kind) in flags.iter().enumerate() {
                let own = 64 * i..64 * (i + 1);
                let shrink = if kind == flag::PENALISED {
                    shrink
                } else {
                    Shrink::None
                };
                if kind != flag::RESTS {
                    let g = &g[own.clone()];
                    let (m, v) = (&mut m[own.clone()], &mut v[own.clone()]);
                    update(&step, shrink, &mut w[own], g, m, v);
                }
            }
            for (place, truth) in on_card.iter().zip([&w, &m, &v]) {
                let mut found = vec![0.0f32; total];
                gpu.read(place, &mut found).unwrap();
                assert_eq!(bits(&found), bits(truth), "{shrink:?}, step {t}");
            }
            // A frozen run stays where it is.
            let frozen = gpu.upload(&[3u32], name).unwrap();
            let stopped = frozen.input();
            update_on(&gpu, &AdamLaunch { stopped, ..launch }).unwrap();
            let mut found = vec![0.0f32; total];
            gpu.read(&on_card[0], &mut found).unwrap();
            assert_eq!(bits(&found), bits(&w), "{shrink:?}, frozen at step {t}");
        }
        if shrink != Shrink::None {
            let zeros = w[64..128].iter().filter(|w| **w == 0.0).count();
            assert!(
                zeros > 0 && zeros < 64,
                "{shrink:?} sets {zeros} of 64 to zero"
            );
        }
    }
}

#[test]
fn gather_brings_the_rows_in_order() {
    let Some(gpu) = card() else { return };
    let philox = Philox::new(4);
    for (count, length, dense, targets, batch_size) in [
        (1, 1, vec![], 1, 1),
        (11, 37, vec![5], 0, 4),
        (300, 300, vec![], 3, 254),
        // More numbers than a block copies, and no bases.
        (9, 0, vec![1025, 1, 2048], 2, 5),
    ] {
        let format = RowFormat {
            length,
            dense,
            targets,
        };
        let codes: Vec<u8> = (0..count * length)
            .map(|i| (philox.bits(1, i as u64) % 5) as u8)
            .collect();
        let widths = [&format.dense[..], &[targets]].concat();
        let lists: Vec<Vec<f32>> = (2..)
            .zip(&widths)
            .map(|(stream, width)| numbers(stream, count * width))
            .collect();
        let order: Vec<u32> = philox
            .permutation(7, count)
            .iter()
            .map(|&i| i as u32)
            .collect();
        let mut words = vec![0; count * format.words()];
        for (row, words) in words.chunks_mut(format.words()).enumerate() {
            let of = |list: usize| lists[list][row * widths[list]..][..widths[list]].to_vec();
            let dense: Vec<Vec<f32>> = (0..format.dense.len()).map(of).collect();
            let exact = of(format.dense.len()).into_iter().map(f64::from);
            let targets: Vec<f64> = exact.collect();
            format.pack(&codes[row * length..][..length], &dense, &targets, words);
        }
        let name = "a test";
        let on_card = gpu.upload(&words, name).unwrap();
        let places = gpu.upload(&order, name).unwrap();
        for (batch, rows) in order.chunks(batch_size).enumerate() {
            let state = StepState {
                batch: batch as u32,
                ..StepState::default()
            };
            let state = gpu.upload(&[state], name).unwrap();
            let launch = GatherLaunch {
                format: &format,
                words: on_card.input(),
                order: places.input(),
                state: state.input(),
                rows: rows.len(),
                batch_size,
            };
            let batch_codes = gpu.upload(&vec![9u8; rows.len() * length], name).unwrap();
            gather_codes_on(&gpu, &launch, batch_codes.out()).unwrap();
            let mut found = vec![0u8; rows.len() * length];
            gpu.read(&batch_codes, &mut found).unwrap();
            for (i, &row) in rows.iter().enumerate() {
                let of = |i: usize| i * length..(i + 1) * length;
                assert_eq!(found[of(i)], codes[of(row as usize)]);
            }
            for (list, &width) in widths.iter().enumerate() {
                let unset = vec![f32::NAN; rows.len() * width];
                let place = gpu.upload(&unset, name).unwrap();
                gather_numbers_on(&gpu, &launch, list, place.out()).unwrap();
                let mut found = vec![0.0f32; rows.len() * width];
                gpu.read(&place, &mut found).unwrap();
                for (i, &row) in rows.iter().enumerate() {
                    let of = |i: usize| i * width..(i + 1) * width;
                    assert_eq!(found[of(i)], lists[list][of(row as usize)]);
                }
            }
        }
    }
}

/// Each batch in the place of its number, over and over; what lies beside it stays.
#[test]
fn outputs_are_kept_by_batch() {
    let Some(gpu) = card() else { return };
    let (name, batches, full) = ("a test", 3, 5);
    for width in [1, 100] {
        let full = full * width;
        let kept = gpu.upload(&vec![-1.0f32; batches * full], name).unwrap();
        let mut truth = vec![-1.0f32; batches * full];
        for (batch, rows) in [(0u32, 5), (1, 5), (2, 5), (3, 5), (4, 2)] {
            let outputs = numbers(u64::from(batch), rows * width);
            let on_card = gpu.upload(&outputs, name).unwrap();
            let state = StepState {
                batch,
                ..StepState::default()
            };
            let state = gpu.upload(&[state], name).unwrap();
            let launch = KeepOutputsLaunch {
                outputs: on_card.input(),
                count: outputs.len(),
                state: state.input(),
                kept: kept.out(),
                batches,
                full,
            };
            keep_outputs_on(&gpu, &launch).unwrap();
            let first = batch as usize % batches * full;
            truth[first..first + outputs.len()].copy_from_slice(&outputs);
            let mut found = vec![0.0f32; batches * full];
            gpu.read(&kept, &mut found).unwrap();
            assert_eq!(found, truth, "batch {batch}");
        }
    }
}

/// What the host writes next does not reach the GPU before it is sent, and what was sent is there once it was taken.
#[test]
fn staged_words_arrive_in_turn() {
    let Some(gpu) = card() else { return };
    let len = 1000;
    let place = gpu.upload(&vec![0u32; len], "a test").unwrap();
    let copy = gpu.upload(&vec![0u32; 3 * len], "a test").unwrap();
    let mut staging = gpu.staging(place.out(), len, "a test").unwrap();
    for round in 0..3 {
        staging.fill().unwrap().fill(7 + round as u32);
        staging.send(&gpu, len).unwrap();
        staging.take(&gpu).unwrap();
        gpu.copy(copy.out().at(round * len), place.input(), len)
            .unwrap();
        staging.free(&gpu).unwrap();
    }
    let mut found = vec![0; 3 * len];
    gpu.read(&copy, &mut found).unwrap();
    for (round, found) in found.chunks(len).enumerate() {
        assert!(found.iter().all(|&x| x == 7 + round as u32), "{round}");
    }
}

#[test]
fn begin_step_walks_through_the_table() {
    let Some(gpu) = card() else { return };
    let table: Vec<StepState> = (1..=5)
        .map(|t| AdamStep::new(1e-3, 0.01, t).state(77, t as u32 - 1))
        .collect();
    let name = "a test";
    let on_card = gpu.upload(&table, name).unwrap();
    let counter = gpu.upload(&[0u32], name).unwrap();
    let state = gpu.upload(&[StepState::default()], name).unwrap();
    for truth in &table {
        begin_step_on(&gpu, on_card.input(), counter.out(), state.out()).unwrap();
        let mut found = [StepState::default()];
        gpu.read(&state, &mut found).unwrap();
        assert_eq!(found[0], *truth);
    }
    let mut count = [0u32];
    gpu.read(&counter, &mut count).unwrap();
    assert_eq!(count, [5]);
}

/// Losses of a batch in each row count, to the sum in f64.
#[test]
fn end_step_sums_the_losses_and_remembers_the_first_bad_batch() {
    let Some(gpu) = card() else { return };
    let name = "a test";
    let mut batches: Vec<Vec<f32>> = [1, 7, 254, 256, 1000]
        .iter()
        .map(|&rows| numbers(rows as u64, rows))
        .collect();
    batches.push(vec![1.0, f32::INFINITY, 2.0]);
    batches.push(vec![f32::NAN; 300]);
    // Finite rows cannot overflow in f64.
    batches.push(vec![f32::MAX; 20]);
    let losses = gpu.upload(&vec![-1.0f64; batches.len()], name).unwrap();
    let stopped = gpu.upload(&[0u32], name).unwrap();
    for (batch, rows) in batches.iter().enumerate() {
        let state = StepState {
            batch: batch as u32,
            ..StepState::default()
        };
        let state = gpu.upload(&[state], name).unwrap();
        let row_losses = gpu.upload(rows, name).unwrap();
        let launch = EndStepLaunch {
            row_losses: row_losses.input(),
            rows: rows.len(),
            state: state.input(),
            losses: losses.out(),
            stopped: stopped.out(),
        };
        end_step_on(&gpu, &launch).unwrap();
        let mut found = vec![0.0f64; batches.len()];
        gpu.read(&losses, &mut found).unwrap();
        let truth: f64 = rows.iter().map(|&x| f64::from(x)).sum();
        let (found, left) = (found[batch], &found[batch + 1..]);
        assert!(
            left.iter().all(|x| *x == -1.0),
            "later batches are not touched"
        );
        if truth.is_finite() {
            assert!(
                (found - truth).abs() <= 1e-12 * truth.abs().max(1.0),
                "{found} {truth}"
            );
        } else {
            assert!(!found.is_finite());
        }
        let mut word = [0u32];
        gpu.read(&stopped, &mut word).unwrap();
        assert_eq!(word, [if batch < 5 { 0 } else { 6 }], "batch {batch}");
    }
}
