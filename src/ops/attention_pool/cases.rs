use crate::check::case::{Case, Input};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let sizes = [
        (3, 1, 1, 1, 1),
        (3, 3, 1, 9, 9),
        (3, 2, 1, 10, 4),
        (3, 4, 1, 33, 5),
        (3, 2, 1, 6, 11),
        (3, 3, 4, 10, 3),
        (3, 2, 3, 40, 40),
        (2, 3, 1, 150, 70),
        (2, 5, 2, 37, 8),
        (254, 2, 1, 5, 2),
    ];
    for (rows, channels, depth, length, window) in sizes {
        for keep_shape in [false, true] {
            let shape = [channels, depth, length];
            let shape = if depth == 1 {
                vec![channels, length]
            } else {
                shape.to_vec()
            };
            let weight = Input::shared(&[channels, depth]).range(-2.0, 2.0);
            cases.push(
                op_case!(
                    "attention_pool",
                    format!(
                        "{rows} x {channels} x {depth} x {length} by {window}, keep {keep_shape}"
                    ),
                    rows,
                    [Input::rows(&shape), weight],
                    |tape, v| { super::attention_pool(tape, v[0], v[1], window, keep_shape) }
                )
                .reference(move |x, _, rows| {
                    let out = if keep_shape {
                        length
                    } else {
                        length.div_ceil(window)
                    };
                    (0..rows * channels * depth * out)
                        .map(|i| {
                            let (line, j) = (i / out, i % out);
                            let (channel, c) = (line / depth, line / depth % channels);
                            let j = if keep_shape { j / window } else { j };
                            let at = |line: usize, l: usize| match l < length {
                                true => x[0][line * length + l],
                                false => 0.0,
                            };
                            let score = |l: usize| {
                                (0..depth)
                                    .map(|r| x[1][c * depth + r] * at(channel * depth + r, l))
                                    .sum::<f64>()
                                    .exp()
                            };
                            let window = || j * window..(j + 1) * window;
                            let weighted = window().map(|l| score(l) * at(line, l));
                            weighted.sum::<f64>() / window().map(score).sum::<f64>()
                        })
                        .collect()
                }),
            );
        }
    }
    cases
}
