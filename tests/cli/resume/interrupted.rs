//! Runs that are killed or interrupted on their way.

use super::Resumes;
use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::process::{
    kill_after, kill_until_done, progress, signal, spawn, wait_for, wait_until,
};
use crate::common::same_end::assert_same_end;
use crate::common::snapshot::Snapshot;
use crate::common::tisfm::Data;
use crate::common::{Random, assert_no_leftovers, bytes, command, names, text};
use std::process::Stdio;

for_each_kind! {
    the_number_of_threads_does_not_change_a_bit;
    a_run_killed_at_random_moments_ends_as_the_undisturbed_one;
    sigint_and_sigterm_save_and_exit_130;
    an_ensemble_that_is_interrupted_ends_as_the_undisturbed_one;
    resume_starts_where_nothing_is_and_does_nothing_where_all_is_done;
    more_epochs_go_on_from_the_end;
    another_rate_holds_from_the_next_epoch_on;
}

fn the_number_of_threads_does_not_change_a_bit<K: Resumes>() {
    for (data, variants) in K::variants() {
        for flags in variants {
            for threads in 1..=3 {
                let out = format!("threads_{threads}");
                data.train(&out, &format!("{flags} --threads {threads} --seed 5"))
                    .ok();
                assert_same_end(&data.path("threads_1"), &data.path(&out));
            }
            data.train("other", &format!("{flags} --seed 6")).ok();
            let best = |out: &str| bytes(data.path(&format!("{out}/model.best.safetensors")));
            assert!(best("other") != best("threads_1"), "the seed is used");
            for out in ["threads_1", "threads_2", "threads_3", "other"] {
                std::fs::remove_dir_all(data.path(out)).unwrap();
            }
        }
    }
}

fn a_run_killed_at_random_moments_ends_as_the_undisturbed_one<K: Kind>() {
    let (data, flags) = K::long();
    let flags = format!("{flags} {}", K::epochs(30));
    data.train("whole", &flags).ok();
    let arguments = data.train_arguments("killed", &flags);
    // The first kill is sure to hit a run that has begun.
    let folder = data.path("killed");
    kill_after(data.folder(), &arguments, &folder.join("state.safetensors"));
    let (epochs, _) = progress(&folder);
    assert!((1..30).contains(&epochs), "{epochs} epochs");
    kill_until_done(data.folder(), &arguments, &mut Random(11));
    assert_same_end(&data.path("whole"), &folder);
}

/// Models that train side by side all save their state.
fn an_ensemble_that_is_interrupted_ends_as_the_undisturbed_one<K: Kind>() {
    let (data, flags) = K::long();
    let flags = format!(
        "{flags} {} --seed 3 --seeds 2 --side-by-side 2",
        K::epochs(20)
    );
    data.train("whole", &flags).ok();
    let arguments = data.train_arguments("stopped", &flags);
    let mut child = spawn(data.folder(), &arguments);
    wait_for(&data.path("stopped/seed_4/state.safetensors"), &mut child);
    signal(&child, "-INT");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    assert!(text(data.path("stopped/ensemble.json")).contains("false"));
    data.train("stopped", &format!("{flags} --resume")).ok();
    for member in ["seed_3", "seed_4"] {
        let folder = |of: &str| data.path(&format!("{of}/{member}"));
        assert_same_end(&folder("whole"), &folder("stopped"));
    }
    assert_no_leftovers(data.path("stopped"));
}

/// In the middle of an epoch too: what is there goes on, and is a model meanwhile.
fn sigint_and_sigterm_save_and_exit_130<K: Kind>() {
    let (data, flags) = K::long();
    let flags = format!("{flags} {}", K::epochs(30));
    data.train("whole", &flags).ok();
    let stopped = data.path("stopped");
    let mut middles = 0;
    for name in ["-INT", "-TERM"].repeat(2) {
        let mut child = spawn(data.folder(), &data.train_arguments("stopped", &flags));
        wait_for(&stopped.join("state.safetensors"), &mut child);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{name}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("--resume"), "{said}");
        assert!(said.ends_with("\ninterrupted\n"), "{said}");
        assert!(!said.contains("error"), "{said}");
        let (epochs, batches) = progress(&stopped);
        assert!(epochs < 30, "{epochs}");
        middles += u64::from(batches > 0);
        assert_no_leftovers(&stopped);
        std::fs::create_dir(data.path("meanwhile")).unwrap();
        for reading in data.reading("stopped", "meanwhile/out") {
            data.run(&reading.arguments).ok();
            let _ = std::fs::remove_file(data.path("meanwhile/out"));
        }
        // Without --resume the folder is in use.
        data.train("stopped", &flags)
            .fails(1, &["stopped", "--resume"]);
        data.train("stopped", &format!("{flags} --resume")).ok();
        assert_same_end(&data.path("whole"), &stopped);
        std::fs::remove_dir_all(&stopped).unwrap();
        std::fs::remove_dir_all(data.path("meanwhile")).unwrap();
    }
    assert!(middles > 0, "no signal met an epoch in its middle");
}

fn resume_starts_where_nothing_is_and_does_nothing_where_all_is_done<K: Kind>() {
    let data = K::small();
    data.train("whole", "").ok();
    data.train("model", "--resume").ok();
    assert_same_end(&data.path("whole"), &data.path("model"));
    let before = Snapshot::of(data.path("model"));
    let run = data.train("model", "--resume").ok();
    let told = format!("model: finished already after epoch {}", K::EPOCHS);
    assert!(run.err.contains(&told), "{}", run.err);
    before.assert_same("--resume of a finished run");
}

fn another_rate_holds_from_the_next_epoch_on<K: Kind>() {
    let data = K::small();
    let losses = |out: &str| {
        let table = crate::common::Table::read(data.path(out).join("history.tsv"));
        table.numbers("train_loss")
    };
    for out in ["same", "other"] {
        data.train(out, &K::epochs(1)).ok();
    }
    let rate = format!("{} 0.0001", K::RATE);
    data.train("same", &format!("{} --resume", K::epochs(3)))
        .ok();
    data.train("other", &format!("{} {rate} --resume", K::epochs(3)))
        .ok();
    let (same, other) = (losses("same"), losses("other"));
    assert_eq!(same[0], other[0]);
    // An epoch of one step shows its weights in the loss of the next.
    assert!(same[2] != other[2], "{same:?} {other:?}");
    // What is there now is held against: the new rate is the run's.
    data.train("other", &format!("{} {rate} --resume", K::epochs(3)))
        .ok();
    assert_eq!(losses("other"), other);
}

fn more_epochs_go_on_from_the_end<K: Kind>() {
    let data = K::small();
    data.train("whole", &K::epochs(5)).ok();
    data.train("model", &K::epochs(2)).ok();
    data.train("model", &format!("{} --resume", K::epochs(5)))
        .ok();
    assert_same_end(&data.path("whole"), &data.path("model"));
}

/// The first signal is heeded between two batches, and this batch is long; the second one ends the run at once.
#[test]
fn a_second_sigterm_leaves_no_temporary_file() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    cells.write("p.gz", "old");
    let window = |i: u32| format!("chr3\t{}\t{}\n", 1000 + i % 20_000, 1200 + i % 20_000);
    cells.write("w.bed", (0..32_000).map(window).collect::<String>());
    let arguments = cells.on_arguments(
        "predict",
        "-m model -b w.bed -o p.gz --batch-size 32000 --threads 1",
    );
    let mut child = spawn(cells.folder(), &arguments);
    let folder = cells.folder().to_path_buf();
    let temporary = || names(&folder).iter().any(|n| n.starts_with(".cisgrad-"));
    wait_until(&mut child, "a temporary file", temporary);
    assert!(temporary(), "the run ended before it was signalled");
    signal(&child, "-TERM");
    signal(&child, "-TERM");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", output.status);
    // The way of the first signal ends in this line, after the batch.
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("error: interrupted"), "{said}");
    assert_no_leftovers(cells.folder());
    assert_eq!(text(cells.path("p.gz")), "old");
}

/// The demo's data lie in a folder for temporary files.
#[test]
fn a_second_sigterm_leaves_no_temporary_folder_of_the_demo() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = command(folder.path(), "demo --peaks 500 --epochs 200 --threads 1")
        .env("TMPDIR", folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let trains = || {
        let mut folders = names(folder.path()).into_iter();
        folders.any(|name| {
            folder
                .path()
                .join(name)
                .join("model/state.safetensors")
                .exists()
        })
    };
    wait_until(&mut child, "an epoch", trains);
    assert!(trains(), "the run ended before it was signalled");
    // Until it has ended: the first may be heeded before the second comes.
    while child.try_wait().unwrap().is_none() {
        signal(&child, "-TERM");
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(names(folder.path()).is_empty());
}

/// A pipe that nobody fills any more may never end.
#[test]
fn a_prediction_that_waits_for_its_input_ends_with_the_first_signal() {
    let (cells, data) = (Cells::new(), Data::small());
    cells.train("model", "-e 1").ok();
    data.train("model", "--number-of-epochs 1").ok();
    let tisfm = "tisfm predict --model model --sequences - --out p.tsv";
    let bed = cells.on_arguments("predict", "-m model -b - -o p.bed");
    // What is fed scores 0, so that no batch is computed.
    for (folder, arguments, fed) in [
        (cells.folder(), bed.as_str(), ""),
        (cells.folder(), bed.as_str(), "chr3\t0\t200\n"),
        (data.folder(), tisfm, ""),
    ] {
        let mut run = command(folder, arguments);
        let run = run.stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = run.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut input, fed.as_bytes()).unwrap();
        if arguments == bed {
            let temporary = || names(folder).iter().any(|n| n.starts_with(".cisgrad-"));
            wait_until(&mut child, "a temporary file", temporary);
        } else {
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
        signal(&child, "-TERM");
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(130),
            "{arguments}: {}",
            output.status
        );
        assert!(output.stderr.ends_with(b"interrupted\n"));
        drop(input);
        assert_no_leftovers(folder);
        assert!(!folder.join("p.bed").exists() && !folder.join("p.tsv").exists());
    }
}

/// nohup starts a program so, for what is to go on when the user has left.
#[test]
fn a_hangup_that_is_ignored_ends_no_training() {
    let data = Data::small();
    let arguments = data.train_arguments("model", "--number-of-epochs 12");
    let line = format!(
        "trap '' HUP; exec '{}' {arguments}",
        env!("CARGO_BIN_EXE_cisgrad")
    );
    let mut shell = std::process::Command::new("sh");
    let mut child = shell
        .current_dir(data.folder())
        .args(["-c", &line])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(&data.path("model/state.safetensors"), &mut child);
    signal(&child, "-HUP");
    assert!(child.wait().unwrap().success());
}
