use crate::check::case::{Case, Input};
use crate::ops::add::add;

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let sizes = [
        (1, 1, 1),
        (3, 5, 9),
        (2, 7, 40),
        (254, 3, 5),
        (3, 40, 1),
        (2, 4, 300),
        (3, 5, 211),
    ];
    for (rows, channels, length) in sizes {
        // Which of x, scale and bias have rows.
        let forms = [
            ("", [true, false, false]),
            (", own scale", [true, true, false]),
            (", own scale and bias", [true, true, true]),
            (", shared x", [false, true, false]),
        ];
        for (form, per_row) in forms {
            let label = format!("{rows} x {channels} x {length}{form}");
            let formula = move |x: &[Vec<f64>], rows: usize| -> Vec<f64> {
                let len = channels * length;
                let of = |k: usize, row: usize, i: usize, len: usize| {
                    x.get(k)
                        .map_or(0.0, |x| x[if per_row[k] { row * len + i } else { i }])
                };
                let y = |i: usize| {
                    let (row, i) = (i / len, i % len);
                    let c = i / length;
                    of(0, row, i, len) * of(1, row, c, channels) + of(2, row, c, channels)
                };
                (0..rows * len).map(y).collect()
            };
            let shapes: [&[usize]; 3] = [&[channels, length], &[channels], &[1, channels, 1]];
            let inputs = [0, 1, 2].map(|i| Input {
                per_row: per_row[i],
                ..Input::rows(shapes[i])
            });
            let [x, scale, bias] = inputs;
            cases.push(
                op_case!(
                    "calibrate",
                    label,
                    rows,
                    [x.clone(), scale.clone(), bias],
                    |tape, v| { super::calibrate(tape, v[0], v[1], Some(v[2])) }
                )
                .reference(move |x, _, rows| formula(x, rows)),
            );
            cases.push(
                op_case!(
                    "calibrate",
                    label + ", no bias",
                    rows,
                    [x, scale],
                    |tape, v| { super::calibrate(tape, v[0], v[1], None) }
                )
                .reference(move |x, _, rows| formula(x, rows)),
            );
        }
    }
    // Values used twice: the second use adds to their gradients.
    for per_row in [[true, true], [true, false], [false, true]] {
        let of = |i: usize, shape: &[usize]| Input {
            per_row: per_row[i],
            ..Input::rows(shape)
        };
        let label = format!("twice, x and the others have rows: {per_row:?}");
        let inputs = [of(0, &[5, 33]), of(1, &[5]), of(1, &[5])];
        let [x, scale, bias] = inputs;
        cases.push(op_case!(
            "calibrate",
            label,
            3,
            [x, scale, bias],
            |tape, v| {
                let once = super::calibrate(tape, v[0], v[1], Some(v[2]));
                let twice = super::calibrate(tape, once, v[1], Some(v[2]));
                add(tape, twice, v[0])
            }
        ));
    }
    cases
}
