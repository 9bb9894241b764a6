//! tiSFM's network as explanations take it.

use super::build::build_from_bases;
use super::mutants::Mutants;
use super::network::Blueprint;
use crate::Result;
use crate::attribution::network::{Dense, Explain, Follow};
use crate::attribution::score::Score;
use crate::engine::{Layout, Real, Tape, Var};
use crate::train::model::Lowering;

impl Explain for Blueprint {
    fn description(&self) -> String {
        let sizes = &self.dimensions;
        let spec = self.spec.to_toml().unwrap_or_default();
        format!("{spec} {} {}", sizes.window, sizes.outputs)
    }

    fn score(&self) -> Score {
        Score::Mean
    }

    fn raws(&self) -> usize {
        self.dimensions.outputs
    }

    fn record_raws<T: Real>(&self, tape: &mut Tape<T>) -> Result<Var> {
        Ok(self.build(tape, Lowering::Fused)?.output)
    }

    fn record_dense<T: Real>(&self, tape: &mut Tape<T>) -> Result<Dense> {
        let bases = tape.dense_input(&[4, self.dimensions.window]);
        let built = build_from_bases(
            tape,
            &self.spec,
            &self.dimensions,
            self.kernels.as_ref(),
            bases,
        )?;
        Ok(Dense {
            raws: built.output,
            bases,
            tracks: None,
        })
    }

    fn follow<T: Real>(&self, layout: &Layout, params: &[T]) -> Option<Box<dyn Follow<T>>> {
        let mutants = Mutants::new(self, layout, params)?;
        Some(Box::new(mutants))
    }
}

impl<T: Real> Follow<T> for Mutants<T> {
    fn raws(&self, codes: &[u8], _dense: &[Vec<T>], reference: &mut [f64], mutants: &mut [f64]) {
        self.outputs(codes, reference, mutants);
    }
}
