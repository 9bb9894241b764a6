//! What holds on a GPU for every kind of model: training to the same bytes, and what can be wrong with a card.

use crate::common::Run;
use crate::common::kinds::Kind;
use crate::common::same_end::assert_same_end;
use crate::on_card::{launches, little, on_card, run, train};

for_each_kind! {
    the_same_seed_gives_the_same_bytes;
    what_is_wrong_with_a_card_is_said_and_never_the_cpu_taken;
    a_batch_that_does_not_fit_names_one_that_does_and_leaves_no_folder;
    a_resumed_run_says_that_it_is_on_another_device;
    f64_stays_on_the_cpu_and_bf16_on_the_card;
    the_second_card_trains_as_the_first;
    a_run_killed_on_a_card_goes_on_as_if_undisturbed;
    a_signal_in_validation_on_a_card_ends_the_epoch_first;
}

/// With and without graphs, and after a resume.
fn the_same_seed_gives_the_same_bytes<K: Kind>() {
    let data = K::small();
    let flags = |epochs| format!("--batch-size 16 --seed 4 {}", K::epochs(epochs));
    let Some(whole) = train(&data, "whole", &flags(3)) else {
        return;
    };
    let said = whole.ok().err;
    assert!(said.starts_with("device: cuda:0 "), "{said}");
    train(&data, "again", &flags(3)).map(Run::ok);
    assert_same_end(&data.path("whole"), &data.path("again"));
    train(&data, "launched", &format!("{} --no-graph", flags(3))).map(Run::ok);
    assert_same_end(&data.path("whole"), &data.path("launched"));
    train(&data, "resumed", &flags(1)).map(Run::ok);
    train(&data, "resumed", &format!("{} --resume", flags(3))).map(Run::ok);
    assert_same_end(&data.path("whole"), &data.path("resumed"));
}

fn what_is_wrong_with_a_card_is_said_and_never_the_cpu_taken<K: Kind>() {
    let data = K::small();
    let runs = std::cell::Cell::new(0);
    let fails = |more: &str, variables: &[(&str, &str)], parts: &[&str]| {
        runs.set(runs.get() + 1);
        let arguments = little(&data, &format!("model{}", runs.get()), more);
        let Some(found) = run(data.folder(), &arguments, variables) else {
            return;
        };
        found.fails(1, parts);
    };
    let cuda = "--device cuda";
    fails(
        "--device cuda:3",
        &[],
        &["--device cuda:3", "no such card", "cuda:0"],
    );
    fails(
        cuda,
        &[("CUDA_STANDIN_DEVICES", "0")],
        &["finds no card", "--device cpu"],
    );
    let old = &[("CUDA_STANDIN_DRIVER_VERSION", "11040")];
    fails(cuda, old, &["driver is too old", "11.4", "12.0"]);
    fails("--device auto", old, &["driver is too old", "--device cpu"]);
    fails(
        cuda,
        &[("CUDA_STANDIN_CAPABILITY", "7.5")],
        &["7.5", "8.0", "--device cpu"],
    );
    fails(
        cuda,
        &[("CUDA_STANDIN_MEMORY", "64K")],
        &["out of memory", "needed for", "free"],
    );
    // All samples at once, which is what a batch of 100,000 means, do not fit.
    let all = "--device cuda --batch-size 100000";
    fails(
        all,
        &[("CUDA_STANDIN_MEMORY", K::TOO_LITTLE)],
        &["a batch of ", "--batch-size", "would fit"],
    );
    fails(
        cuda,
        &[("CUDA_STANDIN_FAIL_LAUNCH", "40")],
        &["CUDA", "--resume"],
    );
    fails(cuda, &[("CUDA_STANDIN_LOST", "40")], &["CUDA", "--resume"]);
    // Nothing of a failure is in the way of a run that works.
    if let Some(good) = train(&data, "model", &K::epochs(1)) {
        good.ok();
    }
}

fn a_batch_that_does_not_fit_names_one_that_does_and_leaves_no_folder<K: Kind>() {
    let data = K::small();
    let small = [("CUDA_STANDIN_MEMORY", K::TOO_LITTLE)];
    let arguments = |batch: &str| {
        let flags = format!("--device cuda --batch-size {batch} {}", K::epochs(1));
        little(&data, "model", &flags)
    };
    let Some(refused) = run(data.folder(), &arguments("100000"), &small) else {
        return;
    };
    let advised = refused
        .err
        .split("(--batch-size ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    let advised = advised
        .unwrap_or_else(|| panic!("{}", refused.err))
        .to_string();
    assert!(!data.path("model").exists());
    run(data.folder(), &arguments(&advised), &small).map(Run::ok);
    assert!(data.path("model/model.best.safetensors").exists());
}

fn a_resumed_run_says_that_it_is_on_another_device<K: Kind>() {
    let data = K::small();
    let Some(first) = train(&data, "model", &K::epochs(1)) else {
        return;
    };
    first.ok();
    let said = "note: --resume: the run used cuda so far and uses cpu from now on";
    let flags = format!("{} {} --resume --device cpu", K::HELD, K::epochs(2));
    let found = data.train("model", &flags).ok();
    assert!(found.err.contains(said), "{}", found.err);
    let flags = format!("{} {} --resume --device cpu", K::HELD, K::epochs(3));
    assert!(
        !data
            .train("model", &flags)
            .ok()
            .err
            .contains("--resume: the run used")
    );
}

fn f64_stays_on_the_cpu_and_bf16_on_the_card<K: Kind>() {
    let data = K::small();
    let Some(refused) = train(&data, "model", "--precision f64") else {
        return;
    };
    refused.fails(2, &["f64", "CPU", "--device cpu"]);
    let auto = format!("--precision f64 --device auto {}", K::epochs(1));
    let auto = little(&data, "auto", &auto);
    let said = run(data.folder(), &auto, &[])
        .map(|r| r.ok().err)
        .unwrap_or_default();
    assert!(
        said.starts_with("device: cpu") && said.contains("f64"),
        "{said}"
    );
    data.refuses("--precision bf16 --device cpu", 2, &["bf16", "GPU"]);
    train(&data, "bf16", &format!("--precision bf16 {}", K::epochs(1))).map(Run::ok);
}

fn the_second_card_trains_as_the_first<K: Kind>() {
    let data = K::small();
    for (out, device) in [("first", "cuda:0"), ("second", "cuda:1")] {
        let flags = format!("{} --device {device}", K::epochs(1));
        let arguments = little(&data, out, &flags);
        let two = [("CUDA_STANDIN_DEVICES", "2")];
        let Some(found) = run(data.folder(), &arguments, &two) else {
            return;
        };
        let said = found.ok().err;
        assert!(said.starts_with(&format!("device: {device} ")), "{said}");
    }
    assert_same_end(&data.path("first"), &data.path("second"));
}

fn a_run_killed_on_a_card_goes_on_as_if_undisturbed<K: Kind>() {
    let data = K::small();
    let flags = format!("{} --batch-size 16 --device cuda", K::epochs(K::KILLED));
    let arguments = little(&data, "whole", &flags);
    let Some(whole) = run(data.folder(), &arguments, &[]) else {
        return;
    };
    whole.ok();
    let arguments = little(&data, "killed", &flags);
    let mut child = on_card(data.folder(), &arguments).unwrap().spawn().unwrap();
    let state = data.path("killed/state.safetensors");
    while !state.exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    run(data.folder(), &format!("{arguments} --resume"), &[]).map(Run::ok);
    assert_same_end(&data.path("whole"), &data.path("killed"));
}

/// The last launch of a run of one epoch is of its validation; of a run of two it is met in the middle.
fn a_signal_in_validation_on_a_card_ends_the_epoch_first<K: Kind>() {
    let data = K::small();
    let report = data.path("launches.json");
    let report = ("CUDA_STANDIN_REPORT", report.to_str().unwrap());
    // What comes after the epochs is the same in both: their difference is an epoch with its validation.
    let flags = |epochs| format!("--batch-size 16 --device cuda {}", K::epochs(epochs));
    let mut ends = Vec::new();
    for (out, epochs) in [("one", 1), ("whole", 2)] {
        let arguments = little(&data, out, &flags(epochs));
        let Some(found) = run(data.folder(), &arguments, &[report]) else {
            return;
        };
        found.ok();
        ends.push(launches(&data.path("launches.json")));
    }
    let last = (ends[1] - ends[0]).to_string();
    let two = little(&data, "two", &flags(2));
    let signal = [("CUDA_STANDIN_INTERRUPT", last.as_str())];
    let Some(found) = run(data.folder(), &two, &signal) else {
        return;
    };
    assert_eq!(found.code, Some(130), "{}", found.err);
    assert!(found.err.contains("--resume"), "{}", found.err);
    let ended = |folder: &str| {
        let history = std::fs::read_to_string(data.path(folder).join("history.tsv")).unwrap();
        history.lines().count() - 1
    };
    assert_eq!(ended("two"), 1);
    run(data.folder(), &format!("{two} --resume"), &[]).map(Run::ok);
    assert_eq!(ended("two"), 2);
    assert_same_end(&data.path("whole"), &data.path("two"));
}
