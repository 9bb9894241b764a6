//! `cisgrad tisfm predict`.

use super::common::{DeviceArgs, PrecisionArg, emit};
use crate::io::sequences::read_sequences;
use crate::report::progress::Reporter;
use crate::train::Samples;
use crate::train::saved::SavedModel;
use crate::{Error, Result};
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// Model folder
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Sequences: name and sequence a line, FASTA, or BED with --genome
    #[arg(long, value_name = "FILE")]
    sequences: PathBuf,
    /// Genome FASTA (plain, gzip or bgzip) for a BED of sequences
    #[arg(long, value_name = "FASTA")]
    genome: Option<PathBuf>,
    #[arg(long, default_value_t = 254, value_name = "N")]
    batch_size: usize,
    /// Arithmetic: f32 or f64 [default: as trained]
    #[arg(long, value_name = "TYPE")]
    precision: Option<PrecisionArg>,
    /// Write here instead of to stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
}

pub fn run(args: &Args) -> Result<()> {
    if args.batch_size == 0 {
        return Err(Error::usage("--batch-size must be at least 1"));
    }
    let model = SavedModel::open(&args.model)?;
    let precision = match args.precision {
        Some(given) => given.on_cpu()?,
        None => model.config.precision,
    };
    args.device.open(Some(precision))?;
    if model.config.architecture.depends_on_batch() {
        eprintln!(
            "warning: {} uses each batch's first sequence for all: predictions depend on the order and --batch-size",
            model.config.architecture.name
        );
    }
    let sequences = read_sequences(&args.sequences, args.genome.as_deref())?;
    let samples = Samples {
        codes: &sequences.codes,
        signals: &[],
        length: sequences.length,
        outputs: model.config.outputs.len(),
    };
    let rows: Vec<usize> = (0..sequences.len()).collect();
    let bar = Reporter::new().bar("predicting", rows.len());
    let predictions = model.predict(precision, samples, &rows, args.batch_size, |n| {
        bar.advance(n)
    })?;
    bar.finish();
    let outputs = &model.config.outputs;
    emit(args.out.as_deref(), |w| {
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
