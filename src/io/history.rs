//! `history.tsv`: one line an epoch, every number with as many digits as bring the same bits back.

use serde::{Deserialize, Serialize};
use std::path::Path;
use std::str::FromStr;

use crate::io::atomic::write_atomic;
use crate::{Error, Result};

const COLUMNS: [&str; 6] = [
    "epoch",
    "train_loss",
    "validation_loss",
    "lr",
    "seconds",
    "seq_per_s",
];

/// A row of the history.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    pub epoch: u64,
    pub train_loss: f64,
    pub validation_loss: f64,
    /// The learning rate of the epoch's steps, before the schedule acts on its validation loss.
    pub lr: f64,
    pub seconds: f64,
    pub seq_per_s: f64,
}

/// Writes the whole history, replacing what was there.
pub fn write(path: impl AsRef<Path>, records: &[EpochRecord]) -> Result<()> {
    write_atomic(path, |w| {
        writeln!(w, "{}", COLUMNS.join("\t"))?;
        for r in records {
            // `{:?}` is the shortest text that parses back to the same number.
            writeln!(
                w,
                "{}\t{:?}\t{:?}\t{:?}\t{:?}\t{:?}",
                r.epoch, r.train_loss, r.validation_loss, r.lr, r.seconds, r.seq_per_s
            )?;
        }
        Ok(())
    })
}

/// Reads what [`write()`] wrote; a header alone is an empty history.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<EpochRecord>> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|e| Error::io(path, e))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Error::format(
            path,
            "found bytes that are not UTF-8 text, expected a table",
        )
    })?;
    let mut lines = text.lines().zip(1u64..);
    let Some((header, _)) = lines.next() else {
        return Err(Error::format(
            path,
            format!(
                "the file is empty, expected the columns {}",
                COLUMNS.join(", ")
            ),
        ));
    };
    if !header.split('\t').eq(COLUMNS) {
        return Err(Error::format_at(
            path,
            1,
            format!(
                "found the header {header:?}, expected {:?}",
                COLUMNS.join("\t")
            ),
        ));
    }
    lines
        .filter(|(line, _)| !line.is_empty())
        .map(|(line, at)| record(line).map_err(|message| Error::format_at(path, at, message)))
        .collect()
}

fn record(line: &str) -> std::result::Result<EpochRecord, String> {
    let fields: Vec<&str> = line.split('\t').collect();
    let &[epoch, train_loss, validation_loss, lr, seconds, seq_per_s] = fields.as_slice() else {
        return Err(format!(
            "found {} fields, expected {}",
            fields.len(),
            COLUMNS.len()
        ));
    };
    Ok(EpochRecord {
        epoch: number("epoch", epoch, "a whole number")?,
        train_loss: number("train_loss", train_loss, "a number")?,
        validation_loss: number("validation_loss", validation_loss, "a number")?,
        lr: number("lr", lr, "a number")?,
        seconds: number("seconds", seconds, "a number")?,
        seq_per_s: number("seq_per_s", seq_per_s, "a number")?,
    })
}

fn number<T: FromStr>(column: &str, text: &str, kind: &str) -> std::result::Result<T, String> {
    text.parse()
        .map_err(|_| format!("column {column}: found {text:?}, expected {kind}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RECORD: EpochRecord = EpochRecord {
        epoch: 0,
        train_loss: 0.1 + 0.2,
        validation_loss: 1e-300,
        lr: 0.001,
        seconds: 2.0,
        seq_per_s: 127.0,
    };

    fn read_text(text: &[u8]) -> Result<Vec<EpochRecord>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.tsv");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn is_a_plain_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.tsv");
        write(&path, &[RECORD]).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "epoch\ttrain_loss\tvalidation_loss\tlr\tseconds\tseq_per_s\n\
             0\t0.30000000000000004\t1e-300\t0.001\t2.0\t127.0\n"
        );
        write(&path, &[]).unwrap();
        assert_eq!(read(&path).unwrap(), []);
    }

    #[test]
    fn windows_line_ends_are_read() {
        let text = b"epoch\ttrain_loss\tvalidation_loss\tlr\tseconds\tseq_per_s\r\n0\t0.30000000000000004\t1e-300\t0.001\t2.0\t127\r\n";
        assert_eq!(read_text(text).unwrap(), [RECORD]);
    }

    #[test]
    fn bad_tables_say_where_and_what() {
        let header = COLUMNS.join("\t");
        for (text, expected) in [
            (String::new(), "the file is empty"),
            ("epoch\tloss\n".into(), "line 1: found the header"),
            (
                format!("{header}\n0\t1\t1\t1\t1\t1\n1\t1\t1\t1\n"),
                "line 3: found 4 fields, expected 6",
            ),
            (
                format!("{header}\n0\t1\tnone\t1\t1\t1\n"),
                "line 2: column validation_loss: found \"none\"",
            ),
            (
                format!("{header}\n-1\t1\t1\t1\t1\t1\n"),
                "line 2: column epoch: found \"-1\", expected a whole number",
            ),
        ] {
            let error = read_text(text.as_bytes()).unwrap_err().to_string();
            assert!(
                error.contains("history.tsv") && error.contains(expected),
                "{error}"
            );
        }
        assert!(read_text(b"\xff\xfe").is_err());
    }

    proptest! {
        #[test]
        fn every_bit_comes_back(rows in prop::collection::vec((any::<u64>(), prop::array::uniform5(any::<f64>())), 0..20)) {
            let records: Vec<EpochRecord> = rows
                .into_iter()
                .map(|(epoch, [train_loss, validation_loss, lr, seconds, seq_per_s])| EpochRecord {
                    epoch, train_loss, validation_loss, lr, seconds, seq_per_s,
                })
                .collect();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("history.tsv");
            write(&path, &records).unwrap();
            let bits = |records: &[EpochRecord]| -> Vec<[u64; 6]> {
                records.iter().map(|r| [r.epoch, r.train_loss.to_bits(), r.validation_loss.to_bits(),
                    r.lr.to_bits(), r.seconds.to_bits(), r.seq_per_s.to_bits()]).collect()
            };
            prop_assert_eq!(bits(&read(&path).unwrap()), bits(&records));
        }
    }
}
