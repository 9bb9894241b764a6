//! What a network computes inside, over many samples.

use super::batch::{Feed, Source};
use super::batch_size::BatchSize;
use super::folder::config::Precision;
use super::folder::weights::Number;
use super::interrupt::interrupted;
use super::model::Model;
use crate::engine::cpu::piece_rows;
use crate::engine::cuda::{DeviceExecutor, DeviceProgram};
use crate::engine::device::for_gpu;
use crate::engine::memory::{self, Bytes};
use crate::engine::{Batch, CpuExecutor, Device, Noise, Program, Real, Tape, Var};
use crate::{Error, Result};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// A network of which some values can be looked at.
pub trait Observable: Model {
    /// Records the network as far as these values need it; the tape keeps them.
    ///
    /// # Errors
    /// A network that cannot be built, or that has no such values.
    fn record_observed<T: Real>(&self, tape: &mut Tape<T>) -> Result<Observed>;
}

/// A recorded network and what is looked at.
pub struct Observed {
    pub output: Var,
    pub values: Vec<Var>,
}

/// What is made of the values.
pub trait Reduce: Sync {
    type Part: Send;

    /// Of `rows` of a batch before which there were `before` samples; each of `values` has rows x elements numbers.
    fn part<T: Real>(
        &self,
        batch: &Batch<'_, T>,
        before: usize,
        rows: Range<usize>,
        values: &[&[T]],
    ) -> Self::Part;

    /// Takes the parts in the samples' order.
    fn merge(&mut self, part: Self::Part);
}

/// Runs the network over samples, batch after batch; `params` in the order of what [`Observable::record_observed`] declares. `seen`
/// hears how many samples each batch had.
///
/// # Errors
/// A network or a batch that does not fit into memory; the device fails; [`Error::Interrupted`] after a signal that the program
/// watches for.
#[allow(clippy::too_many_arguments)] // What runs, on what, over what: nothing of it belongs together.
pub fn observe<T: Number, S: Source, M: Observable>(
    device: &Device,
    precision: Precision,
    model: &M,
    params: &[T],
    samples: &[S::Sample],
    batch_size: usize,
    source: &S,
    reduce: &mut impl Reduce,
    seen: impl Fn(usize),
) -> Result<()> {
    let batch_size = BatchSize::of(batch_size, samples.len());
    match device {
        Device::Cpu { .. } => {
            let (program, kept) = on_cpu::<T, M>(model, batch_size)?;
            let mut executor = CpuExecutor::new(program);
            let run = |batch: &Batch<'_, T>, add: Add<'_, T>| {
                executor.observe(params, batch, &kept, |first, rows, values| {
                    add(first..first + rows, values);
                });
                Ok(())
            };
            in_batches(model, samples, batch_size, source, reduce, seen, run)
        }
        Device::Cuda { gpu, .. } => {
            let mut tape = Tape::new(false);
            let Observed { output, values } = model.record_observed::<f32>(&mut tape)?;
            let lens: Vec<usize> = values.iter().map(|&var| tape.len(var)).collect();
            let program = DeviceProgram::new(tape, output, None, batch_size.rows)?;
            let params = for_gpu(params)?;
            let precision = precision.on_gpu();
            let length = model.row().length;
            let mut executor = DeviceExecutor::new(gpu, program, length, params, precision)?;
            let run = |batch: &Batch<'_, f32>, add: Add<'_, f32>| {
                let found = executor.observe(batch, &values)?;
                let pieces = batch.rows.div_ceil(PIECE);
                (0..pieces).into_par_iter().for_each(|piece| {
                    let rows = piece * PIECE..((piece + 1) * PIECE).min(batch.rows);
                    let all = found.iter().zip(&lens);
                    let parts: Vec<&[f32]> = all
                        .map(|(values, len)| &values[rows.start * len..rows.end * len])
                        .collect();
                    add(rows.clone(), &parts);
                });
                Ok(())
            };
            in_batches(model, samples, batch_size, source, reduce, seen, run)
        }
    }
}

/// Samples whose values a thread reduces at a time, of those that come from a GPU.
const PIECE: usize = 8;

/// A program of as many rows per piece as fit a thread's arena, with what it keeps.
fn on_cpu<T: Real, M: Observable>(model: &M, batch: BatchSize) -> Result<(Program<T>, Vec<Var>)> {
    let make = |rows| -> Result<_> {
        let mut tape = Tape::<T>::new(false);
        let Observed { output, values } = model.record_observed(&mut tape)?;
        Ok((Program::new(tape, output, None, rows), values))
    };
    let (one, _) = make(1)?;
    let threads = rayon::current_num_threads().min(batch.rows);
    memory::check(model.sized(), Bytes::of::<T>(&[one.arena_len(), threads]))?;
    let rows = piece_rows::<T>(one.arena_len(), model.piece_limit(batch.given));
    make(rows.min(batch.rows))
}

/// Takes the values of rows of a batch, from any thread.
type Add<'a, T> = &'a (dyn Fn(Range<usize>, &[&[T]]) + Sync);

/// Runs batch after batch; `run` gives the values of every row.
fn in_batches<T: Real, S: Source, R: Reduce>(
    model: &impl Model,
    samples: &[S::Sample],
    batch_size: BatchSize,
    source: &S,
    reduce: &mut R,
    seen: impl Fn(usize),
    mut run: impl FnMut(&Batch<'_, T>, Add<'_, T>) -> Result<()>,
) -> Result<()> {
    let mut feed = Feed::<T>::new(model.row(), batch_size.given);
    for (number, samples) in samples.chunks(batch_size.rows).enumerate() {
        let before = number * batch_size.rows;
        feed.fill(samples, source)?;
        let batch = feed.batch(Noise::default(), false);
        let parts = Mutex::new(BTreeMap::new());
        let reducer = &*reduce;
        run(&batch, &|rows: Range<usize>, values: &[&[T]]| {
            let first = rows.start;
            let part = reducer.part(&batch, before, rows, values);
            let mut parts = parts.lock().unwrap_or_else(PoisonError::into_inner);
            parts.insert(first, part);
        })?;
        // In the samples' order, whichever thread was first.
        let parts = parts.into_inner().unwrap_or_else(PoisonError::into_inner);
        parts.into_values().for_each(|part| reduce.merge(part));
        seen(samples.len());
        if interrupted() {
            return Err(Error::Interrupted);
        }
    }
    Ok(())
}
