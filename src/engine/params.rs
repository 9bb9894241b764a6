//! Parameters: names (the original projects' state-dict names), shapes, initialisers, and where
//! each lies in one flat array of values.

use super::{Philox, Real};
use std::sync::Arc;

/// How a parameter starts.
#[derive(Clone, Debug)]
pub enum Init {
    Constant(f64),
    /// Uniform in ±bound.
    Uniform(f64),
    /// Normal with mean 0 and this standard deviation.
    Normal(f64),
    /// Given numbers: motif kernels, calibrated scales.
    Values(Arc<Vec<f64>>),
}

/// What the optimizer and the state dict make of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Weight,
    /// State that training updates without a gradient (running statistics).
    Buffer,
    /// As `Buffer`, written as an i64 scalar.
    Counter,
}

#[derive(Clone, Debug)]
pub struct Param {
    pub name: String,
    pub shape: Vec<usize>,
    pub init: Init,
    pub role: Role,
    pub trainable: bool,
    /// A gradient reaches it: set when the program is planned.
    pub used: bool,
    /// Which of its elements move together, where not each moves by itself.
    pub ties: Option<Arc<Ties>>,
    pub offset: usize,
}

/// Elements of a parameter that move together in pairs, alone, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ties {
    /// By element: the one that gets the same gradient, the mean of both; itself where it moves alone; [`Ties::RESTS`].
    partners: Vec<u32>,
}

impl Ties {
    /// An element that does not move.
    pub const RESTS: u32 = u32::MAX;

    /// # Panics
    /// When an element's partner has another partner, or is none of the elements.
    pub fn new(partners: Vec<u32>) -> Self {
        for (element, &partner) in partners.iter().enumerate() {
            let back = partners.get(partner as usize).map(|&back| back as usize);
            assert!(
                partner == Self::RESTS || back == Some(element),
                "element {element} is tied to {partner}, and that to {back:?}"
            );
        }
        Ties { partners }
    }

    pub fn partners(&self) -> &[u32] {
        &self.partners
    }

    /// The first element that is not what its tie says: another number than its partner, or at rest and not 0 (which weight decay
    /// would move).
    pub fn broken<T: Real>(&self, values: &[T]) -> Option<usize> {
        let broken = |(element, &partner): (usize, &u32)| match partner {
            Self::RESTS => values[element] != T::ZERO,
            partner => values[element] != values[partner as usize],
        };
        self.partners.iter().enumerate().position(broken)
    }
}

impl Param {
    pub fn len(&self) -> usize {
        elements(&self.shape)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset.saturating_add(self.len())
    }

    /// The optimizer moves it: trainable, and a gradient reaches it.
    pub fn learns(&self) -> bool {
        self.trainable && self.used && self.role == Role::Weight
    }
}

/// Elements of a shape; the largest number where there are more, so that what follows from a size that no memory has room
/// for is counted and refused, and does not wrap around.
pub fn elements(shape: &[usize]) -> usize {
    shape.iter().fold(1, |count, &n| count.saturating_mul(n))
}

/// All parameters of a model, in order of declaration.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    pub params: Vec<Param>,
}

impl Layout {
    pub fn len(&self) -> usize {
        self.params.last().map_or(0, |p| p.range().end)
    }

    pub fn is_empty(&self) -> bool {
        self.params.is_empty()
    }

    pub fn get(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|p| p.name == name)
    }

    /// Fresh values, each parameter from its own stream of the seed.
    pub fn initialise<T: Real>(&self, seed: u64) -> Vec<T> {
        let philox = Philox::new(seed);
        let mut values = Vec::with_capacity(self.len());
        for (index, param) in self.params.iter().enumerate() {
            let stream = STREAM_INIT + index as u64;
            let n = param.len() as u64;
            match &param.init {
                Init::Constant(c) => values.extend((0..n).map(|_| T::of(*c))),
                Init::Uniform(bound) => values
                    .extend((0..n).map(|i| T::of(bound * (2.0 * philox.uniform(stream, i) - 1.0)))),
                Init::Normal(std) => {
                    values.extend((0..n).map(|i| T::of(std * philox.normal(stream, i))))
                }
                Init::Values(given) => {
                    assert_eq!(given.len(), param.len(), "{}: initial values", param.name);
                    values.extend(given.iter().map(|&v| T::of(v)));
                }
            }
        }
        values
    }
}

/// Random streams by purpose: a seed's streams never meet.
pub const STREAM_INIT: u64 = 1 << 40;
pub const STREAM_SHUFFLE: u64 = 2 << 40;
pub const STREAM_SPLIT: u64 = 3 << 40;
pub const STREAM_DROPOUT: u64 = 4 << 40;
pub const STREAM_SIMULATE: u64 = 5 << 40;
pub const STREAM_SAMPLES: u64 = 6 << 40;
