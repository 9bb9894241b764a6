//! One folder an op: `mod.rs` (formula, shapes, constructor, gradient rule), `cpu.rs` (the kernels)
//! and `cases.rs` (the sizes that every check runs on). Shapes are those of one row: the batch is
//! not among them. A newcomer's op starts as a copy of [`linear`].

mod shared;

pub mod activation;
pub mod add;
pub mod attention_pool;
pub mod batch_norm;
pub mod binary_cross_entropy;
pub mod blend;
pub mod calibrate;
pub mod concat;
pub mod conv1d;
pub mod dense;
pub mod depthwise;
pub mod depthwise_transposed;
pub mod dropout;
pub mod gated_sum;
pub mod inner;
pub mod inverse_sqrt_gram;
pub mod linear;
pub mod lstm;
pub mod max_pool;
pub mod mse;
pub mod one_hot;
pub mod position;
pub mod product;
pub mod product_matrix;
pub mod pwm_scan_pool;
pub mod reduce;
pub mod self_attention;
pub mod shared_conv;
pub mod softmax;
pub mod strand_conv;
pub mod strand_conv_pool;
pub mod strand_join;
pub mod strand_mean;
pub mod strand_pool;

use crate::check::case::{Case, Recipe};
use crate::engine::{Real, Tape, Var};

/// Builds a [`Case`]; the closure is compiled for both number types.
#[macro_export]
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
            cpu_only: false,
            zeros: None,
            tolerance_bf16: None,
        }
    };
}

/// A case's closure with the ops that the harness makes a loss of.
pub fn recipe<T: Real>(build: Box<dyn Fn(&mut Tape<T>, &[Var]) -> Var + Send + Sync>) -> Recipe<T> {
    Recipe {
        build,
        dot: inner::inner,
        add: add::add,
    }
}

/// The cases of all ops.
pub fn all_cases() -> Vec<Case> {
    [
        activation::cases(),
        add::cases(),
        attention_pool::cases(),
        batch_norm::cases(),
        binary_cross_entropy::cases(),
        blend::cases(),
        calibrate::cases(),
        concat::cases(),
        conv1d::cases(),
        dense::cases(),
        depthwise::cases(),
        depthwise_transposed::cases(),
        dropout::cases(),
        gated_sum::cases(),
        inner::cases(),
        inverse_sqrt_gram::cases(),
        linear::cases(),
        lstm::cases(),
        max_pool::cases(),
        mse::cases(),
        one_hot::cases(),
        position::cases(),
        product::cases(),
        product_matrix::cases(),
        pwm_scan_pool::cases(),
        reduce::cases(),
        self_attention::cases(),
        shared_conv::cases(),
        softmax::cases(),
        strand_conv::cases(),
        strand_conv_pool::cases(),
        strand_join::cases(),
        strand_mean::cases(),
        strand_pool::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_case_of_every_op_holds() {
        let cases = super::all_cases();
        assert!(!cases.is_empty());
        if let Err(failures) = crate::check::case::check_all(&cases) {
            panic!("{failures}");
        }
    }
}
