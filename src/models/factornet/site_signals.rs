//! Tracks around the places where kernels fire, beyond the windows too.

use super::Spec;
use super::samples::Sample;
use super::samples::inputs::Inputs;
use crate::interpret::kernel_motifs::{KernelSites, Place};
use rayon::prelude::*;

/// Bases on either side of a site's middle.
pub const AROUND: usize = 500;
/// Sites of a kernel at most; of more, every n-th.
const MOST: usize = 10_000;

/// A track around one kernel's sites, from [`AROUND`] bases before their middle to as many behind it, on the strand on which the kernel
/// fires.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// Sites that were looked at.
    pub sites: usize,
    pub mean: Vec<f64>,
    /// 1.96 standard errors of the mean: it lies in a band of so much on either side with 95 %.
    pub band: Vec<f64>,
}

/// Of each kernel; without sites all numbers are missing.
pub fn signals(
    spec: &Spec,
    inputs: &Inputs,
    samples: &[Sample],
    sites: &KernelSites,
    track: usize,
) -> Vec<Signal> {
    let kernels = (0..sites.kernels()).into_par_iter();
    let of_kernel = |kernel| signal(spec, inputs, samples, sites.places(kernel), track);
    kernels.map(of_kernel).collect()
}

fn signal(
    spec: &Spec,
    inputs: &Inputs,
    samples: &[Sample],
    places: &[Place],
    track: usize,
) -> Signal {
    let length = 2 * AROUND + 1;
    let (mut sums, mut squares) = (vec![0.0; length], vec![0.0; length]);
    let mut values = vec![0f32; length];
    let every = places.len().div_ceil(MOST).max(1);
    let mut count = 0;
    for place in places.iter().step_by(every) {
        let sample = &samples[place.window as usize];
        let start = middle(spec, sample, *place) - AROUND as i64;
        let own = match place.reverse {
            true => spec.rc_order[track],
            false => track,
        };
        let (held, factor) = &inputs.cells[sample.cell as usize].tracks[own];
        held.values(sample.chromosome, start, *factor, &mut values);
        if place.reverse {
            values.reverse();
        }
        for ((sum, square), &value) in sums.iter_mut().zip(&mut squares).zip(&values) {
            let value = f64::from(value);
            *sum += value;
            *square += value * value;
        }
        count += 1;
    }
    let n = count as f64;
    let mean: Vec<f64> = sums.iter().map(|sum| sum / n).collect();
    let error = |(square, mean): (&f64, &f64)| {
        let variance = (square - n * mean * mean).max(0.0) / (n - 1.0).max(1.0);
        1.96 * (variance / n).sqrt()
    };
    Signal {
        sites: count,
        band: squares.iter().zip(&mean).map(error).collect(),
        mean,
    }
}

/// The base in the middle of a site, forward strand.
fn middle(spec: &Spec, sample: &Sample, place: Place) -> i64 {
    let start = sample.middle - (spec.length / 2) as i64;
    let inside = i64::from(place.position) + (spec.motif_width / 2) as i64;
    match place.reverse {
        false => start + inside,
        true => start + spec.length as i64 - 1 - inside,
    }
}
