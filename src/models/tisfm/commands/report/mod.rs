//! `cisgrad report` of a tiSFM model, or of an ensemble of them.

mod data;
mod explained;
mod inputs;
mod learned;
mod quality;

use super::model_args::files_of_run;
use crate::Result;
use crate::args::outputs;
use crate::args::quoted::{quoted, typed};
use crate::args::report_args::ReportArgs;
use crate::io::history;
use crate::models::tisfm::config::Config;
use crate::models::tisfm::members::Members;
use crate::models::tisfm::network::Trainable;
use crate::models::tisfm::saved::SavedModel;
use crate::report::page::Page;
use crate::report::run_sections::{History, ReadFile, Repeat, Watched, changed, repeat, training};
use crate::train::folder::HISTORY;
use crate::train::folder::config::Precision;
use crate::train::folder::read_files::is_same;
use crate::train::folder::state::{Progress, progress_of};
use crate::train::interrupt;
use crate::train::model::Kinds;
use data::Data;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
#[command(next_help_heading = "Of tiSFM models")]
#[group(skip)]
pub struct Args {
    /// Sequences by which importance is told [default: those that tested the model]
    #[arg(long, value_name = "FILE")]
    sequences: Option<PathBuf>,
    /// For the logos of trained kernels: their motifs, as `cisgrad motifs export` writes them
    #[arg(long, value_name = "MEME")]
    exported: Option<PathBuf>,
}

impl Args {
    /// The flags that were given.
    pub fn given(&self) -> Vec<&'static str> {
        let sequences = self.sequences.iter().map(|_| "--sequences");
        let exported = self.exported.iter().map(|_| "--exported");
        sequences.chain(exported).collect()
    }
}

pub fn run(given: &ReportArgs, own: &Args, known: Kinds) -> Result<Page> {
    let members = Members::open(&given.model, known)?;
    let mut read: Vec<PathBuf> = members.models.iter().flat_map(files_of_run).collect();
    read.extend(own.sequences.iter().chain(&own.exported).cloned());
    read.extend(given.genome.iter().flat_map(|g| outputs::genome_files(g)));
    outputs::check(&[("--out", given.out.as_path())], &read)?;
    let (precision, device) = given.open(members.first().config.precision)?;
    let data = Data::of(given, &members);
    let device = device.announce();
    // From here on a signal ends the work between two batches.
    interrupt::watch();
    let title = format!(
        "{}: {}",
        given.model.display(),
        members.first().config.model.architecture.name
    );
    let mut page = Page::new(&title);
    let run = Run {
        given,
        members: &members,
        device: &device,
        precision,
    };
    changed(&mut page, &read_files(&members.first().config));
    inputs::section(&mut page, &run, data.as_ref());
    training(
        &mut page,
        &histories(&members),
        &Watched {
            column: "validation_r",
            what: "validation r",
        },
        "seq_per_s",
    );
    quality::section(&mut page, &run, data.as_ref())?;
    learned::section(&mut page, &run, own, data.as_ref())?;
    explained::section(&mut page, &run, data.as_ref())?;
    repeated(&mut page, &members);
    Ok(page)
}

/// What every section needs.
struct Run<'a> {
    given: &'a ReportArgs,
    members: &'a Members,
    device: &'a crate::engine::Device,
    precision: crate::train::folder::config::Precision,
}

fn histories(members: &Members) -> Vec<History> {
    let read = |(place, model): (usize, &SavedModel)| {
        let file = model.folder().join(HISTORY);
        let columns = history::read(&file).ok()?;
        let progress = progress_of(model.folder());
        let wanted = model.config.flags.get("number_of_epochs");
        let wanted = wanted.and_then(serde_json::Value::as_u64);
        let open = |progress: &Progress| !progress.stopped && Some(progress.epoch) < wanted;
        Some(History {
            name: members.names.get(place).cloned(),
            wanted: wanted.filter(|_| progress.as_ref().is_some_and(open)),
            device: progress.and_then(|progress| progress.device),
            columns,
        })
    };
    members.models.iter().enumerate().filter_map(read).collect()
}

fn repeated(page: &mut Page, members: &Members) {
    let first = members.first();
    let commands: Vec<String> = members
        .models
        .iter()
        .filter(|model| model.config.model.data.is_some())
        .map(|model| command(&model.config, model.folder()))
        .collect();
    repeat(
        page,
        &Repeat {
            commands: &commands,
            version: &first.config.version,
            files: read_files(&first.config),
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
    let model = &config.model;
    let mut words = vec!["cisgrad tisfm train".to_string()];
    let mut add = |flag: &str, value: &str| words.push(format!("--{flag} {}", quoted(value)));
    if let Some(data) = &model.data {
        add("atac-file", &data.atac_file.display().to_string());
        add("sequences", &data.sequences.display().to_string());
        if let Some(genome) = &data.genome {
            add("genome", &genome.display().to_string());
        }
        // Of the files that were read the one that is none of these.
        let own = |path: &Path| {
            path == data.atac_file || path == data.sequences || Some(path) == data.genome.as_deref()
        };
        let motifs = config.files.iter().find(|file| {
            let name = file.path.to_string_lossy();
            !own(&file.path) && (name.contains(".meme") || name.ends_with(".txt"))
        });
        if let (Some(file), false) = (motifs, model.motifs.is_empty()) {
            add("meme-file", &file.path.display().to_string());
        }
    }
    add("architecture", &model.architecture.name);
    let columns = [
        ("weights", &model.columns.weights),
        ("batch-column", &model.columns.batch),
    ];
    for (flag, column) in columns {
        if let Some(column) = column {
            add(flag, column);
        }
    }
    match model.trainable {
        Trainable::AllButMotifs => {}
        Trainable::All => words.push("--unfreeze-conv".to_string()),
        Trainable::TiedMotifs => words.push("--tie-kernels".to_string()),
        Trainable::FinalLayer => words.push("--freeze-all-except-final-layer".to_string()),
    }
    match config.precision {
        Precision::F32 => {}
        Precision::F64 => words.push("--precision f64".to_string()),
        Precision::Bf16 => words.push("--precision bf16".to_string()),
    }
    // Told by the weights themselves.
    words.extend(typed(&config.flags, |flag| flag == "model_sha256"));
    words.push(format!("--model-output {}", quoted(folder.display())));
    words.join(" ")
}
