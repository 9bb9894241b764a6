//! The kinds of model, as far as a test that is written once for all of them needs to know them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{Run, cisgrad, names};

/// Small data for a kind, in a folder of its own, and how its commands are called on them.
pub trait Kind: Sized {
    /// The first word of its commands.
    const NAME: &'static str;
    /// As messages call it.
    const TITLE: &'static str;
    /// The flag of the learning rate.
    const RATE: &'static str;
    /// Epochs of `train` unless told.
    const EPOCHS: u64;
    /// Flags of a run whose loss is not finite from the first epoch on.
    const WILD: &'static str;
    /// Flags with which little is held out: on the stand-in what a run does with it takes long.
    const HELD: &'static str;
    type Other: Kind;

    /// Data on which a run takes a second or so.
    fn small() -> Self;
    /// Data and flags of a run of many short epochs, which can be met on its way.
    fn long() -> (Self, &'static str);
    fn folder(&self) -> &Path;
    /// The kind's `train` on these data, quick; what `more` says again counts.
    fn train_arguments(&self, out: &str, more: &str) -> String;
    /// The flags of so many epochs.
    fn epochs(count: u64) -> String;
    /// Every command that reads a model, with its output, if it goes to a file, called `out`.
    fn reading(&self, model: &str, out: &str) -> Vec<Reading>;
    /// `train` into a folder that is there, as the kind allows it.
    fn train_over_arguments(&self, out: &str) -> String;
    /// `convert` of weights of another program, which are put into the folder `weights`.
    fn convert_arguments(&self, weights: &str, out: &str) -> String;
    /// Flags of a run with another network.
    const OTHER_NETWORK: &'static str;
    /// A file that `train` writes besides those of every kind.
    const OWN_FILE: &'static str;
    /// Memory of a GPU on which a batch of a few samples can be trained, and one of all cannot.
    const TOO_LITTLE: &'static str;
    /// Epochs that leave time to kill a run on the host stand-in of a GPU.
    const KILLED: u64;

    fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    /// Writes a file packed with gzip.
    fn write_gzip(&self, name: &str, content: impl AsRef<[u8]>) {
        let file = std::fs::File::create(self.path(name)).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::default());
        encoder.write_all(content.as_ref()).unwrap();
        encoder.finish().unwrap();
    }

    fn run(&self, arguments: &str) -> Run {
        cisgrad(self.folder(), arguments)
    }

    fn train(&self, out: &str, more: &str) -> Run {
        self.run(&self.train_arguments(out, more))
    }

    /// Training fails with this code and message, and leaves nothing behind.
    #[track_caller]
    fn refuses(&self, more: &str, code: i32, parts: &[&str]) {
        let before = names(self.folder());
        self.train("never", more).fails(code, parts);
        assert!(!self.path("never").exists(), "a folder was made: {more}");
        assert_eq!(names(self.folder()), before, "{more}");
    }
}

/// A command that reads a model.
pub struct Reading {
    pub arguments: String,
    /// The files that it reads besides the model's own.
    pub inputs: Vec<&'static str>,
    pub output: Output,
}

/// Where a command's results go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Output {
    /// To a file, and to standard output where none is named.
    Table,
    File,
    Folder,
}
