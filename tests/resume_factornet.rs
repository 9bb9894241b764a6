//! FactorNet's training: the same seed gives the same bytes, whatever the number of threads and whether or not the run was
//! killed on its way; and its folder is never written over by chance.

mod common;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cisgrad::io::state_dict::read;
use common::factornet::Cells;
use common::{Random, assert_no_leftovers, assert_same_end, bytes, command, names, text};

/// Starts a run and says nothing.
fn spawn(cells: &Cells, arguments: &str) -> Child {
    command(cells.folder(), arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until a file is there, or the run has ended.
fn wait_for(path: &Path, child: &mut Child) {
    let start = Instant::now();
    while !path.exists() && child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(60), "no {path:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Epochs and batches of the next one that a run has behind it.
fn behind(folder: &Path) -> (u64, u64) {
    let state = read(folder.join("state.safetensors")).unwrap();
    let progress: serde_json::Value = serde_json::from_str(&state.metadata["state"]).unwrap();
    (
        progress["epoch"].as_u64().unwrap(),
        progress["batch"].as_u64().unwrap(),
    )
}

/// Kills a resumed run at random moments, then lets it end; how often it was hit.
fn kill_until_done(cells: &Cells, arguments: &str, random: &mut Random) -> usize {
    let mut kills = 0;
    let resumed = format!("{arguments} --resume");
    for _ in 0..8 {
        let mut child = spawn(cells, &resumed);
        std::thread::sleep(Duration::from_millis(random.below(200)));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        if status.success() {
            break;
        }
        assert_eq!(status.code(), None, "ended by the kill alone");
        kills += 1;
    }
    cells.run(&resumed).ok();
    kills
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let cells = Cells::new();
    for flags in [
        "-i A B -m -g --annotations annotations -n 2",
        "-r -1 --precision f64 --track-storage f16",
        "-r 0 --batch-size 17",
    ] {
        for threads in 1..=3 {
            let out = format!("threads_{threads}");
            cells
                .train(&out, &format!("{flags} --threads {threads} -s 5"))
                .ok();
            assert_same_end(&cells.path("threads_1"), &cells.path(&out));
        }
        cells.train("other", &format!("{flags} -s 6")).ok();
        let best = |out: &str| bytes(cells.path(&format!("{out}/model.best.safetensors")));
        assert!(best("other") != best("threads_1"), "the seed is used");
        for out in ["threads_1", "threads_2", "threads_3", "other"] {
            std::fs::remove_dir_all(cells.path(out)).unwrap();
        }
    }
    for threads in 1..=2 {
        let out = format!("all_{threads}");
        cells.train_all(&out, &format!("--threads {threads}")).ok();
        assert_same_end(&cells.path("all_1"), &cells.path(&out));
    }
}

#[test]
fn a_run_killed_at_random_moments_ends_as_the_undisturbed_one() {
    let cells = Cells::new();
    let flags = "-e 40 -ep 100 --batch-size 10 -i A B -m";
    cells.train("whole", flags).ok();
    let arguments = cells.train_arguments("killed", flags);
    // The first kill is sure to hit a run that has begun.
    let mut child = spawn(&cells, &arguments);
    wait_for(&cells.path("killed/state.safetensors"), &mut child);
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    let (epochs, _) = behind(&cells.path("killed"));
    assert!((1..40).contains(&epochs), "{epochs} epochs");
    kill_until_done(&cells, &arguments, &mut Random(11));
    assert_same_end(&cells.path("whole"), &cells.path("killed"));
}

#[test]
fn all_factors_at_once_go_on_as_well() {
    let cells = Cells::new();
    let line = |out: &str| {
        format!(
            "factornet train -i A -v chr2 -t chr3 -e 8 --batch-size 10 -L 200 -w 10 -k 4 -r 3 -d 8 --genome genome.fa -o {out}"
        )
    };
    cells.run(&line("whole")).ok();
    let mut child = spawn(&cells, &line("killed"));
    wait_for(&cells.path("killed/state.safetensors"), &mut child);
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    kill_until_done(&cells, &line("killed"), &mut Random(2));
    assert_same_end(&cells.path("whole"), &cells.path("killed"));
}

#[test]
fn sigint_and_sigterm_save_in_the_middle_of_an_epoch_and_exit_130() {
    let cells = Cells::new();
    // Epochs of some hundred steps, so that a signal meets one in its middle.
    let flags = "-e 30 -n 20 --batch-size 4";
    cells.train("whole", flags).ok();
    let mut middles = 0;
    for name in ["-INT", "-TERM"] {
        let arguments = cells.train_arguments("stopped", flags);
        let mut child = spawn(&cells, &arguments);
        wait_for(&cells.path("stopped/state.safetensors"), &mut child);
        let sent = Command::new("kill")
            .args([name, &child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{name}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains("the same command with --resume goes on"),
            "{said}"
        );
        assert!(said.ends_with("error: interrupted\n"), "{said}");
        let (epochs, batches) = behind(&cells.path("stopped"));
        assert!(epochs < 30, "{epochs}");
        middles += u64::from(batches > 0);
        assert_no_leftovers(cells.path("stopped"));
        // What is there is a model already; without --resume the folder is in use.
        cells.write("w.bed", "chr3\t5000\t5200\n");
        cells.on("predict", "-m stopped -b w.bed -o p.gz").ok();
        cells
            .train("stopped", flags)
            .fails(1, &["stopped exists", "-oc", "--resume"]);
        cells.train("stopped", &format!("{flags} --resume")).ok();
        assert_same_end(&cells.path("whole"), &cells.path("stopped"));
        std::fs::remove_dir_all(cells.path("stopped")).unwrap();
    }
    assert!(middles > 0, "no signal met an epoch in its middle");
}

#[test]
fn resume_starts_where_nothing_is_and_does_nothing_where_all_is_done() {
    let cells = Cells::new();
    cells.train("whole", "").ok();
    cells.train("model", "--resume").ok();
    assert_same_end(&cells.path("whole"), &cells.path("model"));
    let files = names(cells.path("model"));
    let all = || {
        files
            .iter()
            .map(|n| bytes(cells.path(&format!("model/{n}"))))
            .collect::<Vec<_>>()
    };
    let before = all();
    let run = cells.train("model", "--resume").ok();
    assert!(
        run.err.contains("model: finished already after 2 epochs"),
        "{}",
        run.err
    );
    assert!(before == all());
    // Killed before its first epoch: a folder without a state.
    for name in ["state", "model.best", "model.last"] {
        std::fs::remove_file(cells.path(&format!("model/{name}.safetensors"))).unwrap();
    }
    cells.train("model", "--resume").ok();
    assert_same_end(&cells.path("whole"), &cells.path("model"));
    // More epochs go on from the end.
    cells.train("longer", "-e 5").ok();
    cells.train("model", "-e 5 --resume").ok();
    assert_same_end(&cells.path("longer"), &cells.path("model"));
}

#[test]
fn early_stopping_bears_so_many_epochs_without_a_gain_and_one_more() {
    let cells = Cells::new();
    // A rate at which no step is a gain: the first epoch stays the best one.
    let run = cells.train("model", "-e 60 -ep 2 -lr 0.5").ok();
    let losses: Vec<f64> = common::history(cells.path("model/history.tsv"))
        .iter()
        .map(|row| row[3].parse().unwrap())
        .collect();
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let best = losses.iter().position(|&l| l == least).unwrap();
    assert!(losses.len() < 60, "{losses:?}");
    assert_eq!(losses.len(), best + 1 + 3, "{losses:?}");
    assert!(
        run.err
            .contains(&format!("early stopping: no gain since epoch {}", best + 1)),
        "{}",
        run.err
    );
    // A finished run stays finished; with more patience it goes on.
    cells.train("model", "-e 60 -ep 2 -lr 0.5 --resume").ok();
    assert_eq!(
        common::history(cells.path("model/history.tsv")).len(),
        losses.len()
    );
}

#[test]
fn another_flag_or_file_is_refused_by_name() {
    let cells = Cells::new();
    let first = "-m -g --annotations annotations";
    cells.train("model", first).ok();
    let before = bytes(cells.path("model/config.json"));
    let refused = |flags: &str, name: &str| {
        cells.train("model", &format!("{flags} --resume")).fails(
            1,
            &["--resume: model was started with", name, "this run has"],
        );
        assert!(bytes(cells.path("model/config.json")) == before, "{flags}");
    };
    std::fs::create_dir(cells.path("other")).unwrap();
    for name in names(cells.path("annotations")) {
        std::fs::copy(
            cells.path(&format!("annotations/{name}")),
            cells.path(&format!("other/{name}")),
        )
        .unwrap();
    }
    std::fs::copy(cells.path("genome.fa"), cells.path("copy.fa")).unwrap();
    cells.write("black.bed", "chr1\t40000\t40101\n");
    for (flags, name) in [
        ("-lr 0.02", "--learningrate 0.001"),
        ("--batch-size 16", "--batch-size 100"),
        ("-s 3", "--seed 420"),
        ("-n 2", "--negatives 1"),
        ("-v chr2:0-30000", "--validchroms [\"chr2\"]"),
        ("-t chr3:0-30000", "--testchroms [\"chr3\"]"),
        ("-i A B", "--inputdirs"),
        ("-vi B", "--validinputdirs"),
        ("-f MAX", "--factor \"CTCF\""),
        ("-k 5", "network"),
        ("-p 0.1", "network"),
        ("-mo", "--motif false"),
        ("--track-scale mean", "--track-scale none"),
        ("--track-storage f16", "--track-storage \"f32\""),
        ("--gencode-span peak", "--gencode-span"),
        ("--precision f64", "precision F32"),
        ("--genome copy.fa", "--genome"),
        ("--blacklist black.bed", "blacklist.bed"),
        ("--chrom-sizes genome.sizes", "input files"),
    ] {
        refused(&format!("{first} {flags}"), name);
    }
    refused("-m -g --annotations other", "--annotations");
    refused("-g --annotations annotations", "meta.txt");
    refused("-m", "--annotations");
    // The files themselves.
    for (file, content, name) in [
        (
            "A/CTCF.bed",
            text(cells.path("A/CTCF.bed")) + "chr1\t9000\t9300\n",
            "CTCF.bed",
        ),
        (
            "A/meta.txt",
            "0.5\tg1\n-1.5 g2\n".to_string(),
            "meta.txt [[0.5,-1.25]]",
        ),
        (
            "A/bigwig.txt",
            "../B/dgf.bw DGF\n".to_string(),
            "bigwig.txt",
        ),
    ] {
        let old = text(cells.path(file));
        cells.write(file, content);
        refused(first, name);
        cells.write(file, old);
    }
    cells
        .train("model", &format!("{first} -e 3 -ep 7 --threads 1 --resume"))
        .ok();
}

#[test]
fn resume_without_a_state_says_so_and_replaces_no_finished_model() {
    let cells = Cells::new();
    let run = cells.train("model", "-e 3 --resume").ok();
    let note = "note: --resume: model holds no state.safetensors: starting with the first epoch";
    assert!(run.err.contains(note), "{}", run.err);
    std::fs::remove_file(cells.path("model/state.safetensors")).unwrap();
    let best = || bytes(cells.path("model/model.best.safetensors"));
    let before = best();
    cells.train("model", "-e 8 --resume").fails(
        1,
        &["model has a model of 3 epochs but no state.safetensors to go on from"],
    );
    assert!(best() == before);
}

#[test]
fn a_folder_that_is_there_is_written_over_by_oc_alone() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    let best = || bytes(cells.path("model/model.best.safetensors"));
    let before = best();
    cells.train("model", "-s 3 -e 1").fails(
        1,
        &["model exists: choose another -o, write over it with -oc"],
    );
    assert!(best() == before);
    std::fs::create_dir(cells.path("empty")).unwrap();
    cells.train("empty", "-e 1").fails(1, &["empty exists"]);
    cells.write("model/note.txt", "mine");
    cells.train("", "-s 3 -e 1 -m -oc model").ok();
    assert!(best() != before);
    // Another network, without what the first one left; other files stay.
    cells.train("", "-s 3 -e 1 -oc model").ok();
    assert!(!cells.path("model/meta.txt").exists());
    assert_eq!(text(cells.path("model/note.txt")), "mine");
    cells.write("file", "");
    cells.train("", "-oc file").fails(1, &["file"]);
    cells
        .train("", "-o a -oc b")
        .fails(2, &["cannot be used with"]);
}

#[test]
fn two_runs_into_one_folder_do_not_mix() {
    let cells = Cells::new();
    let flags = "-e 5000 -ep 5000 --batch-size 4 -n 20";
    let mut first = spawn(&cells, &cells.train_arguments("model", flags));
    wait_for(&cells.path("model/state.safetensors"), &mut first);
    cells.train("model", flags).fails(1, &["model exists"]);
    for more in ["-oc model", "-o model --resume"] {
        cells
            .train("model", &format!("{flags} {more}"))
            .fails(1, &["model: another run writes into this folder"]);
    }
    assert!(first.try_wait().unwrap().is_none());
    first.kill().unwrap();
    first.wait().unwrap();
    // The kill left no lock behind.
    let epochs = behind(&cells.path("model")).0 + 2;
    cells
        .train(
            "model",
            &format!("-e {epochs} -ep 5000 --batch-size 4 -n 20 --resume"),
        )
        .ok();
    let history = common::history(cells.path("model/history.tsv"));
    assert_eq!(history.len() as u64, epochs);
}
