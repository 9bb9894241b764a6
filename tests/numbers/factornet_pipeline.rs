//! FactorNet's samples from the original's own hg19 inputs, against facts of the original program
//! (`tests/data/golden/factornet/pipeline.json`).
//!
//! Not compared: what hangs on the random placement of negatives (their number and share by
//! chromosome, their features' means, `n`, `n_neg`, `neg_*`), and the hash of the kept peaks of
//! GM12878, whose order among equal starts is that of an unstable sort.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;
use sha2::{Digest, Sha256};

use cisgrad::data::Notes;
use cisgrad::data::regions::Regions;
use cisgrad::data::split::regions::{Choice, Split};
use cisgrad::data::windows::annotations::{Annotations, GencodeSpan};
use cisgrad::data::windows::blacklist::Blacklist;
use cisgrad::data::windows::peaks::Peaks;
use cisgrad::dna::span::Span;
use cisgrad::io::bed::Reader;
use cisgrad::io::chrom_sizes::Chromosomes;
use cisgrad::io::hash::hex;
use cisgrad::io::sources::Sources;
use cisgrad::io::text::Lines;
use cisgrad::models::factornet::cell_line::factor_files;
use cisgrad::models::factornet::cell_line::{CellFolder, Lists, Needed, check_names_agree};
use cisgrad::models::factornet::samples::multi::Labelled;
use cisgrad::models::factornet::samples::placing::{Place, Placer};
use cisgrad::models::factornet::samples::single::{Positive, Settings, SingleTask, excluded, kept};

use crate::common::golden;
use crate::common::real_data::real_data;

/// The original's inputs; None where the test is skipped.
fn inputs() -> Option<PathBuf> {
    Some(real_data()?.join("factornet_hg19"))
}

fn facts() -> Vec<Value> {
    let path = golden::factornet("pipeline.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// A line an interval, as `bedtools` prints it.
fn lines(chromosomes: &Chromosomes, intervals: impl IntoIterator<Item = (u32, Span)>) -> String {
    let line = |(number, span): (u32, Span)| {
        format!(
            "{}\t{}\t{}\n",
            chromosomes.name(number),
            span.start,
            span.end
        )
    };
    intervals.into_iter().map(line).collect()
}

fn check_regions(regions: &Regions, chromosomes: &Chromosomes, fact: &Value) {
    assert_eq!(regions.bases(), fact["bp"]);
    assert_eq!(regions.len() as u64, fact["n"]);
    for ((number, span), first) in regions.iter().zip(fact["first"].as_array().unwrap()) {
        let found = serde_json::json!([chromosomes.name(number), span.start, span.end]);
        assert_eq!(&found, first);
    }
    assert_eq!(sha256(&lines(chromosomes, regions.iter())), fact["sha256"]);
}

/// A number as C prints it with %g: six digits, no zeros at the end.
fn general(value: f32) -> String {
    let text = format!("{:.5e}", value);
    let (_, exponent) = text.split_once('e').unwrap();
    let exponent: i32 = exponent.parse().unwrap();
    assert!((-4..6).contains(&exponent), "{value}: not needed here");
    let fixed = format!("{:.*}", (5 - exponent) as usize, value);
    match fixed.contains('.') {
        true => fixed
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_string(),
        false => fixed,
    }
}

#[test]
fn numbers_are_printed_as_c_does() {
    assert_eq!(
        [-0.19145, 0.22302925, 1.0, 0.00012345678].map(general),
        ["-0.19145", "0.223029", "1", "0.000123457"]
    );
}

struct Row<'a> {
    positive: &'a Positive,
    shift: u32,
}

/// The hash of positives: each distinct row once, sorted, tab-joined.
fn sorted_hash(
    rows: &[Row],
    chromosomes: &Chromosomes,
    cells: &[CellFolder],
    meta: bool,
    gencode: bool,
) -> (String, usize) {
    let rows: BTreeSet<(String, u32, u32, u32, String, String, u32)> = rows
        .iter()
        .map(|row| {
            let (positive, start) = (row.positive, row.positive.start());
            let cell = &cells[positive.cell as usize];
            let mut words: Vec<String> = Vec::new();
            if meta {
                words.extend(cell.meta.iter().map(|meta| general(meta.value)));
            }
            if gencode {
                words.extend((0..6).map(|i| (positive.features >> i & 1).to_string()));
            }
            let name = cell.path.file_name().unwrap().to_str().unwrap().to_string();
            let chromosome = chromosomes.name(positive.chromosome).to_string();
            (
                chromosome,
                start,
                start + 200,
                row.shift,
                name,
                words.join(" "),
                1,
            )
        })
        .collect();
    let text: String = rows
        .iter()
        .map(|(c, start, stop, shift, cell, meta, label)| {
            format!("{c}\t{start}\t{stop}\t{shift}\t{cell}\t{meta}\t{label}\n")
        })
        .collect();
    (sha256(&text), rows.len())
}

fn words(fact: &Value) -> Vec<String> {
    fact.as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap().to_string())
        .collect()
}

fn single_task(data: &Path, fact: &Value) {
    let began = Instant::now();
    let resources = data.join("resources");
    let mut notes = Notes::new();
    let chromosomes = Chromosomes::read(resources.join("hg19.autoX.chrom.sizes")).unwrap();
    let length = fact["L"].as_u64().unwrap() as u32;
    let blacklist = Blacklist::read(
        Some(Lines::open(&resources.join("blacklist.bed.gz")).unwrap()),
        length,
        &chromosomes,
        &mut notes,
    )
    .unwrap();
    let (test, validation) = (words(&fact["test"]), vec!["chr11".to_string()]);
    let choice = |flag, words| Choice {
        what: "region",
        flag,
        words,
        explicit: true,
    };
    let split = Split::new(
        choice("-v", &validation[..]),
        choice("-t", &test[..]),
        &Sources::new(),
        &chromosomes,
        &mut notes,
    )
    .unwrap();
    let gencode = fact["gencode"].as_bool().unwrap();
    let annotations =
        gencode.then(|| Annotations::read(&resources, &chromosomes, &mut notes).unwrap());
    let folders: Vec<CellFolder> = words(&fact["dirs"])
        .iter()
        .map(|dir| CellFolder::read(data.join(dir), Lists::ALL).unwrap())
        .collect();
    let meta = fact["meta"].as_bool().unwrap();
    check_names_agree(&folders, meta).unwrap();
    assert_eq!(folders[0].track_names(), words(&fact["bigwigs"]));
    if meta {
        assert_eq!(folders[0].meta_names(), words(&fact["meta_names"]));
    }
    let factor = fact["tf"].as_str().unwrap();
    let files = factor_files(&folders, factor).unwrap();
    let peaks: Vec<Peaks> = files
        .iter()
        .map(|files| {
            files
                .peaks(Needed::ALONE, &Sources::new(), &chromosomes, &mut notes)
                .unwrap()
        })
        .collect();
    let negatives = fact["negatives"].as_u64().unwrap() as u32;
    let settings = Settings {
        chromosomes: &chromosomes,
        blacklist: &blacklist,
        unknown: None,
        split: &split,
        length,
        negatives,
        annotations: annotations.as_ref(),
        span: GencodeSpan::Peak,
        max_shift: None,
        seed: 1,
    };
    let (task, _) = SingleTask::new(settings, &peaks, None).unwrap();
    let epoch = task.epoch(0).unwrap();
    eprintln!(
        "{factor}: samples of an epoch ready after {:.2} s",
        began.elapsed().as_secs_f64()
    );

    check_regions(&blacklist.grown, &chromosomes, &fact["blacklist_slop"]);
    for (cell, peaks) in peaks.iter().enumerate() {
        check_regions(
            &excluded(&peaks.relaxed, &settings),
            &chromosomes,
            &fact["nonnegative"][cell],
        );
        let kept = kept(peaks, &blacklist);
        let expected = &fact["kept_peaks"][cell];
        assert_eq!(kept.len() as u64, expected["n"]);
        if !folders[cell].path.ends_with("GM12878") {
            assert_eq!(sha256(&lines(&chromosomes, kept)), expected["sha256"]);
        }
    }
    let train = &fact["train"];
    let rows: Vec<Row> = task
        .positives()
        .iter()
        .map(|positive| Row {
            positive,
            shift: positive.reach(),
        })
        .collect();
    let epochs = fact["epochs"].as_u64().unwrap();
    assert_eq!(rows.len() as u64 * epochs, train["n_pos"]);
    assert_eq!(rows.len() as u64, train["pos_in_first_epoch"]);
    assert_eq!(
        rows.iter().map(|row| u64::from(row.shift)).max(),
        train["shift_max"].as_u64()
    );
    assert_eq!(
        rows.iter().map(|row| u64::from(row.shift)).min(),
        train["shift_min"].as_u64()
    );
    assert_eq!(epoch.samples.len() as u64, train["per_epoch"]);
    let (hash, unique) = sorted_hash(&rows, &chromosomes, &folders, meta, gencode);
    assert_eq!(unique as u64, train["unique_pos"]);
    assert_eq!(hash, train["pos_sha256_sorted"]);
    let mut first: Vec<_> = rows
        .iter()
        .map(|row| {
            let (positive, start) = (row.positive, row.positive.start());
            let name = folders[positive.cell as usize].path.file_name().unwrap();
            let words = (
                chromosomes.name(positive.chromosome),
                start,
                start + 200,
                row.shift,
            );
            (words, name.to_str().unwrap())
        })
        .collect();
    first.sort();
    for (((c, start, stop, shift), cell), fact) in first
        .into_iter()
        .zip(train["pos_first"].as_array().unwrap())
    {
        let found = serde_json::json!([c, start, stop, shift, cell]);
        assert_eq!(found.as_array().unwrap()[..], fact.as_array().unwrap()[..5]);
    }
    if gencode {
        let mean = |i: usize| {
            rows.iter()
                .filter(|row| row.positive.features >> i & 1 == 1)
                .count() as f64
                / rows.len() as f64
        };
        let means: Vec<String> = (0..6).map(|i| format!("{:.4}", mean(i))).collect();
        assert_eq!(means, words(&train["gencode_mean_pos"]));
    }

    // Validation draws its positives in no order of ours: they are told from the peaks again.
    let valid = &fact["valid"];
    let held: Vec<_> = task
        .validation()
        .iter()
        .filter(|sample| sample.label == 1)
        .collect();
    assert_eq!(held.len() as u64, valid["n_pos"]);
    assert_eq!(
        task.validation().len() as u64,
        valid["n_pos"].as_u64().unwrap() * u64::from(1 + negatives)
    );
    let starts: Vec<Positive> = held
        .iter()
        .map(|sample| {
            let middle = sample.middle as u32;
            let peak = Span::new(middle - 100, middle + 100);
            Positive {
                cell: sample.cell,
                chromosome: sample.chromosome,
                peak,
                features: sample.features,
            }
        })
        .collect();
    let rows: Vec<Row> = starts
        .iter()
        .map(|positive| Row { positive, shift: 0 })
        .collect();
    let (hash, unique) = sorted_hash(&rows, &chromosomes, &folders, meta, gencode);
    assert_eq!(unique as u64, valid["unique_pos"]);
    assert_eq!(hash, valid["pos_sha256_sorted"]);
    if gencode {
        let mean = |i: usize| {
            rows.iter()
                .filter(|row| row.positive.features >> i & 1 == 1)
                .count() as f64
                / rows.len() as f64
        };
        let means: Vec<String> = (0..6).map(|i| format!("{:.4}", mean(i))).collect();
        assert_eq!(means, words(&valid["gencode_mean_pos"]));
    }

    // What the original's negatives were found to be, ours are too.
    for (part, samples) in [
        (train, &epoch.samples),
        (valid, &task.validation().to_vec()),
    ] {
        assert_eq!(part["neg_overlapping_excluded"], 0);
        let allowed = words(&part["neg_chroms"]);
        for (cell, peaks) in peaks.iter().enumerate() {
            let excluded = excluded(&peaks.relaxed, &settings);
            for sample in samples
                .iter()
                .filter(|sample| sample.label == 0 && sample.cell == cell as u32)
            {
                assert!(!excluded.touches(
                    sample.chromosome,
                    sample.middle - 100,
                    sample.middle + 100
                ));
                assert!(allowed.contains(&chromosomes.name(sample.chromosome).to_string()));
            }
        }
    }
}

#[test]
fn rest_in_one_cell_line() {
    let Some(data) = inputs() else { return };
    let fact = &facts()[0];
    assert_eq!(
        (fact["kind"].as_str(), fact["tf"].as_str()),
        (Some("single"), Some("REST"))
    );
    single_task(&data, fact);
}

#[test]
fn e2f1_in_two_cell_lines_with_meta_and_gencode() {
    let Some(data) = inputs() else { return };
    let fact = &facts()[1];
    assert_eq!(
        (fact["kind"].as_str(), fact["tf"].as_str()),
        (Some("single"), Some("E2F1"))
    );
    single_task(&data, fact);
}

#[test]
fn windows_and_labels_of_nineteen_factors() {
    let Some(data) = inputs() else { return };
    let fact = &facts()[2];
    assert_eq!(fact["kind"], "multi");
    let mut notes = Notes::new();
    let all = Chromosomes::read(data.join("resources/hg19.autoX.chrom.sizes")).unwrap();
    let used = words(&fact["chroms"]).into_iter().map(|name| {
        let length = all.length(all.number(&name).unwrap());
        (name, length)
    });
    let chromosomes = Chromosomes::new("chr20 and chr22", used.collect()).unwrap();
    let length = fact["L"].as_u64().unwrap() as u32;
    let path = data.join("resources/blacklist.bed.gz");
    let blacklist = Blacklist::read(
        Some(Lines::open(&path).unwrap()),
        length,
        &chromosomes,
        &mut notes,
    )
    .unwrap();
    let folder = CellFolder::read(data.join(fact["dir"].as_str().unwrap()), Lists::ALL).unwrap();
    let names: Vec<String> = folder
        .factors
        .iter()
        .map(|factor| factor.name.clone())
        .collect();
    assert_eq!(names, words(&fact["tfs"]));
    let peaks: Vec<Peaks> = folder
        .factors
        .iter()
        .map(|files| {
            // The relaxed files of most factors are not there, and not needed.
            let mut files = files.clone();
            files.relaxed = None;
            files
                .peaks(Needed::ALONE, &Sources::new(), &chromosomes, &mut notes)
                .unwrap()
        })
        .collect();
    let windows = Labelled::new(&peaks, &blacklist, &chromosomes);
    assert_eq!(windows.starts.len() as u64, fact["n_windows"]);
    let bits = |i: usize| -> String {
        windows
            .row(i)
            .iter()
            .map(|label| label.to_string())
            .collect()
    };
    let count = |factor: usize| {
        (0..windows.starts.len())
            .filter(|&i| windows.row(i)[factor] == 1)
            .count()
    };
    for (factor, name) in names.iter().enumerate() {
        assert_eq!(count(factor) as u64, fact["per_tf"][name], "{name}");
    }
    let empty = (0..windows.starts.len())
        .filter(|&i| !windows.row(i).contains(&1))
        .count();
    assert_eq!(empty as u64, fact["all_zero_rows"]);
    let row = |i: usize| {
        let (number, start) = windows.starts[i];
        format!(
            "{}\t{start}\t{}\t{}\n",
            chromosomes.name(number),
            start + 200,
            bits(i)
        )
    };
    let text: String = (0..windows.starts.len()).map(row).collect();
    assert_eq!(sha256(&text), fact["sha256_rows"]);

    let everything = peaks
        .iter()
        .flat_map(|peaks| peaks.conservative.iter().copied());
    let excluded = Regions::merge(chromosomes.len(), everything)
        .grow(200, &chromosomes)
        .union(&blacklist.grown);
    check_regions(&excluded, &chromosomes, &fact["nonnegative"]);
}

#[test]
fn intervals_that_prediction_scores() {
    let Some(data) = inputs() else { return };
    let fact = &facts()[3];
    assert_eq!(fact["kind"], "predict_blacklist");
    let resources = data.join("resources");
    let chromosomes = Chromosomes::read(resources.join("hg19.autoX.chrom.sizes")).unwrap();
    let length = fact["L"].as_u64().unwrap() as u32;
    let path = resources.join("blacklist.bed.gz");
    let blacklist = Blacklist::read(
        Some(Lines::open(&path).unwrap()),
        length,
        &chromosomes,
        &mut Notes::new(),
    )
    .unwrap();
    let placer = Placer {
        chromosomes: &chromosomes,
        blacklist: &blacklist,
        annotations: None,
        cell: 0,
    };
    let windows = resources.join("sample_ladder_regions.blacklistfiltered.bed.gz");
    let mut reader = Reader::open(&windows).unwrap();
    let mut bits = String::new();
    while let Some(row) = reader.read().unwrap() {
        bits.push(if matches!(placer.place(&row), Place::Scored(_)) {
            '1'
        } else {
            '0'
        });
    }
    assert_eq!(bits.len() as u64, fact["n"]);
    assert_eq!(bits.matches('1').count() as u64, fact["kept"]);
    assert_eq!(bits.find('1').unwrap() as u64, fact["first_kept"]);
    assert_eq!(sha256(&bits), fact["sha256_bits"]);
}
