//! `factornet evaluate --curves`: what each threshold finds, and how often a probability is right.

use crate::Result;
use crate::args::own_folder::OwnFolder;
use crate::args::own_name::FileNames;
use crate::io::atomic::write_atomic;
use crate::metrics::curves::{Curve, Point, reliability};
use crate::report::line_chart::{Chart, Line, line_chart_svg};
use std::path::{Path, PathBuf};

/// Lines of a table of thresholds at most.
const MOST: usize = 2_000;
/// Steps along an axis of a picture.
const STEPS: usize = 100;

/// What the names of a factor's files end with.
const ENDINGS: [&str; 5] = [
    "thresholds.tsv",
    "reliability.tsv",
    "precision_recall.svg",
    "roc.svg",
    "reliability.svg",
];

/// The folder of curves, and what the factors' files are called there.
pub struct Curves {
    own: OwnFolder,
    names: Vec<String>,
}

impl Curves {
    /// Looks at the folder and changes nothing; `factors` in the order in which they will be written.
    ///
    /// # Errors
    /// Those of [`OwnFolder::check`].
    pub fn check(folder: &Path, factors: &[&str]) -> Result<Curves> {
        let mut own = FileNames::default();
        let names: Vec<String> = factors.iter().map(|factor| own.of(factor)).collect();
        let files = names
            .iter()
            .flat_map(|name| ENDINGS.map(|ending| format!("{name}_{ending}")));
        let own = OwnFolder::check("cisgrad factornet evaluate", "--curves", folder, files)?;
        Ok(Curves { own, names })
    }

    /// The files that will be written.
    ///
    /// # Errors
    /// A list that cannot be read.
    pub fn touched(&self) -> Result<Vec<PathBuf>> {
        self.own.touched()
    }

    /// Makes the folder.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn begin(&self) -> Result<()> {
        self.own.begin()
    }

    /// Writes a factor's files; `keep`: thresholds that the table must have.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(
        &self,
        place: usize,
        factor: &str,
        curve: &Curve,
        (scores, labels): (&[f64], &[bool]),
        keep: &[f64],
    ) -> Result<()> {
        let path = |ending: &str| {
            self.own
                .path()
                .join(format!("{}_{ending}", self.names[place]))
        };
        write_atomic(path("thresholds.tsv"), |w| {
            writeln!(w, "threshold\trecall\tprecision\tfalse_positive_rate")?;
            for point in curve.thinned(MOST / 2, keep) {
                writeln!(
                    w,
                    "{:?}\t{:?}\t{:?}\t{:?}",
                    point.threshold,
                    curve.recall(&point),
                    point.precision(),
                    curve.false_positive_rate(&point)
                )?;
            }
            Ok(())
        })?;
        let tenths = reliability(scores, labels);
        write_atomic(path("reliability.tsv"), |w| {
            writeln!(w, "from\tto\tmean_probability\tbound\twindows")?;
            for (place, tenth) in tenths.iter().enumerate() {
                let share = |sum: f64| match tenth.examples {
                    0 => String::new(),
                    n => format!("{:?}", sum / n as f64),
                };
                writeln!(
                    w,
                    "{}\t{}\t{}\t{}\t{}",
                    place as f64 / 10.0,
                    (place + 1) as f64 / 10.0,
                    share(tenth.predicted),
                    share(tenth.positives as f64),
                    tenth.examples
                )?;
            }
            Ok(())
        })?;
        let x: Vec<f64> = (0..=STEPS).map(|step| step as f64 / STEPS as f64).collect();
        // At each place of x the best that a threshold of as much or more (less) gives.
        let precision: Vec<f64> = x
            .iter()
            .map(|&recall| {
                let enough = |point: &&Point| curve.recall(point) >= recall;
                let of = curve.points.iter().filter(enough);
                of.map(Point::precision).fold(0.0, f64::max)
            })
            .collect();
        let recall: Vec<f64> = x
            .iter()
            .map(|&rate| {
                let few = |point: &&Point| curve.false_positive_rate(point) <= rate;
                let of = curve.points.iter().filter(few);
                of.map(|point| curve.recall(point)).fold(0.0, f64::max)
            })
            .collect();
        let all = curve.positives + curve.negatives;
        let prevalence = curve.positives as f64 / all as f64;
        let filled: Vec<_> = tenths.iter().filter(|tenth| tenth.examples > 0).collect();
        let mean = |sum: f64, n: u64| sum / n as f64;
        let predicted: Vec<f64> = filled
            .iter()
            .map(|t| mean(t.predicted, t.examples))
            .collect();
        let bound: Vec<f64> = filled
            .iter()
            .map(|t| mean(t.positives as f64, t.examples))
            .collect();
        let pictures = [
            (
                "precision_recall.svg",
                "recall",
                "precision",
                &x,
                vec![
                    named("model", precision),
                    named("share of bound windows", vec![prevalence; x.len()]),
                ],
            ),
            (
                "roc.svg",
                "false positive rate",
                "true positive rate",
                &x,
                vec![named("model", recall), named("chance", x.clone())],
            ),
            (
                "reliability.svg",
                "mean probability",
                "share of bound windows",
                &predicted,
                vec![
                    named("model", bound),
                    named("as predicted", predicted.clone()),
                ],
            ),
        ];
        for (ending, x_name, y_name, x, lines) in pictures {
            let svg = line_chart_svg(&Chart {
                title: factor,
                x_name,
                y_name,
                x,
                log_x: false,
                marked: None,
                lines: &lines,
            });
            write_atomic(path(ending), |w| w.write_all(svg.as_bytes()))?;
        }
        Ok(())
    }
}

fn named(name: &str, values: Vec<f64>) -> Line {
    Line {
        name: Some(name.to_string()),
        values,
    }
}
