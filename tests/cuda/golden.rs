//! The original program's outputs, losses and gradients, through the CUDA backend on the host stand-in of the driver.

use cisgrad::engine::cuda::Gpu;
use cisgrad::models::tisfm::golden::{GOLDEN, check_on};

use crate::common::{golden as numbers, standin};

#[test]
fn every_golden_case_holds_on_a_card() {
    if !standin::install() {
        return;
    }
    let gpu = Gpu::open_ordinal(0).expect("the stand-in has a card");
    let folders = GOLDEN.folders(&numbers::tisfm("")).unwrap();
    let (mut ran, mut failures) = (0, Vec::new());
    for folder in &folders {
        let checks = check_on(folder, &gpu).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        ran += checks.len();
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
    println!("{ran} checks of {} golden cases ran", folders.len());
    assert!(
        folders.len() >= 32 && ran > 1000,
        "{ran} checks of {} cases",
        folders.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
