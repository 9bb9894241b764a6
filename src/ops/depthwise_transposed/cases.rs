use crate::check::case::{Case, Input};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let sizes = [
        (3, 1, 1, 1, 0, 1),
        (3, 3, 20, 7, 4, 20),
        (3, 2, 9, 5, 0, 13),
        (3, 2, 40, 50, 25, 40),
        (3, 3, 6, 4, 8, 1),
        (254, 2, 5, 2, 1, 5),
        (2, 1, 140, 151, 76, 140),
    ];
    for (rows, channels, length, width, crop, out) in sizes {
        let label = format!("{rows} x {channels} x {length}, width {width}, {out} from {crop}");
        let formula = move |v: &[Vec<f64>], rows: usize| -> Vec<f64> {
            let y = |line: usize, t: usize| {
                let w = |k: usize| v[1][line % channels * width + k];
                let x = |k: usize| match t.checked_sub(k) {
                    Some(at) if at < length => v[0][line * length + at],
                    _ => 0.0,
                };
                let bias = v.get(2).map_or(0.0, |b| b[line % channels]);
                bias + (0..width).map(|k| w(k) * x(k)).sum::<f64>()
            };
            (0..rows * channels * out)
                .map(|i| y(i / out, i % out + crop))
                .collect()
        };
        let x = Input::rows(&[channels, length]);
        let w = Input::shared(&[channels, 1, width]);
        let b = Input::shared(&[channels]);
        cases.push(
            op_case!(
                "depthwise_transposed",
                label,
                rows,
                [x.clone(), w.clone(), b],
                |tape, v| { super::depthwise_transposed(tape, v[0], v[1], Some(v[2]), crop, out) }
            )
            .reference(move |x, _, rows| formula(x, rows)),
        );
        cases.push(
            op_case!(
                "depthwise_transposed",
                label + ", no bias",
                rows,
                [x, w],
                |tape, v| { super::depthwise_transposed(tape, v[0], v[1], None, crop, out) }
            )
            .reference(move |x, _, rows| formula(x, rows)),
        );
    }
    cases
}
