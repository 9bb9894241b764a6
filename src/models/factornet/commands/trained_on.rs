//! What `evaluate` says of regions that its model knows: those that it was trained on, and those that chose its best epoch.

use super::scored_windows::Window;
use super::train::{TEST, VALIDATION};
use crate::data::Notes;
use crate::data::split::regions::{Choice, Part, Split};
use crate::data::windows::WINDOW;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::hash::sha256_file;
use crate::io::sources::Sources;
use crate::models::factornet::config::Config;
use crate::numbers::{counted, is_or_are};
use crate::train::folder::config::named;
use std::path::{Path, PathBuf};

/// Lines about windows of a cell line that are in regions of the model's training or validation there; none where they are in neither, the
/// model does not know its regions (a converted one), or these were BED files that are no longer as they were.
pub(super) fn told(
    config: &Config,
    cell: &Path,
    windows: &[Window],
    chromosomes: &Chromosomes,
) -> Vec<String> {
    let trained = is_among(cell, &folders(config, "inputdirs"));
    let held = match folders(config, "validinputdirs") {
        folders if folders.is_empty() => trained,
        folders => is_among(cell, &folders),
    };
    if !(trained || held) {
        return Vec::new();
    }
    let Some(split) = split(config, chromosomes) else {
        return Vec::new();
    };
    let count = |part: Part| {
        let middle =
            |&&(chromosome, start): &&Window| split.part(chromosome, start + WINDOW / 2) == part;
        windows.iter().filter(middle).count()
    };
    let all = counted(windows.len(), "window");
    let mut lines = Vec::new();
    let learned = if trained { count(Part::Train) } else { 0 };
    if learned > 0 {
        lines.push(format!(
            "{learned} of {all} {} in regions that the model was trained on, in this cell line (neither -v nor -t of its training): what is found there says how well it remembers",
            is_or_are(learned)
        ));
    }
    let chosen = if held { count(Part::Validation) } else { 0 };
    if chosen > 0 {
        lines.push(format!(
            "{chosen} of {all} {} in the model's validation regions, which chose its best epoch, its thresholds and its calibration: figures of test regions are lower as a rule",
            is_or_are(chosen)
        ));
    }
    lines
}

fn strings(config: &Config, flag: &str) -> Vec<String> {
    let list = config.flags.get(flag).and_then(|list| list.as_array());
    let words = list.into_iter().flatten();
    words
        .filter_map(|w| Some(w.as_str()?.to_string()))
        .collect()
}

/// The words of `-t` of a model's training.
pub(super) fn test_words(config: &Config) -> Vec<String> {
    strings(config, "testchroms")
}

fn folders(config: &Config, flag: &str) -> Vec<PathBuf> {
    strings(config, flag)
        .into_iter()
        .map(PathBuf::from)
        .collect()
}

/// Whether a folder is one of these, by whatever path.
pub(super) fn is_among(folder: &Path, folders: &[PathBuf]) -> bool {
    let same = |other: &PathBuf| match (folder.canonicalize(), other.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => named(folder).is_ok_and(|folder| Path::new(&folder) == other),
    };
    folders.iter().any(same)
}

/// The regions of a model's training; None where they are not known any more.
pub(super) fn split(config: &Config, chromosomes: &Chromosomes) -> Option<Split> {
    let words = |flag, default: &[&str]| -> Option<Vec<String>> {
        // What a default names may be absent, and was then in training, too.
        let absent =
            |word: &String| chromosomes.number(word).is_none() && default.contains(&word.as_str());
        let words = strings(config, flag).into_iter();
        words
            .filter(|word| !absent(word))
            .map(|word| resolved(config, chromosomes, word))
            .collect()
    };
    let validation = words("validchroms", &VALIDATION)?;
    let test = words("testchroms", &TEST)?;
    let choice = |flag, words| Choice {
        flag,
        what: "",
        words,
        explicit: true,
    };
    let (validation, test) = (choice("-v", &validation), choice("-t", &test));
    let sources = Sources::new();
    Split::new(validation, test, &sources, chromosomes, &mut Notes::new()).ok()
}

/// A word of `-v` or `-t` as it means the same here: a BED file, which may have been named from another folder, by its whole path. None for
/// one that is gone or was changed.
fn resolved(config: &Config, chromosomes: &Chromosomes, word: String) -> Option<String> {
    if chromosomes.number(&word).is_some() {
        return Some(word);
    }
    let name = Path::new(&word).file_name()?;
    let files = config.files.iter();
    let mut files = files.filter(|file| file.path.file_name() == Some(name));
    match (files.next(), files.next()) {
        // A region; what is none is refused where it is read.
        (None, _) => Some(word),
        (Some(file), None) => {
            let same = sha256_file(&file.path).is_ok_and(|now| now == file.sha256);
            same.then(|| file.path.to_str().map(str::to_string))?
        }
        (Some(_), Some(_)) => None,
    }
}
