use crate::op_case;
use crate::ops::{Case, Input};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, n) in [(3, 1), (3, 7), (3, 64), (254, 33), (2, 1100), (3, 1027)] {
        for (label, a, b) in [
            ("rows", Input::rows(&[n]), Input::rows(&[n])),
            ("shared b", Input::rows(&[n]), Input::shared(&[n])),
            ("shared a", Input::shared(&[n]), Input::rows(&[n])),
        ] {
            let at = move |input: &Input, i: usize| if input.per_row { i } else { i % n };
            let (first, second) = (a.clone(), b.clone());
            let label = format!("{rows} x {n}, {label}");
            cases.push(
                op_case!("inner", label, rows, [a, b], |tape, v| {
                    super::inner(tape, v[0], v[1])
                })
                .reference(move |x, _, rows| {
                    let term = |i: usize| x[0][at(&first, i)] * x[1][at(&second, i)];
                    (0..rows)
                        .map(|r| (r * n..(r + 1) * n).map(term).sum())
                        .collect()
                }),
            );
        }
    }
    cases
}
