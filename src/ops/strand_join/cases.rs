use crate::check::case::{Case, Input};

pub fn cases() -> Vec<Case> {
    let sizes = [(3, 1, 1), (4, 7, 3), (2, 33, 14), (3, 600, 5)];
    // Of all rows alike: x, or m.
    let shared = [(4, 7, 3, true, false), (11, 20, 33, false, true)];
    let own = sizes.map(|(rows, own, common)| (rows, own, common, false, false));
    own.into_iter()
        .chain(shared)
        .map(|(rows, own, common, one_x, one_m)| {
            let input = |one: bool, shape: &[usize]| match one {
                true => Input::shared(shape),
                false => Input::rows(shape),
            };
            let (x, m) = (input(one_x, &[2, own]), input(one_m, &[common]));
            let label = format!("{rows} x {own} and {common}, shared {one_x} {one_m}");
            op_case!("strand_join", label, rows, [x, m], |tape, v| {
                super::strand_join(tape, v[0], v[1])
            })
            .reference(move |x, _, rows| {
                let mut y = Vec::new();
                for line in 0..2 * rows {
                    let own_line = if one_x { line % 2 } else { line };
                    let row = if one_m { 0 } else { line / 2 };
                    y.extend_from_slice(&x[0][own_line * own..(own_line + 1) * own]);
                    y.extend_from_slice(&x[1][row * common..(row + 1) * common]);
                }
                y
            })
        })
        .collect()
}
