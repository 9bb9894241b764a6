//! `cisgrad tisfm architectures`.

use crate::Result;
use crate::args::emit;
use crate::models::tisfm::Spec;
use crate::models::tisfm::builtin::{ARCHITECTURES, find};
use std::path::Path;

#[derive(clap::Args)]
pub struct Args {
    /// Print one architecture as TOML: a start for one of your own
    #[arg(long, value_name = "NAME")]
    show: Option<String>,
}

pub fn run(args: &Args) -> Result<()> {
    if let Some(name) = &args.show {
        let text = match ARCHITECTURES.iter().find(|(n, _)| n == name) {
            Some((_, text)) => (*text).to_string(),
            None => find(name)?.to_toml()?,
        };
        return emit(None, |w| write!(w, "{text}"));
    }
    let specs = ARCHITECTURES
        .iter()
        .map(|(name, text)| Spec::parse(text, Path::new(name)))
        .collect::<Result<Vec<_>>>()?;
    emit(None, |w| {
        writeln!(w, "architecture\tsummary")?;
        specs
            .iter()
            .try_for_each(|s| writeln!(w, "{}\t{}", s.name, s.summary))
    })
}
