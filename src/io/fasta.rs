//! FASTA records, one after another.

use super::text::{Lines, excerpt};
use crate::Result;
use crate::data::dna;

/// What to do with the record whose header was just read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Read its bases.
    Keep,
    /// Pass over its bases unread.
    Skip,
    /// Read no more of the file.
    Stop,
}

/// A record: its name is the first word after `>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub name: String,
    /// Codes as of [`dna::encode`].
    pub codes: Vec<u8>,
    /// The line of its header, counted from 1.
    pub line: u64,
}

/// Reads records in the order of the file. `want` says what to do with each name; the records to
/// keep go to `take`, one at a time, so that no more than one is in memory.
///
/// Errors name the line: text before the first header, a header without a name, a character that
/// is no base and no IUPAC letter (in records that are kept), an empty file.
pub fn read_fasta(
    lines: &mut Lines,
    mut want: impl FnMut(&str) -> Want,
    mut take: impl FnMut(Record) -> Result<()>,
) -> Result<()> {
    let mut line = String::new();
    if !lines.read_filled(&mut line)? {
        return Err(lines.empty("FASTA records, each beginning with '>'"));
    }
    let mut record: Option<Record> = None;
    let mut started = false;
    loop {
        if let Some(header) = line.strip_prefix('>') {
            if let Some(done) = record.take() {
                take(done)?;
            }
            let name = header
                .split_whitespace()
                .next()
                .filter(|_| !header.starts_with(char::is_whitespace))
                .ok_or_else(|| lines.error("a header without a name right after '>'"))?;
            started = true;
            match want(name) {
                Want::Stop => return Ok(()),
                Want::Skip => {}
                Want::Keep => {
                    record = Some(Record {
                        name: name.to_string(),
                        codes: Vec::new(),
                        line: lines.number(),
                    });
                }
            }
        } else if !started {
            return Err(lines.error(format!(
                "{}; expected a FASTA header, beginning with '>'",
                excerpt(&line)
            )));
        } else if let Some(record) = &mut record {
            dna::encode(line.trim_end(), &mut record.codes).map_err(|e| {
                lines.error(format!(
                    "{e} of this line, in record {}",
                    excerpt(&record.name)
                ))
            })?;
        }
        if !lines.read_filled(&mut line)? {
            return match record {
                Some(last) => take(last),
                None => Ok(()),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str, want: impl FnMut(&str) -> Want) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        let mut lines = Lines::new("s.fa", std::io::Cursor::new(text.to_string()));
        read_fasta(&mut lines, want, |record| {
            records.push(record);
            Ok(())
        })?;
        Ok(records)
    }

    #[test]
    fn a_record_is_its_first_word_and_all_its_lines() {
        let records = parse("\n>a one\nAC\ngt\n\n>b\r\nN\r\n>c", |_| Want::Keep).unwrap();
        let found: Vec<_> = records
            .iter()
            .map(|r| (r.name.as_str(), &r.codes[..], r.line))
            .collect();
        assert_eq!(
            found,
            [("a", &[0, 1, 2, 3][..], 2), ("b", &[4], 6), ("c", &[], 8)]
        );
    }

    #[test]
    fn records_may_be_skipped_and_reading_may_stop() {
        let want = |name: &str| match name {
            "skipped" => Want::Skip,
            "stop" => Want::Stop,
            _ => Want::Keep,
        };
        let records = parse(">skipped\n!!\n>kept\nA\n>stop\nC\n>after\n!!\n", want).unwrap();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].name, "kept");
    }

    #[test]
    fn every_fault_names_its_line() {
        for (text, expected) in [
            ("", "s.fa: the file is empty; expected FASTA records"),
            ("ACGT\n", "s.fa, line 1: 'ACGT'; expected a FASTA header"),
            (">a\nA\n>\nC\n", "line 3: a header without a name"),
            ("> a\nA\n", "line 1: a header without a name"),
            (">a\nAC\nAXG\n", "line 3: 'X' at base 2 is not DNA"),
        ] {
            let found = parse(text, |_| Want::Keep).unwrap_err().to_string();
            assert!(found.contains(expected), "{found}\n  expected: {expected}");
        }
    }

    proptest! {
        #[test]
        fn the_width_of_the_lines_does_not_matter(sequence in "[ACGTNacgtn]{1,80}", width in 1_usize..90) {
            let lines: Vec<_> = sequence.as_bytes().chunks(width).map(String::from_utf8_lossy).collect();
            let mut codes = Vec::new();
            dna::encode(&sequence, &mut codes).unwrap();
            let records = parse(&format!(">x\n{}\n", lines.join("\n")), |_| Want::Keep).unwrap();
            prop_assert_eq!(&records[0].codes, &codes);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(>|a|C|!|\n| |é){0,40}") {
            let _ = parse(&text, |_| Want::Keep);
        }
    }
}
