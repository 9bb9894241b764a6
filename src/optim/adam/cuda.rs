use super::{AdamStep, Shrink};
use crate::Result;
use crate::engine::cuda::kernels::AdamUpdate;
use crate::engine::cuda::{Gpu, Grid, In, Out, StepState};

/// What happens to 64 parameters in a row.
pub mod flag {
    /// Neither they nor their moments move.
    pub const RESTS: u8 = 0;
    pub const LEARNS: u8 = 1;
    pub const PENALISED: u8 = 2;
}

impl AdamStep {
    /// This step's numbers for the card, rounded as the CPU's update rounds them.
    pub fn state(&self, seed: u64, batch: u32) -> StepState {
        StepState {
            seed,
            step: self.t - 1,
            batch,
            rate: self.rate() as f32,
            spread: self.spread() as f32,
            keep: (1.0 - self.lr * self.decay) as f32,
        }
    }
}

/// The update of all parameters, in the card's order ([`crate::engine::cuda::ParameterPlaces`]).
#[derive(Clone, Copy, Debug)]
pub struct AdamLaunch {
    pub w: Out<f32>,
    pub g: In<f32>,
    pub m: Out<f32>,
    pub v: Out<f32>,
    /// One for each 64 parameters: [`flag`].
    pub flags: In<u8>,
    /// A multiple of 64.
    pub total: usize,
    /// Rate, spread and keep of this step ([`AdamStep::state`]).
    pub state: In<StepState>,
    /// Nothing moves when this is not 0.
    pub stopped: In<u32>,
    pub shrink: Shrink,
}

/// Puts the update on the stream.
///
/// # Errors
/// Those of the launch.
pub fn update_on(gpu: &Gpu, step: &AdamLaunch) -> Result<()> {
    let AdamStep {
        beta1, beta2, eps, ..
    } = AdamStep::new(0.0, 0.0, 1);
    let (penalty, lambda, stretch) = match step.shrink {
        Shrink::None => (0, 0.0, 1.0),
        Shrink::L1 { lambda } => (1, lambda, 1.0),
        Shrink::Mcp { lambda, b } => (2, lambda, b / (b - 1.0)),
    };
    gpu.launch(
        Grid::over(step.total, 4 * 256),
        AdamUpdate {
            w: step.w,
            g: step.g,
            m: step.m,
            v: step.v,
            flags: step.flags,
            state: step.state,
            stopped: step.stopped,
            total: step.total as u64,
            beta1: beta1 as f32,
            rest1: (1.0 - beta1) as f32,
            beta2: beta2 as f32,
            rest2: (1.0 - beta2) as f32,
            eps: eps as f32,
            penalty,
            lambda: lambda as f32,
            stretch: stretch as f32,
        },
    )
}
