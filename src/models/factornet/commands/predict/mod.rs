//! `cisgrad factornet predict`.

mod bigwigs;
mod calls;
mod ensemble;
mod one;
mod ready;

use super::args::{SharedArgs, chosen};
use super::members::folders;
use super::outputs;
use super::probabilities::{Correction, PriorArgs, scores_of};
use crate::args::inputs::check_there;
use crate::args::numbers::zero_or_more;
use crate::args::outputs::check;
use crate::args::own_name::FileNames;
use crate::io::atomic::is_gzip_name;
use crate::models::factornet::cell_line::{CellFolder, Lists};
use crate::models::factornet::saved::{FactorNet, open};
use crate::models::factornet::scores::Scores;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::model::Kinds;
use crate::{Error, Result};
use calls::CallArgs;
use ensemble::Combine;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// Folder of the cell line
    #[arg(short = 'i', long, value_name = "DIR")]
    inputdir: PathBuf,
    /// Model folders, ours, those that Keras saved, or folders of ensembles; the scores of several models become one
    #[arg(short = 'm', long, visible_alias = "modeldir", value_name = "DIR", num_args = 1.., required = true)]
    model: Vec<PathBuf>,
    /// How scores of several models become one: their mean, or the mean of their ranks among the scored intervals [default: mean]
    #[arg(long, value_name = "HOW")]
    combine: Option<Combine>,
    /// With several models: behind the scores also the standard deviation of the models' scores, a column for each factor
    #[arg(long)]
    spread: bool,
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
    calls: CallArgs,
    #[command(flatten)]
    prior: PriorArgs,
    #[command(flatten)]
    shared: SharedArgs,
}

/// A model with the outputs that are asked of it, by the numbers of its factors.
struct Chosen {
    folder: PathBuf,
    model: FactorNet,
    columns: Vec<usize>,
    /// What training's end has left.
    scores: Option<Scores>,
    correction: Correction,
}

impl Chosen {
    fn open(args: &Args, folder: &Path, known: Kinds) -> Result<Self> {
        let model = open(folder, known)?;
        let columns = chosen(&model, args.factor.as_deref())?;
        let scores = scores_of(folder, &model)?;
        Ok(Chosen {
            correction: args.prior.of(&model, scores.as_ref(), folder)?,
            scores,
            folder: folder.to_path_buf(),
            model,
            columns,
        })
    }

    /// The scores of a window, of its probabilities for all factors.
    fn scores<'a, T: Number>(&'a self, row: &'a [T]) -> impl Iterator<Item = f64> + 'a {
        let columns = self.columns.iter();
        columns.map(|&column| self.correction.apply(column, row[column].f64()))
    }

    fn names(&self) -> Vec<String> {
        let factors = &self.model.config.model.factors;
        self.columns.iter().map(|&c| factors[c].clone()).collect()
    }
}

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    let mut models = Vec::new();
    for folder in &args.model {
        for folder in folders(folder, known)? {
            models.push(Chosen::open(args, &folder, known)?);
        }
    }
    let names = args.names(&models)?;
    args.check_alike(&models)?;
    check_there([&args.bedfile])?;
    // Models of several precisions run in f32.
    let mut trained = models.iter().map(|of| of.model.config.precision);
    let first = trained.next().unwrap_or_default();
    let common = if trained.all(|other| other == first) {
        first
    } else {
        Precision::F32
    };
    let (device, precision) = args.shared.open(Some(common))?;
    let cell = args.cell(&models)?;
    let files = args.check_outputs(&models, &cell, &names)?;
    match (&models[..], precision) {
        ([one], Precision::F64) => one::predict::<f64>(args, one, cell, device, precision, &files),
        ([one], _) => one::predict::<f32>(args, one, cell, device, precision, &files),
        (several, Precision::F64) => {
            ensemble::predict::<f64>(args, several, cell, device, precision, &files.bigwigs)
        }
        (several, _) => {
            ensemble::predict::<f32>(args, several, cell, device, precision, &files.bigwigs)
        }
    }
}

/// What is written besides the scored BED, by column; none without the flag.
struct Files {
    bigwigs: Vec<PathBuf>,
    calls: Vec<PathBuf>,
}

impl Args {
    /// What several models must agree on besides their factors.
    ///
    /// # Errors
    /// --calls with several: a mean of scores has no threshold.
    fn check_alike(&self, models: &[Chosen]) -> Result<()> {
        if models.len() < 2 {
            return match self.spread {
                true => Err(Error::usage(
                    "--spread goes with several models (-m A B, or an ensemble)",
                )),
                false => Ok(()),
            };
        }
        if self.spread && self.combine == Some(Combine::Rank) {
            return Err(Error::usage(
                "--spread is about scores, and --combine rank gives ranks: leave one of them out",
            ));
        }
        if self.calls.calls.is_some() {
            return Err(Error::usage(
                "--calls goes with one model: each has thresholds of its own scores, and what several give together has none",
            ));
        }
        let (calibrated, plain): (Vec<&Chosen>, Vec<&Chosen>) =
            models.iter().partition(|of| of.correction.is_calibrated());
        if let (Some(one), Some(other)) = (calibrated.first(), plain.first()) {
            tell!(
                "note: {} is calibrated and {} is not: their mean is not a probability",
                one.folder.display(),
                other.folder.display()
            );
        }
        Ok(())
    }

    /// The factors of the score columns, the same in every model.
    fn names(&self, models: &[Chosen]) -> Result<Vec<String>> {
        let names = models.first().map(Chosen::names).unwrap_or_default();
        if models.len() < 2 {
            return match self.combine {
                Some(_) => Err(Error::usage("--combine goes with several models (-m A B)")),
                None => Ok(names),
            };
        }
        for other in &models[1..] {
            if other.names() != names {
                return Err(Error::usage(format!(
                    "-m: {} predicts {}, {} predicts {}: choose one factor that all have with -f",
                    models[0].folder.display(),
                    names.join(", "),
                    other.folder.display(),
                    other.names().join(", ")
                )));
            }
        }
        Ok(names)
    }

    fn cell(&self, models: &[Chosen]) -> Result<[CellFolder; 1]> {
        let lists = Lists {
            factors: false,
            meta: models
                .iter()
                .any(|of| !of.model.config.model.meta.is_empty()),
        };
        Ok([CellFolder::read(&self.inputdir, lists)?])
    }

    /// The files to write, by column, once all outputs have been held against all inputs.
    fn check_outputs(
        &self,
        models: &[Chosen],
        cell: &[CellFolder],
        names: &[String],
    ) -> Result<Files> {
        let mut read = outputs::inputs(&self.shared, cell);
        for Chosen { folder, model, .. } in models {
            read.extend(outputs::of_model(folder));
            read.extend(model.config.files.iter().map(|file| file.path.clone()));
        }
        read.push(self.bedfile.clone());
        read.extend(outputs::of_lists(&self.inputdir));
        let bigwig = self.bigwig.as_ref();
        let files = Files {
            bigwigs: by_column(bigwig, names),
            calls: by_column(self.calls.calls.as_ref(), names),
        };
        let mut written = vec![("-o", self.outputfile.as_path())];
        written.extend(
            files
                .bigwigs
                .iter()
                .map(|path| ("--bigwig", path.as_path())),
        );
        written.extend(files.calls.iter().map(|path| ("--calls", path.as_path())));
        check(&written, &read)?;
        match bigwig.filter(|path| is_gzip_name(path)) {
            Some(path) => Err(Error::usage(format!(
                "--bigwig {}: a bigWig is not packed with gzip, it is packed inside; choose a name without .gz",
                path.display()
            ))),
            None => Ok(files),
        }
    }

    /// The names of the columns behind the intervals, where a line before these has them.
    fn header(&self, names: &[String]) -> Option<Vec<String>> {
        let spread = names
            .iter()
            .filter(|_| self.spread)
            .map(|name| format!("{name}.sd"));
        let columns: Vec<String> = names.iter().cloned().chain(spread).collect();
        (columns.len() > 1 && !self.no_header).then_some(columns)
    }
}

/// The files that a flag's path stands for: one for each column, with the factor's name where there are several.
fn by_column(path: Option<&PathBuf>, names: &[String]) -> Vec<PathBuf> {
    let mut own = FileNames::default();
    path.map_or(Vec::new(), |path| match names {
        [_] => vec![path.clone()],
        _ => names
            .iter()
            .map(|name| named(path, &own.of(name)))
            .collect(),
    })
}

/// `scores.bw` for a factor: `scores.CTCF.bw`; `calls.narrowPeak.gz`: `calls.CTCF.narrowPeak.gz`.
fn named(path: &Path, factor: &str) -> PathBuf {
    let mut stem = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut ending = String::new();
    for _ in 0..1 + usize::from(is_gzip_name(path)) {
        if let Some(dot) = stem.rfind('.').filter(|&dot| dot > 0) {
            ending = stem.split_off(dot) + &ending;
        }
    }
    path.with_file_name(format!("{stem}.{factor}{ending}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factors_name_stands_before_the_ending() {
        for (path, expected) in [
            ("a/scores.bw", "a/scores.CTCF.bw"),
            ("calls.narrowPeak.gz", "calls.CTCF.narrowPeak.gz"),
            ("calls.gz", "calls.CTCF.gz"),
            ("a.b/calls", "a.b/calls.CTCF"),
            (".gz", ".gz.CTCF"),
        ] {
            assert_eq!(named(Path::new(path), "CTCF"), Path::new(expected));
        }
    }
}
