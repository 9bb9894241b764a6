//! Runs a program on a GPU over batches that the host brings, one at a time: for checks, benchmarks and small
//! predictions. Training goes through `train/worker/session.rs`, where the data stays on the GPU.

use super::gpu::{Buffer, Gpu};
use super::op::Precision;
use super::program::{DeviceProgram, Memory};
use super::state::StepState;
use crate::Result;
use crate::engine::cpu::{Batch, Inspection};
use crate::engine::params::Layout;
use crate::engine::tape::Var;
use std::sync::Arc;

/// A program with its memory.
pub struct DeviceExecutor {
    gpu: Arc<Gpu>,
    program: DeviceProgram,
    arena: Buffer<f32>,
    params: Buffer<f32>,
    grads: Buffer<f32>,
    codes: Buffer<u8>,
    state: Buffer<StepState>,
    tables: Vec<Buffer<u32>>,
    precision: Precision,
}

impl DeviceExecutor {
    /// `length` bases a row; `params` in the layout's order.
    ///
    /// # Errors
    /// Out of memory.
    pub fn new(
        gpu: &Arc<Gpu>,
        program: DeviceProgram,
        length: usize,
        params: &[f32],
        precision: Precision,
    ) -> Result<Self> {
        let spread = program.places().spread(program.layout(), params);
        let what = format!("a batch of {}", program.rows());
        Ok(DeviceExecutor {
            arena: gpu.allocate(program.arena_len(), &what)?,
            grads: gpu.upload(&vec![0.0; spread.len()], "the gradients")?,
            params: gpu.upload(&spread, "the parameters")?,
            codes: gpu.allocate(program.rows() * length, &what)?,
            state: gpu.upload(&[StepState::default()], "the step")?,
            tables: program.tables(gpu, params)?,
            gpu: Arc::clone(gpu),
            program,
            precision,
        })
    }

    pub fn layout(&self) -> &Layout {
        self.program.layout()
    }

    /// Takes other parameters, in the layout's order; those that do not learn must be the same as before.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn set_parameters(&mut self, params: &[f32]) -> Result<()> {
        let spread = self.program.places().spread(self.program.layout(), params);
        self.gpu.write(&mut self.params, &spread)
    }

    pub(super) fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    pub(super) fn program(&self) -> &DeviceProgram {
        &self.program
    }

    pub(super) fn memory(&self) -> Memory<'_> {
        Memory {
            gpu: &self.gpu,
            arena: self.arena.out(),
            params: self.params.out(),
            grads: self.grads.out(),
            codes: self.codes.input(),
            state: self.state.input(),
            tables: &self.tables,
            precision: self.precision,
        }
    }

    fn load(&mut self, batch: &Batch<'_, f32>) -> Result<()> {
        self.gpu.write(&mut self.codes, batch.codes)?;
        let state = StepState {
            seed: batch.noise.seed,
            step: batch.noise.step,
            ..StepState::default()
        };
        self.gpu.write(&mut self.state, &[state])?;
        for (n, values) in batch.dense.iter().enumerate() {
            if let Some((place, len)) = self.program.dense_input(&self.memory(), n, batch.rows) {
                let staged = self.gpu.upload(values, "a dense input")?;
                self.gpu.copy(place, staged.input(), len)?;
                self.gpu.synchronize()?;
            }
        }
        Ok(())
    }

    /// Forward; then the values of `vars`, which the tape was told to keep, rows x elements each.
    ///
    /// # Errors
    /// Whatever fails on the GPU.
    ///
    /// # Panics
    /// When the batch has more rows than the program.
    pub fn observe(&mut self, batch: &Batch<'_, f32>, vars: &[Var]) -> Result<Vec<Vec<f32>>> {
        assert!(batch.rows <= self.program.rows());
        self.load(batch)?;
        let memory = self.memory();
        self.program.forward(&memory, batch.rows)?;
        let read = |&var: &Var| {
            let (place, len) = self.program.value(&memory, var, batch.rows);
            let mut values = vec![0.0; len];
            self.gpu.read_at(place.input(), &mut values)?;
            Ok(values)
        };
        vars.iter().map(read).collect()
    }

    /// Forward and backward with every row's loss counting 1. Parameter gradients, in the layout's order, are added to
    /// `grads`.
    ///
    /// # Errors
    /// Whatever fails on the GPU.
    ///
    /// # Panics
    /// When the batch has more rows than the program.
    pub fn inspect(
        &mut self,
        batch: &Batch<'_, f32>,
        grads: &mut [f32],
        watched: &[Var],
    ) -> Result<Inspection<f32>> {
        assert!(batch.rows <= self.program.rows());
        self.load(batch)?;
        let memory = self.memory();
        let rows = batch.rows;
        self.program.forward(&memory, rows)?;
        self.gpu.clear(self.grads.out(), self.grads.len())?;
        self.program.backward(&memory, rows, 1.0)?;
        let read = |(place, len): (super::Out<f32>, usize)| {
            let mut values = vec![0.0; len];
            self.gpu.read_at(place.input(), &mut values)?;
            Ok::<_, crate::Error>(values)
        };
        let found = Inspection {
            output: read(self.program.value(&memory, self.program.output(), rows))?,
            losses: read(self.program.losses(&memory, rows))?,
            watched: watched
                .iter()
                .map(|v| {
                    let place = self.program.gradient(&memory, *v, rows);
                    place.map_or_else(|| Ok(Vec::new()), read)
                })
                .collect::<Result<_>>()?,
        };
        let spread = read((self.grads.out(), self.grads.len()))?;
        let dense = self.program.places().gather(self.program.layout(), &spread);
        for (sum, g) in grads.iter_mut().zip(dense) {
            *sum += g;
        }
        Ok(found)
    }
}
