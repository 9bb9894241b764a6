//! `cisgrad factornet train`.

mod args;
mod around;
mod cells;
mod claim;
mod config;
mod files;
mod held_out;
mod inputs;
mod members;
mod one_model;
mod start;

pub use args::Args;
pub(super) use args::{TEST, VALIDATION, words};

use crate::Result;
use crate::args::inputs::check_there;
use crate::io::sources::Sources;
use crate::report::progress::Reporter;
use crate::train::model::Kinds;
use around::Around;
use cells::Cells;
use members::run_members;
use one_model::run_one;
use std::sync::Mutex;

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    args.check()?;
    check_there(args.motif_file().iter().filter(|_| args.motif))?;
    let (device, precision) = args.shared.open(None)?;
    let around = Around {
        known,
        device: &device,
        precision,
        cells: &Cells::read(args)?,
        sources: &Sources::new(),
        reporter: &Reporter::new(),
        more: args.ensemble.given(),
        said: &Mutex::default(),
        begins: &|| Ok(()),
    };
    match args.ensemble.given() {
        false => run_one(args, &around, None),
        true => run_members(args, &around),
    }
}
