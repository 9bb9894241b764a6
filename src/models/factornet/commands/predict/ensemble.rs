//! Scores of several models made into one, as the original's authors submitted theirs.
//!
//! An interval that one model leaves out (its blacklist is grown by its own length) has 0. Scores of all intervals are in memory, 4
//! bytes for each column, twice, and once more with --spread.

use super::bigwigs::BigWigs;
use super::ready::Ready;
use super::{Args, Chosen};
use crate::args::{Unannounced, say};
use crate::data::Notes;
use crate::engine::Device;
use crate::io::scored_bed::{write_error, write_scored_bed};
use crate::io::sources::Sources;
use crate::metrics::regression::ranks;
use crate::models::factornet::cell_line::CellFolder;
use crate::models::factornet::samples::Sample;
use crate::report::progress::Reporter;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::interrupt;
use crate::train::predictor::{BLOCK, Predictor};
use crate::{Error, Result};
use std::path::PathBuf;

/// How the scores of several models become one.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Combine {
    /// The mean.
    #[default]
    Mean,
    /// The mean of the ranks from the lowest score on, ties averaged, divided by the number of scored intervals.
    Rank,
}

pub(super) fn predict<T: Number>(
    args: &Args,
    models: &[Chosen],
    cell: [CellFolder; 1],
    device: Unannounced,
    precision: Precision,
    bigwigs: &[PathBuf],
) -> Result<()> {
    let names = models[0].names();
    let sources = Sources::new();
    let mut scored: Vec<bool> = Vec::new();
    let mut said = Notes::new();
    let mut last = None;
    // Which intervals every model scores; what is wrong with the inputs of one is known before another runs.
    for of in models {
        let mut notes = Notes::new();
        let ready = Ready::read(args, of, &cell, &sources, &mut notes)?;
        let mut asked = ready.asked(sources.lines(&args.bedfile)?);
        let mut row = 0;
        while let Some(line) = asked.line()? {
            match scored.get_mut(row) {
                Some(by_all) => *by_all &= line.sample.is_some(),
                None => scored.push(line.sample.is_some()),
            }
            row += 1;
        }
        notes.extend(asked.notes()?);
        for note in notes {
            if !said.contains(&note) {
                said.push(note);
            }
        }
        last = Some(ready);
    }
    let device = device.announce();
    say(&said);
    if names.len() > 1 {
        tell!("score columns: {}", names.join("\t"));
    }
    // From here on a signal ends the work between two batches, and nothing half written stays.
    interrupt::watch();
    let how = args.combine.unwrap_or_default();
    let count = scored.iter().filter(|scored| **scored).count();
    let mut sums = vec![0f32; count * names.len()];
    let mut apart = vec![0f32; if args.spread { sums.len() } else { 0 }];
    // The last model's inputs are at hand: it is the first to run.
    for (done, of) in models.iter().rev().enumerate() {
        let ready = match last.take() {
            Some(ready) => ready,
            None => Ready::read(args, of, &cell, &sources, &mut Notes::new())?,
        };
        let mut run = Run {
            args,
            of,
            ready: &ready,
            device: &device,
            precision,
        };
        let scores = run.scores::<T>(&sources, &scored, count)?;
        if args.spread {
            deviate(&mut apart, &sums, &scores, done);
        }
        add(&mut sums, &scores, names.len(), how);
    }
    let share = 1.0 / models.len() as f64;
    let zeros = vec![0.0; names.len() * if args.spread { 2 } else { 1 }];
    let ready = Ready::read(args, &models[0], &cell, &sources, &mut Notes::new())?;
    let mut bigwigs = BigWigs::new(bigwigs, ready.genome.chromosomes())?;
    let header = args.header(&names);
    write_scored_bed(&args.outputfile, header.as_deref(), |out| {
        let failed = write_error(&args.outputfile);
        let mut asked = ready.asked(sources.lines(&args.bedfile)?);
        let mut rows = sums.chunks(names.len()).enumerate();
        let mut by_all = scored.iter();
        while let Some(line) = asked.line()? {
            let row = by_all
                .next()
                .filter(|scored| **scored)
                .and_then(|_| rows.next());
            let Some((place, row)) = row else {
                out.write(&line.text, &zeros).map_err(&failed)?;
                continue;
            };
            let row: Vec<f64> = row.iter().map(|&sum| f64::from(sum) * share).collect();
            bigwigs.add(&line, &row)?;
            let apart = apart.chunks(names.len()).nth(place).unwrap_or_default();
            let spread = apart
                .iter()
                .map(|&sum| (f64::from(sum) / (models.len() - 1) as f64).sqrt());
            let row: Vec<f64> = row.into_iter().chain(spread).collect();
            out.write(&line.text, &row).map_err(&failed)?;
            if interrupt::interrupted() {
                return Err(Error::Interrupted);
            }
        }
        Ok(())
    })?;
    bigwigs.write()
}

/// A model's run over the BED.
struct Run<'a> {
    args: &'a Args,
    of: &'a Chosen,
    ready: &'a Ready,
    device: &'a Device,
    precision: Precision,
}

impl Run<'_> {
    /// The scores of the intervals that all models score, intervals x columns.
    fn scores<T: Number>(
        &mut self,
        sources: &Sources,
        by_all: &[bool],
        count: usize,
    ) -> Result<Vec<f32>> {
        let Chosen {
            folder,
            model,
            columns,
            ..
        } = self.of;
        let described = &model.config.model;
        let mut predictor = Predictor::new(
            self.device,
            self.precision,
            &described.network,
            model.parameters::<T>()?,
            &self.ready.inputs,
            self.args.shared.batch_size(),
            count.min(BLOCK),
        )?;
        let label = format!("scoring with {}", folder.display());
        let bar = Reporter::new().bar(&label, count, "intervals");
        let mut asked = self.ready.asked(sources.lines(&self.args.bedfile)?);
        let mut scores = Vec::with_capacity(count * columns.len());
        let mut by_all = by_all.iter();
        let mut samples: Vec<Sample> = Vec::new();
        loop {
            samples.clear();
            let mut ended = true;
            while let Some(line) = asked.line()? {
                let wanted = by_all.next().is_some_and(|scored| *scored);
                samples.extend(line.sample.filter(|_| wanted));
                if samples.len() == BLOCK {
                    ended = false;
                    break;
                }
            }
            if interrupt::interrupted() {
                return Err(Error::Interrupted);
            }
            let found = predictor.predict(&samples, |n| bar.advance(n))?;
            for row in found.chunks(described.factors.len()) {
                scores.extend(self.of.scores(row).map(|score| score as f32));
            }
            if ended {
                break;
            }
        }
        bar.finish();
        Ok(scores)
    }
}

/// Adds to the sums of squared differences from the mean (Welford 1962); `sums`: of the scores of the `done` models before this one.
fn deviate(apart: &mut [f32], sums: &[f32], scores: &[f32], done: usize) {
    if done == 0 {
        return;
    }
    let n = done as f32;
    for ((apart, sum), score) in apart.iter_mut().zip(sums).zip(scores) {
        let (before, after) = (sum / n, (sum + score) / (n + 1.0));
        *apart += (score - before) * (score - after);
    }
}

/// Adds a model's scores, or their ranks.
fn add(sums: &mut [f32], scores: &[f32], columns: usize, how: Combine) {
    match how {
        Combine::Mean => sums
            .iter_mut()
            .zip(scores)
            .for_each(|(sum, score)| *sum += score),
        Combine::Rank => {
            let count = scores.len() / columns.max(1);
            for column in 0..columns {
                let own = scores.iter().skip(column).step_by(columns);
                let own: Vec<f64> = own.map(|&score| f64::from(score)).collect();
                let ranked = ranks(&own);
                let places = sums.iter_mut().skip(column).step_by(columns);
                for (sum, rank) in places.zip(ranked) {
                    *sum += (rank / count as f64) as f32;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squared_differences_are_those_from_the_mean() {
        let (mut apart, mut sums) = (vec![0.0], vec![0.0]);
        for (done, score) in [0.25f32, 0.5, 0.75].into_iter().enumerate() {
            deviate(&mut apart, &sums, &[score], done);
            add(&mut sums, &[score], 1, Combine::Mean);
        }
        assert!((apart[0] - 0.125).abs() < 1e-7, "{apart:?}");
    }

    #[test]
    fn ranks_share_ties_and_are_shares_of_the_scored_intervals() {
        let mut sums = vec![0.0; 8];
        // Two columns of four intervals.
        let scores = [0.1, 0.9, 0.3, 0.9, 0.2, 0.9, 0.3, 0.0];
        add(&mut sums, &scores, 2, Combine::Rank);
        assert_eq!(sums, [0.25, 0.75, 0.875, 0.75, 0.5, 0.75, 0.875, 0.25]);
        add(&mut sums, &scores, 2, Combine::Mean);
        assert_eq!(sums[0], 0.35);
    }
}
