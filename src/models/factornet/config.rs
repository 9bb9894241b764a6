//! The model folder: config.json, and the lists that the original's folders hold.

use crate::data::windows::annotations::{FEATURES, GencodeSpan};
use crate::io::atomic::write_atomic;
use crate::models::factornet::Spec;
use crate::train::folder::CONFIG;
use crate::train::folder::config::{InputFile, Precision};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Version of cisgrad that wrote it.
    pub version: String,
    /// `factornet`: tells it from the folders of other models.
    pub model: String,
    pub network: Spec,
    /// In the order of the probabilities.
    pub factors: Vec<String>,
    /// Names of the meta numbers, in the order of the inputs.
    pub meta: Vec<String>,
    /// Six features of an annotation follow them.
    pub gencode: bool,
    #[serde(default)]
    pub gencode_span: GencodeSpan,
    /// `--track-scale`.
    pub track_scale: String,
    pub precision: Precision,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<InputFile>,
    /// The training flags as given, by name.
    #[serde(default)]
    pub flags: serde_json::Map<String, serde_json::Value>,
}

/// What [`Config::model`] is.
pub const MODEL: &str = "factornet";

/// Flags that a resumed run may change.
const FREE_FLAGS: [&str; 2] = ["epochs", "patience"];

impl Config {
    /// Meta numbers and annotation features together.
    pub fn meta_inputs(&self) -> usize {
        self.meta.len() + if self.gencode { FEATURES.len() } else { 0 }
    }

    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(CONFIG);
        let text =
            serde_json::to_string_pretty(self).map_err(|e| Error::format(&path, e.to_string()))?;
        write_atomic(&path, |w| writeln!(w, "{text}"))
    }

    /// # Errors
    /// No config.json there, one of another kind of model, or one that contradicts itself.
    pub fn read(folder: &Path) -> Result<Config> {
        let path = folder.join(CONFIG);
        let text = std::fs::read_to_string(&path).map_err(|e| Error::io(&path, e))?;
        let wrong = |e: serde_json::Error| Error::format_at(&path, e.line() as u64, e.to_string());
        let value: serde_json::Value = serde_json::from_str(&text).map_err(wrong)?;
        if value.get("model").and_then(|m| m.as_str()) != Some(MODEL) {
            return Err(Error::format(&path, "belongs to no FactorNet model"));
        }
        let config: Config = serde_json::from_value(value).map_err(wrong)?;
        config.network.check()?;
        let (inputs, outputs) = (config.meta_inputs(), config.factors.len());
        if (config.network.meta, config.network.factors) != (inputs, outputs) {
            return Err(Error::format(
                &path,
                format!(
                    "the network takes {} meta numbers and gives {} probabilities, but {inputs} and {outputs} are named",
                    config.network.meta, config.network.factors
                ),
            ));
        }
        Ok(config)
    }

    /// A run can go on in a folder when everything that its numbers depend on is the same.
    ///
    /// # Errors
    /// The first thing that differs.
    pub fn check_resumable(&self, now: &Config, folder: &Path) -> Result<()> {
        let refuse = |what: &str, before: String, now: String| {
            Err(Error::invalid(format!(
                "--resume: {} was started with {what} {before}, this run has {now}",
                folder.display()
            )))
        };
        // Flags before what stands in the input folders' lists, which follows from them.
        let (lists, flags): (Vec<_>, Vec<_>) =
            now.flags.iter().partition(|(flag, _)| flag.contains('.'));
        for (flag, value) in flags.into_iter().chain(lists) {
            let before = self.flags.get(flag).unwrap_or(&serde_json::Value::Null);
            if before != value && !FREE_FLAGS.contains(&flag.as_str()) {
                // What stands in a list of the input folders goes by the list's name.
                let name = match flag.contains('.') {
                    true => flag.clone(),
                    false => format!("--{}", flag.replace('_', "-")),
                };
                return refuse(&name, before.to_string(), value.to_string());
            }
        }
        if self.files.len() != now.files.len() {
            let shown = |files: &[InputFile], others: &[InputFile]| {
                let own = files
                    .iter()
                    .find(|file| others.iter().all(|other| other.path != file.path));
                let own = own.map_or(String::new(), |file| format!(" ({})", file.path.display()));
                format!("{}{own}", files.len())
            };
            return refuse(
                "this many input files:",
                shown(&self.files, &now.files),
                shown(&now.files, &self.files),
            );
        }
        for (a, b) in self.files.iter().zip(&now.files) {
            if a.sha256 != b.sha256 {
                let text =
                    |f: &InputFile| format!("{} (sha256 {:.12})", f.path.display(), f.sha256);
                return refuse("file", text(a), text(b));
            }
        }
        if self.network != now.network || self.factors != now.factors || self.meta != now.meta {
            return refuse(
                "network",
                format!("{:?} {:?} {:?}", self.network, self.factors, self.meta),
                format!("{:?} {:?} {:?}", now.network, now.factors, now.meta),
            );
        }
        if self.track_scale != now.track_scale {
            let (before, now) = (self.track_scale.clone(), now.track_scale.clone());
            return refuse("--track-scale", before, now);
        }
        if (self.gencode, self.gencode_span) != (now.gencode, now.gencode_span) {
            let shown = |c: &Config| format!("{} {:?}", c.gencode, c.gencode_span);
            return refuse("--gencode and --gencode-span", shown(self), shown(now));
        }
        if self.precision != now.precision {
            let (before, now) = (self.precision, now.precision);
            return refuse("precision", format!("{before:?}"), format!("{now:?}"));
        }
        Ok(())
    }
}

/// Writes chip.txt, feature.txt, bigwig.txt and meta.txt as the original does: a name a line, each list only where it
/// has names.
///
/// # Errors
/// A file cannot be written.
pub fn write_lists(config: &Config, folder: &Path) -> Result<()> {
    let tracks = &config.network.tracks;
    let features = [
        (!tracks.is_empty(), "bigwig"),
        (!config.meta.is_empty(), "meta"),
        (config.gencode, "gencode"),
    ];
    let features: Vec<String> = features
        .into_iter()
        .filter(|&(has, _)| has)
        .map(|(_, name)| name.to_string())
        .collect();
    let lists = [
        ("chip.txt", &config.factors),
        ("feature.txt", &features),
        ("bigwig.txt", tracks),
        ("meta.txt", &config.meta),
    ];
    for (file, names) in lists {
        if !names.is_empty() {
            write_atomic(folder.join(file), |w| {
                names.iter().try_for_each(|name| writeln!(w, "{name}"))
            })?;
        }
    }
    Ok(())
}
