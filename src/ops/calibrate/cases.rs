use crate::op_case;
use crate::ops::{Case, Input};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, channels, length) in [(1, 1, 1), (3, 5, 9), (2, 7, 40)] {
        let label = format!("{rows} x {channels} x {length}");
        let formula = move |x: &[Vec<f64>]| -> Vec<f64> {
            let channel = |i: usize| i / length % channels;
            let bias = |i: usize| x.get(2).map_or(0.0, |b| b[channel(i)]);
            let y = |i: usize| x[0][i] * x[1][channel(i)] + bias(i);
            (0..x[0].len()).map(y).collect()
        };
        let x = Input::rows(&[channels, length]);
        let scale = Input::shared(&[channels]);
        let bias = Input::shared(&[1, channels, 1]);
        cases.push(
            op_case!(
                "calibrate",
                label,
                rows,
                [x.clone(), scale.clone(), bias],
                |tape, v| { super::calibrate(tape, v[0], v[1], Some(v[2])) }
            )
            .reference(move |x, _, _| formula(x)),
        );
        cases.push(
            op_case!(
                "calibrate",
                label + ", no bias",
                rows,
                [x, scale],
                |tape, v| { super::calibrate(tape, v[0], v[1], None) }
            )
            .reference(move |x, _, _| formula(x)),
        );
    }
    cases
}
