//! What enters the last layer of a model, sequence by sequence: the motifs' activities, behind the gate where there is one.

use super::build::BuiltGate;
use super::inside::{Inside, Values};
use super::network::{Blueprint, Network};
use super::samples::Rows;
use super::saved::SavedModel;
use crate::engine::memory::{self, Bytes};
use crate::engine::{Batch, Device, Real, Tape, Var};
use crate::train::batch::Source;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::model::Lowering;
use crate::train::observer::{Reduce, observe};
use crate::{Error, Result};
use std::ops::Range;

/// Numbers of a table, rows x columns, row-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub columns: usize,
    pub values: Vec<f64>,
}

impl Table {
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns.max(1)
    }

    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }

    /// The mean of each column.
    pub fn means(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.columns];
        for row in self.values.chunks_exact(self.columns.max(1)) {
            sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
        let rows = self.rows().max(1) as f64;
        sums.iter().map(|sum| sum / rows).collect()
    }

    /// The standard deviation of each column over these rows, all of them (by their number).
    pub fn deviations(&self) -> Vec<f64> {
        let means = self.means();
        let mut squares = vec![0.0; self.columns];
        for row in self.values.chunks_exact(self.columns.max(1)) {
            let cells = squares.iter_mut().zip(row.iter().zip(&means));
            cells.for_each(|(sum, (x, mean))| *sum += (x - mean) * (x - mean));
        }
        let rows = self.rows().max(1) as f64;
        squares.iter().map(|sum| (sum / rows).sqrt()).collect()
    }
}

/// What a model computes of sequences on the way to its predictions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Activities {
    /// Sequences x features of the last layer, in its order, pads among them.
    pub features: Table,
    /// Sequences x outputs.
    pub predictions: Table,
    /// What each gate reads, sequences x its inputs; the layer's name.
    pub gates: Vec<(String, Table)>,
}

/// What enters the last layer, the output, and what each gate reads.
struct LastLayer;

/// The values, and which gates they are of.
struct Kept {
    output: Var,
    features: Var,
    gates: Vec<BuiltGate>,
}

/// # Errors
/// An architecture without a linear output layer.
fn kept<T: Real>(blueprint: &Blueprint, tape: &mut Tape<T>) -> Result<Kept> {
    let built = blueprint.build(tape, Lowering::Fused)?;
    let features = built
        .last_input
        .ok_or_else(|| Error::invalid("the architecture has no linear output layer"))?;
    Ok(Kept {
        output: built.output,
        features,
        gates: built.gates,
    })
}

fn inside(blueprint: &Blueprint) -> Inside<'_, LastLayer> {
    Inside {
        blueprint,
        values: LastLayer,
    }
}

impl Values for LastLayer {
    fn record<T: Real>(
        &self,
        blueprint: &Blueprint,
        tape: &mut Tape<T>,
    ) -> Result<(Var, Vec<Var>)> {
        let kept = kept(blueprint, tape)?;
        let gates = kept.gates.iter().map(|gate| gate.input);
        let values = [kept.features, kept.output].into_iter().chain(gates);
        Ok((kept.output, values.collect()))
    }
}

impl SavedModel {
    /// What the model computes of rows; `seen` hears how many each batch had.
    ///
    /// # Errors
    /// Sequences of another length; weights of another architecture; an architecture without a linear output layer; numbers that do
    /// not fit into memory; the device fails.
    pub fn activities(
        &self,
        device: &Device,
        precision: Precision,
        samples: Rows<'_>,
        rows: &[usize],
        batch_size: usize,
        seen: impl Fn(usize),
    ) -> Result<Activities> {
        self.check_length(samples.length)?;
        match precision {
            Precision::F64 => {
                self.watched::<f64>(device, precision, samples, rows, batch_size, seen)
            }
            Precision::F32 | Precision::Bf16 => {
                self.watched::<f32>(device, precision, samples, rows, batch_size, seen)
            }
        }
    }

    fn watched<T: Number>(
        &self,
        device: &Device,
        precision: Precision,
        samples: Rows<'_>,
        rows: &[usize],
        batch_size: usize,
        seen: impl Fn(usize),
    ) -> Result<Activities> {
        let blueprint = self.config.model.blueprint();
        let network = Network::<T>::from_state_dict(blueprint, &self.weights, &self.file)?;
        let inside = inside(&network.blueprint);
        let mut tape = Tape::<T>::new(false);
        let kept = kept(&network.blueprint, &mut tape)?;
        let gates = kept.gates.iter().map(|gate| gate.input);
        let values = [kept.features, kept.output].into_iter().chain(gates);
        let widths: Vec<usize> = values.map(|value| tape.len(value)).collect();
        let bytes = Bytes::of::<f64>(&[rows.len(), widths.iter().sum()]);
        memory::check(format!("activities of {} sequences", rows.len()), bytes)?;
        let mut found = Found(vec![Vec::new(); widths.len()]);
        observe(
            device,
            precision,
            &inside,
            &network.params,
            rows,
            batch_size,
            &samples,
            &mut found,
            seen,
        )?;
        let mut tables = found.0.into_iter().zip(widths);
        let mut table = || {
            let (values, columns) = tables.next().unwrap_or_default();
            Table { columns, values }
        };
        Ok(Activities {
            features: table(),
            predictions: table(),
            gates: kept
                .gates
                .into_iter()
                .map(|gate| (gate.layer, table()))
                .collect(),
        })
    }
}

/// What enters the last layer of a network, samples x its inputs, and its predictions.
///
/// # Errors
/// An architecture without a linear output layer; the device fails; [`Error::Interrupted`].
pub fn features<T: Number, S: Source>(
    network: &Network<T>,
    device: &Device,
    precision: Precision,
    source: &S,
    samples: &[S::Sample],
    batch_size: usize,
) -> Result<[Table; 2]> {
    let inside = inside(&network.blueprint);
    let mut tape = Tape::<T>::new(false);
    let kept = kept(&network.blueprint, &mut tape)?;
    let widths = [kept.features, kept.output].map(|value| tape.len(value));
    let mut found = Found(vec![Vec::new(); widths.len() + kept.gates.len()]);
    observe(
        device,
        precision,
        &inside,
        &network.params,
        samples,
        batch_size,
        source,
        &mut found,
        |_| {},
    )?;
    let mut values = found.0.into_iter();
    Ok(widths.map(|columns| Table {
        columns,
        values: values.next().unwrap_or_default(),
    }))
}

/// The numbers of each value, in the samples' order.
struct Found(Vec<Vec<f64>>);

impl Reduce for Found {
    type Part = Vec<Vec<f64>>;

    fn part<T: Real>(
        &self,
        _: &Batch<'_, T>,
        _: usize,
        _: Range<usize>,
        values: &[&[T]],
    ) -> Self::Part {
        let numbers = |values: &&[T]| values.iter().map(|x| x.f64()).collect();
        values.iter().map(numbers).collect()
    }

    fn merge(&mut self, part: Self::Part) {
        let tables = self.0.iter_mut().zip(part);
        tables.for_each(|(table, part)| table.extend(part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_deviations_are_by_column() {
        let table = Table {
            columns: 2,
            values: vec![1.0, 5.0, 3.0, 5.0, 8.0, 5.0],
        };
        assert_eq!((table.rows(), table.row(1)), (3, &[3.0, 5.0][..]));
        assert_eq!(table.means(), [4.0, 5.0]);
        assert_eq!(table.deviations(), [(26.0_f64 / 3.0).sqrt(), 0.0]);
    }
}
