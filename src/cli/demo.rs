//! `cisgrad demo`: the program's main job on simulated peaks, with the commands it runs shown.

use crate::args::emit;
use crate::args::numbers::{one_or_more, zero_or_more};
use crate::args::own_folder::OwnFolder;
use crate::data::split::rows::Split;
use crate::engine::Philox;
use crate::engine::memory::{self, Bytes};
use crate::engine::params::STREAM_SPLIT;
use crate::io::atomic::{TemporaryFolder, write_atomic};
use crate::io::meme::write_meme;
use crate::models::kinds::KINDS;
use crate::models::tisfm::commands::{motifs, test, train};
use crate::models::tisfm::motif_ranks::{By, motif_ranks};
use crate::models::tisfm::saved;
use crate::models::tisfm::simulate;
use crate::models::tisfm::simulate::{GRAMMAR, OUTPUTS, simulate};
use crate::numbers::counted;
use crate::{Error, Result};
use clap::Parser;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// Keep the simulated files and the model in this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Simulated peaks
    #[arg(long, default_value_t = 4000, value_name = "N", value_parser = one_or_more::<usize>)]
    peaks: usize,
    /// Length of each
    #[arg(long, default_value_t = 200, value_name = "BASES", value_parser = one_or_more::<usize>)]
    length: usize,
    /// Passes over the training sequences [default: the recipe's]
    #[arg(long, value_name = "N", value_parser = one_or_more::<u64>)]
    epochs: Option<u64>,
    /// Threads on the CPU [default: one per core]
    #[arg(long, value_name = "N", value_parser = one_or_more::<usize>)]
    threads: Option<usize>,
    /// Seed of peaks, split and training
    #[arg(long, default_value_t = 1, value_parser = zero_or_more::<u64>)]
    seed: u64,
}

/// What a simulated peak takes besides its bases: name, signals, place in the split.
const PEAK_BYTES: usize = 128;

/// What the demo writes besides the model.
const FILES: [&str; 6] = [
    "motifs.meme",
    "sequences.tsv",
    "signals.tsv",
    "split/train_split.txt",
    "split/validation_split.txt",
    "split/test_split.txt",
];

/// A command of the program as the demo runs it.
#[derive(Parser)]
#[command(no_binary_name = true)]
enum Shown {
    Train(Box<train::Args>),
    Test(Box<test::Args>),
    Motifs(Box<motifs::Args>),
}

pub fn run(args: &Args) -> Result<()> {
    if args.peaks < 100 || args.length < 40 {
        return Err(Error::usage(
            "the demo needs at least 100 peaks of 40 bases",
        ));
    }
    let made = Bytes::of::<[u8; PEAK_BYTES]>(&[args.peaks])
        + Bytes::of::<u8>(&[4, args.peaks, args.length]);
    memory::check(
        format!("--peaks {} --length {}", args.peaks, args.length),
        made,
    )?;
    let scratch = TemporaryFolder::make()?;
    let folder = match &args.keep {
        Some(folder) if folder.join("model").exists() => {
            return Err(Error::invalid(format!(
                "{} holds a demo already: choose another --keep, or remove its model folder",
                folder.display()
            )));
        }
        Some(folder) => folder.clone(),
        None => scratch.path().to_path_buf(),
    };
    let own = OwnFolder::check("cisgrad demo", "--keep", &folder, FILES.map(str::to_string))?;
    own.begin()?;
    write_data(args, &folder)?;
    tell!(
        "simulated {} of {} in {}",
        counted(args.peaks, "peak"),
        counted(args.length, "base"),
        folder.display()
    );
    let path = |name: &str| folder.join(name).display().to_string();
    let mut command = vec![
        "train".to_string(),
        "--meme-file".into(),
        path("motifs.meme"),
        "--atac-file".into(),
        path("signals.tsv"),
        "--sequences".into(),
        path("sequences.tsv"),
        "--split-folder".into(),
        path("split"),
        "--model-output".into(),
        path("model"),
        "--recipe".into(),
        "recommended".into(),
        "--seed".into(),
        args.seed.to_string(),
    ];
    if let Some(epochs) = args.epochs {
        command.extend(["--number-of-epochs".to_string(), epochs.to_string()]);
    }
    if let Some(threads) = args.threads {
        command.extend(["--threads".to_string(), threads.to_string()]);
    }
    show(command)?;
    heading("test")?;
    show(vec!["test".into(), "--model".into(), path("model")])?;
    heading("motifs")?;
    show(vec![
        "motifs".into(),
        "--model".into(),
        path("model"),
        "--top".into(),
        "4".into(),
    ])?;
    heading("planted")?;
    planted(&folder.join("model"))
}

/// Parts the tables on stdout.
fn heading(text: &str) -> Result<()> {
    emit(None, |w| writeln!(w, "# {text}"))
}

/// Prints a command and runs it.
fn show(command: Vec<String>) -> Result<()> {
    tell!("$ cisgrad tisfm {}", command.join(" "));
    let parsed = Shown::try_parse_from(&command).map_err(|e| Error::usage(e.to_string()))?;
    match parsed {
        Shown::Train(args) => train::run(&args, KINDS),
        Shown::Test(args) => test::run(&args, KINDS),
        Shown::Motifs(args) => motifs::run(&args, KINDS),
    }
}

fn write_data(args: &Args, folder: &Path) -> Result<()> {
    let split_folder = folder.join("split");
    std::fs::create_dir_all(&split_folder).map_err(|e| Error::io(&split_folder, e))?;
    write_atomic(folder.join("motifs.meme"), |w| {
        write_meme(w, &simulate::motifs())
    })?;
    let peaks = simulate(args.peaks, args.length, args.seed);
    write_atomic(folder.join("sequences.tsv"), |w| {
        let mut rows = peaks.names.iter().zip(&peaks.sequences);
        rows.try_for_each(|(name, sequence)| writeln!(w, "{name}\t{sequence}"))
    })?;
    write_atomic(folder.join("signals.tsv"), |w| {
        writeln!(w, "{}", OUTPUTS.join("\t"))?;
        let mut rows = peaks.names.iter().zip(&peaks.signals);
        rows.try_for_each(|(name, [a, b, c])| writeln!(w, "{name}\t{a}\t{b}\t{c}"))
    })?;
    let order = Philox::new(args.seed).permutation(STREAM_SPLIT, args.peaks);
    let tenth = args.peaks / 10;
    let split = Split {
        test: order[..tenth].to_vec(),
        validation: order[tenth..2 * tenth].to_vec(),
        train: order[2 * tenth..].to_vec(),
    };
    split.write(&split_folder, &peaks.names)
}

/// The planted motifs with the rank that the model gives them.
fn planted(model: &Path) -> Result<()> {
    let ranked = motif_ranks(&saved::open(model, KINDS)?, None, By::Weight)?;
    emit(None, |w| {
        writeln!(w, "output\tplanted_motif\teffect\trank")?;
        for (o, output) in OUTPUTS.iter().enumerate() {
            let effects = GRAMMAR.iter().filter(|(_, effects)| effects[o] > 0.0);
            for (motif, effects) in effects {
                let place = ranked
                    .iter()
                    .find(|r| r.output == *output && r.motif == *motif);
                let rank = place.map_or(0, |r| r.rank);
                writeln!(w, "{output}\t{motif}\t{}\t{rank}", effects[o])?;
            }
        }
        Ok(())
    })
}
