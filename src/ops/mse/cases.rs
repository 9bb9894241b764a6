use crate::op_case;
use crate::ops::{Case, Input};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, n) in [(3, 1), (3, 8), (3, 33), (254, 5), (2, 1100), (3, 1027)] {
        for (label, p, t) in [
            ("rows", Input::rows(&[n]), Input::rows(&[n])),
            ("shared target", Input::rows(&[n]), Input::shared(&[n])),
            ("shared prediction", Input::shared(&[n]), Input::rows(&[n])),
        ] {
            let at = move |input: &Input, i: usize| if input.per_row { i } else { i % n };
            let (first, second) = (p.clone(), t.clone());
            let label = format!("{rows} x {n}, {label}");
            cases.push(
                op_case!("mse", label, rows, [p, t], |tape, v| {
                    super::mse(tape, v[0], v[1])
                })
                .reference(move |x, _, rows| {
                    let square = |i: usize| (x[0][at(&first, i)] - x[1][at(&second, i)]).powi(2);
                    (0..rows)
                        .map(|r| (r * n..(r + 1) * n).map(square).sum::<f64>() / n as f64)
                        .collect()
                }),
            );
        }
    }
    cases
}
