//! The convolution's weights for both strands at once, as half their sum and half their difference.
//!
//! The other strand's output P - 1 - p reads the same bases and track values as the forward strand's output p: under its
//! tap i lies the complement of base p + i, times the stored line i; under the forward strand's tap i lies base p + i,
//! times the stored line w - 1 - i. In the forward strand's windows let f and r be the two strands' outputs and
//! s = (f + r) / 2, d = (r - f) / 2. A line of a base has s and d of its own, computed once. A track's value is no
//! constant: with stored a = W[j, i] and b = W[w-1-j, order[i]], u = track order[i] at p + j and v = track i at
//! p + w - 1 - j, the four products a u + b v (in r) and b u + a v (in f) are two:
//! `s += (a + b) / 2 (u + v)` and `d += (a - b) / 2 (u - v)`, if order swaps the two tracks (or keeps one in place).

use crate::engine::Real;
use crate::ops::strand_conv_pool::StrandConvPool;

/// Columns of either half are padded to a multiple of this.
pub const COLUMNS: usize = 32;
/// Codes of a pair of bases, N among them.
pub const PAIRS: usize = 25;

/// The products of two stored lines, or of one that has no partner.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// Tap and track of a and b.
    a: (usize, usize),
    b: Option<(usize, usize)>,
    /// Track and first position of u and v.
    pub u: (usize, usize),
    pub v: (usize, usize),
}

/// The terms of `width` taps and the tracks of `order`.
pub fn terms(width: usize, order: &[usize]) -> Vec<Term> {
    let mut terms = Vec::new();
    for tap in 0..width {
        for (track, &from) in order.iter().enumerate() {
            let (a, other) = ((tap, track), (width - 1 - tap, from));
            let paired = order[from] == track && a != other;
            if !paired || a < other {
                terms.push(Term {
                    a,
                    b: paired.then_some(other),
                    u: (from, tap),
                    v: (track, width - 1 - tap),
                });
            }
        }
    }
    terms
}

pub struct Packed<T> {
    /// Columns of s, and as many of d.
    pub half: usize,
    /// By pair of taps and pair of codes a line, s then d; an odd width's last tap has no partner.
    pub pairs: Vec<T>,
    /// By term a line of `half`.
    pub sums: Vec<T>,
    pub differences: Vec<T>,
    pub bias: Vec<T>,
    /// (F, F): V, and V transposed.
    pub layer: Vec<T>,
    pub transposed: Vec<T>,
}

impl StrandConvPool {
    /// Where the stored kernels (w, 4 + n, F) have the line of a tap and a channel.
    fn stored(&self, tap: usize, channel: usize) -> std::ops::Range<usize> {
        let at = (tap * (4 + self.order.len()) + channel) * self.kernels;
        at..at + self.kernels
    }

    /// The same for a base of the forward strand's window, by strand.
    fn stored_base(&self, tap: usize, base: usize) -> [std::ops::Range<usize>; 2] {
        [
            self.stored(self.width - 1 - tap, base),
            self.stored(tap, 3 - base),
        ]
    }
}

impl<T: Real> Packed<T> {
    pub fn new(op: &StrandConvPool, weight: &[T], bias: &[T], layer: &[T]) -> Self {
        let k = op.kernels;
        let half = k.next_multiple_of(COLUMNS);
        let by_two = T::of(0.5);
        let groups = op.width.div_ceil(2);
        let mut pairs = vec![T::ZERO; groups * PAIRS * 2 * half];
        for (index, to) in pairs.chunks_exact_mut(2 * half).enumerate() {
            let (group, pair) = (index / PAIRS, index % PAIRS);
            let (s, d) = to.split_at_mut(half);
            for (tap, base) in [(2 * group, pair / 5), (2 * group + 1, pair % 5)] {
                if tap < op.width && base < 4 {
                    let [f, r] = op.stored_base(tap, base);
                    let both = weight[f].iter().zip(&weight[r]);
                    for ((s, d), (&f, &r)) in s.iter_mut().zip(&mut *d).zip(both) {
                        *s += by_two * (f + r);
                        *d += by_two * (r - f);
                    }
                }
            }
        }
        let mut sums = vec![T::ZERO; op.terms.len() * half];
        let mut differences = sums.clone();
        let lines = sums
            .chunks_exact_mut(half)
            .zip(differences.chunks_exact_mut(half));
        for (term, (s, d)) in op.terms.iter().zip(lines) {
            let a = &weight[op.stored(term.a.0, 4 + term.a.1)];
            let b = term.b.map(|b| &weight[op.stored(b.0, 4 + b.1)]);
            for i in 0..k {
                let b = b.map_or(T::ZERO, |b| b[i]);
                s[i] = by_two * (a[i] + b);
                d[i] = by_two * (a[i] - b);
            }
        }
        let mut padded = vec![T::ZERO; half];
        padded[..k].copy_from_slice(bias);
        Packed {
            half,
            pairs,
            sums,
            differences,
            bias: padded,
            layer: layer.to_vec(),
            transposed: (0..k * k).map(|i| layer[i % k * k + i / k]).collect(),
        }
    }
}

/// Adds gradients of s and d to those of W and b: `pairs` by group of taps and pair of codes F of s, then F of d; `sums`
/// and `differences` by term.
pub fn unpack<T: Real>(
    op: &StrandConvPool,
    pairs: &[T],
    sums: &[T],
    differences: &[T],
    weight: Option<&mut [T]>,
    bias: Option<&mut [T]>,
) {
    let k = op.kernels;
    let by_two = T::of(0.5);
    if let Some(bias) = bias {
        // Every position has one pair under its first taps.
        for line in pairs[..PAIRS * 2 * k].chunks_exact(2 * k) {
            for (to, &from) in bias.iter_mut().zip(line) {
                *to += from;
            }
        }
    }
    let Some(weight) = weight else { return };
    for (index, line) in pairs.chunks_exact(2 * k).enumerate() {
        let (group, pair) = (index / PAIRS, index % PAIRS);
        let (s, d) = line.split_at(k);
        for (tap, base) in [(2 * group, pair / 5), (2 * group + 1, pair % 5)] {
            if tap < op.width && base < 4 {
                let [f, r] = op.stored_base(tap, base);
                for i in 0..k {
                    weight[f.start + i] += by_two * (s[i] - d[i]);
                    weight[r.start + i] += by_two * (s[i] + d[i]);
                }
            }
        }
    }
    let lines = sums.chunks_exact(k).zip(differences.chunks_exact(k));
    for (term, (s, d)) in op.terms.iter().zip(lines) {
        let a = op.stored(term.a.0, 4 + term.a.1).start;
        let b = term.b.map(|b| op.stored(b.0, 4 + b.1).start);
        for i in 0..k {
            weight[a + i] += by_two * (s[i] + d[i]);
            if let Some(b) = b {
                weight[b + i] += by_two * (s[i] - d[i]);
            }
        }
    }
}
