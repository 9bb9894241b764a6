//! `cisgrad motifs match`.

use crate::args::numbers::{above_zero, one_or_more};
use crate::args::{ThreadArgs, emit, outputs, say};
use crate::data::Notes;
use crate::dna::motif::Motif;
use crate::interpret::motif_matches::{of_few, of_flat, of_long};
use crate::interpret::q_values::q_values;
use crate::interpret::tomtom::{Distance, Match, Scratch, Targets};
use crate::io::atomic::write_atomic;
use crate::io::meme::parse_meme;
use crate::io::sources::Sources;
use crate::io::tomtom_table::{Probability, Row, write};
use crate::report::aligned_logos::{Other, Stack, aligned_svg};
use crate::report::page::Page;
use crate::report::progress::Reporter;
use crate::{Error, Result};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// Targets of each motif that a page shows, where `--top` does not say.
const SHOWN: usize = 5;

#[derive(clap::Args)]
pub struct Args {
    /// Motifs to name, MEME
    #[arg(value_name = "A.meme")]
    queries: PathBuf,
    /// Known motifs, MEME [default: the first file; a motif is not compared with itself]
    #[arg(value_name = "B.meme")]
    targets: Option<PathBuf>,
    /// Write the table here instead of to stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Also write a page with the logos of each motif and its best matches (5, or --top), aligned
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Only matches whose q-value is this or less
    #[arg(long, default_value_t = 0.05, value_name = "X", value_parser = above_zero)]
    thresh: f64,
    /// --thresh is about E-values
    #[arg(long)]
    evalue: bool,
    /// How alike two columns are
    #[arg(long, value_enum, default_value_t = DistanceArg::Euclidean, value_name = "DISTANCE")]
    distance: DistanceArg,
    /// Only the best N matches of each motif
    #[arg(long, value_name = "N", value_parser = one_or_more::<usize>)]
    top: Option<usize>,
    #[command(flatten)]
    threads: ThreadArgs,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum DistanceArg {
    /// Euclidean distance of the probabilities
    #[value(alias = "ed")]
    Euclidean,
    /// Pearson's correlation of the probabilities
    Pearson,
}

/// A match that is good enough, with what the other targets make of it.
struct Significant {
    found: Match,
    e_value: f64,
    q_value: f64,
}

pub fn run(args: &Args) -> Result<()> {
    args.threads.start()?;
    if !args.evalue && args.thresh > 1.0 {
        return Err(Error::usage(format!(
            "--thresh {}: a q-value is 1 at most; with --evalue it is about E-values",
            args.thresh
        )));
    }
    let written = [("--out", &args.out), ("--html", &args.html)];
    let written: Vec<(&str, &Path)> = written
        .into_iter()
        .filter_map(|(flag, file)| Some((flag, file.as_deref()?)))
        .collect();
    let mut read = vec![args.queries.clone()];
    read.extend(args.targets.clone());
    outputs::check(&written, &read)?;
    let sources = Sources::new();
    let mut notes = Notes::new();
    let queries = parse_meme(sources.lines(&args.queries)?, &mut notes)?;
    let others = match &args.targets {
        Some(file) => Some(parse_meme(sources.lines(file)?, &mut notes)?),
        None => None,
    };
    say(&notes);
    let targets = others.as_ref().unwrap_or(&queries);
    if others.is_none() && queries.len() == 1 {
        return Err(Error::invalid(format!(
            "{}: one motif, and no others to compare it with; name a second file",
            args.queries.display()
        )));
    }
    let known = args.targets.as_ref().unwrap_or(&args.queries);
    let flat = match args.distance {
        DistanceArg::Euclidean => of_flat(&queries, &args.queries),
        DistanceArg::Pearson => None,
    };
    let long = of_long(&queries, &args.queries);
    for note in of_few(targets, known).into_iter().chain(flat).chain(long) {
        tell!("{note}");
    }
    let matches = args.matches(&queries, targets, others.is_none());
    emit(args.out.as_deref(), |w| {
        let lines = queries.iter().zip(&matches).flat_map(|(query, matches)| {
            let shown = matches.iter().take(args.top.unwrap_or(usize::MAX));
            shown.map(|m| m.row(query, targets))
        });
        write(w, lines)
    })?;
    match &args.html {
        Some(file) => {
            let page = args.page(&queries, targets, &matches);
            write_atomic(file, |w| w.write_all(page.as_bytes()))?;
            tell!("{}", file.display());
            Ok(())
        }
        None => Ok(()),
    }
}

impl Args {
    /// Of each query those that pass, best first.
    fn matches(&self, queries: &[Motif], targets: &[Motif], own: bool) -> Vec<Vec<Significant>> {
        let distance = match self.distance {
            DistanceArg::Euclidean => Distance::Euclidean,
            DistanceArg::Pearson => Distance::Pearson,
        };
        let prepared = Targets::new(targets.iter().map(|m| m.rows.as_slice()), distance);
        let bar = Reporter::new().bar("comparing", queries.len(), "motifs");
        let of_query = |scratch: &mut Scratch, (place, query): (usize, &Motif)| {
            let mut found = prepared.compare(&query.rows, scratch);
            bar.advance(1);
            found.retain(|m| !(own && m.target == place));
            let p: Vec<f64> = found.iter().map(|m| m.p_value).collect();
            let mut significant: Vec<Significant> = found
                .into_iter()
                .zip(q_values(&p, p.len() as u64))
                .map(|(found, q_value)| Significant {
                    e_value: found.p_value * p.len() as f64,
                    found,
                    q_value,
                })
                .filter(|m| match self.evalue {
                    true => m.e_value <= self.thresh,
                    false => m.q_value <= self.thresh,
                })
                .collect();
            significant.sort_by(|a, b| a.found.p_value.total_cmp(&b.found.p_value));
            significant
        };
        let found = queries.par_iter().enumerate();
        let found = found.map_init(Scratch::default, of_query).collect();
        bar.finish();
        found
    }

    fn page(&self, queries: &[Motif], targets: &[Motif], matches: &[Vec<Significant>]) -> String {
        let top = self.top.unwrap_or(SHOWN);
        let name = |file: &Path| file.display().to_string();
        let known = self.targets.as_ref().unwrap_or(&self.queries);
        let mut page = Page::new(&format!(
            "Motifs of {} and those of {} that they resemble",
            name(&self.queries),
            name(known)
        ));
        page.paragraph(&format!(
            "Each motif with its best {top} matches of {} {} or less, position on position; p-values as Tomtom defines them.",
            if self.evalue { "E-value" } else { "q-value" },
            self.thresh
        ));
        let mut without = Vec::new();
        // The motif of the best match first.
        let mut order: Vec<usize> = (0..queries.len()).collect();
        let best = |i: usize| matches[i].first().map_or(2.0, |m| m.found.p_value);
        order.sort_by(|&a, &b| best(a).total_cmp(&best(b)));
        for place in order {
            let (query, matches) = (&queries[place], &matches[place]);
            if matches.is_empty() {
                without.push(query.shown());
                continue;
            }
            page.heading(&query.shown());
            let other = |m: &Significant| {
                let target = &targets[m.found.target];
                Other {
                    title: format!(
                        "{}: p = {}, E = {}, q = {}{}",
                        target.shown(),
                        Probability(m.found.p_value),
                        Probability(m.e_value),
                        Probability(m.q_value),
                        if m.found.reverse {
                            ", reverse complement"
                        } else {
                            ""
                        }
                    ),
                    rows: &target.rows,
                    reverse: m.found.reverse,
                    offset: -m.found.offset,
                }
            };
            page.picture(&aligned_svg(&[Stack {
                title: query.shown(),
                rows: &query.rows,
                others: matches.iter().take(top).map(other).collect(),
            }]));
        }
        if !without.is_empty() {
            page.heading("Without a match");
            page.paragraph(&without.join(", "));
        }
        page.finish()
    }
}

impl Significant {
    fn row<'a>(&self, query: &'a Motif, targets: &'a [Motif]) -> Row<'a> {
        let target = &targets[self.found.target];
        Row {
            query: &query.id,
            target: &target.id,
            offset: self.found.offset,
            p_value: self.found.p_value,
            e_value: self.e_value,
            q_value: self.q_value,
            overlap: self.found.overlap,
            query_rows: &query.rows,
            target_rows: &target.rows,
            reverse: self.found.reverse,
        }
    }
}
