//! Where a program's time goes on a GPU: each step's launches alone, forward and backward.

use super::executor::DeviceExecutor;
use super::gpu::Gpu;
use super::program::StepWork;
use crate::Result;
use crate::engine::cpu::Batch;
use std::time::Instant;

/// One step of a program, timed.
#[derive(Clone, Debug)]
pub struct StepTime {
    pub work: StepWork,
    /// Seconds.
    pub forward: f64,
    /// Seconds; None where no gradient passes through it.
    pub backward: Option<f64>,
}

/// Repeats inside one recorded graph, so that the host's part of a launch does not count.
const REPEATS: usize = 20;

impl DeviceExecutor {
    /// Times every step on this batch: the median of `samples` runs of a recorded graph of repeats. The repeats find
    /// their inputs in the card's cache where they fit into it.
    ///
    /// # Errors
    /// Whatever fails on the card.
    pub fn profile(&mut self, batch: &Batch<'_, f32>, samples: usize) -> Result<Vec<StepTime>> {
        let mut grads = vec![0.0; self.layout().len()];
        // Leaves every buffer written and every kernel loaded.
        self.inspect(batch, &mut grads, &[])?;
        let (gpu, memory, program) = (self.gpu(), self.memory(), self.program());
        let works = program.work(batch.rows).into_iter().enumerate();
        works
            .map(|(step, work)| {
                let forward = repeat(gpu, samples, || {
                    program.forward_step(&memory, step, batch.rows)
                })?;
                let backward = match work.backward {
                    Some(_) => Some(repeat(gpu, samples, || {
                        program.backward_step(&memory, step, batch.rows)
                    })?),
                    None => None,
                };
                Ok(StepTime {
                    work,
                    forward,
                    backward,
                })
            })
            .collect()
    }
}

/// Seconds of one run of `work`.
fn repeat(gpu: &Gpu, samples: usize, work: impl Fn() -> Result<()>) -> Result<f64> {
    let graph = gpu.record(|| (0..REPEATS).try_for_each(|_| work()))?;
    let mut seconds = Vec::with_capacity(samples);
    for _ in 0..samples.max(1) {
        let start = Instant::now();
        graph.launch()?;
        gpu.synchronize()?;
        seconds.push(start.elapsed().as_secs_f64() / REPEATS as f64);
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[seconds.len() / 2])
}

/// Bytes a second that a copy inside the card's memory reads and writes: the ceiling of what only moves numbers.
///
/// # Errors
/// Out of memory, or whatever fails on the card.
pub fn copy_bandwidth(gpu: &Gpu, samples: usize) -> Result<f64> {
    // An eighth of what is free, and no more than is needed to leave every cache behind.
    let len = (gpu.memory()?.0 / 8).min(1 << 30) / size_of::<f32>();
    let from = gpu.allocate::<f32>(len, "a copy")?;
    let to = gpu.allocate::<f32>(len, "a copy")?;
    gpu.clear(from.out(), len)?;
    let seconds = repeat(gpu, samples, || gpu.copy(to.out(), from.input(), len))?;
    Ok((2 * len * size_of::<f32>()) as f64 / seconds)
}
