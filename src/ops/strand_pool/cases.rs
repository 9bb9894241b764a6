use crate::check::case::{Case, Input};

pub fn cases() -> Vec<Case> {
    [(3, 1, 1, 1), (3, 10, 3, 3), (2, 25, 33, 6), (2, 11, 4, 11)]
        .into_iter()
        .map(|(rows, positions, channels, window)| {
            // Numbers so wide apart that no finite difference changes which is the largest.
            let x = Input::rows(&[2, positions, channels]).range(-1000.0, 1000.0);
            let label = format!("{rows} x {positions} x {channels}, windows of {window}");
            op_case!("strand_pool", label, rows, [x], |tape, v| {
                super::strand_pool(tape, v[0], window)
            })
            .reference(move |x, _, _| {
                let mut y = Vec::new();
                for x in x[0].chunks(positions * channels) {
                    for j in 0..positions / window {
                        for f in 0..channels {
                            let inside =
                                (j * window..(j + 1) * window).map(|p| x[p * channels + f]);
                            y.push(inside.fold(f64::NEG_INFINITY, f64::max));
                        }
                    }
                }
                y
            })
        })
        .collect()
}
