use super::Gate;
use crate::check::case::{Case, Input};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (channels, length) in [(1, 1), (3, 1), (4, 9), (2, 33), (19, 9)] {
        for kind in [Gate::PerPosition, Gate::PerPart, Gate::PerChannel] {
            for shared in [false, true] {
                let gate = match kind {
                    Gate::PerPosition => Input::rows(&[3, length]),
                    Gate::PerPart => Input::rows(&[3]),
                    Gate::PerChannel => Input::rows(&[channels, 3]),
                };
                let gate = Input {
                    per_row: !shared,
                    ..gate
                };
                let gates = gate.shape.iter().product::<usize>();
                let parts = [
                    Input::rows(&[channels, length]),
                    Input::rows(&[channels, 1]),
                    Input::shared(&[channels, length]),
                ];
                let [a, b, c] = parts;
                let label = format!("{kind:?}, {channels} x {length}, shared {shared}");
                cases.push(
                    op_case!("gated_sum", label, 3, [a, b, c, gate], |tape, v| {
                        super::gated_sum(tape, &v[..3], v[3], kind)
                    })
                    .reference(move |x, _, rows| {
                        let n = channels * length;
                        (0..rows * n)
                            .map(|at| {
                                let (c, l) = (at / length % channels, at % length);
                                let parts = [x[0][at], x[1][at / length], x[2][at % n]];
                                let gate = if shared { 0 } else { at / n * gates };
                                let g = |i: usize| match kind {
                                    Gate::PerPosition => x[3][gate + i * length + l],
                                    Gate::PerPart => x[3][gate + i],
                                    Gate::PerChannel => x[3][gate + c * 3 + i],
                                };
                                (0..3).map(|i| parts[i] * g(i)).sum()
                            })
                            .collect()
                    }),
                );
            }
        }
    }
    for kind in [Gate::PerPosition, Gate::PerPart, Gate::PerChannel] {
        cases.push(many(kind, 3, [5, 40]));
        cases.push(many(kind, 254, [2, 3]));
    }
    cases
}

/// Ten parts, of each sort some: more than one launch takes.
fn many(kind: Gate, rows: usize, [channels, length]: [usize; 2]) -> Case {
    let n = 10;
    let mut inputs: Vec<Input> = (0..n)
        .map(|i| match i % 4 {
            0 => Input::rows(&[channels, length]),
            1 => Input::rows(&[channels, 1]),
            2 => Input::shared(&[channels, 1]),
            _ => Input::shared(&[channels, length]),
        })
        .collect();
    inputs.push(match kind {
        Gate::PerPosition => Input::rows(&[n, length]),
        Gate::PerPart => Input::shared(&[n]),
        Gate::PerChannel => Input::rows(&[channels, n]),
    });
    let mut case = op_case!(
        "gated_sum",
        format!("{kind:?}, {n} parts of {rows} x {channels} x {length}"),
        rows,
        [],
        |tape, v| super::gated_sum(tape, &v[..n], v[n], kind)
    );
    case.inputs = inputs;
    case
}
