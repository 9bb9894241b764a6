//! Where a FactorNet's kernels fire: windows to sites.

use crate::dna::bases::complement;
use crate::engine::cuda::DeviceExecutor;
use crate::engine::device::for_gpu;
use crate::engine::{Batch, CpuExecutor, Device, Noise, Real};
use crate::interpret::kernel_motifs::{KernelSites, Place};
use crate::models::factornet::Spec;
use crate::models::factornet::network::Observed;
use crate::train::batch::{BatchSize, Feed, Source};
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::interrupt::interrupted;
use crate::train::model::Model;
use crate::{Error, Result};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// The sites of two layers.
pub struct Sites {
    pub convolution: KernelSites,
    /// Of the dense layer of each position after it.
    pub positionwise: KernelSites,
}

impl Sites {
    fn new(spec: &Spec) -> Self {
        let none = || KernelSites::new(spec.kernels, spec.motif_width, spec.tracks.len());
        Sites {
            convolution: none(),
            positionwise: none(),
        }
    }

    fn merge(&mut self, part: &Sites) {
        self.convolution.merge(&part.convolution);
        self.positionwise.merge(&part.positionwise);
    }
}

/// Runs the network over windows and takes, for each kernel and strand of a window, the first place of its largest
/// activation where that is above 0.
///
/// # Errors
/// A network or a batch that does not fit into memory; the device fails; [`Error::Interrupted`] after a signal that the
/// program watches for.
pub fn collect<T: Number, S: Source>(
    device: &Device,
    precision: Precision,
    spec: &Spec,
    params: &[T],
    windows: &[S::Sample],
    batch_size: usize,
    source: &S,
) -> Result<Sites> {
    let batch_size = BatchSize::of(batch_size, windows.len());
    match device {
        Device::Cpu { .. } => {
            let Observed {
                program,
                activations,
            } = spec.observing_program::<T>(batch_size)?;
            let mut executor = CpuExecutor::new(program);
            let layers = [activations.convolution, activations.positionwise];
            in_batches(
                spec,
                windows,
                batch_size,
                source,
                |batch: &Batch<'_, T>, add| {
                    executor.observe(params, batch, &layers, |first, rows, values| {
                        add(first..first + rows, [values[0], values[1]]);
                    });
                    Ok(())
                },
            )
        }
        Device::Cuda { gpu, .. } => {
            let Observed {
                program,
                activations,
            } = spec.observing_on_gpu(batch_size)?;
            let params = for_gpu(params)?;
            let precision = precision.on_gpu();
            let mut executor = DeviceExecutor::new(gpu, program, spec.length, params, precision)?;
            let layers = [activations.convolution, activations.positionwise];
            in_batches(
                spec,
                windows,
                batch_size,
                source,
                |batch: &Batch<'_, f32>, add| {
                    let values = executor.observe(batch, &layers)?;
                    let piece = PIECE.min(batch.rows);
                    let len = piece * per_window(spec);
                    let parts = values[0].par_chunks(len).zip(values[1].par_chunks(len));
                    parts.enumerate().for_each(|(number, (a, b))| {
                        let first = number * piece;
                        add(first..(first + piece).min(batch.rows), [a, b]);
                    });
                    Ok(())
                },
            )
        }
    }
}

/// Windows that a thread looks at at a time.
const PIECE: usize = 8;

/// Activations of a window in one layer.
fn per_window(spec: &Spec) -> usize {
    2 * spec.positions() * spec.kernels
}

/// Takes the activations of rows of a batch, by layer.
type Add<'a, T> = &'a (dyn Fn(Range<usize>, [&[T]; 2]) + Sync);

/// Runs batch after batch; `observe` gives the activations of every row, from any thread.
fn in_batches<T: Real, S: Source>(
    spec: &Spec,
    windows: &[S::Sample],
    batch_size: BatchSize,
    source: &S,
    mut observe: impl FnMut(&Batch<'_, T>, Add<'_, T>) -> Result<()>,
) -> Result<Sites> {
    let mut feed = Feed::<T>::new(spec.row(), batch_size.given);
    let mut all = Sites::new(spec);
    for (number, windows) in windows.chunks(batch_size.rows).enumerate() {
        let before = number * batch_size.rows;
        feed.fill(windows, source)?;
        let batch = feed.batch(Noise::default(), false);
        let parts = Mutex::new(BTreeMap::new());
        observe(&batch, &|rows: Range<usize>, values: [&[T]; 2]| {
            let first = rows.start;
            let part = sites(spec, &batch, before, rows, values);
            let mut parts = parts.lock().unwrap_or_else(PoisonError::into_inner);
            parts.insert(first, part);
        })?;
        // In the windows' order, whichever thread was first.
        let parts = parts.into_inner().unwrap_or_else(PoisonError::into_inner);
        parts.values().for_each(|part| all.merge(part));
        if interrupted() {
            return Err(Error::Interrupted);
        }
    }
    Ok(all)
}

/// The sites of rows of a batch; so many windows came before it.
fn sites<T: Real>(
    spec: &Spec,
    batch: &Batch<'_, T>,
    before: usize,
    rows: Range<usize>,
    values: [&[T]; 2],
) -> Sites {
    let tracks = if spec.tracks.is_empty() {
        &[]
    } else {
        batch.dense[0]
    };
    let mut found = Sites::new(spec);
    let per_window = per_window(spec);
    for (row, window) in rows.enumerate() {
        let codes = &batch.codes[window * spec.length..(window + 1) * spec.length];
        let of_window = spec.tracks.len() * spec.length;
        let signals = &tracks[window * of_window..(window + 1) * of_window];
        let strands = [forward(spec, codes, signals), reverse(spec, codes, signals)];
        for (values, sites) in values
            .iter()
            .zip([&mut found.convolution, &mut found.positionwise])
        {
            let activations = &values[row * per_window..(row + 1) * per_window];
            for (strand, activations) in strands.iter().zip(activations.chunks(per_window / 2)) {
                add(spec, before + window, strand, activations, sites);
            }
        }
    }
    found
}

/// A window as the network reads one strand of it.
struct Strand {
    reverse: bool,
    codes: Vec<u8>,
    tracks: Vec<Vec<f32>>,
}

fn forward<T: Real>(spec: &Spec, codes: &[u8], signals: &[T]) -> Strand {
    let track = |n: usize| signals[n * spec.length..(n + 1) * spec.length].iter();
    Strand {
        reverse: false,
        codes: codes.to_vec(),
        tracks: (0..spec.tracks.len())
            .map(|n| track(n).map(|x| x.f64() as f32).collect())
            .collect(),
    }
}

fn reverse<T: Real>(spec: &Spec, codes: &[u8], signals: &[T]) -> Strand {
    let track = |n: usize| signals[n * spec.length..(n + 1) * spec.length].iter().rev();
    Strand {
        reverse: true,
        codes: codes.iter().rev().map(|&c| complement(c)).collect(),
        tracks: spec
            .rc_order
            .iter()
            .map(|&n| track(n).map(|x| x.f64() as f32).collect())
            .collect(),
    }
}

/// Adds each kernel's site among a strand's activations (P, k).
fn add<T: Real>(
    spec: &Spec,
    window: usize,
    strand: &Strand,
    activations: &[T],
    sites: &mut KernelSites,
) {
    let mut best = vec![(T::ZERO, 0); spec.kernels];
    for (position, row) in activations.chunks(spec.kernels).enumerate() {
        for (best, &activation) in best.iter_mut().zip(row) {
            if activation > best.0 {
                *best = (activation, position);
            }
        }
    }
    for (kernel, (largest, at)) in best.into_iter().enumerate() {
        if largest > T::ZERO {
            let place = at..at + spec.motif_width;
            let tracks: Vec<&[f32]> = strand.tracks.iter().map(|t| &t[place.clone()]).collect();
            sites.add(kernel, &strand.codes[place.clone()], &tracks);
            sites.place(
                kernel,
                Place {
                    window: window as u32,
                    position: at as u32,
                    reverse: strand.reverse,
                },
            );
        }
    }
}
