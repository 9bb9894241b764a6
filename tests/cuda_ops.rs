//! Every op's kernels against the CPU in f64, through the real backend code, on the host stand-in of the driver.

mod standin;

use cisgrad::check::case::Case;
use cisgrad::engine::cuda::{Gpu, Precision};
use cisgrad::ops::all_cases;
use std::collections::BTreeMap;

/// CISGRAD_OPS=linear,activation limits the run to these ops.
fn chosen(op: &str) -> bool {
    std::env::var("CISGRAD_OPS").map_or(true, |list| list.split(',').any(|name| name == op))
}

#[test]
fn every_kernel_agrees_with_the_cpu() {
    if !standin::install() {
        return;
    }
    let gpu = Gpu::open_ordinal(0).expect("the stand-in has a card");
    let mut ran: BTreeMap<&str, usize> = BTreeMap::new();
    let mut failures = Vec::new();
    let mut host_only = 0;
    for case in all_cases().iter().filter(|c| chosen(c.op)) {
        if !case.runs_on_a_gpu() {
            host_only += 1;
            continue;
        }
        *ran.entry(case.op).or_default() += 1;
        failures.extend(case.check_on(&gpu, Precision::F32).err());
    }
    let total: usize = ran.values().sum();
    println!(
        "{total} cases of {} ops ran, {host_only} have no kernel: {ran:?}",
        ran.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn products_in_bf16_stay_within_what_their_cases_state() {
    if !standin::install() {
        return;
    }
    let gpu = Gpu::open_ordinal(0).expect("the stand-in has a card");
    let mut worst: BTreeMap<&str, f64> = BTreeMap::new();
    let mut failures = Vec::new();
    let in_bf16 = |c: &&Case| chosen(c.op) && c.runs_on_a_gpu() && c.tolerance_bf16.is_some();
    for case in all_cases().iter().filter(in_bf16) {
        match case.check_on(&gpu, Precision::Bf16) {
            Ok(found) => {
                let worst = worst.entry(case.op).or_default();
                *worst = worst.max(found.error / found.allowed);
            }
            Err(failure) => failures.push(failure),
        }
    }
    println!("largest errors of those allowed: {worst:.3?}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    // Rounding to bf16 is seen: a run that quietly stayed in f32 would be some thousand times closer.
    for (op, error) in worst {
        assert!(error > 0.02, "{op}: {error} of what bf16 is allowed");
    }
}
