use crate::check::case::{BF16, Case, Input};
use crate::ops::batch_norm::{BatchNormParams, batch_norm};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let sizes = [
        (1, 1, 1, 1, 1, 0),
        (3, 4, 5, 20, 7, 0),
        (2, 6, 9, 13, 1, 0),
        (3, 3, 4, 11, 5, 2),
        (2, 2, 3, 3, 5, 4),
        (1, 2, 3, 6, 6, 0),
        (2, 5, 33, 40, 11, 5),
        (254, 4, 3, 10, 3, 0),
        (254, 2, 2, 5, 5, 0),
        (2, 70, 66, 4, 3, 2),
        (3, 70, 65, 1, 1, 0),
        (3, 3, 2, 5, 1, 1),
    ];
    for (rows, inputs, outputs, length, width, padding) in sizes {
        let label =
            format!("{rows} x {inputs} x {length} to {outputs}, width {width}, padding {padding}");
        let out_length = length + 2 * padding + 1 - width;
        let formula = move |v: &[Vec<f64>], rows: usize| -> Vec<f64> {
            let x = |r: usize, c: usize, at: usize| match at.checked_sub(padding) {
                Some(at) if at < length => v[0][(r * inputs + c) * length + at],
                _ => 0.0,
            };
            let mut y = Vec::new();
            for (r, o) in (0..rows).flat_map(|r| (0..outputs).map(move |o| (r, o))) {
                for l in 0..out_length {
                    let mut sum = v.get(2).map_or(0.0, |b| b[o]);
                    for (c, k) in (0..inputs).flat_map(|c| (0..width).map(move |k| (c, k))) {
                        sum += v[1][(o * inputs + c) * width + k] * x(r, c, l + k);
                    }
                    y.push(sum);
                }
            }
            y
        };
        let x = Input::rows(&[inputs, length]);
        let w = Input::shared(&[outputs, inputs, width]);
        cases.push(
            op_case!(
                "conv1d",
                label,
                rows,
                [x.clone(), w.clone(), Input::shared(&[outputs])],
                |tape, v| { super::conv1d(tape, v[0], v[1], Some(v[2]), padding, width) }
            )
            .reference(move |x, _, rows| formula(x, rows)),
        );
        cases.push(
            op_case!("conv1d", label + ", no bias", rows, [x, w], |tape, v| {
                super::conv1d(tape, v[0], v[1], None, padding, width)
            })
            .reference(move |x, _, rows| formula(x, rows)),
        );
    }
    cases.extend([0, 1].map(|padding| batch_wide(11, padding)));
    cases
        .into_iter()
        .map(|case| case.tolerance_bf16(BF16))
        .collect()
}

/// Before a batch norm, whose program is batch-wide: rows are then spread over the threads.
fn batch_wide(rows: usize, padding: usize) -> Case {
    let shared = |n: usize| Input::shared(&[n]);
    let inputs = [
        Input::rows(&[3, 8]),
        Input::shared(&[4, 3, 1 + padding]),
        shared(4),
        shared(4),
        shared(4),
        shared(4).frozen(),
        shared(4).frozen(),
        shared(1).frozen(),
    ];
    let [x, w, b, weight, bias, mean, var, count] = inputs;
    // The offset of a channel before its batch norm has no gradient but rounding noise: the
    // harness would compare that with itself.
    let b = b.frozen();
    op_case!(
        "conv1d",
        format!("{rows} rows, batch-wide, padding {padding}"),
        rows,
        [x, w, b, weight, bias, mean, var, count],
        |tape, v| {
            let y = super::conv1d(tape, v[0], v[1], Some(v[2]), padding, 1 + padding);
            let params = BatchNormParams {
                weight: v[3],
                bias: v[4],
                running_mean: v[5],
                running_var: v[6],
                count: v[7],
            };
            batch_norm(tape, y, params)
        }
    )
}
