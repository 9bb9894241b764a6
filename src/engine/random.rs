//! Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): random
//! numbers that depend on a key and a counter alone, never on a thread or on what was drawn before.

use super::simd::{Kernel, dispatch};

/// Numbers of a [`Philox::block`].
pub const BLOCK: usize = 64;
/// Counters of a block.
const COUNTERS: usize = BLOCK / 4;

struct Words {
    philox: Philox,
    stream: u64,
    block: u64,
}

impl Kernel for Words {
    type Output = [u32; BLOCK];
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(self) -> [u32; BLOCK] {
        self.philox.block_inline(self.stream, self.block)
    }
}

/// The generator, keyed by a seed.
#[derive(Clone, Copy, Debug)]
pub struct Philox {
    key: [u32; 2],
}

impl Philox {
    pub fn new(seed: u64) -> Self {
        Philox {
            key: [seed as u32, (seed >> 32) as u32],
        }
    }

    /// The four words at a counter.
    #[inline]
    pub fn words(self, mut counter: [u32; 4]) -> [u32; 4] {
        let mut key = self.key;
        for round in 0..10 {
            if round > 0 {
                key[0] = key[0].wrapping_add(0x9E37_79B9);
                key[1] = key[1].wrapping_add(0xBB67_AE85);
            }
            let p0 = u64::from(counter[0]) * 0xD251_1F53;
            let p1 = u64::from(counter[2]) * 0xCD9E_8D57;
            counter = [
                (p1 >> 32) as u32 ^ counter[1] ^ key[0],
                p1 as u32,
                (p0 >> 32) as u32 ^ counter[3] ^ key[1],
                p0 as u32,
            ];
        }
        counter
    }

    /// Words at (stream, index): two independent 64-bit coordinates.
    #[inline]
    pub fn at(self, stream: u64, index: u64) -> [u32; 4] {
        self.words([
            index as u32,
            (index >> 32) as u32,
            stream as u32,
            (stream >> 32) as u32,
        ])
    }

    /// The words at 16 counters from `16 block` on, as 64 numbers: word v of counter c is number 16 v + c.
    pub fn block(self, stream: u64, block: u64) -> [u32; BLOCK] {
        dispatch(Words {
            philox: self,
            stream,
            block,
        })
    }

    /// [`Philox::block`] as part of a kernel that is compiled for the instruction set at hand.
    #[inline(always)]
    pub(crate) fn block_inline(self, stream: u64, block: u64) -> [u32; BLOCK] {
        // Sixteen counters never cross a multiple of 2^32: their upper halves are the same.
        let first = block * COUNTERS as u64;
        let mut key = self.key;
        let mut a = [0u32; COUNTERS];
        for (i, a) in a.iter_mut().enumerate() {
            *a = (first as u32) | i as u32;
        }
        let mut b = [(first >> 32) as u32; COUNTERS];
        let mut c = [stream as u32; COUNTERS];
        let mut d = [(stream >> 32) as u32; COUNTERS];
        for round in 0..10 {
            if round > 0 {
                key[0] = key[0].wrapping_add(0x9E37_79B9);
                key[1] = key[1].wrapping_add(0xBB67_AE85);
            }
            for i in 0..COUNTERS {
                let p = u64::from(a[i]) * 0xD251_1F53;
                let q = u64::from(c[i]) * 0xCD9E_8D57;
                a[i] = (q >> 32) as u32 ^ b[i] ^ key[0];
                b[i] = q as u32;
                c[i] = (p >> 32) as u32 ^ d[i] ^ key[1];
                d[i] = p as u32;
            }
        }
        let mut words = [0; BLOCK];
        for (to, from) in words.chunks_exact_mut(COUNTERS).zip([a, b, c, d]) {
            to.copy_from_slice(&from);
        }
        words
    }

    /// A uniform number in [0, 1) with 53 bits.
    #[inline]
    pub fn uniform(self, stream: u64, index: u64) -> f64 {
        let w = self.at(stream, index);
        let bits = (u64::from(w[0]) << 32 | u64::from(w[1])) >> 11;
        bits as f64 / (1u64 << 53) as f64
    }

    /// A standard normal number (Box and Muller's cosine branch).
    pub fn normal(self, stream: u64, index: u64) -> f64 {
        let w = self.at(stream, index);
        let unit = |a: u32, b: u32| {
            ((u64::from(a) << 32 | u64::from(b)) >> 11) as f64 / (1u64 << 53) as f64
        };
        let radius = (-2.0 * (1.0 - unit(w[0], w[1])).ln()).sqrt();
        radius * (std::f64::consts::TAU * unit(w[2], w[3])).cos()
    }

    /// 64 random bits at (stream, index).
    #[inline]
    pub fn bits(self, stream: u64, index: u64) -> u64 {
        let w = self.at(stream, index);
        u64::from(w[0]) << 32 | u64::from(w[1])
    }

    /// A permutation of `0..n`, drawn from one stream (Fisher and Yates, with Lemire's
    /// multiply-shift in place of a remainder; the bias is below n / 2^64).
    pub fn permutation(self, stream: u64, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            let draw = u128::from(self.bits(stream, i as u64)) * (i as u128 + 1);
            order.swap(i, (draw >> 64) as usize);
        }
        order
    }
}

/// Where a random number is drawn: the run's seed, the optimizer step, and the batch's row at
/// which this piece of it starts, so that cutting a batch differently draws the same numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Noise {
    pub seed: u64,
    pub step: u64,
    pub first_row: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers_of_random123() {
        let philox = |counter, k: [u32; 2]| Philox { key: k }.words(counter);
        assert_eq!(
            philox([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox([0xffff_ffff; 4], [0xffff_ffff; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn a_block_holds_the_words_of_its_counters_at_every_level() {
        let philox = Philox::new(0x1234_5678_9abc);
        for (stream, block) in [(3u64, 0u64), (5 << 40, 7), (1, (1 << 28) - 1), (1, 1 << 28)] {
            for level in super::super::simd::levels() {
                let words = super::super::simd::dispatch_at(
                    level,
                    Words {
                        philox,
                        stream,
                        block,
                    },
                );
                for (i, &word) in words.iter().enumerate() {
                    let counter = block * 16 + i as u64 % 16;
                    assert_eq!(word, philox.at(stream, counter)[i / 16], "{level:?} {i}");
                }
            }
        }
    }

    #[test]
    fn moments_of_uniform_and_normal() {
        let (p, n) = (Philox::new(7), 40_000);
        let mean = |f: &dyn Fn(u64) -> f64| (0..n).map(f).sum::<f64>() / n as f64;
        assert!((mean(&|i| p.uniform(3, i)) - 0.5).abs() < 0.01);
        assert!(mean(&|i| p.normal(4, i)).abs() < 0.02);
        assert!((mean(&|i| p.normal(4, i).powi(2)) - 1.0).abs() < 0.03);
    }

    #[test]
    fn a_permutation_holds_every_index_once_and_depends_on_its_stream() {
        let p = Philox::new(1);
        let mut a = p.permutation(0, 1000);
        assert_ne!(a, p.permutation(1, 1000));
        a.sort_unstable();
        assert!(a.into_iter().eq(0..1000));
        assert_eq!(p.permutation(5, 0), Vec::<usize>::new());
    }
}
