use crate::check::case::{Case, Input};
use crate::ops::product_matrix::product_matrix;

pub fn cases() -> Vec<Case> {
    // Finite differences, and the case below, which says what the op is. Rows are far
    // more than filters, so that the Gram matrix is well away from singular, as in the models;
    // f32 errors grow with its condition.
    [
        (2, 1, 5),
        (2, 2, 40),
        (2, 4, 60),
        (2, 9, 200),
        (1, 60, 900),
        (254, 3, 20),
    ]
    .into_iter()
    .flat_map(|(rows, filters, length)| {
        let shape = [filters, length];
        [Input::shared(&shape), Input::rows(&shape)].map(|a| {
            op_case!(
                "inverse_sqrt_gram",
                format!("{rows} of {filters} x {length}, rows {}", a.per_row),
                rows,
                [a],
                |tape, v| { super::inverse_sqrt_gram(tape, v[0]) }
            )
        })
    })
    .chain(std::iter::once(squared()))
    .collect()
}

/// `Y A A^T Y` is the identity.
fn squared() -> Case {
    let (filters, length) = (3, 30);
    op_case!(
        "inverse_sqrt_gram",
        "on both sides of its matrix",
        1,
        [Input::shared(&[filters, length]).frozen()],
        |tape, v| {
            let root = super::inverse_sqrt_gram(tape, v[0]);
            let y = product_matrix(tape, root, v[0], false);
            let y = product_matrix(tape, y, v[0], true);
            product_matrix(tape, y, root, false)
        }
    )
    .reference(move |_, _, _| {
        (0..filters * filters)
            .map(|i| f64::from(u8::from(i / filters == i % filters)))
            .collect()
    })
}
