//! Base codes by k-mer tables: a score is one vector of a table for each three bases, and one of
//! the position table's part.

use super::super::Dims;
use super::motifs::{FromCodes, store};
use super::pack::{KMERS, MER, NONE, Packs, TILE, Table, Tile, Vector, kmer};
use super::pool::{
    BLOCK, Block, Lanes, RowLanes, Scorer, Targets, TileSums, add_to, backward_block,
};
use crate::engine::Operand;
use crate::engine::lanes::{add_product, add_scaled, parts, parts_mut};
use crate::engine::simd::{Kernel, fma};

/// The k-mers of each row: the one that starts at each position, then `NONE`s, so that whole
/// blocks can be read.
pub struct Kmers {
    numbers: Vec<u8>,
    stride: usize,
}

impl Kmers {
    pub fn new<'a>(length: usize, rows: impl Iterator<Item = &'a [u8]>) -> Self {
        let stride = length + BLOCK + MER;
        let mut numbers = Vec::new();
        for codes in rows {
            let code = |l: usize| codes.get(l).copied().unwrap_or(4);
            let number = |l: usize| kmer([code(l), code(l + 1), code(l + 2)]);
            numbers.extend((0..length).map(number));
            numbers.resize(numbers.len() + stride - length, NONE);
        }
        Kmers { numbers, stride }
    }

    pub fn row(&self, row: usize) -> &[u8] {
        &self.numbers[row * self.stride..][..self.stride]
    }
}

/// Positions of a tile in the position table's part: whole blocks.
pub fn padded(d: Dims) -> usize {
    d.positions().next_multiple_of(BLOCK)
}

/// What a number a position, the same on all four bases, adds to the scores: by tile and place.
pub struct PositionBias<'a> {
    pub dims: Dims,
    pub packs: &'a Packs,
    /// A number a position.
    pub numbers: &'a [f32],
}

impl Kernel for PositionBias<'_> {
    type Output = Vec<Vector>;

    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(self) -> Vec<Vector> {
        let padded = padded(self.dims);
        let positions = self.dims.positions();
        let mut out = vec![[0.0; TILE]; self.packs.tiles.len() * padded];
        for (tile, out) in self.packs.tiles.iter().zip(out.chunks_exact_mut(padded)) {
            let columns = self.packs.columns(tile);
            for (l, out) in out[..positions].iter_mut().enumerate() {
                let mut sum = [0.0; TILE];
                for (column, &p) in columns.iter().zip(&self.numbers[l + tile.start..]) {
                    for i in 0..TILE {
                        sum[i] = fma::<FMA>(column[i], p, sum[i]);
                    }
                }
                *out = sum;
            }
        }
        out
    }
}

#[derive(Clone, Copy)]
pub struct CodeScores<'a> {
    pub dims: Dims,
    pub packs: &'a Packs,
    pub kmers: &'a Kmers,
    /// By tile and place, `padded` places a tile; empty without a position table.
    pub position: &'a [Vector],
}

/// Tables of a motif of 30 columns: what one loop adds up.
const MOST_TABLES: usize = 10;

impl Scorer for CodeScores<'_> {
    #[inline(always)]
    fn scores<const LANES: usize, const FMA: bool>(
        &self,
        tile: usize,
        row: usize,
        at: usize,
        out: &mut Block,
    ) {
        let padded = padded(self.dims);
        if self.position.is_empty() {
            *out = [[0.0; TILE]; BLOCK];
        } else {
            out.copy_from_slice(&self.position[tile * padded + at..][..BLOCK]);
        }
        let tile = &self.packs.tiles[tile];
        let numbers = self.kmers.row(row);
        let from = at + tile.start;
        add_tables(self.packs.tables(tile), &numbers[from..], out);
    }
}

/// Adds the scores of tables, `MER` columns each, at `BLOCK` places. `numbers`: the k-mers from the first one's first column on, as
/// [`Kmers`] has them.
#[inline(always)]
pub fn add_tables(tables: &[Table], numbers: &[u8], out: &mut Block) {
    for (tables, from) in tables
        .chunks(MOST_TABLES)
        .zip((0..).step_by(MOST_TABLES * MER))
    {
        let numbers = &numbers[from..];
        match tables.len() {
            1 => add::<1>(tables, numbers, out),
            2 => add::<2>(tables, numbers, out),
            3 => add::<3>(tables, numbers, out),
            4 => add::<4>(tables, numbers, out),
            5 => add::<5>(tables, numbers, out),
            6 => add::<6>(tables, numbers, out),
            7 => add::<7>(tables, numbers, out),
            8 => add::<8>(tables, numbers, out),
            9 => add::<9>(tables, numbers, out),
            _ => add::<MOST_TABLES>(tables, numbers, out),
        }
    }
}

/// Adds `N` tables, `MER` positions apart.
#[inline(always)]
fn add<const N: usize>(tables: &[Table], numbers: &[u8], out: &mut Block) {
    let Some(tables) = tables.first_chunk::<N>() else {
        return;
    };
    let numbers = &numbers[..(N - 1) * MER + BLOCK];
    for (p, out) in out.iter_mut().enumerate() {
        let mut sum = *out;
        for (n, table) in tables.iter().enumerate() {
            let row = &table[usize::from(numbers[p + n * MER]) % KMERS];
            for i in 0..TILE {
                sum[i] += row[i];
            }
        }
        *out = sum;
    }
}

/// The backward run; with `source` in the targets, a number for each position.
pub struct CodesBackward<'a, 'b> {
    pub rows: usize,
    pub inputs: &'a [Operand<'a, f32>],
    pub scorer: CodeScores<'a>,
    /// What the position table adds at each position, and `BEHIND` zeros; empty without one.
    pub numbers: &'a [f32],
    /// `rows x 3 x features` of the forward run.
    pub saved: &'a [f32],
    pub grad_output: &'a [f32],
    pub targets: Targets<'b>,
}

impl Kernel for CodesBackward<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(mut self) {
        let d = self.scorer.dims;
        let positions = d.positions();
        let mut block = [[0.0; TILE]; BLOCK];
        // The scores' gradients summed over the rows, with zeros before and after.
        let mut sums_by_place = vec![[0.0; TILE]; positions + 2 * d.width + GROUP];
        let mut by_position = vec![[0.0; LANES]; d.length + GROUP];
        let learns = self.targets.weight.is_some();
        let mut motifs = learns.then(|| FromCodes::new(d.width, self.rows, padded(d)));
        let mut rows = Vec::with_capacity(self.rows);
        let features = d.features();
        for (t, tile) in self.scorer.packs.tiles.iter().enumerate() {
            let lanes = Lanes::new(tile, d.strands, self.inputs);
            let saved = self.saved.chunks_exact(3 * features);
            let grad_output = self.grad_output.chunks_exact(features);
            rows.clear();
            rows.extend(
                saved
                    .zip(grad_output)
                    .map(|(saved, grad)| RowLanes::new(tile, d, saved, grad)),
            );
            let mut sums = TileSums::default();
            let lead = tile.width.saturating_sub(1);
            sums_by_place.fill([0.0; TILE]);
            for at in (0..positions).step_by(BLOCK) {
                let n = BLOCK.min(positions - at);
                for (row, lanes_of_row) in rows.iter().enumerate() {
                    let block = match &mut motifs {
                        Some(motifs) => motifs.block(row, at),
                        None => &mut block,
                    };
                    self.scorer.scores::<LANES, FMA>(t, row, at, block);
                    backward_block::<LANES, FMA>(&mut block[..n], &lanes, lanes_of_row, &mut sums);
                    for (sum, u) in sums_by_place[lead + at..].iter_mut().zip(&block[..n]) {
                        let sum = parts_mut::<LANES>(sum);
                        for (sum, u) in sum.iter_mut().zip(parts(u)) {
                            // SAFETY: LANES and FMA are the kernel's own.
                            unsafe { add_scaled::<LANES, FMA>(sum, u, 1.0) };
                        }
                    }
                }
            }
            if self.targets.source.is_some() && tile.width > 0 {
                let columns = self.scorer.packs.columns(tile);
                project::<LANES, FMA>(tile, positions, columns, &sums_by_place, &mut by_position);
            }
            if let (Some(weight), Some(motifs)) = (&mut self.targets.weight, &mut motifs) {
                let kmers = (0..self.rows).map(|row| self.scorer.kmers.row(row));
                let sums = &sums_by_place[lead..lead + positions];
                let columns = motifs.columns::<LANES, FMA>(kmers, sums, self.numbers);
                store(tile, columns, weight);
            }
            self.targets.add(tile, d.strands, &sums);
        }
        if let Some(source) = &mut self.targets.source {
            for (out, lanes) in source.iter_mut().zip(&by_position) {
                *out += lanes.iter().sum::<f32>();
            }
        }
    }
}

/// Places of the projection that are done together.
const GROUP: usize = 8;

/// Adds the motif columns' gradients to the positions under them, all lanes of
/// a tile folded into `LANES`.
#[inline(always)]
fn project<const LANES: usize, const FMA: bool>(
    tile: &Tile,
    positions: usize,
    columns: &[Vector],
    by_place: &[Vector],
    by_position: &mut [[f32; LANES]],
) {
    for j in (0..positions + tile.width - 1).step_by(GROUP) {
        let mut sums = [[0.0; LANES]; GROUP];
        for (k, column) in columns.iter().rev().enumerate() {
            let Some(places) = by_place[j + k..].first_chunk::<GROUP>() else {
                return;
            };
            for part in 0..TILE / LANES {
                for p in 0..GROUP {
                    let (w, u) = (&parts(column)[part], &parts(&places[p])[part]);
                    // SAFETY: LANES and FMA are the kernel's own.
                    unsafe { add_product::<LANES, FMA>(&mut sums[p], w, u) };
                }
            }
        }
        let Some(out) = by_position[tile.start + j..].first_chunk_mut::<GROUP>() else {
            return;
        };
        for p in 0..GROUP {
            add_to(&mut out[p], &sums[p]);
        }
    }
}
