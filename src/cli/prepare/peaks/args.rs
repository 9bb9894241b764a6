//! The flags of `cisgrad prepare peaks`.

use super::super::chosen::unknown;
use crate::args::ThreadArgs;
use crate::args::named_file::NamedFile;
use crate::args::numbers::{number, one_or_more, zero_or_more};
use crate::args::reads_args::ReadsArgs;
use crate::data::Notes;
use crate::data::consensus::{Center, Window};
use crate::data::prepared::Input;
use crate::data::regions::Regions;
use crate::data::windows::blacklist::Blacklist;
use crate::io::bigwig::Statistic;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::peaks::{PeakFile, Scored};
use crate::io::sources::Sources;
use crate::numbers::{counted, has_or_have};
use crate::{Error, Result};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// Peaks: narrowPeak, broadPeak, BED of summits, or BED with three columns or more; the peaks of several files become one
    /// set of windows
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub(super) peaks: Vec<PathBuf>,
    /// Tracks (bigWig), each with the name of its output
    #[arg(long, value_name = "NAME=FILE", num_args = 1..)]
    pub(super) signal: Vec<NamedFile>,
    /// Reads (BAM, sorted or not, or fragment files), each with the name of its output, behind those of --signal: how many begin in a
    /// window, per million ends that were kept
    #[arg(long, value_name = "NAME=FILE", num_args = 1..)]
    pub(super) reads: Vec<NamedFile>,
    #[command(flatten)]
    pub(super) choice: ReadsArgs,
    /// Signals that are there already: a table, its rows called as peaks are (column 4), or by the place of a peak or window as
    /// chr1:100-400; its outputs stand behind all others, and peaks without a row are left out
    #[arg(long, value_name = "FILE")]
    pub(super) table: Option<PathBuf>,
    /// Signals of --reads are counts, not counts per million
    #[arg(long, requires = "reads")]
    pub(super) counts: bool,
    /// Genome: FASTA (plain, gzip or bgzip, fast with its .fai) or 2bit
    #[arg(long, value_name = "FASTA")]
    pub(super) genome: PathBuf,
    /// Folder to make, or an empty one
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Bases of a window
    #[arg(long, value_name = "BASES", default_value_t = 300, value_parser = one_or_more::<u32>)]
    pub(super) width: u32,
    /// What a window lies around: the peak's summit where it has one, or its middle
    #[arg(long, value_enum, value_name = "WHERE", default_value_t = CenterArg::Summit)]
    pub(super) center: CenterArg,
    /// Regions that no window may touch, BED
    #[arg(long, value_name = "BED")]
    pub(super) blacklist: Option<PathBuf>,
    /// Chromosomes to use, separated by commas [default: all of the genome]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) chromosomes: Vec<String>,
    /// Largest share of unknown bases (N) in a window
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, value_parser = share)]
    pub(super) max_n: f64,
    /// Name rows as the peak files do (column 4), not by their place
    #[arg(long)]
    pub(super) keep_names: bool,
    /// What is made of a track's values in a window; a base without a value counts 0
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = StatisticArg::Mean)]
    pub(super) statistic: StatisticArg,
    /// Bases around the window's center in which signals are measured [default: --width]
    #[arg(long, value_name = "BASES", value_parser = one_or_more::<u32>)]
    pub(super) signal_width: Option<u32>,
    /// What is done to the signals, in this order: log2p1, quantile, zscore, rowcenter, clip:LOW:HIGH (percentiles), separated by
    /// commas; quantile, zscore and clip are fitted on training rows
    #[arg(long, value_name = "CHAIN")]
    pub(super) transform: Option<String>,
    /// Split by rule: random:TRAIN,VALIDATION,TEST (per cent), chrom:VALIDATION:TEST, regions:VALIDATION.bed:TEST.bed, fold:I/K
    /// (fold I of K tests, the next one validates; blocks of 1 Mb), or a file FOLD.json with the lists train, valid and test
    #[arg(long, value_name = "RULE", default_value = "fold:1/10")]
    pub(super) split: String,
    /// Seed of a random split
    #[arg(long, value_name = "SEED", default_value_t = 0, value_parser = zero_or_more::<u64>)]
    pub(super) seed: u64,
    #[command(flatten)]
    pub(super) threads: ThreadArgs,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CenterArg {
    Summit,
    Middle,
}

impl CenterArg {
    pub(super) fn center(self) -> Center {
        match self {
            CenterArg::Summit => Center::Summit,
            CenterArg::Middle => Center::Middle,
        }
    }
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatisticArg {
    Mean,
    Sum,
    Max,
}

impl StatisticArg {
    pub(super) fn statistic(self) -> Statistic {
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

impl Args {
    /// # Errors
    /// No signal at all; flags of reads without any.
    pub(super) fn check(&self) -> Result<()> {
        if self.signal.is_empty() && self.reads.is_empty() && self.table.is_none() {
            return Err(Error::usage(
                "signals are needed: --signal NAME=FILE.bw, --reads NAME=FILE.bam or --table FILE",
            ));
        }
        if self.reads.is_empty() && self.choice.given() {
            return Err(Error::usage(
                "--shift, --min-mapping-quality and --keep-duplicates go with --reads",
            ));
        }
        Ok(())
    }

    /// The files of signals, in the order of the outputs.
    pub(super) fn named(&self) -> impl Iterator<Item = &NamedFile> {
        self.signal.iter().chain(&self.reads)
    }

    /// By flag, for prepare.json.
    pub(super) fn settings(&self) -> BTreeMap<String, Value> {
        let settings = [
            ("width", json!(self.width)),
            ("center", json!(spelled(self.center))),
            ("max-n", json!(self.max_n)),
            ("chromosomes", json!(self.chromosomes)),
            ("keep-names", json!(self.keep_names)),
            ("statistic", json!(spelled(self.statistic))),
            ("signal-width", json!(self.signal_width())),
            ("transform", json!(self.transform)),
            ("split", json!(self.split)),
            ("seed", json!(self.seed)),
            ("counts", json!(self.counts)),
        ];
        let settings = settings.into_iter().chain(self.choice.settings());
        settings
            .map(|(flag, value)| (flag.to_string(), value))
            .collect()
    }

    /// Bases in which signals are measured.
    pub(super) fn signal_width(&self) -> u32 {
        self.signal_width.unwrap_or(self.width)
    }

    pub(super) fn inputs(&self) -> Result<Vec<Input>> {
        let plain = self.peaks.iter().map(|path| ("--peaks", path));
        let genome = std::iter::once(("--genome", &self.genome));
        let blacklist = self.blacklist.iter().map(|path| ("--blacklist", path));
        let plain = plain.chain(genome).chain(blacklist);
        let plain = plain.map(|(flag, path)| Input::of(flag, None, path));
        let tracks = self.signal.iter();
        let tracks = tracks.map(|file| Input::of("--signal", Some(&file.name), &file.path));
        let reads = self.reads.iter();
        let reads = reads.map(|file| Input::of("--reads", Some(&file.name), &file.path));
        let table = self
            .table
            .iter()
            .map(|path| Input::of("--table", None, path));
        plain.chain(tracks).chain(reads).chain(table).collect()
    }

    pub(super) fn blacklist(
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
    pub(super) fn chosen(&self, chromosomes: &Chromosomes) -> Result<Option<HashSet<u32>>> {
        let number = |name: &String| {
            let number = chromosomes.number(name);
            number.ok_or_else(|| unknown(name, chromosomes))
        };
        let numbers = self.chromosomes.iter().map(number);
        let numbers = numbers.collect::<Result<HashSet<_>>>()?;
        Ok((!numbers.is_empty()).then_some(numbers))
    }

    /// What there is to say of a peak file.
    pub(super) fn note(&self, file: &PeakFile) -> Option<String> {
        let (all, summits) = (file.peaks.len(), file.summits());
        let no_summit =
            (self.center == CenterArg::Summit && 0 < summits && summits < all).then(|| {
                let without = all - summits;
                format!(
                    "{} {} no summit: {} middle is taken",
                    counted(without, "peak"),
                    has_or_have(without),
                    if without == 1 { "its" } else { "their" }
                )
            });
        let alike = (file.scored == Scored::Alike).then(|| {
            "it has no scores: of its peaks that overlap the first on the genome stays".to_string()
        });
        let first = file.peaks.first().map(|peak| peak.score);
        let same = |score| file.peaks.iter().all(|peak| peak.score == score);
        let tied = first.filter(|&score| file.scored != Scored::Alike && all > 1 && same(score));
        let alike = alike.or_else(|| {
            tied.map(|score| {
                format!("all of its peaks have the score {score}: of those that overlap the first on the genome stays")
            })
        });
        let notes: Vec<String> = no_summit.into_iter().chain(alike).collect();
        (!notes.is_empty()).then(|| format!("note: {}: {}", file.path.display(), notes.join("; ")))
    }

    /// The peaks' own names, with --keep-names.
    ///
    /// # Errors
    /// A peak without a name; a name that comes twice.
    pub(super) fn names(
        &self,
        files: &[PeakFile],
        windows: &[Window],
    ) -> Result<Option<Vec<String>>> {
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
            if name.contains([' ', '"']) {
                return Err(wrong(format!(
                    "the name '{name}' has a blank or a quote, which names of sequences cannot have; leave out --keep-names"
                )));
            }
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

fn spelled(value: impl clap::ValueEnum) -> String {
    let value = value.to_possible_value();
    value
        .map(|value| value.get_name().to_string())
        .unwrap_or_default()
}
