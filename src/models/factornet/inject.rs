//! A known motif as the first two kernels.

use super::spec::Spec;
use crate::dna::motif::reverse_complement;
use crate::engine::{Layout, Real};
use crate::{Error, Result};

/// Added to every probability before its logarithm.
const PSEUDO: f64 = 0.001;
const BACKGROUND: f64 = 0.25;

/// What was put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Injected {
    /// Positions of the motif that found no place: it is wider than the kernel and was cut around its middle.
    pub cut: usize,
}

/// Sets kernel 0 to the motif's log-odds `log2(p / 0.25)` and kernel 1 to its reverse complement's, their other
/// weights and their biases to 0. `matrix`: by position the probabilities of A, C, G, T. It starts at
/// `w / 2 - len / 2` in the flipped kernel, so it is stored last position first.
///
/// # Errors
/// Fewer than two kernels, or an empty motif.
pub fn inject<T: Real>(
    spec: &Spec,
    layout: &Layout,
    params: &mut [T],
    matrix: &[[f64; 4]],
) -> Result<Injected> {
    let (w, k, channels) = (spec.motif_width, spec.kernels, spec.channels());
    if k < 2 {
        return Err(Error::invalid(format!(
            "a known motif takes two kernels, one for each strand; the network has {k}"
        )));
    }
    if matrix.is_empty() {
        return Err(Error::invalid("a known motif without positions"));
    }
    let (weight, bias) = match (
        layout.get("convolution1d_1_W"),
        layout.get("convolution1d_1_b"),
    ) {
        (Some(weight), Some(bias)) => (weight.range(), bias.range()),
        _ => {
            return Err(Error::invalid(
                "a known motif for a network without kernels",
            ));
        }
    };
    let cut = matrix.len().saturating_sub(w);
    let matrix = &matrix[cut / 2..matrix.len() - cut.div_ceil(2)];
    let start = w / 2 - matrix.len() / 2;
    for (kernel, rows) in [matrix.to_vec(), reverse_complement(matrix)]
        .iter()
        .enumerate()
    {
        let weights = &mut params[weight.clone()];
        weights[kernel..]
            .iter_mut()
            .step_by(k)
            .for_each(|x| *x = T::ZERO);
        for (j, row) in rows.iter().rev().enumerate() {
            let whole: f64 = row.iter().map(|p| p + PSEUDO).sum();
            for (base, p) in row.iter().enumerate() {
                let odds = (p + PSEUDO) / whole / BACKGROUND;
                weights[((start + j) * channels + base) * k + kernel] = T::of(odds.log2());
            }
        }
        params[bias.start + kernel] = T::ZERO;
    }
    Ok(Injected { cut })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::factornet::{Dropouts, Recurrent};
    use crate::train::model::Model;

    fn spec(kernels: usize) -> Spec {
        Spec {
            length: 40,
            motif_width: 5,
            kernels,
            recurrent: Recurrent::GlobalMax,
            dense: 3,
            tracks: vec!["track".into()],
            rc_order: vec![0],
            meta: 0,
            factors: 1,
            dropout: Dropouts::NONE,
        }
    }

    /// Position i prefers base i mod 4.
    fn motif(len: usize) -> Vec<[f64; 4]> {
        let row = |i: usize| [0, 1, 2, 3].map(|base| if base == i % 4 { 0.7 } else { 0.1 });
        (0..len).map(row).collect()
    }

    #[test]
    fn a_motif_that_is_too_wide_is_cut_around_its_middle() {
        let spec = spec(3);
        let layout = spec.layout().unwrap();
        let mut params = layout.initialise::<f64>(1);
        let before = params.clone();
        let injected = inject(&spec, &layout, &mut params, &motif(8)).unwrap();
        assert_eq!(injected, Injected { cut: 3 });
        // Positions 1..6 are left; the kernel holds them last first.
        for (j, position) in (1..6).rev().enumerate() {
            let best = (0..4).max_by(|&a, &b| {
                let at = |base: usize| params[(j * 5 + base) * 3];
                at(a).total_cmp(&at(b))
            });
            assert_eq!(best, Some(position % 4), "row {j}");
        }
        let third = |params: &[f64]| {
            params[2..5 * 5 * 3]
                .iter()
                .step_by(3)
                .copied()
                .collect::<Vec<_>>()
        };
        assert_eq!(third(&params), third(&before), "other kernels stay");
    }

    #[test]
    fn one_kernel_is_too_few() {
        let spec = spec(1);
        let layout = spec.layout().unwrap();
        let mut params = layout.initialise::<f64>(1);
        inject(&spec, &layout, &mut params, &motif(4)).unwrap_err();
    }
}
