//! How channels are laid out on a GPU: sorted by width in groups of 32 slots, a group only as wide as its widest motif.

use crate::ops::pwm_scan_pool::Dims;

/// Slots of a group: the lanes of a warp.
pub const LANES: usize = 32;
/// Pairs of base codes (A, C, G, T, none).
pub const PAIRS: usize = 25;
/// A slot without a channel.
const NO_CHANNEL: u32 = u32::MAX;

/// A group of slots.
struct Group {
    width: usize,
    /// Features, in slot order.
    features: Vec<usize>,
}

/// Widths and places of all channels.
pub struct Geometry {
    dims: Dims,
    groups: Vec<Group>,
    /// By channel: the columns that are not zero on all bases, or all of them where the motifs learn.
    ranges: Vec<(usize, usize)>,
}

impl Geometry {
    /// From the motif kernels (C, 4, K), or without them when they learn.
    pub fn new(dims: Dims, weight: Option<&[f32]>) -> Self {
        let ranges: Vec<_> = (0..dims.channels)
            .map(|c| weight.map_or((0, dims.width), |w| columns(dims, w, c)))
            .collect();
        let width_of = |m: usize| {
            (m * dims.strands..(m + 1) * dims.strands)
                .map(|c| ranges[c].1 - ranges[c].0)
                .max()
                .unwrap_or(0)
        };
        let mut features: Vec<usize> = (0..dims.features()).collect();
        features.sort_by_key(|&m| width_of(m));
        let groups = features
            .chunks(LANES / dims.strands)
            .map(|features| Group {
                width: features
                    .iter()
                    .map(|&m| width_of(m))
                    .max()
                    .unwrap_or(0)
                    .max(1),
                features: features.to_vec(),
            })
            .collect();
        Geometry {
            dims,
            groups,
            ranges,
        }
    }

    /// The words that the kernels read: width, columns before, steps before of each group; channel and first column of
    /// each slot.
    pub fn words(&self) -> Vec<u32> {
        let mut words = Vec::new();
        let (mut columns, mut steps) = (0, 0);
        for group in &self.groups {
            words.extend([group.width as u32, columns as u32, steps as u32]);
            columns += group.width;
            steps += group.width.div_ceil(2);
        }
        for group in &self.groups {
            let mut channels: Vec<usize> = Vec::with_capacity(LANES);
            for m in &group.features {
                channels.extend(m * self.dims.strands..(m + 1) * self.dims.strands);
            }
            for slot in 0..LANES {
                let place = channels.get(slot).map(|&c| {
                    let first = self.ranges[c].0.min(self.dims.width - group.width);
                    [c as u32, first as u32]
                });
                words.extend(place.unwrap_or([NO_CHANNEL, 0]));
            }
        }
        words
    }
}

/// Groups for these sizes.
pub fn groups(dims: Dims) -> usize {
    dims.features().div_ceil(LANES / dims.strands)
}

/// The range of a channel's columns that are not zero on all bases; empty at 0 where all are.
fn columns(dims: Dims, weight: &[f32], channel: usize) -> (usize, usize) {
    let own = &weight[channel * 4 * dims.width..(channel + 1) * 4 * dims.width];
    let used = |k: &usize| (0..4).any(|base| own[base * dims.width + k] != 0.0);
    let first = (0..dims.width).find(used);
    let last = (0..dims.width).rev().find(used);
    match (first, last) {
        (Some(first), Some(last)) => (first, last + 1),
        _ => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_has_one_slot_that_holds_its_columns() {
        let dims = Dims {
            channels: 70,
            width: 9,
            length: 20,
            strands: 2,
        };
        let mut weight = vec![0.0f32; 70 * 4 * 9];
        for c in 0..66 {
            let (first, len) = (c % 4, 1 + c % 5);
            for k in first..first + len {
                weight[(c * 4 + 2) * 9 + k] = 1.0;
            }
        }
        let words = Geometry::new(dims, Some(&weight)).words();
        let n = groups(dims);
        assert_eq!(words.len(), 3 * n + 2 * n * LANES);
        let mut seen = [false; 70];
        for slot in 0..n * LANES {
            let (channel, first) = (
                words[3 * n + 2 * slot],
                words[3 * n + 2 * slot + 1] as usize,
            );
            if channel == NO_CHANNEL {
                continue;
            }
            let c = channel as usize;
            assert!(!std::mem::replace(&mut seen[c], true));
            let width = words[3 * (slot / LANES)] as usize;
            let (from, to) = columns(dims, &weight, c);
            assert!(first + width <= 9 && (from == to || (first <= from && to <= first + width)));
            assert_eq!(c % 2, slot % 2, "strands are neighbours");
        }
        assert!(seen.iter().all(|s| *s));
    }
}
