use crate::op_case;
use crate::ops::{Case, Input};

pub fn cases() -> Vec<Case> {
    [1, 7, 64]
        .into_iter()
        .map(|n| {
            op_case!(
                "inner",
                n,
                3,
                [Input::rows(&[n]), Input::shared(&[n])],
                |tape, v| { super::inner(tape, v[0], v[1]) }
            )
            .reference(move |x, _, rows| {
                (0..rows)
                    .map(|r| (0..n).map(|i| x[0][r * n + i] * x[1][i]).sum())
                    .collect()
            })
        })
        .collect()
}
