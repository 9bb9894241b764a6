use crate::check::case::{BF16, Case, Input};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, inputs, outputs) in [(1, 1, 1), (5, 7, 3), (3, 40, 33)] {
        let label = format!("{rows} x {inputs} to {outputs}");
        let formula = move |x: &[Vec<f64>], rows: usize| -> Vec<f64> {
            let y = |r: usize, o: usize| {
                let sum: f64 = (0..inputs)
                    .map(|f| x[1][o * inputs + f] * x[0][r * inputs + f])
                    .sum();
                sum + x.get(2).map_or(0.0, |b| b[o])
            };
            (0..rows * outputs)
                .map(|i| y(i / outputs, i % outputs))
                .collect()
        };
        let x = Input::rows(&[inputs]);
        let w = Input::shared(&[outputs, inputs]);
        cases.push(
            op_case!(
                "linear",
                label,
                rows,
                [x.clone(), w.clone(), Input::shared(&[outputs])],
                |tape, v| { super::linear(tape, v[0], v[1], Some(v[2])) }
            )
            .reference(move |x, _, rows| formula(x, rows)),
        );
        cases.push(
            op_case!("linear", label + ", no bias", rows, [x, w], |tape, v| {
                super::linear(tape, v[0], v[1], None)
            })
            .reference(move |x, _, rows| formula(x, rows)),
        );
    }
    cases
        .into_iter()
        .map(|case| case.tolerance_bf16(BF16))
        .collect()
}
