//! `cisgrad report` of a FactorNet model, or of an ensemble of them.

mod explained;
mod inputs;
mod learned;
mod quality;

use super::members::{Member, Members};
use super::of_run::{OfRun, of_run};
use super::outputs;
use super::tested_on::TestedOn;
use super::trained_on::test_words;
use crate::args::Unannounced;
use crate::args::outputs::check;
use crate::args::quoted::{quoted, typed};
use crate::args::report_args::ReportArgs;
use crate::data::tracks::Transform;
use crate::io::history;
use crate::models::factornet::cell_line::{CellFolder, Lists};
use crate::models::factornet::config::Config;
use crate::models::factornet::spec::Recurrent;
use crate::report::page::Page;
use crate::report::run_sections::{History, ReadFile, Repeat, Watched, changed, repeat, training};
use crate::train::folder::HISTORY;
use crate::train::folder::config::Precision;
use crate::train::folder::read_files::is_same;
use crate::train::folder::state::{Progress, progress_of};
use crate::train::folder::weights::Number;
use crate::train::model::Kinds;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
#[command(next_help_heading = "Of FactorNet models")]
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    tested: TestedOn,
    /// Known motifs, MEME: the one that each kernel resembles most
    #[arg(long, value_name = "MEME")]
    motif_db: Option<PathBuf>,
}

impl Args {
    /// The flags that were given.
    pub fn given(&self) -> Vec<&'static str> {
        let own = self.motif_db.iter().map(|_| "--motif-db");
        self.tested.given().chain(own).collect()
    }
}

pub fn run(given: &ReportArgs, own: &Args, known: Kinds) -> Result<Page> {
    let members = Members::open(&given.model, known)?;
    let mut read: Vec<PathBuf> = Vec::new();
    for Member { folder, model, .. } in &members.all {
        read.extend(outputs::of_model(folder));
        read.extend(model.config.files.iter().map(|file| file.path.clone()));
    }
    let more = [
        &given.genome,
        &own.tested.blacklist,
        &own.motif_db,
        &own.tested.chrom_sizes,
    ];
    read.extend(more.into_iter().flatten().cloned());
    read.extend(own.tested.beside.files().cloned());
    check(&[("--out", given.out.as_path())], &read)?;
    let (precision, device) = given.open(members.first().model.config.precision)?;
    match precision {
        Precision::F64 => page::<f64>(given, own, &members, (precision, &device)),
        _ => page::<f32>(given, own, &members, (precision, &device)),
    }
}

/// What every section needs.
struct Run<'a> {
    given: &'a ReportArgs,
    own: &'a Args,
    members: &'a Members,
    device: &'a Unannounced,
    precision: Precision,
}

impl Run<'_> {
    /// What was named on the command line must be there; what the training run had may be gone.
    fn excused(&self, page: &mut Page, what: &str, error: Error) -> Result<()> {
        let named = !self.own.given().is_empty() || self.given.genome.is_some();
        match error {
            Error::Interrupted => Err(Error::Interrupted),
            error if named => Err(error),
            error => {
                page.paragraph(&format!("{what} could not be looked at: {error}"));
                Ok(())
            }
        }
    }

    /// The cell line's folder, as it is named.
    ///
    /// # Errors
    /// None is known; it cannot be read.
    fn cell(&self) -> Result<(PathBuf, CellFolder)> {
        let first = self.members.first();
        let given = self.own.tested.inputdir.as_ref();
        let folder = of_run(
            &first.model,
            &first.folder,
            given,
            "--inputdir",
            "inputdirs",
        )?;
        let lists = Lists {
            factors: true,
            meta: !first.model.config.model.meta.is_empty(),
        };
        let cell = CellFolder::read(&folder, lists)?;
        Ok((folder, cell))
    }

    fn of_run(&self) -> OfRun<'_> {
        OfRun {
            genome: self.given.genome.as_ref(),
            chrom_sizes: self.own.tested.chrom_sizes.as_ref(),
            blacklist: self.own.tested.blacklist.as_ref(),
            beside: &self.own.tested.beside,
            batch_size: self.given.batch_size,
            precision: self.given.precision,
            device: &self.given.device,
        }
    }

    /// The words of the test regions; none: each model's own, of a cross-validation.
    fn regions(&self) -> Vec<String> {
        match self.own.tested.testchroms.is_empty() {
            true if self.members.first().tested_on.is_some() => Vec::new(),
            true => test_words(&self.members.first().model.config),
            false => self.own.tested.testchroms.clone(),
        }
    }
}

fn page<T: Number>(
    given: &ReportArgs,
    own: &Args,
    members: &Members,
    (precision, device): (Precision, &Unannounced),
) -> Result<Page> {
    let run = Run {
        given,
        own,
        members,
        device,
        precision,
    };
    let described = &members.first().model.config.model;
    let title = format!(
        "{}: FactorNet, {}",
        given.model.display(),
        described.factors.join(", ")
    );
    let mut page = Page::new(&title);
    changed(&mut page, &read_files(&members.first().model.config));
    inputs::section(&mut page, &run)?;
    training(
        &mut page,
        &histories(members),
        &Watched {
            column: "validation_auPRC",
            what: "validation auPRC",
        },
        "samples_per_s",
    );
    let (factors, strongest) = quality::section::<T>(&mut page, &run)?;
    learned::section::<T>(&mut page, &run)?;
    if !strongest.is_empty() {
        explained::section::<T>(&mut page, &run, &factors, strongest)?;
    }
    repeated(&mut page, members);
    Ok(page)
}

fn histories(members: &Members) -> Vec<History> {
    let read = |member: &Member| {
        let columns = history::read(&member.folder.join(HISTORY)).ok()?;
        let name = member.folder.file_name().filter(|_| members.is_ensemble);
        let progress = progress_of(&member.folder);
        let wanted = member.model.config.flags.get("epochs");
        let wanted = wanted.and_then(serde_json::Value::as_u64);
        let open = |progress: &Progress| !progress.stopped && Some(progress.epoch) < wanted;
        Some(History {
            name: name.map(|name| name.to_string_lossy().into_owned()),
            wanted: wanted.filter(|_| progress.as_ref().is_some_and(open)),
            device: progress.and_then(|progress| progress.device),
            columns,
        })
    };
    members.all.iter().filter_map(read).collect()
}

fn repeated(page: &mut Page, members: &Members) {
    let first = &members.first().model.config;
    let trained = members
        .all
        .iter()
        .filter(|m| !m.model.config.flags.is_empty());
    let commands: Vec<String> = trained
        .map(|member| command(&member.model.config, &member.folder))
        .collect();
    repeat(
        page,
        &Repeat {
            commands: &commands,
            version: &first.version,
            files: read_files(first),
        },
    );
}

/// What the first model's run read.
fn read_files(first: &Config) -> Vec<ReadFile> {
    let read = first.files.iter();
    let read = read.map(|file| ReadFile::new(&file.path, &file.sha256, is_same(file)));
    read.collect()
}

/// The command line that trains the model again, as config.json tells it.
fn command(config: &Config, folder: &Path) -> String {
    let mut words = vec!["cisgrad factornet train".to_string()];
    // Lists of the folders, which the folders' own lists tell.
    words.extend(typed(&config.flags, |flag| flag.contains('.')));
    let (model, network) = (&config.model, &config.model.network);
    for (flag, number) in [
        ("-L", network.length),
        ("-w", network.motif_width),
        ("-k", network.kernels),
        ("-d", network.dense),
    ] {
        words.push(format!("{flag} {number}"));
    }
    words.push(match network.recurrent {
        Recurrent::Units(units) => format!("-r {units}"),
        Recurrent::Flatten => "-r 0".to_string(),
        Recurrent::GlobalMax => "-r -1".to_string(),
    });
    if model.track_transform == Transform::Log1p {
        words.push("--track-transform log1p".to_string());
    }
    if model.track_scale != "none" {
        words.push(format!("--track-scale {}", quoted(&model.track_scale)));
    }
    if !model.meta.is_empty() {
        words.push("-m".to_string());
    }
    if model.gencode {
        words.push("-g".to_string());
    }
    match config.precision {
        Precision::F32 => {}
        Precision::F64 => words.push("--precision f64".to_string()),
        Precision::Bf16 => words.push("--precision bf16".to_string()),
    }
    words.push(format!("-o {}", quoted(folder.display())));
    words.join(" ")
}
