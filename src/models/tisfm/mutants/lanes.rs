//! Sixteen features at a time in f32.
//!
//! `1 / g - 1 = exp(-(scale s + bias))`, the odds against a site, are one product for a changed base: the reference's times
//! `exp(-scale (W[new] - W[old]))`, which is a table of the motif. So a term costs one division and one power.

use super::plain::Feature;
use super::{OTHERS, others, reached};
use crate::engine::lanes::{parts, parts_mut};
use crate::engine::simd::{Kernel, exp2, exp2_of_product, fma};
pub use crate::ops::pwm_scan_pool::{BLOCK, Block, Kmers, TILE, Vector};
use crate::ops::pwm_scan_pool::{KMERS, MER, Table, add_tables, every_kmer, kmer};
use std::array::from_fn;
use std::f64::consts::LOG2_E;

/// Up to this size of the pooling weight `max(w, 0)` stands in for the largest `w g`: the powers stay normal.
const LARGEST_POOL: f64 = 60.0;
/// One base changes the odds by no more than this power of 2.
const LARGEST_STEP: f64 = 50.0;
/// The reference's odds are kept within this power of 2. A changed base leaves odds that were cut off beyond 2^25, where the
/// activity is 0 or 1 within f32's digits, and all other odds are finite.
const LARGEST_ODDS: f32 = 75.0;

/// One strand of a tile's features.
pub struct Strand {
    /// Where in a window the first column lies.
    start: usize,
    /// The scores of three columns each, by k-mer.
    tables: Vec<Table>,
    /// By column, code and other base: the factor of the odds.
    factors: Vec<[[Vector; OTHERS]; 4]>,
    windows: usize,
    /// By window: what the positions add to the scores; zeros behind them, so that whole blocks can be read.
    position: Vec<Vector>,
    /// Of `-log2 e (scale s + bias)`.
    slope: Vector,
    offset: Vector,
}

/// Up to [`TILE`] features.
pub struct Tile {
    strands: Vec<Strand>,
    /// Pooling weights to base 2.
    pool: Vector,
    /// What is taken from the exponents: whole numbers.
    shift: Vector,
}

/// A number of each feature, 0 in the lanes beyond them.
fn gather(features: &[&Feature], of: impl Fn(&Feature) -> f64) -> Vector {
    from_fn(|lane| features.get(lane).map_or(0.0, |feature| of(feature) as f32))
}

impl Strand {
    fn new(features: &[&Feature], strand: usize) -> Self {
        let strands = || features.iter().map(|feature| &feature.strands[strand]);
        let filled = || strands().filter(|s| !s.columns.is_empty());
        let start = filled().map(|s| s.start).min().unwrap_or(0);
        let end = filled().map(|s| s.start + s.columns.len()).max();
        let column = |feature: &Feature, k: usize| {
            let strand = &feature.strands[strand];
            let own = k.checked_sub(strand.start);
            let own = own.and_then(|k| strand.columns.get(k));
            own.copied().unwrap_or_default()
        };
        let columns = || start..end.unwrap_or(start);
        let weights = columns().map(|k| from_fn(|code| gather(features, |f| column(f, k)[code])));
        let weights: Vec<[Vector; 5]> = weights.collect();
        let factor = |k: usize, old: usize, other: usize| {
            let new = others(old as u8).nth(other).unwrap_or(old);
            gather(features, |f| {
                let column = column(f, k);
                (-f.strands[strand].scale * (column[new] - column[old])).exp()
            })
        };
        let factors = columns().map(|k| from_fn(|old| from_fn(|other| factor(k, old, other))));
        let windows = strands().next().map_or(0, |s| s.windows());
        Strand {
            start,
            tables: weights.chunks(MER).map(table).collect(),
            windows,
            factors: factors.collect(),
            position: (0..windows)
                .map(|window| gather(features, |f| f.strands[strand].position[window]))
                .chain([[0.0; TILE]; BLOCK])
                .collect(),
            slope: gather(features, |f| -LOG2_E * f.strands[strand].scale),
            offset: gather(features, |f| -LOG2_E * f.strands[strand].bias),
        }
    }
}

impl Strand {
    pub fn windows(&self) -> usize {
        self.windows
    }

    /// Where in a window the first column lies.
    pub fn start(&self) -> usize {
        self.start
    }

    pub fn columns(&self) -> usize {
        self.factors.len()
    }

    /// The odds against a site in a block of windows from one on; those behind the last window mean nothing.
    #[inline(always)]
    pub fn odds<const FMA: bool>(&self, kmers: &[u8], window: usize) -> Block {
        let mut odds = [[0.0; TILE]; BLOCK];
        odds.copy_from_slice(&self.position[window..][..BLOCK]);
        add_tables(&self.tables, &kmers[window + self.start..], &mut odds);
        for odds in &mut odds {
            for (i, odds) in odds.iter_mut().enumerate() {
                let x = fma::<FMA>(self.slope[i], *odds, self.offset[i]);
                let x = if x > LARGEST_ODDS { LARGEST_ODDS } else { x };
                let x = if x < -LARGEST_ODDS { -LARGEST_ODDS } else { x };
                *odds = exp2::<FMA>(x);
            }
        }
        odds
    }
}

/// The scores of up to three columns, by k-mer.
fn table(columns: &[[Vector; 5]]) -> Table {
    let mut table = [[0.0; TILE]; KMERS];
    for codes in every_kmer() {
        let scores = &mut table[usize::from(kmer(codes))];
        for (column, code) in columns.iter().zip(codes) {
            for (score, weight) in scores.iter_mut().zip(&column[usize::from(code)]) {
                *score += weight;
            }
        }
    }
    table
}

impl Tile {
    pub fn strands(&self) -> &[Strand] {
        &self.strands
    }

    /// `e` and `e g` of a window.
    #[inline(always)]
    pub fn terms<const FMA: bool>(&self, odds: &Vector) -> Sums {
        let [mut e, mut eg] = NO_WINDOWS;
        for i in 0..TILE {
            let g = 1.0 / (1.0 + odds[i]);
            e[i] = exp2_of_product::<FMA>(self.pool[i], g, self.shift[i]);
            eg[i] = e[i] * g;
        }
        [e, eg]
    }

    /// Whether a feature's numbers stay in range.
    pub fn takes(feature: &Feature) -> bool {
        let in_range = |strand: &super::plain::Strand| {
            let mut numbers = strand.columns.iter().flatten().chain(&strand.position);
            let mut steps = strand.columns.iter().map(|column| {
                let [a, c, g, t, _] = *column;
                let spread = a.max(c).max(g).max(t) - a.min(c).min(g).min(t);
                (LOG2_E * strand.scale * spread).abs()
            });
            (strand.scale + strand.bias).is_finite()
                && numbers.all(|x| x.is_finite())
                && steps.all(|step| step <= LARGEST_STEP)
        };
        feature.pool.abs() <= LARGEST_POOL && feature.strands.iter().all(in_range)
    }

    /// Of features that a tile takes, at most [`TILE`] of them, of as many strands each.
    pub fn new(features: &[&Feature]) -> Self {
        let strands = features.first().map_or(0, |f| f.strands.len());
        Tile {
            strands: (0..strands).map(|s| Strand::new(features, s)).collect(),
            pool: gather(features, |f| LOG2_E * f.pool),
            shift: gather(features, |f| (LOG2_E * f.pool.max(0.0)).ceil()),
        }
    }
}

/// `sum e` and `sum e g`.
type Sums = [Vector; 2];
const NO_WINDOWS: Sums = [[0.0; TILE]; 2];

/// The reference's numbers of a strand.
#[derive(Default)]
struct Line {
    odds: Vec<Vector>,
    /// Of the windows before each, and of all.
    before: Vec<Sums>,
    /// Of the windows from each on, and of none.
    from: Vec<Sums>,
}

impl Line {
    /// Runs over the windows of a sequence.
    #[inline(always)]
    fn fill<const FMA: bool>(&mut self, tile: &Tile, strand: &Strand, kmers: &[u8]) {
        let windows = strand.windows();
        self.odds.resize(windows, [0.0; TILE]);
        self.before.resize(windows + 1, NO_WINDOWS);
        self.from.resize(windows + 1, NO_WINDOWS);
        for (odds, window) in self.odds.chunks_mut(BLOCK).zip((0..).step_by(BLOCK)) {
            let block = strand.odds::<FMA>(kmers, window);
            odds.copy_from_slice(&block[..odds.len()]);
        }
        for (odds, from) in self.odds.iter().zip(&mut self.from) {
            *from = tile.terms::<FMA>(odds);
        }
        let mut sums = [[0.0; TILE]; 2];
        self.before[0] = NO_WINDOWS;
        for (terms, before) in self.from.iter().zip(&mut self.before[1..]) {
            add(&mut sums, terms);
            *before = rounded(&sums);
        }
        let mut sums = [[0.0; TILE]; 2];
        self.from[windows] = NO_WINDOWS;
        for from in self.from[..windows].iter_mut().rev() {
            add(&mut sums, from);
            *from = rounded(&sums);
        }
    }
}

#[inline(always)]
fn add(sums: &mut [[f64; TILE]; 2], terms: &Sums) {
    for (sums, terms) in sums.iter_mut().zip(terms) {
        for i in 0..TILE {
            sums[i] += f64::from(terms[i]);
        }
    }
}

#[inline(always)]
fn rounded(sums: &[[f64; TILE]; 2]) -> Sums {
    let mut out = [[0.0; TILE]; 2];
    for (out, sums) in out.iter_mut().zip(sums) {
        for i in 0..TILE {
            out[i] = sums[i] as f32;
        }
    }
    out
}

/// Pooled activities: row 0 of the reference, then of the three others of each changed base.
pub struct Pool<'a> {
    pub tiles: &'a [Tile],
    pub codes: &'a [u8],
    /// Bases that are not none.
    pub changed: &'a [usize],
    /// Rows of `columns` numbers, of which the tiles' are the first.
    pub pooled: &'a mut [f32],
    pub columns: usize,
}

impl Kernel for Pool<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(self) {
        let mut lines: Vec<Line> = Vec::new();
        let kmers = Kmers::new(self.codes.len(), std::iter::once(self.codes));
        for (tile, column) in self.tiles.iter().zip((0..).step_by(TILE)) {
            lines.resize_with(tile.strands.len(), Line::default);
            for (strand, line) in tile.strands.iter().zip(&mut lines) {
                line.fill::<FMA>(tile, strand, kmers.row(0));
            }
            let mut rows = self.pooled.chunks_exact_mut(self.columns);
            let mut next = || rows.next().map(|row| &mut row[column..column + TILE]);
            if let Some(row) = next() {
                let mut sums = [[0.0; TILE]; 2];
                for line in &lines {
                    for (sums, all) in sums.iter_mut().zip(&line.from[0]) {
                        for i in 0..TILE {
                            sums[i] += all[i];
                        }
                    }
                }
                for i in 0..TILE {
                    row[i] = sums[1][i] / sums[0][i];
                }
            }
            for &base in self.changed {
                let mut mutants = [[0.0; TILE]; OTHERS];
                for part in 0..TILE / LANES {
                    let found = others_of::<LANES, FMA>(tile, &lines, self.codes, base, part);
                    for (mutant, found) in mutants.iter_mut().zip(found) {
                        parts_mut(mutant)[part] = found;
                    }
                }
                for mutant in &mutants {
                    if let Some(row) = next() {
                        row.copy_from_slice(mutant);
                    }
                }
            }
        }
    }
}

/// The pooled activities with each other base in the place of one: one vector of a tile's lanes.
#[inline(always)]
fn others_of<const LANES: usize, const FMA: bool>(
    tile: &Tile,
    lines: &[Line],
    codes: &[u8],
    base: usize,
    part: usize,
) -> [[f32; LANES]; OTHERS] {
    let of = |v: &Vector| -> [f32; LANES] { parts::<LANES>(v)[part] };
    let old = usize::from(codes[base] % 4);
    let (pool, shift) = (of(&tile.pool), of(&tile.shift));
    let (mut z, mut sum) = ([[0.0; LANES]; OTHERS], [[0.0; LANES]; OTHERS]);
    let (mut rest_z, mut rest_sum) = ([0.0; LANES], [0.0; LANES]);
    for (strand, line) in tile.strands.iter().zip(lines) {
        let columns = strand.factors.len();
        let reached = reached(strand.windows(), strand.start, columns, base);
        for [rest_of_z, rest_of_sum] in [&line.before[reached.start], &line.from[reached.end]] {
            let (rest_of_z, rest_of_sum) = (of(rest_of_z), of(rest_of_sum));
            for i in 0..LANES {
                rest_z[i] += rest_of_z[i];
                rest_sum[i] += rest_of_sum[i];
            }
        }
        if reached.is_empty() {
            continue;
        }
        // The later a window begins, the earlier the column that reads the base.
        let last = base - strand.start - reached.start;
        let factors = &strand.factors[last + 1 - reached.len()..=last];
        for (odds, factors) in line.odds[reached].iter().zip(factors.iter().rev()) {
            let odds = of(odds);
            for (other, factor) in factors[old].iter().enumerate() {
                let factor = of(factor);
                for i in 0..LANES {
                    let g = 1.0 / fma::<FMA>(odds[i], factor[i], 1.0);
                    let e = exp2_of_product::<FMA>(pool[i], g, shift[i]);
                    z[other][i] += e;
                    sum[other][i] = fma::<FMA>(e, g, sum[other][i]);
                }
            }
        }
    }
    for (z, sum) in z.iter().zip(&mut sum) {
        for i in 0..LANES {
            sum[i] = (rest_sum[i] + sum[i]) / (rest_z[i] + z[i]);
        }
    }
    sum
}
