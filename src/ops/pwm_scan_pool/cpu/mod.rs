//! The kernels: the plain form for every number type, and the fast one for f32 where the motifs
//! are parameters.

mod codes;
mod dense;
mod motifs;
mod pack;
mod plain;
mod pool;

use super::{Form, Input, PwmScanPool, SOURCE, WEIGHT};
use crate::engine::simd::{Level, dispatch_at};
use crate::engine::{Backward, Context, Forward, Operand, Prepared, Real};
use codes::{CodeScores, CodesBackward, PositionBias};
pub use codes::{Kmers, add_tables};
use dense::{DenseBackward, DenseScores, Padded};
use motifs::BEHIND;
use pack::Packs;
pub use pack::{KMERS, MER, TILE, Table, Vector, every_kmer, kmer};
pub use pool::{BLOCK, Block};
use pool::{Scan, Targets};
use std::sync::{Arc, Mutex, PoisonError};

/// The last motifs and what was made of them: they rarely change, the other parameters do.
#[derive(Default)]
pub struct Cache(Mutex<Option<(Vec<f32>, Arc<Packs>)>>);

impl Cache {
    fn packs(&self, weight: &[f32], width: usize, codes: bool) -> Arc<Packs> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((of, packs)) if of == weight => packs.clone(),
            _ => {
                let packs = Arc::new(Packs::new(weight, width, codes));
                *last = Some((weight.to_vec(), packs.clone()));
                packs
            }
        }
    }
}

/// What the fast form makes of the parameters.
struct Fast {
    packs: Arc<Packs>,
    /// The position table's part of the scores, where the table is a parameter.
    position: Vec<Vector>,
}

/// The level of the fast form, where it is wanted and can be.
fn level<T: Real>(op: &PwmScanPool) -> Option<Level> {
    match op.form {
        Form::Fast(level) if T::as_f32(&[]).is_some() => Some(level),
        _ => None,
    }
}

pub fn saved<T: Real>(op: &PwmScanPool, rows: usize) -> usize {
    level::<T>(op).map_or(0, |_| rows * 3 * op.dims.features())
}

pub fn scratch<T: Real>(op: &PwmScanPool, rows: usize) -> usize {
    // The plain form's place is needed where the motifs are not parameters.
    let fast = level::<T>(op).map_or(0, |_| rows * 3 * op.dims.channels);
    plain::scratch(op).max(fast)
}

/// The f32 numbers behind a slice of the generic type; empty for f64.
fn as_f32<T: Real>(numbers: &[T]) -> &[f32] {
    T::as_f32(numbers).unwrap_or_default()
}

fn as_f32_mut<T: Real>(numbers: &mut [T]) -> &mut [f32] {
    T::as_f32_mut(numbers).unwrap_or_default()
}

fn operands<'a, T: Real>(inputs: &[Operand<'a, T>]) -> Vec<Operand<'a, f32>> {
    let operand = |i: &Operand<'a, T>| Operand {
        data: as_f32(i.data),
        len: i.len,
        per_row: i.per_row,
    };
    inputs.iter().map(operand).collect()
}

/// What the position table adds at each position, and zeros that whole blocks may read; empty without one.
fn numbers_by_position(op: &PwmScanPool, table: &[f32]) -> Vec<f32> {
    match &op.input {
        Input::Codes {
            index: Some(index), ..
        } => {
            let zeros = std::iter::repeat_n(0.0, BEHIND);
            let numbers = index.iter().map(|&i| table[i as usize]);
            numbers.chain(zeros).collect()
        }
        _ => Vec::new(),
    }
}

fn position_bias(op: &PwmScanPool, level: Level, packs: &Packs, table: &[f32]) -> Vec<Vector> {
    let numbers = numbers_by_position(op, table);
    if numbers.is_empty() {
        return Vec::new();
    }
    let kernel = PositionBias {
        dims: op.dims,
        packs,
        numbers: &numbers,
    };
    dispatch_at(level, kernel)
}

pub fn prepare<T: Real>(op: &PwmScanPool, inputs: &[Option<&[T]>]) -> Option<Prepared> {
    let level = level::<T>(op)?;
    let weight = as_f32(inputs[WEIGHT]?);
    let codes = matches!(op.input, Input::Codes { .. });
    let packs = op.packs.packs(weight, op.dims.width, codes);
    let position = match inputs.get(SOURCE) {
        Some(Some(table)) => position_bias(op, level, &packs, as_f32(table)),
        _ => Vec::new(),
    };
    Some(Arc::new(Fast { packs, position }))
}

/// The k-mers of the rows, and the position table's part where `prepare` could not make it.
fn code_inputs(
    op: &PwmScanPool,
    level: Level,
    fast: &Fast,
    inputs: &[Operand<'_, f32>],
    context: &Context<'_>,
    rows: usize,
) -> Option<(Kmers, Vec<Vector>)> {
    let Input::Codes { which, .. } = &op.input else {
        return None;
    };
    let length = op.dims.length;
    let codes = (0..rows).map(|row| context.codes(*which, row, length));
    let position = match inputs.get(SOURCE) {
        Some(table) if fast.position.is_empty() => {
            position_bias(op, level, &fast.packs, table.data)
        }
        _ => Vec::new(),
    };
    Some((Kmers::new(length, codes), position))
}

fn code_scores<'a>(
    op: &PwmScanPool,
    fast: &'a Fast,
    (kmers, position): &'a (Kmers, Vec<Vector>),
) -> CodeScores<'a> {
    CodeScores {
        dims: op.dims,
        packs: &fast.packs,
        kmers,
        position: if fast.position.is_empty() {
            position
        } else {
            &fast.position
        },
    }
}

pub fn forward<T: Real>(op: &PwmScanPool, io: Forward<'_, T>) {
    let (Some(level), Some(_)) = (level::<T>(op), io.context.prepared) else {
        return plain::forward(op, io);
    };
    let (dims, rows) = (op.dims, io.rows);
    let fast: &Fast = io.context.prepared();
    let inputs = operands(io.inputs);
    let sums = &mut as_f32_mut(io.scratch)[..rows * 3 * dims.channels];
    sums.fill(0.0);
    match code_inputs(op, level, fast, &inputs, &io.context, rows) {
        Some(made) => dispatch_at(
            level,
            Scan {
                dims,
                rows,
                packs: &fast.packs,
                inputs: &inputs,
                scorer: code_scores(op, fast, &made),
                sums,
            },
        ),
        None => dispatch_at(
            level,
            Scan {
                dims,
                rows,
                packs: &fast.packs,
                inputs: &inputs,
                scorer: DenseScores {
                    dims,
                    packs: &fast.packs,
                    x: &Padded::new(dims, rows, &inputs),
                },
                sums,
            },
        ),
    }
    pool::combine(dims, sums, as_f32_mut(io.output), as_f32_mut(io.saved));
}

pub fn backward<T: Real>(op: &PwmScanPool, io: Backward<'_, '_, T>) {
    let (Some(level), Some(_)) = (level::<T>(op), io.context.prepared) else {
        return plain::backward(op, io);
    };
    let (dims, rows) = (op.dims, io.rows);
    let fast: &Fast = io.context.prepared();
    let inputs = operands(io.inputs);
    let saved = &as_f32(io.saved)[..rows * 3 * dims.features()];
    let grad_output = as_f32(io.grad_output);
    let mut grads = io
        .grads
        .iter_mut()
        .map(|g| g.as_mut().map(|g| as_f32_mut(g.data)));
    let mut next = || grads.next().flatten();
    let (weight, scale, bias, pool, source) = (next(), next(), next(), next(), next());
    let made = code_inputs(op, level, fast, &inputs, &io.context, rows);
    let (Some(made), Input::Codes { index, .. }) = (made, &op.input) else {
        let kernel = DenseBackward {
            rows,
            inputs: &inputs,
            scorer: DenseScores {
                dims,
                packs: &fast.packs,
                x: &Padded::new(dims, rows, &inputs),
            },
            saved,
            grad_output,
            targets: Targets {
                weight,
                scale,
                bias,
                pool,
                source,
            },
        };
        return dispatch_at(level, kernel);
    };
    let mut by_position = vec![0.0; dims.length];
    let numbers = match (&weight, inputs.get(SOURCE)) {
        (Some(_), Some(table)) => numbers_by_position(op, table.data),
        _ => Vec::new(),
    };
    let kernel = CodesBackward {
        rows,
        inputs: &inputs,
        scorer: code_scores(op, fast, &made),
        numbers: &numbers,
        saved,
        grad_output,
        targets: Targets {
            weight,
            scale,
            bias,
            pool,
            source: source.is_some().then_some(&mut by_position),
        },
    };
    dispatch_at(level, kernel);
    if let (Some(table), Some(index)) = (source, index) {
        for (&i, &p) in index.iter().zip(&by_position) {
            table[i as usize] += p;
        }
    }
}
