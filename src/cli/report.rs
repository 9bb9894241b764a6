//! `cisgrad report`: one page about a model.

use crate::Result;
use crate::io::atomic::write_atomic;
use crate::models::kinds::{self, Report};

pub fn run(args: &Report) -> Result<()> {
    let page = kinds::report(args)?.finish();
    let out = &args.given.out;
    write_atomic(out, |w| w.write_all(page.as_bytes()))?;
    tell!("{}", out.display());
    Ok(())
}
