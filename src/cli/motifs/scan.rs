//! `cisgrad motifs scan`.

use crate::args::numbers::above_zero;
use crate::args::{ThreadArgs, emit, outputs, say};
use crate::data::Notes;
use crate::dna::motif::Motif;
use crate::dna::sequences::UnequalSequences;
use crate::interpret::fimo::{Hit, Runs, Scanner};
use crate::interpret::q_values::q_values;
use crate::io::fimo_table::{Row, write_header};
use crate::io::meme::parse_meme;
use crate::io::sequences::parse_unequal;
use crate::io::sources::Sources;
use crate::io::text::first_names;
use crate::numbers::counted;
use crate::{Error, Result};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// Motifs whose hits are in memory at one time.
const AT_ONCE: usize = 64;

#[derive(clap::Args)]
pub struct Args {
    /// Motifs, MEME
    #[arg(value_name = "A.meme")]
    motifs: PathBuf,
    /// Sequences of any lengths: FASTA, or a name and a sequence per line
    #[arg(long, value_name = "FILE")]
    sequences: Option<PathBuf>,
    /// Intervals to cut from --genome, BED
    #[arg(
        long,
        value_name = "BED",
        requires = "genome",
        conflicts_with = "sequences"
    )]
    bed: Option<PathBuf>,
    /// Genome of the intervals: FASTA (plain, gzip or bgzip) or 2bit
    #[arg(long, value_name = "FASTA")]
    genome: Option<PathBuf>,
    /// Write here instead of to stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// FIMO's table, or BED with the places on the genome, in their order
    #[arg(long, value_enum, default_value_t = Format::Fimo, value_name = "FORMAT")]
    format: Format,
    /// Only windows whose p-value is below this
    #[arg(long, default_value_t = 1e-4, value_name = "X", value_parser = above_zero)]
    thresh: f64,
    /// Of those, only the ones whose q-value is this or less
    #[arg(long, value_name = "X", value_parser = above_zero)]
    qvalue: Option<f64>,
    #[command(flatten)]
    threads: ThreadArgs,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Fimo,
    Bed,
}

/// A motif's hits with their q-values, in the order in which they are written.
type Found = Vec<(Hit, f64)>;

pub fn run(args: &Args) -> Result<()> {
    args.threads.start()?;
    if args.thresh > 1.0 {
        return Err(Error::usage(format!(
            "--thresh {}: a p-value is 1 at most",
            args.thresh
        )));
    }
    if let Some(most) = args.qvalue.filter(|most| *most > 1.0) {
        return Err(Error::usage(format!(
            "--qvalue {most}: a q-value is 1 at most"
        )));
    }
    let Some(file) = args.sequences.as_ref().or(args.bed.as_ref()) else {
        return Err(Error::usage(
            "nothing to scan: give --sequences FILE, or --bed BED and --genome FASTA",
        ));
    };
    let mut read = vec![args.motifs.clone(), file.clone()];
    read.extend(args.genome.clone());
    let written = args.out.as_deref().map(|out| ("--out", out));
    let written: Vec<(&str, &Path)> = written.into_iter().collect();
    outputs::check(&written, &read)?;
    let sources = Sources::new();
    let mut notes = Notes::new();
    let motifs = parse_meme(sources.lines(&args.motifs)?, &mut notes)?;
    let lines = sources.into_lines(file)?;
    let sequences = parse_unequal(lines, args.genome.as_deref(), &mut notes)?;
    say(&notes);
    if let (Format::Bed, Some(name)) = (args.format, sequences.without_place()) {
        return Err(Error::usage(format!(
            "--format bed: {}: where '{name}' lies is not known; give --bed and --genome, or name each sequence chr:start-end (0-based, half-open, of as many bases)",
            file.display()
        )));
    }
    let scanners: Vec<Scanner> = motifs
        .par_iter()
        .map(|motif| Scanner::new(&motif.rows, args.thresh))
        .collect();
    say_of_hopeless(&motifs, &scanners, args.thresh);
    let runs = Runs::of(&sequences.codes);
    say_of_long(&motifs, &runs, file);
    let search = Search {
        args,
        motifs: &motifs,
        scanners: &scanners,
        sequences: &sequences,
        runs,
    };
    let total = match args.format {
        Format::Fimo => search.table()?,
        Format::Bed => search.bed()?,
    };
    tell!(
        "{} of {} in {}",
        counted(total, "occurrence"),
        counted(motifs.len(), "motif"),
        counted(sequences.names.len(), "sequence")
    );
    Ok(())
}

/// Motifs that no window can match so well would be left out silently.
fn say_of_hopeless(motifs: &[Motif], scanners: &[Scanner], thresh: f64) {
    let all = motifs.iter().zip(scanners);
    let hopeless: Vec<String> = all
        .filter(|(_, scanner)| scanner.is_hopeless())
        .map(|(motif, _)| motif.shown())
        .collect();
    if !hopeless.is_empty() {
        tell!(
            "note: {} too short, or with too little information, for a p-value below {thresh}: {}; give a larger --thresh to find them",
            counted(hopeless.len(), "motif"),
            first_names(hopeless.iter().map(String::as_str))
        );
    }
}

/// Motifs that fit into no stretch without an N.
fn say_of_long(motifs: &[Motif], runs: &Runs, file: &Path) {
    let longest = runs.longest();
    if longest == 0 {
        tell!(
            "note: {}: no base but N; nothing can be found",
            file.display()
        );
        return;
    }
    let long: Vec<String> = motifs
        .iter()
        .filter(|motif| motif.rows.len() > longest)
        .map(Motif::shown)
        .collect();
    if !long.is_empty() {
        tell!(
            "note: {} longer than every stretch of {} without an N, which have {} at most: {}",
            counted(long.len(), "motif"),
            file.display(),
            counted(longest, "base"),
            first_names(&long)
        );
    }
}

struct Search<'a> {
    args: &'a Args,
    motifs: &'a [Motif],
    scanners: &'a [Scanner],
    sequences: &'a UnequalSequences,
    runs: Runs,
}

impl Search<'_> {
    /// One motif after the other, each with its best first.
    fn table(&self) -> Result<usize> {
        let mut total = 0;
        emit(self.args.out.as_deref(), |w| {
            write_header(w)?;
            for first in (0..self.motifs.len()).step_by(AT_ONCE) {
                let last = (first + AT_ONCE).min(self.motifs.len());
                let found: Vec<Found> = (first..last)
                    .into_par_iter()
                    .map(|motif| {
                        let mut found = self.found(motif);
                        found.sort_by(|a, b| a.0.p_value.total_cmp(&b.0.p_value));
                        found
                    })
                    .collect();
                for (motif, found) in (first..last).zip(&found) {
                    total += found.len();
                    for hit in found {
                        self.row(motif, hit).write(w)?;
                    }
                }
            }
            Ok(())
        })?;
        Ok(total)
    }

    /// All motifs together, by chromosome and place.
    fn bed(&self) -> Result<usize> {
        let mut all: Vec<(usize, (Hit, f64))> = Vec::new();
        for first in (0..self.motifs.len()).step_by(AT_ONCE) {
            let last = (first + AT_ONCE).min(self.motifs.len());
            let found: Vec<Found> = (first..last)
                .into_par_iter()
                .map(|m| self.found(m))
                .collect();
            for (motif, found) in (first..last).zip(found) {
                all.extend(found.into_iter().map(|hit| (motif, hit)));
            }
        }
        let place = |(_, (hit, _)): &(usize, (Hit, f64))| {
            let sequence = self.sequences.holding(hit.start);
            let place = self.sequences.places.as_ref()?.get(sequence)?;
            let inside = (hit.start - self.sequences.starts[sequence]) as u64;
            Some((place, place.start + inside))
        };
        all.par_sort_by(|a, b| {
            let key = |x| place(x).map(|(place, start)| (&place.chromosome, start));
            key(a).cmp(&key(b)).then(a.0.cmp(&b.0))
        });
        emit(self.args.out.as_deref(), |w| {
            for (motif, hit) in &all {
                let sequence = self.sequences.holding(hit.0.start);
                if let Some(place) = self.sequences.places.as_ref().and_then(|p| p.get(sequence)) {
                    self.row(*motif, hit)
                        .write_bed(w, &place.chromosome, place.start)?;
                }
            }
            Ok(())
        })?;
        Ok(all.len())
    }

    fn found(&self, motif: usize) -> Found {
        let (scanner, codes) = (&self.scanners[motif], &self.sequences.codes);
        let hits = scanner.hits(codes);
        if hits.is_empty() {
            return Vec::new();
        }
        let p: Vec<f64> = hits.iter().map(|hit| hit.p_value).collect();
        let q = q_values(&p, self.runs.windows(scanner.width()));
        let wanted = |q: f64| self.args.qvalue.is_none_or(|most| q <= most);
        hits.into_iter()
            .zip(q)
            .filter(|(_, q)| wanted(*q))
            .collect()
    }

    fn row<'a>(&'a self, motif: usize, (hit, q_value): &(Hit, f64)) -> Row<'a> {
        let sequence = self.sequences.holding(hit.start);
        let motif = &self.motifs[motif];
        Row {
            motif: &motif.id,
            name: motif.label.as_deref().unwrap_or_default(),
            sequence: &self.sequences.names[sequence],
            start: hit.start - self.sequences.starts[sequence],
            strand: hit.strand,
            score: hit.score,
            p_value: hit.p_value,
            q_value: *q_value,
            bases: &self.sequences.codes[hit.start..hit.start + motif.rows.len()],
        }
    }
}
