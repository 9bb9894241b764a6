//! `cisgrad factornet visualize`.

pub(super) mod layer;

use self::layer::{Layer, Named, file_names};
use super::args::SharedArgs;
use super::outputs;
use super::train::words;
use super::windows::{Asked, Windows};
use crate::args::Unannounced;
use crate::args::numbers::{one_or_more, zero_or_more};
use crate::args::outputs::check_apart;
use crate::args::own_folder::OwnFolder;
use crate::data::Notes;
use crate::data::split::regions::Choice;
use crate::interpret::motif_matches::of_few;
use crate::io::atomic::check_folder;
use crate::io::meme::parse_meme;
use crate::io::sources::Sources;
use crate::io::tomtom_table::Probability;
use crate::models::factornet::Spec;
use crate::models::factornet::cell_line::{CellFolder, Lists};
use crate::models::factornet::kernel_contribution::contributions;
use crate::models::factornet::kernel_sites::collect;
use crate::models::factornet::known_motif::names;
use crate::models::factornet::saved::{FactorNet, open};
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::interrupt;
use crate::train::model::Kinds;
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
    /// Accepted; kernels belong to all factors of a model
    #[arg(short = 'f', long, value_name = "NAME")]
    factor: Option<String>,
    /// Windows to look at, BED
    #[arg(short = 'b', long, visible_alias = "bed", value_name = "BED")]
    bedfile: PathBuf,
    /// Only those on these chromosomes, regions (chr22:30000000-35000000) or BED files [default: chr11]
    #[arg(short = 'c', long, num_args = 1.., visible_alias = "chrom", value_name = "REGION")]
    chroms: Vec<String>,
    /// Folder to make; it must not exist
    #[arg(
        short = 'o',
        long,
        value_name = "DIR",
        conflicts_with = "outputdirc",
        required_unless_present = "outputdirc"
    )]
    outputdir: Option<PathBuf>,
    /// (-oc) Folder to make, or to write over
    #[arg(long, value_name = "DIR")]
    outputdirc: Option<PathBuf>,
    /// Known motifs: the one that each kernel resembles most goes to matches.tsv, and below the kernel's logo to matches.svg
    #[arg(long, value_name = "MEME")]
    motif_db: Option<PathBuf>,
    /// With --motif-db: of the kernels keep only the N that resemble a known motif most
    #[arg(long, value_name = "N", requires = "motif_db", value_parser = one_or_more::<usize>)]
    top: Option<usize>,
    /// Accepted as elsewhere; nothing here is drawn
    #[arg(short = 's', long, value_name = "N", value_parser = zero_or_more::<u64>)]
    seed: Option<u64>,
    #[command(flatten)]
    shared: SharedArgs,
}

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    let folder = match (&args.outputdir, &args.outputdirc) {
        (Some(folder), _) if folder.exists() => {
            return Err(Error::invalid(format!(
                "{} exists: choose another -o, or write over it with -oc",
                folder.display()
            )));
        }
        (Some(folder), _) | (None, Some(folder)) => folder,
        (None, None) => return Err(Error::usage("-o or -oc is needed")),
    };
    check_folder(above(folder))?;
    let model = open(&args.model, known)?;
    let own = args.own_folder(folder, &model.config.model.network)?;
    let (device, precision) = args.shared.open(Some(model.config.precision))?;
    match precision {
        Precision::F64 => visualize::<f64>(args, &model, &own, device, precision),
        _ => visualize::<f32>(args, &model, &own, device, precision),
    }
}

fn visualize<T: Number>(
    args: &Args,
    model: &FactorNet,
    own: &OwnFolder,
    device: Unannounced,
    precision: Precision,
) -> Result<()> {
    let network = &model.config.model.network;
    let lists = Lists {
        factors: false,
        meta: !model.config.model.meta.is_empty(),
    };
    let cell = CellFolder::read(&args.inputdir, lists)?;
    let mut read = outputs::inputs(&args.shared, std::slice::from_ref(&cell));
    read.extend(outputs::of_model(&args.model));
    read.push(args.bedfile.clone());
    read.extend(args.chroms.iter().map(PathBuf::from));
    read.extend(model.config.files.iter().map(|file| file.path.clone()));
    read.extend(outputs::of_lists(&args.inputdir));
    read.extend(args.motif_db.clone());
    let flag = args.flag();
    let written = own.touched()?;
    let written: Vec<(&str, &Path)> = written.iter().map(|file| (flag, file.as_path())).collect();
    check_apart(&written, &read)?;
    let sources = Sources::new();
    let mut notes = Notes::new();
    let known = args.motif_db.as_ref();
    let known = known.map(|file| sources.lines(file)).transpose()?;
    let known = known
        .map(|lines| parse_meme(lines, &mut notes))
        .transpose()?;
    let words = words(&args.chroms, &["chr11"]);
    if let (Some(known), Some(file)) = (&known, &args.motif_db) {
        notes.extend(of_few(known, file));
    }
    let asked = Asked {
        shared: &args.shared,
        model,
        cell,
        beds: std::slice::from_ref(&args.bedfile),
        regions: Some(Choice {
            flag: "-c",
            what: "region",
            words: &words,
            explicit: !args.chroms.is_empty(),
        }),
    };
    let (device, Windows { inputs, samples }) = asked.open(sources, notes, &device)?;
    // From here on a signal ends the work between two batches.
    interrupt::watch();
    let params = model.parameters::<T>()?;
    let sites = collect::<T, _>(
        &device,
        precision,
        network,
        &params,
        &samples,
        args.shared.batch_size(),
        &inputs,
        |_| {},
    )?;
    let contributed = contributions::<T, _>(
        &device,
        precision,
        network,
        &params,
        &samples,
        args.shared.batch_size(),
        &inputs,
    )?;
    own.begin()?;
    let layers = [
        (&sites.convolution, &contributed.convolution),
        (&sites.positionwise, &contributed.positionwise),
    ];
    for ((sites, contributions), number) in layers.into_iter().zip(LAYERS) {
        let layer = Layer {
            number,
            sites,
            contributions,
            tracks: &network.tracks,
            spec: network,
            inputs: &inputs,
            samples: &samples,
            known: known.as_deref(),
            top: args.top.unwrap_or(usize::MAX),
        };
        let named = layer.write(own.path())?;
        if number.is_empty() {
            advise(args, model, &named);
        }
    }
    Ok(())
}

/// How another run can start from the motif that this one found.
fn advise(args: &Args, model: &FactorNet, named: &[Named]) {
    let began_with_one = model.config.flags.get("motif") == Some(&serde_json::Value::Bool(true));
    let [factor] = &model.config.model.factors[..] else {
        return;
    };
    // A motif that goes by the factor's name before one of another name.
    let own = |found: &&Named| {
        names(&found.motif)
            .iter()
            .any(|name| name.eq_ignore_ascii_case(factor))
    };
    let best = named.iter().find(own).or(named.first());
    if let (Some(found), Some(file), false) = (best, &args.motif_db, began_with_one) {
        tell!(
            "note: {} resembles {}, q = {}: a run with -mo --motif-db {} --motif-name {} starts from it",
            found.kernel,
            found.motif.shown(),
            Probability(found.q_value),
            file.display(),
            found.motif.id
        );
    }
}

/// The folder in which `folder` is to be made, or itself where it is there already.
fn above(folder: &Path) -> &Path {
    let mut there = folder;
    while !there.exists() {
        there = match there.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
    }
    there
}

impl Args {
    /// The flag that names the folder.
    fn flag(&self) -> &'static str {
        if self.outputdir.is_some() {
            "-o"
        } else {
            "-oc"
        }
    }

    /// The folder with the names of the files that the run makes there.
    fn own_folder(&self, folder: &Path, network: &Spec) -> Result<OwnFolder> {
        let mut names = Vec::new();
        for number in LAYERS {
            let known = self.motif_db.is_some();
            names.extend(file_names(number, network.kernels, &network.tracks, known));
        }
        OwnFolder::check("cisgrad factornet visualize", self.flag(), folder, names)
    }
}

/// What the names of a layer's files end with: the convolution's, and those of the layer of each position.
const LAYERS: [&str; 2] = ["", "2"];
