//! Motifs as convolution kernels: the buffer that the motif layer starts from.

use super::calibration::{Fit, fit};
use super::spec::Strands;
use crate::dna::motif::{Motif, ROW_SUM_TOLERANCE, reverse_complement};
use crate::engine::params::Ties;
use rayon::prelude::*;
use std::sync::{Arc, OnceLock};

/// All-zero channels after the motifs, as the original has them.
pub const PAD_CHANNELS: usize = 4;

/// Probabilities of one motif agree within this: files are written with few digits.
pub const SAME: f64 = 1e-3;

/// The motifs of a model: their position probability matrices, or, where the weights come from a
/// state dict, their number and the buffer's width alone.
#[derive(Clone, Debug)]
pub struct MotifKernels {
    matrices: Vec<Vec<[f64; 4]>>,
    width: usize,
    /// Start every motif layer from the motifs' score distributions.
    pub calibrate: bool,
    /// By number of strands less one; copies of the kernels share them.
    fitted: Arc<[OnceLock<Calibration>; 2]>,
}

impl MotifKernels {
    pub fn new(motifs: &[Motif], calibrate: bool) -> Self {
        MotifKernels {
            matrices: motifs.iter().map(|m| m.rows.clone()).collect(),
            width: motifs.iter().map(|m| m.rows.len()).max().unwrap_or(0),
            calibrate,
            fitted: Arc::default(),
        }
    }

    /// Kernels of all zeros, to be filled from a state dict.
    pub fn empty(count: usize, width: usize) -> Self {
        MotifKernels {
            matrices: vec![Vec::new(); count],
            width,
            calibrate: false,
            fitted: Arc::default(),
        }
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn len(&self) -> usize {
        self.matrices.len()
    }

    pub fn is_empty(&self) -> bool {
        self.matrices.is_empty()
    }

    /// Channels of the motif layer, pads included.
    pub fn channels(&self, strands: Strands) -> usize {
        self.matrices.len() * strands.channels() + PAD_CHANNELS
    }

    /// The kernel of every channel but the pads: positions x bases.
    fn kernels(&self, strands: Strands) -> Vec<Vec<[f64; 4]>> {
        let mut kernels = Vec::new();
        for matrix in &self.matrices {
            kernels.push(matrix.clone());
            if strands == Strands::Both {
                kernels.push(reverse_complement(matrix));
            }
        }
        kernels
    }

    /// (C, 4, width): each kernel starts at floor((width - w) / 2), zeros around it.
    pub fn buffer(&self, strands: Strands) -> Vec<f64> {
        let mut buffer = vec![0.0; self.channels(strands) * 4 * self.width];
        for (channel, kernel) in self.kernels(strands).iter().enumerate() {
            let start = (self.width - kernel.len()) / 2;
            for (k, row) in kernel.iter().enumerate() {
                for (base, &p) in row.iter().enumerate() {
                    buffer[(channel * 4 + base) * self.width + start + k] = p;
                }
            }
        }
        buffer
    }

    /// Which numbers of the buffer are one number: a motif's columns on one strand and on the other. What lies outside of them rests,
    /// pads too.
    pub fn ties(&self, strands: Strands) -> Ties {
        let at = |channel: usize, base: usize, k: usize| (channel * 4 + base) * self.width + k;
        let mut partners = vec![Ties::RESTS; self.channels(strands) * 4 * self.width];
        for (motif, matrix) in self.matrices.iter().enumerate() {
            let (length, first) = (matrix.len(), motif * strands.channels());
            let start = (self.width - length) / 2;
            for (k, base) in (0..length).flat_map(|k| [0, 1, 2, 3].map(|base| (k, base))) {
                let own = at(first, base, start + k);
                let partner = match strands {
                    Strands::Both => at(first + 1, 3 - base, start + length - 1 - k),
                    Strands::One => own,
                };
                // Fewer than 2^32 numbers: a buffer of so many would not have been made.
                (partners[own], partners[partner]) = (partner as u32, own as u32);
            }
        }
        Ties::new(partners)
    }

    /// Motifs whose kernel in a state dict's `weight` (C, 4, width) is not the one that they give:
    /// another collection, another order, or kernels that were trained. Only the first strand is
    /// looked at.
    pub fn differing(&self, strands: Strands, weight: &[f64]) -> Vec<usize> {
        match self.moved(strands, weight) {
            Some(moved) => (0..self.len())
                .filter(|&motif| moved[motif] > SAME)
                .collect(),
            None => (0..self.len()).collect(),
        }
    }

    /// How far each motif's kernel in a state dict's `weight` is from the one that it gives: the largest difference of a number,
    /// first strand. None for a weight of another shape.
    pub fn moved(&self, strands: Strands, weight: &[f64]) -> Option<Vec<f64>> {
        let own = self.buffer(strands);
        if own.len() != weight.len() {
            return None;
        }
        let size = 4 * self.width;
        let moved = |motif: usize| {
            let kernel = motif * strands.channels() * size;
            let numbers = own[kernel..kernel + size].iter().zip(&weight[kernel..]);
            numbers.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
        };
        Some((0..self.len()).map(moved).collect())
    }

    /// The motifs that a state dict's `weight` (C, 4, width) was made of, without the columns of zeros around them; None for a
    /// kernel whose columns are no probabilities, as training leaves them.
    pub fn motifs_of(&self, strands: Strands, weight: &[f64]) -> Vec<Option<Vec<[f64; 4]>>> {
        let kernels = weight.chunks_exact((4 * self.width).max(1));
        let first_strands = kernels.step_by(strands.channels()).take(self.len());
        let matrix = |kernel: &[f64]| {
            let column = |k| [0, 1, 2, 3].map(|base| kernel[base * self.width + k]);
            let columns: Vec<[f64; 4]> = (0..self.width).map(column).collect();
            let is_zero = |column: &[f64; 4]| column.iter().all(|&p| p == 0.0);
            let first = columns.iter().position(|c| !is_zero(c))?;
            let last = columns.iter().rposition(|c| !is_zero(c))?;
            let probabilities = |column: &[f64; 4]| {
                let sum: f64 = column.iter().sum();
                column.iter().all(|&p| p >= 0.0) && (sum - 1.0).abs() <= ROW_SUM_TOLERANCE + SAME
            };
            let rows = &columns[first..=last];
            rows.iter().all(probabilities).then(|| rows.to_vec())
        };
        first_strands.map(matrix).collect()
    }

    /// conv_scale and conv_bias from each channel's score distribution, fitted when first asked
    /// for; None without matrices.
    pub fn calibration(&self, strands: Strands) -> Option<&Calibration> {
        if self.matrices.iter().all(Vec::is_empty) {
            return None;
        }
        let fitted = &self.fitted[strands.channels() - 1];
        Some(fitted.get_or_init(|| {
            let mut fits: Vec<Fit> = self.kernels(strands).par_iter().map(|k| fit(k)).collect();
            fits.resize(self.channels(strands), Fit::ZERO);
            Calibration {
                scale: Arc::new(fits.iter().map(|f| f.scale).collect()),
                bias: Arc::new(fits.iter().map(|f| f.bias).collect()),
            }
        }))
    }
}

/// conv_scale and conv_bias of every channel, zeros for the pads.
#[derive(Debug)]
pub struct Calibration {
    pub scale: Arc<Vec<f64>>,
    pub bias: Arc<Vec<f64>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn motif(rows: Vec<[f64; 4]>) -> Motif {
        Motif {
            id: "m".into(),
            label: None,
            nsites: None,
            rows,
        }
    }

    #[test]
    fn motifs_are_centred_with_their_reverse_complement_beside_them_and_pads_behind() {
        let short = motif(vec![[1.0, 0.0, 0.0, 0.0], [0.0, 0.8, 0.2, 0.0]]);
        let long = motif(vec![[0.25; 4]; 5]);
        let kernels = MotifKernels::new(&[short, long], false);
        assert_eq!((kernels.width(), kernels.channels(Strands::Both)), (5, 8));
        let buffer = kernels.buffer(Strands::Both);
        let at = |c: usize, b: usize, k: usize| buffer[(c * 4 + b) * 5 + k];
        // floor((5 - 2) / 2) = 1
        assert_eq!(
            (at(0, 0, 0), at(0, 0, 1), at(0, 1, 2), at(0, 2, 2)),
            (0.0, 1.0, 0.8, 0.2)
        );
        assert_eq!((at(1, 2, 1), at(1, 1, 1), at(1, 3, 2)), (0.8, 0.2, 1.0));
        assert!(buffer[4 * 4 * 5..].iter().all(|&x| x == 0.0));
        assert_eq!(kernels.channels(Strands::One), 6);
        assert!(kernels.differing(Strands::Both, &buffer).is_empty());
        for (strands, resting) in [
            (Strands::Both, 8 * 20 - 2 * 8 - 2 * 20),
            (Strands::One, 6 * 20 - 8 - 20),
        ] {
            let ties = kernels.ties(strands);
            assert_eq!(ties.broken(&kernels.buffer(strands)), None, "{strands:?}");
            let at_rest = ties.partners().iter().filter(|&&p| p == Ties::RESTS);
            assert_eq!(at_rest.count(), resting, "{strands:?}");
        }
        let mut other = buffer.clone();
        other[2 * 4 * 5] += 0.1;
        assert_eq!(kernels.differing(Strands::Both, &other), [1]);
        let read = MotifKernels::empty(2, 5).motifs_of(Strands::Both, &buffer);
        let rows = |text: &Option<Vec<[f64; 4]>>| text.clone().unwrap();
        assert_eq!(rows(&read[0]), [[1.0, 0.0, 0.0, 0.0], [0.0, 0.8, 0.2, 0.0]]);
        assert_eq!(rows(&read[1]), [[0.25; 4]; 5]);
        assert_eq!(
            MotifKernels::empty(2, 5).motifs_of(Strands::Both, &other)[1],
            None
        );
    }
}
