//! The fast form against the plain one in f64, on kernels as real models have them: centred motifs
//! of all widths between zero columns, channels of zeros, runs of N, at every instruction set.

use super::cases::fold;
use super::{Form, from_codes_as, from_dense_as};
use crate::engine::simd::levels;
use crate::engine::{Batch, Codes, CpuExecutor, Init, Noise, Philox, Program, Real, Role, Tape};
use crate::ops::inner::inner;

#[derive(Clone, Copy, Debug)]
struct Size {
    motifs: usize,
    width: usize,
    length: usize,
    strands: usize,
    rows: usize,
    /// The largest pooling weight.
    pool: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    Codes,
    Positions,
    Dense,
}

struct Numbers {
    params: Vec<f64>,
    codes: Vec<u8>,
    dense: Vec<f64>,
    weighting: Vec<f64>,
}

impl Size {
    fn channels(&self) -> usize {
        // One channel (a pair with two strands) of zeros at the end.
        (self.motifs + 1) * self.strands
    }

    fn features(&self) -> usize {
        self.motifs + 1
    }

    fn weight(&self, philox: &Philox) -> Vec<f64> {
        let mut weight = vec![0.0; self.channels() * 4 * self.width];
        for m in 0..self.motifs {
            let w = 1 + (m * 7 + self.width - 1) % self.width;
            for strand in 0..self.strands {
                // The strands need not be as wide: one column is zero on the second of some.
                let (c, w) = (
                    m * self.strands + strand,
                    w - usize::from(strand == 1 && w > 5),
                );
                let start = (self.width - w) / 2;
                for k in start..start + w {
                    for base in 0..4 {
                        let i = (c * 4 + base) * self.width + k;
                        weight[i] = philox.uniform(1, i as u64);
                    }
                }
            }
        }
        weight
    }

    fn numbers(&self) -> Numbers {
        let philox = Philox::new(11);
        let between = |stream: u64, n: usize, low: f64, high: f64| -> Vec<f64> {
            (0..n)
                .map(|i| low + (high - low) * philox.uniform(stream, i as u64))
                .collect()
        };
        let mut params = self.weight(&philox);
        params.extend(between(2, self.channels(), 0.2, 0.6));
        params.extend(between(3, self.channels(), -4.0, 0.0));
        params.extend(between(4, self.features(), -self.pool, self.pool));
        params.extend(between(5, self.length.div_ceil(2), -0.5, 0.5));
        let round = |v: Vec<f64>| v.into_iter().map(|x| f64::from(x as f32)).collect();
        let code = |i: usize| {
            let (row, l) = (i / self.length, i % self.length);
            let run = row == 1 && (3..9).contains(&l) || row == 2 || l + 1 == self.length;
            if run {
                4
            } else {
                (philox.bits(6, i as u64) % 4) as u8
            }
        };
        Numbers {
            params: round(params),
            codes: (0..self.rows * self.length).map(code).collect(),
            dense: round(between(7, self.rows * 4 * self.length, -0.5, 1.0)),
            weighting: round(between(8, self.rows * self.features(), -1.0, 1.0)),
        }
    }

    /// Output, and the gradient of every parameter, and of x.
    fn run<T: Real>(&self, form: Form, source: Source, piece: usize) -> Vec<Vec<f64>> {
        let numbers = self.numbers();
        let mut tape = Tape::<T>::new(true);
        let (channels, features) = (self.channels(), self.features());
        let mut param = |name: &str, shape: &[usize]| {
            tape.declare(name, shape, Init::Constant(0.0), Role::Weight, true)
        };
        let parameters = [
            param("weight", &[channels, 4, self.width]),
            param("scale", &[channels]),
            param("bias", &[1, channels, 1]),
            param("pool", &[features]),
        ];
        let table = param("table", &[self.length.div_ceil(2), 1]);
        let weighting = tape.dense_input(&[features]);
        let x = tape.dense_input(&[4, self.length]);
        tape.watch(x);
        let (length, strands) = (self.length, self.strands);
        let position = (source == Source::Positions).then(|| (table, fold(length)));
        let out = if source == Source::Dense {
            from_dense_as(&mut tape, form, x, parameters, strands)
        } else {
            from_codes_as(
                &mut tape,
                form,
                Codes::Row,
                length,
                position,
                parameters,
                strands,
            )
        };
        let loss = inner(&mut tape, out, weighting);
        let convert = |v: &[f64]| v.iter().map(|&x| T::of(x)).collect::<Vec<T>>();
        let (x_numbers, weighting) = (convert(&numbers.dense), convert(&numbers.weighting));
        let batch = Batch {
            rows: self.rows,
            codes: &numbers.codes,
            dense: vec![&weighting, &x_numbers],
            noise: Noise {
                seed: 0,
                step: 0,
                first_row: 0,
            },
        };
        let params = convert(&numbers.params);
        let mut grads = vec![T::ZERO; params.len()];
        let mut executor = CpuExecutor::new(Program::new(tape, out, Some(loss), piece));
        let found = executor.inspect(&params, &batch, &mut grads, &[x]);
        let back = |v: &[T]| v.iter().map(|x| x.f64()).collect::<Vec<f64>>();
        let mut all = vec![back(&found.output)];
        for param in &executor.layout().params {
            all.push(back(&grads[param.range()]));
        }
        if source == Source::Dense {
            all.push(back(&found.watched[0]));
        }
        all
    }
}

fn sizes() -> Vec<Size> {
    let mut sizes = Vec::new();
    for (motifs, width, length) in [
        (1, 1, 1),
        (3, 4, 4),
        (3, 30, 30),
        (17, 30, 71),
        (40, 30, 47),
    ] {
        for strands in [1, 2] {
            sizes.push(Size {
                motifs,
                width,
                length,
                strands,
                rows: 5,
                pool: 3.0,
            });
        }
    }
    // More columns than one loop over the tables takes, and pooling weights beyond the range where
    // the shift is a bound.
    sizes.push(Size {
        motifs: 5,
        width: 41,
        length: 100,
        strands: 2,
        rows: 3,
        pool: 3.0,
    });
    sizes.push(Size {
        motifs: 20,
        width: 9,
        length: 60,
        strands: 2,
        rows: 3,
        pool: 400.0,
    });
    sizes
}

/// Scores have an error of some 2^-24 for each of their up to 10 terms, exponents that of `w g`;
/// both reach output and gradients undiminished, but averaged over positions: 2e-6 of the largest
/// number for |w| up to 3, in proportion for larger w.
fn tolerance(size: &Size) -> f64 {
    2e-6 * (size.pool / 3.0).max(1.0)
}

#[test]
fn fast_forms_agree_with_the_plain_one_in_f64() {
    for size in sizes() {
        for source in [Source::Codes, Source::Positions, Source::Dense] {
            let truth = size.run::<f64>(Form::Plain, source, size.rows);
            for form in levels().into_iter().map(Form::Fast) {
                let found = size.run::<f32>(form, source, 2);
                assert_eq!(found.len(), truth.len());
                for (i, (a, b)) in found.iter().zip(&truth).enumerate() {
                    let scale = b.iter().fold(1e-3f64, |m, x| m.max(x.abs()));
                    let error = a
                        .iter()
                        .zip(b)
                        .map(|(a, b)| {
                            if a.is_nan() {
                                f64::INFINITY
                            } else {
                                (a - b).abs() / scale
                            }
                        })
                        .fold(0.0, f64::max);
                    assert!(
                        a.len() == b.len() && error < tolerance(&size),
                        "{size:?} {source:?} {form:?}: number {i} differs by {error:e}"
                    );
                }
            }
        }
    }
}

#[test]
fn far_scores_give_no_nan() {
    let size = Size {
        motifs: 3,
        width: 5,
        length: 20,
        strands: 2,
        rows: 2,
        pool: 1e6,
    };
    for level in levels() {
        for source in [Source::Positions, Source::Dense] {
            for numbers in size.run::<f32>(Form::Fast(level), source, 2) {
                assert!(numbers.iter().all(|x| x.is_finite()));
            }
        }
    }
}
