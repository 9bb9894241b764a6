//! What a kind of model gives so that its predictions can be explained.

use super::score::Score;
use crate::Result;
use crate::engine::{Layout, Real, Tape, Var};
use crate::train::model::{Kind, Model, Overall, Processor, Purpose, Recorded, RowShape, Tally};

/// A network whose scores can be traced back to its inputs.
pub trait Explain: Model {
    /// The network but for its numbers, so that two are not taken for one.
    fn description(&self) -> String;

    /// What a score is made of.
    fn score(&self) -> Score;

    /// How many raw values there are per row.
    fn raws(&self) -> usize;

    /// Records the network up to its raw values, from the rows' codes and dense inputs.
    ///
    /// # Errors
    /// A network that cannot be built.
    fn record_raws<T: Real>(&self, tape: &mut Tape<T>) -> Result<Var>;

    /// Records the same with the bases as a dense input (4, L), the first one; the others follow in their order. Parameters have
    /// their names; [`Explain::dense_parameter`] fills them.
    ///
    /// # Errors
    /// A network that cannot be built.
    fn record_dense<T: Real>(&self, tape: &mut Tape<T>) -> Result<Dense>;

    /// Fills a parameter of the dense form, all 0 before, with what the parameter of this name holds.
    fn dense_parameter<T: Real>(&self, _name: &str, values: &[T], to: &mut [T]) {
        to.copy_from_slice(values);
    }

    /// Names of the tracks, which are the first dense input, (n, L).
    fn tracks(&self) -> &[String] {
        &[]
    }

    /// Follows changed bases through the network without running all of it; None: it runs as a whole.
    fn follow<T: Real>(&self, _layout: &Layout, _params: &[T]) -> Option<Box<dyn Follow<T>>> {
        None
    }
}

/// A network whose bases are numbers.
pub struct Dense {
    pub raws: Var,
    /// (4, L)
    pub bases: Var,
    /// (n, L)
    pub tracks: Option<Var>,
}

/// Raw values of a sequence and of all its mutants with one changed base, on one thread.
pub trait Follow<T>: Send + Sync {
    /// `codes` (L), `dense` by dense input. `reference` (R); `mutants` (L, 4, R): at the base that is there, and in all four where
    /// there is none, the reference's.
    fn raws(&self, codes: &[u8], dense: &[Vec<T>], reference: &mut [f64], mutants: &mut [f64]);
}

/// A network that gives its raw values, to run as any other.
pub(super) struct Raw<'a, M>(pub &'a M);

impl<M: Explain> Model for Raw<'_, M> {
    fn kind(&self) -> &'static Kind {
        self.0.kind()
    }

    fn row(&self) -> RowShape {
        RowShape {
            outputs: self.0.raws(),
            ..self.0.row()
        }
    }

    fn record<T: Real>(
        &self,
        tape: &mut Tape<T>,
        _purpose: Purpose,
        _on: Processor,
    ) -> Result<Recorded> {
        Ok(Recorded {
            output: self.0.record_raws(tape)?,
            loss: None,
        })
    }

    /// It is never trained.
    fn tally<T: Real>(&self, _outputs: &[T], _targets: &[f64], _tally: &mut Tally) {}

    fn overall(&self) -> Option<Overall> {
        None
    }

    fn piece_limit(&self, batch: usize) -> usize {
        self.0.piece_limit(batch)
    }

    fn sized(&self) -> String {
        self.0.sized()
    }
}
