use crate::check::case::{Case, Input};

pub fn cases() -> Vec<Case> {
    [(3, 1), (2, 19)]
        .into_iter()
        .map(|(rows, n)| {
            let x = Input::rows(&[2, n]);
            let label = format!("{rows} x {n}");
            op_case!("strand_mean", label, rows, [x], |tape, v| {
                super::strand_mean(tape, v[0])
            })
            .reference(move |x, _, rows| {
                let at = |row: usize, strand: usize, i: usize| x[0][(2 * row + strand) * n + i];
                (0..rows * n)
                    .map(|i| (at(i / n, 0, i % n) + at(i / n, 1, i % n)) / 2.0)
                    .collect()
            })
        })
        .collect()
}
