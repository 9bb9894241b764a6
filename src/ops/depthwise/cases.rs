use crate::check::case::{Case, Input};

pub fn cases() -> Vec<Case> {
    let sizes = [
        (3, 1, 1, 1, 0),
        (3, 3, 20, 7, 3),
        (3, 2, 9, 9, 0),
        (3, 4, 50, 15, 7),
        (3, 2, 3, 5, 4),
        (3, 2, 70, 4, 2),
        (3, 2, 3, 2, 4),
        (254, 2, 5, 3, 1),
        (2, 2, 300, 19, 9),
        (2, 1, 150, 70, 30),
    ];
    sizes
        .into_iter()
        .map(|(rows, channels, length, width, padding)| {
            let weight = Input::shared(&[channels, 1, width]);
            op_case!(
                "depthwise",
                format!("{rows} x {channels} x {length}, width {width}, padding {padding}"),
                rows,
                [Input::rows(&[channels, length]), weight],
                |tape, v| { super::depthwise(tape, v[0], v[1], padding) }
            )
            .reference(move |v, _, rows| {
                let out = length + 2 * padding + 1 - width;
                let x = |line: usize, at: usize| match at.checked_sub(padding) {
                    Some(at) if at < length => v[0][line * length + at],
                    _ => 0.0,
                };
                (0..rows * channels * out)
                    .map(|i| {
                        let (line, l) = (i / out, i % out);
                        let w = |k: usize| v[1][line % channels * width + k];
                        (0..width).map(|k| w(k) * x(line, l + k)).sum()
                    })
                    .collect()
            })
        })
        .collect()
}
