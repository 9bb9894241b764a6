//! Transcripts of a GTF: coordinates there are 1-based and closed, here 0-based and half-open.

use std::collections::HashMap;
use std::path::Path;

use super::text::{Lines, excerpt};
use crate::Result;
use crate::dna::span::Span;

/// A transcript, put together from its `exon`, `CDS` and `stop_codon` lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    pub id: String,
    pub chromosome: String,
    /// On the forward strand.
    pub forward: bool,
    /// By start, at least one.
    pub exons: Vec<Span>,
    /// The coding parts, stop codon included, by start; empty where nothing is translated.
    pub coding: Vec<Span>,
    /// The line where it was met first, counted from 1.
    pub line: u64,
}

impl Transcript {
    /// Its first base on the forward strand.
    pub fn start(&self) -> u32 {
        self.exons.first().map_or(0, |exon| exon.start)
    }

    /// One past its last base on the forward strand.
    pub fn end(&self) -> u32 {
        self.exons.last().map_or(0, |exon| exon.end)
    }
}

/// Reads all transcripts that have an exon, in the order of the file; at least one. Lines of other
/// features are not looked at.
///
/// Errors name the line: fewer than nine columns, coordinates that are no whole numbers from 1
/// with an end at or after the start, a strand other than + and -, no `transcript_id`, a transcript
/// on two chromosomes or strands.
pub fn read_gtf(path: &Path) -> Result<Vec<Transcript>> {
    parse_gtf(Lines::open(path)?)
}

/// As [`read_gtf`], from lines that are open already.
pub fn parse_gtf(mut lines: Lines) -> Result<Vec<Transcript>> {
    let mut transcripts = Vec::<Transcript>::new();
    let mut places = HashMap::<String, usize>::new();
    let mut line = String::new();
    while lines.read_filled(&mut line)? {
        if line.starts_with('#') {
            continue;
        }
        let columns: Vec<&str> = line.split('\t').collect();
        let [
            chromosome,
            _,
            feature,
            start,
            end,
            _,
            strand,
            _,
            attributes,
            ..,
        ] = columns[..]
        else {
            let found = excerpt(&line);
            return Err(lines.error(format!(
                "{found}; expected the nine columns of a GTF, parted by tabs"
            )));
        };
        if !matches!(feature, "exon" | "CDS" | "stop_codon") {
            continue;
        }
        let span = match (start.parse::<u32>(), end.parse::<u32>()) {
            (Ok(start), Ok(end)) if start > 0 && start <= end => Span::new(start - 1, end),
            _ => {
                return Err(lines.error(format!(
                    "'{start}' to '{end}'; expected whole numbers from 1, the end not before the start"
                )));
            }
        };
        let forward = match strand {
            "+" => true,
            "-" => false,
            _ => return Err(lines.error(format!("strand {}; expected + or -", excerpt(strand)))),
        };
        let Some(id) = attribute(attributes, "transcript_id") else {
            return Err(lines.error(format!("no transcript_id in {}", excerpt(attributes))));
        };
        let place = *places.entry(id.to_string()).or_insert_with(|| {
            transcripts.push(Transcript {
                id: id.to_string(),
                chromosome: chromosome.to_string(),
                forward,
                exons: Vec::new(),
                coding: Vec::new(),
                line: lines.number(),
            });
            transcripts.len() - 1
        });
        let transcript = &mut transcripts[place];
        if transcript.chromosome != chromosome || transcript.forward != forward {
            let message = format!(
                "transcript '{id}' is on another chromosome or strand than on line {}",
                transcript.line
            );
            return Err(lines.error(message));
        }
        match feature {
            "exon" => transcript.exons.push(span),
            _ => transcript.coding.push(span),
        }
    }
    transcripts.retain(|transcript| !transcript.exons.is_empty());
    for transcript in &mut transcripts {
        transcript.exons.sort_unstable();
        transcript.coding.sort_unstable();
    }
    if transcripts.is_empty() {
        return Err(lines.empty("GTF lines with the exons of transcripts"));
    }
    Ok(transcripts)
}

/// A value from `key "value"; key "value";`.
fn attribute<'a>(attributes: &'a str, key: &str) -> Option<&'a str> {
    attributes.split(';').find_map(|part| {
        let value = part
            .trim()
            .strip_prefix(key)?
            .strip_prefix(char::is_whitespace)?;
        Some(value.trim().trim_matches('"')).filter(|value| !value.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Vec<Transcript>> {
        parse_gtf(Lines::new("g.gtf", std::io::Cursor::new(text.to_string())))
    }

    fn line(feature: &str, start: u32, end: u32, strand: char, id: &str) -> String {
        format!(
            "chr1\tH\t{feature}\t{start}\t{end}\t.\t{strand}\t.\tgene_id \"g\"; transcript_id \"{id}\";\n"
        )
    }

    #[test]
    fn lines_of_a_transcript_are_put_together() {
        let text = "#!genome\n".to_string()
            + &line("gene", 1, 90, '-', "a")
            + &line("exon", 51, 90, '-', "a")
            + &line("exon", 1, 1, '+', "b")
            + &line("exon", 11, 20, '-', "a")
            + &line("CDS", 51, 60, '-', "a")
            + &line("stop_codon", 18, 20, '-', "a")
            + &line("CDS", 5, 6, '+', "no exon");
        let found = parse(&text).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].start(), found[0].end(), found[0].forward),
            (10, 90, false)
        );
        assert_eq!(found[0].exons, [Span::new(10, 20), Span::new(50, 90)]);
        assert_eq!(found[0].coding, [Span::new(17, 20), Span::new(50, 60)]);
        assert_eq!(
            (found[1].exons[0], found[1].coding.len(), found[1].line),
            (Span::new(0, 1), 0, 4)
        );
    }

    #[test]
    fn every_fault_names_its_line() {
        let ok = line("exon", 1, 9, '+', "a");
        for (text, expected) in [
            ("", "g.gtf: the file is empty"),
            (
                "chr1\texon\n",
                "line 1: 'chr1\texon'; expected the nine columns",
            ),
            (&line("exon", 0, 9, '+', "a"), "line 1: '0' to '9'"),
            (&line("exon", 9, 8, '+', "a"), "line 1: '9' to '8'"),
            (&line("exon", 1, 9, '.', "a"), "line 1: strand '.'"),
            (&line("exon", 1, 9, '+', ""), "line 1: no transcript_id"),
            (
                &(ok + &line("exon", 1, 9, '-', "a")),
                "line 2: transcript 'a' is on another chromosome or strand than on line 1",
            ),
        ] {
            let found = parse(text).unwrap_err().to_string();
            assert!(found.contains(expected), "{found}\n  expected: {expected}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "(chr1|exon|CDS|1|99999999999|\t|\n|\\+|transcript_id|\"|;| ){0,60}") {
            let _ = parse(&text);
        }
    }
}
