//! `cisgrad factornet visualize`.

use super::args::SharedArgs;
use super::convert::open;
use super::train_args::words;
use crate::data::split::regions::Choice;
use crate::data::windows::Notes;
use crate::data::windows::peaks::read_intervals;
use crate::interpret::kernel_motifs::KernelSites;
use crate::interpret::motif_matches::write_matches;
use crate::io::atomic::{check_folder, write_atomic};
use crate::io::meme::read_meme;
use crate::io::npy::write_npy_matrix;
use crate::models::factornet::cell_line::{CellFolder, Lists};
use crate::models::factornet::inputs::{Ground, Wanted, say};
use crate::models::factornet::kernel_sites::collect;
use crate::models::factornet::samples::Sample;
use crate::models::factornet::saved::FactorNet;
use crate::report::logo::{Logo, logos_svg};
use crate::report::signal_plot::signal_svg;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::interrupt;
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
    /// Known motifs: the one that each kernel resembles most goes to matches.tsv
    #[arg(long, value_name = "MEME")]
    motif_db: Option<PathBuf>,
    /// Accepted as elsewhere; nothing here is drawn
    #[arg(short = 's', long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    shared: SharedArgs,
}

pub fn run(args: &Args) -> Result<()> {
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
    let model = open(&args.model)?;
    match args.shared.open(Some(model.config.precision))? {
        Precision::F64 => visualize::<f64>(args, &model, folder),
        _ => visualize::<f32>(args, &model, folder),
    }
}

fn visualize<T: Number>(args: &Args, model: &FactorNet, folder: &Path) -> Result<()> {
    let network = &model.config.network;
    let known = args.motif_db.as_ref().map(read_meme).transpose()?;
    let ground = Ground::open(&args.shared, network.length)?;
    let chromosomes = ground.chromosomes();
    let mut notes = Notes::new();
    let words = words(&args.chroms, &["chr11"]);
    let choice = Choice {
        flag: "-c",
        words: &words,
        explicit: !args.chroms.is_empty(),
    };
    let regions = choice.regions(chromosomes, &mut notes)?;
    let intervals = read_intervals(&args.bedfile, chromosomes, &mut notes)?;
    let cells = [CellFolder::read(
        &args.inputdir,
        Lists {
            factors: false,
            meta: !model.config.meta.is_empty(),
        },
    )?];
    let inputs = ground.inputs(
        &args.shared,
        &cells,
        &Wanted::of(&model.config, &args.shared),
    )?;
    say(&notes);
    let blacklist = &ground.blacklist.grown;
    let read = intervals.len();
    let wanted = intervals.into_iter().filter(|&(chromosome, span)| {
        let (from, to) = (i64::from(span.start), i64::from(span.end));
        regions.contains(chromosome, (from + to) / 2) && !blacklist.touches(chromosome, from, to)
    });
    let samples: Vec<Sample> = wanted
        .map(|(chromosome, span)| Sample {
            cell: 0,
            chromosome,
            middle: (i64::from(span.start) + i64::from(span.end)) / 2,
            label: 0,
            // The layers that are shown come before the features of an annotation.
            features: 0,
        })
        .collect();
    if read == 0 {
        return Err(Error::invalid(format!(
            "{}: no interval on a chromosome in use; there is nothing to look at",
            args.bedfile.display()
        )));
    }
    if samples.is_empty() {
        return Err(Error::invalid(format!(
            "{}: no window in {} is off the blacklist",
            args.bedfile.display(),
            words.join(" ")
        )));
    }
    eprintln!("{} windows", samples.len());
    // From here on a signal ends the work between two batches.
    interrupt::watch();
    let sites = collect::<T, _>(
        network,
        &model.params()?,
        &samples,
        args.shared.batch_size,
        |sample: &Sample, codes, tracks, meta| inputs.fill(sample, codes, tracks, meta),
    )?;
    std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    remove_older(folder)?;
    for (sites, number) in [(&sites.convolution, ""), (&sites.positionwise, "2")] {
        write(folder, number, sites, &network.tracks)?;
        if let Some(known) = &known {
            write_atomic(folder.join(format!("matches{number}.tsv")), |w| {
                write_matches(w, &sites.motifs(), known)
            })?;
        }
    }
    Ok(())
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

/// Takes away what an earlier run left of other tracks and known motifs: with this run's files it would pass for theirs.
fn remove_older(folder: &Path) -> Result<()> {
    let endings = [
        "meansignal.npy",
        "meansignal.svg",
        "meansignal2.npy",
        "meansignal2.svg",
    ];
    for entry in std::fs::read_dir(folder).map_err(|e| Error::io(folder, e))? {
        let path = entry.map_err(|e| Error::io(folder, e))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let signal = endings
            .iter()
            .any(|ending| name.ends_with(&format!("_{ending}")));
        if signal || name == "matches.tsv" || name == "matches2.tsv" {
            std::fs::remove_file(&path).map_err(|e| Error::io(&path, e))?;
        }
    }
    Ok(())
}

/// Motifs, logos and mean signals of one layer.
fn write(folder: &Path, number: &str, sites: &KernelSites, tracks: &[String]) -> Result<()> {
    write_atomic(folder.join(format!("motifs{number}.txt")), |w| {
        sites.write_meme(w)
    })?;
    let motifs = sites.motifs();
    let logos: Vec<Logo<'_>> = motifs
        .iter()
        .map(|motif| Logo {
            title: motif.id.clone(),
            rows: &motif.rows,
        })
        .collect();
    write_atomic(folder.join(format!("logos{number}.svg")), |w| {
        w.write_all(logos_svg(&logos).as_bytes())
    })?;
    for (index, track) in tracks.iter().enumerate() {
        let means = sites.mean_signal(index);
        // A file of the folder, whatever the track's name.
        let name = format!("{}_meansignal{number}", track.replace('/', "_"));
        write_npy_matrix(folder.join(format!("{name}.npy")), sites.width(), &means)?;
        write_atomic(folder.join(format!("{name}.svg")), |w| {
            w.write_all(signal_svg(&name, sites.width(), &means).as_bytes())
        })?;
    }
    Ok(())
}
