//! A line of a VCF file.

use crate::dna::bases;
use crate::io::text::excerpt;
use crate::{Error, Result};
use std::path::Path;

/// What an ALT stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alternative {
    /// Bases, as written: A, C, G, T and N in either case.
    Bases(String),
    /// `<DEL>`, `<NON_REF>` and the like: a change without its bases.
    Symbolic(String),
    /// Two ends that are joined, `G]17:198982]`, or one of which the other is not known, `G.`.
    Breakend(String),
    /// `*`: the bases are gone by a deletion of an earlier line.
    Overlapped,
}

impl Alternative {
    /// As it stands in the file.
    pub fn text(&self) -> &str {
        match self {
            Alternative::Bases(text)
            | Alternative::Symbolic(text)
            | Alternative::Breakend(text) => text,
            Alternative::Overlapped => "*",
        }
    }

    /// `None` for what the format does not know.
    fn parse(text: &str) -> Option<Alternative> {
        let owned = text.to_string();
        let symbolic = text.len() > 2 && text.starts_with('<') && text.ends_with('>');
        let bare = text.strip_prefix('.').or_else(|| text.strip_suffix('.'));
        match text {
            "*" => Some(Alternative::Overlapped),
            _ if is_bases(text) => Some(Alternative::Bases(owned)),
            // Breakends first: they may hold a symbol, `C[<ctg1>:7[`.
            _ if text.contains(['[', ']']) => Some(Alternative::Breakend(owned)),
            _ if symbolic => Some(Alternative::Symbolic(owned)),
            _ if bare.is_some_and(is_bases) => Some(Alternative::Breakend(owned)),
            _ => None,
        }
    }
}

/// One letter or more, all of which ALT may have.
fn is_bases(text: &str) -> bool {
    let base = |b: u8| matches!(b.to_ascii_uppercase(), b'A' | b'C' | b'G' | b'T' | b'N');
    !text.is_empty() && text.bytes().all(base)
}

/// A site with its variants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The line in the file, counted from 1; unknown where an index led to it.
    pub line: Option<u64>,
    pub chromosome: String,
    /// Of REF's first base, counted from 1; 0 and one past the end are the chromosome's ends.
    pub position: u64,
    /// `.` where it has none.
    pub id: String,
    /// One letter or more, A, C, G, T, N or another IUPAC letter, in either case.
    pub reference: String,
    /// None where ALT is `.`.
    pub alternatives: Vec<Alternative>,
    /// The whole line, without its end.
    pub text: String,
}

impl Record {
    /// # Errors
    /// In words: fewer than eight columns, a position that is not a whole number, alleles that are not alleles; an IUPAC letter
    /// other than N in ALT, which does not say what the variant is.
    pub(super) fn parse(text: &str, line: Option<u64>) -> std::result::Result<Record, String> {
        let mut columns = text.split('\t');
        let mut next = || columns.next().unwrap_or_default();
        let (chromosome, position, id, reference, alternatives) =
            (next(), next(), next(), next(), next());
        let count = text.split('\t').take(8).count();
        if count < 8 {
            return Err(format!(
                "{count} of 8 columns in {}; expected CHROM POS ID REF ALT QUAL FILTER INFO, separated by tabs",
                excerpt(text)
            ));
        }
        if chromosome.is_empty() {
            return Err("no chromosome; expected its name in the first column".to_string());
        }
        let position = position.parse::<u32>().map_err(|_| {
            format!(
                "position {}; expected a whole number from 0 to {}",
                excerpt(position),
                u32::MAX
            )
        })?;
        let dna = |b: u8| bases::code(b).is_some();
        if reference.is_empty() || !reference.bytes().all(dna) {
            return Err(format!(
                "REF {}; expected one base or more, A, C, G, T or N",
                excerpt(reference)
            ));
        }
        let alternatives: Vec<Alternative> = match alternatives {
            "." => Vec::new(),
            all => all
                .split(',')
                .map(alternative)
                .collect::<std::result::Result<_, _>>()?,
        };
        Ok(Record {
            line,
            chromosome: chromosome.to_string(),
            position: u64::from(position),
            id: if id.is_empty() { "." } else { id }.to_string(),
            reference: reference.to_string(),
            alternatives,
            text: text.to_string(),
        })
    }

    /// REF's last base, counted from 1.
    pub fn last(&self) -> u64 {
        self.position + self.reference.len() as u64 - 1
    }

    /// An error at this record.
    pub fn error(&self, path: &Path, message: impl AsRef<str>) -> Error {
        let message = message.as_ref();
        match self.line {
            Some(line) => Error::format_at(path, line, message),
            None => Error::format(
                path,
                format!("{}:{}: {message}", self.chromosome, self.position),
            ),
        }
    }

    /// Where the record is, for a sentence: `line 7`, or `chr1:500` where the line is not known.
    pub fn place(&self) -> String {
        match self.line {
            Some(line) => format!("line {line}"),
            None => format!("{}:{}", self.chromosome, self.position),
        }
    }
}

fn alternative(text: &str) -> std::result::Result<Alternative, String> {
    if let Some(found) = Alternative::parse(text) {
        return Ok(found);
    }
    let iupac = text.chars().find(|&c| {
        let code = u8::try_from(c).ok().and_then(bases::code);
        code == Some(bases::N) && !c.eq_ignore_ascii_case(&'n')
    });
    let dna = !text.is_empty() && text.bytes().all(|b| bases::code(b).is_some());
    Err(match iupac {
        Some(letter) if dna => format!(
            "ALT {} with the ambiguity letter {letter}; expected A, C, G, T or N: write an ALT for each base that {letter} stands for",
            excerpt(text)
        ),
        _ => format!(
            "ALT {}; expected bases A, C, G, T or N, several alleles separated by commas, a symbol like <DEL>, a breakend, * or .",
            excerpt(text)
        ),
    })
}

/// As [`Record::parse`], with the file in the error.
pub(super) fn parse_at(text: &str, line: Option<u64>, path: &Path) -> Result<Record> {
    Record::parse(text, line).map_err(|message| match line {
        Some(line) => Error::format_at(path, line, message),
        None => Error::format(path, format!("{}: {message}", excerpt(text))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn alternatives_are_told_apart() {
        let text =
            "chr1\t7\trs1\tAc\tg,<DEL>,*,G]17:5],.G,[13:1[T,C[<ctg1>:7[,N\t.\tPASS\tDP=3\tGT\t0/1";
        let record = Record::parse(text, Some(4)).unwrap();
        let bases = |text: &str| Alternative::Bases(text.into());
        let breakend = |text: &str| Alternative::Breakend(text.into());
        assert_eq!(
            record.alternatives,
            [
                bases("g"),
                Alternative::Symbolic("<DEL>".into()),
                Alternative::Overlapped,
                breakend("G]17:5]"),
                breakend(".G"),
                breakend("[13:1[T"),
                breakend("C[<ctg1>:7["),
                bases("N"),
            ]
        );
        assert_eq!((record.position, record.last()), (7, 8));
        assert_eq!((record.text.as_str(), record.id.as_str()), (text, "rs1"));
        let none = Record::parse("1\t7\t.\tA\t.\t.\t.\t.", None).unwrap();
        assert_eq!((none.alternatives.len(), none.place()), (0, "1:7".into()));
    }

    #[test]
    fn faults_say_what_was_found() {
        for (text, expected) in [
            (
                "chr1\t7\t.\tA\tC\t.\t.",
                "7 of 8 columns in 'chr1\t7\t.\tA\tC\t.\t.'",
            ),
            ("chr1 7 . A C . . .", "1 of 8 columns"),
            ("\t7\t.\tA\tC\t.\t.\t.", "no chromosome"),
            (
                "1\t1e6\t.\tA\tC\t.\t.\t.",
                "position '1e6'; expected a whole number",
            ),
            ("1\t-1\t.\tA\tC\t.\t.\t.", "position '-1'"),
            (
                "1\t7\t.\t-\tC\t.\t.\t.",
                "REF '-'; expected one base or more",
            ),
            (
                "1\t7\t.\tA\tCR\t.\t.\t.",
                "ALT 'CR' with the ambiguity letter R; expected A, C, G, T or N",
            ),
            ("1\t7\t.\tA\tC,\t.\t.\t.", "ALT ''; expected bases"),
            ("1\t7\t.\tA\t-\t.\t.\t.", "ALT '-'; expected bases"),
            ("1\t7\t.\tA\tRx\t.\t.\t.", "ALT 'Rx'; expected bases"),
        ] {
            let found = Record::parse(text, None).unwrap_err();
            assert!(found.contains(expected), "{found}\n  expected: {expected}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(text in "(chr1|1|99999999999|-|\t|[ACGTNR]|,|\\*|<|>|\\[|\\.|é){0,30}") {
            let _ = Record::parse(&text, None);
        }
    }
}
