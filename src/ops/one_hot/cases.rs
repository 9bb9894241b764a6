use crate::check::case::Case;
use crate::engine::Codes;

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, length) in [(4, 1), (4, 30), (254, 7), (2, 1100)] {
        for which in [Codes::Row, Codes::First] {
            cases.push(
                op_case!(
                    "one_hot",
                    format!("{which:?} of {rows} x {length}"),
                    rows,
                    [],
                    |tape, _v| { super::one_hot(tape, which, length) }
                )
                .codes(length)
                .reference(move |_, codes, rows| {
                    let rows = if which == Codes::Row { rows } else { 1 };
                    let hot = |i: usize| {
                        let (row, base, l) = (i / (4 * length), i / length % 4, i % length);
                        f64::from(usize::from(codes[row * length + l]) == base)
                    };
                    (0..rows * 4 * length).map(hot).collect()
                }),
            );
        }
    }
    cases
}
