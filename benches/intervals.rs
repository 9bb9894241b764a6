//! Samples from peaks: the original's genome-wide inputs of HepG2 REST (hg19), read and prepared, and
//! the windows of an epoch. `benches/peers/run_intervals.sh` does the same with bedtools.
//!
//! Data: factornet_hg19 of the real data (tests/common/real_data.rs); without it the benchmark says so and ends.

#[path = "../tests/common/real_data.rs"]
#[allow(dead_code)] // the numbers of published models are for tests
mod real_data;

use std::path::Path;

use cisgrad::data::Notes;
use cisgrad::data::split::regions::{Choice, Split};
use cisgrad::data::windows::annotations::GencodeSpan;
use cisgrad::data::windows::blacklist::Blacklist;
use cisgrad::data::windows::peaks::Peaks;
use cisgrad::io::chrom_sizes::Chromosomes;
use cisgrad::io::sources::Sources;
use cisgrad::io::text::Lines;
use cisgrad::models::factornet::cell_line::factor_files;
use cisgrad::models::factornet::cell_line::{CellFolder, Lists, Needed};
use cisgrad::models::factornet::samples::single::{Settings, SingleTask};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

/// What is read once: the names of chromosomes, the blacklist, the split, one cell line's peaks.
struct Inputs {
    chromosomes: Chromosomes,
    blacklist: Blacklist,
    split: Split,
    peaks: Vec<Peaks>,
}

fn read(data: &Path) -> cisgrad::Result<Inputs> {
    let mut notes = Notes::new();
    let chromosomes = Chromosomes::read(data.join("resources/hg19.autoX.chrom.sizes"))?;
    let file = data.join("resources/blacklist.bed.gz");
    let blacklist = Blacklist::read(Some(Lines::open(&file)?), 1000, &chromosomes, &mut notes)?;
    let words = |list: &str| -> Vec<String> { list.split(' ').map(String::from).collect() };
    let (validation, test) = (words("chr11"), words("chr1 chr8 chr21"));
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
    )?;
    let folders = [CellFolder::read(data.join("data/HepG2"), Lists::ALL)?];
    let files = factor_files(&folders, "REST")?;
    let peaks = files
        .iter()
        .map(|files| files.peaks(Needed::ALONE, &Sources::new(), &chromosomes, &mut notes));
    let peaks = peaks.collect::<cisgrad::Result<_>>()?;
    Ok(Inputs {
        chromosomes,
        blacklist,
        split,
        peaks,
    })
}

impl Inputs {
    fn task(&self) -> SingleTask<'_> {
        let settings = Settings {
            chromosomes: &self.chromosomes,
            blacklist: &self.blacklist,
            unknown: None,
            split: &self.split,
            length: 1000,
            negatives: 1,
            annotations: None,
            span: GencodeSpan::Window,
            max_shift: None,
            seed: 1,
        };
        SingleTask::new(settings, &self.peaks, None)
            .expect("the inputs of the original are valid")
            .0
    }
}

fn intervals(c: &mut Criterion) {
    let Some(data) = real_data::real_data() else {
        return;
    };
    let data = data.join("factornet_hg19");
    let inputs = read(&data).expect("the inputs of the original are valid");
    let task = inputs.task();
    let mut group = c.benchmark_group("intervals");
    group.sample_size(10);
    group.bench_function("read", |b| b.iter(|| read(&data)));
    group.bench_function("prepare", |b| b.iter(|| inputs.task().positives().len()));
    group.bench_function("epoch", |b| {
        let mut epoch = 0;
        let next = || {
            epoch += 1;
            epoch
        };
        b.iter_batched(next, |epoch| task.epoch(epoch), BatchSize::SmallInput)
    });
    group.finish();
}

criterion_group!(benches, intervals);
criterion_main!(benches);
