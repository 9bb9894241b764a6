//! `history.tsv`: one line per epoch, every number with as many digits as bring the same bits back.

use crate::io::atomic::write_atomic;
use crate::io::text::{excerpt, read_text};
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
    let fields = |record: &EpochRecord| columns.iter().map(|c| record.text(c)).collect();
    write_fields(path, columns, records.iter().map(fields))
}

/// Writes a history that another program measured: columns that it has not are empty, `seconds` perhaps. Epochs count
/// from 1.
///
/// # Errors
/// The file cannot be written.
pub fn write_measured(
    path: &Path,
    columns: &[String],
    epochs: usize,
    measured: &BTreeMap<&str, Vec<f64>>,
) -> Result<()> {
    let field = |column: &str, i: usize| match column {
        "epoch" => (i + 1).to_string(),
        other => {
            let number = measured.get(other).and_then(|numbers| numbers.get(i));
            number.map_or(String::new(), |number| format!("{number:?}"))
        }
    };
    let fields = |i| columns.iter().map(|column| field(column, i)).collect();
    write_fields(path, columns, (0..epochs).map(fields))
}

fn write_fields(
    path: &Path,
    columns: &[String],
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<()> {
    write_atomic(path, |w| {
        writeln!(w, "{}", columns.join("\t"))?;
        let mut rows = rows;
        rows.try_for_each(|fields| writeln!(w, "{}", fields.join("\t")))
    })
}

/// The columns of numbers in a history, by name; None where a field is empty.
///
/// # Errors
/// The file cannot be read; a line of another number of fields than the first, a field that is no number.
pub fn read(path: &Path) -> Result<BTreeMap<String, Vec<Option<f64>>>> {
    let text = read_text(path)?;
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let mut columns = vec![Vec::new(); header.len()];
    for (i, line) in lines.enumerate() {
        let fields: Vec<&str> = line.split('\t').collect();
        let wrong = |message: String| Error::format_at(path, i as u64 + 2, message);
        if fields.len() != header.len() {
            return Err(wrong(format!(
                "{} fields, expected {}",
                fields.len(),
                header.len()
            )));
        }
        for ((field, column), name) in fields.into_iter().zip(&mut columns).zip(&header) {
            column.push(match field {
                "" => None,
                number => Some(number.parse().map_err(|_| {
                    wrong(format!("{name} is {}, expected a number", excerpt(number)))
                })?),
            });
        }
    }
    Ok(header.into_iter().map(String::from).zip(columns).collect())
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
    fn another_programs_history_leaves_empty_what_it_did_not_measure() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.tsv");
        let order = columns("epoch train_loss validation_loss seconds");
        let measured = [("train_loss", vec![0.5, f64::NAN])].into();
        write_measured(&path, &order, 2, &measured).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "epoch\ttrain_loss\tvalidation_loss\tseconds\n1\t0.5\t\t\n2\tNaN\t\t\n"
        );
        let read_again = read(&path).unwrap();
        assert_eq!(read_again["epoch"], [Some(1.0), Some(2.0)]);
        assert_eq!(read_again["seconds"], [None, None]);
        assert!(read_again["train_loss"][1].is_some_and(f64::is_nan));
        for (text, expected) in [
            (
                "epoch\tloss\n1\t0.5\n2\n",
                "history.tsv, line 3: 1 fields, expected 2",
            ),
            (
                "epoch\tloss\n1\tx\n",
                "line 2: loss is 'x', expected a number",
            ),
        ] {
            std::fs::write(&path, text).unwrap();
            let found = read(&path).unwrap_err().to_string();
            assert!(found.contains(expected), "{found}");
        }
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
