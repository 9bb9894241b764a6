use crate::check::case::{Case, Input};
use crate::engine::Codes;
use std::sync::Arc;

/// Rows of the original's position table: up to the middle and down again.
pub(super) fn fold(length: usize) -> Arc<[u32]> {
    let half = (length / 2) as u32;
    let rest = length as u32 - half;
    (0..half).chain((0..rest).rev()).collect()
}

#[derive(Clone, Copy)]
struct Size {
    rows: usize,
    channels: usize,
    width: usize,
    length: usize,
    strands: usize,
}

impl Size {
    /// The formula, with `x(row, base, l)`; the parameters are weight, scale, bias, pool.
    fn formula(&self, v: &[Vec<f64>], x: impl Fn(usize, usize, usize) -> f64) -> Vec<f64> {
        let positions = self.length - self.width + 1;
        let features = self.channels / self.strands;
        let sigmoid = |row: usize, c: usize, l: usize| {
            let mut s = 0.0;
            for base in 0..4 {
                for k in 0..self.width {
                    s += v[0][(c * 4 + base) * self.width + k] * x(row, base, l + k);
                }
            }
            1.0 / (1.0 + (-(v[1][c] * s + v[2][c])).exp())
        };
        let feature = |row: usize, m: usize| {
            let g: Vec<f64> = (0..self.strands * positions)
                .map(|i| sigmoid(row, m * self.strands + i / positions, i % positions))
                .collect();
            let e = |g: &f64| (v[3][m] * g).exp();
            g.iter().map(|g| e(g) * g).sum::<f64>() / g.iter().map(e).sum::<f64>()
        };
        (0..self.rows * features)
            .map(|i| feature(i / features, i % features))
            .collect()
    }

    fn label(&self, form: &str) -> String {
        format!(
            "{form}, {} rows of {}, {} channels of {} on {} strands",
            self.rows, self.length, self.channels, self.width, self.strands
        )
    }

    fn parameters(&self, frozen: bool) -> [Input; 4] {
        let weight = Input::shared(&[self.channels, 4, self.width]);
        [
            if frozen { weight.frozen() } else { weight },
            Input::shared(&[self.channels]),
            Input::shared(&[1, self.channels, 1]),
            Input::shared(&[self.channels / self.strands]).range(-3.0, 3.0),
        ]
    }

    fn codes(self, position: bool, frozen: bool) -> Case {
        let [w, s, b, p] = self.parameters(frozen);
        let Size {
            length, strands, ..
        } = self;
        let hot = |c: u8, base: usize| f64::from(usize::from(c) == base);
        let case = if position {
            let table = Input::shared(&[length.div_ceil(2), 1]);
            op_case!(
                "pwm_scan_pool",
                self.label("codes and positions"),
                self.rows,
                [w, s, b, p, table],
                |t, v| {
                    let position = Some((v[4], fold(length)));
                    let codes = Codes::Row;
                    super::from_codes(t, codes, length, position, v[0], v[1], v[2], v[3], strands)
                }
            )
            .reference(move |v, codes, _| {
                let index = fold(length);
                self.formula(v, |row, base, l| {
                    hot(codes[row * length + l], base) + v[4][index[l] as usize]
                })
            })
        } else {
            op_case!(
                "pwm_scan_pool",
                self.label("codes"),
                self.rows,
                [w, s, b, p],
                |t, v| {
                    let codes = Codes::Row;
                    super::from_codes(t, codes, length, None, v[0], v[1], v[2], v[3], strands)
                }
            )
            .reference(move |v, codes, _| {
                self.formula(v, |row, base, l| hot(codes[row * length + l], base))
            })
        };
        case.codes(length)
    }

    fn dense(self, frozen: bool) -> Case {
        let [w, s, b, p] = self.parameters(frozen);
        let Size {
            length, strands, ..
        } = self;
        op_case!(
            "pwm_scan_pool",
            self.label("dense"),
            self.rows,
            [w, s, b, p, Input::rows(&[4, length])],
            |t, v| super::from_dense(t, v[4], v[0], v[1], v[2], v[3], strands)
        )
        .reference(move |v, _, _| {
            self.formula(v, |row, base, l| v[4][(row * 4 + base) * length + l])
        })
    }
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, channels, width, length, strands) in [
        (1, 1, 1, 1, 1),
        (2, 6, 5, 5, 2),
        (3, 34, 7, 40, 2),
        (2, 17, 30, 71, 1),
        (254, 2, 3, 7, 2),
    ] {
        let size = Size {
            rows,
            channels,
            width,
            length,
            strands,
        };
        for frozen in [true, false] {
            cases.extend([
                size.codes(true, frozen),
                size.codes(false, frozen),
                size.dense(frozen),
            ]);
        }
    }
    // Motifs narrower than the kernel, each in its own way: they are scanned only as wide as they are.
    let size = Size {
        rows: 3,
        channels: 70,
        width: 9,
        length: 40,
        strands: 2,
    };
    for case in [
        size.codes(true, true),
        size.codes(false, true),
        size.dense(true),
    ] {
        let narrow = move |i: usize| {
            let (channel, k) = (i / (4 * size.width), i % size.width);
            k < channel % 3 || k >= size.width - channel % 5
        };
        cases.push(Case {
            label: format!("{}, narrow motifs", case.label),
            ..case.zeroed(0, narrow)
        });
    }
    let size = Size {
        rows: 3,
        channels: 4,
        width: 3,
        length: 9,
        strands: 2,
    };
    let [w, s, b, p] = size.parameters(true);
    cases.push(
        op_case!(
            "pwm_scan_pool",
            "codes of the first row",
            3,
            [w, s, b, p],
            |t, v| super::from_codes(t, Codes::First, 9, None, v[0], v[1], v[2], v[3], 2)
        )
        .codes(9)
        .reference(move |v, codes, _| {
            let size = Size { rows: 1, ..size };
            size.formula(v, |_, base, l| f64::from(usize::from(codes[l]) == base))
        }),
    );
    cases
}
