//! Convolution, per-position layer and pooling: of a strand, and of its changed bases only where they reach.

use super::panels::{Panels, Product, Start};
use crate::engine::Real;
use crate::engine::simd::{Kernel, dispatch};
use crate::models::factornet::Spec;

const BASES: usize = 4;
/// Changed positions whose layer is made at once.
const LINES: usize = 96;

/// The layers' sizes and weights; K is k padded to whole panels, C = 4 + n channels.
pub struct Layers<T> {
    length: usize,
    width: usize,
    pool: usize,
    /// Steps after pooling, S.
    pub steps: usize,
    channels: usize,
    order: Vec<usize>,
    /// (w C, k): row `(j, c)` is `W[w-1-j, 0, c]`.
    kernel: Panels<T>,
    /// (w, 4, K): the same rows of the bases alone.
    bases: Vec<T>,
    bias: Vec<T>,
    layer: Panels<T>,
    layer_bias: Vec<T>,
}

/// What a strand without changes has.
pub struct Unchanged<T> {
    /// (P, K): the convolution before its ReLU.
    sums: Vec<T>,
    /// (S q, K): the layer's maxima over the positions of the same step before this one, and after it; without its bias.
    before: Vec<T>,
    after: Vec<T>,
    /// (S, K)
    pub pooled: Vec<T>,
}

/// A base of a strand and what it becomes, both as the strand reads them.
#[derive(Clone, Copy)]
pub struct Change {
    /// In the strand's own order.
    pub at: usize,
    pub from: usize,
    pub to: usize,
}

/// The steps that a change can reach, both ends included, and the number of its first line among those of all changes.
#[derive(Clone, Copy)]
pub struct Span {
    pub first: usize,
    pub last: usize,
    pub line: usize,
}

impl Span {
    pub fn len(self) -> usize {
        self.last - self.first + 1
    }

    /// The line of a step, where the change reaches it.
    pub fn at(self, step: usize) -> Option<usize> {
        (self.first..=self.last)
            .contains(&step)
            .then(|| self.line + step - self.first)
    }
}

/// `line` and zeros up to `len`.
pub fn padded<T: Real>(line: &[T], len: usize) -> Vec<T> {
    let mut padded = line.to_vec();
    padded.resize(len, T::ZERO);
    padded
}

impl<T: Real> Layers<T> {
    /// `of`: a parameter by its name.
    pub fn new<'a>(spec: &Spec, of: impl Fn(&str) -> &'a [T]) -> Self {
        let (w, k, channels) = (spec.motif_width, spec.kernels, spec.channels());
        let weight = of("convolution1d_1_W");
        let taps: Vec<&[T]> = weight.rchunks_exact(channels * k).collect();
        let rows: Vec<&[T]> = taps.iter().flat_map(|tap| tap.chunks_exact(k)).collect();
        let kernel = Panels::new(rows.into_iter(), k);
        let stride = kernel.stride();
        let bases = taps.iter().flat_map(|tap| tap[..BASES * k].chunks_exact(k));
        Layers {
            length: spec.length,
            width: w,
            pool: spec.pool(),
            steps: spec.pooled(),
            channels,
            order: spec.rc_order.clone(),
            bases: bases.flat_map(|line| padded(line, stride)).collect(),
            bias: padded(of("convolution1d_1_b"), stride),
            layer: Panels::of(of("dense_1_W"), k),
            layer_bias: padded(of("dense_1_b"), stride),
            kernel,
        }
    }

    /// K
    pub fn stride(&self) -> usize {
        self.kernel.stride()
    }

    /// Positions under any step.
    fn used(&self) -> usize {
        self.steps * self.pool
    }

    /// Positions of the convolution whose windows hold a base, of those under any step; none for a base beyond them.
    fn reached(&self, at: usize) -> Option<(usize, usize)> {
        let (first, last) = ((at + 1).saturating_sub(self.width), at.min(self.used() - 1));
        (first < self.used()).then_some((first, last))
    }

    /// The steps that a base can reach, its lines being counted from `line` on.
    pub fn span(&self, at: usize, line: usize) -> Option<Span> {
        let (first, last) = self.reached(at)?;
        Some(Span {
            first: first / self.pool,
            last: last / self.pool,
            line,
        })
    }

    /// Strand `s` of a sequence.
    pub fn unchanged(&self, s: usize, codes: &[u8], tracks: &[T]) -> Unchanged<T> {
        let (stride, pool) = (self.stride(), self.pool);
        let x = self.inputs(s, codes, tracks);
        let positions = self.length - self.width + 1;
        let mut sums = vec![T::ZERO; positions * stride];
        self.kernel.product(Product {
            rows: self.kernel.all(),
            x: &x,
            x_stride: self.channels,
            start: Start::Line(&self.bias),
            y: &mut sums,
        });
        let used = self.used() * stride;
        let hidden: Vec<T> = sums[..used].iter().map(|z| z.max(T::ZERO)).collect();
        let mut layer = vec![T::ZERO; used];
        self.layer(&hidden, &mut layer);
        let mut before = vec![T::NEG_INFINITY; used];
        let mut after = before.clone();
        let mut pooled = Vec::with_capacity(self.steps * stride);
        let steps = before
            .chunks_exact_mut(pool * stride)
            .zip(after.chunks_exact_mut(pool * stride));
        for ((before, after), layer) in steps.zip(layer.chunks_exact(pool * stride)) {
            for at in stride..layer.len() {
                before[at] = before[at - stride].max(layer[at - stride]);
            }
            for at in (stride..layer.len()).rev() {
                after[at - stride] = after[at].max(layer[at]);
            }
            let whole = after[..stride].iter().zip(layer).zip(&self.layer_bias);
            pooled.extend(whole.map(|((&a, &b), &bias)| (a.max(b) + bias).max(T::ZERO)));
        }
        Unchanged {
            sums,
            before,
            after,
            pooled,
        }
    }

    /// (L, C): the strand's one-hot bases and tracks, in its own order.
    fn inputs(&self, s: usize, codes: &[u8], tracks: &[T]) -> Vec<T> {
        let length = self.length;
        let mut x = vec![T::ZERO; length * self.channels];
        for (at, x) in x.chunks_exact_mut(self.channels).enumerate() {
            let l = [at, length - 1 - at][s];
            let code = usize::from(codes[l]);
            if code < BASES {
                x[[code, BASES - 1 - code][s]] = T::ONE;
            }
            for (i, (x, &from)) in x[BASES..].iter_mut().zip(&self.order).enumerate() {
                *x = tracks[[i, from][s] * length + l];
            }
        }
        x
    }

    fn layer(&self, hidden: &[T], y: &mut [T]) {
        self.layer.product(Product {
            rows: self.layer.all(),
            x: hidden,
            x_stride: self.stride(),
            start: Start::Line(&vec![T::ZERO; self.stride()]),
            y,
        });
    }

    /// The pooled lines of changes, each with its span: (lines of all spans, K) into `pooled`.
    pub fn changed(
        &self,
        unchanged: &Unchanged<T>,
        changes: &[(Change, Span)],
        pooled: &mut Vec<T>,
    ) {
        let stride = self.stride();
        let (mut hidden, mut layer) = (Vec::new(), Vec::new());
        let lines = changes.iter().map(|(_, span)| span.len()).sum::<usize>();
        pooled.clear();
        pooled.resize(lines * stride, T::ZERO);
        let mut rest = &mut pooled[..];
        for changes in changes.chunks((LINES / self.width).max(1)) {
            let of =
                |(change, span): &(Change, Span)| Some((*change, *span, self.reached(change.at)?));
            let reached: Vec<_> = changes.iter().filter_map(of).collect();
            let positions = reached.iter().map(|(.., (first, last))| last - first + 1);
            let positions = positions.sum::<usize>() * stride;
            // Written over completely: what is left of before needs no clearing.
            hidden.resize(positions, T::ZERO);
            layer.resize(positions, T::ZERO);
            let mut to = &mut hidden[..];
            for &(change, _, (first, last)) in &reached {
                let (hidden, others) = to.split_at_mut((last - first + 1) * stride);
                to = others;
                dispatch(Hidden {
                    bases: &self.bases,
                    stride,
                    change,
                    first,
                    sums: &unchanged.sums[first * stride..],
                    hidden,
                });
            }
            self.layer(&hidden, &mut layer);
            let mut from = &layer[..];
            for &(_, span, (first, last)) in &reached {
                let (layer, others) = from.split_at((last - first + 1) * stride);
                from = others;
                let (pooled, others) = rest.split_at_mut(span.len() * stride);
                rest = others;
                dispatch(Maxima {
                    unchanged,
                    bias: &self.layer_bias,
                    pool: self.pool,
                    first,
                    layer,
                    span,
                    pooled,
                });
            }
        }
    }
}

/// The convolution behind its ReLU where a change reaches it, positions from `first` on.
struct Hidden<'a, T> {
    bases: &'a [T],
    stride: usize,
    change: Change,
    first: usize,
    sums: &'a [T],
    hidden: &'a mut [T],
}

impl<T: Real> Kernel for Hidden<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(self) {
        let stride = self.stride;
        let lines = self.hidden.chunks_exact_mut(stride);
        for (i, (hidden, sums)) in lines.zip(self.sums.chunks_exact(stride)).enumerate() {
            let tap = self.change.at - self.first - i;
            let line = |base: usize| &self.bases[(tap * BASES + base) * stride..][..stride];
            let (old, new) = (line(self.change.from), line(self.change.to));
            for c in 0..stride {
                let x = sums[c] + (new[c] - old[c]);
                hidden[c] = if x > T::ZERO { x } else { T::ZERO };
            }
        }
    }
}

/// The steps of a change: maxima of its positions, `layer` from position `first` on, and of the others, behind bias and ReLU.
struct Maxima<'a, T> {
    unchanged: &'a Unchanged<T>,
    bias: &'a [T],
    pool: usize,
    first: usize,
    layer: &'a [T],
    span: Span,
    pooled: &'a mut [T],
}

impl<T: Real> Kernel for Maxima<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(self) {
        let stride = self.bias.len();
        let end = self.first + self.layer.len() / stride;
        for (i, best) in self.pooled.chunks_exact_mut(stride).enumerate() {
            let step = self.span.first + i;
            let first = self.first.max(step * self.pool);
            let end = end.min((step + 1) * self.pool);
            let before = &self.unchanged.before[first * stride..][..stride];
            let after = &self.unchanged.after[(end - 1) * stride..][..stride];
            for c in 0..stride {
                best[c] = if before[c] > after[c] {
                    before[c]
                } else {
                    after[c]
                };
            }
            let layer = &self.layer[(first - self.first) * stride..(end - self.first) * stride];
            for layer in layer.chunks_exact(stride) {
                for c in 0..stride {
                    best[c] = if layer[c] > best[c] {
                        layer[c]
                    } else {
                        best[c]
                    };
                }
            }
            for (best, &bias) in best.iter_mut().zip(self.bias) {
                let x = *best + bias;
                *best = if x > T::ZERO { x } else { T::ZERO };
            }
        }
    }
}
