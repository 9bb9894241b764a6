use crate::check::case::{Case, Input};

pub fn cases() -> Vec<Case> {
    [
        (3, 1, 1, 1, 1),
        (3, 3, 2, 20, 7),
        (3, 2, 4, 9, 9),
        (3, 5, 3, 60, 35),
        (254, 2, 4, 12, 5),
        (2, 3, 9, 200, 65),
    ]
    .into_iter()
    .map(|(rows, channels, filters, length, width)| {
        let inputs = [
            Input::rows(&[channels, length]),
            Input::shared(&[filters, 1, width]),
            Input::shared(&[filters]),
        ];
        let [x, w, b] = inputs;
        op_case!(
            "shared_conv",
            format!("{rows} x {channels} x {length} to {filters}, width {width}"),
            rows,
            [x, w, b],
            |tape, v| { super::shared_conv(tape, v[0], v[1], v[2], width) }
        )
        .reference(move |v, _, rows| {
            let out = length + 1 - width;
            (0..rows * channels * filters * out)
                .map(|i| {
                    let (line, f, l) = (i / out / filters, i / out % filters, i % out);
                    let x = |k: usize| v[0][line * length + l + k];
                    let w = |k: usize| v[1][f * width + k];
                    v[2][f] + (0..width).map(|k| w(k) * x(k)).sum::<f64>()
                })
                .collect()
        })
    })
    .collect()
}
