//! One folder per op: `mod.rs` (formula, shapes, constructor, gradient rule), `cpu.rs` (its loops on the CPU, or `cpu/` with
//! a `plain` and a `fast` form), `cuda.rs` (launches of its kernels, where it has some) and `cases.rs` (the sizes that every
//! check runs on). Shapes are those of one row: the batch is not among them. A newcomer's op starts as a copy of [`linear`].

mod shared;

use crate::check::case::{Build, Case, Recipe};
use crate::engine::Real;

/// Builds a [`Case`]; the closure is compiled for both number types. The modules below see it by its place in this file.
macro_rules! op_case {
    ($op:expr, $label:expr, $rows:expr, [$($input:expr),* $(,)?], |$tape:ident, $vars:ident| $body:expr) => {
        $crate::check::case::Case {
            op: $op,
            label: $label.to_string(),
            rows: $rows,
            inputs: vec![$($input),*],
            codes: 0,
            in_f32: $crate::ops::recipe(Box::new(move |$tape, $vars| $body)),
            in_f64: $crate::ops::recipe(Box::new(move |$tape, $vars| $body)),
            reference: None,
            tolerance_f32: $crate::check::case::OP_TOLERANCE,
            tolerance_gradient: 1e-6,
            at_a_kink: false,
            training: true,
            zeros: None,
            tolerance_bf16: None,
        }
    };
}

/// A case's closure with the ops of which the harness makes a loss: `check` is below the ops and imports none.
pub fn recipe<T: Real>(build: Build<T>) -> Recipe<T> {
    Recipe {
        build,
        dot: inner::inner,
        add: add::add,
    }
}

/// Declares the ops' modules and collects their cases: an op that is not in the list is not compiled, and one without
/// `cases()` does not compile.
macro_rules! ops {
    ($($op:ident,)*) => {
        $(pub mod $op;)*

        /// Their names, which are those of their folders.
        pub const NAMES: &[&str] = &[$(stringify!($op)),*];

        /// The cases of all ops.
        pub fn all_cases() -> Vec<Case> {
            [$($op::cases()),*].into_iter().flatten().collect()
        }
    };
}

// rustfmt does not look into a macro's list: `cargo fmt --all -- src/ops/*/mod.rs` formats these modules too.
ops! {
    activation,
    add,
    attention_pool,
    batch_norm,
    binary_cross_entropy,
    blend,
    calibrate,
    concat,
    conv1d,
    depthwise,
    depthwise_transposed,
    dropout,
    gated_sum,
    inner,
    inverse_sqrt_gram,
    linear,
    lstm,
    max_pool,
    mse,
    one_hot,
    position,
    product,
    product_matrix,
    pwm_scan_pool,
    reduce,
    self_attention,
    shared_conv,
    softmax,
    strand_conv,
    strand_conv_pool,
    strand_join,
    strand_mean,
    strand_pool,
}

#[cfg(test)]
mod tests;
