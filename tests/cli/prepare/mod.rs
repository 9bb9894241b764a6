//! `cisgrad prepare`: from peaks, tracks and a genome to a data set.

mod cell;
mod pages;
mod reads;
mod table;

use crate::common::{Random, Run, Table, cisgrad, command, names, parameter, text};
use cisgrad::io::bigwig::{Run as Values, write_bigwig};
use cisgrad::io::chrom_sizes::Chromosomes;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// A genome of three chromosomes, two tracks and peaks.
struct Experiment {
    folder: tempfile::TempDir,
    genome: Vec<String>,
    /// By track, by chromosome: a value for each base, or none.
    tracks: [Vec<Vec<Option<f32>>>; 2],
}

const LENGTHS: [usize; 3] = [12_000, 9_000, 400];

impl Experiment {
    fn new() -> Experiment {
        let mut random = Random(11);
        let base = |random: &mut Random| b"ACGT"[random.below(4) as usize] as char;
        let mut genome: Vec<String> = LENGTHS
            .iter()
            .map(|&length| (0..length).map(|_| base(&mut random)).collect())
            .collect();
        genome[0].replace_range(5_000..5_100, &"N".repeat(100));
        let mut track = || -> Vec<Vec<Option<f32>>> {
            LENGTHS
                .iter()
                .map(|&length| {
                    let value = |random: &mut Random| match random.below(3) {
                        0 => None,
                        _ => Some(random.below(40) as f32 / 8.0),
                    };
                    (0..length).map(|_| value(&mut random)).collect()
                })
                .collect()
        };
        let tracks = [track(), track()];
        let made = Experiment {
            folder: tempfile::tempdir().unwrap(),
            genome,
            tracks,
        };
        let mut fasta = String::new();
        for (number, bases) in made.genome.iter().enumerate() {
            let _ = writeln!(fasta, ">chr{}\n{bases}", number + 1);
        }
        made.write("genome.fa", &fasta);
        for (name, track) in ["a.bw", "b.bw"].iter().zip(&made.tracks) {
            made.bigwig(name, track, &LENGTHS);
        }
        made.write("peaks.narrowPeak", &made.peaks());
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn bigwig(&self, name: &str, track: &[Vec<Option<f32>>], lengths: &[usize]) {
        let list = lengths.iter().enumerate();
        let list = list.map(|(number, &length)| (format!("chr{}", number + 1), length as u32));
        let chromosomes = Chromosomes::new("genome", list.collect()).unwrap();
        let runs = track.iter().enumerate().flat_map(|(number, values)| {
            let values = values.iter().enumerate();
            values.filter_map(move |(place, value)| {
                Some(Ok(Values {
                    chromosome: number as u32,
                    start: place as u32,
                    end: place as u32 + 1,
                    value: (*value)?,
                }))
            })
        });
        let runs: Vec<_> = runs.collect();
        write_bigwig(self.path(name), &chromosomes, runs.into_iter()).unwrap();
    }

    /// Peaks every 150 bases or so, with summits, a few of them without.
    fn peaks(&self) -> String {
        let mut random = Random(5);
        let mut text = String::new();
        for (number, length) in LENGTHS.iter().enumerate() {
            for place in (0..length - 60).step_by(150) {
                let start = place + random.below(40) as usize;
                let end = (start + 20 + random.below(60) as usize).min(*length);
                let summit = match random.below(10) {
                    0 => -1,
                    _ => random.below((end - start) as u64) as i64,
                };
                let score = random.below(9000) as f64 / 100.0 + 1.0;
                let _ = writeln!(
                    text,
                    "chr{}\t{start}\t{end}\tp{number}_{place}\t500\t.\t3\t{score}\t2\t{summit}",
                    number + 1
                );
            }
        }
        text
    }

    fn prepare(&self, out: &str, more: &str) -> Run {
        let tracks = match more.contains("--signal ") {
            true => "",
            false => "--signal A=a.bw B=b.bw",
        };
        let peaks = match more.contains("--peaks ") {
            true => "",
            false => "--peaks peaks.narrowPeak",
        };
        let split = match more.contains("--split ") {
            true => "",
            false => "--split random:60,20,20",
        };
        let width = match more.contains("--width ") {
            true => "",
            false => "--width 100",
        };
        self.run(&format!(
            "prepare peaks {peaks} {tracks} {split} {width} --genome genome.fa --out {out} {more}"
        ))
    }

    fn run(&self, arguments: &str) -> Run {
        cisgrad(self.folder.path(), arguments)
    }

    /// A window's numbers by the definition.
    fn of_window(&self, track: usize, name: &str) -> (f64, f64, f64) {
        let (chromosome, start, end) = place(name);
        let values = &self.tracks[track][chromosome][start..end];
        let sum: f64 = values.iter().flatten().map(|v| f64::from(*v)).sum();
        let most = values.iter().map(|v| v.map_or(0.0, f64::from));
        (
            sum / (end - start) as f64,
            sum,
            most.fold(f64::MIN, f64::max),
        )
    }
}

fn place(name: &str) -> (usize, usize, usize) {
    let (chromosome, span) = name.split_once(':').unwrap();
    let (start, end) = span.split_once('-').unwrap();
    let number: usize = chromosome.strip_prefix("chr").unwrap().parse().unwrap();
    (number - 1, start.parse().unwrap(), end.parse().unwrap())
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&text(path)).unwrap()
}

#[test]
fn windows_do_not_overlap_and_have_the_tracks_means_and_the_genomes_bases() {
    let made = Experiment::new();
    std::fs::create_dir(made.path("out")).unwrap();
    let run = made.prepare("out", "").ok();
    assert_eq!(
        names(made.path("out")),
        [
            "prepare.json",
            "regions.bed",
            "sequences.fa",
            "signals.tsv",
            "test_split.txt",
            "train_split.txt",
            "validation_split.txt"
        ]
    );
    let table = Table::read(made.path("out/signals.tsv"));
    assert_eq!(table.header.join(" "), "name A B");
    let fasta = text(made.path("out/sequences.fa"));
    let records: Vec<&str> = fasta.lines().collect();
    let bed = text(made.path("out/regions.bed"));
    let beds: Vec<&str> = bed.lines().collect();
    assert_eq!(
        (records.len(), beds.len()),
        (2 * table.rows.len(), table.rows.len())
    );
    let mut last = (0, 0);
    for (row, ((a, b), fields)) in table
        .numbers("A")
        .into_iter()
        .zip(table.numbers("B"))
        .zip(&table.rows)
        .enumerate()
    {
        let (chromosome, start, end) = place(&fields[0]);
        assert_eq!(end - start, 100);
        assert!(chromosome > last.0 || start >= last.1, "{fields:?}");
        last = (chromosome, end);
        for (track, found) in [(0, a), (1, b)] {
            let (mean, _, _) = made.of_window(track, &fields[0]);
            assert!((mean - found).abs() < 1e-9, "{fields:?}: {mean} {found}");
        }
        assert_eq!(records[2 * row], format!(">{}", fields[0]));
        assert_eq!(records[2 * row + 1], &made.genome[chromosome][start..end]);
        let expected = format!("chr{}\t{start}\t{end}\t{}\t", chromosome + 1, fields[0]);
        assert!(beds[row].starts_with(&expected), "{}", beds[row]);
    }
    // Every peak became a window or is counted among what was left out.
    let kept = json(&made.path("out/prepare.json"));
    let lost = kept["left_out"].as_object().unwrap().values();
    let lost: u64 = lost.map(|count| count.as_u64().unwrap()).sum();
    let peaks = made.peaks().lines().count() as u64;
    assert_eq!(kept["windows"].as_u64().unwrap() + lost, peaks);
    for cause in ["end", "unknown", "overlap"] {
        assert!(kept["left_out"][cause].as_u64().unwrap() > 0, "{cause}");
    }
    let said = run.err.trim_end();
    assert!(
        said.contains(&format!("{peaks} peaks in 1 file: ")),
        "{said}"
    );
    assert!(
        said.contains("have no summit: their middle is taken"),
        "{said}"
    );
    assert!(
        said.ends_with("cisgrad tisfm train --data out --meme-file MOTIFS.meme --recipe recommended --model-output MODEL"),
        "{said}"
    );
    assert_eq!(kept["inputs"][0]["flag"], "--peaks");
    assert!(kept["inputs"][2]["modified"].as_u64().is_some());

    // The same bytes with other numbers of threads.
    made.prepare("one", "--threads 1").ok();
    for file in names(made.path("out")) {
        let [a, b] = ["out", "one"].map(|folder| text(made.path(&format!("{folder}/{file}"))));
        assert_eq!(a, b, "{file}");
    }
}

#[test]
fn statistics_and_widths_of_signals_are_ones_own() {
    let made = Experiment::new();
    made.prepare("sum", "--statistic sum --center middle").ok();
    made.prepare("max", "--statistic max --signal-width 40")
        .ok();
    let sum = Table::read(made.path("sum/signals.tsv"));
    for (row, found) in sum.rows.iter().zip(sum.numbers("B")) {
        assert!((made.of_window(1, &row[0]).1 - found).abs() < 1e-9);
    }
    let max = Table::read(made.path("max/signals.tsv"));
    for (row, found) in max.rows.iter().zip(max.numbers("A")) {
        let (chromosome, start, _) = place(&row[0]);
        let inner = format!("chr{}:{}-{}", chromosome + 1, start + 30, start + 70);
        assert_eq!(made.of_window(0, &inner).2, found, "{row:?}");
    }
}

#[test]
fn peaks_may_come_through_a_pipe() {
    let made = Experiment::new();
    made.prepare("out", "").ok();
    let mut child = command(
        made.folder.path(),
        "prepare peaks --peaks - --signal A=a.bw B=b.bw --split random:60,20,20 --width 100 --genome genome.fa --out piped",
    )
    .stdin(Stdio::piped())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(made.peaks().as_bytes()).unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
    for file in ["signals.tsv", "sequences.fa", "test_split.txt"] {
        let [a, b] = ["out", "piped"].map(|folder| text(made.path(&format!("{folder}/{file}"))));
        assert_eq!(a, b, "{file}");
    }
}

#[test]
fn files_compete_by_their_share_of_their_own_scores() {
    let made = Experiment::new();
    // The second file's scores are a hundred times larger, and it has more of them.
    made.write(
        "x.bed",
        "chr1\t1000\t1100\tx1\t4\nchr1\t3000\t3100\tx2\t4\n",
    );
    made.write(
        "y.bed",
        "chr1\t1020\t1120\ty1\t100\nchr1\t3020\t3120\ty2\t700\nchr1\t7000\t7100\ty3\t200\n",
    );
    let more = "--peaks x.bed y.bed --split chrom:chr2:chr3 --keep-names";
    let run = made.prepare("out", more);
    run.fails(1, &["no row is on chromosome 'chr2'"]);
    assert!(!made.path("out").exists());
    made.write("z.bed", "chr2\t500\t600\tz1\t1\nchr3\t100\t200\tz2\t1\n");
    let more = "--peaks x.bed y.bed z.bed --split chrom:chr2:chr3 --keep-names";
    made.prepare("out", more).ok();
    let table = Table::read(made.path("out/signals.tsv"));
    assert_eq!(table.column("name"), ["x1", "y2", "y3", "z1", "z2"]);
    assert_eq!(text(made.path("out/validation_split.txt")), "z1\n");
    assert_eq!(text(made.path("out/test_split.txt")), "z2\n");
    let bed = text(made.path("out/regions.bed"));
    assert!(bed.starts_with("chr1\t1000\t1100\tx1\t4\n"), "{bed}");
}

#[test]
fn transforms_are_fitted_on_training_rows_kept_and_told() {
    let made = Experiment::new();
    made.prepare("raw", "").ok();
    let chain = "--transform log2p1,clip:5:95,quantile,zscore,rowcenter";
    let run = made.prepare("out", chain).ok();
    let kept = json(&made.path("out/prepare.json"));
    let steps = kept["transform"].as_array().unwrap();
    let steps: Vec<&str> = steps
        .iter()
        .map(|s| s["transform"].as_str().unwrap())
        .collect();
    assert_eq!(steps, ["log2p1", "clip", "quantile", "zscore", "rowcenter"]);
    let told = "signals: transform log2p1,clip:5:95,quantile,zscore,rowcenter; signals are relative to the row's mean";
    assert!(run.err.contains(told), "{}", run.err);
    let table = Table::read(made.path("out/signals.tsv"));
    for (a, b) in table.numbers("A").iter().zip(table.numbers("B")) {
        assert!((a + b).abs() < 1e-9);
    }
    // log2(x + 1) and a z score of training rows alone, by hand.
    made.prepare("z", "--transform log2p1,zscore").ok();
    let (raw, z) = (
        Table::read(made.path("raw/signals.tsv")),
        Table::read(made.path("z/signals.tsv")),
    );
    let logs: Vec<f64> = raw.numbers("A").iter().map(|x| (x + 1.0).log2()).collect();
    let train = text(made.path("z/train_split.txt"));
    let train: Vec<&str> = train.lines().collect();
    let of_train: Vec<f64> = raw
        .rows
        .iter()
        .zip(&logs)
        .filter(|(row, _)| train.contains(&row[0].as_str()))
        .map(|(_, log)| *log)
        .collect();
    assert_eq!(of_train.len(), train.len());
    let mean = of_train.iter().sum::<f64>() / of_train.len() as f64;
    let square: f64 = of_train.iter().map(|x| (x - mean).powi(2)).sum();
    let deviation = (square / of_train.len() as f64).sqrt();
    for (log, found) in logs.iter().zip(z.numbers("A")) {
        assert!(((log - mean) / deviation - found).abs() < 1e-9);
    }

    made.write(
        "motifs.meme",
        "MEME version 4\n\nALPHABET= ACGT\n\nMOTIF m\nletter-probability matrix: alength= 4 w= 4\n0.9 0.03 0.04 0.03\n0.03 0.9 0.04 0.03\n0.03 0.03 0.9 0.04\n0.03 0.03 0.04 0.9\n",
    );
    let train = "tisfm train --data out --meme-file motifs.meme --architecture plain --number-of-epochs 1 --model-output model";
    let run = made.run(train).ok();
    assert!(run.err.contains(told), "{}", run.err);
    let config = json(&made.path("model/config.json"));
    assert_eq!(config["transform"], kept["transform"]);
    for command in ["test", "motifs"] {
        let run = made.run(&format!("tisfm {command} --model model")).ok();
        assert!(run.err.contains(told), "{command}: {}", run.err);
    }
    // What the folder has may be given by itself as well: the same weights.
    let by_hand = "tisfm train --atac-file out/signals.tsv --sequences out/sequences.fa --split-folder out --meme-file motifs.meme --architecture plain --number-of-epochs 1 --model-output hand";
    made.run(by_hand).ok();
    let weights = |model: &str| {
        parameter(
            made.path(&format!("{model}/model.best.safetensors")),
            "linreg.weight",
        )
    };
    assert_eq!(weights("model"), weights("hand"));
    let other = train.replace("--model-output model", "--model-output other");
    let run = made.run(&format!("{other} --split random:50,25,25")).ok();
    assert!(
        run.err
            .contains("was fitted on the training rows of the folder's own split"),
        "{}",
        run.err
    );
    made.run(&format!("{train} --atac-file out/signals.tsv"))
        .fails(2, &["--data", "--atac-file"]);
}

#[test]
fn rows_are_split_by_the_regions_of_two_files() {
    let made = Experiment::new();
    made.write("v.bed", "chr1\t0\t3000\n");
    made.write("t.bed", "chr2\t0\t2000\nchr2\t1500\t4000\n");
    let more = "--split regions:v.bed:t.bed";
    let rules = |more: &str| {
        made.run(&format!(
            "prepare peaks --peaks peaks.narrowPeak --signal A=a.bw --genome genome.fa --width 100 --out out {more}"
        ))
    };
    rules(more).ok();
    let part = |name: &str| text(made.path(&format!("out/{name}_split.txt")));
    for name in part("validation").lines() {
        let (chromosome, start, _) = place(name);
        assert!(chromosome == 0 && start < 3000, "{name}");
    }
    for name in part("test").lines() {
        let (chromosome, start, _) = place(name);
        assert!(chromosome == 1 && start < 4000, "{name}");
    }
    for name in part("train").lines() {
        let (chromosome, start, _) = place(name);
        let held = chromosome == 0 && start < 3000 || chromosome == 1 && start < 4000;
        assert!(!held, "{name}");
    }
    std::fs::remove_dir_all(made.path("out")).unwrap();
    made.write("far.bed", "chr9\t0\t10\n");
    rules("--split regions:v.bed:far.bed").fails(1, &["far.bed: no row lies in these regions"]);
    rules("--split regions:v.bed").fails(2, &["regions:VALIDATION.bed:TEST.bed"]);
}

#[test]
fn what_cannot_be_prepared_is_said_and_nothing_is_written() {
    let made = Experiment::new();
    made.write("other.bed", "1\t100\t200\n2\t100\t200\n");
    let shorter = [made.tracks[0][0][..11_000].to_vec()];
    made.bigwig("short.bw", &shorter, &[11_000]);
    let whole = std::fs::read(made.path("a.bw")).unwrap();
    std::fs::write(made.path("cut.bw"), &whole[..whole.len() / 2]).unwrap();
    std::fs::create_dir(made.path("full")).unwrap();
    made.write("full/x", "");
    for (more, code, parts) in [
        (
            "--peaks other.bed",
            1,
            &[
                "no chromosome of other.bed is in genome.fa",
                "'1'",
                "'chr1'",
            ][..],
        ),
        (
            "--signal A=short.bw",
            1,
            &[
                "short.bw",
                "chr1 has 11000 bases, 12000 in genome.fa",
                "another genome build",
            ],
        ),
        ("--signal A=cut.bw", 1, &["cut.bw", "truncated"]),
        (
            "--signal A=peaks.narrowPeak",
            1,
            &["peaks.narrowPeak", "expected a bigWig"],
        ),
        ("--signal A=a.bw A=b.bw", 2, &["two signals are called 'A'"]),
        ("--signal a.bw", 2, &["--signal", "NAME=FILE"]),
        (
            "--signal A=a.bw --transform rowcenter",
            2,
            &["there is one output"],
        ),
        ("--transform log10", 2, &["transform 'log10'", "log2p1"]),
        ("--width 20000", 2, &["--width 20000", "has 12000 bases"]),
        ("--chromosomes chrX", 2, &["--chromosomes chrX", "chr1"]),
        ("--split fold:6/5", 2, &["fold 6/5", "from 1 to 5"]),
        ("--split fold:1/9", 1, &["fold 1/9", "a fold has no data"]),
        ("--max-n 2", 2, &["--max-n", "from 0 to 1"]),
    ] {
        made.prepare("never", more).fails(code, parts);
        assert!(!made.path("never").exists(), "{more}");
    }
    made.prepare("full", "").fails(1, &["full", "holds files"]);
    made.write("black.bed", "chr1\t0\t12000\nchr2\t0\t9000\nchr3\t0\t400\n");
    let run = made.prepare("never", "--blacklist black.bed");
    assert!(run.err.contains("on the blacklist"), "{}", run.err);
    run.fails(1, &["no window is left"]);
    assert!(!made.path("never").exists());
}
