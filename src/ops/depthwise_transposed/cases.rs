use crate::op_case;
use crate::ops::{Case, Input};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let sizes = [
        (1, 1, 1, 0, 1),
        (3, 20, 7, 4, 20),
        (2, 9, 5, 0, 13),
        (2, 40, 50, 25, 40),
        (3, 6, 4, 8, 1),
    ];
    for (channels, length, width, crop, out) in sizes {
        let label = format!("{channels} x {length}, width {width}, {out} from {crop}");
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
                3,
                [x.clone(), w.clone(), b],
                |tape, v| { super::depthwise_transposed(tape, v[0], v[1], Some(v[2]), crop, out) }
            )
            .reference(move |x, _, rows| formula(x, rows)),
        );
        cases.push(
            op_case!(
                "depthwise_transposed",
                label + ", no bias",
                3,
                [x, w],
                |tape, v| { super::depthwise_transposed(tape, v[0], v[1], None, crop, out) }
            )
            .reference(move |x, _, rows| formula(x, rows)),
        );
    }
    cases
}
