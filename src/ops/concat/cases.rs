use crate::check::case::{Case, Input};

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        (3, 1, [1, 1, 1]),
        (3, 1, [7, 2, 5]),
        (3, 6, [1, 3, 2]),
        (254, 2, [3, 1, 4]),
        (2, 3, [500, 33, 7]),
        (2, 1, [2, 1500, 1100]),
    ]
    .into_iter()
    .map(|(rows, outer, widths)| {
        let input = |i: usize| [outer, widths[i]];
        let parts = [
            Input::rows(&input(0)),
            Input::shared(&input(1)),
            Input::rows(&input(2)),
        ];
        let [a, b, c] = parts;
        let label = format!("{rows} x {outer} lines of {widths:?}");
        op_case!("concat", label, rows, [a, b, c], |tape, v| {
            super::concat(tape, v, outer)
        })
        .reference(move |x, _, rows| {
            let mut y = Vec::new();
            for line in 0..rows * outer {
                for (i, &width) in widths.iter().enumerate() {
                    let line = if i == 1 { line % outer } else { line };
                    y.extend_from_slice(&x[i][line * width..(line + 1) * width]);
                }
            }
            y
        })
    })
    .collect();
    // Values used twice: the second use adds to their gradients.
    cases.push(op_case!(
        "concat",
        "twice",
        3,
        [Input::rows(&[2, 500]), Input::shared(&[2, 33])],
        |tape, v| {
            let once = super::concat(tape, v, 2);
            super::concat(tape, &[once, v[0], v[1]], 2)
        }
    ));
    cases
}
