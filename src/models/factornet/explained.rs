//! FactorNet's network as explanations take it: its raw values are both strands' logits.

use super::build::{KERNELS, Masking, build, build_from_bases, kernels_from_bases};
use super::mutants::Mutants;
use super::spec::Spec;
use crate::Result;
use crate::attribution::network::{Dense, Explain, Follow};
use crate::attribution::score::Score;
use crate::engine::{Layout, Real, Tape, Var};
use crate::train::model::Lowering;

impl Explain for Spec {
    fn description(&self) -> String {
        format!("{self:?}")
    }

    fn score(&self) -> Score {
        Score::LogitOfMean { strands: 2 }
    }

    fn raws(&self) -> usize {
        2 * self.factors
    }

    fn record_raws<T: Real>(&self, tape: &mut Tape<T>) -> Result<Var> {
        Ok(build(tape, self, Lowering::Fused, Masking::Drawn).logits)
    }

    fn record_dense<T: Real>(&self, tape: &mut Tape<T>) -> Result<Dense> {
        Ok(build_from_bases(tape, self))
    }

    fn dense_parameter<T: Real>(&self, name: &str, values: &[T], to: &mut [T]) {
        match name {
            KERNELS => kernels_from_bases(self, values, to),
            _ => to.copy_from_slice(values),
        }
    }

    fn tracks(&self) -> &[String] {
        &self.tracks
    }

    fn follow<T: Real>(&self, layout: &Layout, params: &[T]) -> Option<Box<dyn Follow<T>>> {
        Some(Box::new(Followed {
            mutants: Mutants::new(self, layout, params),
            tracks: !self.tracks.is_empty(),
        }))
    }
}

struct Followed<T> {
    mutants: Mutants<T>,
    /// The first dense input is tracks.
    tracks: bool,
}

impl<T: Real> Follow<T> for Followed<T> {
    fn raws(&self, codes: &[u8], dense: &[Vec<T>], reference: &mut [f64], mutants: &mut [f64]) {
        let mut inputs = dense.iter().map(Vec::as_slice);
        let tracks = inputs.next().filter(|_| self.tracks);
        let meta = if self.tracks {
            inputs.next()
        } else {
            dense.first().map(Vec::as_slice)
        };
        let (tracks, meta) = (tracks.unwrap_or_default(), meta.unwrap_or_default());
        self.mutants.logits(codes, tracks, meta, reference, mutants);
    }
}
