//! The README's commands, run as they stand but on less data and for fewer epochs.

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::real_data::real_data;
use crate::common::tisfm::Data;
use crate::common::{cisgrad, names, text};
use crate::motifs::Files;
use crate::scripts::{block, shell};
use std::collections::HashSet;
use std::path::Path;

fn readme(marker: &str, commands: &[&str]) -> String {
    block(include_str!("../../README.md"), marker, commands)
}

#[test]
fn every_command_of_the_walk_through_works() {
    let commands = [
        "demo",
        "tisfm train",
        "tisfm test",
        "tisfm predict",
        "tisfm motifs",
    ];
    let script = readme("<!-- walk-through", &commands)
        .replace(
            "demo --keep demo",
            "demo --keep demo --peaks 400 --length 80 --epochs 2",
        )
        .replace(
            "--recipe recommended",
            "--recipe recommended --number-of-epochs 3",
        );
    let folder = tempfile::tempdir().unwrap();
    let out = shell(folder.path(), &script).ok().out;
    let predictions = text(folder.path().join("predictions.tsv"));
    assert!(predictions.starts_with("name\tB_cell\tT_cell\tmonocyte\n"));
    assert_eq!(predictions.lines().count(), 401);
    assert!(
        out.ends_with('\n')
            && out.contains("output\trank\tmotif\tweight\timportance\tmean_activity\nB_cell\t1\t"),
        "{out}"
    );
    for file in [
        "model.best.safetensors",
        "model.last.safetensors",
        "config.json",
        "history.tsv",
        "train_split.txt",
    ] {
        assert!(
            folder.path().join("my_model").join(file).is_file(),
            "{file}"
        );
    }
}

#[test]
fn every_command_that_explains_works() {
    let short = "demo --keep demo --peaks 400 --length 80 --epochs 2";
    let first = readme(
        "<!-- walk-through",
        &[
            "demo",
            "tisfm train",
            "tisfm test",
            "tisfm predict",
            "tisfm motifs",
        ],
    );
    let first = first.replace("demo --keep demo", short).replace(
        "--recipe recommended",
        "--recipe recommended --number-of-epochs 3",
    );
    let folder = tempfile::tempdir().unwrap();
    shell(folder.path(), &first).ok();
    let script = readme("<!-- explain", &["explain", "explain", "marginalize"]);
    shell(folder.path(), &script).ok();
    for file in [
        "why/attr.B_cell.npz",
        "why/ohe.npz",
        "why/plot.3.monocyte.svg",
        "motifs/hits.tsv",
        "motifs/shares.T_cell.tsv",
        "effects/effects.svg",
    ] {
        assert!(folder.path().join(file).is_file(), "{file}");
    }
}

/// On real peaks, tracks and genome; fewer motifs and epochs.
#[test]
fn every_command_from_peaks_to_a_ranking_works() {
    let Some(data) = real_data() else { return };
    let commands = ["prepare peaks", "tisfm train", "tisfm motifs"];
    let script = readme("<!-- prepare", &commands);
    assert_eq!(script.matches("cisgrad ").count(), 3);
    let script = script.replace(
        "--recipe recommended",
        "--recipe recommended --number-of-epochs 2",
    );
    let folder = tempfile::tempdir().unwrap();
    let cells = data.join("factornet");
    for (from, to) in [
        ("factornet/K562/acc.K562.chr22.bw", "k562.bw"),
        ("factornet/MCF-7/acc.MCF7.chr22.bw", "mcf7.bw"),
        ("genome/hg38.chr22.fa.gz", "hg38.fa.gz"),
        (
            "factornet/resources/blacklist.hg38.chr22.bed.gz",
            "blacklist.bed.gz",
        ),
    ] {
        std::fs::copy(data.join(from), folder.path().join(to)).unwrap();
    }
    for (cell, name) in [("K562", "k562"), ("MCF-7", "mcf7")] {
        let peaks = cells.join(format!(
            "{cell}/ChIPseq.{cell}.CTCF.conservative.train.hg38.chr22.narrowPeak.gz"
        ));
        let peaks = unpacked(&peaks);
        let widths: HashSet<u64> = peaks
            .lines()
            .map(|line| {
                let fields: Vec<u64> = line
                    .split('\t')
                    .skip(1)
                    .take(2)
                    .map(|f| f.parse().unwrap())
                    .collect();
                fields[1] - fields[0]
            })
            .collect();
        assert!(widths.len() > 100, "peaks of many widths");
        std::fs::write(folder.path().join(format!("{name}.narrowPeak")), peaks).unwrap();
    }
    let motifs = unpacked(&data.join("motifs/JASPAR2024_CORE_vertebrates_nonredundant.meme.gz"));
    let few = motifs.split("\nMOTIF ").enumerate();
    // CTCF among them.
    let few = few.filter(|(place, text)| *place <= 20 || text.contains("CTCF"));
    let few: Vec<&str> = few.map(|(_, text)| text).collect();
    std::fs::write(folder.path().join("JASPAR.meme"), few.join("\nMOTIF ")).unwrap();
    let run = shell(folder.path(), &script).ok();
    assert!(
        run.err
            .contains("transform log2p1,rowcenter; signals are relative"),
        "{}",
        run.err
    );
    for output in ["K562\t1\t", "MCF7\t1\t"] {
        assert!(run.out.contains(output), "{}", run.out);
    }
}

fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    let mut decoder = flate2::read::MultiGzDecoder::new(file);
    std::io::Read::read_to_string(&mut decoder, &mut text).unwrap();
    text
}

#[test]
fn every_command_of_factornet_works() {
    let commands = ["train", "evaluate", "predict", "visualize"].map(|c| format!("factornet {c}"));
    let script = readme("<!-- factornet", &commands.each_ref().map(String::as_str))
        .replace("chr1 chr8 chr21", "chr3")
        .replace("chr11", "chr2")
        .replace(
            "--recipe recommended",
            "--recipe recommended -e 1 -L 200 -w 10 -k 4 -r 3 -d 8",
        );
    let cells = Cells::new();
    for (from, to) in [
        ("A", "K562"),
        ("K562/dgf.bw", "K562/DNase.bw"),
        ("genome.fa", "hg38.fa"),
    ] {
        std::fs::rename(cells.path(from), cells.path(to)).unwrap();
    }
    cells.write("windows.bed", "chr3\t5000\t5200\n");
    let out = shell(cells.folder(), &script).ok().out;
    assert!(out.starts_with("factor\tauROC\t"), "{out}");
    assert_eq!(cells.scored("scores.bed.gz").len(), 1);
    assert!(names(cells.path("motifs")).contains(&"logos.svg".to_string()));
}

#[test]
fn every_command_on_motifs_works() {
    let script = readme(
        "<!-- motifs",
        &[
            "motifs match",
            "motifs cluster",
            "motifs scan",
            "motifs export",
        ],
    );
    let files = Files::new();
    std::fs::rename(files.path("own.meme"), files.path("mine.meme")).unwrap();
    std::fs::rename(files.path("g.fa"), files.path("hg38.fa")).unwrap();
    let known = std::fs::File::create(files.path("JASPAR.meme.gz")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(known, flate2::Compression::fast());
    let text_of = std::fs::read(files.path("known.meme")).unwrap();
    std::io::Write::write_all(&mut packed, &text_of).unwrap();
    packed.finish().unwrap();
    files.write("peaks.bed", "chr1\t80\t110\tpeak\n");
    let data = Data::small();
    data.train("my_model", "--number-of-epochs 1").ok();
    std::fs::rename(data.path("my_model"), files.path("my_model")).unwrap();
    let out = shell(&files.path(""), &script).ok().out;
    for header in ["Query_ID\t", "cluster\t", "motif_id\t"] {
        assert!(out.contains(header), "{out}");
    }
    assert!(
        out.contains("AP1\tap1\tchr1:80-110\t13\t20\t+")
            || out.contains("AP1\tap1\tpeak\t13\t20\t+"),
        "{out}"
    );
    for file in ["matches.html", "few.meme", "learned.meme"] {
        assert!(files.path(file).is_file(), "{file}");
    }
}

#[test]
fn the_demo_ranks_the_planted_motifs_first_in_a_smaller_form() {
    let folder = tempfile::tempdir().unwrap();
    let run = cisgrad(folder.path(), "demo --peaks 2500 --length 100").ok();
    let (_, planted) = run
        .out
        .split_once("# planted\n")
        .expect("the demo ends with the planted motifs");
    let ranks: Vec<(String, usize)> = planted
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            (
                format!("{} {}", fields[0], fields[1]),
                fields[3].parse().unwrap(),
            )
        })
        .collect();
    assert_eq!(ranks.len(), 6);
    // Two motifs drive each output: both come before all others.
    assert!(ranks.iter().all(|(_, rank)| *rank <= 2), "{ranks:?}");
}
