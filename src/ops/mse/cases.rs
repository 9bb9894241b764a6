use crate::op_case;
use crate::ops::{Case, Input};

pub fn cases() -> Vec<Case> {
    [1, 8, 33]
        .into_iter()
        .map(|n| {
            let inputs = [Input::rows(&[n]), Input::rows(&[n])];
            let [p, t] = inputs;
            op_case!("mse", n, 3, [p, t], |tape, v| {
                super::mse(tape, v[0], v[1])
            })
            .reference(move |x, _, rows| {
                let square = |i: usize| (x[0][i] - x[1][i]).powi(2);
                (0..rows)
                    .map(|r| (r * n..(r + 1) * n).map(square).sum::<f64>() / n as f64)
                    .collect()
            })
        })
        .collect()
}
