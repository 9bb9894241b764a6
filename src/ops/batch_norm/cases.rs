use super::BatchNormParams;
use crate::check::case::{Case, Input};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, channels, length) in [
        (7, 3, 1),
        (4, 5, 9),
        (3, 2, 33),
        (254, 2, 5),
        (254, 40, 1),
        (1, 3, 700),
    ] {
        for training in [false, true] {
            let shared = || Input::shared(&[channels]);
            let inputs = [
                Input::rows(&[channels, length]).range(-1.0, 3.0),
                shared(),
                shared(),
                shared().frozen(),
                shared().range(0.1, 2.0).frozen(),
                Input::shared(&[1]).frozen(),
            ];
            let [x, weight, bias, mean, var, count] = inputs;
            let case = op_case!(
                "batch_norm",
                format!("{rows} x {channels} x {length}, training {training}"),
                rows,
                [x, weight, bias, mean, var, count],
                |tape, v| {
                    let params = BatchNormParams {
                        weight: v[1],
                        bias: v[2],
                        running_mean: v[3],
                        running_var: v[4],
                        count: v[5],
                    };
                    super::batch_norm(tape, v[0], params)
                }
            )
            .reference(move |x, _, rows| {
                let n = (rows * length) as f64;
                let at = |c: usize| {
                    (0..rows * length)
                        .map(move |i| (i / length * channels + c) * length + i % length)
                };
                let moments = |c: usize| {
                    if !training {
                        return (x[3][c], x[4][c]);
                    }
                    let mean = at(c).map(|i| x[0][i]).sum::<f64>() / n;
                    let squares = at(c).map(|i| (x[0][i] - mean).powi(2)).sum::<f64>();
                    (mean, squares / n)
                };
                (0..rows * channels * length)
                    .map(|i| {
                        let c = i / length % channels;
                        let (mean, var) = moments(c);
                        (x[0][i] - mean) / (var + 1e-5).sqrt() * x[1][c] + x[2][c]
                    })
                    .collect()
            });
            cases.push(if training { case } else { case.evaluation() });
        }
    }
    cases
}

#[cfg(test)]
mod tests {

    use crate::engine::{Op, Operand};

    #[test]
    fn training_moves_the_running_statistics() {
        let op = super::super::BatchNorm {
            channels: 2,
            length: 1,
            training: true,
        };
        let saved = [1.0f64, 9.0, 4.0, -2.0, 9.0, 8.0];
        let data: [&[f64]; 6] = [&[], &[], &[], &[0.0, 1.0], &[1.0, 2.0], &[5.0]];
        let inputs = data.map(|data| Operand {
            data,
            len: data.len(),
            per_row: false,
        });
        let moved = op.buffers(4, &saved, &inputs);
        let expected = [(3, vec![0.1, 0.7]), (4, vec![1.3, 2.6]), (5, vec![6.0])];
        for ((input, values), (i, truth)) in moved.iter().zip(&expected) {
            assert_eq!(input, i);
            for (a, b) in values.iter().zip(truth) {
                assert!((a - b).abs() < 1e-12, "{a} {b}");
            }
        }
    }
}
