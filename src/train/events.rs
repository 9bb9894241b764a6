//! A run for TensorBoard: what history.tsv has, epoch by epoch.

use crate::Result;
use crate::io::event_file::EventFile;
use crate::io::history::EpochRecord;
use std::path::{Component, Path, PathBuf};

pub struct Events {
    file: EventFile,
    /// The history's column of samples per second.
    rate: &'static str,
}

impl Events {
    /// In a folder of the run's own: called as the model's is. `anew`: the run begins.
    ///
    /// # Errors
    /// Those of [`EventFile::open`].
    pub fn open(logs: &Path, model: &Path, rate: &'static str, anew: bool) -> Result<Events> {
        Ok(Events {
            file: EventFile::open(&logs.join(run_name(model)), anew)?,
            rate,
        })
    }

    /// Adds the epochs that the file does not have yet.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn add(&mut self, history: &[EpochRecord]) -> Result<()> {
        for record in history {
            let step = i64::try_from(record.epoch).unwrap_or(i64::MAX);
            if step > self.file.last_step() {
                self.file.add(step, scalars(record, self.rate))?;
            }
        }
        Ok(())
    }
}

/// The last two parts of a model's folder, so that the models of an ensemble or of a path are runs of one group.
fn run_name(model: &Path) -> PathBuf {
    let normal = |part: Component| match part {
        Component::Normal(part) => Some(part.to_owned()),
        _ => None,
    };
    let parts: Vec<_> = model.components().filter_map(normal).collect();
    parts[parts.len().saturating_sub(2)..].iter().collect()
}

/// An epoch's numbers by tag: `train/` and `validation/` before what is measured.
fn scalars(record: &EpochRecord, rate: &str) -> Vec<(String, f32)> {
    let mut found = vec![
        ("train/loss".to_string(), record.train_loss as f32),
        ("validation/loss".to_string(), record.validation_loss as f32),
    ];
    for (column, number) in &record.more {
        let tag = match column.split_once('_') {
            _ if column == rate => format!("train/{rate}"),
            Some((part @ ("train" | "validation"), "r")) => format!("{part}/pearson"),
            Some((part @ ("train" | "validation"), what)) => format!("{part}/{what}"),
            _ => format!("train/{column}"),
        };
        found.push((tag, *number as f32));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_those_that_others_import() {
        let more = [
            ("validation_r", 0.5),
            ("lr", 0.01),
            ("seq_per_s", 7.0),
            ("train_accuracy", 0.9),
        ];
        let record = EpochRecord {
            epoch: 1,
            train_loss: 2.0,
            validation_loss: 3.0,
            seconds: 1.0,
            more: more.map(|(name, x)| (name.to_string(), x)).into(),
        };
        let found = scalars(&record, "seq_per_s");
        let tags: Vec<&str> = found.iter().map(|(tag, _)| tag.as_str()).collect();
        assert_eq!(
            tags,
            [
                "train/loss",
                "validation/loss",
                "train/lr",
                "train/seq_per_s",
                "train/accuracy",
                "validation/pearson"
            ]
        );
        assert_eq!(
            run_name(Path::new("/a/b/out/seed_1")),
            Path::new("out/seed_1")
        );
        assert_eq!(run_name(Path::new("../model")), Path::new("model"));
    }

    #[test]
    fn a_run_that_goes_on_adds_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let record = |epoch| EpochRecord {
            epoch,
            train_loss: epoch as f64,
            validation_loss: 0.0,
            seconds: 1.0,
            more: Default::default(),
        };
        let model = Path::new("m");
        let history: Vec<EpochRecord> = (1..=3).map(record).collect();
        Events::open(folder.path(), model, "x", true)
            .unwrap()
            .add(&history[..2])
            .unwrap();
        Events::open(folder.path(), model, "x", false)
            .unwrap()
            .add(&history)
            .unwrap();
        let file = EventFile::open(&folder.path().join("m"), false).unwrap();
        assert_eq!(file.last_step(), 3);
    }
}
