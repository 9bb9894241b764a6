//! One feature after the other in f64, for numbers of any size: the running sums carry their largest exponent with them.

use super::{OTHERS, others, reached};
use crate::engine::Real;
use std::ops::Range;

/// A channel of the motif layer.
pub struct Strand {
    /// Where in a window its first column lies.
    pub start: usize,
    /// Weights by code, 0 for none of the bases.
    pub columns: Vec<[f64; 5]>,
    /// What the positions add to the score, by window.
    pub position: Vec<f64>,
    pub scale: f64,
    pub bias: f64,
}

/// What is pooled into one number.
pub struct Feature {
    pub pool: f64,
    pub strands: Vec<Strand>,
}

impl Strand {
    pub fn windows(&self) -> usize {
        self.position.len()
    }

    /// The windows that read this base.
    fn reached(&self, base: usize) -> Range<usize> {
        reached(self.windows(), self.start, self.columns.len(), base)
    }

    fn score(&self, codes: &[u8], window: usize) -> f64 {
        let codes = &codes[window + self.start..];
        let columns = self.columns.iter().zip(codes);
        let bases: f64 = columns
            .map(|(column, &code)| column[usize::from(code.min(4))])
            .sum();
        bases + self.position[window]
    }

    fn activity(&self, score: f64) -> f64 {
        (self.scale * score + self.bias).sigmoid()
    }
}

/// `z = sum exp(w g - largest)` and `sum = sum exp(w g - largest) g` over some windows, of which `largest` is the largest `w g`.
#[derive(Clone, Copy)]
struct Sums {
    largest: f64,
    z: f64,
    sum: f64,
}

impl Sums {
    const NONE: Sums = Sums {
        largest: f64::NEG_INFINITY,
        z: 0.0,
        sum: 0.0,
    };

    /// Of one window.
    fn of(pool: f64, activity: f64) -> Self {
        Sums {
            largest: pool * activity,
            z: 1.0,
            sum: activity,
        }
    }

    fn join(self, other: Self) -> Self {
        let (high, low) = match other.largest > self.largest {
            true => (other, self),
            false => (self, other),
        };
        if low.z == 0.0 {
            return high;
        }
        let factor = (low.largest - high.largest).exp();
        Sums {
            largest: high.largest,
            z: high.z + factor * low.z,
            sum: high.sum + factor * low.sum,
        }
    }

    fn mean(self) -> f64 {
        self.sum / self.z
    }
}

/// The reference's numbers of a strand.
struct Line {
    scores: Vec<f64>,
    /// Of the windows before each, and of all.
    before: Vec<Sums>,
    /// Of the windows from each on, and of none.
    from: Vec<Sums>,
}

impl Line {
    fn new(strand: &Strand, pool: f64, codes: &[u8]) -> Self {
        let windows = strand.windows();
        let scores: Vec<f64> = (0..windows).map(|w| strand.score(codes, w)).collect();
        let sums = |window: usize| Sums::of(pool, strand.activity(scores[window]));
        let mut before = vec![Sums::NONE; windows + 1];
        let mut from = vec![Sums::NONE; windows + 1];
        for window in 0..windows {
            before[window + 1] = before[window].join(sums(window));
        }
        for window in (0..windows).rev() {
            from[window] = from[window + 1].join(sums(window));
        }
        Line {
            scores,
            before,
            from,
        }
    }

    fn all(&self) -> Sums {
        self.from[0]
    }
}

impl Feature {
    /// The first column that any strand has.
    pub fn start(&self) -> usize {
        let strands = self.strands.iter().filter(|s| !s.columns.is_empty());
        strands.map(|s| s.start).min().unwrap_or(0)
    }

    /// Columns of its longest strand.
    pub fn columns(&self) -> usize {
        self.strands
            .iter()
            .map(|s| s.columns.len())
            .max()
            .unwrap_or(0)
    }

    /// Says the pooled activity of each row: 0 the reference, then the three others of each changed base.
    pub fn pool(&self, codes: &[u8], changed: &[usize], mut say: impl FnMut(usize, f64)) {
        let line = |strand: &Strand| Line::new(strand, self.pool, codes);
        let lines: Vec<Line> = self.strands.iter().map(line).collect();
        let joined = |sums: &dyn Fn(&Strand, &Line) -> Sums| {
            let strands = self.strands.iter().zip(&lines);
            let sums = strands.map(|(strand, line)| sums(strand, line));
            sums.fold(Sums::NONE, Sums::join)
        };
        say(0, joined(&|_, line| line.all()).mean());
        for (place, &base) in changed.iter().enumerate() {
            let old = codes[base];
            for (other, new) in others(old).enumerate() {
                let sums = joined(&|strand, line| {
                    let reached = strand.reached(base);
                    let changed = reached.clone().map(|window| {
                        let column = &strand.columns[base - strand.start - window];
                        let score = line.scores[window] + column[new] - column[usize::from(old)];
                        Sums::of(self.pool, strand.activity(score))
                    });
                    line.before[reached.start]
                        .join(changed.fold(Sums::NONE, Sums::join))
                        .join(line.from[reached.end])
                });
                say(1 + OTHERS * place + other, sums.mean());
            }
        }
    }
}
