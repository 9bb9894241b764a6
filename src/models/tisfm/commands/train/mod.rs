//! `cisgrad tisfm train`.

mod args;
mod around;
mod claim;
mod config;
mod inputs;
mod members;
mod one_model;
mod start;

pub use args::Args;
pub(super) use args::PenaltyType;
pub(super) use around::Around;
pub(super) use inputs::Rules;
pub(super) use one_model::run_one;

use crate::Result;
use crate::io::sources::Sources;
use crate::models::tisfm::{Spec, builtin};
use crate::report::progress::Reporter;
use crate::train::model::Kinds;
use members::run_members;

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    let spec = args.checked()?;
    let around = Around {
        known,
        device: &args.device.open(Some(args.precision.precision()))?,
        sources: &Sources::new(),
        reporter: &Reporter::new(),
        more: args.ensemble.given(),
        rules: &Rules::default(),
        begins: &|| Ok(()),
    };
    match args.ensemble.given() {
        false => run_one(args, spec, &around),
        true => run_members(args, &spec, &around),
    }
}

impl Args {
    /// What can be said of the flags before anything is read; the architecture.
    pub(super) fn checked(&self) -> Result<Spec> {
        self.check()?;
        self.epochs_before()?;
        if let Some(model) = &self.model {
            self.check_apart(model)?;
        }
        builtin::find(self.architecture())
    }
}
