use crate::op_case;
use crate::ops::{Case, Input};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for n in [1, 7, 40] {
        let inputs = [
            ("rows", Input::rows(&[n]), Input::rows(&[n])),
            ("shared b", Input::rows(&[n]), Input::shared(&[n])),
            ("shared a", Input::shared(&[n]), Input::rows(&[n])),
        ];
        for (label, a, b) in inputs {
            let at = move |input: &Input, i: usize| if input.per_row { i } else { i % n };
            let (first, second) = (a.clone(), b.clone());
            cases.push(
                op_case!("add", format!("{n}, {label}"), 3, [a, b], |tape, v| {
                    super::add(tape, v[0], v[1])
                })
                .reference(move |x, _, rows| {
                    (0..rows * n)
                        .map(|i| x[0][at(&first, i)] + x[1][at(&second, i)])
                        .collect()
                }),
            );
        }
    }
    cases
}
