//! `cisgrad tisfm predict`.

use super::model_args::ModelArgs;
use crate::Result;
use crate::args::{emit, say};
use crate::data::Notes;
use crate::data::uninformative::without_bases;
use crate::dna::sequences::Sequences;
use crate::io::sequences::{holds_nothing, parse_sequences};
use crate::io::sources::Sources;
use crate::models::tisfm::samples::Rows;
use crate::report::progress::Reporter;
use crate::train::model::Kinds;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Sequences: name and sequence a line, FASTA, or BED with --genome; - is standard input
    #[arg(long, value_name = "FILE")]
    sequences: PathBuf,
}

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    let inputs = vec![args.sequences.clone()];
    let (model, precision, device) = args.model.open(known, inputs)?;
    let outputs = &model.config.model.outputs;
    let mut lines = Sources::new().into_lines(&args.sequences)?;
    let genome = args.model.genome.as_deref();
    let mut notes = Notes::new();
    // Pipelines score a BED in chunks, of which some are empty.
    let sequences = match genome.is_some() && holds_nothing(&mut lines)? {
        true => Sequences {
            path: args.sequences.clone(),
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
    let device = device.announce();
    say(&notes);
    let samples = Rows {
        codes: &sequences.codes,
        signals: &[],
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
