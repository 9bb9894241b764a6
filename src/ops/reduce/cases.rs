use super::Reduce;
use crate::check::case::{Case, Input};
use crate::ops::add::add;

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let sizes = [
        (3, 1, 1),
        (3, 5, 9),
        (3, 3, 40),
        (254, 3, 5),
        (2, 4, 300),
        (3, 5, 211),
    ];
    for (rows, channels, length) in sizes {
        for kind in [Reduce::Sum, Reduce::Mean, Reduce::Max] {
            // Maxima: numbers so wide apart that no finite difference changes which is first.
            let x = Input::rows(&[channels, length]);
            let x = if kind == Reduce::Max {
                x.range(-1000.0, 1000.0)
            } else {
                x
            };
            let label = format!("{kind:?} of {rows} x {channels} x {length}");
            cases.push(
                op_case!("reduce", label, rows, [x], |tape, v| {
                    super::reduce(tape, v[0], kind)
                })
                .reference(move |x, _, _| reduced(&x[0], length, kind)),
            );
        }
    }
    // The first of many maxima gets the gradient; a finite difference sees the largest number alone.
    let ties = Input::rows(&[2, 70]).range(0.5, 0.5);
    cases.push(
        op_case!("reduce", "Max of equal numbers", 3, [ties], |tape, v| {
            super::reduce(tape, v[0], Reduce::Max)
        })
        .reference(|x, _, _| reduced(&x[0], 70, Reduce::Max))
        .at_a_kink(),
    );
    // Values used twice: the second use adds to their gradients.
    cases.push(op_case!(
        "reduce",
        "four times",
        3,
        [Input::rows(&[5, 33]).range(-1000.0, 1000.0)],
        |tape, v| {
            let first = super::reduce(tape, v[0], Reduce::Max);
            [Reduce::Mean, Reduce::Sum, Reduce::Mean]
                .into_iter()
                .fold(first, |sum, kind| {
                    let next = super::reduce(tape, v[0], kind);
                    add(tape, sum, next)
                })
        }
    ));
    cases
}

fn reduced(x: &[f64], length: usize, kind: Reduce) -> Vec<f64> {
    x.chunks(length)
        .map(|x| match kind {
            Reduce::Sum => x.iter().sum(),
            Reduce::Mean => x.iter().sum::<f64>() / length as f64,
            Reduce::Max => x.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
        .collect()
}
