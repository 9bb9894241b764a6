//! Scores of windows and their p-values.

/// Added to each probability before its logarithm.
const PSEUDOCOUNT: f64 = 1e-4;
/// Bits.
const STEP: f64 = 0.1;
const BACKGROUND: f64 = 0.25;

/// A motif's scores on one strand.
pub struct Scores {
    /// log2((p + pseudocount) / background) of each position and base.
    columns: Vec<[f64; 4]>,
    /// P(score >= s) of a random window, in steps from `lowest` on.
    tail: Vec<f64>,
    /// Steps from 0 to the first of `tail`.
    lowest: i64,
    /// Hits score more than this; None where nothing can.
    least: Option<f64>,
}

impl Scores {
    pub fn new(rows: &[[f64; 4]], threshold: f64) -> Self {
        let score = |p: f64| ((p + PSEUDOCOUNT) / BACKGROUND).log2();
        let columns: Vec<[f64; 4]> = rows.iter().map(|row| row.map(score)).collect();
        let steps = |x: f64| (x / STEP).round_ties_even() as i64;
        let columns_in_steps: Vec<[i64; 4]> = columns.iter().map(|c| c.map(steps)).collect();
        let (tail, lowest) = tail(&columns_in_steps);
        let first = tail.iter().position(|&p| p < threshold);
        let least = first.map(|place| (place as i64 + lowest) as f64 * STEP);
        Scores {
            columns,
            tail,
            lowest,
            least,
        }
    }

    pub fn columns(&self) -> &[[f64; 4]] {
        &self.columns
    }

    pub fn least(&self) -> Option<f64> {
        self.least
    }

    /// Score and p-value of a window that is a hit; codes of four bases.
    pub fn of(&self, window: &[u8]) -> Option<(f64, f64)> {
        let least = self.least?;
        let mut score = 0.0;
        for (column, &code) in self.columns.iter().zip(window) {
            score += column.get(usize::from(code))?;
        }
        if score <= least {
            return None;
        }
        let place = ((score / STEP) as i64 - self.lowest).max(0) as usize;
        let last = self.tail.len().saturating_sub(1);
        let p = self.tail.get(place.min(last)).copied().unwrap_or(1.0);
        Some((score, p))
    }
}

/// P(score >= s) for every s that a window can have, and the lowest of them. A step more for each position at the top, where scores that
/// were rounded down would be looked up: the probability there is that of the highest score.
fn tail(columns: &[[i64; 4]]) -> (Vec<f64>, i64) {
    let extreme = |pick: fn(i64, i64) -> i64| {
        let of = |column: &[i64; 4]| column.iter().copied().reduce(pick).unwrap_or(0);
        columns.iter().map(of).sum::<i64>()
    };
    let (lowest, highest) = (extreme(i64::min), extreme(i64::max));
    let length = (highest - lowest) as usize + 1;
    let mut density = vec![0.0; length];
    density[0] = 1.0;
    let mut reached = 0;
    for column in columns {
        let least = column.iter().copied().min().unwrap_or(0);
        let mut next = vec![0.0; length];
        let mut most = 0;
        for score in column {
            let shift = (score - least) as usize;
            most = most.max(shift);
            for (sum, p) in next[shift..].iter_mut().zip(&density[..=reached]) {
                *sum += p * BACKGROUND;
            }
        }
        reached += most;
        density = next;
    }
    let mut sum = 0.0;
    for p in density.iter_mut().rev() {
        sum += *p;
        *p = sum;
    }
    let top = density[length - 1];
    density.resize(length + columns.len(), top);
    (density, lowest)
}
