//! The kinds of models that the program knows: one line each, at the end.

use crate::args::compare_args::CompareArgs;
use crate::args::explain_args::ExplainArgs;
use crate::args::marginalize_args::MarginalizeArgs;
use crate::args::motif_export::ExportArgs;
use crate::args::report_args::ReportArgs;
use crate::args::spelling::Spelling;
use crate::args::variants_args::VariantsArgs;
use crate::check::golden::Golden;
use crate::interpret::kernel_motifs::KernelMotifs;
use crate::metrics::comparison::Comparison;
use crate::report::page::Page;
use crate::timing::Bench;
use crate::train::ensemble::Ensemble;
use crate::train::folder::config::no_model;
use crate::train::model::{Kind, Kinds};
use crate::{Error, Result};
use clap::Subcommand;
use std::path::Path;

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

        /// Of which model `motifs export` writes the kernels, and where they are looked at.
        #[derive(clap::Args)]
        pub struct Export {
            #[command(flatten)]
            pub given: ExportArgs,
            $(#[command(flatten)] $folder: super::$folder::commands::export::Args,)*
        }

        /// Which models are compared, and on what.
        #[derive(clap::Args)]
        pub struct Compare {
            #[command(flatten)]
            pub given: CompareArgs,
            $(#[command(flatten)] $folder: super::$folder::commands::compare::Args,)*
        }

        /// Which model a page is about, and what it is shown with.
        #[derive(clap::Args)]
        pub struct Report {
            #[command(flatten)]
            pub given: ReportArgs,
            $(#[command(flatten)] $folder: super::$folder::commands::report::Args,)*
        }

        /// Which predictions are explained, and how.
        #[derive(clap::Args)]
        pub struct Explain {
            #[command(flatten)]
            pub given: ExplainArgs,
            $(#[command(flatten)] $folder: super::$folder::commands::explain::Args,)*
        }

        /// What is put into which sequences.
        #[derive(clap::Args)]
        pub struct Marginalize {
            #[command(flatten)]
            pub given: MarginalizeArgs,
            $(#[command(flatten)] $folder: super::$folder::commands::marginalize::Args,)*
        }

        /// Whose alleles are compared.
        #[derive(clap::Args)]
        pub struct Variants {
            #[command(flatten)]
            pub given: VariantsArgs,
            $(#[command(flatten)] $folder: super::$folder::commands::variants::Args,)*
        }

        /// Every kind, so that a folder of another one can be named.
        pub static KINDS: Kinds<'static> = &[$(&super::$folder::KIND),*];

        /// What `cisgrad bench` asks, one after the other.
        pub static BENCHES: &[Bench] = &[$(super::$folder::bench::bench),*];

        /// What `cisgrad selftest` checks beside the ops.
        pub static GOLDEN: &[&Golden] = &[$(&super::$folder::golden::GOLDEN),*];

        /// Flags that a kind's original spells in a way that the parser does not know.
        pub static SPELLINGS: &[(&str, Spelling)] =
            &[$((super::$folder::KIND.name, super::$folder::commands::SPELLING)),*];

        pub fn run(command: &Command) -> Result<()> {
            match command {
                $(Command::$name(command) => super::$folder::commands::run(command, KINDS),)*
            }
        }

        /// The kernels of a model of any kind as motifs.
        ///
        /// # Errors
        /// No model, flags of another kind, and what the kind says.
        pub fn export(args: &Export) -> Result<KernelMotifs> {
            let model = &args.given.model;
            let flags = [$((&super::$folder::KIND, args.$folder.given())),*];
            $(if super::$folder::commands::export::owns(model, KINDS)? {
                check_flags(model, &super::$folder::KIND, &flags)?;
                return super::$folder::commands::export::run(&args.given, &args.$folder, KINDS);
            })*
            Err(no_model(model))
        }

        /// Models of one kind, the first one's, on what tests them.
        ///
        /// # Errors
        /// No models, models of several kinds, flags of another kind, and what the kind says.
        pub fn compare(args: &Compare) -> Result<Comparison> {
            let first = &args.given.models[0];
            let own = kind_of(first)?.ok_or_else(|| no_model(first))?;
            check_flags(first, own, &[$((&super::$folder::KIND, args.$folder.given())),*])?;
            for other in &args.given.models[1..] {
                match kind_of(other)? {
                    Some(kind) if kind.name != own.name => {
                        return Err(Error::usage(format!(
                            "{} is a {} model and {} a {} model: compare takes models of one kind at a time",
                            first.display(),
                            own.title,
                            other.display(),
                            kind.title
                        )));
                    }
                    _ => {}
                }
            }
            $(if own.name == super::$folder::KIND.name {
                return super::$folder::commands::compare::run(&args.given, &args.$folder, KINDS);
            })*
            Err(no_model(first))
        }

        /// A page about a model of any kind, or an ensemble.
        ///
        /// # Errors
        /// No model, flags of another kind, and what the kind says.
        pub fn report(args: &Report) -> Result<Page> {
            let model = &args.given.model;
            let own = kind_of(model)?.ok_or_else(|| no_model(model))?;
            check_flags(model, own, &[$((&super::$folder::KIND, args.$folder.given())),*])?;
            $(if own.name == super::$folder::KIND.name {
                return super::$folder::commands::report::run(&args.given, &args.$folder, KINDS);
            })*
            Err(no_model(model))
        }

        /// Which bases, tracks and motifs make the predictions of a model of any kind, or of an ensemble.
        ///
        /// # Errors
        /// No model, flags of another kind, and what the kind says.
        pub fn explain(args: &Explain) -> Result<()> {
            let model = &args.given.model;
            let own = kind_of(model)?.ok_or_else(|| no_model(model))?;
            check_flags(model, own, &[$((&super::$folder::KIND, args.$folder.given())),*])?;
            $(if own.name == super::$folder::KIND.name {
                return super::$folder::commands::explain::run(&args.given, &args.$folder, KINDS);
            })*
            Err(no_model(model))
        }

        /// What a motif does to the predictions of a model of any kind, or of an ensemble, wherever it lies.
        ///
        /// # Errors
        /// No model, flags of another kind, and what the kind says.
        pub fn marginalize(args: &Marginalize) -> Result<()> {
            let model = &args.given.model;
            let own = kind_of(model)?.ok_or_else(|| no_model(model))?;
            check_flags(model, own, &[$((&super::$folder::KIND, args.$folder.given())),*])?;
            $(if own.name == super::$folder::KIND.name {
                return super::$folder::commands::marginalize::run(&args.given, &args.$folder, KINDS);
            })*
            Err(no_model(model))
        }

        /// What variants change in the predictions of a model of any kind, or of an ensemble.
        ///
        /// # Errors
        /// No model, flags of another kind, and what the kind says.
        pub fn variants(args: &Variants) -> Result<()> {
            let model = &args.given.model;
            let own = kind_of(model)?.ok_or_else(|| no_model(model))?;
            check_flags(model, own, &[$((&super::$folder::KIND, args.$folder.given())),*])?;
            $(if own.name == super::$folder::KIND.name {
                return super::$folder::commands::variants::run(&args.given, &args.$folder, KINDS);
            })*
            Err(no_model(model))
        }

        /// The kind of the model, or the models of an ensemble, in a folder; None where there is none that is known.
        fn kind_of(folder: &Path) -> Result<Option<&'static Kind>> {
            let ensemble = Ensemble::kind_of(folder)?;
            let lists = |kind: &Kind| ensemble.as_deref() == Some(kind.name);
            $(if lists(&super::$folder::KIND) || super::$folder::commands::export::owns(folder, KINDS)? {
                return Ok(Some(&super::$folder::KIND));
            })*
            Ok(None)
        }

        pub fn convert(convert: &Convert) -> Result<()> {
            match convert {
                $(Convert::$name(args) => super::$folder::commands::convert::run(args, KINDS),)*
            }
        }
    };
}

/// # Errors
/// Flags of another kind than the model's.
fn check_flags(model: &Path, own: &Kind, flags: &[(&Kind, Vec<&str>)]) -> Result<()> {
    let mut others = flags.iter().filter(|(kind, _)| kind.name != own.name);
    match others.find(|(_, given)| !given.is_empty()) {
        None => Ok(()),
        Some((kind, given)) => Err(Error::usage(format!(
            "{}: for a {} model; {} is a {} model",
            given.join(", "),
            kind.title,
            model.display(),
            own.title
        ))),
    }
}

kinds! {
    /// Motif-based models: known motifs as convolution kernels, attention, sparse outputs
    Tisfm in tisfm,
    /// Convolution and LSTM over both strands of sequence and tracks: which windows of a genome a factor binds
    Factornet in factornet,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::golden::folders;

    /// `selftest` unpacks all kinds' cases into one folder and knows them apart by their files.
    #[test]
    fn every_golden_case_is_of_one_kind() {
        let scratch = tempfile::tempdir().unwrap();
        for kind in GOLDEN {
            kind.unpack(scratch.path()).unwrap();
        }
        let found = folders(scratch.path()).unwrap();
        let cases: usize = GOLDEN.iter().map(|kind| kind.embedded.len()).sum();
        assert_eq!(found.len(), cases, "two cases have the same name");
        for case in found {
            let owners = GOLDEN.iter().filter(|kind| kind.owns(&case)).count();
            assert_eq!(owners, 1, "{}", case.display());
        }
    }
}
