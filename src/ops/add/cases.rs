use crate::check::case::{Case, Input};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, n) in [(3, 1), (3, 7), (3, 40), (254, 9), (2, 1100), (3, 1027)] {
        let inputs = [
            ("rows", Input::rows(&[n]), Input::rows(&[n])),
            ("shared b", Input::rows(&[n]), Input::shared(&[n])),
            ("shared a", Input::shared(&[n]), Input::rows(&[n])),
            ("all shared", Input::shared(&[n]), Input::shared(&[n])),
        ];
        for (label, a, b) in inputs {
            let at = move |input: &Input, i: usize| if input.per_row { i } else { i % n };
            let (first, second) = (a.clone(), b.clone());
            let all_shared = !a.per_row && !b.per_row;
            let label = format!("{rows} x {n}, {label}");
            cases.push(
                op_case!("add", label, rows, [a, b], |tape, v| {
                    super::add(tape, v[0], v[1])
                })
                .reference(move |x, _, rows| {
                    (0..if all_shared { n } else { rows * n })
                        .map(|i| x[0][at(&first, i)] + x[1][at(&second, i)])
                        .collect()
                }),
            );
        }
    }
    // Values used twice: the second use adds to their gradients.
    for b in [Input::rows(&[1030]), Input::shared(&[1030])] {
        let label = if b.per_row {
            "twice"
        } else {
            "twice, shared b"
        };
        cases.push(op_case!(
            "add",
            label,
            3,
            [Input::rows(&[1030]), b],
            |tape, v| {
                let once = super::add(tape, v[0], v[1]);
                let twice = super::add(tape, once, v[1]);
                super::add(tape, twice, v[0])
            }
        ));
    }
    cases
}
