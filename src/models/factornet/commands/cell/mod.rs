//! `cisgrad prepare cell`: FactorNet's folder of a cell line.

mod args;
mod means;
mod placed;

pub use args::Args;

use super::train::{TEST, VALIDATION};
use crate::args::inputs::check_there;
use crate::args::quoted::quoted;
use crate::args::say;
use crate::data::Notes;
use crate::data::tracks::{Storage, Track};
use crate::data::windows::peaks::{Peaks, Without};
use crate::io::bigwig::BigWig;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::genome;
use crate::io::sources::{Sources, check_no_stream};
use crate::io::whole_folder::{check_free, make_folder};
use crate::models::factornet::cell_line::{CellFolder, Lists, check_same_names};
use crate::models::factornet::track_means::short;
use crate::numbers::counted;
use crate::{Error, Result};
use means::TrackMeans;
use std::path::Path;

pub fn run(args: &Args) -> Result<()> {
    args.check()?;
    check_free("DIR", &args.folder)?;
    check_there(args.files().chain(&args.genome))?;
    args.files()
        .try_for_each(|file| check_no_stream(file, "a cell line's files"))?;
    let others = args.others()?;
    args.threads.start()?;
    let chromosomes = args.chromosomes()?;
    let mut notes = Notes::new();
    let peaks = args.read_peaks(&chromosomes, &mut notes);
    say(&notes);
    let peaks = peaks?;
    let tracks = args
        .track
        .iter()
        .map(|track| (track.name.as_str(), track.path.as_path()));
    let means = TrackMeans::of(tracks, &chromosomes)?;
    say(&means.warnings);
    for other in &others {
        let tracks = other.tracks.iter();
        let tracks = tracks.map(|track| (track.name.as_str(), track.path.as_path()));
        let of_other = TrackMeans::of(tracks, &chromosomes)?;
        say(&means.far_from(&of_other, &other.path));
    }
    make_folder(&args.folder, |folder| placed::fill(args, folder))?;
    let shown = args.folder.display();
    for (name, mean) in &means.means {
        tell!("{shown}: track '{name}' has a mean of {}", short(*mean));
    }
    for (factor, peaks) in args.peaks.iter().zip(peaks) {
        tell!("{shown}: factor '{}', {peaks}", factor.name);
    }
    tell!("{}", args.next(&chromosomes));
    Ok(())
}

impl Args {
    /// The cell lines of `--with`.
    ///
    /// # Errors
    /// No folder of a cell line; names that are not these.
    fn others(&self) -> Result<Vec<CellFolder>> {
        let lists = Lists {
            factors: false,
            meta: true,
        };
        let read = |folder| {
            let other = CellFolder::read(folder, lists)?;
            let tracks = self.track.iter().map(|track| track.name.as_str());
            check_same_names(
                ("--track", tracks.collect()),
                (&other.list("bigwig.txt"), other.track_names()),
            )?;
            let meta = self.meta.iter().map(|meta| meta.name.as_str());
            check_same_names(
                ("--meta", meta.collect()),
                (&other.list("meta.txt"), other.meta_names()),
            )?;
            for track in &other.tracks {
                track.line.check(&track.path)?;
            }
            Ok(other)
        };
        self.with.iter().map(read).collect()
    }

    /// Of the genome, or those on which the first track has values.
    ///
    /// # Errors
    /// Those of reading it.
    fn chromosomes(&self) -> Result<Chromosomes> {
        match (&self.genome, self.track.first()) {
            (Some(genome), _) => genome::chromosomes(genome),
            (None, Some(track)) => held(&track.path),
            (None, None) => Err(Error::usage("without --track, --genome is needed")),
        }
    }

    /// What there is to say of each factor's peaks.
    ///
    /// # Errors
    /// Those of the reader.
    fn read_peaks(&self, chromosomes: &Chromosomes, notes: &mut Notes) -> Result<Vec<String>> {
        let sources = Sources::new();
        let factors = self.peaks.iter().map(|factor| {
            let relaxed = factor.relaxed.as_ref();
            let peaks = Peaks::read(
                sources.lines(&factor.conservative)?,
                relaxed.map(|file| sources.lines(file)).transpose()?,
                Without::Refused,
                chromosomes,
                notes,
            )?;
            let count = counted(peaks.conservative.len(), "peak");
            Ok(match &factor.relaxed {
                Some(_) => format!(
                    "{count}, relaxed ones merged into {}",
                    counted(peaks.relaxed.len(), "region")
                ),
                None => count,
            })
        });
        factors.collect()
    }

    /// The command that predicts for a cell line without peaks.
    fn predict(&self) -> String {
        let genome = self.genome.as_ref();
        let genome = genome.map_or("GENOME.fa".to_string(), |path| quoted(path.display()));
        format!(
            "Next, with a model that was trained on another cell line:\ncisgrad factornet predict -i {} -m MODEL -b WINDOWS.bed -o SCORES.bed.gz --genome {genome} --blacklist BLACKLIST.bed",
            quoted(self.folder.display())
        )
    }

    /// The command that trains on the folder.
    fn next(&self, chromosomes: &Chromosomes) -> String {
        let factor = match &self.peaks[..] {
            [] => return self.predict(),
            [one] => format!(" -f {}", quoted(&one.name)),
            _ => String::new(),
        };
        let folder = quoted(self.folder.display());
        let others = self.with.iter();
        let others = others.map(|other| format!(" {}", quoted(other.display())));
        let there = |names: &[&str]| names.iter().all(|name| chromosomes.number(name).is_some());
        let held = match there(&VALIDATION) && there(&TEST) {
            true => format!("-v {} -t {}", VALIDATION.join(" "), TEST.join(" ")),
            false => "-v VALIDATION -t TEST".to_string(),
        };
        let genome = self.genome.as_ref();
        let genome = genome.map_or("GENOME.fa".to_string(), |path| quoted(path.display()));
        let meta = if self.meta.is_empty() { "" } else { " -m" };
        format!(
            "Next{}:\ncisgrad factornet train --recipe recommended -i {folder}{}{factor}{meta} {held} -o MODEL --genome {genome} --blacklist BLACKLIST.bed",
            match self.peaks.len() {
                1 => "",
                _ => " (all factors in one model; -f FACTOR for one of them)",
            },
            others.collect::<String>()
        )
    }
}

/// The chromosomes on which a track has values.
///
/// # Errors
/// Those of reading it; one that is listed twice.
fn held(path: &Path) -> Result<Chromosomes> {
    let file = BigWig::open(path)?;
    let listed = |held: &dyn Fn(&str) -> bool| {
        let list = file.chromosomes().filter(|(name, _)| held(name));
        let list = list.map(|(name, length)| (name.to_string(), length));
        Chromosomes::new(path, list.collect())
            .ok_or_else(|| Error::format(path, "a chromosome is listed twice; expected each once"))
    };
    let all = listed(&|_| true)?;
    let track = Track::read(path, &all, Storage::F32)?;
    listed(&|name| {
        all.number(name)
            .is_some_and(|number| track.lack(number).is_none())
    })
}
