//! Tracks without values, and tracks of another depth than a model has seen.

use cisgrad::io::bigwig::{Run as Values, write_bigwig};
use cisgrad::io::chrom_sizes::Chromosomes;
use serde_json::Value;

use crate::common::factornet::{BASES, Cells, chromosomes};
use crate::common::kinds::Kind;
use crate::common::{bytes, text};

/// A bigWig that lists chr1 to chr3 and holds values on these alone, as bamCoverage leaves it for one region: NaN is no
/// value.
fn partial(cells: &Cells, name: &str, held: &[u32]) {
    let run = |chromosome| {
        let value = match held.contains(&chromosome) {
            true => 1.5,
            false => f32::NAN,
        };
        Ok(Values {
            chromosome,
            start: 500,
            end: 50_000,
            value,
        })
    };
    write_bigwig(cells.path(name), &chromosomes(), (0..3).map(run)).unwrap();
}

/// A second cell line, `C`, like `A` with another track.
fn cell_c(cells: &Cells, value: f32) {
    std::fs::create_dir_all(cells.path("C")).unwrap();
    cells.write("C/bigwig.txt", "dgf.bw\tDGF\n");
    cells.write("C/chip.txt", "../A/CTCF.bed\tCTCF\n");
    cells.track("C/dgf.bw", |_, _| value);
}

fn config(cells: &Cells, model: &str) -> Value {
    serde_json::from_str(&text(cells.path(&format!("{model}/config.json")))).unwrap()
}

#[test]
fn a_chromosome_without_values_is_treated_as_one_that_is_missing() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    cells.write("w.bed", "chr1\t5000\t5200\nchr3\t5000\t5200\n");
    partial(&cells, "A/dgf.bw", &[0]);
    let warning = "warning: A/dgf.bw: 2 of the chromosomes in use are in this track without a value and read as 0: 'chr2', 'chr3'\n";
    for command in [
        cells.on_arguments("evaluate", "-m model -t chr3"),
        cells.on_arguments("predict", "-m model -b w.bed -o p.gz"),
        cells.on_arguments("visualize", "-m model -b w.bed -c chr3 -oc shown"),
        cells.train_arguments("again", "-e 1"),
    ] {
        let run = cells.run(&command).ok();
        assert_eq!(
            run.err.matches(warning).count(),
            1,
            "{command}\n{}",
            run.err
        );
    }
    let chr3 = "chromosome 'chr3' has no value in A/dgf.bw";
    cells
        .on("evaluate", "-m model -t chr3 --strict")
        .fails(1, &["--strict: ", chr3, "--chrom-sizes"]);
    cells.on("evaluate", "-m model -t chr1 --strict").ok();
    cells
        .on("predict", "-m model -b w.bed -o never.gz --strict")
        .fails(1, &["w.bed, line 2: ", chr3]);
    assert!(!cells.path("never.gz").exists());
    cells
        .on("visualize", "-m model -b w.bed -c chr3 -o never --strict")
        .fails(1, &["--strict: ", chr3]);
    cells.refuses(
        "--strict",
        1,
        &["--strict: chromosome 'chr2' has no value in A/dgf.bw"],
    );
    // The test chromosome alone: no input of training touches it.
    partial(&cells, "A/dgf.bw", &[0, 1]);
    cells.train("tested", "-e 1 --strict").ok();
    // One that the file does not even list.
    let two = Chromosomes::new("two", vec![("chr1".to_string(), BASES)]).unwrap();
    let run = Values {
        chromosome: 0,
        start: 500,
        end: 900,
        value: 2.0,
    };
    write_bigwig(cells.path("A/dgf.bw"), &two, [Ok(run)].into_iter()).unwrap();
    cells.refuses(
        "--strict",
        1,
        &["--strict: chromosome 'chr2' is not in A/dgf.bw"],
    );
}

#[test]
fn a_track_without_any_value_is_named() {
    let cells = Cells::new();
    partial(&cells, "A/dgf.bw", &[]);
    cells.refuses(
        "",
        1,
        &["A/dgf.bw: no value on any of the chromosomes in use: 'chr1', 'chr2', 'chr3'"],
    );
    // As libBigWig leaves a file to which no value was added: no index.
    partial(&cells, "A/dgf.bw", &[0]);
    let mut header = bytes(cells.path("A/dgf.bw"));
    header[24..32].fill(0);
    cells.write("A/dgf.bw", header);
    cells.refuses("", 1, &["A/dgf.bw: a bigWig header without any values"]);
}

/// The mean over all bases, by file; where there is no value it is 0.
fn mean(cells: &Cells, track: &str) -> f64 {
    let sum = |name: &str| {
        let values = crate::common::factornet::values(&cells.path(track), name, 0, BASES);
        let values = values.into_iter().filter(|value| !value.is_nan());
        values.map(f64::from).sum::<f64>()
    };
    ["chr1", "chr2", "chr3"].map(sum).iter().sum::<f64>() / f64::from(3 * BASES)
}

#[test]
fn the_config_keeps_each_cell_lines_means_as_the_network_saw_them() {
    let cells = Cells::new();
    cell_c(&cells, 9.0);
    // The scale brings the mean over known bases to 1, and 150 bases are N.
    let known = 1.0 - 150.0 / f64::from(3 * BASES);
    for (out, scale, expected) in [
        (
            "plain",
            "",
            [mean(&cells, "A/dgf.bw"), mean(&cells, "B/dgf.bw")],
        ),
        (
            "doubled",
            "--track-scale DGF=2",
            [
                2.0 * mean(&cells, "A/dgf.bw"),
                2.0 * mean(&cells, "B/dgf.bw"),
            ],
        ),
        ("ones", "--track-scale mean", [known, known]),
    ] {
        // The network learns nothing from the cell line of -vi.
        cells.train(out, &format!("-i A B -vi C -e 1 {scale}")).ok();
        let config = config(&cells, out);
        let means = config["track_means"].as_array().unwrap();
        assert_eq!(means.len(), 2, "{out}");
        for ((found, cell), expected) in means.iter().zip(["A", "B"]).zip(expected) {
            let folder = cells.path(cell).canonicalize().unwrap();
            assert_eq!(found["cell"].as_str(), folder.to_str());
            let mean = found["means"]["DGF"].as_f64().unwrap();
            assert!(
                (mean - expected).abs() < 1e-5 * expected,
                "{out}: {mean} {expected}"
            );
        }
    }
    // A network without tracks has none.
    std::fs::remove_file(cells.path("A/bigwig.txt")).unwrap();
    cells.train("dna", "-e 1").ok();
    assert!(config(&cells, "dna").get("track_means").is_none());
}

#[test]
fn a_mean_far_from_those_of_training_is_warned_of_with_the_flag_that_mends_it() {
    let cells = Cells::new();
    cells.track("A/dgf.bw", |_, _| 1.0);
    cells.train("model", "-e 1").ok();
    cells.write("w.bed", "chr3\t5000\t5200\nchr3\t9000\t9200\n");
    let commands = |flags: &str| {
        [
            cells.on_arguments("evaluate", &format!("-i C -m model -t chr3 {flags}")),
            cells.on_arguments(
                "predict",
                &format!("-i C -m model -b w.bed -o c.gz {flags}"),
            ),
            cells.on_arguments(
                "visualize",
                &format!("-i C -m model -b w.bed -c chr3 -oc shown {flags}"),
            ),
        ]
    };
    cell_c(&cells, 4.0);
    let warning = "warning: C: track 'DGF' has a mean of 3.99, in training it was 0.998; --track-scale DGF=0.25 brings it there\n";
    for command in commands("") {
        let run = cells.run(&command).ok();
        assert!(run.err.contains(warning), "{command}\n{}", run.err);
    }
    for command in commands("--track-scale DGF=0.25") {
        let run = cells.run(&command).ok();
        assert!(!run.err.contains("has a mean"), "{command}\n{}", run.err);
    }
    // With that flag the network sees what it was trained on.
    cells.on("predict", "-m model -b w.bed -o a.gz").ok();
    assert!(bytes(cells.path("a.gz")) == bytes(cells.path("c.gz")));
    // The flag counts from the file, whatever scale was given.
    let given = cells.run(&commands("--track-scale DGF=2")[0]).ok();
    assert!(
        given.err.contains("has a mean of 7.99") && given.err.contains("--track-scale DGF=0.25 "),
        "{}",
        given.err
    );
    for (value, warned) in [(1.9, false), (2.1, true), (0.51, false), (0.49, true)] {
        cell_c(&cells, value);
        let run = cells.run(&commands("")[0]).ok();
        assert_eq!(
            run.err.contains("has a mean"),
            warned,
            "{value}: {}",
            run.err
        );
    }
}

#[test]
fn a_track_that_holds_some_chromosomes_is_compared_by_what_it_holds() {
    let cells = Cells::new();
    cells.track("A/dgf.bw", |_, _| 1.5);
    cells.train("model", "-e 1").ok();
    cell_c(&cells, 1.5);
    partial(&cells, "C/dgf.bw", &[2]);
    let run = cells.on("evaluate", "-i C -m model -t chr3").ok();
    assert!(run.err.contains("without a value"), "{}", run.err);
    assert!(!run.err.contains("has a mean"), "{}", run.err);
}

#[test]
fn models_without_means_open_and_go_on() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    cells.write("w.bed", "chr3\t5000\t5200\n");
    cell_c(&cells, 99.0);
    let predict = || cells.on("predict", "-i C -m model -b w.bed -o p.gz").ok();
    assert!(predict().err.contains("has a mean of 98."));
    // A folder of an older version.
    let mut old = config(&cells, "model");
    old.as_object_mut().unwrap().remove("track_means");
    cells.write("model/config.json", old.to_string());
    assert!(!predict().err.contains("has a mean"));
    cells.train("model", "-e 2 -ep 2 --resume").ok();
    assert!(config(&cells, "model").get("track_means").is_some());
    // A converted model has seen tracks that nobody measured.
    cells
        .run(&cells.convert_arguments("weights", "converted"))
        .ok();
    cells.write("C/bigwig.txt", "dgf.bw\ttrack0\n../A/dgf.bw\ttrack1\n");
    let run = cells
        .on("predict", "-i C -m converted -b w.bed -o p.gz")
        .ok();
    assert!(!run.err.contains("has a mean"), "{}", run.err);
}
