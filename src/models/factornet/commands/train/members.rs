//! Several models of one `cisgrad factornet train`: seeds and folds.

use super::args::Args;
use super::around::Around;
use super::inputs::Read;
use super::one_model::run_one;
use crate::Result;
use crate::args::recipe::POINTER;
use crate::data::Notes;
use crate::models::factornet::KIND;
use crate::report::progress::Reporter;
use crate::train::ensemble::Member;
use crate::train::interrupt;
use std::path::Path;

/// Trains every model of an ensemble.
pub(super) fn run_members(args: &Args, around: &Around<'_>) -> Result<()> {
    let ensemble = args.ensemble.ensemble(&KIND, args.seed)?;
    let claim = args.claim(around.known);
    let config = args.config(around.cells, around.precision, around.sources)?;
    let mut notes = Notes::new();
    let read = Read::of(args, around, &config, &mut notes)?;
    // A fold without bases is said before a folder is made.
    for member in &ensemble.members {
        let member = args.of_member(member, Path::new(""));
        member.split(around, &read.genome, &mut Notes::new())?;
    }
    interrupt::watch();
    let at_once = args.ensemble.at_once(&around.device.announce());
    around.say(&notes);
    if args.recipe.is_none() {
        around.reporter.line(POINTER);
    }
    ensemble.train(&claim, args.resume, at_once, |member, folder, begins| {
        let reporter = Reporter::of(&member.folder);
        let around = Around {
            reporter: &reporter,
            begins,
            ..*around
        };
        run_one(&args.of_member(member, folder), &around, Some(&read))
    })?;
    let shown = args.folder().display();
    around.reporter.line(&format!(
        "an ensemble: {shown}; its figures: cisgrad factornet evaluate -m {shown} -i DIR --genome FASTA -t REGIONS"
    ));
    Ok(())
}

impl Args {
    /// The flags of a model of the ensemble.
    fn of_member(&self, member: &Member, folder: &Path) -> Args {
        let mut own = self.clone();
        own.seed = member.seed;
        let place = match self.overwrite() {
            true => &mut own.outputdirc,
            false => &mut own.outputdir,
        };
        *place = Some(folder.to_path_buf());
        if let Some(fold) = member.fold {
            own.testchroms = vec![format!("fold:{fold}")];
            own.validchroms = vec![format!("fold:{}", fold.validation())];
        }
        own
    }
}
