//! What holds for all ops.

use super::{NAMES, all_cases};
use crate::check::case::{Input, check_all};
use crate::engine::cuda::DeviceProgram;
use crate::engine::{Backward, Forward, Op, Real, Tape};
use std::collections::BTreeSet;

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
fn every_op_has_kernels() {
    let cases = all_cases();
    let found: BTreeSet<&str> = cases.iter().flat_map(|c| c.without_kernels()).collect();
    assert_eq!(found, BTreeSet::new(), "ops without kernels for a GPU");
}

#[test]
fn a_device_program_without_all_kernels_is_refused_when_it_is_made() {
    let mut tape = Tape::<f32>::new(false);
    let x = tape.dense_input(&[3]);
    let rereads = [true, true];
    let y = tape.push(Square { rereads }, &[x], &[3], false);
    assert!(!tape.runs_on_a_gpu());
    let refused = DeviceProgram::new(tape, y, None, 4).err();
    assert_eq!(
        refused.map(|e| e.to_string()).as_deref(),
        Some("the op square has no kernel for a GPU yet: use --device cpu")
    );
}

/// `y = x^2` whose backward run reads x and y, whatever it declares.
struct Square {
    rereads: [bool; 2],
}

impl<T: Real> Op<T> for Square {
    fn name(&self) -> &'static str {
        "square"
    }

    fn rereads_input(&self, _index: usize) -> bool {
        self.rereads[0]
    }

    fn rereads_output(&self) -> bool {
        self.rereads[1]
    }

    fn forward(&self, io: Forward<'_, T>) {
        for (y, &x) in io.output.iter_mut().zip(io.inputs[0].data) {
            *y = x * x;
        }
    }

    fn backward(&self, io: Backward<'_, '_, T>) {
        let Some(dx) = &mut io.grads[0] else { return };
        let both = io.inputs[0].data.iter().zip(io.output);
        for ((dx, dy), (&x, &y)) in dx.data.iter_mut().zip(io.grad_output).zip(both) {
            *dx += *dy * (y / x + x);
        }
    }
}

/// What an op does not declare is not there, a parameter neither: so the cases find a wrong declaration.
#[test]
fn a_case_of_an_op_that_reads_what_it_does_not_declare_fails() {
    for input in [Input::rows(&[3]), Input::shared(&[3])] {
        for rereads in [[true, true], [false, true], [true, false]] {
            let x = input.clone().range(1.0, 2.0);
            let case = op_case!("square", "", 4, [x], |tape, v| {
                tape.push(Square { rereads }, &[v[0]], &[3], false)
            });
            assert_eq!(case.check().is_ok(), rereads == [true, true], "{rereads:?}");
        }
    }
}
