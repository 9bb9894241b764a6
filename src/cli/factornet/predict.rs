//! `cisgrad factornet predict`.

use super::ground::{Ground, Wanted};
use super::saved::{chosen, open};
use super::shared::SharedArgs;
use crate::data::factornet::Sample;
use crate::data::factornet::annotations::Annotations;
use crate::data::factornet::inputs::Inputs;
use crate::io::bed::Reader;
use crate::io::bigwig::write_bigwig;
use crate::io::cell::CellFolder;
use crate::io::scored_bed::{write_error, write_scored_bed};
use crate::io::text::first_names;
use crate::report::progress::Reporter;
use crate::train::config::Precision;
use crate::train::factornet::{FactorNet, Predictor};
use crate::train::network::Number;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

mod signal;

use signal::Signal;

#[derive(clap::Args)]
pub struct Args {
    /// Folder of the cell line
    #[arg(short = 'i', long, value_name = "DIR")]
    inputdir: PathBuf,
    /// Model folder, ours or one that Keras saved
    #[arg(short = 'm', long, visible_alias = "modeldir", value_name = "DIR")]
    model: PathBuf,
    /// The factor to score [default: all of the model, a column each]
    #[arg(short = 'f', long, value_name = "NAME")]
    factor: Option<String>,
    /// Intervals to score, BED
    #[arg(short = 'b', long, visible_alias = "bed", value_name = "BED")]
    bedfile: PathBuf,
    /// Scored intervals, gzipped BED
    #[arg(short = 'o', long, visible_alias = "out", value_name = "FILE")]
    outputfile: PathBuf,
    /// Write the scores as bigWig too, each base the mean of the intervals over it (with several factors a file each, its
    /// name before the ending)
    #[arg(long, value_name = "FILE")]
    bigwig: Option<PathBuf>,
    /// An interval on a chromosome that is not in use is an error
    #[arg(long)]
    strict: bool,
    /// Accepted as elsewhere; prediction has no randomness
    #[arg(short = 's', long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    shared: SharedArgs,
}

/// Intervals that are held at a time.
const BLOCK: usize = 1 << 15;

pub fn run(args: &Args) -> Result<()> {
    if args.bedfile == args.outputfile {
        return Err(Error::usage("-o is the file of -b"));
    }
    let model = open(&args.model)?;
    let columns = chosen(&model, args.factor.as_deref())?;
    match args.shared.open(Some(model.config.precision))? {
        Precision::F64 => predict::<f64>(args, &model, &columns),
        _ => predict::<f32>(args, &model, &columns),
    }
}

/// An interval of the block at work.
struct Line {
    text: String,
    /// None where the score is 0 by rule.
    sample: Option<usize>,
    /// Chromosome and bases, where it is in use.
    place: Option<(u32, u32, u32)>,
}

fn predict<T: Number>(args: &Args, model: &FactorNet, columns: &[usize]) -> Result<()> {
    let ground = Ground::open(&args.shared, model.config.network.length)?;
    let cell = CellFolder::read(&args.inputdir)?;
    let inputs = ground.inputs(
        &args.shared,
        &[cell],
        &Wanted::of(&model.config, &args.shared),
    )?;
    let annotations = ground.annotations(&args.shared, model.config.gencode)?;
    let names: Vec<&str> = columns
        .iter()
        .map(|&c| model.config.factors[c].as_str())
        .collect();
    if columns.len() > 1 {
        eprintln!("score columns: {}", names.join("\t"));
    }
    let mut work = Work {
        args,
        ground: &ground,
        inputs,
        annotations,
        predictor: model.predictor::<T>(args.shared.batch_size)?,
        factors: model.config.factors.len(),
        columns,
        strangers: Vec::new(),
        unknown: 0,
        signal: args.bigwig.as_ref().map(|_| Signal::new(columns.len())),
    };
    let reporter = Reporter::new();
    let bar = reporter.bar("scoring", 0);
    write_scored_bed(&args.outputfile, |out| {
        let mut reader = Reader::open(&args.bedfile)?;
        let failed = write_error(&args.outputfile);
        loop {
            let (lines, samples) = work.block(&mut reader)?;
            if lines.is_empty() {
                return Ok(());
            }
            let scores = work.score(&samples, |n| bar.advance(n));
            for line in &lines {
                let row = match line.sample {
                    Some(i) => scores[i * columns.len()..(i + 1) * columns.len()].to_vec(),
                    None => vec![0.0; columns.len()],
                };
                out.write(&line.text, &row).map_err(&failed)?;
                if let (Some(signal), Some(place)) = (&mut work.signal, line.place) {
                    signal.add(place, &row);
                }
            }
        }
    })?;
    bar.finish();
    if work.unknown > 0 {
        eprintln!(
            "warning: {} intervals are on chromosomes that are not in use and score 0: {}",
            work.unknown,
            first_names(&work.strangers)
        );
    }
    if let (Some(path), Some(mut signal)) = (&args.bigwig, work.signal) {
        for (column, name) in names.iter().enumerate() {
            let path = if names.len() == 1 {
                path.clone()
            } else {
                named(path, name)
            };
            let chromosomes = ground.chromosomes();
            write_bigwig(&path, chromosomes, signal.runs(column, chromosomes))?;
        }
    }
    Ok(())
}

/// `scores.bw` for a factor: `scores.CTCF.bw`.
fn named(path: &Path, factor: &str) -> PathBuf {
    let ending = path
        .extension()
        .map(|e| format!(".{}", e.to_string_lossy()));
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}.{factor}{}", ending.unwrap_or_default()))
}

struct Work<'a, T: Number> {
    args: &'a Args,
    ground: &'a Ground,
    inputs: Inputs,
    annotations: Option<Annotations>,
    predictor: Predictor<T>,
    factors: usize,
    columns: &'a [usize],
    /// Chromosomes that are not in use.
    strangers: Vec<String>,
    unknown: u64,
    signal: Option<Signal>,
}

impl<T: Number> Work<'_, T> {
    /// The next intervals, and the samples among them.
    fn block(&mut self, reader: &mut Reader) -> Result<(Vec<Line>, Vec<Sample>)> {
        let (mut lines, mut samples) = (Vec::new(), Vec::new());
        let chromosomes = self.ground.chromosomes();
        while lines.len() < BLOCK {
            let Some(row) = reader.read()? else { break };
            let mut line = Line {
                text: row.text.to_string(),
                sample: None,
                place: None,
            };
            let name = row.chromosome;
            let number = chromosomes.number(name);
            let bases = (u32::try_from(row.start), u32::try_from(row.end));
            match (number, bases) {
                (Some(number), (Ok(start), Ok(end))) if end <= chromosomes.length(number) => {
                    line.place = Some((number, start, end));
                    let (from, to) = (i64::from(start), i64::from(end));
                    if !self.ground.blacklist.grown.touches(number, from, to) {
                        let features = self.annotations.as_ref();
                        line.sample = Some(samples.len());
                        samples.push(Sample {
                            cell: 0,
                            chromosome: number,
                            middle: (from + to) / 2,
                            label: 0,
                            features: features.map_or(0, |a| a.features(number, from, to)),
                        });
                    }
                }
                // Past the chromosome's end.
                (Some(_), _) => {}
                (None, _) => {
                    if self.args.strict {
                        let known = first_names(chromosomes.names());
                        let message =
                            format!("chromosome '{name}' is not in use; those are {known}");
                        return Err(reader.error(message));
                    }
                    self.unknown += 1;
                    if !self.strangers.iter().any(|s| s == name) {
                        self.strangers.push(name.to_string());
                    }
                }
            }
            lines.push(line);
        }
        Ok((lines, samples))
    }

    /// Samples x chosen factors.
    fn score(&mut self, samples: &[Sample], seen: impl Fn(usize)) -> Vec<f64> {
        let inputs = &self.inputs;
        let all = self.predictor.predict(
            samples,
            |sample, codes, tracks, meta| inputs.fill(sample, codes, tracks, meta),
            seen,
        );
        let rows = all.chunks(self.factors);
        rows.flat_map(|row| self.columns.iter().map(|&c| row[c].f64()))
            .collect()
    }
}
