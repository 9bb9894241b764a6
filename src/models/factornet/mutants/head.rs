//! The dense layers behind the features.

use super::panels::{Panels, Product, Start};
use super::positions::padded;
use crate::engine::Real;
use crate::engine::real::axpy;
use crate::models::factornet::Spec;

/// From the first dense layer's sums to the logits; D is d padded to whole panels.
pub struct Head<T> {
    meta: Option<Joined<T>>,
    /// (d, F)
    last: Panels<T>,
    bias: Vec<T>,
    factors: usize,
}

/// The dense layer after the meta numbers.
struct Joined<T> {
    /// (d, d)
    dense: Panels<T>,
    /// (M, d)
    meta: Vec<T>,
    bias: Vec<T>,
}

impl<T: Real> Head<T> {
    /// `of`: a parameter by its name.
    pub fn new<'a>(spec: &Spec, of: impl Fn(&str) -> &'a [T]) -> Self {
        let d = spec.dense;
        let (meta, last) = if spec.meta > 0 {
            let (dense, meta) = of("dense_3_W").split_at(d * d);
            let dense = Panels::of(dense, d);
            let bias = padded(of("dense_3_b"), dense.stride());
            let meta = meta.to_vec();
            (Some(Joined { dense, meta, bias }), "dense_4")
        } else {
            (None, "dense_3")
        };
        let panels = Panels::of(of(&format!("{last}_W")), spec.factors);
        Head {
            meta,
            bias: padded(of(&format!("{last}_b")), panels.stride()),
            last: panels,
            factors: spec.factors,
        }
    }

    /// What the second dense layer adds up from: its bias and the meta numbers' part, padded.
    pub fn start(&self, meta: &[T]) -> Vec<T> {
        let Some(joined) = &self.meta else {
            return Vec::new();
        };
        let mut start = joined.bias.clone();
        let d = joined.meta.len() / meta.len();
        for (&x, line) in meta.iter().zip(joined.meta.chunks_exact(d)) {
            axpy(&mut start[..d], x, line);
        }
        start
    }

    /// Logits of lines `pre` (n, D), the first dense layer before its ReLU: by line F numbers.
    pub fn logits(
        &self,
        start: &[T],
        pre: &mut [T],
        stride: usize,
        mut each: impl FnMut(usize, &[T]),
    ) {
        let relu = |lines: &mut [T]| lines.iter_mut().for_each(|x| *x = x.max(T::ZERO));
        relu(pre);
        let mut joined = Vec::new();
        let x = match &self.meta {
            None => &*pre,
            Some(layer) => {
                joined.resize(pre.len(), T::ZERO);
                layer.dense.product(Product {
                    rows: layer.dense.all(),
                    x: pre,
                    x_stride: stride,
                    start: Start::Line(start),
                    y: &mut joined,
                });
                relu(&mut joined);
                &joined
            }
        };
        let mut y = vec![T::ZERO; x.len() / stride * self.last.stride()];
        self.last.product(Product {
            rows: self.last.all(),
            x,
            x_stride: stride,
            start: Start::Line(&self.bias),
            y: &mut y,
        });
        for (line, y) in y.chunks_exact(self.last.stride()).enumerate() {
            each(line, &y[..self.factors]);
        }
    }
}
