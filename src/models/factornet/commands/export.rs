//! `cisgrad motifs export` of a FactorNet model.

use super::args::{PROMOTER, RESOURCES, SharedArgs, StorageArg};
use super::of_run::{blacklist_of_run, of_run};
use super::outputs;
use super::windows::{Asked, Windows};
use crate::args::motif_export::ExportArgs;
use crate::args::of_run::warn_of_changed;
use crate::args::outputs::check;
use crate::data::Notes;
use crate::data::split::regions::Choice;
use crate::engine::Device;
use crate::interpret::kernel_motifs::KernelMotifs;
use crate::io::sources::Sources;
use crate::models::factornet::KIND;
use crate::models::factornet::cell_line::{CellFolder, Lists};
use crate::models::factornet::keras::is_keras_folder;
use crate::models::factornet::kernel_sites::collect;
use crate::models::factornet::saved::{FactorNet, open};
use crate::report::progress::Reporter;
use crate::train::folder::config::{Found, Precision, found};
use crate::train::folder::weights::Number;
use crate::train::interrupt;
use crate::train::model::Kinds;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
#[command(next_help_heading = "Of a FactorNet model")]
#[group(skip)]
pub struct Args {
    /// Folder of the cell line [default: the training run's first]
    #[arg(short = 'i', long, value_name = "DIR")]
    inputdir: Option<PathBuf>,
    /// Windows to look at, BED [default: the peaks, in the cell line's chip.txt, of the factors that the model predicts]
    #[arg(short = 'b', long, visible_alias = "bedfile", value_name = "BED")]
    bed: Option<PathBuf>,
    /// Only those on these chromosomes, regions (chr22:30000000-35000000) or BED files
    #[arg(short = 'c', long, num_args = 1.., visible_alias = "chrom", value_name = "REGION")]
    chroms: Vec<String>,
    /// The chromosomes in use, with their sizes [default: those of the genome]
    #[arg(long, value_name = "FILE")]
    chrom_sizes: Option<PathBuf>,
    /// BED file of regions to leave out [default: that of the training run]
    #[arg(long, value_name = "BED")]
    blacklist: Option<PathBuf>,
    /// Multiply tracks: none, mean (to a mean of 1), or NAME=FACTOR[,...] [default: as the model was trained]
    #[arg(long, value_name = "SCALE")]
    track_scale: Option<String>,
}

impl Args {
    /// The flags that were given.
    pub fn given(&self) -> Vec<&'static str> {
        [
            ("--inputdir", self.inputdir.is_some()),
            ("--bed", self.bed.is_some()),
            ("--chroms", !self.chroms.is_empty()),
            ("--chrom-sizes", self.chrom_sizes.is_some()),
            ("--blacklist", self.blacklist.is_some()),
            ("--track-scale", self.track_scale.is_some()),
        ]
        .into_iter()
        .filter_map(|(flag, given)| given.then_some(flag))
        .collect()
    }
}

impl Args {
    /// What the readers of genome and tracks are given.
    fn shared(&self, given: &ExportArgs, model: &FactorNet, genome: PathBuf) -> SharedArgs {
        SharedArgs {
            genome: Some(genome),
            chrom_sizes: self.chrom_sizes.clone(),
            blacklist: blacklist_of_run(model, self.blacklist.as_ref()),
            // Layers that come before the features of an annotation are looked at.
            annotations: None,
            gtf: None,
            promoter: PROMOTER.to_string(),
            resources: PathBuf::from(RESOURCES),
            track_scale: self.track_scale.clone(),
            track_storage: StorageArg::F32,
            strict: false,
            batch_size: Some(given.batch_size),
            precision: given.precision,
            device: given.device.clone(),
        }
    }
}

/// Whether a path names a model of this kind.
///
/// # Errors
/// What is there cannot be read.
pub fn owns(path: &Path, known: Kinds) -> Result<bool> {
    Ok(match found(path, known)? {
        Found::Model(name) => name == KIND.name,
        Found::Nothing => is_keras_folder(path),
        Found::Foreign => false,
    })
}

pub fn run(given: &ExportArgs, own: &Args, known: Kinds) -> Result<KernelMotifs> {
    let model = open(&given.model, known)?;
    if model.config.flags.is_empty() {
        let needed = [
            ("--genome", given.genome.is_some()),
            ("--inputdir", own.inputdir.is_some()),
        ];
        let missing = needed.iter().filter(|(_, given)| !given);
        let missing: Vec<&str> = missing.map(|(flag, _)| *flag).collect();
        if !missing.is_empty() {
            return Err(Error::usage(format!(
                "{} knows no training data: give {}, and --bed where the cell line's chip.txt has no peaks of {}",
                given.model.display(),
                missing.join(" and "),
                model.config.model.factors.join(", ")
            )));
        }
    }
    let of_run = |flag: Option<&PathBuf>, name: &str, key: &str| {
        of_run(&model, &given.model, flag, name, key)
    };
    let genome = of_run(given.genome.as_ref(), "--genome", "genome")?;
    let folder = of_run(own.inputdir.as_ref(), "--inputdir", "inputdirs")?;
    let shared = own.shared(given, &model, genome);
    let lists = Lists {
        factors: own.bed.is_none(),
        meta: !model.config.model.meta.is_empty(),
    };
    let cell = CellFolder::read(&folder, lists)?;
    let beds = match &own.bed {
        Some(bed) => vec![bed.clone()],
        None => peaks(&model, &cell)?,
    };
    let mut read = outputs::inputs(&shared, std::slice::from_ref(&cell));
    read.extend(outputs::of_model(&given.model));
    read.extend(beds.iter().cloned());
    read.extend(own.chroms.iter().map(PathBuf::from));
    read.extend(model.config.files.iter().map(|file| file.path.clone()));
    read.extend(outputs::of_lists(&folder));
    let written: Vec<(&str, &Path)> = given.out.iter().map(|o| ("--out", o.as_path())).collect();
    check(&written, &read)?;
    let sources = Sources::new();
    let used: Vec<&Path> = beds.iter().map(PathBuf::as_path).collect();
    warn_of_changed(&model.config.files, &used, &sources)?;
    if own.bed.is_none() {
        let shown: Vec<String> = beds.iter().map(|bed| bed.display().to_string()).collect();
        tell!("note: the windows are the peaks of {}", shown.join(", "));
    }
    let (precision, device) = given.open(model.config.precision)?;
    let asked = Asked {
        shared: &shared,
        model: &model,
        cell,
        beds: &beds,
        regions: (!own.chroms.is_empty()).then(|| Choice {
            flag: "-c",
            what: "region",
            words: &own.chroms,
            explicit: true,
        }),
    };
    let (device, windows) = asked.open(sources, Notes::new(), &device)?;
    interrupt::watch();
    match precision {
        Precision::F64 => motifs::<f64>(given, &model, &windows, &device, precision),
        _ => motifs::<f32>(given, &model, &windows, &device, precision),
    }
}

fn motifs<T: Number>(
    given: &ExportArgs,
    model: &FactorNet,
    windows: &Windows,
    device: &Device,
    precision: Precision,
) -> Result<KernelMotifs> {
    let params = model.parameters::<T>()?;
    let bar = Reporter::new().bar("looking", windows.samples.len(), "windows");
    let sites = collect::<T, _>(
        device,
        precision,
        &model.config.model.network,
        &params,
        &windows.samples,
        given.batch_size,
        &windows.inputs,
        |n| bar.advance(n),
    )?
    .convolution;
    bar.finish();
    Ok(KernelMotifs {
        motifs: sites.motifs(),
        without_sites: (0..sites.kernels())
            .filter(|&kernel| sites.sites(kernel) == 0)
            .map(|kernel| format!("M{kernel}"))
            .collect(),
    })
}

/// The peaks of the factors that a model predicts.
fn peaks(model: &FactorNet, cell: &CellFolder) -> Result<Vec<PathBuf>> {
    let factors = &model.config.model.factors;
    let own = cell.factors.iter().filter(|f| factors.contains(&f.name));
    let mut peaks = Vec::new();
    for factor in own {
        factor.line.check(&factor.conservative)?;
        peaks.push(factor.conservative.clone());
    }
    match peaks.is_empty() {
        false => Ok(peaks),
        true => Err(Error::usage(format!(
            "{}: no peaks of {}: name the windows to look at with --bed",
            cell.list("chip.txt"),
            factors.join(", ")
        ))),
    }
}
