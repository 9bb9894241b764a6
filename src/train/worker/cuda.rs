//! Training on a card: f32 or bf16, the data set and all numbers there.

use super::{Epoch, Job, Moments, Trains};
use crate::engine::cuda::{DeviceProgram, Gpu, Precision};
use crate::engine::{Layout, Real};
use crate::models::tisfm::network::{Blueprint, Trainable};
use crate::ops::mse::mse;
use crate::optim::{OptimizerSettings, weight_decay};
use crate::train::batch::Samples;
use crate::train::model::Lowering;
use crate::train::worker::session::{HostSamples, Rule, Session, SessionSettings};
use crate::{Error, Result};
use std::ops::Range;
use std::sync::Arc;

/// Batches between two looks at the losses: the host waits for the card that seldom.
const STRIDE: usize = 64;

impl Blueprint {
    /// Motifs that learn are scanned by small ops: the fused one has no kernel for their gradient.
    fn device_lowering(&self) -> Lowering {
        if self.trainable == Trainable::All {
            Lowering::Composed
        } else {
            Lowering::Fused
        }
    }

    /// The training program of a card, for batches of up to `batch` rows.
    ///
    /// # Errors
    /// An op without kernels.
    pub fn device_training(&self, batch: usize) -> Result<DeviceProgram> {
        let (mut tape, built) = self.record::<f32>(true, self.device_lowering())?;
        let target = tape.dense_input(&[self.dimensions.outputs]);
        let loss = mse(&mut tape, built.output, target);
        DeviceProgram::new(tape, built.output, Some(loss), batch)
    }

    /// The prediction program of a card.
    ///
    /// # Errors
    /// An op without kernels.
    pub fn device_inference(&self, batch: usize) -> Result<DeviceProgram> {
        let (tape, built) = self.record::<f32>(false, Lowering::Fused)?;
        DeviceProgram::new(tape, built.output, None, batch)
    }
}

impl<'a> From<Samples<'a>> for HostSamples<'a> {
    fn from(samples: Samples<'a>) -> Self {
        HostSamples {
            codes: samples.codes,
            signals: samples.signals,
            length: samples.length,
            outputs: samples.outputs,
        }
    }
}

/// How a worker uses its card.
#[derive(Clone, Copy, Debug)]
pub struct CudaMode {
    pub precision: Precision,
    pub graph: bool,
}

pub struct CudaWorker {
    session: Session,
}

impl CudaWorker {
    /// # Errors
    /// An op without kernels; out of memory.
    pub fn new(
        gpu: &Arc<Gpu>,
        blueprint: &Blueprint,
        settings: &OptimizerSettings,
        job: Job<'_>,
        mode: CudaMode,
    ) -> Result<Self> {
        let rule = Rule {
            decay: weight_decay(settings),
            shrink: settings.shrink,
            penalised: settings.penalised.clone(),
        };
        let session = Session::new(
            gpu,
            blueprint.device_inference(job.batch_size)?,
            Some((blueprint.device_training(job.batch_size)?, rule)),
            job.samples.into(),
            SessionSettings {
                batch_size: job.batch_size,
                precision: mode.precision,
                seed: job.seed,
                graph: mode.graph,
            },
        )?;
        Ok(CudaWorker { session })
    }
}

/// A card works in f32: the commands choose that type for it.
fn not_f32() -> Error {
    Error::usage("--precision f64 runs on the CPU alone; say --device cpu")
}

fn from_f32<T: Real>(values: Vec<f32>) -> Vec<T> {
    values.into_iter().map(|x| T::of(f64::from(x))).collect()
}

impl<T: Real> Trains<T> for CudaWorker {
    fn layout(&self) -> &Layout {
        self.session.layout()
    }

    fn load(&mut self, params: &[T], moments: &Moments<T>) -> Result<()> {
        let f32s = |values| T::as_f32(values).ok_or_else(not_f32);
        self.session
            .load(f32s(params)?, Some((f32s(&moments.m)?, f32s(&moments.v)?)))
    }

    fn store(&mut self, params: &mut Vec<T>, moments: &mut Moments<T>) -> Result<()> {
        let (values, m, v) = self.session.store()?;
        *params = from_f32(values);
        (moments.m, moments.v) = (from_f32(m), from_f32(v));
        Ok(())
    }

    fn begin(&mut self, epoch: Epoch<'_>) -> Result<()> {
        self.session.begin_epoch(epoch.order, epoch.lr, epoch.steps)
    }

    fn stride(&self) -> usize {
        STRIDE
    }

    fn steps(&mut self, batches: Range<usize>) -> Result<Vec<f64>> {
        self.session.steps(batches)
    }

    fn predict(&mut self, rows: &[usize]) -> Result<Vec<T>> {
        Ok(from_f32(self.session.predict(rows, |_| {})?))
    }
}
