//! One folder an op: `mod.rs` (formula, shapes, constructor, gradient rule), `cpu.rs` (the kernels)
//! and `cases.rs` (the sizes that every check runs on). Shapes are those of one row: the batch is
//! not among them. A newcomer's op starts as a copy of [`linear`].

pub mod case;

pub mod inner;
pub mod linear;
pub mod one_hot;
pub mod pwm_scan_pool;

pub use case::{Case, Input};

/// The cases of all ops.
pub fn all_cases() -> Vec<Case> {
    [
        inner::cases(),
        linear::cases(),
        one_hot::cases(),
        pwm_scan_pool::cases(),
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
        if let Err(failures) = super::case::check_all(&cases) {
            panic!("{failures}");
        }
    }
}
