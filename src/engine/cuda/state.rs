//! What changes from one training step to the next.

/// One step's numbers, as kernels read them (kernels/lib/step_state.cuh).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepState {
    /// Of the random numbers.
    pub seed: u64,
    /// Optimizer steps done before this one.
    pub step: u64,
    /// Number of this batch in the epoch.
    pub batch: u32,
    /// lr / (1 - beta1^t)
    pub rate: f32,
    /// sqrt(1 - beta2^t)
    pub spread: f32,
    /// 1 - lr decay
    pub keep: f32,
}

const _: () = assert!(size_of::<StepState>() == 32);
const _: () = assert!(std::mem::offset_of!(StepState, batch) == 16);
const _: () = assert!(std::mem::offset_of!(StepState, keep) == 28);

// SAFETY: plain numbers without padding, read by kernels through the same declaration.
unsafe impl cudarc::driver::DeviceRepr for StepState {}
