//! An input that comes through a pipe is read once, and recorded as such.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use cisgrad::io::hash::sha256_file;

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::tisfm::{ARCHITECTURE, Data};
use crate::common::{Run, bytes, command, piped, text};

/// The program, called by bash, which makes a pipe of `<(...)`.
fn bash(folder: &Path, arguments: &str) -> Run {
    let line = format!("exec '{}' {arguments}", env!("CARGO_BIN_EXE_cisgrad"));
    let mut bash = Command::new("bash");
    bash.current_dir(folder).args(["-c", &line]);
    Run::of(bash.stdin(Stdio::null()).output().unwrap(), arguments)
}

fn weights<K: Kind>(data: &K, model: &str) -> Vec<u8> {
    bytes(data.path(model).join("model.best.safetensors"))
}

/// The input files that config.json lists: SHA-256, and the flag where it was a pipe.
fn recorded<K: Kind>(data: &K, model: &str) -> Vec<(String, Option<String>)> {
    let config: serde_json::Value =
        serde_json::from_str(&text(data.path(model).join("config.json"))).unwrap();
    let files = config["files"].as_array().unwrap();
    let string = |value: &serde_json::Value| value.as_str().map(String::from);
    files
        .iter()
        .map(|file| (string(&file["sha256"]).unwrap(), string(&file["pipe"])))
        .collect()
}

fn flags(recorded: &[(String, Option<String>)]) -> Vec<&str> {
    recorded
        .iter()
        .filter_map(|(_, flag)| flag.as_deref())
        .collect()
}

#[test]
fn a_blacklist_through_a_pipe_is_the_one_of_the_file() {
    let cells = Cells::new();
    cells.train("file", "-e 1").ok();
    let arguments = cells.train_arguments("pipe", "-e 1 --blacklist <(cat blacklist.bed)");
    bash(cells.folder(), &arguments).ok();
    cells.write("all", "chr1\t30000\t50000\n");
    cells.train("other", "-e 1 --blacklist all").ok();
    assert_eq!(weights(&cells, "pipe"), weights(&cells, "file"));
    assert_ne!(weights(&cells, "other"), weights(&cells, "file"));
    let sha256 = sha256_file(cells.path("blacklist.bed")).unwrap();
    assert_eq!(recorded(&cells, "file")[0], (sha256.clone(), None));
    let flag = Some("--blacklist".to_string());
    assert_eq!(recorded(&cells, "pipe")[0], (sha256, flag));
}

const GTF: &str = "chr1\tx\texon\t1001\t9000\t.\t+\t.\ttranscript_id \"a\";\nchr2\tx\texon\t501\t7000\t.\t-\t.\ttranscript_id \"b\";\n";

#[test]
fn every_input_of_factornet_may_be_a_pipe_packed_or_not() {
    let cells = Cells::new();
    cells.write("v.bed", "chr2\t0\t50000\n");
    cells.write("t.bed", "chr3\t0\t60000\n");
    cells.write("a.gtf", GTF);
    // Peaks of a cell line that is named twice.
    for (cell, peaks) in [("F", "../A/CTCF.bed"), ("P", "/dev/stdin")] {
        std::fs::create_dir(cells.path(cell)).unwrap();
        cells.write(&format!("{cell}/chip.txt"), format!("{peaks}\tCTCF\n"));
    }
    let by_file = "-i F F -e 1 -g --gtf a.gtf --chrom-sizes genome.sizes -v v.bed -t t.bed -mo --motif-db motifs.meme";
    cells.train("file", by_file).ok();
    let by_pipe = "-i P P -e 1 -g --gtf <(gzip -c a.gtf) --chrom-sizes <(cat genome.sizes) -v <(cat v.bed) -t <(cat t.bed) \
                   --blacklist <(gzip -c blacklist.bed) -mo --motif-db <(cat motifs.meme)";
    let arguments = cells.train_arguments("pipe", by_pipe) + " < <(cat A/CTCF.bed)";
    bash(cells.folder(), &arguments).ok();
    assert_eq!(weights(&cells, "pipe"), weights(&cells, "file"));
    let recorded = recorded(&cells, "pipe");
    let expected = [
        "--chrom-sizes",
        "--blacklist",
        "--gtf",
        "chip.txt",
        "chip.txt",
        "-v",
        "-t",
    ];
    assert_eq!(flags(&recorded), expected);
    // The same pipes again: the run goes on, and ends as one that was never broken off.
    bash(
        cells.folder(),
        &(arguments.replace("-e 1", "-e 2") + " --resume"),
    )
    .ok();
    cells.train("whole", &by_file.replace("-e 1", "-e 2")).ok();
    assert_eq!(weights(&cells, "pipe"), weights(&cells, "whole"));
    // By pipes, by files, by pipes again: what the files were is kept.
    let to = |epochs: &str, by: &str| by.replace("-e 1", &format!("-e {epochs} --resume"));
    cells.write_gzip("b.bed.gz", text(cells.path("blacklist.bed")));
    cells.write_gzip("a.gtf.gz", GTF);
    let by_files = by_file.replace("F F", "P P").replace("a.gtf", "a.gtf.gz");
    let arguments = arguments.replace("gzip -c a.gtf", "cat a.gtf.gz");
    let arguments = arguments.replace("gzip -c blacklist.bed", "cat b.bed.gz");
    bash(cells.folder(), &arguments.replace("pipe", "first")).ok();
    std::fs::remove_dir_all(cells.path("pipe")).unwrap();
    std::fs::rename(cells.path("first"), cells.path("pipe")).unwrap();
    let files = cells.train_arguments("pipe", &to("3", &by_files));
    let files = files.replace("blacklist.bed", "b.bed.gz") + " < <(cat A/CTCF.bed)";
    bash(cells.folder(), &files).ok();
    let after_files = self::recorded(&cells, "pipe");
    assert_eq!(flags(&after_files), ["chip.txt", "chip.txt"]);
    let again = arguments.replace("-e 1", "-e 4 --resume");
    bash(cells.folder(), &again).ok();
    assert_eq!(self::recorded(&cells, "pipe"), after_files);
    let config = text(cells.path("pipe/config.json"));
    for known in ["v.bed", "t.bed", "a.gtf"] {
        assert!(config.contains(known), "{known}: {config}");
    }
    cells.train("whole", &to("4", by_file)).ok();
    assert_eq!(weights(&cells, "pipe"), weights(&cells, "whole"));
    // Another annotation, by a pipe or a file.
    let other = again.replace("cat a.gtf.gz", "sed s/9000/9001/ a.gtf");
    bash(cells.folder(), &other).fails(1, &["pipe was started with file", "a.gtf.gz (sha256"]);
    let without = again.replace("-g --gtf <(cat a.gtf.gz)", "");
    bash(cells.folder(), &without).fails(1, &["pipe was started with --gtf"]);

    let evaluate = |regions: &str, peaks: &str| {
        let more = format!("-i {peaks} -m whole -f CTCF -t {regions} --gtf a.gtf");
        let arguments = cells.on_arguments("evaluate", &more);
        bash(cells.folder(), &format!("{arguments} < <(cat A/CTCF.bed)"))
            .ok()
            .out
    };
    assert_eq!(evaluate("<(cat t.bed)", "P"), evaluate("t.bed", "F"));
}

#[test]
fn every_input_of_tisfm_may_be_a_pipe_packed_or_not() {
    let data = Data::new(40, 30);
    data.write_gzip("signals.tsv.gz", text(data.path("signals.tsv")));
    data.train("file", "--number-of-epochs 1").ok();
    let pipes = "--number-of-epochs 1 --meme-file <(cat motifs.meme) --atac-file <(cat signals.tsv.gz) --sequences <(cat sequences.tsv)";
    // The flags by themselves, so that none is given twice.
    let given = |out: &str, more: &str| {
        format!(
            "tisfm train --split-folder split --architecture {ARCHITECTURE} --batch-size 32 --lr 0.01 {more} --model-output {out}"
        )
    };
    bash(data.folder(), &given("pipe", pipes)).ok();
    assert_eq!(weights(&data, "pipe"), weights(&data, "file"));
    let found = recorded(&data, "pipe");
    assert_eq!(flags(&found), ["--atac-file", "--sequences", "--meme-file"]);
    let sequences = sha256_file(data.path("sequences.tsv")).unwrap();
    assert_eq!(found[1].0, sequences);

    // What a pipe gave is not there any more: the flag is asked for.
    let test = |more: &str| bash(data.folder(), &format!("tisfm test --model pipe {more}"));
    test("").fails(
        2,
        &[
            "pipe was trained on what --atac-file gave through a pipe",
            "give --atac-file",
        ],
    );
    test("--atac-file signals.tsv").fails(2, &["give --sequences"]);
    let tested = test("--atac-file <(cat signals.tsv) --sequences <(cat sequences.tsv)").ok();
    assert_eq!(tested.out, data.run("tisfm test --model file").ok().out);

    // Going on: with the same text, by a pipe or a file, and with no other.
    let more = pipes.replace("epochs 1", "epochs 2") + " --resume";
    bash(data.folder(), &given("pipe", &more)).ok();
    let by_file = "--number-of-epochs 3 --resume --atac-file signals.tsv.gz";
    data.train("pipe", by_file).ok();
    let more = pipes.replace("epochs 1", "epochs 4") + " --resume";
    bash(data.folder(), &given("pipe", &more)).ok();
    // What the files were is kept, and found again.
    assert_eq!(flags(&recorded(&data, "pipe")), [""; 0]);
    test("").ok();
    data.train("file", "--number-of-epochs 4 --resume").ok();
    assert_eq!(weights(&data, "pipe"), weights(&data, "file"));
    data.write(
        "other.tsv",
        text(data.path("signals.tsv")).replacen("\t0.", "\t1.", 1),
    );
    bash(data.folder(), &given("again", pipes)).ok();
    let other = more.replace("signals.tsv.gz", "other.tsv");
    bash(data.folder(), &given("again", &other)).fails(
        1,
        &[
            "--resume: again was started with --atac-file",
            "(a pipe, sha256",
            "this run has",
        ],
    );
}

#[test]
fn a_resumed_run_says_which_flag_named_a_pipe() {
    let cells = Cells::new();
    let arguments = cells.train_arguments("m", "-e 1 --blacklist <(cat blacklist.bed)");
    bash(cells.folder(), &arguments).ok();
    let before = weights(&cells, "m");
    let resume = |blacklist: &str| {
        let more = format!("-e 2 --resume --blacklist {blacklist}");
        bash(cells.folder(), &cells.train_arguments("m", &more))
    };
    resume("<(head -1 blacklist.bed)").fails(1, &["started with --blacklist", "a pipe, sha256"]);
    resume("/dev/null").fails(1, &["started with --blacklist", "a pipe, sha256"]);
    resume("/dev/fd/63").fails(1, &["--blacklist /dev/fd/63", "Give --blacklist again"]);
    let without = cells.train_arguments("m", "-e 2 --resume");
    let without = without.replace(" --blacklist blacklist.bed", "");
    cells
        .run(&without)
        .fails(1, &["started with --blacklist", "this run has nothing"]);
    assert_eq!(weights(&cells, "m"), before);
    resume("blacklist.bed").ok();
}

#[test]
fn a_dash_is_standard_input_of_predict() {
    let (cells, data) = (Cells::new(), Data::new(40, 30));
    cells.train("m", "-e 1").ok();
    cells.write("w.bed", "chr3\t5000\t5200\tx\nchr3\t9000\t9200\ty\n");
    cells.on("predict", "-m m -b w.bed -o file.bed.gz").ok();
    for (bed, out) in [("-", "dash.bed.gz"), ("/dev/stdin", "stdin.bed.gz")] {
        let more = format!("-m m -b {bed} -o {out}");
        piped(
            cells.folder(),
            &cells.on_arguments("predict", &more),
            "w.bed",
        )
        .ok();
        assert_eq!(cells.scored(out), cells.scored("file.bed.gz"));
    }
    let run = cells.on("predict", "-m m -b . -o never.bed");
    assert!(!run.err.contains("device:"), "{}", run.err);
    run.fails(1, &[".: a folder; expected a file"]);
    cells.write("bad.bed", "chr3\t5000\n");
    let bad = cells.on_arguments("predict", "-m m -b - -o bad.bed.gz");
    piped(cells.folder(), &bad, "bad.bed").fails(1, &["standard input, line 1"]);

    data.train("m", "--number-of-epochs 1").ok();
    let predict = |more: &str| format!("tisfm predict --model m {more}");
    let by_file = data.run(&predict("--sequences sequences.tsv")).ok().out;
    for (more, file) in [
        ("--sequences -", "sequences.tsv"),
        ("--sequences /dev/stdin", "peaks.fa"),
        ("--sequences - --genome genome.fa", "peaks.bed"),
    ] {
        let run = piped(data.folder(), &predict(more), file).ok();
        assert_eq!(run.out, by_file, "{more}");
    }
    // A file as standard input is read as well as a pipe.
    let mut run = command(data.folder(), &predict("--sequences -"));
    let file = File::open(data.path("sequences.tsv")).unwrap();
    let output = run.stdin(file).output().unwrap();
    assert_eq!(Run::of(output, "< sequences.tsv").ok().out, by_file);
}

#[test]
fn what_is_read_by_position_is_refused_from_a_pipe() {
    let (cells, data) = (Cells::new(), Data::new(40, 30));
    let never = cells.train_arguments("never", "--genome <(cat genome.fa)");
    bash(cells.folder(), &never).fails(1, &["a pipe, and genomes", "write it to a file"]);
    let never = cells.train_arguments("never", "--genome /dev/stdin") + " < genome.fa";
    bash(cells.folder(), &never).fails(1, &["/dev/stdin: the next run finds something else"]);
    let track = format!("{}\tDGF\n", cells.path("track").display());
    cells.write("A/bigwig.txt", track);
    let fifo = Command::new("mkfifo").arg(cells.path("track")).status();
    assert!(fifo.unwrap().success());
    cells.refuses(
        "",
        1,
        &["track: a pipe, and bigWig files", "write it to a file"],
    );

    let bed = "--sequences peaks.bed --genome <(cat genome.fa)";
    let never = data.train_arguments("never", bed);
    bash(data.folder(), &never).fails(1, &["a pipe, and genomes"]);
    data.train("m", "--number-of-epochs 1").ok();
    let never = data.train_arguments("never", "--model <(cat m/model.best.safetensors)");
    bash(data.folder(), &never).fails(1, &["a pipe, and weights"]);
    assert!(!data.path("never").exists() && !cells.path("never").exists());
}

#[test]
fn an_architecture_and_motifs_to_convert_come_through_pipes() {
    let data = Data::new(40, 30);
    let toml = data.run(&format!("tisfm architectures --show {ARCHITECTURE}"));
    data.write("own.toml", toml.ok().out);
    data.train("file", "--number-of-epochs 1").ok();
    let own = data.train_arguments(
        "pipe",
        "--number-of-epochs 1 --architecture <(cat own.toml)",
    );
    bash(data.folder(), &own).ok();
    assert_eq!(weights(&data, "pipe"), weights(&data, "file"));

    let by_file = data.convert_arguments("theirs", "converted");
    data.run(&by_file).ok();
    let by_pipe = by_file
        .replace("theirs/motifs.meme", "<(cat theirs/motifs.meme)")
        .replace("--out converted", "--out again");
    bash(data.folder(), &by_pipe).ok();
    assert_eq!(weights(&data, "again"), weights(&data, "converted"));
    let found = recorded(&data, "again");
    assert_eq!(flags(&found), ["--meme-file"]);
    assert_eq!(
        found[1].0,
        sha256_file(data.path("theirs/motifs.meme")).unwrap()
    );
}

#[test]
fn an_empty_blacklist_is_noted() {
    let cells = Cells::new();
    cells.write("empty.bed", "");
    cells.write("comments.bed", "# none\ntrack x\n");
    for (number, blacklist) in ["empty.bed", "comments.bed", "/dev/null"]
        .iter()
        .enumerate()
    {
        let more = format!("-e 1 --blacklist {blacklist}");
        let run = cells.train(&format!("m{number}"), &more).ok();
        let note = format!("note: --blacklist {blacklist} has no interval");
        assert!(run.err.contains(&note), "{}", run.err);
    }
    let run = cells.train("full", "-e 1").ok();
    assert!(!run.err.contains("has no interval"), "{}", run.err);
}

#[test]
fn standard_input_is_never_an_output_and_feeds_one_flag() {
    let data = Data::new(60, 40);
    data.train("model", "--number-of-epochs 1").ok();
    let before = bytes(data.path("peaks.fa"));
    let run = |arguments: &str| {
        let mut command = command(data.folder(), arguments);
        let file = File::open(data.path("peaks.fa")).unwrap();
        Run::of(command.stdin(file).output().unwrap(), arguments)
    };
    let predict = "tisfm predict --model model --sequences -";
    run(&format!("{predict} --out peaks.fa")).fails(2, &["--out peaks.fa", "this run reads"]);
    run("tisfm predict --model model --sequences peaks.fa --out -")
        .fails(2, &["--out -", "/dev/stdout"]);
    run("tisfm test --model model --sequences - --atac-file -").fails(2, &["one flag"]);
    assert!(bytes(data.path("peaks.fa")) == before);
    assert!(!data.path("-").exists());
    // What the file gives by its name it gives here.
    let table = run(predict).ok().out;
    let by_name = data
        .run("tisfm predict --model model --sequences peaks.fa")
        .ok();
    assert_eq!(table, by_name.out);
}

#[test]
fn a_cut_bgzip_file_is_refused_through_a_pipe_as_well() {
    let data = Data::new(60, 40);
    data.train("model", "--number-of-epochs 1").ok();
    let mut writer = noodles_bgzf::io::Writer::new(Vec::new());
    writer.write_all(&bytes(data.path("peaks.fa"))).unwrap();
    let whole = writer.finish().unwrap();
    let predict = "tisfm predict --model model --sequences -";
    data.write("whole.gz", &whole);
    piped(data.folder(), predict, "whole.gz").ok();
    // The last 28 bytes are the empty block that ends it.
    data.write("cut.gz", &whole[..whole.len() - 28]);
    piped(data.folder(), predict, "cut.gz").fails(1, &["truncated gzip stream"]);
}

#[test]
fn an_empty_bed_gives_an_empty_table() {
    let data = Data::new(60, 40);
    data.train("model", "--number-of-epochs 1").ok();
    let predict = "tisfm predict --model model --genome genome.fa --sequences";
    for text in ["", "# no interval\n\n"] {
        data.write("none.bed", text);
        let run = data.run(&format!("{predict} none.bed")).ok();
        assert_eq!(run.out, "name\tK562\tMCF7\n");
    }
    data.write("none.fa", "");
    data.run("tisfm predict --model model --sequences none.fa")
        .fails(1, &["none.fa: the file is empty"]);
}

/// What is no text is refused by its first bytes: it may have no end.
#[test]
fn a_stream_without_an_end_that_is_no_text_is_refused_at_once() {
    let cells = Cells::new();
    for (more, file) in [
        ("--blacklist <(cat /dev/zero)", "NUL"),
        ("-g --gtf <(cat /dev/zero)", "NUL"),
        ("--chrom-sizes /dev/zero", "/dev/zero, line 1"),
    ] {
        let run = bash(
            cells.folder(),
            &cells.train_arguments("m", &format!("-e 1 {more}")),
        );
        run.fails(1, &[file, "expected UTF-8 text"]);
    }
}
