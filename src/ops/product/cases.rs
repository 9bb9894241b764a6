use crate::op_case;
use crate::ops::{Case, Input};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let sizes = [
        (3, 1, 1),
        (3, 5, 1),
        (3, 3, 7),
        (3, 4, 33),
        (254, 5, 3),
        (2, 4, 300),
        (3, 5, 211),
    ];
    for (rows, channels, length) in sizes {
        let x = Input::rows(&[channels, length]);
        let shared_x = Input::shared(&[channels, length]);
        let forms = [
            ("elements", &x, Input::rows(&[channels, length])),
            ("shared elements", &x, Input::shared(&[channels, length])),
            ("channels", &x, Input::rows(&[channels])),
            ("shared channels", &x, Input::shared(&[channels, 1])),
            ("elements, shared a", &shared_x, x.clone()),
            ("channels, shared a", &shared_x, Input::rows(&[channels])),
        ];
        for (label, a, b) in forms {
            let n = channels * length;
            let len = b.shape.iter().product::<usize>();
            let per_row = [a.per_row, b.per_row];
            cases.push(
                op_case!(
                    "product",
                    format!("{rows} x {channels} x {length} by {label}"),
                    rows,
                    [a.clone(), b],
                    |tape, v| { super::product(tape, v[0], v[1]) }
                )
                .reference(move |x, _, rows| {
                    let start =
                        |k: usize, row: usize, len: usize| row * len * usize::from(per_row[k]);
                    (0..rows * n)
                        .map(|i| {
                            let (row, i) = (i / n, i % n);
                            x[0][start(0, row, n) + i] * x[1][start(1, row, len) + i / (n / len)]
                        })
                        .collect()
                }),
            );
        }
    }
    cases
}
