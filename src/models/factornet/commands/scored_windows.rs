//! Windows of the genome's grid, scored by a network and by simple rules, and what peaks say of them.

use crate::Result;
use crate::data::windows::bins::State;
use crate::models::factornet::Spec;
use crate::models::factornet::baselines::{Rule, score};
use crate::models::factornet::samples::Sample;
use crate::models::factornet::samples::inputs::Inputs;
use crate::models::factornet::samples::placing::Placer;
use crate::report::progress::Bar;
use crate::train::folder::weights::Number;
use crate::train::predictor::{BLOCK, Predictor};
use std::collections::HashMap;

/// Chromosome and first base.
pub(super) type Window = (u32, u32);

/// A network that scores windows of a cell line, which the placer names.
pub(super) struct Scorer<'a, 'p, T: Number> {
    pub predictor: &'p mut Predictor<'a, T, Inputs>,
    pub network: &'p Spec,
    pub inputs: &'p Inputs,
    pub placer: Placer<'p>,
    pub bar: &'p Bar,
}

impl<T: Number> Scorer<'_, '_, T> {
    /// Adds the scores of windows to those of `rules`, and gives `each` the probabilities of each window, factor by factor.
    ///
    /// # Errors
    /// Those of [`Predictor::predict`].
    pub fn score(
        &mut self,
        windows: &[Window],
        rules: &mut [Rule],
        mut each: impl FnMut(&[T]),
    ) -> Result<()> {
        for block in windows.chunks(BLOCK) {
            let windows = block.iter().map(|&window| self.placer.window(window));
            let samples: Vec<Sample> = windows.collect();
            let bar = self.bar;
            let found = self.predictor.predict(&samples, |n| bar.advance(n))?;
            if !rules.is_empty() {
                score(rules, self.network, self.inputs, &samples);
            }
            found.chunks(self.network.factors).for_each(&mut each);
        }
        Ok(())
    }
}

/// Those of some windows of which it is known whether a factor binds them.
pub(super) struct Known {
    /// Ascending.
    places: Vec<usize>,
    /// True where it is bound.
    pub labels: Vec<bool>,
}

impl Known {
    pub fn new(states: impl Iterator<Item = State>) -> Known {
        let known = states.enumerate().filter(|(_, s)| *s != State::Ambiguous);
        let (places, labels) = known.map(|(i, s)| (i, s == State::Bound)).unzip();
        Known { places, labels }
    }

    /// Their part of what there is for each window.
    pub fn of<V: Copy>(&self, all: &[V]) -> Vec<V> {
        self.places.iter().map(|&place| all[place]).collect()
    }
}

/// By window the number of its stretch of the genome, in the order of their first windows.
pub(super) fn stretches(windows: impl Iterator<Item = Window>, bases: u32) -> Vec<u32> {
    let mut numbers: HashMap<(u32, u32), u32> = HashMap::new();
    let mut stretch = |(chromosome, start): Window| {
        let next = numbers.len() as u32;
        *numbers.entry((chromosome, start / bases)).or_insert(next)
    };
    windows.map(&mut stretch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_a_stretch_have_its_number_wherever_they_stand() {
        let windows = [(0, 50), (0, 950), (0, 1000), (1, 50), (0, 100), (0, 1999)];
        let found = stretches(windows.into_iter(), 1000);
        assert_eq!(found, [0, 0, 1, 2, 0, 1]);
    }

    #[test]
    fn what_is_ambiguous_is_left_out() {
        let states = [State::Bound, State::Ambiguous, State::Unbound];
        let known = Known::new(states.into_iter());
        assert_eq!(known.labels, [true, false]);
        assert_eq!(known.of(&[5, 6, 7]), [5, 7]);
    }
}
