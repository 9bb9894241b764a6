//! Gradients of a network's raw values by its inputs, from the tape.

use super::network::{Dense, Explain};
use crate::engine::cpu::piece_rows;
use crate::engine::cuda::{DeviceExecutor, DeviceProgram};
use crate::engine::device::for_gpu;
use crate::engine::memory::{self, Bytes};
use crate::engine::{Batch, CpuExecutor, Device, Layout, Noise, Program, Real, Tape, Var};
use crate::ops::inner::inner;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::{Error, Result};
use std::sync::{Mutex, PoisonError};

/// A point in the space of inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// (4, L)
    pub bases: Vec<f64>,
    /// By dense input.
    pub dense: Vec<Vec<f64>>,
}

/// Gradients at a point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slope {
    /// (4, L)
    pub bases: Vec<f64>,
    /// (n, L); empty without tracks.
    pub tracks: Vec<f64>,
}

impl Slope {
    /// Adds another, times a factor.
    pub fn add(&mut self, other: &Slope, factor: f64) {
        let add = |to: &mut Vec<f64>, from: &[f64]| {
            to.resize(from.len(), 0.0);
            to.iter_mut()
                .zip(from)
                .for_each(|(sum, x)| *sum += factor * x);
        };
        add(&mut self.bases, &other.bases);
        add(&mut self.tracks, &other.tracks);
    }
}

/// A network with its numbers, run forward and backward.
pub struct Gradients<T: Number> {
    runs: Runs<T>,
    watched: Vec<Var>,
    raws: Var,
    /// Raw values per row.
    width: usize,
    /// Base codes per row, which no op of this form reads but as none.
    length: usize,
    batch_size: usize,
}

enum Runs<T: Number> {
    Cpu(Box<CpuExecutor<T>>, Vec<T>),
    Cuda(Box<DeviceExecutor>),
}

/// The network with `sum_r weight[r] raw[r]` as its loss; the weights are the last dense input.
fn record<T: Real, M: Explain>(model: &M) -> Result<(Tape<T>, Dense, Var)> {
    let mut tape = Tape::new(false);
    let dense = model.record_dense(&mut tape)?;
    tape.set_trainable(|_| false);
    let watched = [dense.bases].into_iter().chain(dense.tracks);
    watched.for_each(|var| tape.watch(var));
    tape.keep(dense.raws);
    let weights = tape.dense_input(&[model.raws()]);
    let flat = tape.view(dense.raws, &[model.raws()]);
    let loss = inner(&mut tape, flat, weights);
    Ok((tape, dense, loss))
}

/// The parameters as the dense form has them.
fn in_dense_form<T: Real, M: Explain>(
    model: &M,
    from: &Layout,
    params: &[T],
    to: &Layout,
) -> Vec<T> {
    let mut out = vec![T::ZERO; to.len()];
    for param in &to.params {
        if let Some(found) = from.get(&param.name) {
            let values = &params[found.range()];
            model.dense_parameter(&param.name, values, &mut out[param.range()]);
        }
    }
    out
}

impl<T: Number> Gradients<T> {
    /// `params` in the order of `layout`.
    ///
    /// # Errors
    /// A model that cannot be built, does not fit into memory or cannot run on the device.
    pub fn new<M: Explain>(
        device: &Device,
        precision: Precision,
        model: &M,
        layout: &Layout,
        params: &[T],
        batch_size: usize,
    ) -> Result<Self> {
        let (tape, dense, loss) = record::<T, M>(model)?;
        let params = in_dense_form(model, layout, params, tape.layout());
        let watched = [dense.bases].into_iter().chain(dense.tracks).collect();
        let length = model.row().length;
        let runs = match device {
            Device::Cpu { .. } => {
                let one = Program::new(tape, dense.raws, Some(loss), 1);
                let threads = rayon::current_num_threads().min(batch_size);
                memory::check(model.sized(), Bytes::of::<T>(&[one.arena_len(), threads]))?;
                let rows = piece_rows::<T>(one.arena_len(), model.piece_limit(batch_size));
                let (tape, dense, loss) = record::<T, M>(model)?;
                let program = Program::new(tape, dense.raws, Some(loss), rows.min(batch_size));
                Runs::Cpu(Box::new(CpuExecutor::new(program)), params)
            }
            Device::Cuda { gpu, .. } => {
                let (tape, dense, loss) = record::<f32, M>(model)?;
                let program = DeviceProgram::new(tape, dense.raws, Some(loss), batch_size)?;
                let (params, precision) = (for_gpu(&params)?, precision.on_gpu());
                let executor = DeviceExecutor::new(gpu, program, length, params, precision)?;
                Runs::Cuda(Box::new(executor))
            }
        };
        Ok(Gradients {
            runs,
            watched,
            raws: dense.raws,
            width: model.raws(),
            length,
            batch_size,
        })
    }

    /// Points x raw values.
    ///
    /// # Errors
    /// The device fails.
    pub fn raws(&mut self, points: &[&Point]) -> Result<Vec<f64>> {
        let mut out = Vec::with_capacity(points.len() * self.width);
        let none = vec![0.0; self.width];
        for points in points.chunks(self.batch_size) {
            let rows: Vec<(&Point, &[f64])> = points.iter().map(|&p| (p, &none[..])).collect();
            match &mut self.runs {
                Runs::Cpu(executor, params) => {
                    let rows = Buffers::<T>::of(&rows, self.length);
                    let mut found = vec![T::ZERO; points.len() * self.width];
                    executor.forward(params, &rows.batch(), &mut found);
                    out.extend(found.into_iter().map(|x| x.f64()));
                }
                Runs::Cuda(executor) => {
                    let rows = Buffers::<f32>::of(&rows, self.length);
                    let found = executor.observe(&rows.batch(), &[self.raws])?;
                    out.extend(found.into_iter().flatten().map(f64::from));
                }
            }
        }
        Ok(out)
    }

    /// For each point and weights (R) of the raw values, the gradient of the weighted sum.
    ///
    /// # Errors
    /// The device fails.
    pub fn slopes(&mut self, rows: &[(&Point, &[f64])]) -> Result<Vec<Slope>> {
        let mut out = Vec::with_capacity(rows.len());
        for rows in rows.chunks(self.batch_size) {
            match &mut self.runs {
                Runs::Cpu(executor, params) => {
                    let buffers = Buffers::<T>::of(rows, self.length);
                    let found = Mutex::new(vec![Slope::default(); rows.len()]);
                    executor.watched_gradients(
                        params,
                        &buffers.batch(),
                        &self.watched,
                        |first, rows, values| {
                            let slopes = apart(rows, values);
                            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                            for (to, slope) in found[first..].iter_mut().zip(slopes) {
                                *to = slope;
                            }
                        },
                    );
                    out.extend(found.into_inner().unwrap_or_else(PoisonError::into_inner));
                }
                Runs::Cuda(executor) => {
                    let buffers = Buffers::<f32>::of(rows, self.length);
                    let found = executor.inspect(&buffers.batch(), &mut [], &self.watched)?;
                    let values: Vec<&[f32]> = found.watched.iter().map(Vec::as_slice).collect();
                    out.extend(apart(rows.len(), &values));
                }
            }
            if crate::train::interrupt::interrupted() {
                return Err(Error::Interrupted);
            }
        }
        Ok(out)
    }
}

/// The gradients of each row, of those of all rows by watched value.
fn apart<T: Real>(rows: usize, values: &[&[T]]) -> Vec<Slope> {
    let of_row = |row: usize, values: Option<&&[T]>| -> Vec<f64> {
        let values = values.copied().unwrap_or_default();
        let len = values.len() / rows;
        let own = &values[row * len..(row + 1) * len];
        own.iter().map(|x| x.f64()).collect()
    };
    (0..rows)
        .map(|row| Slope {
            bases: of_row(row, values.first()),
            tracks: of_row(row, values.get(1)),
        })
        .collect()
}

/// A batch's numbers.
struct Buffers<T> {
    rows: usize,
    codes: Vec<u8>,
    dense: Vec<Vec<T>>,
}

impl<T: Real> Buffers<T> {
    fn of(rows: &[(&Point, &[f64])], length: usize) -> Self {
        let inputs = rows.first().map_or(0, |(point, _)| point.dense.len());
        let mut dense: Vec<Vec<T>> = vec![Vec::new(); inputs + 2];
        for (point, weights) in rows {
            let own = [&point.bases[..]].into_iter();
            let own = own.chain(point.dense.iter().map(Vec::as_slice));
            for (to, from) in dense.iter_mut().zip(own.chain([*weights])) {
                to.extend(from.iter().map(|&x| T::of(x)));
            }
        }
        Buffers {
            rows: rows.len(),
            codes: vec![crate::dna::bases::N; rows.len() * length],
            dense,
        }
    }

    fn batch(&self) -> Batch<'_, T> {
        Batch {
            rows: self.rows,
            codes: &self.codes,
            dense: self.dense.iter().map(Vec::as_slice).collect(),
            noise: Noise::default(),
        }
    }
}
