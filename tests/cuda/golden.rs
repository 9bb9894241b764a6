//! The original programs' outputs, losses and gradients, through the CUDA backend on the host stand-in of the driver.

use cisgrad::check::golden::{self, Golden};
use cisgrad::engine::cuda::Gpu;
use cisgrad::models::{factornet, tisfm};
use std::path::PathBuf;

use crate::common::{golden as numbers, standin};

/// The cases of a kind in a folder that are `chosen` hold: so many, with at least so many checks.
fn hold(
    kind: &Golden,
    cases: PathBuf,
    chosen: impl Fn(&str) -> bool,
    count: usize,
    least_checks: usize,
) {
    if !standin::install() {
        return;
    }
    let gpu = Gpu::open_ordinal(0).expect("the stand-in has a card");
    let mut folders = kind.folders(&cases).unwrap();
    folders.retain(|folder| chosen(&golden::name(folder)));
    let (mut ran, mut failures, mut worst) = (0, Vec::new(), 0.0f64);
    for folder in &folders {
        let checks =
            (kind.check_on)(folder, &gpu).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        ran += checks.len();
        let errors = checks.iter().map(|c| c.error / c.allowed);
        worst = errors.fold(worst, f64::max);
        let failed = checks.iter().filter(|c| !c.holds());
        failures.extend(failed.map(|c| {
            format!(
                "{}: {}: error {:.3e}, allowed {:.1e}",
                folder.display(),
                c.what,
                c.error,
                c.allowed
            )
        }));
    }
    let cases = folders.len();
    println!(
        "{}: {ran} checks of {cases} golden cases ran, the largest error {worst:.3} of what is allowed",
        kind.kind
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(cases == count && ran >= least_checks, "{ran} checks");
}

#[test]
fn every_golden_case_of_tisfm_holds_on_a_card() {
    let all = numbers::tisfm("");
    hold(&tisfm::golden::GOLDEN, all, |_| true, 32, 1500);
}

/// One of each form of the network, of the masks, and of the inputs; `selftest` in `ci/full` runs all.
#[test]
fn golden_cases_of_factornet_hold_on_a_card() {
    const CHOSEN: [&str; 6] = [
        "layers",
        "masked_T1_blstm_meta",
        "masked_T3_norec_nometa",
        "train_T1_gmax_meta",
        "train_nobigwig",
        "train_remainder_stranded",
    ];
    let all = numbers::factornet("");
    let chosen = |name: &str| CHOSEN.contains(&name);
    hold(&factornet::golden::GOLDEN, all, chosen, CHOSEN.len(), 200);
}
