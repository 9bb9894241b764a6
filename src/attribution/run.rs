//! The run: sequences in blocks, what is found of them into the folder, and in the end the files that others read.

use super::explainer::{Attributions, Explainer};
use super::folder::{Begun, Parts, Record};
use super::named_hits::HITS;
use super::network::Explain;
use super::output::{Output, SCORES, SEQUENCES, bases_of, tracks_of};
use super::subjects::{Subject, Subjects};
use super::work::{Block, Hits, Request, Work};
use super::written;
use crate::report::progress::Reporter;
use crate::train::folder::weights::Number;
use crate::train::interrupt::{self, interrupted};
use crate::{Error, Result};
use std::sync::Arc;

impl<T: Number, M: Explain> Work for Explainer<'_, T, M> {
    fn most(&self) -> usize {
        Explainer::most(self)
    }

    fn tracks(&self) -> Vec<String> {
        Explainer::tracks(self).to_vec()
    }

    fn block(
        &mut self,
        subjects: &[Arc<Subject>],
        first: usize,
        _all: &dyn Subjects,
        outputs: &[Output],
    ) -> Result<Block> {
        let Attributions {
            scores,
            baselines,
            bases,
            tracks,
        } = self.explain(subjects, first)?;
        let mut numbers = Vec::new();
        for ((output, bases), tracks) in outputs.iter().zip(bases).zip(tracks) {
            numbers.push((bases_of(output), bases));
            if !tracks.is_empty() {
                numbers.push((tracks_of(output), tracks));
            }
        }
        Ok(Block {
            scores,
            baselines,
            numbers,
            lines: Vec::new(),
        })
    }
}

/// Explains all sequences and writes what others read. `hits`: names for pictures where no motifs are given.
///
/// # Errors
/// A folder that is in use; the device fails; [`Error::Interrupted`], after it was said how to go on; what the operating system says.
pub fn run(
    request: &Request,
    subjects: &dyn Subjects,
    work: &mut dyn Work,
    hits: Option<&mut dyn Hits>,
) -> Result<()> {
    let fingerprint = crate::io::hash::sha256(
        format!("{}\n{}", request.fingerprint, subjects.fingerprint()).as_bytes(),
    );
    let mut parts = match Parts::open(&request.out, &fingerprint, request.resume)? {
        Begun::Open(parts) => parts,
        Begun::Finished => {
            tell!("{}: finished already", request.out.display());
            return Ok(());
        }
    };
    interrupt::watch();
    let reporter = Reporter::new();
    let bar = reporter.bar("explaining", subjects.len(), "sequences");
    bar.begin_behind(parts.done());
    let most = work.most();
    let mut tables = work.tables(&request.outputs);
    tables.extend(
        request
            .named
            .iter()
            .map(|named| (HITS.to_string(), named.header())),
    );
    while parts.done() < subjects.len() {
        let first = parts.done();
        let last = (first + most).min(subjects.len());
        let block: Vec<Arc<Subject>> = (first..last)
            .map(|at| Arc::new(subjects.subject(at)))
            .collect();
        let found = match work.block(&block, first, subjects, &request.outputs) {
            Err(Error::Interrupted) => return Err(interrupt::stopped(&request.out, &reporter)),
            found => found?,
        };
        check_finite(&found, &block, first, subjects)?;
        let outputs = &request.outputs;
        if let Some(named) = &request.named {
            let lines = named.lines(&block, first, subjects, outputs, &found.numbers);
            parts.add(HITS, lines.as_bytes())?;
        }
        for subject in &block {
            parts.add(SEQUENCES, &subject.codes)?;
        }
        let scores = found.scores.iter().chain(&found.baselines);
        // A block's scores, then those of its baselines: rows of both are put together when they are read.
        let rows = block.len();
        let width = outputs.len();
        let scores: Vec<f64> = scores.copied().collect();
        for row in 0..rows {
            for half in scores.chunks(rows * width) {
                let own = &half[row * width..(row + 1) * width];
                let bytes: Vec<u8> = own.iter().flat_map(|x| x.to_le_bytes()).collect();
                parts.add(SCORES, &bytes)?;
            }
        }
        for (name, numbers) in &found.numbers {
            parts.add_numbers(name, numbers)?;
        }
        for (name, lines) in &found.lines {
            parts.add(name, lines.as_bytes())?;
        }
        parts.keep(last)?;
        bar.advance(last - first);
        if interrupted() {
            return Err(interrupt::stopped(&request.out, &reporter));
        }
    }
    bar.finish();
    let record = Record {
        version: env!("CARGO_PKG_VERSION").to_string(),
        fingerprint,
        model: request.model.clone(),
        method: request.method.name().to_string(),
        outputs: request.outputs.iter().map(|o| o.name.clone()).collect(),
        sequences: subjects.len(),
    };
    let tracks = work.tracks();
    match hits {
        Some(hits) => written::all(request, subjects, &parts, tracks, &tables, Some(hits))?,
        None => written::all(request, subjects, &parts, tracks, &tables, work.hits())?,
    }
    parts.finish(&record)
}

/// # Errors
/// A score or an attribution that is not a finite number: names the first sequence.
fn check_finite(
    found: &Block,
    block: &[Arc<Subject>],
    first: usize,
    subjects: &dyn Subjects,
) -> Result<()> {
    for row in 0..block.len() {
        let own = |len: usize| row * len / block.len()..(row + 1) * len / block.len();
        let scores = [&found.scores, &found.baselines].into_iter();
        let mut scores = scores.flat_map(|scores| &scores[own(scores.len())]);
        let numbers = found.numbers.iter();
        let mut numbers = numbers.flat_map(|(_, numbers)| &numbers[own(numbers.len())]);
        if !scores.all(|x| x.is_finite()) || !numbers.all(|x| x.is_finite()) {
            return Err(Error::invalid(format!(
                "sequence {}: its score or attributions are not finite numbers: weights beyond the range of the arithmetic; try --precision f64",
                subjects.name(first + row)
            )));
        }
    }
    Ok(())
}
