//! What holds for all ops.

use super::{NAMES, all_cases, strand_mean::strand_mean};
use crate::check::case::check_all;
use crate::engine::Tape;
use crate::engine::cuda::DeviceProgram;
use std::collections::BTreeSet;

/// Ops that run on the CPU alone. A new op comes with kernels, so the list only gets shorter.
const WITHOUT_KERNELS: [&str; 8] = [
    "binary_cross_entropy",
    "dense",
    "lstm",
    "strand_conv",
    "strand_conv_pool",
    "strand_join",
    "strand_mean",
    "strand_pool",
];

#[test]
fn every_op_has_cases() {
    let of_cases: BTreeSet<&str> = all_cases().iter().map(|case| case.op).collect();
    assert_eq!(of_cases, NAMES.iter().copied().collect());
}

#[test]
fn every_case_of_every_op_holds() {
    if let Err(failures) = check_all(&all_cases()) {
        panic!("{failures}");
    }
}

#[test]
fn the_ops_without_kernels_are_those_of_the_list() {
    let cases = all_cases();
    let found: BTreeSet<&str> = cases.iter().flat_map(|c| c.without_kernels()).collect();
    assert_eq!(found, WITHOUT_KERNELS.into());
}

#[test]
fn a_device_program_without_all_kernels_is_refused_when_it_is_made() {
    let mut tape = Tape::<f32>::new(false);
    let x = tape.dense_input(&[2, 3]);
    let y = strand_mean(&mut tape, x);
    assert!(!tape.runs_on_a_gpu());
    let refused = DeviceProgram::new(tape, y, None, 4).err();
    assert_eq!(
        refused.map(|e| e.to_string()).as_deref(),
        Some("the op strand_mean has no kernel for a GPU yet: use --device cpu")
    );
}
