//! What a motif does wherever it lies: its sequence is put into many backgrounds, and the scores' changes are averaged (marginalization).

use super::edits::{Change, Edited};
use super::explainer::Explainer;
use super::network::Explain;
use super::subjects::{Subject, Subjects};
use crate::Result;
use crate::dna::bases::{N, reverse_complement};
use crate::train::folder::weights::Number;
use std::sync::Arc;

/// A sequence that is put into others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insert {
    pub name: String,
    /// As it is on the forward strand.
    pub codes: Vec<u8>,
}

impl Insert {
    pub fn reversed(&self) -> Vec<u8> {
        let mut codes = self.codes.clone();
        reverse_complement(&mut codes);
        codes
    }
}

/// The change of a score over backgrounds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Effect {
    count: f64,
    pub mean: f64,
    squares: f64,
}

impl Effect {
    /// Welford 1962.
    fn add(&mut self, x: f64) {
        self.count += 1.0;
        let before = x - self.mean;
        self.mean += before / self.count;
        self.squares += before * (x - self.mean);
    }

    /// The standard deviation over the backgrounds; none of one background.
    pub fn deviation(&self) -> Option<f64> {
        (self.count > 1.0).then(|| (self.squares / (self.count - 1.0)).sqrt())
    }

    pub fn count(&self) -> usize {
        self.count as usize
    }
}

/// On the forward strand, on the other one, and the mean of both.
pub type ByStrand = [Effect; 3];

/// What was found, by output.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects {
    /// The backgrounds' own scores.
    pub backgrounds: Vec<Effect>,
    /// By insert, then by output.
    pub inserts: Vec<Vec<ByStrand>>,
}

/// Two inserts at a distance: what both do beyond what each does at its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spacing {
    /// Bases between the two.
    pub distance: usize,
    /// The strands of the two: true for the forward one.
    pub forward: [bool; 2],
}

/// `codes` with others in their place from `start` on; where these have an N, and past the end, what is there stays.
fn with(codes: &[u8], start: usize, insert: &[u8]) -> Vec<u8> {
    let mut codes = codes.to_vec();
    let pairs = codes.iter_mut().skip(start).zip(insert);
    for (to, code) in pairs.filter(|(_, code)| **code < N) {
        *to = *code;
    }
    codes
}

/// Where an insert begins whose middle is that of a sequence.
pub fn middle(length: usize, insert: &Insert) -> usize {
    (length / 2).saturating_sub(insert.codes.len() / 2)
}

fn edited(subject: &Arc<Subject>, codes: Vec<u8>) -> Edited {
    Edited {
        subject: Arc::clone(subject),
        change: Change::Bases(codes.into()),
    }
}

fn plain(subject: &Arc<Subject>) -> Edited {
    Edited {
        subject: Arc::clone(subject),
        change: Change::Nothing,
    }
}

impl<T: Number, M: Explain> Explainer<'_, T, M> {
    /// Each insert in the middle of each background, on both strands; `seen` hears of each background.
    ///
    /// # Errors
    /// The device fails; [`crate::Error::Interrupted`].
    pub fn marginal(
        &mut self,
        backgrounds: &dyn Subjects,
        rows: &[usize],
        inserts: &[Insert],
        seen: impl Fn(usize),
    ) -> Result<Effects> {
        let mut effects = Effects::default();
        for &row in rows {
            let subject = Arc::new(backgrounds.subject(row));
            let mut sequences = vec![plain(&subject)];
            for insert in inserts {
                let start = middle(subject.codes.len(), insert);
                for codes in [insert.codes.clone(), insert.reversed()] {
                    sequences.push(edited(&subject, with(&subject.codes, start, &codes)));
                }
            }
            let scores = self.scores(&sequences)?;
            let width = scores.len() / sequences.len();
            effects.backgrounds.resize(width, Effect::default());
            let empty = vec![ByStrand::default(); width];
            effects.inserts.resize(inserts.len(), empty);
            let (own, others) = scores.split_at(width);
            for (effect, score) in effects.backgrounds.iter_mut().zip(own) {
                effect.add(*score);
            }
            for (effects, scores) in effects.inserts.iter_mut().zip(others.chunks(2 * width)) {
                for (output, effects) in effects.iter_mut().enumerate() {
                    let [forward, reverse] = [0, width].map(|at| scores[at + output] - own[output]);
                    let changes = [forward, reverse, (forward + reverse) / 2.0];
                    effects.iter_mut().zip(changes).for_each(|(e, x)| e.add(x));
                }
            }
            seen(1);
        }
        Ok(effects)
    }

    /// The first insert in the middle of each background and the second behind it, at every distance up to `most`, on all strands: by
    /// spacing and output the change that both make, what of it is more than the changes that each makes alone at its place, and these two.
    ///
    /// # Errors
    /// The device fails; [`crate::Error::Interrupted`].
    pub fn spacings(
        &mut self,
        backgrounds: &dyn Subjects,
        rows: &[usize],
        pair: &[Insert; 2],
        most: usize,
        seen: impl Fn(usize),
    ) -> Result<Vec<(Spacing, Vec<[Effect; 4]>)>> {
        const STRANDS: [[bool; 2]; 4] =
            [[true, true], [true, false], [false, true], [false, false]];
        let on = |insert: &Insert, forward: bool| match forward {
            true => insert.codes.clone(),
            false => insert.reversed(),
        };
        let spacings =
            (0..=most).flat_map(|distance| STRANDS.map(|forward| Spacing { distance, forward }));
        let mut found: Vec<(Spacing, Vec<[Effect; 4]>)> =
            spacings.map(|spacing| (spacing, Vec::new())).collect();
        for &row in rows {
            let subject = Arc::new(backgrounds.subject(row));
            let codes = &subject.codes;
            let first = middle(codes.len(), &pair[0]);
            let second = |distance: usize| first + pair[0].codes.len() + distance;
            let mut sequences = vec![plain(&subject)];
            for forward in [true, false] {
                sequences.push(edited(&subject, with(codes, first, &on(&pair[0], forward))));
            }
            for distance in 0..=most {
                for forward in [true, false] {
                    let alone = with(codes, second(distance), &on(&pair[1], forward));
                    sequences.push(edited(&subject, alone));
                }
            }
            for (spacing, _) in &found {
                let one = with(codes, first, &on(&pair[0], spacing.forward[0]));
                let both = with(
                    &one,
                    second(spacing.distance),
                    &on(&pair[1], spacing.forward[1]),
                );
                sequences.push(edited(&subject, both));
            }
            let scores = self.scores(&sequences)?;
            let width = scores.len() / sequences.len();
            let of = |at: usize| &scores[at * width..(at + 1) * width];
            let backward = |forward: bool| usize::from(!forward);
            for (place, (spacing, effects)) in found.iter_mut().enumerate() {
                effects.resize(width, [Effect::default(); 4]);
                let a = of(1 + backward(spacing.forward[0]));
                let b = of(3 + 2 * spacing.distance + backward(spacing.forward[1]));
                let both = of(3 + 2 * (most + 1) + place);
                for (output, effects) in effects.iter_mut().enumerate() {
                    let plain = of(0)[output];
                    let together = both[output] - plain;
                    let (a, b) = (a[output] - plain, b[output] - plain);
                    let changes = [together, together - (a + b), a, b];
                    effects.iter_mut().zip(changes).for_each(|(e, x)| e.add(x));
                }
            }
            seen(1);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_are_means_and_deviations() {
        let mut effect = Effect::default();
        assert_eq!(effect.deviation(), None);
        [1.0, 2.0, 6.0].into_iter().for_each(|x| effect.add(x));
        assert_eq!((effect.mean, effect.count()), (3.0, 3));
        assert!((effect.deviation().unwrap() - 7.0f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn inserts_end_with_the_sequence() {
        assert_eq!(with(&[0, 0, 0, 0], 2, &[1, 2, 3]), [0, 0, 1, 2]);
        assert_eq!(with(&[0, 0, 0, 0], 0, &[1, 4, 3]), [1, 0, 3, 0]);
        let insert = Insert {
            name: "m".into(),
            codes: vec![0, 1, 1],
        };
        assert_eq!(insert.reversed(), [2, 2, 3]);
    }
}
