use super::{dense, linear};
use crate::check::case::{BF16, Case, Input};

/// Which layer, by the recorder of its weight's layout.
#[derive(Clone, Copy, PartialEq)]
enum Layer {
    Linear,
    LinearWithoutBias,
    Dense,
}

pub fn cases() -> Vec<Case> {
    use Layer::{Dense, Linear, LinearWithoutBias};
    let mut cases = Vec::new();
    for layer in [Linear, LinearWithoutBias, Dense] {
        for (rows, lines, inputs, outputs) in [
            (1, 1, 1, 1),
            (5, 1, 7, 3),
            (3, 1, 40, 33),
            (5, 2, 7, 3),
            (3, 11, 40, 33),
            // More than one tile of a block each way, and more than one chain of sums.
            (7, 10, 130, 67),
            // Sums that a GPU cuts into parts: over inputs, over outputs, over lines.
            (3, 1, 700, 5),
            (2, 1, 7, 300),
            (4, 150, 9, 5),
        ] {
            cases.push(case(layer, rows, lines, inputs, outputs, false));
            if lines > 1 {
                cases.push(case(layer, rows, lines, inputs, outputs, true));
            }
        }
    }
    cases
}

fn case(
    layer: Layer,
    rows: usize,
    lines: usize,
    inputs: usize,
    outputs: usize,
    shared: bool,
) -> Case {
    let form = match layer {
        Layer::Linear => "",
        Layer::LinearWithoutBias => ", no bias",
        Layer::Dense => ", Keras",
    };
    let shares = if shared { ", shared" } else { "" };
    let label = format!("{rows} x {lines} x {inputs} to {outputs}{form}{shares}");
    let x = if shared {
        Input::shared(&[lines, inputs])
    } else {
        Input::rows(&[lines, inputs])
    };
    let weight = Input::shared(&match layer {
        Layer::Dense => [inputs, outputs],
        _ => [outputs, inputs],
    });
    let bias = Input::shared(&[outputs]);
    let case = match layer {
        Layer::Linear => op_case!("linear", label, rows, [x, weight, bias], |tape, v| {
            linear(tape, v[0], v[1], Some(v[2]))
        }),
        Layer::LinearWithoutBias => op_case!("linear", label, rows, [x, weight], |tape, v| {
            linear(tape, v[0], v[1], None)
        }),
        Layer::Dense => op_case!("linear", label, rows, [x, weight, bias], |tape, v| {
            dense(tape, v[0], v[1], v[2])
        }),
    };
    let at = move |o: usize, f: usize| match layer {
        Layer::Dense => f * outputs + o,
        _ => o * inputs + f,
    };
    let y = move |x: &[Vec<f64>], line: &[f64], o: usize| {
        let sum: f64 = (0..inputs).map(|f| x[1][at(o, f)] * line[f]).sum();
        sum + x.get(2).map_or(0.0, |bias| bias[o])
    };
    case.reference(move |x, _, _| {
        let of_line = |line| (0..outputs).map(move |o| y(x, line, o));
        x[0].chunks(inputs).flat_map(of_line).collect()
    })
    .tolerance_bf16(BF16)
}
