//! tiSFM: saturation mutagenesis, gradients, integrated gradients, and the files.

use super::{array, attributions, one_hot, projected, same_files, scores};
use crate::common::factornet::values as values_of;
use crate::common::kinds::Kind;
use crate::common::process::{signal, spawn, wait_until};
use crate::common::tisfm::Data;
use crate::common::{Table, names, text};
use std::fmt::Write as _;
use std::io::Write as _;

/// Sequences with an N and lower case, and one that is planted.
fn sequences(data: &Data, count: usize) -> Vec<(String, String)> {
    let names = data.names.iter().take(count);
    names
        .map(|name| (name.clone(), data.sequences[name].to_uppercase()))
        .collect()
}

fn write_list(data: &Data, file: &str, sequences: &[(String, String)]) {
    let lines = sequences
        .iter()
        .map(|(name, bases)| format!("{name}\t{bases}\n"));
    data.write(file, lines.collect::<String>());
}

/// The scores of every mutant less the reference's and less the mean of the four bases, by predictions of whole sequences.
fn brute_force(data: &Data, model: &str, sequences: &[(String, String)], output: &str) -> Vec<f64> {
    let mut list = String::new();
    for (name, bases) in sequences {
        let _ = writeln!(list, "{name}\t{bases}");
        for at in 0..bases.len() {
            for base in "ACGT".chars().filter(|_| &bases[at..=at] != "N") {
                let mut mutant = bases.clone();
                mutant.replace_range(at..=at, &base.to_string());
                let _ = writeln!(list, "{name} {at} {base}\t{mutant}");
            }
        }
    }
    data.write("mutants.tsv", list);
    data.run(&format!(
        "tisfm predict --model {model} --sequences mutants.tsv --out mutants.predicted --precision f64"
    ))
    .ok();
    let table = Table::read(data.path("mutants.predicted"));
    let mut values = table.numbers(output).into_iter();
    let mut all = Vec::new();
    for (_, bases) in sequences {
        let reference = values.next().unwrap();
        let mut own = vec![0.0; 4 * bases.len()];
        for at in 0..bases.len() {
            if &bases[at..=at] == "N" {
                continue;
            }
            let changes: Vec<f64> = (0..4).map(|_| values.next().unwrap() - reference).collect();
            let mean = changes.iter().sum::<f64>() / 4.0;
            for (base, change) in changes.iter().enumerate() {
                own[base * bases.len() + at] = change - mean;
            }
        }
        all.extend(own);
    }
    all
}

#[track_caller]
fn near(found: &[f32], expected: &[f64], share: f64) {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0f64, |a, b| a.max(b.abs()));
    assert!(largest > 1e-6, "nothing to compare");
    for (place, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let off = (f64::from(found) - expected).abs();
        assert!(off <= share * largest, "{place}: {found} {expected}");
    }
}

#[test]
fn saturation_mutagenesis_is_the_predictions_of_all_mutants() {
    let data = Data::new(60, 40);
    let sequences = sequences(&data, 4);
    assert!(sequences.iter().any(|(_, bases)| bases.contains('N')));
    write_list(&data, "few.tsv", &sequences);
    for (number, architecture) in [
        "model_pos_calib_sigmoid",
        "model_pos_calib_sigmoid_interaction",
        "model_pos_attention_calib_sigmoid_interaction",
        "model_pos_calib_sigmoid_interaction_w_amplification",
    ]
    .into_iter()
    .enumerate()
    {
        let model = format!("model{number}");
        let flags = format!("--architecture {architecture} --lr 0.02 --number-of-epochs 4");
        data.train(&model, &flags).ok();
        for (precision, share) in [("f64", 1e-6), ("f32", 1e-3)] {
            let out = format!("{model}.{precision}");
            data.run(&format!(
                "explain --model {model} --sequences few.tsv --out {out} --precision {precision}"
            ))
            .ok();
            for output in ["K562", "MCF7"] {
                let expected = brute_force(&data, &model, &sequences, output);
                near(&attributions(&data.path(&out), output), &expected, share);
            }
        }
    }
}

#[test]
fn an_ensemble_is_explained_by_its_mean() {
    let data = Data::new(60, 40);
    let sequences = sequences(&data, 2);
    write_list(&data, "few.tsv", &sequences);
    data.train("both", "--seeds 2 --lr 0.02").ok();
    data.run("explain --model both --sequences few.tsv --out out --precision f64 --output MCF7")
        .ok();
    let expected = brute_force(&data, "both", &sequences, "MCF7");
    near(&attributions(&data.path("out"), "MCF7"), &expected, 1e-6);
    assert!(!data.path("out/attr.K562.npz").exists());
}

#[test]
fn integrated_gradients_are_complete_and_gradients_are_of_the_same_way() {
    let data = Data::new(60, 40);
    data.train("model", "--lr 0.05 --number-of-epochs 6").ok();
    write_list(&data, "few.tsv", &sequences(&data, 5));
    for baseline in ["zero", "shuffled"] {
        let run = format!(
            "explain --model model --sequences few.tsv --method integrated --precision f64 --baseline {baseline} --out {baseline}"
        );
        let said = data.run(&run).ok();
        assert!(!said.err.contains("warning"), "{}", said.err);
        let folder = data.path(baseline);
        let table = scores(&folder);
        for output in ["K562", "MCF7"] {
            let sums = projected(&folder, output);
            let (above, below) = (
                table.numbers(output),
                table.numbers(&format!("{output}.baseline")),
            );
            let missing = table.numbers(&format!("{output}.missing"));
            for (row, sum) in sums.iter().enumerate() {
                let difference = above[row] - below[row];
                assert!(difference.abs() > 1e-4, "nothing to add up");
                let off = (difference - sum).abs();
                assert!(
                    off < 1e-3 * difference.abs().max(0.05),
                    "{difference} {sum}"
                );
                assert!((difference - sum - missing[row]).abs() < 1e-6);
            }
        }
    }
    // Few steps miss more, and it is said.
    let coarse = "explain --model model --sequences few.tsv --method integrated --precision f64";
    data.run(&format!("{coarse} --steps 1 --out coarse")).ok();
    let missing = |folder: &str| -> f64 {
        let table = scores(&data.path(folder));
        table.numbers("K562.missing").iter().map(|x| x.abs()).sum()
    };
    assert!(missing("coarse") > 10.0 * missing("zero"));
    // Shuffles are the seed's own.
    data.run(&format!("{coarse} --baseline shuffled --steps 4 --out a"))
        .ok();
    data.run(&format!("{coarse} --baseline shuffled --steps 4 --out b"))
        .ok();
    data.run(&format!(
        "{coarse} --baseline shuffled --steps 4 --out c --seed 2"
    ))
    .ok();
    same_files(&data.path("a"), &data.path("b"));
    assert_ne!(
        attributions(&data.path("a"), "K562"),
        attributions(&data.path("c"), "K562")
    );
}

#[test]
fn the_gradient_at_the_base_that_is_there_is_input_times_gradient() {
    let data = Data::new(60, 40);
    data.train("model", "--lr 0.05").ok();
    write_list(&data, "few.tsv", &sequences(&data, 3));
    for method in ["gradient", "input-x-gradient"] {
        data.run(&format!(
            "explain --model model --sequences few.tsv --method {method} --precision f64 --out {method}"
        ))
        .ok();
    }
    let (shape, hot) = one_hot(&data.path("gradient"));
    assert_eq!(shape, [3, 4, 40]);
    let whole = attributions(&data.path("gradient"), "K562");
    let times = attributions(&data.path("input-x-gradient"), "K562");
    for ((hot, whole), times) in hot.iter().zip(&whole).zip(&times) {
        assert_eq!(f32::from(*hot) * whole, *times);
    }
    // Less the mean of the four bases.
    let at = |base: usize, l: usize| whole[base * 40 + l];
    for l in 0..40 {
        assert!((0..4).map(|base| at(base, l)).sum::<f32>().abs() < 1e-6);
    }
    assert!(whole.iter().any(|x| x.abs() > 1e-4));
}

#[test]
fn files_for_other_programs() {
    let data = Data::new(60, 40);
    data.train("model", "--lr 0.05").ok();
    // Two that overlap by 30 bases, one alone, one on no chromosome of the genome, one past the end.
    let bed = "chr1\t10\t50\ta\nchr1\t20\t60\tb\nchrX\t0\t40\tx\nchr2\t5\t45\tc\nchr2\t900000\t900040\tpast\n";
    data.write("few.bed", bed);
    let said = data
        .run("explain --model model --bed few.bed --genome genome.fa --out out --method gradient --output K562 --plot 2 --motifs motifs.meme")
        .ok();
    assert!(
        said.err.contains("chrX") && said.err.contains("past"),
        "{}",
        said.err
    );
    assert!(
        said.err
            .contains("modisco motifs -s out/ohe.npz -a out/attr.K562.npz -n 50000 -w 40"),
        "{}",
        said.err
    );
    let out = data.path("out");
    assert_eq!(
        text(out.join("regions.bed")),
        "chr1\t10\t50\ta\nchr1\t20\t60\tb\nchr2\t5\t45\tc\n"
    );
    let mask = npyz::NpyFile::new(std::fs::File::open(out.join("idx.npy")).unwrap()).unwrap();
    let mask: Vec<bool> = mask.into_vec().unwrap();
    assert_eq!(mask, [true, true, false, true, false]);
    // The contribution of the base that is there; the two that overlap are cut halfway between their middles, 30 and 40.
    let (_, hot) = one_hot(&out);
    let values = attributions(&out, "K562");
    let own = |row: usize, l: usize| -> f32 {
        let at = |base: usize| row * 160 + base * 40 + l;
        (0..4)
            .map(|base| f32::from(hot[at(base)]) * values[at(base)])
            .sum()
    };
    let found = values_of(&out.join("attr.K562.bw"), "chr1", 0, 60);
    for (l, &value) in found.iter().enumerate() {
        match l {
            10..35 => assert_eq!(value, own(0, l - 10), "{l}"),
            35..60 => assert_eq!(value, own(1, l - 20), "{l}"),
            _ => assert!(value.is_nan(), "{l}"),
        }
    }
    let stats = Table::read(out.join("attr.K562.stats.tsv"));
    let known = found.iter().copied().filter(|x| !x.is_nan());
    let largest = known
        .chain((0..40).map(|l| own(2, l)))
        .fold(f32::MIN, f32::max);
    assert_eq!(stats.numbers("value")[6] as f32, largest);
    for plot in ["plot.1.K562.svg", "plot.2.K562.svg"] {
        let picture = text(out.join(plot));
        assert!(picture.starts_with("<svg") && picture.contains("gradient"));
    }
    assert!(!out.join("plot.3.K562.svg").exists());
    let hits = Table::read(out.join("hits.tsv"));
    assert_eq!(hits.header[..4], ["chr", "start", "end", "motif_name"]);
    assert!(!out.join("partial").exists());
    let tracks = std::fs::exists(out.join("attr_tracks.npz")).unwrap();
    assert!(!tracks, "a network without tracks");
    // Sequences without places have names, and no bigWig.
    data.write("named.tsv", format!("one\t{}\n", "ACGT".repeat(10)));
    data.run("explain --model model --sequences named.tsv --out named --method gradient")
        .ok();
    assert_eq!(text(data.path("named/names.txt")), "one\n");
    assert!(
        names(data.path("named"))
            .iter()
            .all(|name| !name.ends_with(".bw"))
    );
}

#[test]
fn planted_motifs_are_named() {
    let data = Data::new(300, 40);
    data.train(
        "model",
        "--architecture plain_gate --recipe recommended --number-of-epochs 20",
    )
    .ok();
    let planted: Vec<(String, String)> = (1..300)
        .step_by(3)
        .take(6)
        .map(|i| {
            (
                data.names[i].clone(),
                data.sequences[&data.names[i]].to_uppercase(),
            )
        })
        .collect();
    write_list(&data, "few.tsv", &planted);
    data.run("explain --model model --sequences few.tsv --out parts --output MCF7 --method motifs")
        .ok();
    let hits = Table::read(data.path("parts/hits.tsv"));
    let mut named = 0;
    for (name, bases) in &planted {
        let rows = hits.rows.iter().filter(|row| &row[7] == name);
        let best = rows
            .max_by(|a, b| {
                let part = |row: &&Vec<String>| row[5].parse::<f64>().unwrap();
                part(a).total_cmp(&part(b))
            })
            .unwrap();
        let start: usize = name.split([':', '-']).nth(1).unwrap().parse().unwrap();
        let at = best[1].parse::<usize>().unwrap() - start;
        if best[8] == "CACGTG" {
            assert_eq!(&bases[at..at + 6], "CACGTG", "{best:?}");
            named += 1;
        }
    }
    // A model of 240 short sequences is not sure of each.
    assert!(named >= 4, "{named} of {}", planted.len());
}

#[test]
fn a_run_that_was_stopped_ends_with_the_same_bytes() {
    let data = Data::new(60, 40);
    // Whole passes: there is time to stop it.
    let architecture = "model_pos_attention_calib_sigmoid_interaction";
    data.train("model", &format!("--architecture {architecture}"))
        .ok();
    let run = "explain --model model --sequences sequences.tsv --batch-size 8 --threads 1 --plot 1";
    let whole = spawn(data.folder(), &format!("{run} --out whole"));
    let mut child = spawn(data.folder(), &format!("{run} --out out"));
    let state = data.path("out/partial/state.json");
    wait_until(&mut child, "a block", || {
        std::fs::read_to_string(&state).is_ok_and(|text| !text.contains("\"done\": 0"))
    });
    signal(&child, "-INT");
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(said.contains("--resume goes on"), "{said}");
    assert_eq!(names(data.path("out")), ["partial"]);
    // Something that was half written, of which the state knows nothing.
    let mut part = std::fs::OpenOptions::new()
        .append(true)
        .open(data.path("out/partial/attr.K562"))
        .unwrap();
    part.write_all(&[1, 2, 3]).unwrap();
    drop(part);
    data.run(&format!("{run} --out out")).refused(&["--resume"]);
    data.run(&format!("{run} --out out --resume --method gradient"))
        .refused(&["other flags"]);
    data.run(&format!("{run} --out out --resume")).ok();
    assert!(whole.wait_with_output().unwrap().status.success());
    same_files(&data.path("whole"), &data.path("out"));
    let again = data.run(&format!("{run} --out out --resume")).ok();
    assert!(again.err.contains("finished already"), "{}", again.err);
}

#[test]
fn one_hot_sequences_are_the_files() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    data.run("explain --model model --sequences peaks.fa --out out --method gradient")
        .ok();
    let (shape, hot) = array::<i8>(&data.path("out/ohe.npz"), "arr_0");
    assert_eq!(shape, [60, 4, 40]);
    for (row, name) in data.names.iter().enumerate() {
        for (l, base) in data.sequences[name].to_uppercase().chars().enumerate() {
            let own: String = "ACGT"
                .chars()
                .enumerate()
                .filter(|(b, _)| hot[row * 160 + b * 40 + l] == 1)
                .map(|(_, letter)| letter)
                .collect();
            let expected = if base == 'N' {
                String::new()
            } else {
                base.to_string()
            };
            assert_eq!(own, expected);
        }
    }
}
