//! What follows the pooling: the gate `h = z sigmoid(G z + c)`, where there is one, and the outputs `W h + b`.

use super::parts::{Connected, Parts};
use crate::engine::real::dot;
use crate::engine::simd::{Kernel, Level, dispatch_at, sigmoid};
use crate::engine::{Mat, MatMut, Real, matmul};

/// Weight (outputs, columns) and bias (outputs).
struct Layer<T> {
    weight: Vec<T>,
    bias: Vec<T>,
}

pub struct Head<T> {
    columns: usize,
    gate: Option<Layer<T>>,
    last: Layer<T>,
    /// The same numbers.
    exact: Layer<f64>,
}

impl<T: Real> Layer<T> {
    /// A layer's outputs in `rows` and its inputs in `columns`; zeros where there is none.
    fn new(of: Connected<'_, T>, rows: &[Option<usize>], columns: &[Option<usize>]) -> Self {
        let inputs = of.weight.len() / of.bias.len();
        let weight = |row: &Option<usize>, column: &Option<usize>| {
            row.zip(*column)
                .map_or(T::ZERO, |(r, c)| of.weight[r * inputs + c])
        };
        let line = |row| columns.iter().map(move |column| weight(row, column));
        Layer {
            weight: rows.iter().flat_map(line).collect(),
            bias: rows
                .iter()
                .map(|row| row.map_or(T::ZERO, |r| of.bias[r]))
                .collect(),
        }
    }
}

impl<T: Real> Head<T> {
    /// `order`: the feature of each column.
    pub fn new(parts: &Parts<'_, T>, order: &[Option<usize>]) -> Self {
        let outputs: Vec<_> = (0..parts.last.bias.len()).map(Some).collect();
        let last = Layer::new(parts.last, &outputs, order);
        let doubles = |numbers: &[T]| numbers.iter().map(|x| x.f64()).collect();
        Head {
            columns: order.len(),
            gate: parts.gate.map(|gate| Layer::new(gate, order, order)),
            exact: Layer {
                weight: doubles(&last.weight),
                bias: doubles(&last.bias),
            },
            last,
        }
    }

    /// Of the pooled activities that it reads.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Whether it needs room for gates.
    pub fn gated(&self) -> bool {
        self.gate.is_some()
    }

    /// From rows of pooled activities, which may change, rows of outputs. `gates`: as much room again, where there is a gate.
    pub fn run(&self, level: Level, pooled: &mut [T], gates: &mut [T], found: &mut [f64]) {
        self.open(level, pooled, gates);
        let outputs = Outputs {
            layer: &self.last,
            columns: self.columns,
            pooled,
            found,
        };
        dispatch_at(level, outputs);
    }

    /// [`Head::run`] with the last layer's sums in f64: of rows that differ little the differences of the outputs keep their digits.
    pub fn run_exactly(&self, level: Level, pooled: &mut [T], gates: &mut [T], found: &mut [f64]) {
        self.open(level, pooled, gates);
        let pooled: Vec<f64> = pooled.iter().map(|x| x.f64()).collect();
        let outputs = Outputs {
            layer: &self.exact,
            columns: self.columns,
            pooled: &pooled,
            found,
        };
        dispatch_at(level, outputs);
    }

    /// What enters the last layer, in the place of the pooled activities.
    fn open(&self, level: Level, pooled: &mut [T], gates: &mut [T]) {
        let rows = pooled.len() / self.columns;
        if let Some(gate) = &self.gate {
            let gates = &mut gates[..pooled.len()];
            matmul(
                MatMut::new(gates, rows, self.columns),
                false,
                Mat::new(pooled, rows, self.columns),
                Mat::new(&gate.weight, self.columns, self.columns).t(),
                false,
            );
            let opening = Opening {
                gates,
                bias: &gate.bias,
                pooled,
            };
            dispatch_at(level, opening);
        }
    }
}

/// `z sigmoid(gate + bias)` in the place of z.
struct Opening<'a, T> {
    gates: &'a [T],
    bias: &'a [T],
    pooled: &'a mut [T],
}

impl<T: Real> Kernel for Opening<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(self) {
        let columns = self.bias.len();
        let lines = self.pooled.chunks_exact_mut(columns);
        for (z, gate) in lines.zip(self.gates.chunks_exact(columns)) {
            if let (Some(gate), Some(bias)) = (T::as_f32(gate), T::as_f32(self.bias))
                && let Some(z) = T::as_f32_mut(z)
            {
                for ((z, gate), bias) in z.iter_mut().zip(gate).zip(bias) {
                    *z *= sigmoid::<FMA>(gate + bias);
                }
                continue;
            }
            for ((z, &gate), &bias) in z.iter_mut().zip(gate).zip(self.bias) {
                *z *= (gate + bias).sigmoid();
            }
        }
    }
}

/// The last layer.
struct Outputs<'a, T> {
    layer: &'a Layer<T>,
    columns: usize,
    pooled: &'a [T],
    found: &'a mut [f64],
}

impl<T: Real> Kernel for Outputs<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(self) {
        let outputs = self.layer.bias.len();
        let lines = self.pooled.chunks_exact(self.columns);
        for (z, found) in lines.zip(self.found.chunks_exact_mut(outputs)) {
            let weights = self.layer.weight.chunks_exact(self.columns);
            for ((found, weights), bias) in found.iter_mut().zip(weights).zip(&self.layer.bias) {
                *found = dot(z, weights).f64() + bias.f64();
            }
        }
    }
}
