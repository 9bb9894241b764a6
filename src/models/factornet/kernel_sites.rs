//! Where a FactorNet's kernels fire: windows to sites.

use crate::Result;
use crate::dna::bases::complement;
use crate::engine::{Batch, Device, Real};
use crate::interpret::kernel_motifs::{KernelSites, Place};
use crate::models::factornet::Spec;
use crate::train::batch::Source;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::observer::{Reduce, observe};
use std::ops::Range;

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
/// activation where that is above 0. `seen` hears how many windows each batch had.
///
/// # Errors
/// Those of [`observe`].
#[allow(clippy::too_many_arguments)] // As observe.
pub fn collect<T: Number, S: Source>(
    device: &Device,
    precision: Precision,
    spec: &Spec,
    params: &[T],
    windows: &[S::Sample],
    batch_size: usize,
    source: &S,
    seen: impl Fn(usize),
) -> Result<Sites> {
    let mut found = Found {
        spec,
        sites: Sites::new(spec),
    };
    observe(
        device, precision, spec, params, windows, batch_size, source, &mut found, seen,
    )?;
    Ok(found.sites)
}

/// Sites so far.
struct Found<'a> {
    spec: &'a Spec,
    sites: Sites,
}

impl Reduce for Found<'_> {
    type Part = Sites;

    fn part<T: Real>(
        &self,
        batch: &Batch<'_, T>,
        before: usize,
        rows: Range<usize>,
        values: &[&[T]],
    ) -> Sites {
        sites(self.spec, batch, before, rows, values)
    }

    fn merge(&mut self, part: Sites) {
        self.sites.merge(&part);
    }
}

/// Activations of a window in one layer.
fn per_window(spec: &Spec) -> usize {
    2 * spec.positions() * spec.kernels
}

/// The sites of rows of a batch; so many windows came before it.
fn sites<T: Real>(
    spec: &Spec,
    batch: &Batch<'_, T>,
    before: usize,
    rows: Range<usize>,
    values: &[&[T]],
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
