//! The motifs as the fast form reads them: tiles of `TILE` channels sorted by true width, without
//! the zero columns at their ends; k-mer tables for base codes, transposed weights for dense x.

use rayon::prelude::*;
use std::array::from_fn;

/// Channels of a tile: one AVX-512 vector, two of AVX2.
pub const TILE: usize = 16;
pub type Vector = [f32; TILE];
/// A lane that no channel fills.
pub const EMPTY: u32 = u32::MAX;
/// Bases of a k-mer.
pub const MER: usize = 3;
/// Rows of a k-mer table: 64 of the four bases, 61 with an N, 3 never read.
pub const KMERS: usize = 128;
/// Three times N: a sum of zeros.
pub const NONE: u8 = 124;
/// One chunk of `MER` columns: its sums by k-mer.
pub type Table = [Vector; KMERS];

/// Up to `TILE` channels and the columns that any of them has.
pub struct Tile {
    pub channels: [u32; TILE],
    /// The first column, and the number of columns.
    pub start: usize,
    pub width: usize,
    /// The first of the tile's tables, and their number.
    pub first_table: usize,
    pub tables: usize,
    /// The place of the tile's first column in `columns` (four times that in `weights`).
    pub first_column: usize,
}

impl Tile {
    /// A number for each lane, 0 where the lane is empty.
    pub fn gather(&self, of: impl Fn(usize) -> f32) -> Vector {
        self.channels
            .map(|c| if c == EMPTY { 0.0 } else { of(c as usize) })
    }

    /// The filled lanes and their channels.
    pub fn lanes(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let filled = |(lane, &c): (usize, &u32)| (c != EMPTY).then_some((lane, c as usize));
        self.channels.iter().enumerate().filter_map(filled)
    }
}

pub struct Packs {
    pub tiles: Vec<Tile>,
    /// For base codes.
    pub tables: Vec<Table>,
    /// Sums over the four bases, a vector a column.
    pub columns: Vec<Vector>,
    /// For dense x: four vectors a column.
    pub weights: Vec<Vector>,
}

/// Columns that are not zero on all four bases: the first, and their number.
fn extent(weight: &[f32], width: usize) -> (usize, usize) {
    let used = |k: &usize| (0..4).any(|b| weight[b * width + k] != 0.0);
    match (0..width).find(used) {
        Some(start) => (start, (0..width).rfind(used).unwrap_or(start) + 1 - start),
        None => (0, 0),
    }
}

/// The number of a k-mer (codes 0..=4): those without N come first, so that they lie together.
pub fn kmer(codes: [u8; MER]) -> u8 {
    let [a, b, c] = codes.map(|c| c.min(4));
    if a < 4 && b < 4 && c < 4 {
        return a * 16 + b * 4 + c;
    }
    // N at the first place, else at the second, else at the third: 24, 20 and 16; all three last.
    match (a, b, c) {
        (4, 4, 4) => NONE,
        (4, b, c) => 64 + b * 5 + c,
        (a, 4, c) => 88 + a * 5 + c,
        (a, b, _) => 108 + a * 4 + b,
    }
}

/// Every k-mer with its number.
pub fn every_kmer() -> impl Iterator<Item = [u8; MER]> {
    (0..125u8).map(|i| [i / 25, i / 5 % 5, i % 5])
}

impl Packs {
    /// Weight (C, 4, K); `codes` says which of the two forms is wanted.
    pub fn new(weight: &[f32], width: usize, codes: bool) -> Self {
        let channels = weight.len() / (4 * width);
        let of = |c: usize| &weight[c * 4 * width..(c + 1) * 4 * width];
        let mut order: Vec<(usize, usize, usize)> = (0..channels)
            .map(|c| {
                let (start, used) = extent(of(c), width);
                (used, start, c)
            })
            .collect();
        order.sort_unstable();
        let mut packs = Packs {
            tiles: Vec::new(),
            tables: Vec::new(),
            columns: Vec::new(),
            weights: Vec::new(),
        };
        let mut tables = 0;
        let mut columns = 0;
        for group in order.chunks(TILE) {
            let filled = || group.iter().filter(|g| g.0 > 0);
            let start = filled().map(|g| g.1).min().unwrap_or(0);
            let end = filled().map(|g| g.1 + g.0).max().unwrap_or(0);
            let tile = Tile {
                channels: from_fn(|i| group.get(i).map_or(EMPTY, |g| g.2 as u32)),
                start,
                width: end - start,
                first_table: tables,
                tables: (end - start).div_ceil(MER),
                first_column: columns,
            };
            tables += tile.tables;
            columns += tile.width;
            packs.tiles.push(tile);
        }
        let at = |tile: &Tile, base: usize, k: usize| {
            let k = tile.start + k;
            tile.gather(|c| {
                if k < width {
                    of(c)[base * width + k]
                } else {
                    0.0
                }
            })
        };
        for tile in &packs.tiles {
            for k in 0..tile.width {
                let weights: [Vector; 4] = from_fn(|base| at(tile, base, k));
                if codes {
                    let sum = |lane| weights.iter().map(|w| w[lane]).sum();
                    packs.columns.push(from_fn(sum));
                } else {
                    packs.weights.extend(weights);
                }
            }
        }
        if codes {
            packs.tables = packs
                .tiles
                .par_iter()
                .flat_map_iter(|tile| {
                    (0..tile.tables).map(move |t| {
                        let columns: [[Vector; 4]; MER] =
                            from_fn(|i| from_fn(|base| at(tile, base, t * MER + i)));
                        table(&columns)
                    })
                })
                .collect();
        }
        packs
    }

    pub fn tables(&self, tile: &Tile) -> &[Table] {
        &self.tables[tile.first_table..tile.first_table + tile.tables]
    }

    pub fn columns(&self, tile: &Tile) -> &[Vector] {
        &self.columns[tile.first_column..tile.first_column + tile.width]
    }

    pub fn weights(&self, tile: &Tile) -> &[Vector] {
        &self.weights[4 * tile.first_column..4 * (tile.first_column + tile.width)]
    }
}

fn table(columns: &[[Vector; 4]; MER]) -> Table {
    let mut table = [[0.0; TILE]; KMERS];
    for codes in every_kmer() {
        let row = &mut table[usize::from(kmer(codes))];
        for (column, code) in columns.iter().zip(codes) {
            if let Some(weights) = column.get(usize::from(code)) {
                for (r, w) in row.iter_mut().zip(weights) {
                    *r += w;
                }
            }
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kmer_has_a_number_of_its_own() {
        let mut seen: Vec<u8> = every_kmer().map(kmer).collect();
        seen.sort_unstable();
        assert!(seen.iter().enumerate().all(|(i, &k)| usize::from(k) == i));
        assert_eq!(kmer([4, 4, 4]), NONE);
    }

    #[test]
    fn zero_columns_at_the_ends_are_left_out() {
        let mut weight = vec![0.0; 3 * 4 * 9];
        weight[9 + 2] = 1.0;
        weight[3 * 9 + 5] = 2.0;
        weight[2 * 36 + 8] = 3.0;
        let packs = Packs::new(&weight, 9, false);
        assert_eq!(packs.tiles.len(), 1);
        assert_eq!((packs.tiles[0].start, packs.tiles[0].width), (2, 7));
        assert_eq!(packs.tiles[0].channels[..4], [1, 2, 0, EMPTY]);
        assert_eq!(packs.weights(&packs.tiles[0])[1][2], 1.0);
    }
}
