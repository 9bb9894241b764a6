//! The original programs' numbers: every golden case, and the fits of the motif calibration.

use cisgrad::io::meme::read_meme;
use cisgrad::models::tisfm::calibration::fit;
use cisgrad::models::tisfm::golden::{GOLDEN, check};

use crate::common::golden as numbers;
use crate::common::real_data::real_data;

/// 26 architectures, one of them in training mode too, and five optimizer trajectories.
const CASES: usize = 32;

#[test]
fn every_golden_case_holds() {
    let scratch = tempfile::tempdir().unwrap();
    GOLDEN.unpack(scratch.path()).unwrap();
    let folders = GOLDEN.folders(scratch.path()).unwrap();
    assert_eq!(folders.len(), CASES);
    let mut failures = Vec::new();
    for folder in &folders {
        let case = folder.file_name().unwrap().to_string_lossy();
        let checks = check(folder).unwrap_or_else(|e| panic!("{case}: {e}"));
        // Output, loss and at least one gradient, block by block and fused, in f64 and in f32.
        assert!(checks.len() >= 12, "{case}: only {} checks", checks.len());
        for check in checks.iter().filter(|c| !c.holds()) {
            failures.push(format!(
                "{case}: {}: error {:.3e}, allowed {:.1e}",
                check.what, check.error, check.allowed
            ));
        }
    }
    assert!(
        failures.is_empty(),
        "{} checks fail:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[derive(serde::Deserialize)]
struct Calibration {
    motifs: Vec<Fitted>,
}

#[derive(serde::Deserialize)]
struct Fitted {
    motif: String,
    width: usize,
    support_points: usize,
    mse: f64,
}

#[test]
fn the_calibration_fits_as_well_as_the_originals() {
    let Some(data) = real_data() else { return };
    let collection = data.join("motifs/cisBP_mouse.meme.gz");
    let text = numbers::tisfm("calibration.json");
    let text = std::fs::read_to_string(text).unwrap();
    let stored: Calibration = serde_json::from_str(&text).unwrap();
    assert!(stored.motifs.len() > 3, "{} fits", stored.motifs.len());
    let motifs = read_meme(&collection).unwrap();
    let mut failures = Vec::new();
    for theirs in &stored.motifs {
        let motif = motifs.iter().find(|m| m.id == theirs.motif);
        let motif = motif.unwrap_or_else(|| panic!("no motif {}", theirs.motif));
        assert_eq!(motif.rows.len(), theirs.width, "{}", theirs.motif);
        let ours = fit(&motif.rows);
        assert_eq!(ours.support, theirs.support_points, "{}", theirs.motif);
        if ours.mse.is_nan() || ours.mse > theirs.mse * (1.0 + 1e-3) + 1e-6 {
            failures.push(format!(
                "{}: mse {:e}, the original's {:e}",
                theirs.motif, ours.mse, theirs.mse
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
