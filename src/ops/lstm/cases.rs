use super::{Direction, Masks, VECTORS};
use crate::check::case::{Case, Input, TF32_OVER_JUMPS};
use crate::engine::{Noise, Var};
use crate::ops::dropout::kept;

/// Step by step with nothing shared: the multipliers act on x and h, not on the weights.
fn formula(
    x: &[Vec<f64>],
    rows: usize,
    [steps, k, r]: [usize; 3],
    masks: &dyn Fn(usize) -> [Vec<f64>; 2],
) -> Vec<f64> {
    let hard = |z: f64| (0.2 * z + 0.5).clamp(0.0, 1.0);
    let mut y = vec![0.0; rows * 2 * steps * 2 * r];
    for row in 0..rows {
        let [inputs, states] = masks(row);
        for q in 0..4 {
            let (strand, direction) = (q / 2, q % 2);
            let own = &x[1 + direction * 12..];
            let (mut h, mut c) = (vec![0.0; r], vec![0.0; r]);
            for step in 0..steps {
                let s = if direction == 0 {
                    step
                } else {
                    steps - 1 - step
                };
                let at = (row * 2 + strand) * steps + s;
                let z = |gate: usize, j: usize| -> f64 {
                    let input = (0..k).map(|i| {
                        x[0][at * k + i] * inputs[(q * 4 + gate) * k + i] * own[gate][i * r + j]
                    });
                    let state = (0..r)
                        .map(|i| h[i] * states[(q * 4 + gate) * r + i] * own[4 + gate][i * r + j]);
                    input.sum::<f64>() + state.sum::<f64>() + own[8 + gate][j]
                };
                let cell = |j: usize| {
                    let [i, f, g, o] =
                        [hard(z(0, j)), hard(z(1, j)), z(2, j).tanh(), hard(z(3, j))];
                    let c = f * c[j] + i * g;
                    (c, o * c.tanh())
                };
                let next: Vec<(f64, f64)> = (0..r).map(cell).collect();
                for (j, (cell, out)) in next.into_iter().enumerate() {
                    (c[j], h[j]) = (cell, out);
                    y[at * 2 * r + direction * r + j] = out;
                }
            }
        }
    }
    y
}

fn directions(v: &[Var]) -> [Direction; 2] {
    [0, 1].map(|direction| {
        let four = |from: usize| [0, 1, 2, 3].map(|gate| v[1 + direction * 12 + from + gate]);
        Direction {
            w: four(0),
            u: four(4),
            b: four(8),
        }
    })
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let sizes = [
        [1, 1, 1],
        [5, 3, 2],
        [4, 7, 5],
        [3, 33, 32],
        // More steps, and more units, than a block of the inputs' products takes.
        [49, 5, 37],
        [2, 2, 3],
        // A GPU has forms for 32 and 64 units; of the first a block has four chains.
        [5, 9, 32],
        [4, 6, 64],
        // More steps, and more inputs, than a block of the weights' gradient takes at a time.
        [43, 70, 4],
        // More chains than parts of the weights' sums.
        [2, 1, 2],
    ];
    for (rows, size) in [3, 3, 2, 1, 1, 35, 3, 2, 2, 140].into_iter().zip(sizes) {
        let [steps, k, r] = size;
        let mut inputs = vec![Input::rows(&[2, steps, k])];
        for _ in 0..2 {
            for shape in [&[k, r][..], &[r, r], &[r]] {
                // Gates that are closed, open and between, whatever the sizes.
                let spread = 4.0 / (shape[0] as f64).sqrt();
                inputs.extend(vec![Input::shared(shape).range(-spread, spread); 4]);
            }
        }
        let label = format!("{rows} x {steps} x {k} to {r}");
        let make = |label: String, given: bool, p: [f64; 2]| {
            let mut case = op_case!("lstm", label, rows, [], |tape, v| {
                let [forward, backward] = directions(v);
                let masks = if given {
                    Masks::Given {
                        input: v[25],
                        state: v[26],
                    }
                } else {
                    let [input, state] = p;
                    Masks::Drawn {
                        input,
                        state,
                        site: 3,
                    }
                };
                super::lstm(tape, v[0], &forward, &backward, masks)
            });
            case.inputs = inputs.clone();
            // With fewer numbers one that jumps, or none, makes all of the error.
            match rows * steps * r >= 400 {
                true => case.tolerance_bf16_of_all(TF32_OVER_JUMPS),
                false => case,
            }
        };
        let ones = move |_: usize| [vec![1.0; VECTORS * k], vec![1.0; VECTORS * r]];
        let plain = make(label.clone(), false, [0.0, 0.0]);
        cases.push(plain.reference(move |x, _, rows| formula(x, rows, size, &ones)));
        let evaluated = make(label.clone() + ", evaluation", false, [0.3, 0.2]).evaluation();
        cases.push(evaluated.reference(move |x, _, rows| formula(x, rows, size, &ones)));
        let mut given = make(label.clone() + ", given masks", true, [0.0, 0.0]);
        given.inputs.extend([
            Input::rows(&[VECTORS * k]).range(0.0, 2.0).frozen(),
            Input::rows(&[VECTORS * r]).range(0.0, 2.0).frozen(),
        ]);
        // Multipliers up to 2 carry gradients through more steps, sums of large terms that nearly cancel: 7.2e-6 was seen
        // with AVX-512, and other vectors round in another order.
        given = given.tolerance_f32(2e-5);
        cases.push(given.reference(move |x, _, rows| {
            let of = |i: usize, n: usize, row: usize| x[i][row * n..(row + 1) * n].to_vec();
            let masks = |row: usize| [of(25, VECTORS * k, row), of(26, VECTORS * r, row)];
            formula(x, rows, size, &masks)
        }));
        let drawn = make(label + ", drawn masks", false, [0.3, 0.2]);
        cases.push(drawn.reference(move |x, _, rows| {
            // The harness runs at seed 3 and step 1.
            let noise = Noise {
                seed: 3,
                step: 1,
                first_row: 0,
            };
            let of = |site: u64, p: f64, n: usize, row: usize| -> Vec<f64> {
                let stays = kept(noise, p, site, n);
                let one = |i: usize| if stays(row, i) { 1.0 / (1.0 - p) } else { 0.0 };
                (0..n).map(one).collect()
            };
            let masks = |row: usize| [of(3, 0.3, VECTORS * k, row), of(4, 0.2, VECTORS * r, row)];
            formula(x, rows, size, &masks)
        }));
    }
    cases
}
