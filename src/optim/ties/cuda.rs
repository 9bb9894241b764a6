use crate::Result;
use crate::engine::cuda::kernels::TieGradients;
use crate::engine::cuda::{Gpu, Grid, In, Out};

/// The gradients of a parameter whose elements are tied.
#[derive(Clone, Copy, Debug)]
pub struct TiesLaunch {
    /// The parameter's first.
    pub grads: Out<f32>,
    /// By element of the parameter.
    pub partners: In<u32>,
    pub elements: usize,
}

/// Puts it on the stream.
///
/// # Errors
/// Those of the launch.
pub fn tie_on(gpu: &Gpu, ties: &TiesLaunch) -> Result<()> {
    gpu.launch(
        Grid::over(ties.elements, 256),
        TieGradients {
            grads: ties.grads,
            partners: ties.partners,
            elements: ties.elements as u64,
        },
    )
}
