//! Calibration, sigmoid and pooling over blocks of scores, vectorised across the channels of a
//! tile, and the forward run that is the same for base codes and dense x.

use super::super::{BIAS, Dims, POOL, SCALE};
use super::pack::{Packs, TILE, Tile, Vector};
use crate::engine::Operand;
use crate::engine::lanes::{parts, parts_mut};
use crate::engine::simd::{Kernel, exp2, fma};
use std::f32::consts::LOG2_E;

/// Positions of a block of scores.
pub const BLOCK: usize = 16;
pub type Block = [Vector; BLOCK];

/// Up to this size `max(w, 0)` stands in for the largest `w g`: the exponentials stay normal.
const PLAIN_SHIFT: f32 = 60.0;

/// Makes scores.
pub trait Scorer {
    /// The scores of `BLOCK` places from `at` on; those beyond the last place mean nothing.
    fn scores<const LANES: usize, const FMA: bool>(
        &self,
        tile: usize,
        row: usize,
        at: usize,
        out: &mut Block,
    );
}

/// The references tell the compiler that the two do not overlap.
#[inline(always)]
pub fn add_to<const N: usize>(sum: &mut [f32; N], v: &[f32; N]) {
    for i in 0..N {
        sum[i] += v[i];
    }
}

/// A tile's parameters. Exponents are to base 2.
pub struct Lanes {
    /// Of `-log2 e (scale s + bias)`.
    slope: Vector,
    offset: Vector,
    scale: Vector,
    w: Vector,
    /// Not to base 2.
    w_natural: Vector,
    /// None: too large for `max(w, 0)`.
    shift: Option<Vector>,
}

impl Lanes {
    pub fn new(tile: &Tile, strands: usize, inputs: &[Operand<'_, f32>]) -> Self {
        let w = tile.gather(|c| inputs[POOL].data[c / strands]);
        let small = w.iter().all(|w| w.abs() <= PLAIN_SHIFT);
        Lanes {
            slope: tile.gather(|c| -LOG2_E * inputs[SCALE].data[c]),
            offset: tile.gather(|c| -LOG2_E * inputs[BIAS].data[c]),
            scale: tile.gather(|c| inputs[SCALE].data[c]),
            w: w.map(|w| LOG2_E * w),
            w_natural: w,
            shift: small.then(|| w.map(|w| LOG2_E * w.max(0.0))),
        }
    }
}

/// e^-x and sigmoid(x) of the calibrated score x.
#[inline(always)]
fn gate<const FMA: bool>(slope: f32, offset: f32, score: f32) -> (f32, f32) {
    let e = exp2::<FMA>(fma::<FMA>(slope, score, offset));
    (e, 1.0 / (1.0 + e))
}

/// What pooling needs of one channel: the exponents' shift, `sum e` and `sum e g`.
#[derive(Clone, Copy)]
pub struct Sums {
    pub shift: Vector,
    pub z: Vector,
    pub zg: Vector,
}

/// The forward run: `sums` has `rows x 3 x channels`.
pub struct Scan<'a, S> {
    pub dims: Dims,
    pub rows: usize,
    pub packs: &'a Packs,
    pub inputs: &'a [Operand<'a, f32>],
    pub scorer: S,
    pub sums: &'a mut [f32],
}

impl<S: Scorer> Kernel for Scan<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(self) {
        let positions = self.dims.positions();
        let channels = self.dims.channels;
        let empty = Sums {
            shift: [0.0; TILE],
            z: [0.0; TILE],
            zg: [0.0; TILE],
        };
        let mut rows = vec![empty; self.rows];
        let mut block = [[0.0; TILE]; BLOCK];
        for (t, tile) in self.packs.tiles.iter().enumerate() {
            let lanes = Lanes::new(tile, self.dims.strands, self.inputs);
            rows.fill(empty);
            match lanes.shift {
                Some(shift) => rows.iter_mut().for_each(|s| s.shift = shift),
                None => {
                    for (row, sums) in rows.iter_mut().enumerate() {
                        sums.shift = [f32::NEG_INFINITY; TILE];
                        for at in (0..positions).step_by(BLOCK) {
                            self.scorer.scores::<LANES, FMA>(t, row, at, &mut block);
                            for scores in &block[..BLOCK.min(positions - at)] {
                                for (i, &score) in scores.iter().enumerate() {
                                    let x = lanes.w[i]
                                        * gate::<FMA>(lanes.slope[i], lanes.offset[i], score).1;
                                    sums.shift[i] = sums.shift[i].max(x);
                                }
                            }
                        }
                    }
                }
            }
            for at in (0..positions).step_by(BLOCK) {
                for (row, sums) in rows.iter_mut().enumerate() {
                    self.scorer.scores::<LANES, FMA>(t, row, at, &mut block);
                    add_block::<LANES, FMA>(&block[..BLOCK.min(positions - at)], &lanes, sums);
                }
            }
            for (sums, out) in rows.iter().zip(self.sums.chunks_exact_mut(3 * channels)) {
                for (lane, c) in tile.lanes() {
                    out[c] = sums.shift[lane];
                    out[channels + c] = sums.z[lane];
                    out[2 * channels + c] = sums.zg[lane];
                }
            }
        }
    }
}

/// One vector of lanes after the other.
#[inline(always)]
fn add_block<const LANES: usize, const FMA: bool>(
    block: &[Vector],
    lanes: &Lanes,
    sums: &mut Sums,
) {
    for part in 0..TILE / LANES {
        let of = |v: &Vector| -> [f32; LANES] { parts::<LANES>(v)[part] };
        let (slope, offset, w) = (of(&lanes.slope), of(&lanes.offset), of(&lanes.w));
        let (shift, mut z, mut zg) = (of(&sums.shift), of(&sums.z), of(&sums.zg));
        for scores in block {
            let scores = &parts::<LANES>(scores)[part];
            for i in 0..LANES {
                let (_, g) = gate::<FMA>(slope[i], offset[i], scores[i]);
                let e = exp2::<FMA>(fma::<FMA>(w[i], g, -shift[i]));
                z[i] += e;
                zg[i] = fma::<FMA>(e, g, zg[i]);
            }
        }
        parts_mut(&mut sums.z)[part] = z;
        parts_mut(&mut sums.zg)[part] = zg;
    }
}

/// The channels' sums to the features' outputs, and for the backward run `rows x 3 x features`:
/// shift, 1 / Z and output.
pub fn combine(d: Dims, sums: &[f32], output: &mut [f32], saved: &mut [f32]) {
    let (channels, features) = (d.channels, d.features());
    let rows = sums.chunks_exact(3 * channels);
    let outputs = output.chunks_exact_mut(features);
    for ((sums, out), saved) in rows.zip(outputs).zip(saved.chunks_exact_mut(3 * features)) {
        for (m, out) in out.iter_mut().enumerate() {
            let of = m * d.strands..(m + 1) * d.strands;
            let shift = sums[of.clone()]
                .iter()
                .fold(f32::NEG_INFINITY, |a, &b| a.max(b));
            let (mut z, mut zg) = (0.0, 0.0);
            for c in of {
                let factor = (sums[c] - shift).exp2();
                z += factor * sums[channels + c];
                zg += factor * sums[2 * channels + c];
            }
            *out = zg / z;
            saved[m] = shift;
            saved[features + m] = 1.0 / z;
            saved[2 * features + m] = *out;
        }
    }
}

/// One row's numbers of a tile in the backward run.
pub struct RowLanes {
    shift: Vector,
    /// The output's gradient over Z.
    factor: Vector,
    output: Vector,
}

impl RowLanes {
    pub fn new(tile: &Tile, d: Dims, saved: &[f32], grad_output: &[f32]) -> Self {
        let features = d.features();
        let m = |c: usize| c / d.strands;
        RowLanes {
            shift: tile.gather(|c| saved[m(c)]),
            factor: tile.gather(|c| grad_output[m(c)] * saved[features + m(c)]),
            output: tile.gather(|c| saved[2 * features + m(c)]),
        }
    }
}

/// A tile's gradients of scale, bias and pooling weight.
#[derive(Default)]
pub struct TileSums {
    pub scale: Vector,
    pub bias: Vector,
    pub pool: Vector,
}

/// Adds a block's part to the tile's sums, and turns the scores into
/// their gradients.
#[inline(always)]
pub fn backward_block<const LANES: usize, const FMA: bool>(
    block: &mut [Vector],
    lanes: &Lanes,
    row: &RowLanes,
    sums: &mut TileSums,
) {
    for part in 0..TILE / LANES {
        let of = |v: &Vector| -> [f32; LANES] { parts::<LANES>(v)[part] };
        let (slope, offset, w) = (of(&lanes.slope), of(&lanes.offset), of(&lanes.w));
        let (w_natural, scale) = (of(&lanes.w_natural), of(&lanes.scale));
        let (shift, factor, output) = (of(&row.shift), of(&row.factor), of(&row.output));
        let (mut d_scale, mut d_bias, mut d_pool) =
            (of(&sums.scale), of(&sums.bias), of(&sums.pool));
        for scores in &mut *block {
            let scores = &mut parts_mut::<LANES>(scores)[part];
            for i in 0..LANES {
                let s = scores[i];
                let (below, g) = gate::<FMA>(slope[i], offset[i], s);
                let e = exp2::<FMA>(fma::<FMA>(w[i], g, -shift[i]));
                let a = e * factor[i];
                let q = g - output[i];
                let aq = a * q;
                d_pool[i] = fma::<FMA>(aq, q, d_pool[i]);
                // g (1 - g) without cancellation.
                let u = fma::<FMA>(w_natural[i], aq, a) * (g * (below * g));
                d_bias[i] += u;
                d_scale[i] = fma::<FMA>(u, s, d_scale[i]);
                scores[i] = scale[i] * u;
            }
        }
        parts_mut(&mut sums.scale)[part] = d_scale;
        parts_mut(&mut sums.bias)[part] = d_bias;
        parts_mut(&mut sums.pool)[part] = d_pool;
    }
}

/// Where gradients go; None where nobody asks.
pub struct Targets<'a> {
    pub weight: Option<&'a mut [f32]>,
    pub scale: Option<&'a mut [f32]>,
    pub bias: Option<&'a mut [f32]>,
    pub pool: Option<&'a mut [f32]>,
    /// The position table or x.
    pub source: Option<&'a mut [f32]>,
}

impl Targets<'_> {
    pub fn add(&mut self, tile: &Tile, strands: usize, sums: &TileSums) {
        for (lane, c) in tile.lanes() {
            if let Some(scale) = &mut self.scale {
                scale[c] += sums.scale[lane];
            }
            if let Some(bias) = &mut self.bias {
                bias[c] += sums.bias[lane];
            }
            if let Some(pool) = &mut self.pool {
                pool[c / strands] += sums.pool[lane];
            }
        }
    }
}
