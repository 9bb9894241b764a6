//! `cisgrad tisfm predict`.

use super::model_args::ModelArgs;
use crate::Result;
use crate::args::emit;
use crate::io::sequences::read_sequences;
use crate::models::tisfm::samples::Rows;
use crate::report::progress::Reporter;
use crate::train::model::Kinds;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Sequences: name and sequence a line, FASTA, or BED with --genome
    #[arg(long, value_name = "FILE")]
    sequences: PathBuf,
}

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    let inputs = vec![args.sequences.clone()];
    let (model, precision, device) = args.model.open(known, inputs)?;
    let outputs = &model.config.model.outputs;
    let sequences = read_sequences(&args.sequences, args.model.genome.as_deref())?;
    let device = device.announce();
    let samples = Rows {
        codes: &sequences.codes,
        signals: &[],
        length: sequences.length,
        outputs: outputs.len(),
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
