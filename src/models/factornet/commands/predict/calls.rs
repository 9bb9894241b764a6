//! `predict --calls`: the intervals whose score reaches a threshold, as narrowPeak.
//!
//! The threshold is that of the model's validation regions at which the false discovery rate is held and most is found. Called intervals that
//! overlap or touch are one peak. Columns: chromosome, start, end, name (`CTCF_1`), score (1000 times the probability, rounded), strand `.`,
//! signalValue (the probability of the peak's best interval), pValue -1, qValue (-log10 of the false discovery rate that is estimated
//! at that probability, [`Thresholds::rate_at`]), summit (the middle of the best interval, from the peak's start).

use super::super::asked::Line;
use super::super::probabilities::share;
use super::super::trained_on::is_among;
use super::Chosen;
use crate::data::windows::WINDOW;
use crate::io::atomic::write_atomic;
use crate::io::chrom_sizes::Chromosomes;
use crate::metrics::false_discovery::Thresholds;
use crate::models::factornet::scores::OfFactor;
use crate::numbers::{counted, is_or_are, rounded};
use crate::train::folder::STATE;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

#[derive(clap::Args, Clone, Debug)]
pub struct CallArgs {
    /// Write the intervals that reach the model's threshold too, those that touch merged, narrowPeak (with several factors a file each,
    /// its name before the ending)
    #[arg(long, value_name = "FILE")]
    pub calls: Option<PathBuf>,
    /// With --calls: the false discovery rate of the threshold, on the model's validation regions [default: 0.1]
    #[arg(long, value_name = "RATE", requires = "calls", value_parser = share)]
    pub fdr: Option<f64>,
}

/// `--fdr`.
const RATE: f64 = 0.1;

/// An interval that is called.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Called {
    chromosome: u32,
    start: u32,
    end: u32,
    /// The network's own probability.
    score: f64,
}

/// Called intervals of a factor.
struct Column<'a> {
    /// Among the model's outputs.
    output: usize,
    of: &'a OfFactor,
    file: &'a Path,
    /// None where no threshold holds the rate.
    threshold: Option<f64>,
    called: Vec<Called>,
}

/// What is called, by factor; nothing without --calls.
pub(super) struct Calls<'a> {
    of: &'a Chosen,
    rate: f64,
    columns: Vec<Column<'a>>,
    /// Intervals of another width than the windows of the thresholds.
    odd: usize,
}

impl<'a> Calls<'a> {
    /// `files`: by column of the model's chosen factors, none where nothing is to be called.
    ///
    /// # Errors
    /// A model that keeps no thresholds: says how it can get them.
    pub fn new(args: &CallArgs, of: &'a Chosen, files: &'a [PathBuf]) -> Result<Self> {
        let rate = args.fdr.unwrap_or(RATE);
        let mut columns = Vec::new();
        for (&output, file) in of.columns.iter().zip(files) {
            let kept = of
                .scores
                .as_ref()
                .ok_or_else(|| no_thresholds(&of.folder))?;
            let factor = &kept.factors[output];
            columns.push(Column {
                output,
                of: factor,
                file,
                threshold: factor.thresholds.at(rate).map(|point| point.threshold),
                called: Vec::new(),
            });
        }
        Ok(Calls {
            of,
            rate,
            columns,
            odd: 0,
        })
    }

    /// Adds an interval that was scored, with its probabilities for all factors of the model.
    pub fn add(&mut self, line: &Line, row: impl Fn(usize) -> f64) {
        let Some(sample) = line.sample.filter(|_| !self.columns.is_empty()) else {
            return;
        };
        self.odd += usize::from(line.end - line.start != u64::from(WINDOW));
        for column in &mut self.columns {
            let score = row(column.output);
            if column.threshold.is_some_and(|least| score >= least) {
                column.called.push(Called {
                    chromosome: sample.chromosome,
                    // What is scored lies on a chromosome, whose length is below 2^32.
                    start: line.start as u32,
                    end: line.end as u32,
                    score,
                });
            }
        }
    }

    /// Writes the files and says how many peaks there are. `cell`: the folder of the cell line that was scored.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(self, chromosomes: &Chromosomes, cell: &Path) -> Result<()> {
        let (of, percent) = (self.of, rounded(100.0 * self.rate));
        for column in self.columns {
            let name = &column.of.name;
            let called = column.called.len();
            let peaks = merged(column.called);
            write_atomic(column.file, |w| {
                for (number, peak) in (1..).zip(&peaks) {
                    let score = of.correction.apply(column.output, peak.best.score);
                    let line = peak.line(chromosomes, name, number, score, &column.of.thresholds);
                    writeln!(w, "{line}")?;
                }
                Ok(())
            })?;
            let Some(threshold) = column.threshold else {
                tell!(
                    "{name}: nothing is called: {}",
                    match column.of.bound {
                        0 => "no window of the model's validation regions is bound".to_string(),
                        _ => format!(
                            "no threshold has a false discovery rate of {percent} % or less in the model's validation regions; a larger --fdr may be held"
                        ),
                    }
                );
                continue;
            };
            tell!(
                "{name}: {} of {} with a probability of {:.4} or more, at which {percent} % or less of the called are false in the validation regions",
                counted(peaks.len(), "peak"),
                counted(called, "interval"),
                of.correction.apply(column.output, threshold)
            );
        }
        let known = of.scores.as_ref().map_or(&[][..], |kept| &kept.cells);
        if !known.is_empty() && !is_among(cell, known) {
            let known: Vec<String> = known.iter().map(|c| c.display().to_string()).collect();
            tell!(
                "the false discovery rate is that of {}; in {} it is an estimate",
                known.join(", "),
                cell.display()
            );
        }
        if self.odd > 0 {
            tell!(
                "warning: {} {} not {WINDOW} bases wide, as the windows of the thresholds are: the false discovery rate is not theirs",
                counted(self.odd, "interval"),
                is_or_are(self.odd)
            );
        }
        Ok(())
    }
}

fn no_thresholds(folder: &Path) -> Error {
    let shown = folder.display();
    let way = match folder.join(STATE).is_file() {
        true => {
            "its own factornet train command with --resume adds them, without training it again"
        }
        false => {
            "a model that was not trained here has none: score its validation windows with evaluate --curves, and take those of predict's scores that reach a threshold"
        }
    };
    Error::invalid(format!(
        "--calls: {shown} keeps no thresholds of its validation regions: {way}"
    ))
}

/// Called intervals that overlap or touch.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Peak {
    chromosome: u32,
    start: u32,
    end: u32,
    /// The one with the highest score, the first of equals.
    best: Called,
}

fn merged(mut called: Vec<Called>) -> Vec<Peak> {
    called.sort_by(|a, b| {
        let place = |c: &Called| (c.chromosome, c.start, c.end);
        place(a).cmp(&place(b)).then(b.score.total_cmp(&a.score))
    });
    let mut peaks: Vec<Peak> = Vec::new();
    for best in called {
        match peaks.last_mut() {
            Some(peak) if peak.chromosome == best.chromosome && best.start <= peak.end => {
                peak.end = peak.end.max(best.end);
                if best.score > peak.best.score {
                    peak.best = best;
                }
            }
            _ => peaks.push(Peak {
                chromosome: best.chromosome,
                start: best.start,
                end: best.end,
                best,
            }),
        }
    }
    peaks
}

impl Peak {
    /// `score`: the probability that is shown for the best interval.
    fn line(
        &self,
        chromosomes: &Chromosomes,
        factor: &str,
        number: usize,
        score: f64,
        thresholds: &Thresholds,
    ) -> String {
        let q = match thresholds.rate_at(self.best.score) {
            Some(rate) => format!("{:.4}", -rate.log10() + 0.0),
            None => "-1".to_string(),
        };
        let middle = self.best.start + (self.best.end - self.best.start) / 2;
        format!(
            "{}\t{}\t{}\t{factor}_{number}\t{}\t.\t{score:.6}\t-1\t{q}\t{}",
            chromosomes.name(self.chromosome),
            self.start,
            self.end,
            (1000.0 * score).round() as u32,
            middle - self.start
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::curves::Curve;

    fn called(chromosome: u32, start: u32, score: f64) -> Called {
        Called {
            chromosome,
            start,
            end: start + 200,
            score,
        }
    }

    #[test]
    fn intervals_that_overlap_or_touch_are_one_peak() {
        let peaks = merged(vec![
            called(0, 400, 0.5),
            called(0, 50, 0.9),
            called(0, 0, 0.7),
            called(0, 200, 0.9),
            called(0, 601, 0.6),
            called(1, 601, 0.8),
        ]);
        let found: Vec<_> = peaks
            .iter()
            .map(|p| (p.chromosome, p.start, p.end, p.best.start))
            .collect();
        // The first of the equal ones is the best.
        assert_eq!(
            found,
            [(0, 0, 600, 50), (0, 601, 801, 601), (1, 601, 801, 601)]
        );
    }

    #[test]
    fn a_peaks_line_is_narrow_peak() {
        let list = [("chr7".to_string(), 5000)];
        let chromosomes = Chromosomes::new("c.sizes", list.to_vec()).unwrap();
        let labels: Vec<bool> = (0..20).map(|i| i % 10 != 9).collect();
        let scores: Vec<f64> = (0..20).map(|i| 0.9 - 0.01 * f64::from(i)).collect();
        let thresholds = Thresholds::of(&Curve::new(&scores, &labels));
        let peak = merged(vec![called(0, 100, 0.8), called(0, 150, 0.85)])[0];
        let line = peak.line(&chromosomes, "CTCF", 3, 0.12345678, &thresholds);
        // At 0.85 the lower thresholds' rates are 1 of 19 and 1 of 9 at least: 0.0526.
        assert_eq!(
            line,
            "chr7\t100\t350\tCTCF_3\t123\t.\t0.123457\t-1\t1.2788\t150"
        );
    }
}
