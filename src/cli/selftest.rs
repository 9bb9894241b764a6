//! `cisgrad selftest`.

use crate::args::{DeviceArgs, emit};
use crate::check::case::Case;
use crate::check::golden::{self, Check, Golden};
use crate::engine::Device;
use crate::engine::cuda::{Gpu, Precision};
use crate::models::kinds;
use crate::numbers::counted;
use crate::ops::all_cases;
use crate::{Error, Result};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(clap::Args)]
pub struct Args {
    /// Folder with golden cases of any kind of model, one folder per case: numbers of an original program that
    /// ours must reproduce [default: those inside the program]
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
    let cases = args.cases()?;
    // Unpacked cases are read until the end.
    let unpacked = tempfile::tempdir().map_err(|e| Error::io(std::env::temp_dir(), e))?;
    let golden_cases = args.golden_cases(unpacked.path())?;
    let (mut rows, mut failures) = (Vec::new(), Vec::new());
    let device = device.announce();
    for checked in check_ops(&device, &cases) {
        rows.push(checked.row());
        failures.extend(checked.failures);
    }
    for (kind, folders) in &golden_cases {
        for checked in check_golden(&device, kind, folders)? {
            rows.push(checked.row());
            failures.extend(checked.failures);
        }
    }
    for failure in &failures {
        eprintln!("{failure}");
    }
    emit(None, |w| {
        writeln!(w, "case\tchecks\tfailed\tworst_error_of_allowed")?;
        rows.iter().try_for_each(|row| writeln!(w, "{row}"))
    })?;
    match failures.len() {
        0 => Ok(()),
        failed => Err(Error::invalid(format!(
            "{} failed",
            counted(failed, "check")
        ))),
    }
}

impl Args {
    /// The cases of the requested ops.
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

    /// Each kind's golden cases; those inside the program are unpacked into `unpacked`.
    fn golden_cases(&self, unpacked: &Path) -> Result<Vec<(&'static Golden, Vec<PathBuf>)>> {
        if !self.ops.is_empty() {
            return Ok(Vec::new());
        }
        let folder = match &self.golden {
            Some(folder) => folder,
            None => {
                kinds::GOLDEN
                    .iter()
                    .try_for_each(|kind| kind.unpack(unpacked))?;
                unpacked
            }
        };
        let cases = |kind: &&'static Golden| Ok((*kind, kind.folders(folder)?));
        let found = kinds::GOLDEN.iter().map(cases);
        let found = found.collect::<Result<Vec<(&Golden, Vec<PathBuf>)>>>()?;
        for other in golden::folders(folder)? {
            if !kinds::GOLDEN.iter().any(|kind| kind.owns(&other)) {
                of_no_kind(&other)?;
            }
        }
        if found.iter().all(|(_, folders)| folders.is_empty()) {
            let folder = folder.display();
            return Err(Error::invalid(format!("{folder}: no golden case there")));
        }
        Ok(found)
    }
}

/// Says that a folder is left out; one that was meant to be a case is an error.
fn of_no_kind(folder: &Path) -> Result<()> {
    let (name, case) = (folder.display(), golden::CASE_FILE);
    if folder.join(case).exists() {
        let needs = |kind: &&Golden| format!("{} has {}", kind.kind, kind.files.join(" and "));
        let needs: Vec<String> = kinds::GOLDEN.iter().map(needs).collect();
        let needs = needs.join(", one of ");
        return Err(Error::invalid(format!(
            "{name}: not a golden case of any kind; beside {case}, a case of {needs}"
        )));
    }
    eprintln!("{name}: left out, not a golden case of any kind (no {case})");
    Ok(())
}

/// A row of the table: the ops' cases in one arithmetic, or a golden case.
struct Checked {
    name: String,
    ran: usize,
    failures: Vec<String>,
    /// The largest error over what is allowed: for ops, of the cases that hold.
    worst: Option<f64>,
}

impl Checked {
    fn row(&self) -> String {
        let (name, ran, failed) = (&self.name, self.ran, self.failures.len());
        let worst = self.worst.map(|w| format!("{w:.1e}")).unwrap_or_default();
        format!("{name}\t{ran}\t{failed}\t{worst}")
    }
}

fn check_ops(device: &Device, cases: &[Case]) -> Vec<Checked> {
    match device {
        Device::Cpu { .. } => vec![Checked {
            name: "ops".to_string(),
            ran: cases.len(),
            // A case reads no more than one thread's arena, so cases run side by side.
            failures: cases.par_iter().filter_map(|c| c.check().err()).collect(),
            worst: None,
        }],
        Device::Cuda { gpu, .. } => {
            let on_gpu = || cases.iter().filter(|case| case.runs_on_a_gpu());
            let in_bf16 = on_gpu().filter(|case| case.tolerance_bf16.is_some());
            vec![
                check_on("ops", gpu, on_gpu(), Precision::F32),
                check_on("ops in bf16", gpu, in_bf16, Precision::Bf16),
            ]
        }
    }
}

fn check_on<'a>(
    name: &str,
    gpu: &Arc<Gpu>,
    cases: impl Iterator<Item = &'a Case>,
    precision: Precision,
) -> Checked {
    let mut checked = Checked {
        name: name.to_string(),
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

/// A kind's golden cases; none, with a message, on a device for which the kind has no kernels.
fn check_golden(device: &Device, kind: &Golden, folders: &[PathBuf]) -> Result<Vec<Checked>> {
    let check = |folder: &PathBuf| -> Result<Option<Vec<Check>>> {
        match (device, kind.check_on) {
            (Device::Cpu { .. }, _) => (kind.check)(folder).map(Some),
            (Device::Cuda { gpu, .. }, Some(check_on)) => check_on(folder, gpu).map(Some),
            (Device::Cuda { .. }, None) => Ok(None),
        }
    };
    let mut rows = Vec::new();
    for folder in folders {
        if let Some(checks) = check(folder)? {
            rows.push(golden_row(golden::name(folder), &checks));
        }
    }
    let left_out = folders.len() - rows.len();
    if left_out > 0 {
        let kind = kind.kind;
        eprintln!(
            "{} of {kind} left out: its ops have no kernels on a GPU yet",
            counted(left_out, "golden case")
        );
    }
    Ok(rows)
}

fn golden_row(name: String, checks: &[Check]) -> Checked {
    let failed = checks.iter().filter(|c| !c.holds()).map(|c| {
        format!(
            "{name}: {}: error {:.3e}, allowed {:.1e}",
            c.what, c.error, c.allowed
        )
    });
    let shares = checks.iter().map(|c| c.error / c.allowed);
    Checked {
        failures: failed.collect(),
        ran: checks.len(),
        worst: Some(shares.fold(0.0, f64::max)),
        name,
    }
}
