//! The other kernels of the published models at their sizes, one thread: sequences a second
//! forward, and forward with backward.

use cisgrad::engine::{Batch, CpuExecutor, Init, Noise, Philox, Program, Role, Tape, Var};
use cisgrad::ops::activation::{Activation, activation};
use cisgrad::ops::attention_pool::attention_pool;
use cisgrad::ops::conv1d::conv1d;
use cisgrad::ops::inner::inner;
use cisgrad::ops::linear::linear;
use cisgrad::ops::self_attention::{SelfAttentionParams, self_attention};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

const ROWS: usize = 8;
/// More than the last level of cache.
const FLUSH: usize = 64 << 20;

type Record = fn(&mut Tape<f32>, Var) -> Var;

/// Name, shape of one row's input, and the op on it.
const CASES: &[(&str, &[usize], Record)] = &[
    ("linear 864 to 864", &[864], |tape, x| {
        let w = param(tape, "w", &[864, 864]);
        let b = param(tape, "b", &[864]);
        linear(tape, x, w, Some(b))
    }),
    (
        "input self-attention, 300 positions",
        &[4, 300],
        |tape, x| {
            let params = SelfAttentionParams {
                key: param(tape, "key", &[2, 2, 4]),
                key_bias: param(tape, "key_bias", &[1, 2, 2, 1]),
                query: param(tape, "query", &[2, 2, 4]),
                query_bias: param(tape, "query_bias", &[1, 2, 2, 1]),
                value: param(tape, "value", &[2, 2, 4]),
                value_bias: param(tape, "value_bias", &[1, 2, 2, 1]),
                unify: param(tape, "unify", &[2, 4, 2]),
                unify_bias: param(tape, "unify_bias", &[1, 4, 1]),
            };
            self_attention(tape, x, params)
        },
    ),
    (
        "motif layer as a convolution, 4 to 1728",
        &[4, 300],
        |tape, x| {
            let w = param(tape, "w", &[1728, 4, 30]);
            conv1d(tape, x, w, None, 0, 30)
        },
    ),
    ("AI-TAC's second convolution", &[300, 94], |tape, x| {
        let w = param(tape, "w", &[200, 300, 11]);
        let b = param(tape, "b", &[200]);
        conv1d(tape, x, w, Some(b), 5, 11)
    }),
    ("sigmoid of 1728 x 271", &[1728, 271], |tape, x| {
        activation(tape, x, Activation::Sigmoid)
    }),
    ("attention pooling of 864 x 542", &[864, 542], |tape, x| {
        let w = param(tape, "w", &[864]);
        attention_pool(tape, x, w, 542, false)
    }),
];

fn param(tape: &mut Tape<f32>, name: &str, shape: &[usize]) -> Var {
    tape.declare(name, shape, Init::Uniform(0.3), Role::Weight, true)
}

fn bench(c: &mut Criterion) {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a thread");
    for (name, shape, record) in CASES {
        let mut group = c.benchmark_group(*name);
        group.throughput(Throughput::Elements(ROWS as u64));
        group.sample_size(20);
        for backward in [false, true] {
            let mut tape = Tape::<f32>::new(true);
            let x = tape.dense_input(shape);
            tape.watch(x);
            let out = record(&mut tape, x);
            let width = tape.len(out);
            let flat = tape.view(out, &[width]);
            let weighting = tape.dense_input(&[width]);
            let loss = backward.then(|| inner(&mut tape, flat, weighting));
            let mut executor = CpuExecutor::new(Program::new(tape, out, loss, ROWS));
            let mut params: Vec<f32> = executor.layout().initialise(1);
            let philox = Philox::new(2);
            let numbers = |stream: u64, n: usize| -> Vec<f32> {
                (0..n)
                    .map(|i| philox.normal(stream, i as u64) as f32)
                    .collect()
            };
            let input = numbers(0, ROWS * shape.iter().product::<usize>());
            let weights = numbers(1, ROWS * width);
            let mut grads = vec![0.0; params.len()];
            let (mut losses, mut output) = (vec![0.0; ROWS], vec![0.0; ROWS * width]);
            group.bench_function(if backward { "training" } else { "forward" }, |b| {
                b.iter_batched(
                    || {
                        black_box(vec![1u8; FLUSH])
                            .iter()
                            .map(|&x| u64::from(x))
                            .sum::<u64>()
                    },
                    |_| {
                        let batch = Batch {
                            rows: ROWS,
                            codes: &[],
                            dense: vec![&input, &weights],
                            noise: Noise::default(),
                        };
                        pool.install(|| {
                            if backward {
                                executor.gradients(&mut params, &batch, &mut losses, &mut grads);
                            } else {
                                executor.forward(&params, &batch, &mut output);
                            }
                        });
                    },
                    BatchSize::PerIteration,
                );
            });
        }
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
