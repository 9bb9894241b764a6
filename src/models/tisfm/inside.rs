//! A network of which values on the way to its predictions are looked at.

use super::KIND;
use super::network::Blueprint;
use crate::Result;
use crate::engine::{Real, Tape, Var};
use crate::train::model::{Kind, Model, Overall, Processor, Purpose, Recorded, RowShape, Tally};
use crate::train::observer::{Observable, Observed};

/// Which values these are.
pub(super) trait Values: Sync {
    /// Records the network: its output, and the values.
    ///
    /// # Errors
    /// An architecture that has no such values.
    fn record<T: Real>(&self, blueprint: &Blueprint, tape: &mut Tape<T>)
    -> Result<(Var, Vec<Var>)>;
}

/// In all else it is the network itself.
pub(super) struct Inside<'a, V> {
    pub blueprint: &'a Blueprint,
    pub values: V,
}

impl<V: Values> Model for Inside<'_, V> {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn row(&self) -> RowShape {
        self.blueprint.row()
    }

    fn record<T: Real>(
        &self,
        tape: &mut Tape<T>,
        purpose: Purpose,
        on: Processor,
    ) -> Result<Recorded> {
        self.blueprint.record(tape, purpose, on)
    }

    fn tally<T: Real>(&self, outputs: &[T], targets: &[f64], tally: &mut Tally) {
        self.blueprint.tally(outputs, targets, tally);
    }

    fn overall(&self) -> Option<Overall> {
        self.blueprint.overall()
    }
}

impl<V: Values> Observable for Inside<'_, V> {
    fn record_observed<T: Real>(&self, tape: &mut Tape<T>) -> Result<Observed> {
        let (output, values) = self.values.record(self.blueprint, tape)?;
        values.iter().for_each(|&value| tape.keep(value));
        Ok(Observed { output, values })
    }
}
