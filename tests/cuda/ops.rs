//! Every op's kernels against the CPU in f64, through the real backend code, on the host stand-in of the driver.

use cisgrad::check::case::Case;
use cisgrad::engine::cuda::{
    DeviceBackward, DeviceExecutor, DeviceForward, DeviceOp, DeviceProgram, Gpu, Precision,
};
use cisgrad::engine::{Backward, Batch, Forward, Init, Noise, Op, Tape};
use cisgrad::ops::all_cases;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::common::standin;

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

/// Sums are cut into parts by the number of rows, and fewer rows may be cut into more.
#[test]
fn a_plan_has_room_for_every_smaller_batch() {
    let cases = all_cases();
    let on_gpu = cases
        .iter()
        .filter(|case| chosen(case.op) && case.runs_on_a_gpu());
    // Beyond each number of rows at which a sum is cut anew.
    let checks = on_gpu.map(|case| {
        case.fewer_rows_fit(500)
            .and_then(|()| case.fewer_rows_fit(137))
    });
    let failures: Vec<String> = checks.filter_map(Result::err).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Launches nothing, and notes which inputs and whether the output have an address in the backward run.
struct Probe(Arc<Mutex<Vec<bool>>>);

impl Op<f32> for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn rereads_input(&self, index: usize) -> bool {
        index.is_multiple_of(2)
    }

    fn forward(&self, _io: Forward<'_, f32>) {}

    fn backward(&self, _io: Backward<'_, '_, f32>) {}

    fn device(&self) -> Option<&dyn DeviceOp> {
        Some(self)
    }
}

impl DeviceOp for Probe {
    fn rereads_output(&self) -> Option<bool> {
        Some(false)
    }

    fn forward(&self, _io: &DeviceForward<'_>) -> cisgrad::Result<()> {
        Ok(())
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> cisgrad::Result<()> {
        let mut seen = self.0.lock().expect("one thread");
        seen.extend(io.inputs.iter().map(|input| input.data.address() != 0));
        seen.push(io.output.address() != 0);
        Ok(())
    }
}

/// A kernel that reads what its op does not declare reads at address 0, and its case dies of that.
#[test]
fn what_an_op_does_not_read_again_has_no_address() {
    if !standin::install() {
        return;
    }
    let gpu = Gpu::open_ordinal(0).expect("the stand-in has a card");
    let mut tape = Tape::new(true);
    let inputs = [
        tape.dense_input(&[3]),
        tape.dense_input(&[3]),
        tape.param("read", &[3], Init::Constant(0.0)),
        tape.param("not read", &[3], Init::Constant(0.0)),
    ];
    let seen = Arc::new(Mutex::new(Vec::new()));
    let y = tape.push(Probe(Arc::clone(&seen)), &inputs, &[1], false);
    let program = DeviceProgram::new(tape, y, Some(y), 2).expect("the op has kernels");
    let mut executor =
        DeviceExecutor::new(&gpu, program, 0, &[0.0; 6], Precision::F32).expect("memory");
    let batch = Batch {
        rows: 2,
        codes: &[],
        dense: [&[0.0; 6][..], &[0.0; 6]].into(),
        noise: Noise::default(),
    };
    executor
        .inspect(&batch, &mut [0.0; 6], &[])
        .expect("a run without launches");
    let seen = seen.lock().expect("one thread");
    assert_eq!(*seen, [true, false, true, false, false]);
}
