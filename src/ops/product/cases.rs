use crate::op_case;
use crate::ops::{Case, Input};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (channels, length) in [(1, 1), (5, 1), (3, 7), (4, 33)] {
        let x = Input::rows(&[channels, length]);
        let scales = [
            ("elements", Input::rows(&[channels, length])),
            ("shared elements", Input::shared(&[channels, length])),
            ("channels", Input::rows(&[channels])),
            ("shared channels", Input::shared(&[channels, 1])),
        ];
        for (label, b) in scales {
            let n = channels * length;
            let (len, per_row) = (b.shape.iter().product::<usize>(), b.per_row);
            cases.push(
                op_case!(
                    "product",
                    format!("{channels} x {length} by {label}"),
                    3,
                    [x.clone(), b],
                    |tape, v| { super::product(tape, v[0], v[1]) }
                )
                .reference(move |x, _, rows| {
                    (0..rows * n)
                        .map(|i| {
                            let row = if per_row { i / n } else { 0 };
                            x[0][i] * x[1][row * len + i % n / (n / len)]
                        })
                        .collect()
                }),
            );
        }
    }
    cases
}
