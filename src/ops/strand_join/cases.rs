use crate::check::case::{Case, Input};

pub fn cases() -> Vec<Case> {
    [(3, 1, 1), (4, 7, 3), (2, 33, 14)]
        .into_iter()
        .map(|(rows, own, common)| {
            let inputs = [Input::rows(&[2, own]), Input::rows(&[common])];
            let [x, m] = inputs;
            let label = format!("{rows} x {own} and {common}");
            op_case!("strand_join", label, rows, [x, m], |tape, v| {
                super::strand_join(tape, v[0], v[1])
            })
            .reference(move |x, _, rows| {
                let mut y = Vec::new();
                for line in 0..2 * rows {
                    y.extend_from_slice(&x[0][line * own..(line + 1) * own]);
                    y.extend_from_slice(&x[1][line / 2 * common..(line / 2 + 1) * common]);
                }
                y
            })
        })
        .collect()
}
