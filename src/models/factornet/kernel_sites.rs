//! Where a FactorNet's kernels fire: windows to sites.

use crate::dna::bases::complement;
use crate::engine::{CpuExecutor, Noise, Real};
use crate::interpret::kernel_motifs::KernelSites;
use crate::models::factornet::Spec;
use crate::train::batch::{BatchSize, Feed, Source};
use crate::train::interrupt::interrupted;
use crate::train::model::Model;
use crate::{Error, Result};
use std::collections::BTreeMap;
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
/// A network or a batch that does not fit into memory; [`Error::Interrupted`] after a signal that the program watches for.
pub fn collect<T: Real, S: Source>(
    spec: &Spec,
    params: &[T],
    windows: &[S::Sample],
    batch_size: usize,
    source: &S,
) -> Result<Sites> {
    let batch_size = BatchSize::of(batch_size, windows.len());
    let observed = spec.observing_program::<T>(batch_size)?;
    let activations = observed.activations;
    let layers = [activations.convolution, activations.positionwise];
    let mut executor = CpuExecutor::new(observed.program);
    let mut feed = Feed::<T>::new(spec.row(), batch_size.given);
    let mut all = Sites::new(spec);
    let per_window = 2 * spec.positions() * spec.kernels;
    for windows in windows.chunks(batch_size.rows) {
        feed.fill(windows, source)?;
        let batch = feed.batch(Noise::default(), false);
        let tracks = if spec.tracks.is_empty() {
            &[]
        } else {
            batch.dense[0]
        };
        let parts = Mutex::new(BTreeMap::new());
        executor.observe(params, &batch, &layers, |first, rows, values| {
            let mut part = Sites::new(spec);
            for row in 0..rows {
                let window = first + row;
                let codes = &batch.codes[window * spec.length..(window + 1) * spec.length];
                let of_window = spec.tracks.len() * spec.length;
                let signals = &tracks[window * of_window..(window + 1) * of_window];
                let strands = [forward(spec, codes, signals), reverse(spec, codes, signals)];
                for (layer, sites) in [&mut part.convolution, &mut part.positionwise]
                    .into_iter()
                    .enumerate()
                {
                    let activations = &values[layer][row * per_window..(row + 1) * per_window];
                    let strand_len = per_window / 2;
                    for (strand, activations) in strands.iter().zip(activations.chunks(strand_len))
                    {
                        add(spec, strand, activations, sites);
                    }
                }
            }
            let mut parts = parts.lock().unwrap_or_else(PoisonError::into_inner);
            parts.insert(first, part);
        });
        // In the windows' order, whichever thread was first.
        let parts = parts.into_inner().unwrap_or_else(PoisonError::into_inner);
        parts.values().for_each(|part| all.merge(part));
        if interrupted() {
            return Err(Error::Interrupted);
        }
    }
    Ok(all)
}

/// A window as the network reads one strand of it.
struct Strand {
    codes: Vec<u8>,
    tracks: Vec<Vec<f32>>,
}

fn forward<T: Real>(spec: &Spec, codes: &[u8], signals: &[T]) -> Strand {
    let track = |n: usize| signals[n * spec.length..(n + 1) * spec.length].iter();
    Strand {
        codes: codes.to_vec(),
        tracks: (0..spec.tracks.len())
            .map(|n| track(n).map(|x| x.f64() as f32).collect())
            .collect(),
    }
}

fn reverse<T: Real>(spec: &Spec, codes: &[u8], signals: &[T]) -> Strand {
    let track = |n: usize| signals[n * spec.length..(n + 1) * spec.length].iter().rev();
    Strand {
        codes: codes.iter().rev().map(|&c| complement(c)).collect(),
        tracks: spec
            .rc_order
            .iter()
            .map(|&n| track(n).map(|x| x.f64() as f32).collect())
            .collect(),
    }
}

/// Adds each kernel's site among a strand's activations (P, k).
fn add<T: Real>(spec: &Spec, strand: &Strand, activations: &[T], sites: &mut KernelSites) {
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
        }
    }
}
