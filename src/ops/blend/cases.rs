use crate::check::case::{Case, Input};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, n) in [(3, 1), (3, 7), (3, 40), (254, 5), (2, 1100), (3, 1027)] {
        // Which of z, a and b have rows.
        for per_row in [
            [true, true, true],
            [true, true, false],
            [true, false, true],
            [false, true, true],
        ] {
            let inputs = per_row.map(|per_row| Input {
                per_row,
                ..Input::rows(&[n])
            });
            let label = format!("{rows} x {n}, rows {per_row:?}");
            let [z, a, b] = inputs;
            cases.push(
                op_case!("blend", label, rows, [z, a, b], |tape, v| {
                    super::blend(tape, v[0], v[1], v[2])
                })
                .reference(move |x, _, rows| {
                    let at = |k: usize, i: usize| x[k][if per_row[k] { i } else { i % n }];
                    (0..rows * n)
                        .map(|i| at(0, i) * at(1, i) + (1.0 - at(0, i)) * at(2, i))
                        .collect()
                }),
            );
        }
    }
    // Values used twice: the second use adds to their gradients.
    for shared in [None, Some(0), Some(1), Some(2)] {
        let inputs = [0, 1, 2].map(|i| Input {
            per_row: shared != Some(i),
            ..Input::rows(&[1030])
        });
        let [z, a, b] = inputs;
        let label = format!("twice, shared {shared:?}");
        cases.push(op_case!("blend", label, 2, [z, a, b], |tape, v| {
            let once = super::blend(tape, v[0], v[1], v[2]);
            let twice = super::blend(tape, once, v[1], v[2]);
            super::blend(tape, v[0], twice, v[1])
        }));
    }
    cases
}
