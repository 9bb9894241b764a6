//! Every kind of bad input: what is said (file, line, found, expected), the exit code (1, and 2
//! for usage), and that nothing is made or left behind.

mod common;

use std::path::Path;
use std::process::{Command, Stdio};

use common::{
    ARCHITECTURE, Data, Run, assert_no_leftovers, assert_same_end, bytes, command, names, text,
};

/// `text` with its line `number` (from 1) replaced.
fn with_line(text: &str, number: usize, line: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines[number - 1] = line;
    lines.join("\n") + "\n"
}

// ---- files

#[test]
fn a_missing_file_is_named() {
    let data = Data::new(30, 40);
    for flag in ["--atac-file", "--sequences", "--meme-file", "--model"] {
        data.refuses(&format!("{flag} no.such"), 1, &["no.such: No such file"]);
    }
    data.refuses(
        "--split-folder no.such",
        1,
        &["no.such: train_split.npy and train_split.txt are not there"],
    );
    data.refuses(
        "--sequences peaks.bed --genome no.such",
        1,
        &["no.such: No such file"],
    );
    data.run("tisfm predict --model no.such --sequences peaks.fa")
        .fails(1, &["no.such: no model folder"]);
}

#[test]
fn an_empty_file_says_what_was_expected() {
    let data = Data::new(30, 40);
    data.write("empty", "");
    data.write_gzip("empty.gz", "");
    for empty in ["empty", "empty.gz"] {
        for (flag, expected) in [
            ("--atac-file", "names of the outputs"),
            ("--sequences", "a name and a sequence a line"),
            ("--meme-file", "expected"),
        ] {
            data.refuses(
                &format!("{flag} {empty}"),
                1,
                &[&format!("{empty}: the file is empty"), expected],
            );
        }
        data.refuses(&format!("--model {empty}"), 1, &[empty]);
        data.refuses(&format!("--architecture {empty}"), 1, &[empty]);
        data.refuses(
            &format!("--sequences peaks.bed --genome {empty}"),
            1,
            &[empty],
        );
    }
}

#[test]
fn a_truncated_or_corrupt_gzip_file_is_noticed() {
    let data = Data::new(200, 60);
    for (flag, name) in [
        ("--atac-file", "signals.tsv"),
        ("--sequences", "sequences.tsv"),
        ("--sequences", "peaks.fa"),
        ("--meme-file", "motifs.meme"),
    ] {
        data.write_gzip("whole.gz", text(data.path(name)));
        let whole = bytes(data.path("whole.gz"));
        data.write("cut.gz", &whole[..whole.len() / 2]);
        data.refuses(&format!("{flag} cut.gz"), 1, &["cut.gz", "truncated gzip"]);
        // Without its last 8 bytes (checksum and length) all text is there.
        data.write("cut.gz", &whole[..whole.len() - 8]);
        data.refuses(&format!("{flag} cut.gz"), 1, &["cut.gz", "truncated gzip"]);
        let mut corrupt = whole.clone();
        let end = corrupt.len() - 6;
        corrupt[end] ^= 0xff;
        data.write("bad.gz", corrupt);
        data.refuses(&format!("{flag} bad.gz"), 1, &["bad.gz", "corrupt gzip"]);
    }
}

#[test]
fn text_that_is_none_is_refused() {
    let data = Data::new(30, 40);
    data.write("binary", [0xff, 0xfe, 0, 1, b'\n']);
    data.write("packed.zip", b"PK\x03\x04and more bytes of a zip file");
    for flag in ["--atac-file", "--sequences", "--meme-file"] {
        data.refuses(&format!("{flag} binary"), 1, &["binary, line 1", "UTF-8"]);
        data.refuses(
            &format!("{flag} packed.zip"),
            1,
            &["packed.zip", "zip", "gzip or bgzip"],
        );
    }
}

// ---- sequences

#[test]
fn a_letter_that_is_no_base_is_shown_with_its_line() {
    let data = Data::new(30, 40);
    let list = text(data.path("sequences.tsv"));
    let (name, sequence) = list.lines().nth(4).unwrap().split_once('\t').unwrap();
    let bad = format!("{}J{}", &sequence[..11], &sequence[12..]);
    data.write("bad.tsv", with_line(&list, 5, &format!("{name}\t{bad}")));
    data.refuses("--sequences bad.tsv", 1, &["bad.tsv, line 5", "'J'", name]);
    let fasta = with_line(&text(data.path("peaks.fa")), 10, &bad);
    data.write("bad.fa", fasta);
    data.refuses("--sequences bad.fa", 1, &["bad.fa, line 10", "'J'"]);
    // All IUPAC codes are letters of a sequence.
    let iupac = format!("RYSWKMBDHVN{}", &sequence[11..]);
    data.write("good.tsv", with_line(&list, 5, &format!("{name}\t{iupac}")));
    data.train("model", "--sequences good.tsv --number-of-epochs 1")
        .ok();
    data.run("tisfm predict --model model --sequences bad.fa")
        .fails(1, &["bad.fa, line 10"]);
}

#[test]
fn sequences_of_two_lengths_name_the_first_that_differs() {
    let data = Data::new(30, 40);
    let list = text(data.path("sequences.tsv"));
    let line = list.lines().nth(6).unwrap();
    let name = line.split('\t').next().unwrap();
    data.write("bad.tsv", with_line(&list, 7, &format!("{line}A")));
    data.refuses(
        "--sequences bad.tsv",
        1,
        &["bad.tsv, line 7", name, "41 bases", "expected 40"],
    );
}

#[test]
fn another_window_than_the_sequences_is_refused() {
    let data = Data::new(30, 40);
    data.refuses(
        "--window-size 41",
        1,
        &["--window-size 41", "sequences.tsv", "40 bases"],
    );
    data.train("model", "--number-of-epochs 1").ok();
    data.write("long.tsv", format!("a\t{}\n", "ACGTA".repeat(10)));
    let run = data.run("tisfm predict --model model --sequences long.tsv --out table.tsv");
    run.fails(1, &["50 bases", "the model takes 40"]);
    assert!(!data.path("table.tsv").exists());
}

#[test]
fn sequences_shorter_than_the_longest_motif_are_refused() {
    let data = Data::new(30, 8);
    data.refuses("", 1, &["8 bases", "shorter than the longest motif (9)"]);
}

#[test]
fn duplicate_names_show_both_lines() {
    let data = Data::new(30, 40);
    let twice = |name: &str, of: usize, at: usize| {
        let content = text(data.path(name));
        let line = content.lines().nth(of - 1).unwrap().to_string();
        data.write("bad", with_line(&content, at, &line));
    };
    twice("sequences.tsv", 3, 8);
    data.refuses(
        "--sequences bad",
        1,
        &["bad, line 8", "first on line 3", &data.names[2]],
    );
    twice("signals.tsv", 3, 8);
    data.refuses(
        "--atac-file bad",
        1,
        &["bad, line 8", "first on line 3", &data.names[1]],
    );
    twice("peaks.fa", 3, 9);
    data.refuses("--sequences bad", 1, &["bad, line 9", "first on line 3"]);
    let motifs = text(data.path("motifs.meme"));
    data.write("bad", motifs.replace("MOTIF CACGTG", "MOTIF GATA"));
    data.refuses(
        "--meme-file bad",
        1,
        &["bad, line", "'GATA' again", "first on line"],
    );
    let signals = text(data.path("signals.tsv"));
    data.write("bad", signals.replace("K562\tMCF7", "K562\tK562"));
    data.refuses("--atac-file bad", 1, &["bad, line 1", "K562"]);
}

#[test]
fn a_bed_file_needs_its_genome_and_chromosomes_that_are_in_it() {
    let data = Data::new(30, 40);
    data.refuses(
        "--sequences peaks.bed",
        2,
        &["peaks.bed is a BED file", "--genome"],
    );
    data.write("bare.fa", text(data.path("genome.fa")).replace(">chr", ">"));
    let run = "--sequences peaks.bed --genome bare.fa";
    data.refuses(run, 1, &["chr1", "'1'"]);
    let bed = text(data.path("peaks.bed"));
    data.write("far.bed", with_line(&bed, 2, "chr2\t99990\t100030"));
    data.refuses(
        "--sequences far.bed --genome genome.fa",
        1,
        &["far.bed, line 2", "chr2"],
    );
    data.write("bad.bed", with_line(&bed, 2, "chr2\t60\t20"));
    data.refuses(
        "--sequences bad.bed --genome genome.fa",
        1,
        &["bad.bed, line 2"],
    );
}

// ---- signals and motifs

#[test]
fn signals_are_finite_numbers() {
    let data = Data::new(30, 40);
    let table = text(data.path("signals.tsv"));
    let name = &data.names[2];
    for bad in [
        "NaN", "nan", "NA", "inf", "-inf", "1e999", "", "0,5", "high",
    ] {
        data.write(
            "bad.tsv",
            with_line(&table, 4, &format!("{name}\t1\t{bad}")),
        );
        data.refuses(
            "--atac-file bad.tsv",
            1,
            &[
                "bad.tsv, line 4",
                &format!("'{bad}'"),
                "MCF7",
                "finite number",
            ],
        );
    }
    data.write("bad.tsv", with_line(&table, 4, &format!("{name}\t1")));
    data.refuses(
        "--atac-file bad.tsv",
        1,
        &["bad.tsv, line 4", "1 values", "expected 2"],
    );
    data.write("bad.tsv", "K562\tMCF7\n");
    data.refuses("--atac-file bad.tsv", 1, &["bad.tsv, line 1", "no rows"]);
}

#[test]
fn rows_without_a_sequence_are_counted_and_named() {
    let data = Data::new(30, 40);
    let list = text(data.path("sequences.tsv"));
    let fewer: String = list.lines().skip(4).map(|l| format!("{l}\n")).collect();
    data.write("fewer.tsv", fewer);
    data.refuses(
        "--sequences fewer.tsv",
        1,
        &[
            "4 of the 30 rows of signals.tsv have no sequence in fewer.tsv",
            &data.names[0],
            "and 1 more",
        ],
    );
}

#[test]
fn motifs_that_are_no_probabilities_are_refused() {
    let data = Data::new(30, 40);
    let motifs = text(data.path("motifs.meme"));
    let at = motifs.lines().position(|l| l.starts_with("0.03")).unwrap();
    for (row, part) in [
        ("0.03 0.03 0.03 0.03", "sum"),
        ("0.03 0.03 0.94", "row 1"),
        ("0.03 0.03 x 0.94", "'x'"),
        ("-0.5 0.5 0.5 0.5", "-0.5"),
    ] {
        data.write("bad.meme", with_line(&motifs, at + 1, row));
        data.refuses(
            "--meme-file bad.meme",
            1,
            &[&format!("bad.meme, line {}", at + 1), "GATA", part],
        );
    }
    let half = motifs.find("MOTIF GGGCGG").unwrap();
    data.write("bad.meme", &motifs[..half + 40]);
    data.refuses("--meme-file bad.meme", 1, &["bad.meme, line", "GGGCGG"]);
    data.write(
        "bad.meme",
        "MEME version 4\n\nALPHABET= ACDEFGHIKLMNPQRSTVWY\n",
    );
    data.refuses("--meme-file bad.meme", 1, &["bad.meme, line 3", "ACGT"]);
}

// ---- splits

#[test]
fn splits_are_in_range_apart_and_not_empty() {
    let data = Data::new(30, 40);
    std::fs::create_dir(data.path("bad")).unwrap();
    let (a, b, c) = ("0\n1\n2\n3\n", "4\n5\n", "6\n7\n");
    for (parts, message) in [
        (
            [a, "4\n30\n", c],
            &["bad/validation_split.txt, line 2", "index 30", "0 to 29"][..],
        ),
        (
            [a, "-1\n", c],
            &["bad/validation_split.txt, line 1", "index -1"],
        ),
        (
            [a, b, "6\n2\n"],
            &["bad/test_split.txt, line 2", "row 2", "train split too"],
        ),
        (
            [a, "4\n4\n", c],
            &["bad/validation_split.txt, line 2", "twice in this split"],
        ),
        (
            [a, "", c],
            &["bad/validation_split.txt", "validation split is empty"],
        ),
        (
            ["\n\n", b, c],
            &["bad/train_split.txt", "train split is empty"],
        ),
        (
            [a, b, "peak_9\n"],
            &["bad/test_split.txt, line 1", "'peak_9' is no row", "chr1:"],
        ),
    ] {
        for (part, content) in ["train", "validation", "test"].iter().zip(parts) {
            data.write(&format!("bad/{part}_split.txt"), content);
        }
        data.refuses("--split-folder bad", 1, message);
    }
    std::fs::remove_file(data.path("bad/test_split.txt")).unwrap();
    data.refuses(
        "--split-folder bad",
        1,
        &["bad: test_split.npy and test_split.txt are not there"],
    );
    data.write("bad/test_split.npy", "no array");
    data.refuses("--split-folder bad", 1, &["bad/test_split.npy"]);
}

#[test]
fn rules_of_splits_are_checked() {
    let data = Data::new(30, 40);
    for (rule, code, parts) in [
        (
            "random:80,10",
            2,
            &["'80,10' is not three numbers", "random:80,10,10"][..],
        ),
        ("random:80,10,20", 2, &["sum to 110"]),
        (
            "random:99,0.5,0.5",
            1,
            &["random split of 30 rows leaves a part empty"],
        ),
        ("halves", 2, &["'halves'", "chrom:chr8:chr9"]),
        ("chrom:chr1:chr1", 2, &["'chr1' comes twice"]),
        (
            "chrom:1:chr2",
            1,
            &["no row is on chromosome '1'", "'chr1'"],
        ),
        (
            "chrom:chr1,chr2:chr3,chr4",
            1,
            &["no row is left for training"],
        ),
    ] {
        data.refuses(&format!("--split {rule}"), code, parts);
    }
    data.refuses(
        "--split random:80,10,10 --split-folder split",
        2,
        &["cannot be used with"],
    );
    let arguments = data.train_arguments("never", "");
    let none = arguments.replace("--split-folder split", "");
    data.run(&none).fails(2, &["a split is needed"]);
    assert!(!data.path("never").exists());
}

// ---- settings

#[test]
fn an_unknown_architecture_lists_the_near_ones() {
    let data = Data::new(30, 40);
    data.refuses(
        "--architecture model_pos_calib_sigmoid_interactoin",
        2,
        &["unknown architecture", "did you mean", ARCHITECTURE],
    );
    data.run("tisfm architectures --show aitack")
        .fails(2, &["did you mean aitac"]);
    let shown = data.run(&format!("tisfm architectures --show {ARCHITECTURE}"));
    let own = shown.ok().out;
    data.write("own.toml", own.replace("op = \"gate\"", "op = \"gat\""));
    data.refuses("--architecture own.toml", 1, &["own.toml, line", "gat"]);
    data.write("own.toml", own.replace("strands = ", "strand = "));
    data.refuses("--architecture own.toml", 1, &["own.toml, line", "strand"]);
    // Blocks that do not fit together: nothing is left to pool.
    data.write(
        "own.toml",
        own.replace(
            "op = \"gate\"\nname = \"interaction_layer\"",
            "op = \"max_pool\"\nwindow = 3\nstride = 3",
        ),
    );
    data.refuses("--architecture own.toml", 1, &["max_pool"]);
    data.refuses(
        "--architecture missing.toml",
        1,
        &["missing.toml: No such file"],
    );
}

#[test]
fn settings_that_cannot_be_are_wrong_usage() {
    let data = Data::new(30, 40);
    for (flags, parts) in [
        ("--lr 0", &["--lr 0"][..]),
        ("--lr nan", &["--lr NaN"]),
        ("--batch-size 0", &["--batch-size"]),
        ("--number-of-epochs 0", &["--number-of-epochs"]),
        ("--mcp-param 1", &["--mcp-param 1"]),
        ("--penalty-param inf", &["penalty inf"]),
        ("--penalty-param-range 0 1 0", &["whole number from 1"]),
        ("--penalty-param-range 0 1 2.5", &["whole number from 1"]),
        ("--penalty-type l2", &["l2", "l1"]),
        ("--threads 0", &["--threads 0"]),
        (
            "--penalty-param 1 --penalty-param-range 0 1 3",
            &["cannot be used with"],
        ),
        (
            "--freeze-all-except-final-layer --unfreeze-all",
            &["cannot be used with"],
        ),
    ] {
        data.refuses(flags, 2, parts);
    }
    let arguments = data.train_arguments("never", "");
    data.run(&arguments.replace("--meme-file motifs.meme", ""))
        .fails(2, &["needs --meme-file"]);
}

// ---- folders and disks

#[test]
fn a_folder_in_use_is_left_as_it_is() {
    let data = Data::new(30, 40);
    data.train("model", "--number-of-epochs 1").ok();
    let before = bytes(data.path("model/state.safetensors"));
    data.train("model", "--number-of-epochs 1").fails(
        1,
        &["model holds a model already", "--model-output", "--resume"],
    );
    assert!(bytes(data.path("model/state.safetensors")) == before);
    // A file where the folder should be, and a folder where none can be made.
    data.write("file", "text");
    data.train("file", "").fails(1, &["file: "]);
    assert_eq!(text(data.path("file")), "text");
    data.train("file/model", "").fails(1, &["file/model: "]);
}

#[test]
fn damaged_files_of_a_model_folder_are_named() {
    let data = Data::new(30, 40);
    data.train("model", "--number-of-epochs 1").ok();
    let predict = || data.run("tisfm predict --model model --sequences peaks.fa");
    let damage = |name: &str, content: &[u8], parts: &[&str]| {
        let path = format!("model/{name}");
        let whole = bytes(data.path(&path));
        data.write(&path, content);
        let run: Run = predict();
        assert_eq!(run.out, "");
        run.fails(1, parts);
        data.write(&path, whole);
    };
    let weights = bytes(data.path("model/model.best.safetensors"));
    let name = "model.best.safetensors";
    let path = "model/model.best.safetensors";
    damage(name, b"", &[path]);
    damage(name, &weights[..weights.len() - 1], &[path]);
    damage(name, &weights[..20], &[path]);
    let mut header = weights.clone();
    header[3] = 0x7f;
    damage(name, &header, &[path]);
    let mut longer = weights.clone();
    longer.push(0);
    damage(name, &longer, &[path]);
    damage("config.json", b"", &["model/config.json"]);
    damage(
        "config.json",
        b"{\n \"version\": 3\n}",
        &["model/config.json, line 2"],
    );
    predict().ok();
    // A damaged state stops a resumed run, and says so.
    let state = bytes(data.path("model/state.safetensors"));
    data.write("model/state.safetensors", &state[..state.len() / 2]);
    data.train("model", "--number-of-epochs 1 --resume")
        .fails(1, &["model/state.safetensors"]);
    data.write("model/state.safetensors", &weights);
    data.train("model", "--number-of-epochs 1 --resume")
        .fails(1, &["model/state.safetensors", "no training state"]);
    std::fs::remove_file(data.path(path)).unwrap();
    predict().fails(1, &["model: no model.best.safetensors"]);
}

#[test]
fn weights_of_another_architecture_name_the_first_parameter_that_differs() {
    let data = Data::new(30, 40);
    data.train("gated", "--number-of-epochs 1").ok();
    data.refuses(
        "--architecture model_pos_calib_sigmoid --model gated",
        1,
        &[
            "gated/model.best.safetensors",
            "interaction_layer.",
            "not one of the architecture's",
        ],
    );
    data.refuses(
        "--architecture aitac --model gated",
        1,
        &[
            "gated/model.best.safetensors: no parameter layer",
            "another architecture",
        ],
    );
    let signals = text(data.path("signals.tsv"));
    let plain: String = signals
        .lines()
        .map(|l| format!("{}\n", l.rsplit_once('\t').unwrap().0))
        .collect();
    data.write("one.tsv", plain);
    data.refuses("--atac-file one.tsv --model gated", 1, &["linreg.", "[1"]);
    let run = data.run("tisfm test --model gated --atac-file one.tsv");
    run.fails(1, &["one.tsv has 1 outputs, the model 2"]);
    std::fs::copy(
        data.path("gated/model.best.safetensors"),
        data.path("weights"),
    )
    .unwrap();
    data.train(
        "plain",
        "--number-of-epochs 1 --architecture model_pos_calib_sigmoid",
    )
    .ok();
    data.write("plain/model.best.safetensors", bytes(data.path("weights")));
    data.run("tisfm predict --model plain --sequences peaks.fa")
        .fails(1, &["plain/model.best.safetensors", "interaction_layer."]);
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run_and_never_becomes_best() {
    let data = Data::new(60, 40);
    let run = data.train("model", "--lr 1e38");
    run.fails(
        1,
        &[
            "loss is",
            "epoch 1, step",
            "model holds no good state yet: it can be used again",
        ],
    );
    assert_no_leftovers(data.path("model"));
    assert!(!data.path("model/model.best.safetensors").exists());
    data.train("model", "--number-of-epochs 1").ok();
    // Signals whose squares overflow.
    let name = &data.names[30];
    let row = format!("{name}\t1e30\t0");
    data.write(
        "large.tsv",
        with_line(&text(data.path("signals.tsv")), 32, &row),
    );
    let run = data.train("large", "--atac-file large.tsv");
    run.fails(1, &["the loss is inf in epoch 1, step"]);
    assert!(!data.path("large/model.best.safetensors").exists());
}

/// A limit on the size of files stands in for the full disk: the write fails half-way.
#[test]
fn a_full_disk_is_an_error_and_the_last_good_files_stay() {
    let data = Data::new(60, 40);
    data.train("whole", "--number-of-epochs 4").ok();
    data.train("model", "--number-of-epochs 2").ok();
    let before = bytes(data.path("model/state.safetensors"));
    let limited = |arguments: &str| {
        // 8 blocks of 512 or 1024 bytes; the signal that comes with the error is not wanted.
        let program = env!("CARGO_BIN_EXE_cisgrad");
        let script = format!("trap '' XFSZ; ulimit -f 8; exec {program} {arguments}");
        let output = Command::new("sh")
            .current_dir(data.folder())
            .args(["-c", &script])
            .output()
            .unwrap();
        Run::of(output, arguments)
    };
    let resumed = data.train_arguments("model", "--number-of-epochs 4 --resume");
    limited(&resumed).fails(1, &["model/", ".safetensors: ", "File too large"]);
    assert_no_leftovers(data.path("model"));
    assert!(bytes(data.path("model/state.safetensors")) == before);
    data.run("tisfm test --model model").ok();
    let fresh = "--number-of-epochs 4";
    limited(&data.train_arguments("fresh", fresh)).fails(1, &["fresh/", ": File too large"]);
    assert_no_leftovers(data.path("fresh"));
    assert!(!data.path("fresh/state.safetensors").exists());
    // With room again both go on, and end as if nothing had been.
    data.run(&resumed).ok();
    assert_same_end(&data.path("whole"), &data.path("model"));
    data.train("fresh", &format!("{fresh} --resume")).ok();
    assert_same_end(&data.path("whole"), &data.path("fresh"));
}

#[test]
fn a_full_disk_of_its_own_is_an_error_too() {
    let data = Data::new(60, 40);
    std::fs::create_dir(data.path("disk")).unwrap();
    let disk = data.path("disk").display().to_string();
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=40k", "tmpfs", &disk])
        .stderr(Stdio::null())
        .status();
    if !mount.is_ok_and(|s| s.success()) {
        eprintln!("skipped: a tmpfs cannot be mounted here");
        return;
    }
    let run = data.train("disk/model", "");
    let left = names(data.path("disk/model"));
    let remounted = Command::new("mount")
        .args(["-o", "remount,size=4m", &disk])
        .status();
    let resumed = data.train("disk/model", "--resume");
    std::fs::create_dir(data.path("copy")).unwrap();
    for name in names(data.path("disk/model")) {
        let content = bytes(data.path(&format!("disk/model/{name}")));
        data.write(&format!("copy/{name}"), content);
    }
    let unmounted = Command::new("umount").arg(&disk).status();
    assert!(unmounted.unwrap().success() && remounted.unwrap().success());
    run.fails(1, &["disk/model/", "No space left on device"]);
    assert!(left.iter().all(|n| !n.contains(".tmp")), "{left:?}");
    resumed.ok();
    data.train("whole", "").ok();
    assert_same_end(&data.path("whole"), &data.path("copy"));
}

#[test]
fn tables_that_cannot_be_written_are_errors() {
    let data = Data::new(60, 40);
    data.train("model", "--number-of-epochs 1").ok();
    if Path::new("/dev/full").exists() {
        for arguments in [
            "tisfm test --model model",
            "tisfm predict --model model --sequences peaks.fa",
            "tisfm architectures",
            "devices",
        ] {
            let full = std::fs::File::options().write(true).open("/dev/full");
            let output = command(data.folder(), arguments)
                .stdout(full.unwrap())
                .stderr(Stdio::piped())
                .output()
                .unwrap();
            Run::of(output, arguments).fails(1, &["standard output", "No space left"]);
        }
    }
    data.run("tisfm test --model model --out no/such/table.tsv")
        .fails(1, &["no/such/table.tsv"]);
    data.run("tisfm test --model model --out model")
        .fails(1, &["model"]);
    assert_no_leftovers(data.folder());
}

/// A device is written to: a table to /dev/null must not put a file in its place.
#[test]
fn a_device_named_as_output_stays_a_device() {
    let data = Data::new(60, 40);
    data.train("model", "--number-of-epochs 1").ok();
    std::os::unix::fs::symlink("/dev/null", data.path("null")).unwrap();
    data.run("tisfm test --model model --out null").ok();
    let link = std::fs::symlink_metadata(data.path("null")).unwrap();
    assert!(link.is_symlink());
    let to_stdout = data.run("tisfm test --model model --out /dev/stdout").ok();
    let shown = data.run("tisfm test --model model").ok();
    assert_eq!(to_stdout.out, shown.out);
}
