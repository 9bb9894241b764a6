//! `cisgrad prepare track`: where reads begin, as a bigWig.

use super::chosen::unknown;
use crate::args::numbers::one_or_more;
use crate::args::reads_args::ReadsArgs;
use crate::args::{ThreadArgs, outputs, say};
use crate::data::Notes;
use crate::data::regions::Regions;
use crate::data::windows::blacklist::Blacklist;
use crate::io::bigwig::Cuts;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::reads::{self, Tally, each_cut};
use crate::io::sources::Sources;
use crate::numbers::{counted, rounded};
use crate::{Error, Result};
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// Reads: BAM (sorted or not, no index) or fragment files; the cuts of several files are added up
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    reads: Vec<PathBuf>,
    /// bigWig to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    choice: ReadsArgs,
    /// What counts are scaled to: none; cpm, counts per million ends that were kept; 1x, as deepTools does: the effective genome size over
    /// kept reads times their median length
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Normalize::None)]
    normalize: Normalize,
    /// With --normalize 1x: bases that reads can be mapped to, or hg19, hg38, mm10 or mm39
    #[arg(long, value_name = "BASES", value_parser = effective)]
    effective_genome_size: Option<u64>,
    /// Regions whose cuts are left out, BED
    #[arg(long, value_name = "BED")]
    blacklist: Option<PathBuf>,
    /// Chromosomes to use, separated by commas [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    chromosomes: Vec<String>,
    /// Chromosomes and their lengths [default: those of the BAM's header; fragment files need it]
    #[arg(long, value_name = "FILE")]
    chrom_sizes: Option<PathBuf>,
    #[command(flatten)]
    threads: ThreadArgs,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Normalize {
    None,
    Cpm,
    #[value(name = "1x")]
    OneX,
}

/// Bases that reads can be mapped to, as deepTools lists them: those that are not N.
const EFFECTIVE: [(&str, u64); 4] = [
    ("hg19", 2_864_785_220),
    ("hg38", 2_913_022_398),
    ("mm10", 2_652_783_500),
    ("mm39", 2_654_621_783),
];

fn effective(text: &str) -> std::result::Result<u64, String> {
    match EFFECTIVE.iter().find(|(name, _)| *name == text) {
        Some((_, size)) => Ok(*size),
        None => one_or_more(text).map_err(|e| format!("{e}, or hg19, hg38, mm10 or mm39")),
    }
}

pub fn run(args: &Args) -> Result<()> {
    if args.normalize == Normalize::OneX && args.effective_genome_size.is_none() {
        return Err(Error::usage(
            "--normalize 1x needs --effective-genome-size: a number of bases, or hg19, hg38, mm10 or mm39",
        ));
    }
    if args.normalize != Normalize::OneX && args.effective_genome_size.is_some() {
        return Err(Error::usage(
            "--effective-genome-size goes with --normalize 1x",
        ));
    }
    outputs::check(&[("--out", &args.out)], &args.inputs())?;
    args.threads.start()?;
    let mut notes = Notes::new();
    let chromosomes = args.in_use()?;
    let blacklist = args.blacklisted(&chromosomes, &mut notes)?;
    say(&notes);
    let mut cuts = Cuts::new(chromosomes.clone())?;
    let (mut all, mut blacklisted) = (Tally::default(), 0_u64);
    for file in &args.reads {
        let mut failed = None;
        let tally = each_cut(
            file,
            &chromosomes,
            args.choice.choice(),
            |chromosome, place| {
                if blacklist.contains(chromosome, i64::from(place)) {
                    blacklisted += 1;
                } else if failed.is_none() {
                    failed = cuts.add(chromosome, place).err();
                }
            },
        )?;
        if let Some(error) = failed {
            return Err(error);
        }
        all.add(&tally);
    }
    let factor = args.factor(&all)?;
    cuts.write(factor, &args.out)?;
    let left_out = all.left_out();
    let mut lost: Vec<String> = left_out.into_iter().collect();
    if blacklisted > 0 {
        lost.push(format!("{blacklisted} cuts on the blacklist"));
    }
    tell!(
        "{}: {} of {}{}; each counts {}",
        args.out.display(),
        counted(all.cuts - blacklisted, "cut"),
        counted(all.kept, "read"),
        match lost.is_empty() {
            true => String::new(),
            false => format!("; left out: {}", lost.join(", ")),
        },
        rounded(factor)
    );
    Ok(())
}

impl Args {
    fn inputs(&self) -> Vec<PathBuf> {
        let more = self.blacklist.iter().chain(&self.chrom_sizes);
        self.reads.iter().chain(more).cloned().collect()
    }

    /// The chromosomes of the track.
    ///
    /// # Errors
    /// A fragment file without --chrom-sizes; a chromosome that was named and is not there.
    fn in_use(&self) -> Result<Chromosomes> {
        let all = match (&self.chrom_sizes, reads::chromosomes(&self.reads[0])?) {
            (Some(file), _) => Chromosomes::read(file)?,
            (None, Some(header)) => header,
            (None, None) => {
                return Err(Error::usage(format!(
                    "{}: a fragment file does not list its chromosomes: give --chrom-sizes (a genome's .fai will do)",
                    self.reads[0].display()
                )));
            }
        };
        if self.chromosomes.is_empty() {
            return Ok(all);
        }
        let length = |name: &String| {
            let number = all.number(name).ok_or_else(|| unknown(name, &all))?;
            Ok((name.clone(), all.length(number)))
        };
        let list = self.chromosomes.iter().map(length).collect::<Result<_>>()?;
        Chromosomes::new(&all.path, list)
            .ok_or_else(|| Error::usage("--chromosomes: a name comes twice; expected each once"))
    }

    fn blacklisted(&self, chromosomes: &Chromosomes, notes: &mut Notes) -> Result<Regions> {
        let sources = Sources::new();
        let lines = self.blacklist.as_ref().map(|path| sources.lines(path));
        Ok(Blacklist::read(lines.transpose()?, 0, chromosomes, notes)?.plain)
    }

    /// What a cut counts.
    ///
    /// # Errors
    /// Fragments have no read length for 1x.
    fn factor(&self, tally: &Tally) -> Result<f64> {
        let kept = tally.kept as f64;
        match (self.normalize, self.effective_genome_size) {
            (Normalize::OneX, Some(size)) => {
                let known = tally.lengths.iter().sum::<u64>() == tally.kept;
                let length = tally.median_length().filter(|_| known).ok_or_else(|| {
                    Error::usage(
                        "--normalize 1x: fragment files do not say how long reads are; expected BAM, or --normalize cpm",
                    )
                })?;
                // deepTools cuts off half a base.
                Ok(size as f64 / (kept * length.floor()))
            }
            (Normalize::Cpm, _) => Ok(1e6 / tally.cuts as f64),
            _ => Ok(1.0),
        }
    }
}
