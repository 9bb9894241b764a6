use super::SelfAttentionParams;
use crate::check::case::{BF16, Case, Input};

pub fn cases() -> Vec<Case> {
    // (rows, channels, length, heads, embedding, inner): two and two have a form of their own.
    let sizes = [
        (2, 1, 1, 1, 1, 1),
        (2, 4, 1, 2, 2, 2),
        (2, 4, 7, 2, 2, 2),
        (2, 4, 50, 2, 2, 2),
        (2, 3, 33, 3, 2, 2),
        (1, 2, 350, 1, 2, 2),
        (254, 2, 3, 1, 2, 2),
        (2, 40, 5, 20, 2, 2),
        (2, 5, 9, 2, 3, 4),
        (2, 7, 20, 2, 4, 1),
        (2, 6, 70, 2, 5, 3),
        (1, 70, 66, 1, 3, 70),
        (254, 2, 3, 1, 1, 3),
    ];
    sizes
        .into_iter()
        .map(|(rows, channels, length, heads, embedding, inner)| {
            let inputs = [
                Input::rows(&[channels, length]),
                Input::shared(&[heads, embedding, channels]),
                Input::shared(&[1, heads, embedding, 1]),
                Input::shared(&[heads, embedding, channels]),
                Input::shared(&[1, heads, embedding, 1]),
                Input::shared(&[heads, inner, channels]),
                Input::shared(&[1, heads, inner, 1]),
                Input::shared(&[heads, channels, inner]),
                Input::shared(&[1, channels, 1]),
            ];
            // Scores of many channels stay moderate: a softmax multiplies their rounding.
            let most = if channels > 8 { 0.5 } else { 1.5 };
            let [x, k, kb, q, qb, v, vb, u, ub] = inputs.map(|i| i.range(-most, most));
            let case = op_case!(
                "self_attention",
                format!("{rows} x {channels} x {length}, {heads} heads of {embedding} and {inner}"),
                rows,
                [x, k, kb, q, qb, v, vb, u, ub],
                |tape, v| {
                    let params = SelfAttentionParams {
                        key: v[1],
                        key_bias: v[2],
                        query: v[3],
                        query_bias: v[4],
                        value: v[5],
                        value_bias: v[6],
                        unify: v[7],
                        unify_bias: v[8],
                    };
                    super::self_attention(tape, v[0], params)
                }
            )
            .reference(move |v, _, rows| {
                let mut y = Vec::new();
                for row in 0..rows {
                    // Projection n of the row's position i.
                    let project = |weight: usize, n: usize, i: usize| -> f64 {
                        let at = |c: usize| v[0][(row * channels + c) * length + i];
                        let sum = |c: usize| v[weight][n * channels + c] * at(c);
                        v[weight + 1][n] + (0..channels).map(sum).sum::<f64>()
                    };
                    let score = |h: usize, i: usize, j: usize| -> f64 {
                        let term = |e: usize| {
                            let n = h * embedding + e;
                            project(1, n, i) * project(3, n, j)
                        };
                        let sum: f64 = (0..embedding).map(term).sum();
                        (sum / (embedding as f64).sqrt()).exp()
                    };
                    let mut out = vec![0.0; heads * inner * length];
                    for (h, i) in (0..heads).flat_map(|h| (0..length).map(move |i| (h, i))) {
                        let scores: Vec<f64> = (0..length).map(|j| score(h, i, j)).collect();
                        let sum: f64 = scores.iter().sum();
                        for t in h * inner..(h + 1) * inner {
                            let value = project(5, t, i);
                            for (j, score) in scores.iter().enumerate() {
                                out[t * length + j] += score / sum * value;
                            }
                        }
                    }
                    for (c, l) in (0..channels).flat_map(|c| (0..length).map(move |l| (c, l))) {
                        let term = |n: usize| {
                            let (h, t) = (n / inner, n % inner);
                            v[7][(h * channels + c) * inner + t] * out[n * length + l]
                        };
                        y.push(v[8][c] + (0..heads * inner).map(term).sum::<f64>());
                    }
                }
                y
            });
            // The query bias's gradient is 0: what finite differences find there is rounding.
            let case = case.tolerance_gradient(2e-6);
            // Five products, one after another; keys' and queries' gradients are differences of a softmax (2.1e-2
            // seen), the value bias's sums terms of both signs over all positions (4.3e-2), others have 1.3e-2.
            let case = case.tolerance_bf16(8.0 * BF16);
            // A single position's weight is 1 whatever its key: that gradient is 0 but for what
            // rounding leaves of it (2^x on a GPU is good to two units in the last place).
            if length == 1 {
                case.tolerance_f32(2e-3)
            } else {
                case
            }
        })
        .collect()
}
