//! A batch norm's running statistics after a training step on a GPU.

use cisgrad::engine::cuda::{DeviceProgram, Gpu, In, Memory, Precision, StepState};
use cisgrad::engine::{Init, Role, Tape};
use cisgrad::ops::batch_norm::{BatchNormParams, batch_norm};

use crate::common::standin;

const ROWS: usize = 5;
const CHANNELS: usize = 3;
const LENGTH: usize = 7;

#[test]
fn running_statistics_move_towards_those_of_the_batch() {
    if !standin::install() {
        return;
    }
    let gpu = Gpu::open_ordinal(0).expect("the stand-in has a card");
    let mut tape = Tape::<f32>::new(true);
    let x = tape.dense_input(&[CHANNELS, LENGTH]);
    let mut channel = |name: &str, role, value| {
        tape.declare(
            name,
            &[CHANNELS],
            Init::Constant(value),
            role,
            role == Role::Weight,
        )
    };
    let weight = channel("weight", Role::Weight, 1.0);
    let bias = channel("bias", Role::Weight, 0.0);
    let running_mean = channel("running_mean", Role::Buffer, 0.5);
    let running_var = channel("running_var", Role::Buffer, 2.0);
    let count = tape.declare("count", &[], Init::Constant(4.0), Role::Counter, false);
    let params = BatchNormParams {
        weight,
        bias,
        running_mean,
        running_var,
        count,
    };
    let y = batch_norm(&mut tape, x, params);
    let program = DeviceProgram::new(tape, y, None, ROWS).expect("all ops have kernels");

    let x: Vec<f32> = (0..ROWS * CHANNELS * LENGTH)
        .map(|i| (i * 37 % 101) as f32 * 0.1)
        .collect();
    let arena = gpu
        .upload(&vec![f32::NAN; program.arena_len()], "the activations")
        .expect("memory");
    let start = program.layout().initialise::<f32>(0);
    let spread = program.places().spread(program.layout(), &start);
    let params = gpu.upload(&spread, "the parameters").expect("memory");
    let state = gpu
        .upload(&[StepState::default()], "the step")
        .expect("memory");
    let tables = program.tables(&gpu, &start).expect("memory");
    let memory = Memory {
        gpu: &gpu,
        arena: arena.out(),
        params: params.out(),
        grads: params.out(),
        codes: In::NULL,
        state: state.input(),
        tables: &tables,
        precision: Precision::F32,
    };
    let staged = gpu.upload(&x, "x").expect("memory");
    let (place, len) = program.dense_input(&memory, 0, ROWS).expect("x is read");
    gpu.copy(place, staged.input(), len).expect("a copy");
    program.forward(&memory, ROWS).expect("a launch");
    program.move_buffers(&memory, ROWS).expect("a launch");
    let mut moved = vec![0.0; spread.len()];
    gpu.read(&params, &mut moved).expect("a copy");
    let moved = program.places().gather(program.layout(), &moved);

    let n = (ROWS * LENGTH) as f64;
    for c in 0..CHANNELS {
        let seen: Vec<f64> = (0..x.len())
            .filter(|i| i / LENGTH % CHANNELS == c)
            .map(|i| f64::from(x[i]))
            .collect();
        let mean = seen.iter().sum::<f64>() / n;
        let var = seen.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let of =
            |name: &str| f64::from(moved[program.layout().get(name).expect("declared").offset + c]);
        assert!((of("running_mean") - (0.9 * 0.5 + 0.1 * mean)).abs() < 1e-6);
        assert!((of("running_var") - (0.9 * 2.0 + 0.1 * var)).abs() < 1e-5);
        assert_eq!((of("weight"), of("bias")), (1.0, 0.0));
    }
    assert_eq!(moved.last(), Some(&5.0));
}
