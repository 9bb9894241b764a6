use super::Tracks;
use crate::check::case::{BF16_OVER_JUMPS, Case, Input};

/// Plain loops over the formula: W, b and tracks in `x`, then length, width and kernels.
pub fn formula(
    x: &[Vec<f64>],
    codes: &[u8],
    rows: usize,
    [length, width, kernels]: [usize; 3],
    order: &[usize],
) -> Vec<f64> {
    let (n, channels) = (order.len(), 4 + order.len());
    let input = |row: usize, strand: usize, at: usize, channel: usize| -> f64 {
        let from = if strand == 0 { at } else { length - 1 - at };
        if channel < 4 {
            let wanted = if strand == 0 { channel } else { 3 - channel };
            f64::from(usize::from(codes[row * length + from]) == wanted)
        } else {
            let track = channel - 4;
            let track = if strand == 0 { track } else { order[track] };
            x[2][(row * n + track) * length + from]
        }
    };
    let mut y = Vec::new();
    for row in 0..rows {
        for strand in 0..2 {
            for t in 0..=length - width {
                for f in 0..kernels {
                    let mut sum = x[1][f];
                    for j in 0..width {
                        for c in 0..channels {
                            let w = x[0][((width - 1 - j) * channels + c) * kernels + f];
                            sum += w * input(row, strand, t + j, c);
                        }
                    }
                    y.push(sum.max(0.0));
                }
            }
        }
    }
    y
}

pub fn cases() -> Vec<Case> {
    let orders: [&'static [usize]; 9] = [
        &[],
        &[0],
        &[0, 2, 1],
        &[1, 0],
        &[1, 0],
        &[0],
        &[],
        &[1, 0, 2, 3],
        &[],
    ];
    let sizes = [
        (3, 1, 1, 1),
        (3, 9, 4, 3),
        (2, 12, 12, 2),
        (2, 40, 7, 17),
        (9, 70, 11, 66),
        // On a GPU: strands of several strips, an odd number of positions; the largest window of strips; one beyond them, with
        // more than one tile each way.
        (1, 400, 26, 32),
        (1, 100, 64, 40),
        (3, 120, 41, 66),
        // More strips than blocks that make the gradient.
        (220, 6, 3, 2),
    ];
    let mut cases = Vec::new();
    for ((rows, length, width, kernels), order) in sizes.into_iter().zip(orders) {
        let label = format!("{rows} x {length}, {width} by {kernels}, tracks {order:?}");
        let weight = Input::shared(&[width, 1, 4 + order.len(), kernels]);
        let bias = Input::shared(&[kernels]);
        let size = [length, width, kernels];
        let case = if order.is_empty() {
            op_case!("strand_conv", label, rows, [weight, bias], |tape, v| {
                super::strand_conv(tape, v[0], v[1], None, length)
            })
        } else {
            let tracks = Input::rows(&[order.len(), length]);
            op_case!(
                "strand_conv",
                label,
                rows,
                [weight, bias, tracks],
                |tape, v| {
                    let tracks = Tracks {
                        values: v[2],
                        order,
                    };
                    super::strand_conv(tape, v[0], v[1], Some(tracks), length)
                }
            )
        };
        cases.push(
            case.codes(length)
                .tolerance_bf16_of_all(BF16_OVER_JUMPS)
                .reference(move |x, codes, rows| formula(x, codes, rows, size, order)),
        );
    }
    cases
}
