//! The kinds of models that the program knows: one line each, at the end.

use crate::Result;
use crate::timing::Bench;
use crate::train::model::Kinds;
use clap::Subcommand;

/// Makes of one line per kind what the rest of the program asks of all of them.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident in $folder:ident,)*) => {
        /// The commands of each kind.
        #[derive(Subcommand)]
        pub enum Command {
            $($(#[$doc])* #[command(subcommand)] $name(super::$folder::commands::Command),)*
        }

        /// What each kind makes a model folder of.
        #[derive(Subcommand)]
        pub enum Convert {
            $($name(super::$folder::commands::convert::Args),)*
        }

        /// Every kind, so that a folder of another one can be named.
        pub static KINDS: Kinds<'static> = &[$(&super::$folder::KIND),*];

        /// What `cisgrad bench` asks, one after the other.
        pub static BENCHES: &[Bench] = &[$(super::$folder::bench::bench),*];

        /// Flags that a kind spells in a way that the parser does not know, and how they are written out.
        pub static SHORT_FLAGS: &[(&str, &[(&str, &str)])] =
            &[$((super::$folder::KIND.name, super::$folder::commands::SHORT_FLAGS)),*];

        pub fn run(command: &Command) -> Result<()> {
            match command {
                $(Command::$name(command) => super::$folder::commands::run(command, KINDS),)*
            }
        }

        pub fn convert(convert: &Convert) -> Result<()> {
            match convert {
                $(Convert::$name(args) => super::$folder::commands::convert::run(args, KINDS),)*
            }
        }
    };
}

kinds! {
    /// Motif-based models: known motifs as convolution kernels, attention, sparse outputs
    Tisfm in tisfm,
    /// Convolution and LSTM over both strands of sequence and tracks: which windows of a genome a factor binds
    Factornet in factornet,
}
