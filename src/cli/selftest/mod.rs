//! `cisgrad selftest`: the cases of every op and every golden case, on the device that is there.

mod apart;

use crate::args::numbers::one_or_more;
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
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(clap::Args)]
pub struct Args {
    /// Folder with golden cases of any kind of model, one folder per case: numbers of an original program that
    /// ours must reproduce [default: those inside the program]
    #[arg(long, value_name = "DIR")]
    golden: Option<PathBuf>,
    /// Only the cases of these ops (several with commas), and no golden case
    #[arg(
        long,
        value_name = "OP",
        value_delimiter = ',',
        conflicts_with = "golden"
    )]
    ops: Vec<String>,
    /// On a GPU each op runs in a process of its own, so many at a time
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = one_or_more::<usize>)]
    jobs: usize,
    /// Only the golden cases; what `selftest` tells one of its processes
    #[arg(long, hide = true, conflicts_with = "ops")]
    only_golden: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

pub fn run(args: &Args) -> Result<()> {
    let unannounced = args.device.open(None)?;
    let cases = args.cases()?;
    // Unpacked cases are read until the end.
    let unpacked = tempfile::tempdir().map_err(|e| Error::io(std::env::temp_dir(), e))?;
    let golden_cases = args.golden_cases(unpacked.path())?;
    let device = unannounced.announce();
    let rows = match &device {
        Device::Cuda { gpu, .. } if args.in_parts(&cases) => {
            let parts = args.parts(&cases, !golden_cases.is_empty());
            apart::run(gpu.card().ordinal, &parts, args.jobs)?
        }
        _ => checked_here(&device, &cases, &golden_cases)?,
    };
    let failed: usize = rows.iter().map(|row| row.failed).sum();
    emit(None, |w| {
        writeln!(w, "{}", Row::HEADER)?;
        rows.iter().try_for_each(|row| writeln!(w, "{row}"))
    })?;
    match failed {
        0 => Ok(()),
        failed => Err(Error::invalid(format!(
            "{} failed",
            counted(failed, "check")
        ))),
    }
}

/// Checks in this process; what fails is said on stderr.
fn checked_here(
    device: &Device,
    cases: &[Case],
    golden_cases: &[(&'static Golden, Vec<PathBuf>)],
) -> Result<Vec<Row>> {
    let (mut rows, mut failures) = (Vec::new(), Vec::new());
    let mut take = |checked: Checked| {
        rows.push(checked.row());
        failures.extend(checked.failures);
    };
    check_ops(device, cases).into_iter().for_each(&mut take);
    for (kind, folders) in golden_cases {
        check_golden(device, kind, folders)?
            .into_iter()
            .for_each(&mut take);
    }
    for failure in &failures {
        tell!("{failure}");
    }
    Ok(rows)
}

impl Args {
    /// Whether a kernel that breaks the card would take other cases with it.
    fn in_parts(&self, cases: &[Case]) -> bool {
        !self.only_golden && cases.iter().any(|case| case.op != cases[0].op)
    }

    /// What each process is told to check: an op, or the golden cases.
    fn parts(&self, cases: &[Case], golden: bool) -> Vec<apart::Part> {
        let mut ops: Vec<&'static str> = cases
            .iter()
            .filter(|case| case.runs_on_a_gpu())
            .map(|case| case.op)
            .collect();
        ops.dedup();
        let mut parts: Vec<apart::Part> = ops.into_iter().map(apart::Part::of_op).collect();
        if golden {
            parts.push(apart::Part::golden(self.golden.as_deref()));
        }
        parts
    }

    /// The cases of the requested ops.
    fn cases(&self) -> Result<Vec<Case>> {
        if self.only_golden {
            return Ok(Vec::new());
        }
        let mut cases = all_cases();
        if let Some(unknown) = self.ops.iter().find(|op| cases.iter().all(|c| c.op != *op)) {
            let mut known: Vec<&str> = cases.iter().map(|case| case.op).collect();
            known.dedup();
            return Err(Error::usage(format!(
                "--ops {unknown}: no case of such an op; there are {}",
                known.join(", ")
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
    tell!("{name}: left out, not a golden case of any kind (no {case})");
    Ok(())
}

/// A row of the table: an op's cases in one arithmetic, or a golden case.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    name: String,
    ran: usize,
    failed: usize,
    /// The largest error over what is allowed, in short: for ops, of the cases that hold.
    worst: String,
}

impl Row {
    const HEADER: &str = "case\tchecks\tfailed\tworst_error_of_allowed";
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row {
            name,
            ran,
            failed,
            worst,
        } = self;
        write!(f, "{name}\t{ran}\t{failed}\t{worst}")
    }
}

/// What came of some cases.
struct Checked {
    name: String,
    ran: usize,
    failures: Vec<String>,
    worst: Option<f64>,
}

impl Checked {
    fn row(&self) -> Row {
        Row {
            name: self.name.clone(),
            ran: self.ran,
            failed: self.failures.len(),
            worst: self.worst.map(|w| format!("{w:.1e}")).unwrap_or_default(),
        }
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
            let mut rows = Vec::new();
            for of_op in cases.chunk_by(|a, b| a.op == b.op) {
                let on_gpu = || of_op.iter().filter(|case| case.runs_on_a_gpu());
                let in_bf16 = || on_gpu().filter(|case| case.tolerance_bf16.is_some());
                let op = of_op[0].op;
                if on_gpu().next().is_some() {
                    rows.push(check_on(op.to_string(), gpu, on_gpu(), Precision::F32));
                }
                if in_bf16().next().is_some() {
                    let name = format!("{op} in bf16");
                    rows.push(check_on(name, gpu, in_bf16(), Precision::Bf16));
                }
            }
            rows
        }
    }
}

fn check_on<'a>(
    name: String,
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

/// A kind's golden cases.
fn check_golden(device: &Device, kind: &Golden, folders: &[PathBuf]) -> Result<Vec<Checked>> {
    let check = |folder: &PathBuf| {
        let checks = match device {
            Device::Cpu { .. } => (kind.check)(folder)?,
            Device::Cuda { gpu, .. } => (kind.check_on)(folder, gpu)?,
        };
        Ok(golden_row(golden::name(folder), &checks))
    };
    folders.iter().map(check).collect()
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
