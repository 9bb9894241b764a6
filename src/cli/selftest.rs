//! `cisgrad selftest`.

use crate::args::{DeviceArgs, emit};
use crate::check::case::Case;
use crate::engine::Device;
use crate::engine::cuda::{Gpu, Precision};
use crate::models::tisfm::golden;
use crate::ops::all_cases;
use crate::{Error, Result};
use rayon::prelude::*;
use std::path::PathBuf;
use std::sync::Arc;

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
    let (mut rows, mut op_failures) = (Vec::new(), Vec::new());
    for checked in check_ops(&device, &cases) {
        let (name, ran, failed) = (checked.name, checked.ran, checked.failures.len());
        let worst = checked
            .worst
            .map(|w| format!("{w:.1e}"))
            .unwrap_or_default();
        rows.push(format!("{name}\t{ran}\t{failed}\t{worst}"));
        op_failures.extend(checked.failures);
    }
    let mut failures = op_failures.len();
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

/// The ops' cases in one arithmetic.
struct Checked {
    name: &'static str,
    ran: usize,
    failures: Vec<String>,
    /// The largest error over what is allowed, of the cases that hold.
    worst: Option<f64>,
}

fn check_ops(device: &Device, cases: &[Case]) -> Vec<Checked> {
    match device {
        Device::Cpu { .. } => vec![Checked {
            name: "ops",
            ran: cases.len(),
            // A case reads no more than one thread's arena, so cases run side by side.
            failures: cases.par_iter().filter_map(|c| c.check().err()).collect(),
            worst: None,
        }],
        Device::Cuda { gpu, .. } => {
            let on_card = || cases.iter().filter(|case| case.runs_on_a_gpu());
            let in_bf16 = on_card().filter(|case| case.tolerance_bf16.is_some());
            vec![
                check_on("ops", gpu, on_card(), Precision::F32),
                check_on("ops in bf16", gpu, in_bf16, Precision::Bf16),
            ]
        }
    }
}

fn check_on<'a>(
    name: &'static str,
    gpu: &Arc<Gpu>,
    cases: impl Iterator<Item = &'a Case>,
    precision: Precision,
) -> Checked {
    let mut checked = Checked {
        name,
        ran: 0,
        failures: Vec::new(),
        worst: None,
    };
    for case in cases {
        checked.ran += 1;
        match case.check_on(gpu, precision) {
            Ok(found) => {
                let share = found.error / found.allowed;
                checked.worst = Some(checked.worst.map_or(share, |w| w.max(share)));
            }
            Err(failure) => checked.failures.push(failure),
        }
    }
    checked
}
