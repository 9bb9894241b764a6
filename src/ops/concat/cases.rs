use crate::op_case;
use crate::ops::{Case, Input};

pub fn cases() -> Vec<Case> {
    [(1, [1, 1, 1]), (1, [7, 2, 5]), (6, [1, 3, 2])]
        .into_iter()
        .map(|(outer, widths)| {
            let input = |i: usize| [outer, widths[i]];
            let parts = [
                Input::rows(&input(0)),
                Input::shared(&input(1)),
                Input::rows(&input(2)),
            ];
            let [a, b, c] = parts;
            let label = format!("{outer} lines of {widths:?}");
            op_case!("concat", label, 3, [a, b, c], |tape, v| {
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
        .collect()
}
