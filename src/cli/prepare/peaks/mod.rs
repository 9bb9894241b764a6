//! `cisgrad prepare peaks`.

mod args;
mod measured;
mod signals;
mod windows;
mod written;

pub use args::Args;

use crate::args::named_file::check_names;
use crate::args::say;
use crate::data::Notes;
use crate::data::consensus::{Losses, Window};
use crate::data::dataset::Dataset;
use crate::data::prepared::Prepared;
use crate::data::rows_of_peaks::RowsOfPeaks;
use crate::data::split::rows::SplitSpec;
use crate::data::transforms::Chain;
use crate::engine::Philox;
use crate::engine::params::STREAM_SPLIT;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::genome;
use crate::io::peaks::PeakFile;
use crate::io::signals::{RowColumns, parse_signals};
use crate::io::sources::Sources;
use crate::io::whole_folder::check_free;
use crate::numbers::counted;
use crate::{Error, Result};
use measured::Measured;
use windows::{Found, Wanted};
use written::tell_made;

pub fn run(args: &Args) -> Result<()> {
    args.check()?;
    check_names("signals", args.named().map(|file| file.name.as_str()))?;
    let chain: Chain = match &args.transform {
        Some(chain) => chain.parse()?,
        None => Chain::default(),
    };
    let rule: SplitSpec = args.split.parse()?;
    check_free("--out", &args.out)?;
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
    let table = args.table.as_ref().map(|path| {
        let table = parse_signals(sources.lines(path)?, &RowColumns::default())?;
        let names = args.named().map(|file| file.name.as_str());
        check_names(
            "signals",
            names.chain(table.outputs.iter().map(String::as_str)),
        )?;
        let rows = RowsOfPeaks::new(table)?;
        rows.check_names(&files)?;
        Ok::<_, Error>(rows)
    });
    let table = table.transpose()?;
    let wanted = Wanted {
        genome: &args.genome,
        chromosomes: &chromosomes,
        chosen: args.chosen(&chromosomes)?,
        blacklist: &blacklist,
        table: table.as_ref(),
        width: args.width,
        signal_width: args.signal_width(),
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
    let names = Names {
        places: places(&windows, args.width, &chromosomes),
        own: args.names(&files, &windows)?,
    };
    let measured = Measured::of(args, &files, &windows, table.as_ref(), &chromosomes)?;
    let mut dataset = Dataset {
        names: names.places.clone(),
        signals: measured.by_row(),
        outputs: measured.outputs.clone(),
        length: args.width as usize,
        codes,
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
        names.shown(),
    )?;
    let prepared = Prepared {
        version: env!("CARGO_PKG_VERSION").to_string(),
        inputs,
        settings: args.settings(),
        width: args.width,
        reads: measured.reads,
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
    let made = written::Folder {
        dataset: &dataset,
        names: names.shown(),
        files: &files,
        windows: &windows,
        chromosomes: &chromosomes,
        split: &split,
        prepared: &prepared,
    };
    made.write(&args.out)?;
    tell_made(&args.out, &prepared);
    Ok(())
}

/// The rows' names.
struct Names {
    places: Vec<String>,
    /// Of the peaks, with --keep-names.
    own: Option<Vec<String>>,
}

impl Names {
    fn shown(&self) -> &[String] {
        self.own.as_ref().unwrap_or(&self.places)
    }
}

/// `chr:start-end`, 0-based half-open.
fn places(windows: &[Window], width: u32, chromosomes: &Chromosomes) -> Vec<String> {
    let place = |window: &Window| {
        let (name, start) = (chromosomes.name(window.chromosome), window.start);
        format!("{name}:{start}-{}", start + width)
    };
    windows.iter().map(place).collect()
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
        table,
        blacklist,
        unknown,
        overlap,
    } = losses;
    let causes = [
        (chromosome, "on chromosomes that are not in use"),
        (end, "at a chromosome's end"),
        (table, "without a row in the table"),
        (blacklist, "on the blacklist"),
        (unknown, "with too many unknown bases (N)"),
        (overlap, "that overlap one that stays"),
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
