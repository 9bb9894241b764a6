//! FactorNet's networks at published sizes: samples a second, training (dropout, loss, gradients, Adam) and inference,
//! batches of 100 from memory; the same by a second of processor time, for machines that others use too; the peak memory of
//! the process, which holds every network and mode measured so far.
//!
//! `cargo bench --bench factornet [-- NAME [SECONDS [train|inference]]]`; threads by RAYON_NUM_THREADS.

use cisgrad::engine::{Batch, CpuExecutor, Noise, Philox, Program};
use cisgrad::models::factornet::{Dropouts, Recurrent, Spec};
use cisgrad::optim::{Optimizer, OptimizerSettings};
use cisgrad::train::model::{Model, Purpose};
use std::time::{Duration, Instant};

const BATCH: usize = 100;

fn spec(motif_width: usize, kernels: usize, units: usize) -> Spec {
    Spec {
        length: 1002,
        motif_width,
        kernels,
        recurrent: Recurrent::Units(units),
        dense: 128,
        tracks: vec!["a".into(), "b".into()],
        rc_order: vec![0, 1],
        meta: 0,
        factors: 1,
        dropout: Dropouts::of(0.5),
    }
}

/// Seconds of processor time that this process has used, all threads together; NaN where the system does not say.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let fields: Vec<f64> = after_name
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(f64::NAN))
        .collect();
    // User and system time, in hundredths.
    fields
        .get(11..13)
        .map_or(f64::NAN, |t| (t[0] + t[1]) / 100.0)
}

/// The most memory that this process has held, in MB; NaN where the system does not say.
fn peak_memory() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.map_or(f64::NAN, |k| k / 1024.0)
}

/// Samples a second, the median over batches after two that do not count; and by processor second, the mean.
fn rate(budget: Duration, mut batch: impl FnMut(u64)) -> String {
    let (start, mut times) = (Instant::now(), Vec::new());
    let mut used = f64::NAN;
    for step in 0.. {
        let before = Instant::now();
        batch(step);
        match step {
            0 => {}
            1 => used = processor_seconds(),
            _ => times.push(before.elapsed()),
        }
        if times.len() >= 5 && start.elapsed() > budget {
            break;
        }
    }
    let used = processor_seconds() - used;
    times.sort_unstable();
    let median = BATCH as f64 / times[times.len() / 2].as_secs_f64();
    format!("{median:.0}\t{:.0}", (BATCH * times.len()) as f64 / used)
}

fn program(spec: &Spec, purpose: Purpose) -> Program<f32> {
    spec.program(purpose, BATCH).expect("a network")
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    let wanted = arguments.next().unwrap_or_default();
    let seconds = arguments.next().and_then(|s| s.parse().ok()).unwrap_or(5);
    let budget = Duration::from_secs(seconds);
    let philox = Philox::new(1);
    let uniform = |stream, i: usize| philox.uniform(stream, i as u64) as f32;
    let mode = arguments.next();
    let runs = |this: &str| mode.as_deref().is_none_or(|mode| mode == this);
    println!("network\tmode\tsamples_per_s\tper_processor_s\tpeak_rss_mb");
    for (name, spec) in [
        ("w26_k32_r32", spec(26, 32, 32)),
        ("w34_k32_r32", spec(34, 32, 32)),
        ("w26_k128_r64", spec(26, 128, 64)),
    ] {
        if !name.contains(&wanted) {
            continue;
        }
        let bases = BATCH * spec.length;
        let codes: Vec<u8> = (0..bases)
            .map(|i| (philox.bits(0, i as u64) % 4) as u8)
            .collect();
        let tracks: Vec<f32> = (0..2 * bases).map(|i| uniform(2, i)).collect();
        let targets: Vec<f32> = (0..BATCH).map(|i| uniform(3, i).round()).collect();
        let batch = |step, dense| Batch {
            rows: BATCH,
            codes: &codes,
            dense,
            noise: Noise {
                seed: 7,
                step,
                first_row: 0,
            },
        };
        let layout = spec.layout().expect("a network");
        let mut params = layout.initialise::<f32>(420);
        if runs("train") {
            let mut executor = CpuExecutor::new(program(&spec, Purpose::Train));
            let mut grads = vec![0.0; params.len()];
            let mut losses = vec![0.0; BATCH];
            let mut optimizer = Optimizer::new(OptimizerSettings::keras(), params.len());
            let rate = rate(budget, |step| {
                let batch = batch(step, vec![&tracks, &targets]);
                executor.gradients(&mut params, &batch, &mut losses, &mut grads);
                optimizer.step(&layout, 1e-3, &mut params, &grads);
            });
            println!("{name}\ttrain\t{rate}\t{:.0}", peak_memory());
        }
        if runs("inference") {
            let mut executor = CpuExecutor::new(program(&spec, Purpose::Predict));
            let mut out = vec![0.0; BATCH];
            let rate = rate(budget, |step| {
                executor.forward(&params, &batch(step, vec![&tracks]), &mut out);
            });
            println!("{name}\tinference\t{rate}\t{:.0}", peak_memory());
        }
    }
}
