//! What the optimizer does to the parameters on a GPU: which of them learn, are penalised, or move together.

use crate::Result;
use crate::engine::cuda::{Buffer, DeviceProgram, Gpu, Out, PARAMETER_ALIGN};
use crate::optim::adam::{Form, Shrink, flag};
use crate::optim::ties::{TiesLaunch, tie_on};
use std::sync::Arc;

/// What the optimizer does to the parameters.
#[derive(Clone, Debug)]
pub struct Rule {
    pub form: Form,
    pub decay: f64,
    pub shrink: Shrink,
    /// Names of the parameters that the penalty acts on.
    pub penalised: Vec<String>,
}

/// One flag for each 64 elements: 0 does not learn, 1 learns, 2 learns and is penalised.
pub(super) fn flags(program: &DeviceProgram, rule: &Rule) -> Vec<u8> {
    let places = program.places();
    let mut flags = vec![flag::RESTS; places.total / PARAMETER_ALIGN];
    for (param, &offset) in program.layout().params.iter().zip(&places.offsets) {
        if param.learns() {
            let first = offset / PARAMETER_ALIGN;
            let count = param.len().div_ceil(PARAMETER_ALIGN);
            let penalised = rule.penalised.contains(&param.name) && rule.shrink != Shrink::None;
            flags[first..first + count].fill(if penalised {
                flag::PENALISED
            } else {
                flag::LEARNS
            });
        }
    }
    flags
}

/// A parameter whose elements are tied.
pub(super) struct Tied {
    /// Where its first element lies.
    offset: usize,
    partners: Buffer<u32>,
}

/// The parameters of a program whose elements are tied, on the GPU.
///
/// # Errors
/// Out of memory.
pub(super) fn ties(gpu: &Arc<Gpu>, program: &DeviceProgram) -> Result<Vec<Tied>> {
    let params = program.layout().params.iter();
    let params = params.zip(&program.places().offsets);
    let tied = params.filter_map(|(param, &offset)| {
        let ties = param.ties.as_deref().filter(|_| param.learns())?;
        let partners = gpu.upload(ties.partners(), "the parameters");
        Some(partners.map(|partners| Tied { offset, partners }))
    });
    tied.collect()
}

impl Tied {
    /// Puts on the stream that tied elements get one gradient; `grads`: of all parameters, in the card's order.
    ///
    /// # Errors
    /// Those of the launch.
    pub fn put(&self, gpu: &Gpu, grads: Out<f32>) -> Result<()> {
        tie_on(
            gpu,
            &TiesLaunch {
                grads: grads.at(self.offset),
                partners: self.partners.input(),
                elements: self.partners.len(),
            },
        )
    }
}
