use crate::check::case::{Case, Input};

pub fn cases() -> Vec<Case> {
    let sizes = [
        (3, 1, 1, 1, 1, 0),
        (3, 3, 10, 3, 3, 1),
        (3, 2, 25, 4, 4, 1),
        (3, 4, 9, 3, 1, 2),
        (3, 2, 11, 11, 5, 0),
        (3, 2, 8, 2, 3, 0),
        (254, 3, 7, 3, 2, 1),
        (1, 2, 1500, 15, 4, 7),
    ];
    sizes
        .into_iter()
        .map(|(rows, channels, length, window, stride, padding)| {
            // Numbers so wide apart that no finite difference changes which is the largest.
            let x = Input::rows(&[channels, length]).range(-1000.0, 1000.0);
            op_case!(
                "max_pool",
                format!("{rows} x {channels} x {length}, {window} by {stride}, padding {padding}"),
                rows,
                [x],
                |tape, v| { super::max_pool(tape, v[0], window, stride, padding) }
            )
            .reference(move |x, _, _| {
                let outputs = (length + 2 * padding - window) / stride + 1;
                let mut y = Vec::new();
                for x in x[0].chunks(length) {
                    for j in 0..outputs {
                        let padded = (j * stride..j * stride + window)
                            .filter_map(|at| x.get(at.checked_sub(padding)?));
                        y.push(padded.copied().fold(f64::NEG_INFINITY, f64::max));
                    }
                }
                y
            })
        })
        .collect()
}
