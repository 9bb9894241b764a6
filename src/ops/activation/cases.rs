use super::Activation;
use crate::check::case::{Case, Input};
use crate::ops::concat::concat;

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let kinds = [
        Activation::Sigmoid,
        Activation::Relu,
        Activation::LeakyRelu,
        Activation::Gelu,
    ];
    for kind in kinds {
        for n in [1, 37] {
            // Two ranges, neither near the kink at 0, where finite differences mean nothing.
            let inputs = [
                Input::rows(&[n]).range(0.1, 5.0),
                Input::rows(&[n]).range(-5.0, -0.1),
            ];
            let [a, b] = inputs;
            cases.push(
                op_case!(
                    "activation",
                    format!("{kind:?} of {n}"),
                    3,
                    [a, b],
                    |tape, v| {
                        let x = concat(tape, &[v[0], v[1]], 1);
                        super::activation(tape, x, kind)
                    }
                )
                .reference(move |x, _, rows| {
                    let f = |x: f64| match kind {
                        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
                        Activation::Relu => x.max(0.0),
                        Activation::LeakyRelu => x.max(0.01 * x),
                        Activation::Gelu => {
                            0.5 * x * (1.0 + libm::erf(x / std::f64::consts::SQRT_2))
                        }
                    };
                    (0..rows)
                        .flat_map(|r| {
                            let part = |i: usize| x[i][r * n..(r + 1) * n].to_vec();
                            [part(0), part(1)].concat()
                        })
                        .map(f)
                        .collect()
                }),
            );
            // Straight on an input, whose gradient may be there already.
            let straight = Input::rows(&[n]).range(0.1, 5.0);
            cases.push(op_case!(
                "activation",
                format!("{kind:?} of {n}, straight"),
                3,
                [straight],
                |tape, v| super::activation(tape, v[0], kind)
            ));
        }
    }
    cases
}
