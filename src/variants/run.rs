//! The run: variants in blocks, what is found of them into files beside the output, and in the end the output.

use super::p_values;
use super::parts;
use super::request::Request;
use super::rows::Columns;
use super::scored::{Block, Scoring, Shape, blocks};
use super::scorer::Scorer;
use super::survey::{Survey, survey};
use super::tally::Tally;
use super::written;
use crate::data::variant_windows::{Examined, Site, examine};
use crate::engine::Philox;
use crate::io::atomic::check_writable;
use crate::io::grown_files::GrownFiles;
use crate::io::hash::sha256;
use crate::io::seen::Seen;
use crate::io::vcf::{Reader, Record};
use crate::report::progress::{Bar, Reporter};
use crate::train::interrupt::{self, interrupted};
use crate::{Error, Result};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// How often what is computed is put on the disk: a run that is killed loses no more.
const KEEP: Duration = Duration::from_secs(10);

/// Scores the variants of a file and writes the output; gives the counts of what became of them, which the reporter has said.
///
/// # Errors
/// Those of [`survey`], before anything is written; an output that cannot be written; those of the scorer; an interrupted run,
/// which `resume` goes on with. The output is whole or not there.
pub fn run(request: &Request, scorer: &mut dyn Scorer, reporter: &Reporter) -> Result<Tally> {
    interrupt::watch();
    check_writable(&request.out)?;
    parts::check(request)?;
    let found = survey(
        request.vcf,
        request.wanted,
        request.genome,
        &request.layout,
        request.strict,
    )?;
    let genome = &request.genome.chromosomes().path;
    for sentence in found.sentences(request.vcf.path(), genome) {
        reporter.line(&sentence);
    }
    let shape = Shape {
        outputs: scorer.outputs().len(),
        logits: scorer.has_logits(),
        motifs: !scorer.motifs().is_empty(),
        null: request.null,
    };
    let fingerprint = fingerprint(request, shape, &found);
    let mut parts = parts::open(request, &fingerprint)?;
    let bar = reporter.bar("variants", found.records as usize, "lines");
    let scored = score_all(request, shape, scorer, &mut parts, &bar);
    bar.finish();
    let written = scored.and_then(|seen| match seen == found.seen {
        true => finish(request, shape, &*scorer, &parts, &found),
        false => Ok(false),
    });
    match written {
        Ok(true) => {
            parts.remove()?;
            Ok(found.tally)
        }
        Ok(false) => {
            parts.remove()?;
            let vcf = request.vcf.path().display();
            Err(Error::invalid(format!(
                "{vcf}: changed while it was read; begin anew"
            )))
        }
        Err(error) => Err(stopped(request, parts, error, reporter)),
    }
}

/// Writes the output; false where the VCF file has changed.
fn finish(
    request: &Request,
    shape: Shape,
    scorer: &dyn Scorer,
    parts: &GrownFiles,
    found: &Survey,
) -> Result<bool> {
    let blocks = blocks(parts)?;
    if shape.null > 0 {
        p_values::fill(parts, &blocks, shape)?;
    }
    let columns = Columns {
        outputs: scorer.outputs().to_vec(),
        logits: shape.logits,
        p_values: shape.null > 0,
        quantiles: request.backgrounds.is_some(),
        motifs: shape.motifs,
        notes: request.notes.clone(),
    };
    let motifs = scorer.motifs();
    written::write(request, parts, &blocks, shape, &columns, motifs, found)
}

/// What must be the same for a run to go on: what the caller says, the variants' lines, and how they are scored.
fn fingerprint(request: &Request, shape: Shape, survey: &Survey) -> String {
    let own = (
        &request.layout,
        &request.wanted,
        request.block,
        request.seed,
    );
    let lines = (survey.records, survey.seen);
    let all = format!("{} {shape:?} {own:?} {lines:?}", request.fingerprint);
    sha256(all.as_bytes())
}

/// Scores what is not scored yet; gives the lines that were read.
fn score_all(
    request: &Request,
    shape: Shape,
    scorer: &mut dyn Scorer,
    parts: &mut GrownFiles,
    bar: &Bar,
) -> Result<Seen> {
    let mut reader = Reader::open(request.vcf, request.wanted)?;
    let mut done = 0;
    while done < parts.done() && reader.read()?.is_some() {
        done += 1;
    }
    bar.begin_behind(done as usize);
    let scored = |block: Block| u64::from(block.scored);
    let mut first: u64 = blocks(parts)?.into_iter().map(scored).sum();
    let scoring = Scoring {
        layout: &request.layout,
        shape,
        random: Philox::new(request.seed),
        most: shape.most(request.block),
    };
    let mut kept = Instant::now();
    loop {
        let records = next_block(&mut reader, scoring.most)?;
        if records.is_empty() {
            break;
        }
        let sites = sites(request, &records);
        scoring.score((records.len(), &sites), first, scorer, parts)?;
        first += sites.len() as u64;
        done += records.len() as u64;
        parts.whole(done);
        bar.advance(records.len());
        if interrupted() {
            return Err(Error::Interrupted);
        }
        if kept.elapsed() >= KEEP {
            parts.keep()?;
            kept = Instant::now();
        }
    }
    parts.keep()?;
    Ok(reader.seen())
}

/// Lines up to so many, and with the last one so many alleles, without their text.
fn next_block(reader: &mut Reader, most: NonZeroUsize) -> Result<Vec<Record>> {
    let (mut records, mut alleles) = (Vec::new(), 0);
    while records.len().max(alleles) < most.get()
        && let Some(record) = reader.read()?
    {
        alleles += record.alternatives.len();
        // All genotypes are in it.
        let text = String::new();
        records.push(Record { text, ..record });
    }
    Ok(records)
}

/// Those of the block's alleles that are scored, in order.
fn sites(request: &Request, records: &[Record]) -> Vec<Site> {
    let (genome, layout) = (request.genome, &request.layout);
    let alleles = records.iter();
    let alleles = alleles.flat_map(|record| examine(genome, layout, record));
    let site = |found| match found {
        Examined::Scored(edit) => Site::read(genome, layout, edit),
        Examined::Mismatch | Examined::Unscored(_) => None,
    };
    alleles.filter_map(site).collect()
}

/// What a run that could not go on leaves: whole blocks, from which another one goes on, or nothing where there are none.
fn stopped(request: &Request, parts: GrownFiles, error: Error, reporter: &Reporter) -> Error {
    if parts.done() == 0 || request.stream().is_some() {
        // The error is what matters; what cannot be removed is named when the command is repeated.
        let _ = parts.remove();
        return error;
    }
    let folder = parts.folder().display();
    match (parts.keep(), error) {
        // On a full disk, say: what was kept before is there.
        (Err(_), error) => {
            reporter.line(&format!(
                "what was saved before is in {folder}; the same command with --resume goes on from there"
            ));
            error
        }
        (Ok(()), Error::Interrupted) => interrupt::stopped(parts.folder(), reporter),
        (Ok(()), error) => {
            reporter.line(&format!(
                "{} lines are saved in {folder}; the same command with --resume goes on",
                parts.done()
            ));
            error
        }
    }
}
