//! Several models of one `cisgrad tisfm train`: seeds and folds.

use super::args::Args;
use super::around::Around;
use super::inputs::Read;
use super::one_model::run_read;
use crate::Result;
use crate::args::recipe::POINTER;
use crate::data::Notes;
use crate::models::tisfm::{KIND, Spec};
use crate::report::progress::Reporter;
use crate::train::ensemble::Member;
use crate::train::interrupt;
use std::path::Path;

/// Trains every model of an ensemble.
pub(super) fn run_members(args: &Args, spec: &Spec, around: &Around<'_>) -> Result<()> {
    let read = Read::of(args, spec, around.sources)?;
    let ensemble = args.ensemble.ensemble(&KIND, args.seed)?;
    // A fold without rows is said before a folder is made.
    for member in &ensemble.members {
        args.of_member(member, Path::new("")).split(&read.dataset)?;
    }
    interrupt::watch();
    let at_once = args.ensemble.at_once(&around.device.announce());
    read.notes
        .iter()
        .for_each(|note| around.reporter.line(note));
    let folder = &args.model_output;
    if args.recipe.is_none() {
        around.reporter.line(POINTER);
    }
    let claim = args.claim(around.known);
    ensemble.train(&claim, args.resume, at_once, |member, folder, begins| {
        let reporter = Reporter::of(&member.folder);
        let around = Around {
            reporter: &reporter,
            begins,
            ..*around
        };
        let own = args.of_member(member, folder);
        run_read(&own, spec.clone(), &around, &read, Notes::new())
    })?;
    around.reporter.line(&format!(
        "an ensemble: {}; its figures: cisgrad tisfm test --model {}",
        folder.display(),
        folder.display()
    ));
    Ok(())
}

impl Args {
    /// The flags of a model of the ensemble.
    fn of_member(&self, member: &Member, folder: &Path) -> Args {
        let mut own = self.clone();
        own.seed = member.seed;
        own.model_output = folder.to_path_buf();
        if let Some(fold) = member.fold {
            own.inputs.split = Some(format!("fold:{fold}"));
        } else if own.inputs.split_folder().is_none() {
            own.split_seed = Some(self.seed);
        }
        own
    }
}
