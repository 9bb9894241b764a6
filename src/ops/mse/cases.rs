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
    // Weights behind the targets, every fifth of them 0: a number that is not known.
    for (rows, n, p) in [
        (3, 1, Input::rows(&[1])),
        (3, 8, Input::rows(&[8])),
        (254, 5, Input::rows(&[5])),
        (3, 1027, Input::rows(&[1027])),
        (1, 1030, Input::rows(&[1030])),
        (11, 33, Input::shared(&[33])),
    ] {
        let per_row = p.per_row;
        let t = Input::rows(&[2 * n]).range(0.0, 3.0).frozen();
        let label = format!("{rows} x {n}, weighted, shared prediction {}", !per_row);
        cases.push(
            op_case!("mse", label, rows, [p, t], |tape, v| {
                super::weighted_mse(tape, v[0], v[1])
            })
            .zeroed(1, move |i| i % (2 * n) >= n && i % 5 == 0)
            .reference(move |x, _, rows| {
                let of = |row: usize, o: usize| {
                    let p = x[0][if per_row { row * n + o } else { o }];
                    let own = &x[1][2 * n * row..];
                    own[n + o] * (p - own[o]).powi(2)
                };
                (0..rows)
                    .map(|row| (0..n).map(|o| of(row, o)).sum::<f64>() / n as f64)
                    .collect()
            }),
        );
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
