use super::Layer;
use crate::check::case::{BF16_OVER_JUMPS, Case, Input};
use crate::engine::Noise;
use crate::ops::dropout::kept;
use crate::ops::strand_conv::{Tracks, formula};

pub fn cases() -> Vec<Case> {
    let orders: [&'static [usize]; 10] = [
        &[],
        &[0],
        &[0, 2, 1],
        &[1, 0],
        &[0, 1],
        &[0],
        &[],
        &[0],
        &[],
        &[],
    ];
    let sizes = [
        (3, 2, 2, 1, 1),
        (3, 13, 4, 3, 2),
        (2, 12, 11, 2, 2),
        (2, 40, 7, 17, 3),
        (1, 75, 6, 33, 3),
        // Dropout's words on a GPU by four, by two, and with positions of an odd number.
        (2, 300, 6, 32, 3),
        (1, 60, 5, 64, 4),
        (2, 29, 3, 32, 2),
        (1, 40, 4, 128, 3),
        // More tiles than blocks that make the layer's gradients.
        (200, 3, 2, 32, 1),
    ];
    let mut cases = Vec::new();
    for ((rows, length, width, kernels, pool), order) in sizes.into_iter().zip(orders) {
        for p in [0.0, 0.3] {
            let label = format!(
                "{rows} x {length}, {width} by {kernels}, tracks {order:?}, windows of {pool}, dropout {p}"
            );
            let mut inputs = vec![
                Input::shared(&[width, 1, 4 + order.len(), kernels]),
                Input::shared(&[kernels]),
                Input::shared(&[kernels, kernels]),
                Input::shared(&[kernels]).range(0.0, 1.0),
            ];
            if !order.is_empty() {
                inputs.push(Input::rows(&[order.len(), length]).frozen());
            }
            let mut case = op_case!("strand_conv_pool", label, rows, [], |tape, v| {
                let layer = Layer {
                    weight: v[2],
                    bias: v[3],
                    pool,
                    dropout: (p, 2),
                };
                let tracks = v.get(4).map(|&values| Tracks { values, order });
                super::strand_conv_pool(tape, v[0], v[1], tracks, length, layer, true)
            });
            case.inputs = inputs;
            let positions = length - width + 1;
            let case = case.codes(length).tolerance_bf16_of_all(BF16_OVER_JUMPS);
            cases.push(case.reference(move |x, codes, rows| {
                let tracks = x.get(4).cloned().unwrap_or_default();
                let own = [x[0].clone(), x[1].clone(), tracks];
                let mut h = formula(&own, codes, rows, [length, width, kernels], order);
                let noise = Noise {
                    seed: 3,
                    step: 1,
                    first_row: 0,
                };
                let n = 2 * positions * kernels;
                let stays = kept(noise, p, 2, n);
                for (i, h) in h.iter_mut().enumerate() {
                    *h *= if stays(i / n, i % n) {
                        1.0 / (1.0 - p)
                    } else {
                        0.0
                    };
                }
                let mut y = Vec::new();
                for strand in h.chunks(positions * kernels) {
                    for j in 0..positions / pool {
                        for o in 0..kernels {
                            let unit = |at: usize| -> f64 {
                                let line = &strand[at * kernels..(at + 1) * kernels];
                                let terms = (0..kernels).map(|f| line[f] * x[2][f * kernels + o]);
                                (x[3][o] + terms.sum::<f64>()).max(0.0)
                            };
                            y.push((j * pool..(j + 1) * pool).map(unit).fold(0.0, f64::max));
                        }
                    }
                }
                y
            }));
        }
    }
    cases
}
