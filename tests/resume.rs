//! The same seed gives the same bytes, whatever the number of threads and whether or not the run
//! was killed on its way.

mod common;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cisgrad::io::state_dict::read;
use common::{Data, Random, assert_same_end, bytes, command, history, names, text};

/// Starts a run and says nothing.
fn spawn(data: &Data, arguments: &str) -> Child {
    command(data.folder(), arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// Waits until a file is there, or the run has ended.
fn wait_for(path: &Path, child: &mut Child) {
    let start = Instant::now();
    while !path.exists() && child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(60), "no {path:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn pause(random: &mut Random, milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(random.below(milliseconds)));
}

/// Kills a resumed run at random moments until it ends by itself; how often it was hit.
fn kill_until_done(data: &Data, arguments: &str, until: u64, random: &mut Random) -> usize {
    let mut kills = 0;
    let resumed = format!("{arguments} --resume");
    for _ in 0..8 {
        let mut child = spawn(data, &resumed);
        pause(random, until);
        child.kill().unwrap();
        let status = child.wait().unwrap();
        if status.success() {
            break;
        }
        assert_eq!(status.code(), None, "ended by the kill alone");
        kills += 1;
    }
    data.run(&resumed).ok();
    kills
}

/// Epochs that a killed run has behind it.
fn epochs(folder: &Path) -> u64 {
    let state = read(folder.join("state.safetensors")).unwrap();
    let progress: serde_json::Value = serde_json::from_str(&state.metadata["state"]).unwrap();
    progress["epoch"].as_u64().unwrap()
}

/// Small AI-TAC: batch norm over the whole batch, and dropout.
fn aitac(data: &Data) -> &'static str {
    let shown = data.run("tisfm architectures --show aitac").ok().out;
    let small = shown
        .replace("filters = 300", "filters = 5")
        .replace("filters = 200", "filters = 4")
        .replace("size = 1000", "size = 8")
        .replace("p = 0.03", "p = 0.3");
    assert_ne!(shown, small);
    data.write("aitac.toml", small);
    "--architecture aitac.toml"
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let data = Data::new(150, 80);
    let aitac_data = Data::new(30, 300);
    for (data, flags) in [
        (&data, ""),
        (&data, "--unfreeze-conv --penalty-param 0.01"),
        (
            &data,
            "--precision f64 --architecture model_effect_modulation_interaction",
        ),
        (&aitac_data, aitac(&aitac_data)),
    ] {
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

#[test]
fn a_run_killed_at_random_moments_ends_as_the_undisturbed_one() {
    let data = Data::new(200, 80);
    let flags = "--number-of-epochs 30 --batch-size 16 --save-all";
    data.train("whole", flags).ok();
    let arguments = data.train_arguments("killed", flags);
    let mut random = Random(11);
    // The first kill is sure to hit a run that has begun.
    let mut child = spawn(&data, &arguments);
    wait_for(&data.path("killed/state.safetensors"), &mut child);
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    let behind = epochs(&data.path("killed"));
    assert!((1..30).contains(&behind), "{behind} epochs");
    kill_until_done(&data, &arguments, 250, &mut random);
    assert_same_end(&data.path("whole"), &data.path("killed"));
}

#[test]
fn dropout_and_batch_norm_go_on_as_they_were() {
    let data = Data::new(60, 300);
    let flags = format!("{} --number-of-epochs 12 --batch-size 8", aitac(&data));
    data.train("whole", &flags).ok();
    let arguments = data.train_arguments("killed", &flags);
    let mut child = spawn(&data, &arguments);
    wait_for(&data.path("killed/state.safetensors"), &mut child);
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    kill_until_done(&data, &arguments, 250, &mut Random(3));
    assert_same_end(&data.path("whole"), &data.path("killed"));
}

#[test]
fn a_penalty_path_killed_in_the_middle_ends_as_the_undisturbed_one() {
    let data = Data::new(150, 60);
    let flags = "--penalty-param 0.001 0.01 0.1 --number-of-epochs 10 --batch-size 16";
    data.train("whole", flags).ok();
    let arguments = data.train_arguments("killed", flags);
    let mut child = spawn(&data, &arguments);
    wait_for(&data.path("killed/path_1/state.safetensors"), &mut child);
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    assert!(!data.path("killed/path.tsv").exists());
    kill_until_done(&data, &arguments, 250, &mut Random(5));
    assert_same_end(&data.path("whole"), &data.path("killed"));
}

#[test]
fn sigint_and_sigterm_save_and_exit_130() {
    let data = Data::new(200, 80);
    let flags = "--number-of-epochs 40 --batch-size 16";
    data.train("whole", flags).ok();
    for name in ["-INT", "-TERM"] {
        let arguments = data.train_arguments("stopped", flags);
        let mut child = spawn(&data, &arguments);
        wait_for(&data.path("stopped/state.safetensors"), &mut child);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{name}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.ends_with("error: interrupted\n"), "{said}");
        let behind = epochs(&data.path("stopped"));
        assert!(behind < 40, "{behind}");
        // Orderly: nothing is left over. And without --resume the folder is in use.
        common::assert_no_leftovers(data.path("stopped"));
        data.train("stopped", flags).fails(1, &["--resume"]);
        data.train("stopped", &format!("{flags} --resume")).ok();
        assert_same_end(&data.path("whole"), &data.path("stopped"));
        std::fs::remove_dir_all(data.path("stopped")).unwrap();
    }
}

#[test]
fn resume_starts_where_nothing_is_and_does_nothing_where_all_is_done() {
    let data = Data::new(60, 40);
    data.train("whole", "").ok();
    data.train("model", "--resume").ok();
    assert_same_end(&data.path("whole"), &data.path("model"));
    let before: Vec<_> = names(data.path("model"))
        .into_iter()
        .map(|n| (bytes(data.path(&format!("model/{n}"))), n))
        .collect();
    let run = data.train("model", "--resume").ok();
    assert!(
        run.err.contains("model: finished already after 3 epochs"),
        "{}",
        run.err
    );
    for (content, name) in before {
        assert!(
            bytes(data.path(&format!("model/{name}"))) == content,
            "{name}"
        );
    }
    // Killed before its first epoch: a folder without a state.
    for name in [
        "state.safetensors",
        "model.best.safetensors",
        "model.last.safetensors",
        "history.tsv",
    ] {
        std::fs::remove_file(data.path(&format!("model/{name}"))).unwrap();
    }
    data.train("model", "--resume").ok();
    assert_same_end(&data.path("whole"), &data.path("model"));
}

#[test]
fn more_epochs_go_on_from_the_end() {
    let data = Data::new(60, 40);
    data.train("whole", "--number-of-epochs 5").ok();
    data.train("model", "--number-of-epochs 2").ok();
    data.train("model", "--number-of-epochs 5 --resume").ok();
    assert_same_end(&data.path("whole"), &data.path("model"));
}

#[test]
fn another_flag_or_file_is_refused_by_name() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    let before = bytes(data.path("model/config.json"));
    data.write(
        "other.tsv",
        text(data.path("signals.tsv")).replace("\t2", "\t3"),
    );
    data.write(
        "fewer.meme",
        text(data.path("motifs.meme"))
            .split("\nMOTIF CCAT")
            .next()
            .unwrap(),
    );
    for (flags, name) in [
        ("--lr 0.02", "--lr 0.01"),
        ("--batch-size 16", "--batch-size 32"),
        ("--seed 3", "--seed 0"),
        ("--penalty-param 0.1", "--penalty-param"),
        ("--drop-last", "--drop-last"),
        ("--calibrate-motifs", "--calibrate-motifs"),
        ("--split random:80,10,10", "--split"),
        ("--unfreeze-conv", "trainable"),
        ("--precision f64", "precision F32"),
        ("--architecture model_pos_calib_sigmoid", "architecture"),
        ("--atac-file other.tsv", "signals.tsv"),
        ("--meme-file fewer.meme", "motifs 6"),
    ] {
        data.train("model", &format!("{flags} --resume")).fails(
            1,
            &["--resume: model was started with", name, "this run has"],
        );
        assert!(bytes(data.path("model/config.json")) == before, "{flags}");
    }
}

/// The split's numbers, not its folder's name, are what a run depends on.
#[test]
fn another_split_under_the_same_name_is_refused() {
    let data = Data::new(60, 40);
    let flags = "--number-of-epochs 2";
    data.train("model", flags).ok();
    let (a, b) = (
        text(data.path("split/validation_split.txt")),
        text(data.path("split/test_split.txt")),
    );
    data.write("split/validation_split.txt", b);
    data.write("split/test_split.txt", &a);
    data.train("model", "--number-of-epochs 4 --resume")
        .fails(1, &["--resume", "model/validation_split.txt"]);
    assert_eq!(text(data.path("model/validation_split.txt")), a);
}

#[test]
fn two_runs_into_one_folder_do_not_mix() {
    let data = Data::new(200, 80);
    let flags = "--number-of-epochs 500 --batch-size 16";
    let mut first = spawn(&data, &data.train_arguments("model", flags));
    wait_for(&data.path("model/state.safetensors"), &mut first);
    for more in ["", " --resume"] {
        data.train("model", &format!("{flags}{more}"))
            .fails(1, &["model: another run writes into this folder"]);
    }
    first.kill().unwrap();
    first.wait().unwrap();
    // The kill left no lock behind.
    let behind = epochs(&data.path("model")) + 2;
    let flags = format!("--number-of-epochs {behind} --batch-size 16 --resume");
    data.train("model", &flags).ok();
    assert_eq!(history(data.path("model/history.tsv")).len() as u64, behind);
}
