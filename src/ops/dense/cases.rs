use crate::check::case::{Case, Input};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, lines, inputs, outputs) in [(1, 1, 1, 1), (5, 2, 7, 3), (3, 11, 40, 33)] {
        for x in [
            Input::rows(&[lines, inputs]),
            Input::shared(&[lines, inputs]),
        ] {
            let shared = if x.per_row { "" } else { ", shared" };
            let label = format!("{rows} x {lines} x {inputs} to {outputs}{shared}");
            let (w, b) = (Input::shared(&[inputs, outputs]), Input::shared(&[outputs]));
            cases.push(
                op_case!("dense", label, rows, [x, w, b], |tape, v| {
                    super::dense(tape, v[0], v[1], v[2])
                })
                .reference(move |x, _, _| {
                    let mut y = Vec::new();
                    for line in x[0].chunks(inputs) {
                        for o in 0..outputs {
                            let terms = (0..inputs).map(|f| line[f] * x[1][f * outputs + o]);
                            y.push(x[2][o] + terms.sum::<f64>());
                        }
                    }
                    y
                }),
            );
        }
    }
    cases
}
