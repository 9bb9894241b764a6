use crate::check::case::{Case, Input};
use crate::ops::add::add;
use std::sync::Arc;

/// Of a length.
type Index = fn(usize) -> Arc<[u32]>;

/// Every third entry of the table, backwards: some are read by four positions, others by none.
fn scattered(length: usize) -> Arc<[u32]> {
    (0..length as u32).rev().map(|l| l / 4 * 3).collect()
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, channels, length) in [
        (1, 1, 1usize),
        (3, 4, 8),
        (2, 3, 31),
        (254, 2, 5),
        (2, 150, 33),
        (3, 5, 211),
    ] {
        // Which of x and the table have rows.
        let forms: [(_, _, Index); 4] = [
            ("", [true, false], super::mirrored),
            (", scattered", [true, false], scattered),
            (", own table", [true, true], scattered),
            (", shared x", [false, true], scattered),
        ];
        for (label, per_row, index_of) in forms {
            let index = index_of(length);
            let entries = index.iter().max().map_or(0, |&i| i as usize + 1) + 1;
            let x = Input {
                per_row: per_row[0],
                ..Input::rows(&[channels, length])
            };
            let table = Input {
                per_row: per_row[1],
                ..Input::rows(&[entries, 1])
            };
            cases.push(
                op_case!(
                    "position",
                    format!("{rows} x {channels} x {length}{label}"),
                    rows,
                    [x, table],
                    |tape, v| { super::position(tape, v[0], v[1], index_of(length)) }
                )
                .reference(move |x, _, rows| {
                    let len = channels * length;
                    let start =
                        |k: usize, row: usize, len: usize| row * len * usize::from(per_row[k]);
                    (0..rows * len)
                        .map(|i| {
                            let (row, i) = (i / len, i % len);
                            let entry = index[i % length] as usize;
                            x[0][start(0, row, len) + i] + x[1][start(1, row, entries) + entry]
                        })
                        .collect()
                }),
            );
        }
    }
    // Values used twice: the second use adds to their gradients.
    for per_row in [[true, false], [true, true], [false, true]] {
        let of = |i: usize, shape: &[usize]| Input {
            per_row: per_row[i],
            ..Input::rows(shape)
        };
        let label = format!("twice, x and table have rows: {per_row:?}");
        cases.push(op_case!(
            "position",
            label,
            3,
            [of(0, &[5, 40]), of(1, &[31, 1])],
            |tape, v| {
                let once = super::position(tape, v[0], v[1], scattered(40));
                let twice = super::position(tape, once, v[1], scattered(40));
                add(tape, twice, v[0])
            }
        ));
    }
    cases
}

#[cfg(test)]
mod tests {
    #[test]
    fn mirrored_goes_up_and_down() {
        assert_eq!(*super::super::mirrored(6), [0, 1, 2, 2, 1, 0]);
        assert_eq!(*super::super::mirrored(5), [0, 1, 2, 1, 0]);
    }
}
