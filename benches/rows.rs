//! How fast one core packs FactorNet's windows for a GPU: sequence and tracks at random places of chr22, 1,002 bases each, as
//! training needs them.
//!
//! Data: factornet and genome of the real data (tests/common/real_data.rs); without it the benchmark says so and ends. The
//! tracks are the accessibility of K562 and MCF-7 in turn, each decoded into memory of its own.

#[path = "../tests/common/real_data.rs"]
#[allow(dead_code)] // the numbers of published models are for tests
mod real_data;

use std::path::Path;
use std::sync::Arc;

use cisgrad::data::packed_genome::PackedGenome;
use cisgrad::data::tracks::{Storage, Track, Transform};
use cisgrad::engine::Philox;
use cisgrad::models::factornet::samples::Sample;
use cisgrad::models::factornet::samples::inputs::{CellInputs, Inputs};
use cisgrad::train::worker::rows::pack;
use cisgrad::train::worker::step::gather::RowFormat;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const LENGTH: usize = 1002;
const ROWS: usize = 6400;

fn read(data: &Path, tracks: usize) -> cisgrad::Result<Inputs> {
    let genome = PackedGenome::read(&data.join("genome/hg38.chr22.fa.gz"), None)?;
    let files = ["K562/acc.K562.chr22.bw", "MCF-7/acc.MCF7.chr22.bw"];
    let tracks = (0..tracks).map(|i| {
        let file = data.join("factornet").join(files[i % 2]);
        let track = Track::read(&file, genome.chromosomes(), Storage::F32)?;
        Ok((Arc::new(track), 1.0))
    });
    let cell = CellInputs {
        tracks: tracks.collect::<cisgrad::Result<_>>()?,
        meta: Vec::new(),
    };
    Ok(Inputs {
        transform: Transform::None,
        genome: Arc::new(genome),
        cells: vec![cell],
        gencode: false,
    })
}

/// Windows anywhere beyond the unknown start of the chromosome, in no order.
fn windows(inputs: &Inputs) -> Vec<Sample> {
    let philox = Philox::new(3);
    let (first, last) = (11e6, f64::from(inputs.genome.chromosomes().length(0)));
    let place = |i| (first + philox.uniform(0, i) * (last - first)) as i64;
    (0..ROWS as u64)
        .map(|i| Sample {
            cell: 0,
            chromosome: 0,
            middle: place(i),
            label: 0,
            features: 0,
        })
        .collect()
}

fn packing(c: &mut Criterion) {
    let Some(data) = real_data::real_data() else {
        println!("rows: left out, the real data is not there");
        return;
    };
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let one = one.expect("a thread");
    for tracks in [0, 1, 8] {
        let inputs = read(&data, tracks).expect("the real data");
        let windows = windows(&inputs);
        let format = RowFormat {
            length: LENGTH,
            dense: vec![tracks * LENGTH; usize::from(tracks > 0)],
            targets: 0,
        };
        let mut words = vec![0; ROWS * format.words()];
        let mut group = c.benchmark_group("rows");
        group.throughput(Throughput::Elements(ROWS as u64));
        group.sample_size(20);
        group.bench_function(format!("{tracks} tracks, one core"), |b| {
            b.iter(|| one.install(|| pack(&inputs, &format, &windows, &mut words)));
        });
        group.finish();
    }
}

criterion_group!(benches, packing);
criterion_main!(benches);
