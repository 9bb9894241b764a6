//! Sections of a page that are the same for every kind of model: training, and how to repeat it.

use super::line_chart::{Chart, Line, line_chart_svg};
use super::page::Page;
use crate::numbers::{counted, rounded};
use std::collections::BTreeMap;
use std::path::Path;

/// A model's history, column by column; its name among those of an ensemble.
pub struct History {
    pub name: Option<String>,
    pub columns: BTreeMap<String, Vec<Option<f64>>>,
    /// What it ran on, where that is known.
    pub device: Option<String>,
    /// Epochs that it was to have, where it was ended before.
    pub wanted: Option<u64>,
}

/// Measures of validation beside the loss, and whether the best epoch has the largest.
pub struct Watched<'a> {
    pub column: &'a str,
    pub what: &'a str,
}

impl History {
    fn numbers(&self, column: &str) -> Vec<f64> {
        let numbers = self.columns.get(column).map(Vec::as_slice);
        let numbers = numbers.unwrap_or_default().iter();
        numbers.map(|x| x.unwrap_or(f64::NAN)).collect()
    }

    fn epochs(&self) -> usize {
        self.columns.values().map(Vec::len).max().unwrap_or(0)
    }

    fn line(&self, what: &str) -> String {
        match &self.name {
            Some(name) => format!("{name}, {what}"),
            None => what.to_string(),
        }
    }

    /// The first epoch with the best number, counted from 1.
    fn best(&self, column: &str, largest: bool) -> Option<(usize, f64)> {
        let numbers = self.numbers(column).into_iter().zip(1..);
        let better = |a: f64, b: f64| if largest { a > b } else { a < b };
        numbers
            .filter(|(x, _)| x.is_finite())
            .fold(None, |best, (x, epoch)| match best {
                Some((_, found)) if !better(x, found) => best,
                _ => Some((epoch, x)),
            })
    }

    /// Epochs from which on the learning rate was lower, where the history tells.
    fn cuts(&self) -> Option<usize> {
        let rates = self.numbers("lr");
        let lower = rates.windows(2).filter(|two| two[1] < two[0]);
        (!rates.is_empty()).then(|| lower.count())
    }
}

/// Losses, the watched measure, learning rate and time; `largest`: the measure by which epochs were chosen, where it is not the loss;
/// `rate`: the column of samples per second.
pub fn training(page: &mut Page, histories: &[History], watched: &Watched<'_>, rate: &str) {
    page.heading("Training");
    let histories: Vec<&History> = histories.iter().filter(|h| h.epochs() > 0).collect();
    if histories.is_empty() {
        page.paragraph(
            "There is no history.tsv that can be read: nothing is known of the training.",
        );
        return;
    }
    for history in &histories {
        if let Some(wanted) = history.wanted {
            page.paragraph(&format!(
                "{}Training was interrupted after {} of {wanted}: the same command with --resume goes on. All figures are of the weights so far.",
                history.name.as_ref().map_or(String::new(), |name| format!("{name}: ")),
                counted(history.epochs(), "epoch")
            ));
        }
    }
    let longest = histories.iter().map(|h| h.epochs()).max().unwrap_or(0);
    let x: Vec<f64> = (1..=longest).map(|epoch| epoch as f64).collect();
    let chart = |title: &str, y_name: &str, lines: Vec<Line>| {
        let shown = lines
            .iter()
            .any(|line| line.values.iter().any(|x| x.is_finite()));
        shown.then(|| {
            line_chart_svg(&Chart {
                title,
                x_name: "epoch",
                y_name,
                x: &x,
                log_x: false,
                marked: None,
                lines: &lines,
            })
        })
    };
    // As many lines as can be told apart.
    const NAMED: usize = 8;
    let lines = |columns: &[(&str, &str)]| -> Vec<Line> {
        let all = histories.iter().enumerate();
        all.flat_map(|(place, history)| {
            columns.iter().map(move |(column, what)| Line {
                name: (place < NAMED).then(|| history.line(what)),
                values: history.numbers(column),
            })
        })
        .collect()
    };
    let losses = [
        ("train_loss", "training"),
        ("validation_loss", "validation"),
    ];
    for svg in [
        chart("Loss", "loss", lines(&losses)),
        chart(
            watched.what,
            watched.what,
            lines(&[(watched.column, "validation")]),
        ),
    ]
    .into_iter()
    .flatten()
    {
        page.picture(&svg);
    }
    let rows: Vec<Vec<String>> = histories
        .iter()
        .map(|history| {
            let shown = |x: f64| match x.is_finite() {
                true => rounded(x).to_string(),
                false => String::new(),
            };
            let (epoch, loss) = history
                .best("validation_loss", false)
                .map_or((String::new(), String::new()), |(epoch, x)| {
                    (epoch.to_string(), shown(x))
                });
            let (by, most) = history
                .best(watched.column, true)
                .map_or((String::new(), String::new()), |(epoch, x)| {
                    (epoch.to_string(), shown(x))
                });
            let seconds: f64 = history
                .numbers("seconds")
                .iter()
                .filter(|x| x.is_finite())
                .sum();
            let rates = history.numbers(rate);
            let rates: Vec<f64> = rates.into_iter().filter(|x| x.is_finite()).collect();
            let mean = rates.iter().sum::<f64>() / rates.len() as f64;
            vec![
                history.name.clone().unwrap_or_else(|| "model".to_string()),
                history.epochs().to_string(),
                epoch,
                loss,
                by,
                most,
                history
                    .cuts()
                    .map_or(String::new(), |cuts| cuts.to_string()),
                rounded(seconds).to_string(),
                shown(mean),
                history.device.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let best = format!("largest {}", watched.what);
    let at_best = format!("epoch of the {best}");
    page.table(
        &[
            "",
            "epochs",
            "epoch of the least loss",
            "least validation loss",
            &at_best,
            &best,
            "epochs with a lower rate",
            "seconds",
            "rows per second",
            "device",
        ],
        &rows,
        20,
    );
    page.advice("The validation loss should fall with the training loss and then stay. Where it rises while the training loss falls, the model learns its training rows by heart: train for fewer epochs, or with a penalty. Where both still fall at the end, train for more.");
}

/// Says at the head of the figures that they are of other data than the model was trained on.
pub fn changed(page: &mut Page, files: &[ReadFile]) {
    let changed = files.iter().filter(|file| file.now == Now::Changed);
    let changed: Vec<&str> = changed.map(|file| file.path.as_str()).collect();
    if !changed.is_empty() {
        page.paragraph(&format!(
            "WARNING: changed since the model was trained, so that figures here are of other data: {}.",
            changed.join(", ")
        ));
    }
}

/// What a run can be made again from.
pub struct Repeat<'a> {
    /// Command lines, one per model.
    pub commands: &'a [String],
    pub version: &'a str,
    /// What was read.
    pub files: Vec<ReadFile>,
}

/// A file that a run read.
pub struct ReadFile {
    pub path: String,
    pub sha256: String,
    /// What is there now.
    pub now: Now,
}

impl ReadFile {
    /// `same`: whether what is there now is what was read; `None` where it is gone.
    pub fn new(path: &Path, sha256: &str, same: Option<bool>) -> ReadFile {
        ReadFile {
            path: path.display().to_string(),
            sha256: sha256.to_string(),
            now: match same {
                Some(true) => Now::Same,
                Some(false) => Now::Changed,
                None => Now::Gone,
            },
        }
    }
}

/// A file beside what a run read under its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Now {
    Same,
    Changed,
    Gone,
}

/// Command lines, versions, seeds and hashes.
pub fn repeat(page: &mut Page, of: &Repeat<'_>) {
    page.heading("How to repeat it");
    page.paragraph(&format!(
        "Trained with cisgrad {}; this page was written by cisgrad {}.",
        of.version,
        env!("CARGO_PKG_VERSION")
    ));
    match of.commands.len() {
        0 => page.paragraph("The model was not trained here: no command line is known."),
        count => {
            page.paragraph(&format!(
                "{} from what config.json keeps of the run:",
                counted(count, "command line")
            ));
            page.code(&of.commands.join("\n\n"));
        }
    }
    if !of.files.is_empty() {
        page.subheading("What was read");
        let rows: Vec<Vec<String>> = of
            .files
            .iter()
            .map(|file| {
                let now = match file.now {
                    Now::Same => "the same",
                    Now::Changed => "CHANGED since the run",
                    Now::Gone => "not there any more",
                };
                vec![file.path.clone(), now.to_string(), file.sha256.clone()]
            })
            .collect();
        page.table(&["file", "now", "SHA-256 in the run"], &rows, 30);
        page.advice("The same files, flags and program give the same weights on the same kind of device. Genomes and tracks are known by their paths alone.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(name: Option<&str>) -> History {
        let column = |numbers: &[f64]| numbers.iter().map(|&x| Some(x)).collect();
        let columns = [
            ("epoch", column(&[1.0, 2.0, 3.0])),
            ("train_loss", column(&[3.0, 2.0, 1.0])),
            ("validation_loss", column(&[3.0, 2.5, 2.7])),
            ("validation_r", column(&[0.1, 0.2, 0.3])),
            ("lr", column(&[0.01, 0.01, 0.005])),
            ("seconds", column(&[1.0, 1.0, 2.0])),
            ("seq_per_s", vec![Some(10.0), None, Some(20.0)]),
        ];
        History {
            name: name.map(String::from),
            device: Some("cpu".to_string()),
            wanted: name.is_none().then_some(9),
            columns: columns
                .into_iter()
                .map(|(name, numbers)| (name.to_string(), numbers))
                .collect(),
        }
    }

    #[test]
    fn training_has_curves_and_the_best_epochs() {
        let watched = Watched {
            column: "validation_r",
            what: "validation r",
        };
        let mut page = Page::new("x");
        training(&mut page, &[history(None)], &watched, "seq_per_s");
        let text = page.finish();
        assert_eq!(text.matches("<svg xmlns").count(), 2);
        assert!(text.contains("<td>cpu</td>"));
        assert!(text.contains("interrupted after 3 epochs of 9"));
        for field in ["3", "2", "2.5", "0.3", "1", "4", "15"] {
            assert!(
                text.contains(&format!("<td class=\"n\">{field}</td>")),
                "{field} {text}"
            );
        }
        let mut page = Page::new("x");
        training(&mut page, &[], &watched, "seq_per_s");
        assert!(page.finish().contains("no history.tsv"));
        let many: Vec<History> = (0..12)
            .map(|i| history(Some(&format!("seed_{i}"))))
            .collect();
        let mut page = Page::new("x");
        training(&mut page, &many, &watched, "seq_per_s");
        assert!(page.finish().contains("seed_0, validation"));
    }

    #[test]
    fn what_was_read_and_typed_is_listed() {
        let mut page = Page::new("x");
        let repeat_of = Repeat {
            commands: &["cisgrad tisfm train --seed 1".to_string()],
            version: "0.1.0",
            files: vec![ReadFile::new(Path::new("a & b.tsv"), "0f", Some(false))],
        };
        changed(&mut page, &repeat_of.files);
        repeat(&mut page, &repeat_of);
        let text = page.finish();
        assert!(text.contains("WARNING: changed since") && text.contains("CHANGED since the run"));
        assert!(
            text.contains("a &amp; b.tsv")
                && text.contains("<pre>cisgrad tisfm train --seed 1</pre>")
        );
    }
}
