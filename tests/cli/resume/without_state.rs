//! `--resume` where there is no state to go on from: a run that was killed in its first epoch starts anew and says so; a
//! model that would be lost is refused.

use crate::common::kinds::Kind;
use crate::common::same_end::assert_same_end;
use crate::common::snapshot::Snapshot;
use crate::common::tisfm::Data;
use crate::common::{Run, names};

for_each_kind! {
    a_run_killed_in_its_first_epoch_starts_anew;
    a_run_that_starts_anew_says_so;
    a_folder_that_is_not_there_is_started_and_that_is_said;
    a_model_without_its_state_is_refused_and_stays;
    nor_is_it_lost_without_its_last_weights;
}

/// What a run has left that was killed before it had a state.
fn keep_first_epoch<K: Kind>(data: &K, folder: &str) {
    for name in names(data.path(folder)) {
        if name.ends_with(".safetensors") || name == "history.tsv" {
            std::fs::remove_file(data.path(&format!("{folder}/{name}"))).unwrap();
        }
    }
}

fn a_run_killed_in_its_first_epoch_starts_anew<K: Kind>() {
    let data = K::small();
    data.train("whole", "").ok();
    data.train("model", "").ok();
    keep_first_epoch(&data, "model");
    data.train("model", "--resume").ok();
    assert_same_end(&data.path("whole"), &data.path("model"));
}

fn a_run_that_starts_anew_says_so<K: Kind>() {
    let data = K::small();
    data.train("model", "").ok();
    keep_first_epoch(&data, "model");
    let said = about_resume(data.train("model", "--resume").ok());
    assert!(said.contains("model") && said.contains("start"), "{said}");
}

/// The line that says what `--resume` does.
fn about_resume(run: Run) -> String {
    let line = run.err.lines().find(|line| line.contains("--resume"));
    line.unwrap_or_else(|| panic!("nothing is said: {}", run.err))
        .to_string()
}

fn a_folder_that_is_not_there_is_started_and_that_is_said<K: Kind>() {
    let data = K::small();
    let said = about_resume(data.train("model", "--resume").ok());
    assert!(said.contains("model") && said.contains("start"), "{said}");
}

/// From the second epoch on.
fn a_model_without_its_state_is_refused_and_stays<K: Kind>() {
    let data = K::small();
    data.train("model", &K::epochs(2)).ok();
    std::fs::remove_file(data.path("model/state.safetensors")).unwrap();
    refused_and_unchanged(&data, &format!("{} --resume", K::epochs(4)), "model");
}

fn nor_is_it_lost_without_its_last_weights<K: Kind>() {
    let data = K::small();
    data.train("model", &K::epochs(2)).ok();
    for file in ["state", "model.last"] {
        std::fs::remove_file(data.path(&format!("model/{file}.safetensors"))).unwrap();
    }
    refused_and_unchanged(&data, &format!("{} --resume", K::epochs(4)), "model");
}

fn refused_and_unchanged<K: Kind>(data: &K, flags: &str, folder: &str) {
    let before = Snapshot::of(data.path(folder));
    let out = folder.split('/').next().unwrap();
    data.train(out, flags)
        .fails(1, &["--resume", folder, "state.safetensors"]);
    before.assert_same(flags);
}

/// The folders of a path are looked for, not counted.
#[test]
fn a_missing_step_does_not_hide_the_later_ones() {
    let data = Data::small();
    let flags = "--penalty-param 0.001 0.1 --number-of-epochs 2";
    data.train("path", flags).ok();
    std::fs::remove_dir_all(data.path("path/path_0")).unwrap();
    let before = Snapshot::of(data.path("path"));
    data.train("path", flags).fails(1, &["path", "--resume"]);
    before.assert_same("a second run");
    std::fs::remove_file(data.path("path/path_1/state.safetensors")).unwrap();
    let more = "--penalty-param 0.001 0.1 --number-of-epochs 4 --resume";
    refused_and_unchanged(&data, more, "path/path_1");
}

#[test]
fn so_is_every_step_of_a_penalty_path() {
    let data = Data::small();
    let flags = "--penalty-param 0.001 0.1 --number-of-epochs 2";
    let more = "--penalty-param 0.001 0.1 --number-of-epochs 4 --resume";
    for step in ["path/path_0", "path/path_1"] {
        data.train("path", flags).ok();
        std::fs::remove_file(data.path(&format!("{step}/state.safetensors"))).unwrap();
        refused_and_unchanged(&data, more, step);
        std::fs::remove_dir_all(data.path("path")).unwrap();
    }
}
