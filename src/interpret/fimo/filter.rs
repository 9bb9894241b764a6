//! Which windows may be hits, many at a time in bytes.

use super::scores::Scores;
use crate::engine::simd::{Level, best_level};

/// A window's deficit is what its score lacks to the highest one. In units of a 200th of what a hit may lack, rounded down base by
/// base, the sum of a hit's deficits is 200 at most; sums stay at 255, so what is more never comes back.
pub struct Filter {
    /// The positions with the largest deficits first: place in the motif, deficits by code (16, so that an instruction can look
    /// them up; N and what is no code have 255).
    columns: Vec<(usize, [u8; 16])>,
    width: usize,
    /// Nothing can be a hit.
    closed: bool,
}

const MOST: u8 = 200;

impl Filter {
    pub fn new(scores: &Scores) -> Self {
        let highest = |column: &[f64; 4]| column.iter().copied().fold(f64::MIN, f64::max);
        let all: f64 = scores.columns().iter().map(highest).sum();
        let allowed = scores.least().map(|least| all - least);
        // Sums of scores and of deficits round differently.
        let unit = allowed.map(|allowed| (allowed + 1e-9) / f64::from(MOST));
        let unit = unit.filter(|&unit| unit > 0.0);
        let mut columns: Vec<(usize, [u8; 16])> = Vec::new();
        for (place, column) in scores.columns().iter().enumerate() {
            let best = highest(column);
            let mut deficits = [255; 16];
            for (deficit, score) in deficits.iter_mut().zip(column) {
                let units = unit.map_or(255.0, |unit| ((best - score) / unit).floor());
                *deficit = units.min(255.0) as u8;
            }
            columns.push((place, deficits));
        }
        let sum = |deficits: &[u8; 16]| deficits[..4].iter().map(|&d| u32::from(d)).sum::<u32>();
        columns.sort_by_key(|(_, deficits)| std::cmp::Reverse(sum(deficits)));
        Filter {
            width: columns.len(),
            closed: unit.is_none() || columns.is_empty(),
            columns,
        }
    }

    /// Calls `found` with the starts of windows that may be hits, in their order.
    pub fn candidates(&self, codes: &[u8], mut found: impl FnMut(usize)) {
        if self.closed || codes.len() < self.width {
            return;
        }
        let windows = codes.len() - self.width + 1;
        let mut start = 0;
        #[cfg(target_arch = "x86_64")]
        {
            let (block, few): (usize, Few) = match best_level() {
                Level::Avx512 => (64, x86::few_512),
                Level::Avx2 => (32, x86::few_256),
                Level::Plain => (0, |_, _, _| 0),
            };
            while block > 0 && start + block <= windows {
                // SAFETY: best_level() found the features that the function was compiled for. The highest position of a column is below
                // `width`, so the last byte read is at start + width - 1 + block - 1 < windows + width - 1 = codes.len().
                let mut mask = unsafe { few(&self.columns, codes, start) };
                while mask != 0 {
                    found(start + mask.trailing_zeros() as usize);
                    mask &= mask - 1;
                }
                start += block;
            }
        }
        for start in start..windows {
            let mut sum = 0u8;
            for (place, deficits) in &self.columns {
                sum = sum.saturating_add(deficits[usize::from(codes[start + place] & 15)]);
            }
            if sum <= MOST {
                found(start);
            }
        }
    }
}

/// Which of the windows from a start on pass, a bit each.
#[cfg(target_arch = "x86_64")]
type Few = unsafe fn(&[(usize, [u8; 16])], &[u8], usize) -> u64;

/// By hand, because nothing else makes the instruction that looks up 32 or 64 bytes at once: three instructions for each position of a
/// block, where the compiler's loop of lookups takes three for each window.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::MOST;
    use std::arch::x86_64::*;

    /// Positions between two looks at whether any window is left.
    const STRIDE: usize = 4;

    /// # Safety
    /// AVX2; `codes` has 32 bytes from `start` plus each place on.
    #[target_feature(enable = "avx2")]
    pub unsafe fn few_256(columns: &[(usize, [u8; 16])], codes: &[u8], start: usize) -> u64 {
        let most = _mm256_set1_epi8(MOST as i8);
        let mut sums = _mm256_setzero_si256();
        for four in columns.chunks(STRIDE) {
            for (place, deficits) in four {
                // SAFETY: as of the function; deficits are 16 bytes.
                let (table, bases) = unsafe {
                    (
                        _mm_loadu_si128(deficits.as_ptr().cast()),
                        _mm256_loadu_si256(codes.as_ptr().add(start + place).cast()),
                    )
                };
                let table = _mm256_broadcastsi128_si256(table);
                sums = _mm256_adds_epu8(sums, _mm256_shuffle_epi8(table, bases));
            }
            let low = _mm256_cmpeq_epi8(_mm256_min_epu8(sums, most), sums);
            if _mm256_movemask_epi8(low) == 0 {
                return 0;
            }
        }
        let low = _mm256_cmpeq_epi8(_mm256_min_epu8(sums, most), sums);
        u64::from(_mm256_movemask_epi8(low) as u32)
    }

    /// # Safety
    /// AVX-512 with bytes; `codes` has 64 bytes from `start` plus each place on.
    #[target_feature(enable = "avx512f,avx512bw")]
    pub unsafe fn few_512(columns: &[(usize, [u8; 16])], codes: &[u8], start: usize) -> u64 {
        let most = _mm512_set1_epi8(MOST as i8);
        let mut sums = _mm512_setzero_si512();
        for four in columns.chunks(STRIDE) {
            for (place, deficits) in four {
                // SAFETY: as of the function; deficits are 16 bytes.
                let (table, bases) = unsafe {
                    (
                        _mm_loadu_si128(deficits.as_ptr().cast()),
                        _mm512_loadu_si512(codes.as_ptr().add(start + place).cast()),
                    )
                };
                let table = _mm512_broadcast_i32x4(table);
                sums = _mm512_adds_epu8(sums, _mm512_shuffle_epi8(table, bases));
            }
            if _mm512_cmple_epu8_mask(sums, most) == 0 {
                return 0;
            }
        }
        _mm512_cmple_epu8_mask(sums, most)
    }
}
