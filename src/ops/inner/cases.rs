use crate::check::case::{Case, Input};
use crate::ops::add::add;

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
    // Values used twice: the second use adds to their gradients.
    for c in [Input::rows(&[1030]), Input::shared(&[1030])] {
        let label = if c.per_row {
            "twice"
        } else {
            "twice, shared c"
        };
        let x = Input::rows(&[1030]);
        cases.push(op_case!("inner", label, 3, [x.clone(), x, c], |tape, v| {
            let ab = super::inner(tape, v[0], v[1]);
            let ac = super::inner(tape, v[0], v[2]);
            let bc = super::inner(tape, v[1], v[2]);
            let sum = add(tape, ab, ac);
            add(tape, sum, bc)
        }));
    }
    cases
}
