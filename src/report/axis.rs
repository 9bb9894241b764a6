//! Axes of pictures: how numbers become places, and which numbers stand at them.

use std::f64::consts::{LN_2, LN_10};

/// An axis: how a number becomes a share of its length.
pub(super) struct Axis {
    pub low: f64,
    pub high: f64,
    log: bool,
}

impl Axis {
    /// Over all of these; a single number, or some that are too close to tell apart, lie in the middle.
    pub fn over(numbers: impl Iterator<Item = f64> + Clone, log: bool) -> Axis {
        let scaled = numbers
            .filter(|x| x.is_finite())
            .map(|x| Axis::scaled(x, log));
        let low = scaled.clone().fold(f64::INFINITY, f64::min);
        let high = scaled.fold(f64::NEG_INFINITY, f64::max);
        let size = low.abs().max(high.abs());
        // Steps between ticks must be numbers that the ticks' own digits can show.
        let apart = high - low > (size * 1e-9).max(1e-300);
        let (low, high) = match (low <= high, apart) {
            (false, _) => (0.0, 1.0),
            (true, true) => (low, high),
            // From half of the number to twice it, or to half as much again.
            (true, false) if log => (low - LN_2, low + LN_2),
            (true, false) if size > 1e-290 => (low - size / 2.0, low + size / 2.0),
            (true, false) => (-0.5, 0.5),
        };
        Axis { low, high, log }
    }

    /// A number as the axis measures it. Beyond the largest whose differences are numbers all are one.
    fn scaled(number: f64, log: bool) -> f64 {
        const LARGEST: f64 = f64::MAX / 4.0;
        match log {
            true => number.ln(),
            false => number.clamp(-LARGEST, LARGEST),
        }
    }

    /// With some space beyond both ends.
    pub fn wider(self) -> Axis {
        let more = (self.high - self.low) * 0.04;
        Axis {
            low: self.low - more,
            high: self.high + more,
            ..self
        }
    }

    pub fn share(&self, number: f64) -> f64 {
        (Axis::scaled(number, self.log) - self.low) / (self.high - self.low)
    }

    /// Round numbers inside, at most some eight.
    pub fn ticks(&self) -> Vec<f64> {
        if !self.log {
            return round_numbers(self.low, self.high);
        }
        let decades = (self.high - self.low) / LN_10;
        let digits: &[f64] = if decades < 2.5 {
            &[1.0, 2.0, 5.0]
        } else {
            &[1.0]
        };
        let every = (decades / 8.0).ceil().max(1.0) as i32;
        let lowest = (self.low / LN_10).floor() as i32;
        let highest = (self.high / LN_10).ceil() as i32;
        let all = (lowest..=highest).filter(|power| power.rem_euclid(every) == 0);
        let all = all.flat_map(|power| digits.iter().map(move |d| d * 10f64.powi(power)));
        let inside = |x: &f64| (0.0..=1.0).contains(&self.share(*x));
        let ticks: Vec<f64> = all.filter(inside).collect();
        match ticks.len() {
            // Less than from one such number to the next: the axis is all but even.
            0 | 1 => {
                let even = round_numbers(self.low.exp(), self.high.exp());
                even.into_iter().filter(inside).collect()
            }
            _ => ticks,
        }
    }
}

/// Some six numbers of few digits between two; none where the upper one is beyond all numbers.
fn round_numbers(low: f64, high: f64) -> Vec<f64> {
    if !high.is_finite() {
        return Vec::new();
    }
    let rough = (high - low) / 6.0;
    let power = 10f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power);
    let step = steps
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(steps[3]);
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// The ticks' numbers, all in one form; evenly spaced ones with the digits that tell each from its neighbours.
pub(super) fn shown(ticks: &[f64], even: bool) -> Vec<String> {
    let mut sizes = ticks
        .iter()
        .map(|tick| tick.abs())
        .filter(|size| *size > 0.0);
    let plain = sizes.all(|size| (1e-3..1e5).contains(&size));
    let step = match ticks {
        [a, b, ..] => b - a,
        [one] => one.abs(),
        [] => 1.0,
    };
    // Without what multiples of a step are off by.
    let tidy = |tick: f64| format!("{tick:.9e}").parse().unwrap_or(tick);
    let text = |&tick: &f64| match (tick, plain) {
        (0.0, _) => "0".to_string(),
        (tick, true) if even => {
            let digits = (-step.log10().floor()).max(0.0) as usize;
            format!("{tick:.digits$}")
        }
        (tick, true) => tidy(tick).to_string(),
        (tick, false) => format!("{:e}", tidy(tick)),
    };
    ticks.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_in_one_form() {
        let ticks = |numbers: &[f64], log: bool| {
            let axis = Axis::over(numbers.iter().copied(), log);
            shown(&axis.ticks(), !log)
        };
        assert_eq!(
            ticks(&[0.0, 0.31], false),
            ["0", "0.1", "0.2", "0.3"].map(String::from)[..]
        );
        assert_eq!(
            ticks(&[1e-4, 1.0], true),
            ["1e-4", "1e-3", "1e-2", "1e-1", "1e0"]
        );
        assert_eq!(ticks(&[0.01, 10.0], true), ["0.01", "0.1", "1", "10"]);
        // Within one decade the numbers are those of an even axis.
        let narrow = ticks(&[0.25, 0.45], true);
        assert!(
            narrow.len() > 3 && narrow.contains(&"0.3".to_string()),
            "{narrow:?}"
        );
        assert_eq!(
            ticks(&[0.0, 2e-4], false),
            ["0", "5e-5", "1e-4", "1.5e-4", "2e-4"]
        );
    }

    #[test]
    fn an_axis_of_one_number_is_about_it() {
        let axis = Axis::over([0.1].into_iter(), false);
        assert_eq!((axis.low, axis.high), (0.05, 0.15000000000000002));
    }
}
