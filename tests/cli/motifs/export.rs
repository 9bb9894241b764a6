//! `cisgrad motifs export`.

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::tisfm::{Data, MOTIFS};
use crate::common::{parameter, text};
use cisgrad::dna::motif::Motif;
use cisgrad::io::meme::read_meme;
use cisgrad::train::folder::BEST;
use std::path::Path;

/// Motifs, sigmoid, strands, pooling, outputs: nothing before the kernels.
const OWN: &str = "name = \"own\"\nsummary = \"own\"\n
[[block]]\nop = \"motifs\"\nstrands = \"STRANDS\"\n
[[block]]\nop = \"activation\"\nkind = \"sigmoid\"\n
MERGE
[[block]]\nop = \"attention_pool\"\nname = \"p\"\nextent = \"whole\"\n
[[block]]\nop = \"linear\"\nname = \"linreg\"\nstart = \"relu\"\n";

fn train(data: &Data, strands: &str, more: &str) {
    let merge = match strands {
        "both" => "[[block]]\nop = \"merge_strands\"\n",
        _ => "",
    };
    let own = OWN.replace("STRANDS", strands).replace("MERGE", merge);
    data.write("own.toml", own);
    let flags = format!("--architecture own.toml --precision f64 --lr 0.01 {more}");
    data.train("own", &flags).ok();
}

/// What a kernel saw, counted in the plainest way: at the first place of the largest activation of the 20 sequences where that is
/// largest, from `before` positions before it.
fn counted(
    data: &Data,
    kernel: &[f64],
    width: usize,
    reverse: bool,
    before: usize,
) -> Vec<[f64; 4]> {
    let codes: Vec<Vec<Option<usize>>> = data
        .names
        .iter()
        .map(|name| {
            let bases = data.sequences[name].to_uppercase();
            bases.chars().map(|base| "ACGT".find(base)).collect()
        })
        .collect();
    let activations: Vec<Vec<f64>> = codes
        .iter()
        .map(|codes| {
            let at = |place: usize| -> f64 {
                let bases = codes[place..place + width].iter().enumerate();
                bases
                    .map(|(k, base)| base.map_or(0.0, |base| kernel[base * width + k]))
                    .sum()
            };
            (0..=codes.len() - width).map(at).collect()
        })
        .collect();
    let largest = |row: &usize| {
        let all = activations[*row].iter().copied();
        all.fold(f64::NEG_INFINITY, f64::max)
    };
    let mut rows: Vec<usize> = (0..codes.len()).collect();
    rows.sort_by(|a, b| largest(b).total_cmp(&largest(a)));
    let mut counts = vec![[0.0; 4]; width];
    for row in rows.into_iter().take(20) {
        let most = largest(&row);
        let at = activations[row].iter().position(|&x| x == most).unwrap();
        let codes = &codes[row];
        for (k, counts) in counts.iter_mut().enumerate() {
            let base = (at + k).checked_sub(before).and_then(|place| codes[place]);
            if let Some(base) = base {
                counts[base] += 1.0;
            }
        }
    }
    if reverse {
        counts.reverse();
        counts.iter_mut().for_each(|row| row.reverse());
    }
    counts
}

fn shares(counts: &[[f64; 4]]) -> Vec<[f64; 4]> {
    let share = |row: &[f64; 4]| row.map(|x| x / row.iter().sum::<f64>());
    counts.iter().map(share).collect()
}

#[track_caller]
fn assert_close(found: &[[f64; 4]], expected: &[[f64; 4]]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().flatten().zip(expected.iter().flatten()) {
        assert!((a - b).abs() < 1e-9, "{found:?}\n{expected:?}");
    }
}

/// In the original's buffer of 9 columns a motif of w begins at floor((9 - w) / 2) on both strands: turned around, the second channel
/// begins one position before the first where 9 - w is odd. (Trained, so that no two sequences score the same but for rounding.)
#[test]
fn a_tisfm_motif_is_what_both_strands_fire_at() {
    let data = Data::new(60, 40);
    train(&data, "both", "--number-of-epochs 1 --unfreeze-conv");
    data.run("motifs export --model own --precision f64 --sites 20 --out m.meme")
        .ok();
    let motifs = read_meme(data.path("m.meme")).unwrap();
    let ids: Vec<&str> = motifs.iter().map(|motif| motif.id.as_str()).collect();
    assert_eq!(ids[..6], MOTIFS);
    let weights = parameter(data.path(&format!("own/{BEST}")), "conv_motif.weight");
    for (number, motif) in motifs.iter().enumerate().take(MOTIFS.len()) {
        assert_eq!(motif.label.as_deref(), Some("label"));
        let length = MOTIFS[number].len();
        let of_strand = |strand: usize| {
            let kernel = &weights[(2 * number + strand) * 36..][..36];
            counted(&data, kernel, 9, strand == 1, strand * ((9 - length) % 2))
        };
        let (mut both, reverse) = (of_strand(0), of_strand(1));
        for (a, b) in both.iter_mut().flatten().zip(reverse.iter().flatten()) {
            *a += b;
        }
        assert_close(&motif.rows, &shares(&both));
        assert_eq!(motif.nsites, Some(40.0));
    }
}

/// Trained kernels are no probabilities; where they fire are bases. Pads, which learn where motifs do, are there too.
#[test]
fn trained_kernels_are_exported_and_drawn() {
    let data = Data::new(60, 40);
    train(&data, "one", "--number-of-epochs 3 --unfreeze-conv");
    let run = data
        .run("motifs export --model own --precision f64 --sites 20 --out m.meme")
        .ok();
    let motifs = read_meme(data.path("m.meme")).unwrap();
    assert!(run.err.contains(&format!("{} motifs of ", motifs.len())));
    let weights = parameter(data.path(&format!("own/{BEST}")), "conv_motif.weight");
    let kernels: Vec<&[f64]> = weights.chunks(36).collect();
    for motif in &motifs {
        let place = match motif.id.strip_prefix("pad_") {
            Some(number) => MOTIFS.len() + number.parse::<usize>().unwrap() - 1,
            None => MOTIFS.iter().position(|id| *id == motif.id).unwrap(),
        };
        let expected = counted(&data, kernels[place], 9, false, 0);
        assert_close(&motif.rows, &shares(&expected));
    }
    assert!(motifs.iter().any(|motif| motif.id == MOTIFS[0]));
    assert!(motifs.iter().any(|motif| motif.id.starts_with("pad_")));
    let run = data
        .run("tisfm motifs --model own --top 1 --logos a.svg")
        .ok();
    assert!(run.err.contains("cisgrad motifs export --model own"));
    assert_eq!(text(data.path("a.svg")).matches("<use ").count(), 0);
    let run = data
        .run("tisfm motifs --model own --top 1 --logos b.svg --exported m.meme")
        .ok();
    assert!(!run.err.contains("without a logo"), "{}", run.err);
    assert!(text(data.path("b.svg")).matches("<use ").count() > 2 * 9);
    data.write("other.meme", super::meme(&["X ACGT"]));
    data.run("tisfm motifs --model own --logos b.svg --exported other.meme")
        .fails(1, &["none of its motifs is one of own/"]);
}

/// Nothing of it depends on how many sequences are computed at once, nor on the threads.
#[test]
fn any_batch_gives_the_same_file() {
    let data = Data::new(60, 40);
    data.train("model", "--number-of-epochs 1").ok();
    let export = |more: &str| {
        data.run(&format!("motifs export --model model {more}"))
            .ok()
            .out
    };
    let once = export("");
    assert!(once.starts_with("MEME version 4"));
    assert_eq!(export("--batch-size 1 --threads 1"), once);
    assert_eq!(export("--batch-size 7 --threads 3"), once);
    assert_eq!(export("--sequences peaks.fa"), once);
    assert_eq!(export("--sequences peaks.bed --genome genome.fa"), once);
}

/// Filters that started at random, with padding before the sequence.
#[test]
fn filters_without_names_are_exported_too() {
    let data = Data::new(60, 251);
    data.train("aitac", "--architecture aitac --number-of-epochs 1")
        .ok();
    let run = data.run("motifs export --model aitac --out m.meme").ok();
    let motifs = read_meme(data.path("m.meme")).unwrap();
    assert!(motifs[0].id.starts_with('M'), "{}", motifs[0].id);
    assert!(run.err.contains(" of 300 kernels"), "{}", run.err);
}

fn same(a: &Path, b: &Path) {
    let (a, b) = (read_meme(a).unwrap(), read_meme(b).unwrap());
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(&b) {
        assert_eq!((&a.id, a.nsites), (&b.id, b.nsites));
        for (x, y) in a.rows.iter().flatten().zip(b.rows.iter().flatten()) {
            assert!((x - y).abs() < 1e-6, "{a:?} {b:?}");
        }
    }
}

#[test]
fn factornets_kernels_are_those_of_visualize() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    cells.write(
        "w.bed",
        "chr3\t5000\t5200\nchr3\t9000\t9200\nchr2\t7000\t7200\n",
    );
    cells
        .on("visualize", "-m model -b w.bed -c chr3 -o out")
        .ok();
    let run = cells
        .run("motifs export --model model -b w.bed -c chr3 --out m.meme")
        .ok();
    assert!(run.err.contains("\n2 windows\n"), "{}", run.err);
    same(&cells.path("m.meme"), &cells.path("out/motifs.txt"));
    // Without flags: the run's cell line and genome, at its factor's peaks.
    let alone = cells
        .run("motifs export --model model --out alone.meme")
        .ok();
    assert!(alone.err.contains(" windows\n"), "{}", alone.err);
    let chip = text(cells.path("A/chip.txt"));
    let line = chip.lines().find(|line| line.contains("CTCF")).unwrap();
    let peaks = format!("A/{}", line.split_whitespace().next().unwrap());
    cells
        .run(&format!(
            "motifs export --model model -b {peaks} --out peaks.meme"
        ))
        .ok();
    same(&cells.path("alone.meme"), &cells.path("peaks.meme"));
}

#[test]
fn windows_are_taken_once_and_places_of_n_are_none() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    let windows = "chr3\t5000\t5200\nchr3\t9000\t9200\n";
    cells.write("once.bed", windows);
    cells.write("twice.bed", windows.repeat(2));
    let once = cells.run("motifs export --model model -b once.bed").ok();
    let twice = cells.run("motifs export --model model -b twice.bed").ok();
    assert_eq!(once.out, twice.out);
    assert!(
        twice
            .err
            .contains("2 intervals with the middle of another one"),
        "{}",
        twice.err
    );
    // One of the windows is all N in another genome.
    let mut genome = text(cells.path("genome.fa")).into_bytes();
    let chr3 = genome.windows(5).position(|word| word == b">chr3").unwrap();
    let bases = genome[chr3 + 6..].iter_mut().filter(|base| **base != b'\n');
    bases.skip(8900).take(400).for_each(|base| *base = b'N');
    std::fs::write(cells.path("n.fa"), genome).unwrap();
    let run = cells
        .run("motifs export --model model -b once.bed --genome n.fa")
        .ok();
    assert!(
        run.err
            .contains("1 window without a single A, C, G or T: left out"),
        "{}",
        run.err
    );
    assert!(run.out.contains(" nsites= 1\n") || run.out.contains(" nsites= 2\n"));
    // The peaks of the run are used again, and known.
    let chip = text(cells.path("A/chip.txt"));
    let line = chip.lines().find(|line| line.contains("CTCF")).unwrap();
    let peaks = format!("A/{}", line.split_whitespace().next().unwrap());
    let first: String = text(cells.path(&peaks))
        .lines()
        .take(3)
        .map(|l| format!("{l}\n"))
        .collect();
    cells.write(&peaks, first);
    let run = cells.run("motifs export --model model").ok();
    assert!(
        run.err
            .contains("CTCF.bed has changed since the model was trained"),
        "{}",
        run.err
    );
}

#[test]
fn a_pad_has_a_name_of_its_own() {
    let data = Data::new(60, 40);
    let motifs = text(data.path("motifs.meme"));
    data.write("motifs.meme", motifs.replace("MOTIF GATA ", "MOTIF pad_1 "));
    train(&data, "one", "--number-of-epochs 1 --unfreeze-conv");
    data.run("motifs export --model own --out m.meme").ok();
    let ids: Vec<String> = read_meme(data.path("m.meme"))
        .unwrap()
        .into_iter()
        .map(|m| m.id)
        .collect();
    assert!(
        ids.contains(&"pad_1".to_string()) && ids.contains(&"pad_1_".to_string()),
        "{ids:?}"
    );
}

#[test]
fn flat_flanks_are_left_out_where_that_is_asked_for() {
    let data = Data::new(60, 40);
    train(&data, "both", "--number-of-epochs 1 --unfreeze-conv");
    let read = |name: &str, more: &str| -> Vec<Motif> {
        data.run(&format!("motifs export --model own {more} --out {name}"))
            .ok();
        read_meme(data.path(name)).unwrap()
    };
    let (whole, core) = (read("whole.meme", ""), read("core.meme", "--trim"));
    assert_eq!(whole.len(), core.len());
    assert!(whole.iter().all(|motif| motif.rows.len() == 9));
    for (whole, core) in whole.iter().zip(&core) {
        let found = whole
            .rows
            .windows(core.rows.len())
            .any(|part| part == core.rows);
        assert!(found, "{whole:?} {core:?}");
    }
    assert!(core.iter().any(|motif| motif.rows.len() < 9));
}

#[test]
fn what_cannot_be_exported_says_why() {
    let data = Data::small();
    data.train("model", "--number-of-epochs 1").ok();
    data.run("motifs export --model nothing")
        .fails(1, &["nothing: no such folder; expected a model folder"]);
    data.run("motifs export --model split")
        .fails(1, &["split: no model folder"]);
    data.run("motifs export --model model --bed peaks.bed -i x")
        .fails(
            2,
            &["--inputdir, --bed: for a FactorNet model; model is a tiSFM model"],
        );
    data.run("motifs export --model model --out model/config.json")
        .fails(2, &["--out model/config.json"]);
    data.run("motifs export --model model/model.7").fails(
        1,
        &["model/model.7: no such weights in the model folder model"],
    );
    data.run("motifs export --model model/config.json")
        .fails(1, &["a file inside a model folder; name the folder: model"]);
    std::fs::create_dir(data.path("broken")).unwrap();
    data.write("broken/config.json", "{");
    data.run("motifs export --model broken")
        .fails(1, &["config.json, line 2: is not valid JSON"]);
    data.write("short.fa", ">a\nACGT\n");
    data.run("motifs export --model model --sequences short.fa")
        .fails(1, &["the sequences are 4 bases long, the model takes"]);
    // A sequence of N alone.
    let length = data.sequences[&data.names[0]].len();
    data.write("n.fa", format!(">a\n{}\n", "N".repeat(length)));
    data.run("motifs export --model model --sequences n.fa --out n.meme")
        .fails(1, &["fires in what was looked at"]);
    assert!(!data.path("n.meme").exists());
    std::fs::rename(data.path("sequences.tsv"), data.path("gone.tsv")).unwrap();
    data.run("motifs export --model model").fails(
        1,
        &[
            "config.json: the model was trained with ",
            "give --sequences",
        ],
    );
}
