//! The gradient of the motifs themselves, a tile at a time: from base codes by k-mer tables, the
//! transpose of the scan, and from numbers at each position by correlation. All of the kernel's
//! columns have one, those that are zero and that the scan leaves out too.

use super::pack::{KMERS, MER, TILE, Table, Tile, Vector, every_kmer, kmer};
use super::pool::Block;
use crate::engine::lanes::{add, add_scaled, parts, parts_mut};

/// A tile's part from base codes.
pub struct FromCodes {
    /// The scores' gradients of all rows, `stride` places a row.
    places: Vec<Vector>,
    stride: usize,
    /// Sums of these by k-mer: a table for each `MER` columns; zeros between two tiles.
    by_kmer: Vec<Table>,
    /// (4, K).
    columns: Vec<Vector>,
    /// What all four bases have in common (K).
    shared: Vec<Vector>,
}

impl FromCodes {
    /// For kernels of `width` columns; `stride`: whole blocks of places.
    pub fn new(width: usize, rows: usize, stride: usize) -> Self {
        FromCodes {
            places: vec![[0.0; TILE]; rows * stride],
            stride,
            by_kmer: vec![[[0.0; TILE]; KMERS]; width.div_ceil(MER)],
            columns: vec![[0.0; TILE]; 4 * width],
            shared: vec![[0.0; TILE]; width],
        }
    }

    /// Where the scores of a row's places from `at` on become their gradients.
    #[inline(always)]
    pub fn block(&mut self, row: usize, at: usize) -> &mut Block {
        self.places[row * self.stride + at..]
            .first_chunk_mut()
            .expect("a row of places is whole blocks")
    }

    /// The gradient (4, K): `kmers` by row, `sums` of the gradients at each place over the rows, and with a
    /// position table its number at each position.
    #[inline(always)]
    pub fn columns<'a, const LANES: usize, const FMA: bool>(
        &mut self,
        kmers: impl Iterator<Item = &'a [u8]>,
        sums: &[Vector],
        numbers: &[f32],
    ) -> &[Vector] {
        for (kmers, places) in kmers.zip(self.places.chunks_exact(self.stride)) {
            let places = &places[..sums.len()];
            // One table after the other, so that it stays in the nearest cache.
            for (j, table) in self.by_kmer.iter_mut().enumerate() {
                for (&kmer, u) in kmers[j * MER..].iter().zip(places) {
                    add_to::<LANES, FMA>(&mut table[usize::from(kmer) % KMERS], u);
                }
            }
        }
        self.columns.fill([0.0; TILE]);
        let width = self.shared.len();
        for (j, table) in self.by_kmer.iter_mut().enumerate() {
            for codes in every_kmer() {
                let sum = &mut table[usize::from(kmer(codes))];
                for (k, base) in (j * MER..width).zip(codes) {
                    if base < 4 {
                        let column = &mut self.columns[usize::from(base) * width + k];
                        add_to::<LANES, FMA>(column, sum);
                    }
                }
                *sum = [0.0; TILE];
            }
        }
        if !numbers.is_empty() {
            self.shared.fill([0.0; TILE]);
            correlate::<LANES, FMA>(sums, numbers, &mut self.shared);
            for of_base in self.columns.chunks_exact_mut(width) {
                for (column, shared) in of_base.iter_mut().zip(&self.shared) {
                    add_to::<LANES, FMA>(column, shared);
                }
            }
        }
        &self.columns
    }
}

#[inline(always)]
fn add_to<const LANES: usize, const FMA: bool>(sum: &mut Vector, v: &Vector) {
    for (sum, v) in parts_mut::<LANES>(sum).iter_mut().zip(parts(v)) {
        // SAFETY: LANES and FMA are the kernel's own.
        unsafe { add::<LANES, FMA>(sum, v) };
    }
}

/// Columns whose sums are in registers together, and places that one turn of the loop takes.
const TOGETHER: usize = 8;
const PLACES: usize = 4;
/// Numbers that [`correlate`] reads behind x.
pub const BEHIND: usize = TOGETHER + PLACES;

/// `columns[k] += sum_l places[l] x[l + k]`: the gradient of a base's columns where x is that base's number at
/// each position. x has `BEHIND` zeros at its end.
#[inline(always)]
pub fn correlate<const LANES: usize, const FMA: bool>(
    places: &[Vector],
    x: &[f32],
    columns: &mut [Vector],
) {
    for (group, columns) in columns.chunks_mut(TOGETHER).enumerate() {
        for part in 0..TILE / LANES {
            let mut sums = [[0.0; LANES]; TOGETHER];
            let (turns, rest) = places.as_chunks::<PLACES>();
            let mut at = group * TOGETHER;
            for places in turns {
                let Some(x) = x[at..].first_chunk::<BEHIND>() else {
                    return;
                };
                for l in 0..PLACES {
                    for k in 0..TOGETHER {
                        // SAFETY: LANES and FMA are the kernel's own.
                        unsafe {
                            let place = &parts(&places[l])[part];
                            add_scaled::<LANES, FMA>(&mut sums[k], place, x[l + k]);
                        }
                    }
                }
                at += PLACES;
            }
            for place in rest {
                let Some(x) = x[at..].first_chunk::<TOGETHER>() else {
                    return;
                };
                for k in 0..TOGETHER {
                    // SAFETY: LANES and FMA are the kernel's own.
                    unsafe { add_scaled::<LANES, FMA>(&mut sums[k], &parts(place)[part], x[k]) };
                }
                at += 1;
            }
            for (column, sum) in columns.iter_mut().zip(&sums) {
                // SAFETY: LANES and FMA are the kernel's own.
                unsafe { add::<LANES, FMA>(&mut parts_mut(column)[part], sum) };
            }
        }
    }
}

/// Adds a tile's columns (4, K) to the gradient of the weight (C, 4, K).
pub fn store(tile: &Tile, columns: &[Vector], weight: &mut [f32]) {
    for (lane, c) in tile.lanes() {
        let own = &mut weight[c * columns.len()..(c + 1) * columns.len()];
        for (own, column) in own.iter_mut().zip(columns) {
            *own += column[lane];
        }
    }
}
