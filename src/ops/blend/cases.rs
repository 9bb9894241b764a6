use crate::op_case;
use crate::ops::{Case, Input};

pub fn cases() -> Vec<Case> {
    [1, 7, 40]
        .into_iter()
        .map(|n| {
            let inputs = [Input::rows(&[n]), Input::rows(&[n]), Input::shared(&[n])];
            let [z, a, b] = inputs;
            op_case!("blend", n, 3, [z, a, b], |tape, v| {
                super::blend(tape, v[0], v[1], v[2])
            })
            .reference(move |x, _, rows| {
                (0..rows * n)
                    .map(|i| x[0][i] * x[1][i] + (1.0 - x[0][i]) * x[2][i % n])
                    .collect()
            })
        })
        .collect()
}
