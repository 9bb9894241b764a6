//! `cisgrad selftest`.

use super::common::{DeviceArgs, emit};
use crate::engine::Device;
use crate::golden;
use crate::ops::{Case, all_cases};
use crate::{Error, Result};
use rayon::prelude::*;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// Folder of golden cases [default: those inside the program]
    #[arg(long, value_name = "DIR")]
    golden: Option<PathBuf>,
    /// Only the cases of these ops, and no golden case
    #[arg(
        long,
        value_name = "OP",
        value_delimiter = ',',
        conflicts_with = "golden"
    )]
    ops: Vec<String>,
    #[command(flatten)]
    device: DeviceArgs,
}

pub fn run(args: &Args) -> Result<()> {
    let device = args.device.open(None)?;
    let unpacked = tempfile::tempdir().map_err(|e| Error::io(std::env::temp_dir(), e))?;
    let folder = match &args.golden {
        Some(folder) => folder.clone(),
        None => {
            golden::unpack(unpacked.path())?;
            unpacked.path().to_path_buf()
        }
    };
    let mut folders = golden::folders(&folder)?;
    if folders.is_empty() {
        return Err(Error::invalid(format!(
            "{}: no golden case there",
            folder.display()
        )));
    }
    let cases = args.cases()?;
    if !args.ops.is_empty() {
        folders.clear();
    }
    let (ops, op_failures) = check_ops(&device, cases);
    let mut failures = op_failures.len();
    let mut rows = vec![format!("ops\t{ops}\t{}\t", op_failures.len())];
    for folder in &folders {
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let checks = match &device {
            Device::Cpu { .. } => golden::check(folder)?,
            Device::Cuda { gpu, .. } => golden::check_on(folder, gpu)?,
        };
        let failed: Vec<_> = checks.iter().filter(|c| !c.holds()).collect();
        failures += failed.len();
        let worst = checks
            .iter()
            .map(|c| c.error / c.allowed)
            .fold(0.0, f64::max);
        rows.push(format!(
            "{name}\t{}\t{}\t{worst:.1e}",
            checks.len(),
            failed.len()
        ));
        for check in failed {
            eprintln!(
                "{name}: {}: error {:.3e}, allowed {:.1e}",
                check.what, check.error, check.allowed
            );
        }
    }
    for failure in &op_failures {
        eprintln!("{failure}");
    }
    emit(None, |w| {
        writeln!(w, "case\tchecks\tfailed\tworst_error_of_allowed")?;
        rows.iter().try_for_each(|row| writeln!(w, "{row}"))
    })?;
    if failures > 0 {
        return Err(Error::invalid(format!("{failures} checks failed")));
    }
    Ok(())
}

impl Args {
    /// The cases of the ops that were asked for.
    fn cases(&self) -> Result<Vec<Case>> {
        let mut cases = all_cases();
        if let Some(unknown) = self.ops.iter().find(|op| cases.iter().all(|c| c.op != *op)) {
            return Err(Error::usage(format!(
                "--ops {unknown}: no case of such an op"
            )));
        }
        cases.retain(|case| self.ops.is_empty() || self.ops.iter().any(|op| op == case.op));
        Ok(cases)
    }
}

/// The cases on the device: how many ran, and what failed.
fn check_ops(device: &Device, mut cases: Vec<Case>) -> (usize, Vec<String>) {
    match device {
        Device::Cpu { .. } => {
            // A case reads no more than one thread's arena, so cases run side by side.
            let failed = cases.par_iter().filter_map(|case| case.check().err());
            (cases.len(), failed.collect())
        }
        Device::Cuda { gpu, .. } => {
            cases.retain(Case::runs_on_a_card);
            let failed = cases.iter().filter_map(|case| case.check_on(gpu).err());
            (cases.len(), failed.collect())
        }
    }
}
