use crate::check::case::{Case, Input};
use crate::ops::add::add;

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
    // Values used twice: the second use adds to their gradients.
    for (per_row, channels) in [
        ([true, true], false),
        ([true, true], true),
        ([true, false], false),
        ([true, false], true),
        ([false, true], true),
    ] {
        let of = |i: usize, shape: &[usize]| Input {
            per_row: per_row[i],
            ..Input::rows(shape)
        };
        let b = if channels {
            of(1, &[4])
        } else {
            of(1, &[4, 300])
        };
        let form = if channels { "channels" } else { "elements" };
        let label = format!("twice by {form}, a and b have rows: {per_row:?}");
        cases.push(op_case!(
            "product",
            label,
            2,
            [of(0, &[4, 300]), b],
            |tape, v| {
                let once = super::product(tape, v[0], v[1]);
                let twice = super::product(tape, once, v[1]);
                add(tape, twice, v[0])
            }
        ));
    }
    cases
}
