use crate::check::case::{Case, Input};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    // The second range lies outside the bounds for the most part; what is inside is far from them.
    for (label, low, high) in [("inside", 0.05, 0.95), ("clipped", -30.0, 1.0)] {
        for (rows, n, one) in [
            (3, 1, false),
            (4, 19, false),
            (2, 300, false),
            (11, 5, true),
        ] {
            let p = match one {
                true => Input::shared(&[n]),
                false => Input::rows(&[n]),
            };
            let p = p.range(low, high);
            let t = Input::rows(&[n]).range(0.0, 1.0).frozen();
            let label = format!("{rows} x {n}, {label}, shared {one}");
            cases.push(
                op_case!("binary_cross_entropy", label, rows, [p, t], |tape, v| {
                    super::binary_cross_entropy(tape, v[0], v[1])
                })
                .reference(move |x, _, rows| {
                    let one = |i: usize| {
                        let p = x[0][if one { i % n } else { i }];
                        let (q, t) = (p.clamp(1e-7, 1.0 - 1e-7), x[1][i]);
                        -(t * q.ln() + (1.0 - t) * (1.0 - q).ln())
                    };
                    (0..rows)
                        .map(|r| (r * n..(r + 1) * n).map(one).sum::<f64>() / n as f64)
                        .collect()
                }),
            );
        }
    }
    cases
}
