//! In-silico saturation mutagenesis: the logits of a sequence and of all its mutants of one base, at the cost of what a
//! changed base reaches.
//!
//! On each strand a base lies under w positions of the convolution; where they are, the convolution changes by the
//! difference of two rows of its kernel, and only there the layer of each position is made again, and the maxima of the
//! steps that these positions belong to. The LSTM goes on from the kept state before the first of these steps, in either
//! direction. The first dense layer's sums are those of the sequence, to which the products with the differences of
//! the features are added: about half of the features differ, the later ones of one direction, the earlier ones of the other.
//!
//! Mutants of neighbouring bases go through all this side by side, so weights are read once for many of them and every layer
//! is a matrix product.

mod gates;
mod head;
mod panels;
mod positions;
mod recurrence;
#[cfg(test)]
mod tests;

use super::spec::{Recurrent, Spec};
use crate::engine::real::axpy;
use crate::engine::{Layout, Real};
use head::Head;
use panels::{Panels, Product, Start};
use positions::{Change, Layers, Span, Unchanged, padded};
use recurrence::{Direction, Kept, Order};

const BASES: usize = 4;
/// Mutants that go side by side: enough for the first dense layer's weights to be read rarely, few enough for their states to
/// stay in the second cache.
const BLOCK: usize = 192;

/// A model's parameters as its mutants use them.
pub struct Mutants<T> {
    length: usize,
    tracks: usize,
    meta: usize,
    factors: usize,
    layers: Layers<T>,
    features: Features<T>,
    /// The first dense layer's bias, padded.
    bias: Vec<T>,
    head: Head<T>,
}

/// What becomes of the pooled positions, with the first dense layer's products.
enum Features<T> {
    Lstm(Box<[Direction<T>; 2]>),
    /// (S k, d): the positions as they are.
    Flat(Panels<T>),
}

/// What a strand without changes has.
struct Reference<T> {
    unchanged: Unchanged<T>,
    /// By direction, where there is an LSTM.
    kept: Vec<Kept<T>>,
    /// (D): the first dense layer before its ReLU.
    pre: Vec<T>,
}

/// Working space for a block.
struct Scratch<T> {
    /// Lines of all changes' steps, and of one step the differences that they make.
    pooled: Vec<T>,
    more: Vec<T>,
    /// (n, D): the first dense layer before its ReLU.
    pre: Vec<T>,
}

impl<T: Real> Mutants<T> {
    /// # Panics
    /// When `layout` and `params` are not those of a checked `spec`.
    pub fn new(spec: &Spec, layout: &Layout, params: &[T]) -> Self {
        let of = |name: &str| {
            let param = layout.get(name);
            &params[param.expect("a parameter of the network").range()]
        };
        let (dense, d) = (of("dense_2_W"), spec.dense);
        let direction = |order, units| Direction::new(order, units, of, dense, d);
        let features = match spec.recurrent {
            Recurrent::Units(r) => Features::Lstm(Box::new(
                [Order::Up, Order::Down].map(|order| direction(order, r)),
            )),
            Recurrent::Flatten | Recurrent::GlobalMax => Features::Flat(Panels::of(dense, d)),
        };
        Mutants {
            length: spec.length,
            tracks: spec.tracks.len(),
            meta: spec.meta,
            factors: spec.factors,
            layers: Layers::new(spec, of),
            features,
            bias: padded(of("dense_2_b"), d.next_multiple_of(panels::PANEL)),
            head: Head::new(spec, of),
        }
    }

    /// Logits of a sequence and of all its mutants. `codes` (L): 0 to 3 for A, C, G, T, 4 for none; `tracks` (n, L) and `meta`
    /// (M) may be empty. `reference` (2, F): each strand's logits, forward strand first. `mutants` (L, 4, 2, F): at the base
    /// that is there, and in all four where there is none, the reference's.
    ///
    /// # Panics
    /// When a length does not fit the model.
    pub fn logits(
        &self,
        codes: &[u8],
        tracks: &[T],
        meta: &[T],
        reference: &mut [f64],
        mutants: &mut [f64],
    ) {
        let (length, factors) = (self.length, self.factors);
        assert_eq!(codes.len(), length, "bases");
        assert_eq!(tracks.len(), self.tracks * length, "track values");
        assert_eq!(meta.len(), self.meta, "meta numbers");
        assert_eq!(reference.len(), 2 * factors, "the reference's logits");
        assert_eq!(
            mutants.len(),
            length * BASES * 2 * factors,
            "the mutants' logits"
        );
        let start = self.head.start(meta);
        let strands = [0, 1].map(|s| self.reference(s, codes, tracks));
        for (s, strand) in strands.iter().enumerate() {
            let mut pre = strand.pre.clone();
            let to = &mut reference[s * factors..(s + 1) * factors];
            self.head
                .logits(&start, &mut pre, self.bias.len(), |_, logits| {
                    write(to, logits)
                });
        }
        for mutant in mutants.chunks_exact_mut(2 * factors) {
            mutant.copy_from_slice(reference);
        }
        let mut scratch = Scratch {
            pooled: Vec::new(),
            more: Vec::new(),
            pre: Vec::new(),
        };
        for (s, mut strand) in strands.into_iter().enumerate() {
            let changes = changes(s, codes);
            for block in changes.chunks(BLOCK) {
                let block = self.spans(block);
                self.block(&mut strand, &block, &mut scratch);
                let pre = &mut scratch.pre;
                self.head
                    .logits(&start, pre, self.bias.len(), |line, logits| {
                        let Change { at, to, .. } = block[line].0;
                        let l = [at, length - 1 - at][s];
                        let base = [to, BASES - 1 - to][s];
                        let mutant = ((l * BASES + base) * 2 + s) * factors;
                        write(&mut mutants[mutant..mutant + factors], logits);
                    });
            }
        }
    }

    fn reference(&self, s: usize, codes: &[u8], tracks: &[T]) -> Reference<T> {
        let unchanged = self.layers.unchanged(s, codes, tracks);
        let (pooled, stride) = (&unchanged.pooled, self.layers.stride());
        let mut pre = self.bias.clone();
        let kept = match &self.features {
            Features::Lstm(directions) => {
                let keep = |direction: &Direction<T>| direction.keep(pooled, stride, &mut pre);
                directions.iter().map(keep).collect()
            }
            Features::Flat(dense) => {
                let k = dense.all().len() / self.layers.steps;
                for (step, x) in pooled.chunks_exact(stride).enumerate() {
                    dense.product(Product {
                        rows: step * k..(step + 1) * k,
                        x,
                        x_stride: stride,
                        start: Start::There,
                        y: &mut pre,
                    });
                }
                Vec::new()
            }
        };
        Reference {
            unchanged,
            kept,
            pre,
        }
    }

    /// The changes that reach any step, each with its span.
    fn spans(&self, changes: &[Change]) -> Vec<(Change, Span)> {
        let mut line = 0;
        let of = |&change: &Change| {
            let span = self.layers.span(change.at, line)?;
            line += span.len();
            Some((change, span))
        };
        changes.iter().filter_map(of).collect()
    }

    /// The first dense layer of some changes before its ReLU, (n, D), into `scratch.pre`.
    fn block(&self, strand: &mut Reference<T>, block: &[(Change, Span)], scratch: &mut Scratch<T>) {
        let Scratch { pooled, more, pre } = scratch;
        let stride = self.layers.stride();
        self.layers.changed(&strand.unchanged, block, pooled);
        // From 0 on: added to the sequence's sums one by one, what is small beside them would be rounded away.
        pre.clear();
        pre.resize(block.len() * self.bias.len(), T::ZERO);
        let spans: Vec<Span> = block.iter().map(|&(_, span)| span).collect();
        match &self.features {
            Features::Lstm(directions) => {
                for (direction, kept) in directions.iter().zip(&mut strand.kept) {
                    direction.change(kept, &spans, pooled, stride, pre);
                }
            }
            Features::Flat(dense) => {
                let k = dense.all().len() / self.layers.steps;
                let (lowest, highest) = match (spans.first(), spans.last()) {
                    (Some(lowest), Some(highest)) => (lowest.first, highest.last),
                    _ => return,
                };
                for step in lowest..=highest {
                    // Neighbours, since changes are in the order of their bases.
                    let first = spans.partition_point(|span| span.last < step);
                    let end = spans.partition_point(|span| span.first <= step);
                    let old = &strand.unchanged.pooled[step * stride..][..k];
                    more.clear();
                    for line in spans[first..end].iter().filter_map(|span| span.at(step)) {
                        let new = &pooled[line * stride..][..k];
                        more.extend(new.iter().zip(old).map(|(&new, &old)| new - old));
                    }
                    dense.product(Product {
                        rows: step * k..(step + 1) * k,
                        x: more,
                        x_stride: k,
                        start: Start::There,
                        y: &mut pre[first * self.bias.len()..end * self.bias.len()],
                    });
                }
            }
        }
        for pre in pre.chunks_exact_mut(self.bias.len()) {
            axpy(pre, T::ONE, &strand.pre);
        }
    }
}

/// All changes of a strand, in its own order and bases.
fn changes(s: usize, codes: &[u8]) -> Vec<Change> {
    let base = |code: usize| [code, BASES - 1 - code][s];
    let of = |at: usize| {
        let from = usize::from(codes[[at, codes.len() - 1 - at][s]]);
        let others = (0..BASES).filter(move |&to| from < BASES && to != from);
        others.map(move |to| Change {
            at,
            from: base(from),
            to: base(to),
        })
    };
    (0..codes.len()).flat_map(of).collect()
}

fn write<T: Real>(to: &mut [f64], from: &[T]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = from.f64();
    }
}
