use super::Reduce;
use crate::op_case;
use crate::ops::{Case, Input};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (channels, length) in [(1, 1), (5, 9), (3, 40)] {
        for kind in [Reduce::Sum, Reduce::Mean, Reduce::Max] {
            // Maxima: numbers so wide apart that no finite difference changes which is first.
            let x = Input::rows(&[channels, length]);
            let x = if kind == Reduce::Max {
                x.range(-1000.0, 1000.0)
            } else {
                x
            };
            cases.push(
                op_case!(
                    "reduce",
                    format!("{kind:?} of {channels} x {length}"),
                    3,
                    [x],
                    |tape, v| { super::reduce(tape, v[0], kind) }
                )
                .reference(move |x, _, _| {
                    x[0].chunks(length)
                        .map(|x| match kind {
                            Reduce::Sum => x.iter().sum(),
                            Reduce::Mean => x.iter().sum::<f64>() / length as f64,
                            Reduce::Max => x.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                        })
                        .collect()
                }),
            );
        }
    }
    cases
}
