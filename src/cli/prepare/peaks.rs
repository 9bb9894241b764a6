//! `cisgrad prepare peaks`.

use super::chosen::unknown;
use super::named_file::{NamedFile, check_names};
use super::signals;
use super::windows::{Found, Wanted};
use crate::args::numbers::{number, one_or_more, zero_or_more};
use crate::args::reads_args::ReadsArgs;
use crate::args::{ThreadArgs, say};
use crate::data::Notes;
use crate::data::consensus::{Center, Losses, Window};
use crate::data::dataset::Dataset;
use crate::data::prepared::{Input, PREPARED, Prepared, REGIONS, SEQUENCES, SIGNALS};
use crate::data::regions::Regions;
use crate::data::split::rows::{Split, SplitSpec};
use crate::data::transforms::Chain;
use crate::data::windows::blacklist::Blacklist;
use crate::dna::bases::letter;
use crate::engine::Philox;
use crate::engine::params::STREAM_SPLIT;
use crate::io::atomic::write_atomic;
use crate::io::bigwig::Statistic;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::genome;
use crate::io::peaks::{PeakFile, Scored};
use crate::io::sources::Sources;
use crate::numbers::{counted, has_or_have};
use crate::{Error, Result};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// Peaks: narrowPeak, broadPeak, BED of summits, or BED with three columns or more; the peaks of several files become one
    /// set of windows
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    peaks: Vec<PathBuf>,
    /// Tracks (bigWig), each with the name of its output
    #[arg(long, value_name = "NAME=FILE", required_unless_present = "reads", num_args = 1..)]
    signal: Vec<NamedFile>,
    /// Reads (BAM, sorted or not, or fragment files), each with the name of its output, behind those of --signal: how many begin in a
    /// window, per million ends that were kept
    #[arg(long, value_name = "NAME=FILE", num_args = 1..)]
    reads: Vec<NamedFile>,
    #[command(flatten)]
    choice: ReadsArgs,
    /// Signals of --reads are counts, not counts per million
    #[arg(long, requires = "reads")]
    counts: bool,
    /// Genome: FASTA (plain, gzip or bgzip, fast with its .fai) or 2bit
    #[arg(long, value_name = "FASTA")]
    genome: PathBuf,
    /// Folder to make, or an empty one
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Bases of a window
    #[arg(long, value_name = "BASES", default_value_t = 300, value_parser = one_or_more::<u32>)]
    width: u32,
    /// What a window lies around: the peak's summit where it has one, or its middle
    #[arg(long, value_enum, value_name = "WHERE", default_value_t = CenterArg::Summit)]
    center: CenterArg,
    /// Regions that no window may touch, BED
    #[arg(long, value_name = "BED")]
    blacklist: Option<PathBuf>,
    /// Chromosomes to use, separated by commas [default: all of the genome]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    chromosomes: Vec<String>,
    /// Largest share of unknown bases (N) in a window
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, value_parser = share)]
    max_n: f64,
    /// Name rows as the peak files do (column 4), not by their place
    #[arg(long)]
    keep_names: bool,
    /// What is made of a track's values in a window; a base without a value counts 0
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = StatisticArg::Mean)]
    statistic: StatisticArg,
    /// Bases around the window's center in which signals are measured [default: --width]
    #[arg(long, value_name = "BASES", value_parser = one_or_more::<u32>)]
    signal_width: Option<u32>,
    /// What is done to the signals, in this order: log2p1, quantile, zscore, rowcenter, clip:LOW:HIGH (percentiles), separated by
    /// commas; quantile, zscore and clip are fitted on training rows
    #[arg(long, value_name = "CHAIN")]
    transform: Option<String>,
    /// Split by rule: random:TRAIN,VALIDATION,TEST (per cent), chrom:VALIDATION:TEST, regions:VALIDATION.bed:TEST.bed, fold:I/K
    /// (fold I of K tests, the next one validates; blocks of 1 Mb), or a file FOLD.json with the lists train, valid and test
    #[arg(long, value_name = "RULE", default_value = "fold:1/10")]
    split: String,
    /// Seed of a random split
    #[arg(long, value_name = "SEED", default_value_t = 0, value_parser = zero_or_more::<u64>)]
    seed: u64,
    #[command(flatten)]
    threads: ThreadArgs,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum CenterArg {
    Summit,
    Middle,
}

impl CenterArg {
    fn center(self) -> Center {
        match self {
            CenterArg::Summit => Center::Summit,
            CenterArg::Middle => Center::Middle,
        }
    }
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum StatisticArg {
    Mean,
    Sum,
    Max,
}

impl StatisticArg {
    fn statistic(self) -> Statistic {
        match self {
            StatisticArg::Mean => Statistic::Mean,
            StatisticArg::Sum => Statistic::Sum,
            StatisticArg::Max => Statistic::Max,
        }
    }
}

fn share(text: &str) -> std::result::Result<f64, String> {
    match number(text) {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("expected a share from 0 to 1".to_string()),
    }
}

pub fn run(args: &Args) -> Result<()> {
    check_names(args.named().map(|file| file.name.as_str()))?;
    let chain: Chain = match &args.transform {
        Some(chain) => chain.parse()?,
        None => Chain::default(),
    };
    let rule: SplitSpec = args.split.parse()?;
    check_empty(&args.out)?;
    args.threads.start()?;
    let inputs = args.inputs()?;
    let sources = Sources::new();
    let chromosomes = genome::chromosomes(&args.genome)?;
    let mut notes = Notes::new();
    let blacklist = args.blacklist(&sources, &chromosomes, &mut notes)?;
    let files = args
        .peaks
        .iter()
        .map(|path| PeakFile::read(sources.lines(path)?));
    let files = files.collect::<Result<Vec<_>>>()?;
    notes.extend(files.iter().filter_map(|file| args.note(file)));
    let wanted = Wanted {
        genome: &args.genome,
        chromosomes: &chromosomes,
        chosen: args.chosen(&chromosomes)?,
        blacklist: &blacklist,
        width: args.width,
        center: args.center.center(),
        unknown: args.max_n,
    };
    let found = wanted.of(&files);
    say(&notes);
    let Found {
        windows,
        codes,
        losses,
    } = found?;
    let peaks = files.iter().map(|file| file.peaks.len()).sum::<usize>();
    tell!("{}", summary(&files, peaks, &windows, args.width, losses));
    if windows.is_empty() {
        return Err(Error::invalid("no window is left of the peaks"));
    }
    let table = Table {
        places: places(&windows, args.width, &chromosomes),
        own: args.names(&files, &windows)?,
    };
    let tracks = signals::open(&args.signal, &windows, &chromosomes)?;
    let signal_width = args.signal_width.unwrap_or(args.width);
    let spans = signals::spans(&windows, args.width, signal_width, &chromosomes);
    let statistic = args.statistic.statistic();
    let mut measured = signals::measure(&tracks, &windows, &spans, statistic, &chromosomes)?;
    for file in &args.reads {
        let choice = args.choice.choice();
        let (counts, tally) = signals::count(&file.path, &windows, &spans, choice, &chromosomes)?;
        if let Some(why) = tally.left_out() {
            tell!(
                "{}: {} kept; left out: {why}",
                file.path.display(),
                counted(tally.kept, "read")
            );
        }
        let factor = if args.counts {
            1.0
        } else {
            1e6 / tally.cuts as f64
        };
        measured.push(counts.iter().map(|&count| count as f64 * factor).collect());
    }
    let rows = (0..windows.len()).flat_map(|row| measured.iter().map(move |track| track[row]));
    let outputs = args.named().map(|file| file.name.clone());
    let mut dataset = Dataset {
        names: table.places.clone(),
        outputs: outputs.collect(),
        length: args.width as usize,
        codes,
        signals: rows.collect(),
        weights: None,
        batches: None,
        chromosomes: None,
    };
    let philox = Philox::new(args.seed);
    let mut index = 0;
    let split = rule.split(&dataset, || {
        index += 1;
        philox.bits(STREAM_SPLIT, index)
    })?;
    let transform = chain.fit(
        &mut dataset.signals,
        &dataset.outputs,
        &split.train,
        table.names(),
    )?;
    let prepared = Prepared {
        version: env!("CARGO_PKG_VERSION").to_string(),
        inputs,
        width: args.width,
        center: spelled(args.center),
        statistic: spelled(args.statistic),
        signal_width,
        outputs: dataset.outputs.clone(),
        split: args.split.clone(),
        peaks,
        windows: windows.len(),
        left_out: losses,
        train: split.train.len(),
        validation: split.validation.len(),
        test: split.test.len(),
        transform,
    };
    write(
        &args.out,
        &dataset,
        table.names(),
        (&files, &windows, &chromosomes),
        &split,
    )?;
    // Last: a folder with it is whole.
    prepared.write(&args.out)?;
    tell_made(&args.out, &prepared);
    Ok(())
}

/// The rows' names.
struct Table {
    places: Vec<String>,
    /// Of the peaks, with --keep-names.
    own: Option<Vec<String>>,
}

impl Table {
    fn names(&self) -> &[String] {
        self.own.as_ref().unwrap_or(&self.places)
    }
}

/// # Errors
/// A folder that holds something, or a file in its place.
fn check_empty(folder: &Path) -> Result<()> {
    let found = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io(folder, e)),
    };
    match found {
        false => Ok(()),
        true => Err(Error::invalid(format!(
            "--out {}: the folder holds files; nothing was changed: choose another one, or empty it",
            folder.display()
        ))),
    }
}

fn spelled(value: impl clap::ValueEnum) -> String {
    let value = value.to_possible_value();
    value
        .map(|value| value.get_name().to_string())
        .unwrap_or_default()
}

/// `chr:start-end`, 0-based half-open.
fn places(windows: &[Window], width: u32, chromosomes: &Chromosomes) -> Vec<String> {
    let place = |window: &Window| {
        let (name, start) = (chromosomes.name(window.chromosome), window.start);
        format!("{name}:{start}-{}", start + width)
    };
    windows.iter().map(place).collect()
}

impl Args {
    /// The files of signals, in the order of the outputs.
    fn named(&self) -> impl Iterator<Item = &NamedFile> {
        self.signal.iter().chain(&self.reads)
    }

    fn inputs(&self) -> Result<Vec<Input>> {
        let plain = self.peaks.iter().map(|path| ("--peaks", path));
        let genome = std::iter::once(("--genome", &self.genome));
        let blacklist = self.blacklist.iter().map(|path| ("--blacklist", path));
        let plain = plain.chain(genome).chain(blacklist);
        let plain = plain.map(|(flag, path)| Input::of(flag, None, path));
        let tracks = self.signal.iter();
        let tracks = tracks.map(|file| Input::of("--signal", Some(&file.name), &file.path));
        let reads = self.reads.iter();
        let reads = reads.map(|file| Input::of("--reads", Some(&file.name), &file.path));
        plain.chain(tracks).chain(reads).collect()
    }

    fn blacklist(
        &self,
        sources: &Sources,
        chromosomes: &Chromosomes,
        notes: &mut Notes,
    ) -> Result<Regions> {
        let lines = self.blacklist.as_ref().map(|path| sources.lines(path));
        let blacklist = Blacklist::read(lines.transpose()?, 0, chromosomes, notes)?;
        Ok(blacklist.plain)
    }

    /// The numbers of `--chromosomes`.
    fn chosen(&self, chromosomes: &Chromosomes) -> Result<Option<HashSet<u32>>> {
        let number = |name: &String| {
            let number = chromosomes.number(name);
            number.ok_or_else(|| unknown(name, chromosomes))
        };
        let numbers = self.chromosomes.iter().map(number);
        let numbers = numbers.collect::<Result<HashSet<_>>>()?;
        Ok((!numbers.is_empty()).then_some(numbers))
    }

    /// What there is to say of a peak file.
    fn note(&self, file: &PeakFile) -> Option<String> {
        let (all, summits) = (file.peaks.len(), file.summits());
        let no_summit =
            (self.center == CenterArg::Summit && 0 < summits && summits < all).then(|| {
                let without = all - summits;
                format!(
                    "{} {} no summit: their middle is taken",
                    counted(without, "peak"),
                    has_or_have(without)
                )
            });
        let alike = (file.scored == Scored::Alike).then(|| {
            "it has no scores: of its peaks that overlap the first on the genome stays".to_string()
        });
        let notes: Vec<String> = no_summit.into_iter().chain(alike).collect();
        (!notes.is_empty()).then(|| format!("note: {}: {}", file.path.display(), notes.join("; ")))
    }

    /// The peaks' own names, with --keep-names.
    ///
    /// # Errors
    /// A peak without a name; a name that comes twice.
    fn names(&self, files: &[PeakFile], windows: &[Window]) -> Result<Option<Vec<String>>> {
        if !self.keep_names {
            return Ok(None);
        }
        let mut seen = HashSet::new();
        let name = |window: &Window| {
            let file = &files[window.file];
            let peak = &file.peaks[window.peak];
            let wrong = |message: String| Error::format_at(&file.path, peak.line, message);
            let name = peak.name.clone().ok_or_else(|| {
                wrong(
                    "a peak without a name in column 4; expected one, or leave out --keep-names"
                        .to_string(),
                )
            })?;
            match seen.insert(name.clone()) {
                true => Ok(name),
                false => Err(wrong(format!(
                    "the name '{name}' is another window's as well; expected each once, or leave out --keep-names"
                ))),
            }
        };
        windows.iter().map(name).collect::<Result<_>>().map(Some)
    }
}

fn summary(
    files: &[PeakFile],
    peaks: usize,
    windows: &[Window],
    width: u32,
    losses: Losses,
) -> String {
    let Losses {
        chromosome,
        end,
        blacklist,
        unknown,
        overlap,
    } = losses;
    let causes = [
        (chromosome, "on chromosomes that are not in use"),
        (end, "at a chromosome's end"),
        (blacklist, "on the blacklist"),
        (unknown, "with too many unknown bases (N)"),
        (overlap, "that overlap one with a larger score"),
    ];
    let lost: Vec<String> = causes
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, cause)| format!("{count} {cause}"))
        .collect();
    format!(
        "{} in {}: {} of {}{}",
        counted(peaks, "peak"),
        counted(files.len(), "file"),
        counted(windows.len(), "window"),
        counted(width, "base"),
        match lost.is_empty() {
            true => String::new(),
            false => format!("; left out: {}", lost.join(", ")),
        }
    )
}

fn write(
    folder: &Path,
    dataset: &Dataset,
    names: &[String],
    (files, windows, chromosomes): (&[PeakFile], &[Window], &Chromosomes),
    split: &Split,
) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    write_atomic(folder.join(SIGNALS), |out| {
        writeln!(out, "name\t{}", dataset.outputs.join("\t"))?;
        for (row, name) in names.iter().enumerate() {
            write!(out, "{name}")?;
            dataset
                .signals(row)
                .iter()
                .try_for_each(|signal| write!(out, "\t{signal}"))?;
            writeln!(out)?;
        }
        Ok(())
    })?;
    write_atomic(folder.join(SEQUENCES), |out| {
        for (row, name) in names.iter().enumerate() {
            let bases = dataset
                .codes(row)
                .iter()
                .map(|&code| char::from(letter(code)));
            let bases: String = bases.collect();
            writeln!(out, ">{name}\n{bases}")?;
        }
        Ok(())
    })?;
    write_atomic(folder.join(REGIONS), |out| {
        for (name, window) in names.iter().zip(windows) {
            let (chromosome, start) = (chromosomes.name(window.chromosome), window.start);
            let score = files[window.file].peaks[window.peak].score;
            let end = start + dataset.length as u32;
            writeln!(out, "{chromosome}\t{start}\t{end}\t{name}\t{score}")?;
        }
        Ok(())
    })?;
    split.write(folder, names)
}

fn tell_made(folder: &Path, made: &Prepared) {
    let shown = folder.display();
    tell!(
        "{shown}: {} and {}; {} train, {} validation, {} test ({})",
        counted(made.windows, "sequence"),
        counted(made.outputs.len(), "output"),
        made.train,
        made.validation,
        made.test,
        made.split
    );
    tell!("{}", made.transform.sentence());
    tell!("{PREPARED} says how they were made. Next:");
    tell!(
        "cisgrad tisfm train --data {shown} --meme-file MOTIFS.meme --recipe recommended --model-output MODEL"
    );
}
