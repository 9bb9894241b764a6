//! `cisgrad tisfm predict`.

use super::data_args::DataArgs;
use super::model_args::ModelArgs;
use crate::args::{emit, say};
use crate::data::Notes;
use crate::data::uninformative::without_bases;
use crate::dna::sequences::Sequences;
use crate::engine::Device;
use crate::io::sequences::{holds_nothing, parse_sequences};
use crate::io::sources::Sources;
use crate::models::tisfm::measured::MEASURED;
use crate::models::tisfm::members::{Averaged, Members, SPREAD};
use crate::models::tisfm::samples::Rows;
use crate::models::tisfm::saved::SavedModel;
use crate::report::progress::Reporter;
use crate::train::folder::config::Precision;
use crate::train::model::Kinds;
use crate::{Error, Result};
use std::path::Path;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    data: DataArgs,
    /// Predict this part of the training run's split, with the measured values beside: train, validation or test
    #[arg(long, value_name = "PART")]
    split: Option<Part>,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Train,
    Validation,
    Test,
}

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    match (args.split, &args.data.sequences) {
        (Some(part), _) => one_part(args, part, known),
        (None, Some(sequences)) => all(args, sequences, known),
        (None, None) => Err(Error::usage(
            "--sequences FILE is needed, or --split test for the sequences that the model was tested on",
        )),
    }
}

/// Predicts every sequence of a file.
fn all(args: &Args, file: &Path, known: Kinds) -> Result<()> {
    for (given, flag) in [
        (args.data.atac_file.is_some(), "--atac-file"),
        (args.data.split_folder.is_some(), "--split-folder"),
    ] {
        if given {
            return Err(Error::usage(format!("{flag} goes with --split")));
        }
    }
    let (members, precision, device) = args.model.open(known, args.data.inputs())?;
    let model = members.first();
    let outputs = &model.config.model.outputs;
    let mut lines = Sources::new().into_lines(file)?;
    let genome = args.model.genome.as_deref();
    let mut notes = Notes::new();
    // Pipelines score a BED in chunks, of which some are empty.
    let sequences = match genome.is_some() && holds_nothing(&mut lines)? {
        true => Sequences {
            path: file.to_path_buf(),
            names: Vec::new(),
            length: model.config.model.window,
            codes: Vec::new(),
            chromosomes: None,
            starts: Vec::new(),
            kept: Vec::new(),
        },
        false => parse_sequences(lines, genome, &mut notes)?,
    };
    notes.extend(without_bases(
        &sequences.names,
        &sequences.codes,
        sequences.length,
    ));
    if model.config.model.batch_offsets.is_some() {
        notes.push(
            "note: the model was trained on signals less their batches' offsets: predictions are those of no batch in particular"
                .to_string(),
        );
    }
    let device = device.announce();
    model.config.model.tell_transform();
    say(&notes);
    let samples = Rows {
        codes: &sequences.codes,
        targets: &[],
        length: sequences.length,
    };
    let rows: Vec<usize> = (0..sequences.len()).collect();
    let rows = vec![rows; members.models.len()];
    let found = args.predict(&members, &device, precision, samples, &rows)?;
    emit(args.model.out.as_deref(), |w| {
        writeln!(w, "{}", header(&found, outputs))?;
        for (row, name) in sequences.names.iter().enumerate() {
            writeln!(w, "{name}{}", fields(&found, row, outputs.len()))?;
        }
        Ok(())
    })
}

/// The columns of predictions, and of their spread over the models of an ensemble.
fn header(found: &Averaged, outputs: &[String]) -> String {
    let mut columns = vec!["name".to_string()];
    columns.extend(outputs.iter().cloned());
    if !found.spread.is_empty() {
        columns.extend(outputs.iter().map(|output| format!("{output}{SPREAD}")));
    }
    columns.join("\t")
}

/// A line's fields under [`header`] but the name, each after a tab.
fn fields(found: &Averaged, line: usize, outputs: usize) -> String {
    let all = line * outputs..(line + 1) * outputs;
    let spread = all.clone().filter(|_| !found.spread.is_empty());
    all.map(|i| format!("\t{}", found.mean.text(i)))
        .chain(spread.map(|i| format!("\t{}", found.spread_text(i))))
        .collect()
}

impl Args {
    fn predict(
        &self,
        members: &Members,
        device: &Device,
        precision: Precision,
        samples: Rows<'_>,
        rows: &[Vec<usize>],
    ) -> Result<Averaged> {
        let all = rows.iter().map(Vec::len).sum();
        let bar = Reporter::new().bar("predicting", all, "sequences");
        let size = self.model.batch_size;
        let found = members.predict(device, precision, samples, rows, size, |n| bar.advance(n))?;
        bar.finish();
        Ok(found)
    }
}

/// Predicts a part of the training run's rows; their signals stand beside. Of a cross-validation each model predicts its own part.
fn one_part(args: &Args, part: Part, known: Kinds) -> Result<()> {
    let (members, precision, device) = args.model.open(known, args.data.inputs())?;
    let model = members.first();
    let dataset = args.data.dataset(model, args.model.genome.as_deref())?;
    let rows = |model: &SavedModel| {
        let split = args.data.split(model, &dataset)?;
        Ok(match part {
            Part::Train => split.train,
            Part::Validation => split.validation,
            Part::Test => split.test,
        })
    };
    let rows: Vec<Vec<usize>> = members.models.iter().map(rows).collect::<Result<_>>()?;
    say(
        &without_bases(&dataset.names, &dataset.codes, dataset.length)
            .into_iter()
            .collect::<Vec<_>>(),
    );
    let device = device.announce();
    model.config.model.tell_transform();
    let samples = Rows {
        codes: &dataset.codes,
        targets: &[],
        length: dataset.length,
    };
    let found = args.predict(&members, &device, precision, samples, &rows)?;
    let outputs = &model.config.model.outputs;
    emit(args.model.out.as_deref(), |w| {
        write!(w, "{}", header(&found, outputs))?;
        for output in outputs {
            write!(w, "\t{output}{MEASURED}")?;
        }
        writeln!(w)?;
        for (place, &row) in found.rows.iter().enumerate() {
            write!(
                w,
                "{}{}",
                dataset.names[row],
                fields(&found, place, outputs.len())
            )?;
            for signal in dataset.signals(row) {
                match signal.is_nan() {
                    true => write!(w, "\t")?,
                    false => write!(w, "\t{signal:?}")?,
                }
            }
            writeln!(w)?;
        }
        Ok(())
    })
}
