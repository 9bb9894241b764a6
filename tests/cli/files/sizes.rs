//! Numbers of any size: an error, never an abort.

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::common::factornet::{BASES, Cells};
use crate::common::kinds::{Kind, Output};
use crate::common::tisfm::Data;
use crate::common::{Run, text};
use cisgrad::io::bigwig::{Run as Values, write_bigwig};
use cisgrad::io::chrom_sizes::Chromosomes;

for_each_kind! {
    a_batch_of_more_than_there_is_is_all_of_it;
    a_negative_number_meets_a_message_about_the_number;
}

/// Sizes that no memory has room for, and that no arithmetic may stumble over.
const LARGE: [&str; 3] = ["1000000000", "1000000000000000000", "18446744073709551615"];

fn a_batch_of_more_than_there_is_is_all_of_it<K: Kind>() {
    let data = K::small();
    data.train("model", "").ok();
    for size in LARGE {
        data.train("large", &format!("--batch-size {size} {}", K::epochs(1)))
            .ok();
        std::fs::remove_dir_all(data.path("large")).unwrap();
        for reading in data.reading("model", "out") {
            let shown = |more: &str| {
                data.run(&format!("{}{more}", reading.arguments)).ok();
                match reading.output {
                    Output::Table | Output::File => text(data.path("out")),
                    Output::Folder => {
                        let motifs = text(data.path("out/motifs.txt"));
                        std::fs::remove_dir_all(data.path("out")).unwrap();
                        motifs
                    }
                }
            };
            let (usual, all) = (shown(""), shown(&format!(" --batch-size {size}")));
            let _ = std::fs::remove_file(data.path("out"));
            assert_close(&usual, &all);
        }
    }
}

/// The same words and, up to rounding, numbers.
#[track_caller]
fn assert_close(a: &str, b: &str) {
    let words = |text: &str| {
        text.split_whitespace()
            .map(String::from)
            .collect::<Vec<_>>()
    };
    let (a, b) = (words(a), words(b));
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(&b) {
        match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(x), Ok(y)) => assert!((x - y).abs() <= 2e-3 * (1e-3 + x.abs()), "{x} {y}"),
            _ => assert_eq!(a, b),
        }
    }
}

fn a_negative_number_meets_a_message_about_the_number<K: Kind>() {
    let data = K::small();
    let rate = K::RATE;
    data.refuses(
        &format!("{rate} -1"),
        2,
        &[&format!("{rate} -1: expected a number above 0")],
    );
    for (flag, least) in [("--batch-size", 1), ("--threads", 0)] {
        let expected = format!("{flag} -2: expected a whole number of {least} or more");
        data.refuses(&format!("{flag} -2"), 2, &[&expected]);
    }
}

#[test]
fn negative_numbers_of_every_kind_reach_their_message() {
    let cells = Cells::new();
    for (flags, expected) in [
        ("-p -0.5", "-p -0.5: expected 0 or more and below 1"),
        ("-k -3", "-k -3: expected a whole number of 1 or more"),
        ("-ep -3", "-ep -3: expected a whole number of 0 or more"),
        ("-n 0", "-n 0: expected a whole number of 1 or more"),
        ("-n -1", "-n -1: expected a whole number of 1 or more"),
        ("--promoter -1,5", "-1,5"),
    ] {
        cells.refuses(flags, 2, &[expected]);
    }
    let data = Data::small();
    for (flags, expected) in [
        ("--step-lr -1", "--step-lr -1: expected a number above 0"),
        (
            "--mcp-param -1",
            "--mcp-param -1: expected a finite number above 1",
        ),
        (
            "--penalty-param -1",
            "a penalty of -1 (--penalty-param or --penalty-param-range): expected a number of 0 or more",
        ),
        (
            "--early-stopping-threshold -1",
            "--early-stopping-threshold -1: expected a number of 0 or more",
        ),
        (
            "--seed -1",
            "--seed -1: expected a whole number of 0 or more",
        ),
    ] {
        data.refuses(flags, 2, &[expected]);
    }
    data.run("bench --steps -1")
        .fails(2, &["--steps -1: expected"]);
}

#[test]
fn sizes_of_a_network_that_do_not_fit_say_what_they_need() {
    let cells = Cells::new();
    for flags in [
        "-k 1000000000000",
        "-d 1000000000000",
        "-r 1000000000",
        "-r 9223372036854775807",
        "-L 1000000000000000000",
        "-k 18446744073709551615",
    ] {
        cells.refuses(
            flags,
            1,
            &["a network of -L ", " needs about ", " GB of memory; "],
        );
    }
    let data = Data::small();
    let block = |number: &str| {
        format!(
            "name = \"own\"\n[[block]]\nop = \"convolution\"\nname = \"c\"\nfilters = {number}\nwidth = 3\n\
             [[block]]\nop = \"linear\"\nname = \"linreg\"\n"
        )
    };
    for number in ["1000000000000", "9223372036854775807"] {
        data.write("own.toml", block(number));
        data.refuses(
            "--architecture own.toml",
            1,
            &[
                &format!("filters = {number} needs about "),
                " GB of memory; ",
            ],
        );
    }
    // Each number would fit, the weights do not.
    data.write("own.toml", block("2000000000"));
    data.refuses(
        "--architecture own.toml",
        1,
        &["block convolution", " GB of memory; "],
    );
}

#[test]
fn sizes_in_a_config_that_do_not_fit_say_what_they_need() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    cells.write("w.bed", "chr3\t5000\t5200\n");
    let config = text(cells.path("model/config.json"));
    for (field, large) in [("\"kernels\": 4", LARGE[1]), ("\"length\": 200", LARGE[2])] {
        let (name, _) = field.split_once(' ').unwrap();
        let changed = config.replace(field, &format!("{name} {large}"));
        assert_ne!(changed, config);
        cells.write("model/config.json", changed);
        cells
            .on("predict", "-m model -b w.bed -o p.bed")
            .fails(1, &["model/config.json: ", " GB of memory; "]);
    }
    let data = Data::small();
    data.train("model", "--number-of-epochs 1").ok();
    let config = text(data.path("model/config.json"));
    let changed = config.replace("\"window\": 40", &format!("\"window\": {}", LARGE[2]));
    assert_ne!(changed, config);
    data.write("model/config.json", changed);
    data.run("tisfm motifs --model model")
        .fails(1, &["18446744073709551615 bases", " GB of memory; "]);
}

#[test]
fn what_a_flag_counts_is_an_error_where_it_does_not_fit() {
    let data = Data::small();
    for log in ["", " --log-penalty-param-range"] {
        for steps in ["10001", "1000000000000", "1e300"] {
            data.refuses(
                &format!("--penalty-param-range 0.5 1 {steps}{log}"),
                2,
                &[
                    "--penalty-param-range 0.5 1 ",
                    "NUM, the number of steps, is 10000 at most",
                ],
            );
        }
    }
    for architecture in ["factornet-k4-r0", "model_pos_calib_sigmoid"] {
        for (flag, size) in [
            ("--batch-size", "1000000000000"),
            ("--batch-size", LARGE[2]),
            ("--steps", LARGE[2]),
        ] {
            let line = format!(
                "bench --architecture {architecture} --mode inference --device cpu {flag} {size}"
            );
            let expected = format!("{flag} {size} needs about ");
            data.run(&line).fails(1, &[&expected, " GB of memory; "]);
        }
        for flag in ["--window-size", "--outputs"] {
            data.run(&format!(
                "bench --architecture {architecture} {flag} {}",
                LARGE[1]
            ))
            .fails(1, &[" GB of memory; "]);
        }
    }
    data.run(&format!("demo --peaks {}", LARGE[1]))
        .fails(1, &["--peaks 1000000000000000000", " GB of memory; "]);
    data.refuses("--threads 10000000", 1, &["--threads 10000000: "]);
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    cells
        .on(
            "evaluate",
            &format!("-m model -t chr3 --bootstrap {}", LARGE[1]),
        )
        .fails(1, &["--bootstrap 1000000000000000000", " GB of memory; "]);
}

/// As on a cluster, where a job may have less than the machine has.
#[cfg(unix)]
#[test]
fn a_limit_on_the_address_space_is_a_limit_too() {
    let data = Data::small();
    let program = env!("CARGO_BIN_EXE_cisgrad");
    let line =
        "bench --architecture factornet-k4-r0 --mode inference --threads 1 --batch-size 4000000";
    let output = Command::new("sh")
        .current_dir(data.folder())
        .args(["-c", &format!("ulimit -v 3000000; {program} {line}")])
        .output()
        .unwrap();
    Run::of(output, line).fails(
        1,
        &[
            "--batch-size 4000000 needs about 4.",
            "address space (ulimit -v)",
        ],
    );
}

/// A draft genome: a file of any kind may name as many contigs as it likes.
#[test]
fn a_genome_of_80_000_contigs_is_read_in_linear_time() {
    const CONTIGS: u32 = 80_000;
    const LENGTH: u32 = 40;
    // Of these the track has values; more would take long to write.
    const TRACKED: u32 = 2_000;
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    let mut fasta = text(cells.path("genome.fa"));
    let (mut sizes, mut bed) = (text(cells.path("genome.sizes")), String::new());
    let mut list: Vec<(String, u32)> = (1..=3).map(|i| (format!("chr{i}"), BASES)).collect();
    for i in 0..CONTIGS {
        let _ = writeln!(
            fasta,
            ">scaffold_{i:05}\n{}",
            "ACGT".repeat(LENGTH as usize / 4)
        );
        let _ = writeln!(sizes, "scaffold_{i:05}\t{LENGTH}");
        let _ = writeln!(bed, "unplaced_{i}\t5\t25");
        list.push((format!("scaffold_{i:05}"), LENGTH));
    }
    cells.write("many.fa", fasta);
    cells.write("many.sizes", sizes);
    cells.write("many.bed", format!("{bed}chr3\t5000\t5200\n"));
    let chromosomes = Chromosomes::new("many.sizes", list).unwrap();
    let runs = (0..TRACKED).map(|chromosome| {
        Ok(Values {
            chromosome,
            start: 0,
            end: LENGTH,
            value: 1.0,
        })
    });
    std::fs::create_dir(cells.path("M")).unwrap();
    write_bigwig(cells.path("M/many.bw"), &chromosomes, runs).unwrap();
    cells.write("M/bigwig.txt", "many.bw\tDGF\n");
    let start = Instant::now();
    let line = "factornet predict -i M -m model -b many.bed -o p.bed --genome many.fa";
    let more = [
        // A track of many contigs that lacks more, a BED and a blacklist of others, a list of sizes.
        "--chrom-sizes many.sizes --blacklist many.bed",
        // All contigs of the FASTA, and a track that lacks all of them.
        "-i A --bigwig p.bw",
    ];
    for more in more {
        let line = line.replace("-i M", if more.contains("-i A") { "" } else { "-i M" });
        let run = cells.run(&format!("{line} {more}")).ok();
        let warned = format!(
            "warning: many.bed: {CONTIGS} intervals are on chromosomes that are not in use"
        );
        assert!(run.err.contains(&warned), "{}", run.err);
        assert_eq!(
            text(cells.path("p.bed")).lines().count(),
            CONTIGS as usize + 1
        );
    }
    let seconds = start.elapsed();
    assert!(seconds < Duration::from_secs(60), "{seconds:?}");
}
