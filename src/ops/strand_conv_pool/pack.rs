//! The convolution's weights as lines to add: for both strands side by side, in the forward strand's windows.
//!
//! The other strand's output P - 1 - p reads the same bases as the forward strand's output p: under its tap i lies the
//! complement of base p + i, times the stored line i. So columns 0..F of a line are the forward strand's kernels, flipped,
//! and columns F..2F the other strand's, as stored and complemented.

use super::StrandConvPool;
use crate::engine::Real;

/// Columns are padded to a multiple of this.
pub const COLUMNS: usize = 64;
/// Codes of a pair of bases, N among them.
pub const PAIRS: usize = 25;

pub struct Packed<T> {
    /// Columns of a line: 2F, padded.
    pub columns: usize,
    /// By pair of taps and pair of codes a line; an odd width's last tap has no partner.
    pub pairs: Vec<T>,
    /// By tap and track a line.
    pub tracks: Vec<T>,
    pub bias: Vec<T>,
    /// (F, F): V, and V transposed.
    pub layer: Vec<T>,
    pub transposed: Vec<T>,
}

/// The element of the stored kernels (w, 4 + n, F) that tap j has for channel c of the forward strand's window, by
/// strand, without the kernel.
fn stored(op: &StrandConvPool, strand: usize, tap: usize, channel: usize) -> usize {
    let channels = 4 + op.order.len();
    match strand {
        0 => (op.width - 1 - tap) * channels + channel,
        _ if channel < 4 => tap * channels + 3 - channel,
        // The other strand's track i is the forward strand's track order[i].
        _ => {
            let track = op.order.iter().position(|&from| from == channel - 4);
            tap * channels + 4 + track.unwrap_or(channel - 4)
        }
    }
}

impl<T: Real> Packed<T> {
    pub fn new(op: &StrandConvPool, weight: &[T], bias: &[T], layer: &[T]) -> Self {
        let k = op.kernels;
        let columns = (2 * k).next_multiple_of(COLUMNS);
        let line = |strand: usize, tap: usize, channel: usize| {
            let at = stored(op, strand, tap, channel) * k;
            &weight[at..at + k]
        };
        let groups = op.width.div_ceil(2);
        let mut pairs = vec![T::ZERO; groups * PAIRS * columns];
        for (index, to) in pairs.chunks_exact_mut(columns).enumerate() {
            let (group, pair) = (index / PAIRS, index % PAIRS);
            for (tap, base) in [(2 * group, pair / 5), (2 * group + 1, pair % 5)] {
                if tap < op.width && base < 4 {
                    for strand in 0..2 {
                        let own = &mut to[strand * k..(strand + 1) * k];
                        for (to, &w) in own.iter_mut().zip(line(strand, tap, base)) {
                            *to += w;
                        }
                    }
                }
            }
        }
        let n = op.order.len();
        let mut tracks = vec![T::ZERO; op.width * n * columns];
        for (index, to) in tracks.chunks_exact_mut(columns).enumerate() {
            for strand in 0..2 {
                let own = &mut to[strand * k..(strand + 1) * k];
                own.copy_from_slice(line(strand, index / n, 4 + index % n));
            }
        }
        let mut both = vec![T::ZERO; columns];
        both[..k].copy_from_slice(bias);
        both[k..2 * k].copy_from_slice(bias);
        Packed {
            columns,
            pairs,
            tracks,
            bias: both,
            layer: layer.to_vec(),
            transposed: (0..k * k).map(|i| layer[i % k * k + i / k]).collect(),
        }
    }
}

/// Adds gradients of the forward windows' lines to those of W and b: `pairs` by strand, group of taps and pair of codes,
/// `tracks` by strand, track and tap.
pub fn unpack<T: Real>(
    op: &StrandConvPool,
    pairs: &[T],
    tracks: &[T],
    mut weight: Option<&mut [T]>,
    bias: Option<&mut [T]>,
) {
    let k = op.kernels;
    let groups = op.width.div_ceil(2);
    let mut add = |strand: usize, tap: usize, channel: usize, line: &[T]| {
        if let Some(weight) = &mut weight {
            let at = stored(op, strand, tap, channel) * k;
            for (to, &from) in weight[at..at + k].iter_mut().zip(line) {
                *to += from;
            }
        }
    };
    for (index, line) in pairs.chunks_exact(k).enumerate() {
        let (strand, rest) = (index / (groups * PAIRS), index % (groups * PAIRS));
        let (group, pair) = (rest / PAIRS, rest % PAIRS);
        for (tap, base) in [(2 * group, pair / 5), (2 * group + 1, pair % 5)] {
            if tap < op.width && base < 4 {
                add(strand, tap, base, line);
            }
        }
    }
    for (index, line) in tracks.chunks_exact(k).enumerate() {
        let (track, tap) = (index / op.width % op.order.len(), index % op.width);
        let strand = index / op.width / op.order.len();
        add(strand, tap, 4 + track, line);
    }
    if let Some(bias) = bias {
        // Every position has one pair under its first taps.
        for strand in pairs.chunks_exact(groups * PAIRS * k) {
            for line in strand[..PAIRS * k].chunks_exact(k) {
                for (to, &from) in bias.iter_mut().zip(line) {
                    *to += from;
                }
            }
        }
    }
}
