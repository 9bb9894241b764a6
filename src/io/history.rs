//! `history.tsv`: one line per epoch, every number with as many digits as bring the same bits back.

use crate::io::atomic::write_atomic;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// One epoch: what every kind of model has, and the columns that its kind adds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// From 1.
    pub epoch: u64,
    pub train_loss: f64,
    pub validation_loss: f64,
    /// Of training, without validation.
    pub seconds: f64,
    /// By column.
    #[serde(flatten)]
    pub more: BTreeMap<String, f64>,
}

impl EpochRecord {
    /// The text of a column; empty where the record has none of that name.
    fn text(&self, column: &str) -> String {
        // `{:?}` is the shortest text that parses back to the same number.
        match column {
            "epoch" => self.epoch.to_string(),
            "train_loss" => format!("{:?}", self.train_loss),
            "validation_loss" => format!("{:?}", self.validation_loss),
            "seconds" => format!("{:?}", self.seconds),
            other => match self.more.get(other) {
                Some(number) => format!("{number:?}"),
                None => String::new(),
            },
        }
    }
}

/// How many epochs a history has: 0 if the file does not exist.
///
/// # Errors
/// The file cannot be read.
pub fn epochs(path: &Path) -> Result<usize> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().skip(1).count()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(e) => Err(Error::io(path, e)),
    }
}

/// Writes the whole history, replacing what was there.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, columns: &[String], records: &[EpochRecord]) -> Result<()> {
    write_atomic(path, |w| {
        writeln!(w, "{}", columns.join("\t"))?;
        for record in records {
            let fields: Vec<String> = columns.iter().map(|c| record.text(c)).collect();
            writeln!(w, "{}", fields.join("\t"))?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(epoch: u64, [train, validation, lr, seconds]: [f64; 4]) -> EpochRecord {
        EpochRecord {
            epoch,
            train_loss: train,
            validation_loss: validation,
            seconds,
            more: [("lr".to_string(), lr)].into(),
        }
    }

    fn columns(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_string).collect()
    }

    #[test]
    fn is_a_plain_table_with_the_columns_in_the_order_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.tsv");
        assert_eq!(epochs(&path).unwrap(), 0);
        let records = [record(7, [0.1 + 0.2, 1e-300, 0.001, 2.0])];
        let order = columns("epoch validation_loss train_loss lr seconds");
        write(&path, &order, &records).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "epoch\tvalidation_loss\ttrain_loss\tlr\tseconds\n7\t1e-300\t0.30000000000000004\t0.001\t2.0\n"
        );
        assert_eq!(epochs(&path).unwrap(), 1);
        write(&path, &order, &[]).unwrap();
        assert_eq!(epochs(&path).unwrap(), 0);
    }

    #[test]
    fn the_states_of_older_versions_are_read() {
        for (text, column, number) in [
            (
                r#"{"epoch":1,"train_loss":0.5,"validation_loss":0.25,"lr":0.001,"seconds":2.0,"seq_per_s":10.5}"#,
                "seq_per_s",
                10.5,
            ),
            (
                r#"{"epoch":1,"train_loss":0.5,"train_accuracy":0.75,"validation_loss":0.25,"validation_accuracy":0.5,"seconds":2.0,"samples_per_s":3.0}"#,
                "train_accuracy",
                0.75,
            ),
        ] {
            let record: EpochRecord = serde_json::from_str(text).unwrap();
            assert_eq!((record.epoch, record.seconds), (1, 2.0));
            assert_eq!(record.more[column], number);
            let again = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<EpochRecord>(&again).unwrap(), record);
        }
    }

    proptest! {
        #[test]
        fn every_bit_comes_back(rows in prop::collection::vec((any::<u64>(), prop::array::uniform4(any::<f64>())), 0..20)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("history.tsv");
            let records: Vec<_> = rows.iter().map(|(epoch, numbers)| record(*epoch, *numbers)).collect();
            write(&path, &columns("epoch train_loss validation_loss lr seconds"), &records).unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            prop_assert_eq!(text.lines().count(), rows.len() + 1);
            for (line, (epoch, numbers)) in text.lines().skip(1).zip(&rows) {
                let fields: Vec<&str> = line.split('\t').collect();
                prop_assert_eq!(fields[0].parse::<u64>().unwrap(), *epoch);
                for (field, number) in fields[1..].iter().zip(numbers) {
                    let read = field.parse::<f64>().unwrap();
                    prop_assert!(read.to_bits() == number.to_bits() || read.is_nan() && number.is_nan());
                }
            }
        }
    }
}
