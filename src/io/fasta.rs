//! FASTA records, one after another.

use std::io::{BufRead, ErrorKind};

use noodles_fasta::io::Reader;
use noodles_fasta::record::Definition;

use super::text::{LineReader, Lines, excerpt};
use crate::Result;
use crate::dna::bases;

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
    /// Codes as of [`bases::encode`].
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
    let mut reader = Reader::new(LineReader::new(lines));
    let mut definition = Definition::default();
    let mut empty = true;
    loop {
        let read = reader.read_definition(&mut definition);
        let source = reader.get_ref();
        match read {
            Ok(0) if empty => {
                let expected = "FASTA records, each beginning with '>'";
                return Err(source.lines.empty(expected));
            }
            Ok(0) => return Ok(()),
            Ok(_) => empty = false,
            Err(e) if e.kind() != ErrorKind::InvalidData => return Err(source.error(e)),
            Err(_) => {
                let line = source.line();
                return Err(source.lines.error(if line.starts_with('>') {
                    "a header without a name right after '>'".to_string()
                } else {
                    let line = excerpt(line);
                    format!("{line}; expected a FASTA header, beginning with '>'")
                }));
            }
        }
        let mut record = Record {
            name: definition.name().to_string(),
            codes: Vec::new(),
            line: source.lines.number(),
        };
        let wanted = want(&record.name);
        if wanted == Want::Stop {
            return Ok(());
        }
        // The source hands out a line at a time, so that a fault's line is at hand.
        loop {
            let mut sequence = reader.sequence_reader();
            let (length, encoded) = match sequence.fill_buf() {
                Ok([]) => break,
                Ok(line) if wanted == Want::Keep => {
                    (line.len(), bases::encode(line, &mut record.codes))
                }
                Ok(line) => (line.len(), Ok(())),
                Err(e) => return Err(reader.get_ref().error(e)),
            };
            sequence.consume(length);
            encoded.map_err(|e| {
                let name = excerpt(&record.name);
                let message = format!("{e} of this line, in record {name}");
                reader.get_ref().lines.error(message)
            })?;
        }
        if wanted == Want::Keep {
            take(record)?;
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

    #[test]
    fn faults_of_the_file_come_through_the_parser() {
        for bytes in [&b"\xff\n"[..], b">\xff\n", b">a\nAC\n\xff\n"] {
            let mut lines = Lines::new("s.fa", bytes);
            let found = read_fasta(&mut lines, |_| Want::Keep, |_| Ok(())).unwrap_err();
            let line = bytes.iter().filter(|&&b| b == b'\n').count();
            let expected = format!("s.fa, line {line}: not UTF-8 text");
            assert!(found.to_string().starts_with(&expected), "{found}");
        }
    }

    proptest! {
        #[test]
        fn the_width_of_the_lines_does_not_matter(sequence in "[ACGTNacgtn]{1,80}", width in 1_usize..90) {
            let lines: Vec<_> = sequence.as_bytes().chunks(width).map(String::from_utf8_lossy).collect();
            let mut codes = Vec::new();
            bases::encode(&sequence, &mut codes).unwrap();
            let records = parse(&format!(">x\n{}\n", lines.join("\n")), |_| Want::Keep).unwrap();
            prop_assert_eq!(&records[0].codes, &codes);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(>|a|C|!|\n| |é){0,40}") {
            let _ = parse(&text, |_| Want::Keep);
        }
    }
}
