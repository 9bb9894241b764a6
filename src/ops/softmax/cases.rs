use crate::check::case::{Case, Input};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let sizes = [
        (3, 1, 1),
        (3, 8, 1),
        (3, 5, 7),
        (3, 4, 40),
        (2, 37, 65),
        (1, 2, 300),
        (254, 2, 3),
    ];
    for (rows, outer, inner) in sizes {
        for axis in [0, 1] {
            let x = Input::rows(&[outer, inner]).range(-3.0, 3.0);
            cases.push(
                op_case!(
                    "softmax",
                    format!("axis {axis} of {rows} x {outer} x {inner}"),
                    rows,
                    [x],
                    |tape, v| { super::softmax(tape, v[0], axis) }
                )
                .reference(move |x, _, rows| {
                    let e = |r: usize, a: usize, b: usize| x[0][(r * outer + a) * inner + b].exp();
                    (0..rows * outer * inner)
                        .map(|i| {
                            let (r, a, b) = (i / inner / outer, i / inner % outer, i % inner);
                            let sum: f64 = if axis == 0 {
                                (0..outer).map(|a| e(r, a, b)).sum()
                            } else {
                                (0..inner).map(|b| e(r, a, b)).sum()
                            };
                            e(r, a, b) / sum
                        })
                        .collect()
                }),
            );
        }
    }
    cases
}
