//! tiSFM on real peaks.

use std::path::Path;
use std::process::Command;

use crate::common::real_data::real_data;

fn cisgrad(args: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_cisgrad"))
        .args(args)
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn immgen_peaks_train_and_predict_with_the_published_motifs() {
    let Some(data) = real_data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    let path = |p: &Path| p.display().to_string();
    let sequences = path(&data.join("tisfm/immgen_sample/sequences.list"));
    cisgrad(&[
        "tisfm",
        "train",
        "--meme-file",
        &path(&data.join("motifs/cisBP_mouse.meme.gz")),
        "--atac-file",
        &path(&data.join("tisfm/immgen_sample/signals.tsv")),
        "--sequences",
        &sequences,
        "--split",
        "random:60,20,20",
        "--number-of-epochs",
        "1",
        "--model-output",
        &path(&model),
    ]);
    let table = cisgrad(&["tisfm", "test", "--model", &path(&model)]);
    // A header, 81 cell types and the line for all.
    assert_eq!(table.lines().count(), 83);
    let predictions = cisgrad(&[
        "tisfm",
        "predict",
        "--model",
        &path(&model),
        "--sequences",
        &sequences,
    ]);
    assert_eq!(predictions.lines().count(), 101);
    let ranks = cisgrad(&["tisfm", "motifs", "--model", &path(&model), "--top", "3"]);
    assert_eq!(ranks.lines().count(), 1 + 3 * 81);
}
