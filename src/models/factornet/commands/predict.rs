//! `cisgrad factornet predict`.

use super::args::{SharedArgs, chosen};
use super::asked::Asked;
use super::outputs;
use crate::args::inputs::check_there;
use crate::args::numbers::zero_or_more;
use crate::args::outputs::check;
use crate::args::{Unannounced, say};
use crate::data::Notes;
use crate::io::atomic::is_gzip_name;
use crate::io::bigwig::Means;
use crate::io::scored_bed::{write_error, write_scored_bed};
use crate::io::sources::{Sources, is_stream};
use crate::models::factornet::cell_line::{CellFolder, Lists};
use crate::models::factornet::genome_inputs::{GenomeInputs, Wanted};
use crate::models::factornet::samples::Sample;
use crate::models::factornet::samples::placing::Placer;
use crate::models::factornet::saved::{FactorNet, open};
use crate::report::progress::Reporter;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::interrupt;
use crate::train::model::Kinds;
use crate::train::predictor::{BLOCK, Predictor};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

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
    /// Intervals to score, BED; - is standard input
    #[arg(short = 'b', long, visible_alias = "bed", value_name = "BED")]
    bedfile: PathBuf,
    /// Scored intervals, BED; packed with gzip where the name ends in .gz
    #[arg(short = 'o', long, visible_alias = "out", value_name = "FILE")]
    outputfile: PathBuf,
    /// Write the scores as bigWig too, each base the mean of the intervals over it (with several factors a file each, its
    /// name before the ending)
    #[arg(long, value_name = "FILE")]
    bigwig: Option<PathBuf>,
    /// With several factors: no line `#chrom start end ...` with their names before the intervals, as the original
    #[arg(long)]
    no_header: bool,
    /// Accepted as elsewhere; prediction has no randomness
    #[arg(short = 's', long, value_name = "N", value_parser = zero_or_more::<u64>)]
    seed: Option<u64>,
    #[command(flatten)]
    shared: SharedArgs,
}

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    let model = open(&args.model, known)?;
    let columns = chosen(&model, args.factor.as_deref())?;
    check_there([&args.bedfile])?;
    let (device, precision) = args.shared.open(Some(model.config.precision))?;
    match precision {
        Precision::F64 => predict::<f64>(args, &model, device, precision, &columns),
        _ => predict::<f32>(args, &model, device, precision, &columns),
    }
}

fn predict<T: Number>(
    args: &Args,
    model: &FactorNet,
    device: Unannounced,
    precision: Precision,
    columns: &[usize],
) -> Result<()> {
    let lists = Lists {
        factors: false,
        meta: !model.config.model.meta.is_empty(),
    };
    let cell = [CellFolder::read(&args.inputdir, lists)?];
    let mut read = outputs::inputs(&args.shared, &cell);
    read.extend(outputs::of_model(&args.model));
    read.push(args.bedfile.clone());
    read.extend(model.config.files.iter().map(|file| file.path.clone()));
    read.extend(outputs::of_lists(&args.inputdir));
    let bigwig = args.bigwig.as_ref();
    let bigwigs: Vec<PathBuf> = bigwig.map_or(Vec::new(), |path| match columns.len() {
        1 => vec![path.clone()],
        _ => columns
            .iter()
            .map(|&c| named(path, &model.config.model.factors[c]))
            .collect(),
    });
    let mut written = vec![("-o", args.outputfile.as_path())];
    written.extend(bigwigs.iter().map(|path| ("--bigwig", path.as_path())));
    check(&written, &read)?;
    if let Some(path) = bigwig.filter(|path| is_gzip_name(path)) {
        return Err(Error::usage(format!(
            "--bigwig {}: a bigWig is not packed with gzip, it is packed inside; choose a name without .gz",
            path.display()
        )));
    }
    let files = args.shared.files()?;
    let sources = Sources::new();
    let described = &model.config.model;
    let mut notes = Notes::new();
    let genome = GenomeInputs::open(&files, &sources, described.network.length, &mut notes)?;
    let wanted = Wanted::of(described, args.shared.track_scale.as_deref());
    let inputs = genome.inputs(files.storage, &cell, &wanted, &mut notes)?;
    let annotations = genome.annotations(&files, &sources, described.gencode, &mut notes)?;
    let device = device.announce();
    say(&notes);
    let names: Vec<String> = columns
        .iter()
        .map(|&c| model.config.model.factors[c].clone())
        .collect();
    if columns.len() > 1 {
        tell!("score columns: {}", names.join("\t"));
    }
    let chromosomes = genome.chromosomes();
    let mut means = match &args.bigwig {
        Some(_) => Some(Means::new(chromosomes.clone(), columns.len())?),
        None => None,
    };
    let placer = Placer {
        chromosomes,
        blacklist: &genome.blacklist,
        annotations: annotations.as_ref(),
        cell: 0,
    };
    let strict = args.shared.strict.then_some(&inputs);
    let asked = |lines| Asked::new(lines, placer, &genome.unknown, strict);
    let reporter = Reporter::new();
    // What comes through a pipe is read once: how much it is, and what is wrong with it, is known at its end.
    let (most, bar) = match is_stream(&args.bedfile) {
        false => {
            let intervals = asked(sources.lines(&args.bedfile)?).survey()?;
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
        &inputs,
        args.shared.batch_size,
        most,
    )?;
    let factors = model.config.model.factors.len();
    let zeros = vec![0.0; columns.len()];
    let mut scored = 0;
    let mut notes = Notes::new();
    // From here on a signal ends the work between two batches, and nothing half written stays.
    interrupt::watch();
    let header = (columns.len() > 1 && !args.no_header).then_some(&names[..]);
    write_scored_bed(&args.outputfile, header, |out| {
        let failed = write_error(&args.outputfile);
        let waiting = interrupt::Waiting::begin();
        let mut asked = asked(sources.into_lines(&args.bedfile)?);
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
            scored += samples.len();
            let found = predictor.predict(&samples, |n| bar.advance(n))?;
            let mut rows = found.chunks(factors);
            for line in &lines {
                let (Some(sample), Some(row)) =
                    (line.sample, line.sample.and_then(|_| rows.next()))
                else {
                    out.write(&line.text, &zeros).map_err(&failed)?;
                    continue;
                };
                let row: Vec<f64> = columns.iter().map(|&c| row[c].f64()).collect();
                out.write(&line.text, &row).map_err(&failed)?;
                if let Some(means) = &mut means {
                    let row: Vec<f32> = row.iter().map(|&score| score as f32).collect();
                    // What is scored lies on a chromosome, whose length is below 2^32.
                    let (start, end) = (line.start as u32, line.end as u32);
                    means.add(sample.chromosome, start, end, &row)?;
                }
            }
        }
    })?;
    bar.finish();
    say(&notes);
    if let Some(mut means) = means {
        for (column, path) in bigwigs.iter().enumerate() {
            if scored > 0 {
                means.write(column, path)?;
                continue;
            }
            // A bigWig without a value is none; an older one would pass for this run's.
            tell!(
                "note: no interval was scored; {} is not written",
                path.display()
            );
            if path.is_file() {
                std::fs::remove_file(path).map_err(|e| Error::io(path, e))?;
            }
        }
    }
    Ok(())
}

/// `scores.bw` for a factor: `scores.CTCF.bw`; a slash in its name becomes `_`.
fn named(path: &Path, factor: &str) -> PathBuf {
    let ending = path
        .extension()
        .map(|e| format!(".{}", e.to_string_lossy()));
    let factor = factor.replace('/', "_");
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}.{factor}{}", ending.unwrap_or_default()))
}
