//! Dense x: tiles of channels by blocks of positions in registers, over the motifs' true widths.

use super::super::{Dims, SOURCE};
use super::motifs::{BEHIND, correlate, store};
use super::pack::{Packs, TILE, Tile, Vector};
use super::pool::{
    BLOCK, Block, Lanes, RowLanes, Scorer, Targets, TileSums, add_to, backward_block,
};
use crate::engine::Operand;
use crate::engine::lanes::{add_product, add_scaled, parts};
use crate::engine::simd::Kernel;

/// Zeros after each base's row of x, so that whole blocks can be read.
const ZEROS: usize = if BLOCK > BEHIND { BLOCK } else { BEHIND };

/// x with these zeros.
pub struct Padded {
    numbers: Vec<f32>,
    stride: usize,
}

impl Padded {
    pub fn new(d: Dims, rows: usize, inputs: &[Operand<'_, f32>]) -> Self {
        let stride = d.length + ZEROS;
        let mut numbers = Vec::with_capacity(rows * 4 * stride);
        for row in 0..rows {
            for x in inputs[SOURCE].row(row).chunks_exact(d.length) {
                numbers.extend_from_slice(x);
                numbers.resize(numbers.len() + ZEROS, 0.0);
            }
        }
        Padded { numbers, stride }
    }

    /// Four bases, a stride each.
    fn row(&self, row: usize) -> &[f32] {
        &self.numbers[row * 4 * self.stride..][..4 * self.stride]
    }
}

#[derive(Clone, Copy)]
pub struct DenseScores<'a> {
    pub dims: Dims,
    pub packs: &'a Packs,
    pub x: &'a Padded,
}

impl Scorer for DenseScores<'_> {
    #[inline(always)]
    fn scores<const LANES: usize, const FMA: bool>(
        &self,
        tile: usize,
        row: usize,
        at: usize,
        out: &mut Block,
    ) {
        let tile = &self.packs.tiles[tile];
        let weights = self.packs.weights(tile);
        let stride = self.x.stride;
        let x = self.x.row(row);
        let from = at + tile.start;
        if LANES == TILE {
            scan::<8, 1, LANES, FMA>(weights, x, stride, from, out);
        } else {
            scan::<4, 2, LANES, FMA>(weights, x, stride, from, out);
        }
    }
}

/// The scores of a block: `P` positions by `V` vectors in registers.
#[inline(always)]
fn scan<const P: usize, const V: usize, const LANES: usize, const FMA: bool>(
    weights: &[Vector],
    x: &[f32],
    stride: usize,
    from: usize,
    out: &mut Block,
) {
    let weights = weights.as_flattened().as_chunks::<LANES>().0;
    for (group, out) in out.as_chunks_mut::<P>().0.iter_mut().enumerate() {
        let mut sums = [[[0.0; LANES]; V]; P];
        for (k, weights) in weights.chunks_exact(4 * V).enumerate() {
            for (base, weights) in weights.as_chunks::<V>().0.iter().enumerate() {
                let at = base * stride + from + group * P + k;
                let Some(x) = x.get(at..at + P).and_then(|x| x.first_chunk::<P>()) else {
                    return;
                };
                for p in 0..P {
                    for v in 0..V {
                        // SAFETY: LANES and FMA are the kernel's own.
                        unsafe {
                            add_scaled::<LANES, FMA>(&mut sums[p][v], &weights[v], x[p]);
                        }
                    }
                }
            }
        }
        for p in 0..P {
            out[p].copy_from_slice(sums[p].as_flattened());
        }
    }
}

/// The backward run; with `source` in the targets, x's gradient (rows x 4 x L).
pub struct DenseBackward<'a, 'b> {
    pub rows: usize,
    pub inputs: &'a [Operand<'a, f32>],
    pub scorer: DenseScores<'a>,
    /// `rows x 3 x features` of the forward run.
    pub saved: &'a [f32],
    pub grad_output: &'a [f32],
    pub targets: Targets<'b>,
}

/// Positions of x whose gradients are in registers together.
const GROUP: usize = 2;
const WIDE_GROUP: usize = 4;

impl Kernel for DenseBackward<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(mut self) {
        let d = self.scorer.dims;
        let (positions, features) = (d.positions(), d.features());
        // The scores' gradient of one row, with zeros before and after.
        let mut by_place = vec![[0.0; TILE]; positions + 2 * d.width + BLOCK];
        let mut columns = vec![[0.0; TILE]; 4 * d.width];
        let row_len = d.length + WIDE_GROUP;
        // By row and position: four bases.
        let mut by_position = vec![[[0.0f32; LANES]; 4]; self.rows * row_len];
        for (t, tile) in self.scorer.packs.tiles.iter().enumerate() {
            let lanes = Lanes::new(tile, d.strands, self.inputs);
            let mut sums = TileSums::default();
            let lead = tile.width.saturating_sub(1);
            by_place.fill([0.0; TILE]);
            columns.fill([0.0; TILE]);
            let saved = self.saved.chunks_exact(3 * features);
            let grad_output = self.grad_output.chunks_exact(features);
            for (row, (saved, grad_output)) in saved.zip(grad_output).enumerate() {
                let row_lanes = RowLanes::new(tile, d, saved, grad_output);
                for at in (0..positions).step_by(BLOCK) {
                    let n = BLOCK.min(positions - at);
                    let Some(block) = by_place[lead + at..].first_chunk_mut::<BLOCK>() else {
                        return;
                    };
                    self.scorer.scores::<LANES, FMA>(t, row, at, block);
                    backward_block::<LANES, FMA>(&mut block[..n], &lanes, &row_lanes, &mut sums);
                    block[n..].fill([0.0; TILE]);
                }
                if self.targets.weight.is_some() {
                    let places = &by_place[lead..lead + positions];
                    let x = self.scorer.x.row(row).chunks_exact(self.scorer.x.stride);
                    for (x, columns) in x.zip(columns.chunks_exact_mut(d.width)) {
                        correlate::<LANES, FMA>(places, x, columns);
                    }
                }
                if self.targets.source.is_some() && tile.width > 0 {
                    let weights = self.scorer.packs.weights(tile);
                    let out = &mut by_position[row * row_len..][..row_len];
                    if LANES == TILE {
                        project::<WIDE_GROUP, LANES, FMA>(tile, positions, weights, &by_place, out);
                    } else {
                        project::<GROUP, LANES, FMA>(tile, positions, weights, &by_place, out);
                    }
                }
            }
            if let Some(weight) = &mut self.targets.weight {
                store(tile, &columns, weight);
            }
            self.targets.add(tile, d.strands, &sums);
        }
        if let Some(source) = &mut self.targets.source {
            let rows = by_position.chunks_exact(row_len);
            for (out, lanes) in source.chunks_exact_mut(4 * d.length).zip(rows) {
                for (base, out) in out.chunks_exact_mut(d.length).enumerate() {
                    for (out, lanes) in out.iter_mut().zip(lanes) {
                        *out += lanes[base].iter().sum::<f32>();
                    }
                }
            }
        }
    }
}

/// Adds the scores' gradients to the positions under the motifs, all lanes of a tile folded into
/// `LANES`.
#[inline(always)]
fn project<const P: usize, const LANES: usize, const FMA: bool>(
    tile: &Tile,
    positions: usize,
    weights: &[Vector],
    by_place: &[Vector],
    by_position: &mut [[[f32; LANES]; 4]],
) {
    let (weights, _) = weights.as_chunks::<4>();
    for j in (0..positions + tile.width - 1).step_by(P) {
        let mut sums = [[[0.0; LANES]; 4]; P];
        for half in 0..TILE / LANES {
            for (k, weights) in weights.iter().rev().enumerate() {
                let Some(places) = by_place[j + k..].first_chunk::<P>() else {
                    return;
                };
                for p in 0..P {
                    for base in 0..4 {
                        let (w, u) = (&parts(&weights[base])[half], &parts(&places[p])[half]);
                        // SAFETY: LANES and FMA are the kernel's own.
                        unsafe { add_product::<LANES, FMA>(&mut sums[p][base], w, u) };
                    }
                }
            }
        }
        let Some(out) = by_position[tile.start + j..].first_chunk_mut::<P>() else {
            return;
        };
        for p in 0..P {
            for base in 0..4 {
                add_to(&mut out[p][base], &sums[p][base]);
            }
        }
    }
}
