//! The intervals that `predict` is asked about: which are scored, which have 0 by rule, and what there is to say of these.

use crate::Result;
use crate::data::Notes;
use crate::data::regions::Regions;
use crate::io::bed::Reader;
use crate::io::chrom_sizes::Strangers;
use crate::io::edges::{Edges, Treatment};
use crate::io::text::{Lines, first_names};
use crate::models::factornet::samples::Sample;
use crate::models::factornet::samples::inputs::Inputs;
use crate::models::factornet::samples::placing::{Place, Placer};
use crate::numbers::counted;

/// A line of the BED.
pub struct Line {
    pub text: String,
    pub start: u64,
    pub end: u64,
    /// `None` where the score is 0 by rule.
    pub sample: Option<Sample>,
}

/// The lines of a BED in their order, read in bounded memory.
pub struct Asked<'a> {
    reader: Reader,
    placer: Placer<'a>,
    /// With `--strict`, where a chromosome without values is looked up.
    strict: Option<&'a Inputs>,
    /// Where no base is known.
    unknown: &'a Regions,
    /// How many intervals have no base that is known; the first one's place and line.
    blank: (usize, Option<(String, u64)>),
    edges: Edges,
    strangers: Strangers,
    /// An interval is on a chromosome in use.
    known: bool,
}

impl<'a> Asked<'a> {
    /// `strict`: an interval on a chromosome that is not in use, or on which one of these tracks has no value, is an
    /// error. `unknown`: where no base is known.
    pub fn new(
        lines: Lines,
        placer: Placer<'a>,
        unknown: &'a Regions,
        strict: Option<&'a Inputs>,
    ) -> Self {
        Asked {
            reader: Reader::new(lines),
            placer,
            strict,
            unknown,
            blank: (0, None),
            edges: Edges::default(),
            strangers: Strangers::default(),
            known: false,
        }
    }

    /// How many intervals are to be scored, read from the whole file.
    ///
    /// # Errors
    /// Those of the lines and of [`Self::notes`].
    pub fn survey(mut self) -> Result<usize> {
        let mut scored = 0;
        while let Some(line) = self.line()? {
            scored += usize::from(line.sample.is_some());
        }
        self.notes()?;
        Ok(scored)
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// Those of the reader; what is not allowed with `--strict`, with its line.
    pub fn line(&mut self) -> Result<Option<Line>> {
        let Some(row) = self.reader.read()? else {
            return Ok(None);
        };
        let chromosomes = self.placer.chromosomes;
        let mut refused = None;
        let mut sample = None;
        if let Some(number) = chromosomes.number(row.chromosome) {
            self.known = true;
            let length = u64::from(chromosomes.length(number));
            let place = (row.chromosome, row.start, row.end);
            self.edges.count(place, row.line, length);
        }
        match self.placer.place(&row) {
            Place::Scored(found) => {
                sample = Some(found);
                // Below 2^32: on the chromosome.
                let (from, to) = (row.start as i64, row.end as i64);
                if u64::from(self.unknown.covered(found.chromosome, from, to))
                    == row.end - row.start
                {
                    let (count, first) = &mut self.blank;
                    *count += 1;
                    let place = || format!("{}:{from}-{to}", row.chromosome);
                    first.get_or_insert_with(|| (place(), row.line));
                }
                let inputs = self.strict;
                refused = inputs.and_then(|inputs| inputs.lack_of(found.chromosome));
            }
            Place::Blacklisted | Place::Off => {}
            Place::Unknown => {
                self.strangers.count(row.chromosome);
                refused = self.strict.map(|_| {
                    format!(
                        "chromosome '{}' is not in use; those are {}",
                        row.chromosome,
                        first_names(chromosomes.names())
                    )
                });
            }
        }
        let line = Line {
            text: row.text.to_string(),
            start: row.start,
            end: row.end,
            sample,
        };
        match refused {
            Some(message) => Err(self.reader.error(message)),
            None => Ok(Some(line)),
        }
    }

    /// What there is to say when all lines have been read.
    ///
    /// # Errors
    /// No interval is on a chromosome in use; so many start past the end of theirs that they are of another build.
    pub fn notes(&self) -> Result<Notes> {
        let (path, chromosomes) = (self.reader.path(), self.placer.chromosomes);
        let mut notes = Notes::new();
        notes.extend(self.edges.note(path, &chromosomes.path, Treatment::Zero)?);
        if let (count, Some((place, line))) = &self.blank {
            notes.push(format!(
                "warning: {}: {} without a single A, C, G or T in the genome, scored all the same (line {line}: {place})",
                path.display(),
                counted(*count, "interval")
            ));
        }
        let strangers = self.strangers.names();
        if strangers.is_empty() {
            return Ok(notes);
        }
        if !self.known {
            return Err(chromosomes.nothing_in_common(path, strangers));
        }
        let (are, score) = match self.strangers.rows() {
            1 => ("is on a chromosome that is not in use", "scores"),
            _ => ("are on chromosomes that are not in use", "score"),
        };
        notes.push(format!(
            "warning: {}: {} {are} and {score} 0: {}; in use are {}",
            path.display(),
            counted(self.strangers.rows(), "interval"),
            first_names(strangers),
            first_names(chromosomes.names())
        ));
        Ok(notes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::windows::blacklist::Blacklist;
    use crate::dna::span::Span;
    use crate::io::chrom_sizes::Chromosomes;

    /// What the progress bar counts to is what is scored.
    #[test]
    fn a_survey_counts_the_lines_that_are_scored() {
        let chromosomes = Chromosomes::new("c.sizes", vec![("a".to_string(), 1000)]);
        let chromosomes = chromosomes.unwrap();
        let plain = Regions::merge(1, [(0, Span::new(500, 510))]);
        let blacklist = Blacklist::new(plain, 20, &chromosomes);
        let placer = Placer {
            chromosomes: &chromosomes,
            blacklist: &blacklist,
            annotations: None,
            cell: 0,
        };
        let unknown = Regions::merge(1, [(0, Span::new(550, 720))]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.bed");
        let survey = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let asked = Asked::new(Lines::open(&path).unwrap(), placer, &unknown, None);
            asked.survey().map_err(|e| e.to_string())
        };
        let text = "a\t100\t300\na\t490\t520\nx\t1\t2\na\t900\t1100\na\t7\t7\na\t600\t700\n";
        assert_eq!(survey(text), Ok(2));
        let mut asked = Asked::new(Lines::open(&path).unwrap(), placer, &unknown, None);
        let mut samples = 0;
        while let Some(line) = asked.line().unwrap() {
            samples += usize::from(line.sample.is_some());
        }
        assert_eq!(samples, 2);
        let blank = asked.notes().unwrap().swap_remove(1);
        assert!(
            blank.ends_with(
                "1 interval without a single A, C, G or T in the genome, scored all the same (line 6: a:600-700)"
            ),
            "{blank}"
        );
        assert_eq!(survey(""), Ok(0));
        assert!(
            survey("x\t1\t2\n")
                .unwrap_err()
                .contains("'x' there, 'a' here")
        );
        assert!(survey("a\t1\n").unwrap_err().contains("line 1"));
    }
}
