use crate::check::case::{BF16, Case, Input};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let sizes = [
        (3, 1, 1, 1),
        (3, 3, 7, 2),
        (3, 20, 33, 4),
        (2, 70, 20, 65),
        (254, 2, 3, 2),
    ];
    for (rows, m, k, n) in sizes {
        for transpose_b in [false, true] {
            let a = [m, k];
            let b = if transpose_b { [n, k] } else { [k, n] };
            let inputs = [
                (Input::rows(&a), Input::rows(&b)),
                (Input::rows(&a), Input::shared(&b)),
                (Input::shared(&a), Input::rows(&b)),
                (Input::shared(&a), Input::shared(&b)),
            ];
            for (a, b) in inputs {
                let (a_rows, b_rows) = (a.per_row, b.per_row);
                cases.push(
                    op_case!(
                        "product_matrix",
                        format!("{rows} of {m} x {k} x {n}, {transpose_b}, {a_rows}, {b_rows}"),
                        rows,
                        [a, b],
                        |tape, v| { super::product_matrix(tape, v[0], v[1], transpose_b) }
                    )
                    .reference(move |x, _, rows| {
                        let rows = if a_rows || b_rows { rows } else { 1 };
                        let a = |r: usize| if a_rows { r * m * k } else { 0 };
                        let b = |r: usize| if b_rows { r * k * n } else { 0 };
                        (0..rows * m * n)
                            .map(|at| {
                                let (r, i, j) = (at / n / m, at / n % m, at % n);
                                let in_b =
                                    |p: usize| if transpose_b { j * k + p } else { p * n + j };
                                (0..k)
                                    .map(|p| x[0][a(r) + i * k + p] * x[1][b(r) + in_b(p)])
                                    .sum()
                            })
                            .collect()
                    }),
                );
            }
        }
    }
    cases
        .into_iter()
        .map(|case| case.tolerance_bf16(BF16))
        .collect()
}
