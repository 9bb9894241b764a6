//! Scores of one model, interval by interval: what is in memory does not grow with the BED.

use super::bigwigs::BigWigs;
use super::calls::Calls;
use super::ready::Ready;
use super::{Args, Chosen, Files};
use crate::args::{Unannounced, say};
use crate::data::Notes;
use crate::io::scored_bed::{write_error, write_scored_bed};
use crate::io::sources::{Sources, is_stream};
use crate::models::factornet::cell_line::CellFolder;
use crate::models::factornet::samples::Sample;
use crate::report::progress::Reporter;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::interrupt;
use crate::train::predictor::{BLOCK, Predictor};
use crate::{Error, Result};

pub(super) fn predict<T: Number>(
    args: &Args,
    of: &Chosen,
    cell: [CellFolder; 1],
    device: Unannounced,
    precision: Precision,
    files: &Files,
) -> Result<()> {
    let (model, columns, names) = (&of.model, &of.columns, of.names());
    let mut calls = Calls::new(&args.calls, of, &files.calls)?;
    let sources = Sources::new();
    let mut notes = Notes::new();
    let ready = Ready::read(args, of, &cell, &sources, &mut notes)?;
    let device = device.announce();
    say(&notes);
    if columns.len() > 1 {
        tell!("score columns: {}", names.join("\t"));
    }
    let mut bigwigs = BigWigs::new(&files.bigwigs, ready.genome.chromosomes())?;
    let reporter = Reporter::new();
    // What comes through a pipe is read once: how much it is, and what is wrong with it, is known at its end.
    let (most, bar) = match is_stream(&args.bedfile) {
        false => {
            let intervals = ready.asked(sources.lines(&args.bedfile)?).survey()?;
            let bar = reporter.bar("scoring", intervals, "intervals");
            (intervals.min(BLOCK), bar)
        }
        true => (BLOCK, reporter.counter("scoring", "intervals")),
    };
    let mut predictor = Predictor::new(
        &device,
        precision,
        &model.config.model.network,
        model.parameters::<T>()?,
        &ready.inputs,
        args.shared.batch_size(),
        most,
    )?;
    let factors = model.config.model.factors.len();
    let zeros = vec![0.0; columns.len()];
    let mut notes = Notes::new();
    // From here on a signal ends the work between two batches, and nothing half written stays.
    interrupt::watch();
    write_scored_bed(&args.outputfile, args.header(&names).as_deref(), |out| {
        let failed = write_error(&args.outputfile);
        let waiting = interrupt::Waiting::begin();
        let mut asked = ready.asked(sources.into_lines(&args.bedfile)?);
        drop(waiting);
        let mut lines = Vec::new();
        loop {
            lines.clear();
            let waiting = interrupt::Waiting::begin();
            while lines.len() < BLOCK
                && let Some(line) = asked.line()?
            {
                lines.push(line);
            }
            drop(waiting);
            // Also where nothing of the block is scored, and at the end.
            if interrupt::interrupted() {
                return Err(Error::Interrupted);
            }
            if lines.is_empty() {
                notes = asked.notes()?;
                return Ok(());
            }
            let samples: Vec<Sample> = lines.iter().filter_map(|line| line.sample).collect();
            let found = predictor.predict(&samples, |n| bar.advance(n))?;
            let mut rows = found.chunks(factors);
            for line in &lines {
                let Some(row) = line.sample.and_then(|_| rows.next()) else {
                    out.write(&line.text, &zeros).map_err(&failed)?;
                    continue;
                };
                calls.add(line, |output| row[output].f64());
                let row: Vec<f64> = of.scores(row).collect();
                out.write(&line.text, &row).map_err(&failed)?;
                bigwigs.add(line, &row)?;
            }
        }
    })?;
    bar.finish();
    say(&notes);
    bigwigs.write()?;
    calls.write(ready.genome.chromosomes(), &args.inputdir)
}
