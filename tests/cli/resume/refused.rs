//! What `--resume` refuses to go on with: another run's folder, a damaged state, a folder that is in use.

use super::Resumes;
use crate::common::kinds::Kind;
use crate::common::process::{progress, spawn, wait_for};
use crate::common::same_end::{assert_same_end, history};
use crate::common::snapshot::Snapshot;
use crate::common::{bytes, text};

for_each_kind! {
    another_flag_is_refused_by_name;
    another_file_is_refused_by_name;
    two_runs_into_one_folder_do_not_mix;
    a_damaged_state_is_named_and_costs_nothing;
    a_state_of_another_precision_is_refused;
    a_damaged_config_is_named_and_costs_nothing;
    a_refused_run_leaves_the_config_as_it_is;
    a_run_that_goes_on_keeps_its_rate;
}

fn another_flag_is_refused_by_name<K: Resumes>() {
    let data = K::small();
    data.train("model", K::FIRST).ok();
    let before = bytes(data.path("model/config.json"));
    for (flags, name) in data.others() {
        data.train("model", &format!("{flags} --resume")).fails(
            1,
            &["--resume: model was started with", name, "this run has"],
        );
        assert!(bytes(data.path("model/config.json")) == before, "{flags}");
    }
    data.train("model", &format!("{} {} --resume", K::FIRST, K::LONGER))
        .ok();
}

fn another_file_is_refused_by_name<K: Resumes>() {
    let data = K::small();
    data.train("model", K::FIRST).ok();
    let before = bytes(data.path("model/config.json"));
    for (file, content, name) in data.changed_files() {
        let old = text(data.path(file));
        data.write(file, content);
        data.train("model", &format!("{} {} --resume", K::FIRST, K::LONGER))
            .fails(1, &["--resume", name]);
        assert!(bytes(data.path("model/config.json")) == before, "{file}");
        data.write(file, old);
    }
    data.train("model", &format!("{} --resume", K::FIRST)).ok();
}

fn two_runs_into_one_folder_do_not_mix<K: Kind>() {
    let (data, flags) = K::long();
    let endless = format!("{flags} {}", K::epochs(5000));
    let mut first = spawn(data.folder(), &data.train_arguments("model", &endless));
    wait_for(&data.path("model/state.safetensors"), &mut first);
    data.train("model", &endless).fails(1, &["model"]);
    data.train("model", &format!("{endless} --resume"))
        .fails(1, &["model: another run writes into this folder"]);
    assert!(first.try_wait().unwrap().is_none(), "the first run goes on");
    first.kill().unwrap();
    first.wait().unwrap();
    // The kill left no lock behind.
    let epochs = progress(&data.path("model")).0 + 2;
    data.train("model", &format!("{flags} {} --resume", K::epochs(epochs)))
        .ok();
    assert_eq!(history(data.path("model/history.tsv")).len() as u64, epochs);
}

/// A resumed run is refused, naming this file, and everything in the folder stays. With the file as it was it goes on.
fn refused_with<K: Kind>(data: &K, file: &str, content: &[u8], parts: &[&str]) {
    let path = data.path(&format!("model/{file}"));
    let whole = bytes(&path);
    std::fs::write(&path, content).unwrap();
    let before = Snapshot::of(data.path("model"));
    data.train("model", &format!("{} --resume", K::epochs(2)))
        .fails(1, parts);
    before.assert_same(file);
    std::fs::write(&path, whole).unwrap();
}

fn a_damaged_state_is_named_and_costs_nothing<K: Kind>() {
    let data = K::small();
    data.train("whole", &K::epochs(4)).ok();
    data.train("model", &K::epochs(2)).ok();
    let (state, named) = ("state.safetensors", "model/state.safetensors");
    let whole = bytes(data.path(named));
    let weights = bytes(data.path("model/model.best.safetensors"));
    for content in [
        &[][..],
        &whole[..20],
        &whole[..whole.len() / 2],
        &whole[..whole.len() - 1],
        b"no state at all\n",
    ] {
        refused_with(&data, state, content, &[named]);
    }
    refused_with(&data, state, &weights, &[named, "no training state"]);
    data.train("model", &format!("{} --resume", K::epochs(4)))
        .ok();
    assert_same_end(&data.path("whole"), &data.path("model"));
}

fn a_state_of_another_precision_is_refused<K: Kind>() {
    let data = K::small();
    data.train("model", &K::epochs(2)).ok();
    data.train("wide", &format!("{} --precision f64", K::epochs(2)))
        .ok();
    let wide = bytes(data.path("wide/state.safetensors"));
    refused_with(
        &data,
        "state.safetensors",
        &wide,
        &["model/state.safetensors"],
    );
}

fn a_damaged_config_is_named_and_costs_nothing<K: Kind>() {
    let data = K::small();
    data.train("model", &K::epochs(2)).ok();
    let config = text(data.path("model/config.json"));
    for content in [
        "",
        "{",
        "{\n \"version\": 3\n}",
        &config[..config.len() / 2],
    ] {
        refused_with(
            &data,
            "config.json",
            content.as_bytes(),
            &["model/config.json"],
        );
    }
}

/// Also where it would be a longer one.
fn a_refused_run_leaves_the_config_as_it_is<K: Kind>() {
    let data = K::small();
    data.train("model", &K::epochs(2)).ok();
    data.write("model/state.safetensors", "no state at all\n");
    let before = Snapshot::of(data.path("model"));
    data.train("model", &format!("{} --resume", K::epochs(4)))
        .fails(1, &["model/state.safetensors"]);
    before.assert_same("a refused --resume");
}

/// Without the flag of the rate the run's own holds, and one that is finished keeps the rate that it was trained with.
fn a_run_that_goes_on_keeps_its_rate<K: Resumes>() {
    let data = K::small();
    let rate = K::RATE;
    data.train("whole", &format!("{rate} 0.002 {}", K::epochs(2)))
        .ok();
    data.train("model", &format!("{rate} 0.002 {}", K::epochs(1)))
        .ok();
    let arguments =
        data.train_arguments("model", &format!("{rate} gone {} --resume", K::epochs(2)));
    data.run(&arguments.replace(&format!("{rate} gone"), ""))
        .ok();
    assert_same_end(&data.path("whole"), &data.path("model"));
    let config = || bytes(data.path("model/config.json"));
    let before = config();
    data.train("model", &format!("{rate} 0.7 {} --resume", K::epochs(2)))
        .ok();
    assert!(config() == before);
}
