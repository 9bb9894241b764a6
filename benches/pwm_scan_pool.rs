//! The motif part of tiSFM at its published size: sequences a second, forward and with the
//! backward run (frozen motifs, and motifs that learn), from base codes and from dense input, on one and two threads, at every
//! instruction set; the plain form for comparison.

use cisgrad::engine::simd::levels;
use cisgrad::engine::{Batch, Codes, CpuExecutor, Init, Noise, Philox, Program, Role, Tape, Var};
use cisgrad::ops::inner::inner;
use cisgrad::ops::pwm_scan_pool::{Form, from_codes_as, from_dense_as};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;

const MOTIFS: usize = 862;
const WIDTH: usize = 30;
const LENGTH: usize = 300;
const CHANNELS: usize = 2 * MOTIFS + 4;
const ROWS: usize = 128;
const PIECE: usize = 8;
/// Twice this machine's last level of cache.
const FLUSH: usize = 64 << 20;

/// Widths as in a real collection: most near 10, from 5 to 30, 10.7 on average.
fn width(philox: &Philox, motif: usize) -> usize {
    let u = |i| philox.uniform(1, (motif * 4 + i) as u64);
    let near = 6.0 + 3.0 * (u(0) + u(1) + u(2));
    let long = if u(3) < 0.05 { 4.0 + 16.0 * u(0) } else { -0.3 };
    ((near + long).round() as usize).clamp(5, WIDTH)
}

/// Kernels as the original lays them out: centred, the reverse complement next, four zero ones.
fn motifs(philox: &Philox) -> Vec<f32> {
    let mut weight = vec![0.0; CHANNELS * 4 * WIDTH];
    let mut total = 0;
    for m in 0..MOTIFS {
        let w = width(philox, m);
        total += w;
        let start = (WIDTH - w) / 2;
        for k in 0..w {
            for base in 0..4 {
                let p = philox.uniform(2, ((m * WIDTH + k) * 4 + base) as u64) as f32;
                weight[(2 * m * 4 + base) * WIDTH + start + k] = p;
                weight[((2 * m + 1) * 4 + 3 - base) * WIDTH + start + w - 1 - k] = p;
            }
        }
    }
    println!("mean width {:.2}", total as f64 / MOTIFS as f64);
    weight
}

struct Setup {
    executor: CpuExecutor<f32>,
    params: Vec<f32>,
    codes: Vec<u8>,
    dense: Vec<Vec<f32>>,
    features: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Run {
    Forward,
    Training,
    /// The motifs' gradient too; all their columns differ from 0, as after the first step.
    MotifsLearn,
}

fn setup(form: Form, codes: bool, run: Run) -> Setup {
    let (training, learn) = (run != Run::Forward, run == Run::MotifsLearn);
    let philox = Philox::new(7);
    let mut tape = Tape::<f32>::new(training);
    let declare = |tape: &mut Tape<f32>, name: &str, shape: &[usize], learns: bool| -> Var {
        tape.declare(name, shape, Init::Constant(0.0), Role::Weight, learns)
    };
    let features = CHANNELS / 2;
    let parameters = [
        declare(&mut tape, "weight", &[CHANNELS, 4, WIDTH], learn),
        declare(&mut tape, "scale", &[CHANNELS], true),
        declare(&mut tape, "bias", &[1, CHANNELS, 1], true),
        declare(&mut tape, "pool", &[features], true),
    ];
    let half = LENGTH.div_ceil(2);
    let table = declare(&mut tape, "table", &[half, 1], true);
    let mut dense = Vec::new();
    let numbers = |stream, n: usize| -> Vec<f32> {
        (0..n)
            .map(|i| philox.uniform(stream, i as u64) as f32)
            .collect()
    };
    let out = if codes {
        let index: Arc<[u32]> = (0..half as u32).chain((0..half as u32).rev()).collect();
        let position = Some((table, index));
        from_codes_as(&mut tape, form, Codes::Row, LENGTH, position, parameters, 2)
    } else {
        let x = tape.dense_input(&[4, LENGTH]);
        tape.watch(x);
        dense.push(numbers(4, ROWS * 4 * LENGTH));
        from_dense_as(&mut tape, form, x, parameters, 2)
    };
    let weighting = tape.dense_input(&[features]);
    dense.push(numbers(5, ROWS * features));
    let loss = training.then(|| inner(&mut tape, out, weighting));
    let mut params = motifs(&philox);
    if learn {
        params.iter_mut().for_each(|w| *w += 0.01);
    }
    params.extend(numbers(6, CHANNELS));
    params.extend(numbers(7, CHANNELS).iter().map(|x| x - 4.0));
    params.extend(vec![2.0; features]);
    params.extend(numbers(8, half).iter().map(|x| 0.1 * x));
    Setup {
        executor: CpuExecutor::new(Program::new(tape, out, loss, PIECE)),
        params,
        codes: (0..ROWS * LENGTH)
            .map(|i| (philox.uniform(9, i as u64) * 4.0) as u8)
            .collect(),
        dense,
        features,
    }
}

impl Setup {
    fn run(&mut self, training: bool, losses: &mut [f32], out: &mut [f32]) {
        let batch = Batch {
            rows: ROWS,
            codes: &self.codes,
            dense: self.dense.iter().map(Vec::as_slice).collect(),
            noise: Noise {
                seed: 1,
                step: 0,
                first_row: 0,
            },
        };
        if training {
            self.executor
                .gradients(&mut self.params, &batch, losses, out);
        } else {
            self.executor.forward(&self.params, &batch, out);
        }
    }
}

fn bench(c: &mut Criterion) {
    let mut forms: Vec<(String, Form)> = levels()
        .into_iter()
        .map(|level| (format!("{level:?}"), Form::Fast(level)))
        .collect();
    forms.push(("formula".into(), Form::Plain));
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads");
        for (input, codes) in [("codes", true), ("dense", false)] {
            for (name, run) in [
                ("forward", Run::Forward),
                ("training", Run::Training),
                ("motifs learn", Run::MotifsLearn),
            ] {
                let training = run != Run::Forward;
                let mut group = c.benchmark_group(format!("{input}/{name}/{threads}"));
                group.throughput(Throughput::Elements(ROWS as u64));
                group.sample_size(10);
                for (name, form) in &forms {
                    let mut setup = setup(*form, codes, run);
                    let mut losses = vec![0.0; ROWS];
                    let len = if training {
                        setup.executor.layout().len()
                    } else {
                        ROWS * setup.features
                    };
                    let mut out = vec![0.0; len];
                    group.bench_function(name, |b| {
                        b.iter_batched(
                            || {
                                black_box(vec![1u8; FLUSH])
                                    .iter()
                                    .map(|&x| u64::from(x))
                                    .sum::<u64>()
                            },
                            |_| pool.install(|| setup.run(training, &mut losses, &mut out)),
                            BatchSize::PerIteration,
                        )
                    });
                }
                group.finish();
            }
        }
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
