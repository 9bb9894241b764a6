use crate::check::case::{Case, Input};
use crate::ops::add::add;

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
    // Values used twice: the second use adds to their gradients.
    for c in [Input::rows(&[1030]), Input::shared(&[1030])] {
        let label = if c.per_row {
            "twice"
        } else {
            "twice, shared c"
        };
        let x = Input::rows(&[1030]);
        cases.push(op_case!("mse", label, 3, [x.clone(), x, c], |tape, v| {
            let ab = super::mse(tape, v[0], v[1]);
            let ac = super::mse(tape, v[0], v[2]);
            let bc = super::mse(tape, v[1], v[2]);
            let sum = add(tape, ab, ac);
            add(tape, sum, bc)
        }));
    }
    cases
}
