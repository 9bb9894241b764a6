//! Transcripts of a GTF: coordinates there are 1-based and closed, here 0-based and half-open.

mod left_out;
mod other_formats;

use std::collections::HashMap;
use std::path::Path;

use self::left_out::LeftOut;
use self::other_formats::other_format;
use super::chrom_sizes::Chromosomes;
use super::distinct::Distinct;
use super::text::{Lines, excerpt, first_names};
use crate::dna::span::Span;
use crate::{Error, Result};

/// The features that transcripts are made of.
const FEATURES: [&str; 3] = ["exon", "CDS", "stop_codon"];

/// A transcript, put together from its `exon`, `CDS` and `stop_codon` lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    pub id: String,
    /// By its number among the chromosomes in use.
    pub chromosome: u32,
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

    /// Cuts off what lies past the end of a chromosome of `length` bases.
    pub fn clip(&mut self, length: u32) {
        for spans in [&mut self.exons, &mut self.coding] {
            spans.retain(|span| span.start < length);
            for span in spans {
                span.end = span.end.min(length);
            }
        }
    }

    /// Its `transcript` line alone was there.
    fn is_bare(&self) -> bool {
        self.exons.is_empty() && self.coding.is_empty()
    }
}

/// What a GTF holds for the chromosomes in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gtf {
    /// In the order of the file; at least one.
    pub transcripts: Vec<Transcript>,
    /// How many transcripts were left out and why, and which identifiers several transcripts share; None where there is
    /// nothing to say.
    pub note: Option<String>,
}

/// Reads all transcripts that have an exon, a strand and a chromosome in use. Lines of other features are not looked at,
/// those on other chromosomes only counted.
///
/// Lines belong to one transcript when chromosome, strand, `gene_id` (which may be empty) and `transcript_id` are the same,
/// wherever they stand in the file. Annotations give one identifier to several copies of a gene: with a second
/// `transcript` line, or an `exon` line whose `exon_number` an exon elsewhere has already, the next copy begins. Copies that
/// nothing marks are one transcript.
///
/// # Errors
/// Name the line: fewer than nine columns, coordinates that are no whole numbers from 1 with an end at or after the start,
/// a strand other than + - . ?, a GFF3 or BED line. Name the file: no transcript as above, features
/// written in other letters (`Exon`, `cds`), no chromosome in use.
pub fn read_gtf(path: &Path, chromosomes: &Chromosomes) -> Result<Gtf> {
    parse_gtf(Lines::open(path)?, chromosomes)
}

/// As [`read_gtf`], from lines that are open already.
pub fn parse_gtf(lines: Lines, chromosomes: &Chromosomes) -> Result<Gtf> {
    let mut reader = Reader {
        lines,
        chromosomes,
        transcripts: Vec::new(),
        copies: HashMap::new(),
        exon_numbers: HashMap::new(),
        key: String::new(),
        count: 0,
        features: Distinct::default(),
        any_feature: false,
        miscased: None,
        left_out: LeftOut::default(),
    };
    let mut line = String::new();
    while reader.lines.read_filled(&mut line)? {
        // Genome browsers put lines of their own before the first.
        let header = ["#", "track ", "browser "];
        if !header.iter().any(|word| line.starts_with(word)) {
            reader.line(&line)?;
        }
    }
    reader.finish()
}

/// The copy of a transcript to which the next line goes.
#[derive(Clone, Copy)]
struct OpenCopy {
    /// Among the transcripts.
    place: usize,
    /// It has had its `transcript` line.
    headed: bool,
}

/// What a line says of the copy that it belongs to.
#[derive(Clone, Copy)]
enum Mark {
    None,
    /// A `transcript` line.
    Head,
    /// An exon with its exon_number.
    Exon(u32, Span),
}

/// A feature written in other letters than a GTF's, at its first line.
struct Miscased {
    found: String,
    expected: &'static str,
    line: u64,
}

struct Reader<'a> {
    lines: Lines,
    chromosomes: &'a Chromosomes,
    transcripts: Vec<Transcript>,
    /// By chromosome, strand, gene_id and transcript_id, with tabs between.
    copies: HashMap<String, OpenCopy>,
    /// Where the exons are that have a number, by transcript and number.
    exon_numbers: HashMap<(usize, u32), Span>,
    /// The key of the line at hand, kept for its memory.
    key: String,
    /// Lines but for comments.
    count: u64,
    /// Those that are not looked at.
    features: Distinct,
    /// One of [`FEATURES`] was there, on whatever chromosome.
    any_feature: bool,
    miscased: Option<Miscased>,
    left_out: LeftOut,
}

impl Reader<'_> {
    fn line(&mut self, line: &str) -> Result<()> {
        self.count += 1;
        let columns: Vec<&str> = line.split('\t').collect();
        if self.count == 1
            && let Some(message) = other_format(&columns)
        {
            return Err(self.lines.error(message));
        }
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
            let message = format!(
                "{}; expected the nine columns of a GTF, separated by tabs",
                excerpt(line)
            );
            return Err(self.lines.error(other_format(&columns).unwrap_or(message)));
        };
        let number = self.chromosomes.number(chromosome);
        let heads = feature == "transcript";
        if !heads && !FEATURES.contains(&feature) {
            self.other_feature(feature, number.is_some());
            return Ok(());
        }
        self.any_feature |= !heads;
        if heads {
            self.features.add(feature);
        }
        let id = attribute(attributes, "transcript_id");
        let Some(number) = number else {
            if !heads {
                self.left_out.strangers.add(chromosome);
                let id = id.unwrap_or_default();
                self.left_out
                    .on_strangers
                    .add(format!("{chromosome}\t{id}"));
            }
            return Ok(());
        };
        let id = match id {
            Some(id) => id,
            None if heads => return Ok(()),
            None => match other_format(&columns) {
                Some(message) => return Err(self.lines.error(message)),
                None => {
                    self.left_out.nameless += 1;
                    return Ok(());
                }
            },
        };
        let gene = attribute(attributes, "gene_id").unwrap_or_default();
        let forward = match strand {
            "+" => true,
            "-" => false,
            "." | "?" => {
                if !heads {
                    self.left_out
                        .strandless
                        .add(format!("{number}\t{gene}\t{id}"));
                }
                return Ok(());
            }
            _ => {
                return Err(self.lines.error(format!(
                    "strand {}; expected + or -, or . where it is not known",
                    excerpt(strand)
                )));
            }
        };
        self.key.clear();
        for part in [chromosome, "\t", strand, "\t", gene, "\t", id] {
            self.key.push_str(part);
        }
        let empty = || Transcript {
            id: id.to_string(),
            chromosome: number,
            forward,
            exons: Vec::new(),
            coding: Vec::new(),
            line: 0,
        };
        if heads {
            self.place(Mark::Head, empty);
            return Ok(());
        }
        let span = match (start.parse::<u32>(), end.parse::<u32>()) {
            (Ok(start), Ok(end)) if start > 0 && start <= end => Span::new(start - 1, end),
            _ => {
                return Err(self.lines.error(format!(
                    "'{start}' to '{end}'; expected whole numbers from 1, the end not before the start"
                )));
            }
        };
        if feature == "exon" {
            let number = attribute(attributes, "exon_number").and_then(|text| text.parse().ok());
            let mark = number.map_or(Mark::None, |number| Mark::Exon(number, span));
            self.place(mark, empty).exons.push(span);
        } else {
            self.place(Mark::None, empty).coding.push(span);
        }
        Ok(())
    }

    /// The transcript of the line at hand: the copy that is open, or the next one where the line says that one begins.
    fn place(&mut self, mark: Mark, empty: impl FnOnce() -> Transcript) -> &mut Transcript {
        let open = self.copies.get(self.key.as_str()).copied();
        let same_copy = open.filter(|open| match mark {
            Mark::None => true,
            // Nothing was between two `transcript` lines.
            Mark::Head => !open.headed || self.transcripts[open.place].is_bare(),
            // The same line twice is no copy.
            Mark::Exon(number, span) => {
                let there = self.exon_numbers.get(&(open.place, number));
                there.is_none_or(|there| *there == span)
            }
        });
        let mut open = same_copy.unwrap_or_else(|| {
            self.transcripts.push(Transcript {
                line: self.lines.number(),
                ..empty()
            });
            OpenCopy {
                place: self.transcripts.len() - 1,
                headed: false,
            }
        });
        match mark {
            Mark::None => {}
            Mark::Head => open.headed = true,
            Mark::Exon(number, span) => {
                self.exon_numbers.insert((open.place, number), span);
            }
        }
        match self.copies.get_mut(self.key.as_str()) {
            Some(there) => *there = open,
            None => {
                self.copies.insert(self.key.clone(), open);
            }
        }
        &mut self.transcripts[open.place]
    }

    fn other_feature(&mut self, feature: &str, in_use: bool) {
        self.features.add(feature);
        let expected = FEATURES
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(feature));
        if let (Some(expected), true, None) = (expected, in_use, &self.miscased) {
            self.miscased = Some(Miscased {
                found: feature.to_string(),
                expected,
                line: self.lines.number(),
            });
        }
    }

    fn finish(mut self) -> Result<Gtf> {
        let path = self.lines.path().to_path_buf();
        if self.count == 0 {
            return Err(self.lines.empty("GTF lines with the exons of transcripts"));
        }
        let case = "in a GTF they are written exon, CDS and stop_codon, and upper and lower case count: rename them in column 3";
        if !self.any_feature {
            let lines = match self.count {
                1 => "1 line".to_string(),
                n => format!("{n} lines"),
            };
            let there = match self.features.names().len() {
                1 => "feature there is",
                _ => "features there are",
            };
            let names = first_names(self.features.names());
            let case = match self.miscased {
                Some(_) => format!("; {case}"),
                None => String::new(),
            };
            let message = format!(
                "no line with the feature exon, CDS or stop_codon in the {lines}; the {there} {names}{case}"
            );
            return Err(Error::format(path, message));
        }
        if let Some(Miscased {
            found,
            expected,
            line,
        }) = self.miscased
        {
            let message = format!("the feature '{found}'; expected '{expected}': {case}");
            return Err(Error::format_at(path, line, message));
        }
        let (transcripts, exonless): (Vec<_>, Vec<_>) = std::mem::take(&mut self.transcripts)
            .into_iter()
            .partition(|transcript| !transcript.exons.is_empty());
        self.left_out.exonless = exonless.into_iter().map(|t| t.id).collect();
        let note = self.left_out.note(&transcripts);
        if transcripts.is_empty() {
            if self.left_out.strangers_only() {
                let strangers = self.left_out.strangers.names();
                return Err(self.chromosomes.nothing_in_common(&path, strangers));
            }
            let why = note.map_or(String::new(), |note| format!(": {note}"));
            let message = format!("no transcript with exons on + or -{why}");
            return Err(Error::format(path, message));
        }
        let mut gtf = Gtf {
            transcripts,
            note: note.map(|note| format!("note: {}: {note}", path.display())),
        };
        for transcript in &mut gtf.transcripts {
            transcript.exons.sort_unstable();
            transcript.coding.sort_unstable();
        }
        Ok(gtf)
    }
}

/// A value from `key "value"; key "value";`, if it is not empty.
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
#[path = "gtf_tests.rs"]
mod tests;
