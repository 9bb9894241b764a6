//! `cisgrad devices`: what was found, and why CUDA is not used when it is not.

use crate::Result;
use crate::args::emit;
use crate::engine::cuda::kernels::SOURCES;
use crate::engine::cuda::probe::{self, Cards};
use crate::engine::cuda::{Images, LEAST_ARCH};
use crate::engine::simd::best_level;
use crate::numbers::counted;
use rayon::prelude::*;
use std::io::{self, Write};

#[derive(clap::Args)]
pub struct Args {
    /// Compile the kernels for every card that is there now, so that the first run does not have to
    #[arg(long)]
    compile: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let cards = probe::cards();
    if let (true, Ok(found)) = (args.compile, &cards) {
        compile(found)?;
    }
    emit(None, |w| {
        writeln!(w, "device\twhat")?;
        let level = best_level();
        writeln!(
            w,
            "cpu\t{}, instruction set {level:?}",
            counted(threads, "thread")
        )?;
        match &cards {
            Ok(found) => list(found, w),
            Err(absence) => writeln!(w, "cuda\tnot used: {}", absence.reason()),
        }
    })
}

/// Every kernel file for every card that can be used, into the cache.
fn compile(found: &Cards) -> Result<()> {
    let images = Images::open_for_driver(Some(found.driver.0));
    let usable = found.cards.iter().filter(|card| card.arch >= LEAST_ARCH);
    for card in usable {
        SOURCES
            .par_iter()
            .try_for_each(|source| images.load(source, card.arch).map(drop))?;
    }
    for note in images.notes() {
        tell!("{note}");
    }
    Ok(())
}

fn list(found: &Cards, w: &mut dyn Write) -> io::Result<()> {
    let images = Images::open_for_driver(Some(found.driver.0));
    for card in &found.cards {
        write!(
            w,
            "cuda:{}\t{}, {:.1} GB, compute capability {}",
            card.ordinal,
            card.name,
            card.memory as f64 / f64::from(1 << 30),
            card.arch
        )?;
        if card.arch < LEAST_ARCH {
            writeln!(w, ": too old, {LEAST_ARCH} or newer is needed")?;
            continue;
        }
        let cached = images.cached(card.arch);
        writeln!(
            w,
            "; kernels compiled before: {} of {}{}",
            cached.len(),
            SOURCES.len(),
            if cached.is_empty() {
                String::new()
            } else {
                format!(" ({})", cached.join(", "))
            }
        )?;
    }
    let (major, minor) = found.driver;
    writeln!(w, "driver\tfor CUDA {major}.{minor}")?;
    match images.nvrtc() {
        Ok(nvrtc) => {
            let (major, minor) = nvrtc.version();
            writeln!(w, "nvrtc\t{major}.{minor}, {}", nvrtc.path().display())?;
        }
        Err(why) => writeln!(
            w,
            "nvrtc\tnot found: {why}; the driver compiles the PTX that comes with the program"
        )?,
    }
    match images.folder() {
        Some(folder) => writeln!(w, "cache\t{}", folder.display())?,
        None => writeln!(w, "cache\tnone")?,
    }
    images
        .notes()
        .iter()
        .try_for_each(|note| writeln!(w, "note\t{note}"))
}
