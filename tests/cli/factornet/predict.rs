//! `cisgrad factornet predict`.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::Duration;

use cisgrad::io::bigwig::{Run as Values, write_bigwig};
use cisgrad::io::chrom_sizes::Chromosomes;

use crate::common::factornet::{Cells, values};
use crate::common::kinds::Kind;
use crate::common::{assert_no_leftovers, bytes, command, names, text};

/// A model of CTCF that has learned a little.
fn trained() -> Cells {
    let cells = Cells::new();
    cells.train("model", "-e 3 -lr 0.02").ok();
    cells
}

/// `chr:start-end` and score of each line.
fn scores(lines: &[Vec<String>]) -> BTreeMap<String, String> {
    let place = |line: &Vec<String>| (line[..3].join(" "), line[3].clone());
    lines.iter().map(place).collect()
}

/// Windows of 200 bases each 50, away from ends.
fn tiled(from: u32, to: u32) -> String {
    let starts = (from..=to - 200).step_by(50);
    starts
        .map(|s| format!("chr3\t{s}\t{}\n", s + 200))
        .collect()
}

#[test]
fn the_score_stands_in_column_4_of_every_line_in_the_order_of_the_file() {
    let cells = trained();
    let lines = [
        "track name=windows",
        "#chrom start end",
        "chr3\t5000\t5200",
        "chr1\t9000\t9200\tname",
        "",
        "chr2 700 900 name 7 +",
        "chr3\t5000\t5200\tname\t0\t-\textra column",
        "browser position chr1",
        // Near the blacklist (chr3:30000-30500 grown by 200), on it, beside it.
        "chr3\t29700\t29801",
        "chr3\t30100\t30300\ta",
        "chr3\t29700\t29800",
        // At an end, past it, far past any chromosome.
        "chr1\t100\t300",
        "chr1\t59900\t60100",
        "chr1\t5000000000\t5000000200",
    ];
    cells.write("w.bed", lines.join("\n"));
    cells
        .on("predict", "-m model -f CTCF -b w.bed -o p.bed.gz")
        .ok();
    let found = cells.scored("p.bed.gz");
    assert_eq!(found.len(), 10);
    let zero = "0.000e+00";
    let scored = |i: usize, columns: &[&str]| {
        let line = &found[i];
        let (place, rest) = (columns[..3].to_vec(), &columns[3..]);
        assert_eq!(line[..3], place, "{line:?}");
        assert_eq!(line[4..], *rest, "{line:?}");
        let score = &line[3];
        let value: f64 = score.parse().unwrap();
        assert!(value > 0.0 && value < 1.0, "{line:?}");
        let (digits, exponent) = score.split_once('e').unwrap();
        assert!(digits.len() == 5 && digits.as_bytes()[1] == b'.', "{score}");
        assert!(exponent.len() == 3 && exponent.starts_with('-'), "{score}");
    };
    scored(0, &["chr3", "5000", "5200"]);
    scored(1, &["chr1", "9000", "9200"]);
    scored(2, &["chr2", "700", "900", "7", "+"]);
    scored(3, &["chr3", "5000", "5200", "0", "-", "extra column"]);
    assert_eq!(found[0][3], found[3][3]);
    assert_eq!(found[4].join(" "), format!("chr3 29700 29801 {zero}"));
    assert_eq!(found[5].join(" "), format!("chr3 30100 30300 {zero}"));
    scored(6, &["chr3", "29700", "29800"]);
    for line in &found[7..] {
        assert_eq!(line[3], zero, "{line:?}");
    }
    assert_no_leftovers(cells.folder());
}

#[test]
fn packing_order_batches_and_threads_change_no_score() {
    let cells = trained();
    let bed = tiled(1000, 9000);
    let mut lines: Vec<&str> = bed.lines().collect();
    cells.write("w.bed", &bed);
    lines.reverse();
    lines.swap(3, 70);
    cells.write_gzip("w.bed.gz", lines.join("\n"));
    cells.on("predict", "-m model -b w.bed -o p.gz").ok();
    cells
        .on(
            "predict",
            "-m model -b w.bed -o small.gz --batch-size 7 --threads 1",
        )
        .ok();
    assert!(bytes(cells.path("p.gz")) == bytes(cells.path("small.gz")));
    cells.on("predict", "-m model -b w.bed.gz -o other.gz").ok();
    let (a, b) = (cells.scored("p.gz"), cells.scored("other.gz"));
    assert_ne!(a, b);
    assert_eq!(scores(&a), scores(&b));
    assert!(
        scores(&a)
            .values()
            .collect::<std::collections::BTreeSet<_>>()
            .len()
            > 100
    );
}

#[test]
fn chromosomes_that_are_not_in_use_score_0_and_are_counted_once() {
    let cells = trained();
    cells.write(
        "w.bed",
        "chrX\t5\t9\nchr3\t5000\t5200\nchrX\t50\t90\nchrUn\t1\t2\n",
    );
    let run = cells.on("predict", "-m model -b w.bed -o p.gz").ok();
    let warning = "warning: w.bed: 3 intervals are on chromosomes that are not in use and score 0: 'chrX', 'chrUn'";
    assert_eq!(run.err.matches("warning").count(), 1, "{}", run.err);
    assert!(run.err.contains(warning), "{}", run.err);
    let zeros: Vec<bool> = cells
        .scored("p.gz")
        .iter()
        .map(|l| l[3] == "0.000e+00")
        .collect();
    assert_eq!(zeros, [true, false, true, true]);
    let before = names(cells.folder());
    cells
        .on(
            "predict",
            "-m model -b w.bed -o strict.gz --bigwig strict.bw --strict",
        )
        .fails(
            1,
            &[
                "w.bed, line 1",
                "'chrX' is not in use; those are 'chr1', 'chr2', 'chr3'",
            ],
        );
    assert_eq!(names(cells.folder()), before);
    // One that a track lacks is read as 0 there, with a warning; that is no score to be strict about.
    cells.write("two.sizes", "chr1\t60000\nchr2\t60000\n");
    let two = Chromosomes::read(cells.path("two.sizes")).unwrap();
    let run = Values {
        chromosome: 0,
        start: 500,
        end: 900,
        value: 2.0,
    };
    write_bigwig(cells.path("A/dgf.bw"), &two, [Ok(run)].into_iter()).unwrap();
    cells.write("w.bed", "chr1\t5000\t5200\nchr3\t5000\t5200\n");
    let run = cells.on("predict", "-m model -b w.bed -o p.gz").ok();
    assert!(
        run.err
            .contains("are not in this track and read as 0: 'chr2', 'chr3'"),
        "{}",
        run.err
    );
    cells
        .on("predict", "-m model -b w.bed -o p.gz --strict")
        .fails(1, &["w.bed, line 2: chromosome 'chr3' is not in A/dgf.bw"]);
}

#[test]
fn an_empty_bed_gives_an_empty_file() {
    let cells = trained();
    for content in ["", "\n", "track name=nothing\n# none\n"] {
        cells.write("w.bed", content);
        cells
            .on("predict", "-m model -b w.bed -o p.gz --bigwig p.bw")
            .ok();
        assert!(cells.scored("p.gz").is_empty());
        assert!(!cells.path("p.bw").exists());
    }
}

#[test]
fn the_bigwig_holds_the_mean_of_the_windows_over_each_base() {
    let cells = trained();
    let bed = tiled(5000, 6000) + "chr3\t8000\t8100\nchr3\t100\t300\nchr2\t4000\t4007\n";
    cells.write("w.bed", &bed);
    cells
        .on("predict", "-m model -f CTCF -b w.bed -o p.gz --bigwig p.bw")
        .ok();
    let lines = cells.scored("p.gz");
    let windows: Vec<(String, u32, u32, f64)> = lines
        .iter()
        .map(|l| {
            (
                l[0].clone(),
                l[1].parse().unwrap(),
                l[2].parse().unwrap(),
                l[3].parse().unwrap(),
            )
        })
        .collect();
    let mut several = 0;
    for (chromosome, end) in [("chr3", 10_000), ("chr2", 5000)] {
        let found = values(&cells.path("p.bw"), chromosome, 0, end);
        for base in 0..end {
            let over: Vec<f64> = windows
                .iter()
                .filter(|(c, start, end, score)| {
                    c == chromosome && (*start..*end).contains(&base) && *score > 0.0
                })
                .map(|w| w.3)
                .collect();
            let value = f64::from(found[base as usize]);
            if over.is_empty() {
                assert!(value.is_nan(), "{chromosome}:{base} {value}");
                continue;
            }
            several = several.max(over.len());
            let mean = over.iter().sum::<f64>() / over.len() as f64;
            // The file's scores have four digits.
            assert!(
                (value - mean).abs() <= 6e-4 * mean,
                "{chromosome}:{base} {value} {mean}"
            );
        }
    }
    assert_eq!(several, 4);
}

#[test]
fn all_factors_have_a_column_each_in_the_order_of_chip_txt() {
    let cells = Cells::new();
    cells.train_all("model", "-e 1").ok();
    cells.write(
        "w.bed",
        "chr3\t5000\t5200\tname\t9\nchr3\t100\t200\nchrX\t1\t2\tq\n",
    );
    let run = cells
        .on("predict", "-m model -b w.bed -o p.gz --bigwig p.bw")
        .ok();
    assert!(
        run.err.contains("score columns: CTCF\tMAX\n"),
        "{}",
        run.err
    );
    let mut all = cells.scored("p.gz");
    let header = all.remove(0);
    assert_eq!(
        header,
        ["#chrom", "start", "end", "CTCF", "MAX", "column_5"]
    );
    assert_eq!(all[0].len(), 6);
    assert_eq!(all[0][5], "9");
    assert_eq!(all[1][3..], ["0.000e+00", "0.000e+00"]);
    assert_eq!(all[2][3..], ["0.000e+00", "0.000e+00"]);
    for (column, factor) in [(3, "CTCF"), (4, "MAX")] {
        cells
            .on(
                "predict",
                &format!("-m model -f {factor} -b w.bed -o one.gz --bigwig one.bw"),
            )
            .ok();
        assert_eq!(cells.scored("one.gz")[0][3], all[0][column]);
        let both = cells.path(&format!("p.{factor}.bw"));
        assert!(bytes(both) == bytes(cells.path("one.bw")), "{factor}");
    }
    assert!(!cells.path("p.bw").exists());
    // Names that are no files' names.
    let chip = text(cells.path("A/chip.txt"));
    cells.write("A/chip.txt", chip.replace("\tMAX\t", "\tMAX/MXI1\t"));
    cells.write("A/bigwig.txt", "dgf.bw\tDGF/raw\n");
    cells.train_all("slash", "-e 1").ok();
    cells
        .on("predict", "-m slash -b w.bed -o p.gz --bigwig p.bw")
        .ok();
    assert!(cells.path("p.MAX_MXI1.bw").exists());
    cells
        .on("visualize", "-m slash -b w.bed -c chr3 -o shown")
        .ok();
    assert!(cells.path("shown/DGF_raw_meansignal.npy").exists());
    cells.write("A/bigwig.txt", "dgf.bw\tDGF\n");
    cells
        .on("predict", "-m model -f MYC -b w.bed -o never.gz")
        .fails(2, &["-f MYC: the model predicts CTCF, MAX"]);
}

/// By whatever path: another spelling, a link.
#[test]
fn no_output_takes_the_place_of_an_input_or_of_another_output() {
    let cells = trained();
    cells.write("w.bed", "chr3\t5000\t5200\n");
    std::os::unix::fs::symlink(cells.path("w.bed"), cells.path("link")).unwrap();
    let inputs = [
        "w.bed",
        "genome.fa",
        "blacklist.bed",
        "A/dgf.bw",
        "A/bigwig.txt",
        "A/chip.txt",
        "model/model.best.safetensors",
        "model/config.json",
    ];
    let all = || inputs.map(|name| bytes(cells.path(name)));
    let before = all();
    for output in inputs.iter().chain(&["link", "./A/../w.bed"]) {
        for flags in [format!("-o {output}"), format!("-o p.gz --bigwig {output}")] {
            cells
                .on("predict", &format!("-m model -b w.bed {flags}"))
                .fails(2, &["is a file that this run reads"]);
        }
    }
    cells
        .on("predict", "-m model -b w.bed -o p.gz --bigwig ./p.gz")
        .fails(2, &["--bigwig ./p.gz is the file of -o"]);
    assert!(all() == before);
    assert!(!cells.path("p.gz").exists());
    // Beside them there is room.
    cells
        .on("predict", "-m model -b w.bed -o model/p.gz --bigwig A/p.bw")
        .ok();
}

/// Known before the first window is scored, not after the last one.
#[test]
fn an_output_that_cannot_be_written_costs_no_work() {
    let cells = trained();
    cells.write("w.bed", "chr3\t5000\t5200\n");
    cells
        .on("predict", "-m model -b w.bed -o p.gz --bigwig no.such/p.bw")
        .fails(1, &["no.such: No such file"]);
    cells
        .on("predict", "-m model -b w.bed -o A")
        .fails(1, &["A: a folder; expected a file to write"]);
    cells
        .on("visualize", "-m model -b w.bed -c chr3 -o w.bed/out")
        .fails(1, &["w.bed"]);
    assert!(!cells.path("p.gz").exists());
    assert_no_leftovers(cells.folder());
}

#[test]
fn sigint_ends_prediction_with_130_and_leaves_the_old_scores() {
    let cells = trained();
    cells.write("p.gz", "old");
    cells.write("w.bed", tiled(4_000, 28_000).repeat(400));
    let line = "factornet predict -i A -m model -b w.bed -o p.gz --genome genome.fa --blacklist blacklist.bed";
    let mut child = command(cells.folder(), line)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = || {
        names(cells.folder())
            .iter()
            .any(|name| name.starts_with(".cisgrad-"))
    };
    // A run that ends before it is hit fails below: its code is 0.
    while !begun() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.ends_with("\ninterrupted\n"), "{said}");
    assert_eq!(text(cells.path("p.gz")), "old");
    assert_no_leftovers(cells.folder());
}

#[test]
fn a_run_that_fails_leaves_the_old_scores() {
    let cells = trained();
    cells.write("w.bed", "chr3\t5000\t5200\n");
    cells
        .on("predict", "-m model -b w.bed -o p.gz --bigwig p.bw")
        .ok();
    let before = (bytes(cells.path("p.gz")), bytes(cells.path("p.bw")));
    for (bad, message) in [
        ("chr3\t5000\t5200\nchr3\t7\n", "bad.bed, line 2: 'chr3\t7'"),
        (
            "chr3\t5000\t5200\n\nchr3\t9\t8\n",
            "bad.bed, line 3: interval chr3:9-8 ends before it starts",
        ),
        ("chr3\t-5\t9\n", "bad.bed, line 1: coordinate '-5'"),
    ] {
        cells.write("bad.bed", bad);
        cells
            .on("predict", "-m model -b bad.bed -o p.gz --bigwig p.bw")
            .fails(1, &[message]);
        assert!(
            before == (bytes(cells.path("p.gz")), bytes(cells.path("p.bw"))),
            "{bad}"
        );
    }
    cells
        .on("predict", "-m model -b w.bed -o no.such/p.gz")
        .fails(1, &["no.such: No such file"]);
    cells
        .on("predict", "-m A -b w.bed -o p.gz")
        .fails(1, &["A: no model folder"]);
    assert_eq!(text(cells.path("w.bed")), "chr3\t5000\t5200\n");
    assert_no_leftovers(cells.folder());
}

/// The largest resident set of a run so far, in kilobytes.
fn peak(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_number_of_intervals() {
    let cells = Cells::new();
    cells.train("model", "-r 0 -k 2 -d 2 -e 1").ok();
    let mut peaks = Vec::new();
    for lines in [40_000_u32, 300_000] {
        // One in ten is scored; names make a line 100 bytes long.
        let line = |i: u32| {
            let start = if i.is_multiple_of(10) {
                1000 + i % 20_000
            } else {
                i % 150
            };
            format!("chr3\t{start}\t{}\t{:090}\n", start + 200, i)
        };
        cells.write("w.bed", (0..lines).map(line).collect::<String>());
        let arguments =
            "factornet predict -i A -m model -b w.bed -o p.gz --bigwig p.bw --genome genome.fa";
        let mut run = command(cells.folder(), arguments)
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut highest = 0;
        let status = loop {
            highest = highest.max(peak(run.id()).unwrap_or(0));
            if let Some(status) = run.try_wait().unwrap() {
                break status;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        assert!(status.success());
        assert_eq!(cells.scored("p.gz").len(), lines as usize);
        peaks.push(highest);
    }
    // The file grew by 30 MB.
    assert!(peaks[1] < peaks[0] + 12_000, "{peaks:?} kB");
}

/// Two models of other inputs and lengths: their mean, and the mean of their ranks, over what both score.
#[test]
fn several_models_give_one_score() {
    let cells = trained();
    cells
        .train("longer", "-e 1 -s 3 -L 300 -i A B -m -lr 0.02")
        .ok();
    // Near the blacklist (chr3:30000-30500) the longer one leaves more out.
    let bed = tiled(28_500, 32_000);
    cells.write("w.bed", &bed);
    let score = |models: &str, out: &str, more: &str| -> Vec<f64> {
        cells
            .on("predict", &format!("-m {models} -b w.bed -o {out} {more}"))
            .ok();
        cells
            .scored(out)
            .iter()
            .map(|line| line[3].parse().unwrap())
            .collect()
    };
    let (one, two) = (
        score("model", "1.bed.gz", ""),
        score("longer", "2.bed.gz", ""),
    );
    let mean = score("model longer", "m.bed.gz", "--bigwig m.bw");
    let ranked = score("model longer", "r.bed.gz", "--combine rank");
    let both: Vec<usize> = (0..one.len())
        .filter(|&i| one[i] > 0.0 && two[i] > 0.0)
        .collect();
    let left_out = one
        .iter()
        .zip(&two)
        .filter(|(a, b)| **a > 0.0 && **b == 0.0);
    assert!(left_out.count() > 0 && both.len() > 20);
    let rank = |all: &[f64], i: usize| {
        let own: Vec<f64> = both.iter().map(|&j| all[j]).collect();
        let below = own.iter().filter(|x| **x < all[i]).count() as f64;
        let same = own.iter().filter(|x| **x == all[i]).count() as f64;
        (below + (same + 1.0) / 2.0) / own.len() as f64
    };
    for i in 0..one.len() {
        if !both.contains(&i) {
            assert_eq!((mean[i], ranked[i]), (0.0, 0.0));
            continue;
        }
        // Files have four digits.
        let expected = (one[i] + two[i]) / 2.0;
        assert!(
            (mean[i] - expected).abs() < 1e-3 * expected,
            "{} {expected}",
            mean[i]
        );
        // Scores that differ beyond the fourth digit are ties here.
        let expected = (rank(&one, i) + rank(&two, i)) / 2.0;
        assert!(
            (ranked[i] - expected).abs() < 0.05,
            "{} {expected}",
            ranked[i]
        );
    }
    assert!(cells.path("m.bw").exists());
    // Through a pipe it is the same.
    let line = "factornet predict -i A -m model longer -b - -o p.bed.gz --genome genome.fa --blacklist blacklist.bed";
    let mut child = command(cells.folder(), line)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), bed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(cells.scored("p.bed.gz"), cells.scored("m.bed.gz"));
    cells
        .on("predict", "-m model -b w.bed -o x.bed --combine rank")
        .fails(2, &["--combine goes with several models"]);
    cells.train_all("all", "-e 1").ok();
    cells
        .on("predict", "-m model all -b w.bed -o x.bed")
        .fails(2, &["model predicts CTCF, all predicts CTCF, MAX", "-f"]);
    cells
        .on("predict", "-m model all -b w.bed -o x.bed -f CTCF")
        .ok();
}

/// The last of a flag holds, as in the original; where several values were meant, that is said.
#[test]
fn a_list_in_pieces_is_noted() {
    let cells = Cells::small();
    cells.train("a", "-e 1").ok();
    cells.train("b", "-e 1 -s 5").ok();
    cells.write("w.bed", "chr3\t5000\t5200\n");
    let run = cells.on("predict", "-m a -m b -b w.bed -o twice.bed").ok();
    assert!(
        run.err.contains(
            "note: -m is given 2 times: the last one holds; several values stand behind one -m"
        ),
        "{}",
        run.err
    );
    let run = cells.on("predict", "-m b -b w.bed -o once.bed").ok();
    assert!(!run.err.contains("times"), "{}", run.err);
    assert_eq!(text(cells.path("twice.bed")), text(cells.path("once.bed")));
    let run = cells
        .run(&(cells.train_arguments("c", "-e 1") + " --inputdirs A"))
        .ok();
    assert!(run.err.contains(" is given 2 times"), "{}", run.err);
}
