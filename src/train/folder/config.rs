//! config.json of a model folder: everything needed to rebuild the model and find its data. Which kind of model it
//! describes is known before anything else is read.

use super::{CONFIG, ENSEMBLE};
use crate::io::atomic::write_atomic;
use crate::io::sources::{Sources, is_fleeting, is_stream};
use crate::io::text::read_text;
use crate::train::model::Kind;
use crate::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Number type of the weights on disk and of the arithmetic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    F64,
    #[default]
    F32,
    /// f32 in files and sums; the factors of matrix products are rounded to bf16. On a GPU alone.
    Bf16,
}

impl Precision {
    /// As a GPU's kernels know it.
    pub fn on_gpu(self) -> crate::engine::cuda::Precision {
        match self {
            Precision::Bf16 => crate::engine::cuda::Precision::Bf16,
            Precision::F32 | Precision::F64 => crate::engine::cuda::Precision::F32,
        }
    }
}

/// An input file as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputFile {
    pub path: PathBuf,
    pub sha256: String,
    /// The flag by which it came, where it came through a pipe: no later command finds it under its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipe: Option<String>,
}

impl InputFile {
    /// The file or pipe that a flag names; the same bytes are parsed as are hashed here where `sources` gives them.
    ///
    /// # Errors
    /// It cannot be read; what [`named`] says.
    pub fn of(sources: &Sources, flag: &str, path: &Path) -> Result<Self> {
        let fleeting = is_fleeting(path);
        let sha256 = sources.sha256(path).map_err(|e| match e {
            Error::Io { source, .. } if fleeting && !is_stream(path) => Error::invalid(format!(
                "{flag} {}: {source}: a pipe of an earlier command? Give {flag} again, as a file or a new pipe",
                path.display()
            )),
            e => e,
        })?;
        Ok(InputFile {
            path: named(path)?.into(),
            sha256,
            pipe: fleeting.then(|| flag.to_string()),
        })
    }

    fn shown(&self) -> String {
        let pipe = if self.pipe.is_some() { "a pipe, " } else { "" };
        format!("{} ({pipe}sha256 {:.12})", self.path.display(), self.sha256)
    }
}

/// What config.json has in place of a pipe's name, which says nothing to a later command.
pub const PIPE: &str = "(a pipe)";

/// A path as config.json names it: from the root, in UTF-8; that of a pipe as it was given.
///
/// # Errors
/// It is not UTF-8.
pub fn named(path: &Path) -> Result<String> {
    let absolute = match is_fleeting(path) {
        true => path.to_path_buf(),
        false => std::path::absolute(path).map_err(|e| Error::io(path, e))?,
    };
    absolute.into_os_string().into_string().map_err(|_| {
        Error::usage(format!(
            "{}: a path that is not UTF-8, which {CONFIG} cannot name: rename it",
            path.display()
        ))
    })
}

/// What a kind of model keeps of itself.
pub trait Described: Serialize + DeserializeOwned {
    /// # Errors
    /// How it contradicts itself.
    fn check(&self) -> std::result::Result<(), String>;

    /// The first thing that the numbers of a run depend on and that is not the same in `now`.
    fn difference(&self, now: &Self) -> Option<Difference>;

    /// Takes the paths of the run that this one goes on with for those that are `gone`: what came through a pipe now and
    /// was a file then.
    fn keep_paths(&mut self, _before: &Self, _gone: &dyn Fn(&Path) -> bool) {}
}

/// Something that was one thing before and is another now.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    pub what: String,
    /// None: it was not given; empty: a switch.
    pub before: Option<String>,
    pub now: Option<String>,
}

impl Difference {
    /// The first of these that differs: what, before, now.
    pub fn among(pairs: impl IntoIterator<Item = (&'static str, String, String)>) -> Option<Self> {
        let mut pairs = pairs.into_iter();
        let (what, before, now) = pairs.find(|(_, before, now)| before != now)?;
        Some(Difference {
            what: what.to_string(),
            before: Some(before),
            now: Some(now),
        })
    }

    /// The error of a run that would go on in a folder with something else.
    pub fn refused(&self, folder: &Path) -> Error {
        Error::invalid(format!(
            "--resume: {} was started {}, or choose another folder",
            folder.display(),
            self.told()
        ))
    }

    /// How the run was started, how this one is, and what to do.
    fn told(&self) -> String {
        let what = &self.what;
        let with = |value: &str| format!("{what} {value}").trim_end().to_string();
        match (&self.before, &self.now) {
            (Some(before), Some(now)) => {
                format!("with {}, this run has {now}; give the same", with(before))
            }
            (None, Some(now)) => {
                format!("without {what}, this run has {}; leave it out", with(now))
            }
            (before, None) => format!(
                "with {}, this run has no {what}; give the same",
                with(before.as_deref().unwrap_or_default())
            ),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config<D> {
    /// Version of cisgrad that wrote it.
    pub version: String,
    /// [`Kind::name`]; version 0.1 did not write it for every kind.
    #[serde(rename = "model", default)]
    pub kind: String,
    #[serde(flatten)]
    pub model: D,
    #[serde(default)]
    pub precision: Precision,
    #[serde(default)]
    pub files: Vec<InputFile>,
    /// The training flags as given, by name.
    #[serde(default)]
    pub flags: serde_json::Map<String, Value>,
}

/// What the config.json of a folder describes.
pub enum Found {
    /// No such file.
    Nothing,
    /// A file that this program did not write.
    Foreign,
    /// A model of a kind of this name.
    Model(String),
}

/// # Errors
/// The file cannot be read.
pub fn found(folder: &Path, known: &[&Kind]) -> Result<Found> {
    match std::fs::read(folder.join(CONFIG)) {
        Ok(bytes) => Ok(match serde_json::from_slice(&bytes) {
            Ok(value) => kind_of(&value, known).map_or(Found::Foreign, Found::Model),
            Err(_) => Found::Foreign,
        }),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(Found::Nothing)
        }
        Err(e) => Err(Error::io(folder.join(CONFIG), e)),
    }
}

/// The name of the kind that a config.json describes, if a version of this program wrote it.
fn kind_of(value: &Value, known: &[&Kind]) -> Option<String> {
    value.get("version")?.as_str()?;
    // What every version has written for the kinds that there are; a later version may write another kind in its own way.
    let precision = value.get("precision").is_some_and(Value::is_string);
    let whole = precision && value.get("flags").is_some_and(Value::is_object);
    if let Some(name) = value.get("model").and_then(Value::as_str) {
        let foreign = !whole && known.iter().any(|kind| kind.name == name);
        return (!foreign).then(|| name.to_string());
    }
    let has_old_key = |kind: &&&Kind| {
        let object = |key| value.get(key).is_some_and(Value::is_object);
        whole && kind.old_key.is_some_and(object)
    };
    let kind = known.iter().find(has_old_key)?;
    Some(kind.name.to_string())
}

/// The error of a folder whose model is of another kind.
pub fn other_kind(folder: &Path, kind: &Kind, name: &str, known: &[&Kind]) -> Error {
    let shown = folder.display();
    Error::invalid(match known.iter().find(|k| k.name == name) {
        Some(other) => format!(
            "{shown}: a {} model; this command is for {} models (to predict with that one: {})",
            other.title, kind.title, other.predict
        ),
        None => format!(
            "{shown}: a model of the kind '{name}', which this program does not know (it knows {}); a newer version wrote it?",
            known.iter().map(|k| k.title).collect::<Vec<_>>().join(", ")
        ),
    })
}

impl<D: Described> Config<D> {
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(CONFIG);
        let text =
            serde_json::to_string_pretty(self).map_err(|e| Error::format(&path, e.to_string()))?;
        write_atomic(&path, |w| writeln!(w, "{text}"))
    }

    /// Reads the config.json of a model of this kind; `known`: all kinds, to name another one.
    ///
    /// # Errors
    /// No model folder: says what the path is instead. A model of another kind. A file that is damaged, or contradicts
    /// itself.
    pub fn read(folder: &Path, kind: &Kind, known: &[&Kind]) -> Result<Self> {
        let path = folder.join(CONFIG);
        if !path.is_file() {
            return Err(no_model(folder));
        }
        let text = read_text(&path)?;
        let value: Value = serde_json::from_str(&text).map_err(|e| {
            Error::format_at(&path, e.line() as u64, format!("is not valid JSON: {e}"))
        })?;
        match kind_of(&value, known) {
            Some(name) if name == kind.name => {}
            Some(name) => return Err(other_kind(folder, kind, &name, known)),
            None => {
                return Err(Error::format(
                    &path,
                    format!("does not describe a {} model", kind.title),
                ));
            }
        }
        let config: Config<D> =
            serde_json::from_value(value).map_err(|e| Error::format(&path, e.to_string()))?;
        config
            .model
            .check()
            .map_err(|message| Error::format(&path, message))?;
        Ok(config)
    }

    /// A run can go on in a folder when everything that its numbers depend on is the same.
    ///
    /// # Errors
    /// The first thing that differs.
    pub fn check_resumable(&self, now: &Self, kind: &Kind, folder: &Path) -> Result<()> {
        let found = self
            .flags_difference(now, kind.free_flags)
            .or_else(|| self.files_difference(now))
            .or_else(|| self.model.difference(&now.model))
            .or_else(|| {
                let shown = |c: &Self| format!("{:?}", c.precision).to_lowercase();
                Difference::among([("--precision", shown(self), shown(now))])
            });
        match found {
            None => Ok(()),
            Some(difference) => Err(difference.refused(folder)),
        }
    }

    fn flags_difference(&self, now: &Self, free: &[&str]) -> Option<Difference> {
        // Flags before what stands in lists of the inputs (`bigwig.txt`), which follows from them.
        let is_list = |flag: &str| flag.contains('.');
        let (lists, flags): (Vec<_>, Vec<_>) = now.flags.iter().partition(|(f, _)| is_list(f));
        // What was given then and is not now counts as well.
        let gone = self.flags.keys().filter(|f| !now.flags.contains_key(*f));
        let gone = gone.map(|flag| (flag, &Value::Null));
        let mut all = flags.into_iter().chain(gone).chain(lists);
        all.find_map(|(flag, value)| {
            let before = self.flags.get(flag).unwrap_or(&Value::Null);
            if same_but_for_pipes(before, value) || free.contains(&flag.as_str()) {
                return None;
            }
            Some(Difference {
                what: match is_list(flag) {
                    true => flag.clone(),
                    false => format!("--{}", flag.replace('_', "-")),
                },
                before: as_given(before),
                now: as_given(value),
            })
        })
    }

    /// Keeps what `before`, of the run that this one goes on with, knows of inputs that came through pipes now: where they
    /// lie, if they were files.
    pub fn keep_paths(&mut self, before: &Self) {
        let now = std::mem::take(&mut self.files);
        let gone = |path: &Path| {
            now.iter()
                .any(|file| file.path == path && file.pipe.is_some())
        };
        self.model.keep_paths(&before.model, &gone);
        self.files = now;
        for (now, before) in self.files.iter_mut().zip(&before.files) {
            if now.pipe.is_some() && now.sha256 == before.sha256 {
                *now = before.clone();
            }
        }
        for (flag, value) in &mut self.flags {
            if let Some(before) = before.flags.get(flag)
                && same_but_for_pipes(before, value)
            {
                *value = before.clone();
            }
        }
    }

    /// The pipe by which an input came that the run has read under this name.
    pub fn pipe(&self, path: &Path) -> Option<&str> {
        let file = self.files.iter().find(|file| file.path == path)?;
        file.pipe.as_deref()
    }

    /// The first pipe whose bytes do not come again, by whatever flag.
    fn pipes_difference(&self, now: &Self) -> Option<Difference> {
        let comes = |before: &InputFile| now.files.iter().any(|file| file.sha256 == before.sha256);
        let piped = |file: &&InputFile| file.pipe.is_some();
        let before = self.files.iter().filter(piped).find(|file| !comes(file))?;
        let in_place = now.files.iter().find(|file| file.pipe == before.pipe);
        Some(Difference {
            what: before.pipe.clone().unwrap_or_default(),
            before: Some(before.shown()),
            now: Some(in_place.map_or("nothing that gives the same".to_string(), InputFile::shown)),
        })
    }

    fn files_difference(&self, now: &Self) -> Option<Difference> {
        if let Some(pipe) = self.pipes_difference(now) {
            return Some(pipe);
        }
        if self.files.len() != now.files.len() {
            let shown = |files: &[InputFile], others: &[InputFile]| {
                let own = files
                    .iter()
                    .find(|file| others.iter().all(|other| other.path != file.path));
                let own = own.map_or(String::new(), |file| format!(" ({})", file.path.display()));
                format!("{}{own}", files.len())
            };
            return Some(Difference {
                what: "input files (--blacklist and other flags, peaks), in number".to_string(),
                before: Some(shown(&self.files, &now.files)),
                now: Some(shown(&now.files, &self.files)),
            });
        }
        let mut pairs = self.files.iter().zip(&now.files);
        let (a, b) = pairs.find(|(a, b)| a.sha256 != b.sha256)?;
        Some(Difference {
            what: "file".to_string(),
            before: Some(a.shown()),
            now: Some(b.shown()),
        })
    }
}

/// A flag's value as a command line has it; None where the flag was not given.
fn as_given(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::Bool(true) => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Array(values) if values.is_empty() => None,
        Value::Array(values) if values.iter().all(|value| !value.is_array()) => {
            let words: Vec<String> = values.iter().filter_map(as_given).collect();
            Some(words.join(" "))
        }
        other => Some(other.to_string()),
    }
}

/// A flag of the run in a folder, for one that goes on with it and does not give the flag. What is wrong with the folder others
/// say.
pub fn own_flag(folder: &Path, flag: &str) -> Option<Value> {
    let text = std::fs::read(folder.join(CONFIG)).ok()?;
    let config: Value = serde_json::from_slice(&text).ok()?;
    config.get("flags")?.get(flag).cloned()
}

/// Whether a flag is as it was; what came through a pipe once, and from a file the other time, is compared by content.
fn same_but_for_pipes(before: &Value, now: &Value) -> bool {
    match (before, now) {
        (Value::String(a), Value::String(b)) => a == b || a == PIPE || b == PIPE,
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_but_for_pipes(a, b))
        }
        (before, now) => before == now,
    }
}

/// The error of a path that is no model folder: says what it is.
pub fn no_model(path: &Path) -> Error {
    let shown = path.display();
    let config = path.join(CONFIG);
    if path.join(ENSEMBLE).is_file() {
        return Error::invalid(format!(
            "{shown}: an ensemble, where one model is needed: name one of its folders ({ENSEMBLE} there lists them)"
        ));
    }
    if config.is_file() {
        let text = read_text(&config).unwrap_or_default();
        return match serde_json::from_str::<Value>(&text) {
            Err(e) => Error::format_at(&config, e.line() as u64, format!("is not valid JSON: {e}")),
            Ok(_) => Error::format(&config, "does not describe a model that this program knows"),
        };
    }
    let parent = path.parent().filter(|parent| parent.join(CONFIG).is_file());
    if let (Some(parent), false) = (parent, path.exists()) {
        return Error::invalid(format!(
            "{shown}: no such weights in the model folder {}",
            parent.display()
        ));
    }
    Error::invalid(if path.is_file() {
        match path.parent().filter(|parent| parent.join(CONFIG).is_file()) {
            Some(parent) => {
                let weights = path.extension().is_some_and(|e| e == "safetensors");
                let what = if weights { "a weights file" } else { "a file" };
                let parent = match parent.as_os_str().is_empty() {
                    true => ".".into(),
                    false => parent.display().to_string(),
                };
                format!("{shown}: {what} inside a model folder; name the folder: {parent}")
            }
            None => format!("{shown}: a file; expected a model folder (with a {CONFIG} in it)"),
        }
    } else if path.exists() {
        format!("{shown}: no model folder (no {CONFIG} in it)")
    } else {
        format!("{shown}: no such folder; expected a model folder")
    })
}
