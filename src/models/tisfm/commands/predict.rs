//! `cisgrad tisfm predict`.

use super::data_args::DataArgs;
use super::model_args::ModelArgs;
use crate::args::{emit, say};
use crate::data::Notes;
use crate::data::uninformative::without_bases;
use crate::dna::sequences::Sequences;
use crate::io::sequences::{holds_nothing, parse_sequences};
use crate::io::sources::Sources;
use crate::models::tisfm::measured::MEASURED;
use crate::models::tisfm::samples::Rows;
use crate::report::progress::Reporter;
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
    let (model, precision, device) = args.model.open(known, args.data.inputs())?;
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
    say(&notes);
    let samples = Rows {
        codes: &sequences.codes,
        targets: &[],
        length: sequences.length,
    };
    let rows: Vec<usize> = (0..sequences.len()).collect();
    let bar = Reporter::new().bar("predicting", rows.len(), "sequences");
    let predictions = model.predict(
        &device,
        precision,
        samples,
        &rows,
        args.model.batch_size,
        |n| bar.advance(n),
    )?;
    bar.finish();
    emit(args.model.out.as_deref(), |w| {
        writeln!(w, "name\t{}", outputs.join("\t"))?;
        for (row, name) in sequences.names.iter().enumerate() {
            write!(w, "{name}")?;
            for output in 0..outputs.len() {
                write!(w, "\t{}", predictions.text(row * outputs.len() + output))?;
            }
            writeln!(w)?;
        }
        Ok(())
    })
}

/// Predicts a part of the training run's rows; their signals stand beside.
fn one_part(args: &Args, part: Part, known: Kinds) -> Result<()> {
    let (model, precision, device) = args.model.open(known, args.data.inputs())?;
    let dataset = args.data.dataset(&model, args.model.genome.as_deref())?;
    let split = args.data.split(&model, &dataset)?;
    let rows = match part {
        Part::Train => split.train,
        Part::Validation => split.validation,
        Part::Test => split.test,
    };
    say(
        &without_bases(&dataset.names, &dataset.codes, dataset.length)
            .into_iter()
            .collect::<Vec<_>>(),
    );
    let device = device.announce();
    let samples = Rows {
        codes: &dataset.codes,
        targets: &[],
        length: dataset.length,
    };
    let bar = Reporter::new().bar("predicting", rows.len(), "sequences");
    let size = args.model.batch_size;
    let predictions =
        model.predict(&device, precision, samples, &rows, size, |n| bar.advance(n))?;
    bar.finish();
    let outputs = &model.config.model.outputs;
    emit(args.model.out.as_deref(), |w| {
        write!(w, "name\t{}", outputs.join("\t"))?;
        for output in outputs {
            write!(w, "\t{output}{MEASURED}")?;
        }
        writeln!(w)?;
        for (place, &row) in rows.iter().enumerate() {
            write!(w, "{}", dataset.names[row])?;
            for output in 0..outputs.len() {
                write!(w, "\t{}", predictions.text(place * outputs.len() + output))?;
            }
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
