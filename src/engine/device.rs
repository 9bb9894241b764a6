//! Where a program runs, and the line that says so.

use super::cuda::Gpu;
use super::cuda::probe;
use super::cuda::probe::{Absence, Cards};
use super::real::Real;
use crate::numbers::counted;
use crate::{Error, Result};
use std::str::FromStr;
use std::sync::Arc;

/// Why a run in f64 is none for a GPU.
pub const F64_ON_CPU: &str = "f64, of --precision or of the model, runs on the CPU alone";

/// Numbers for a GPU, which works in f32.
///
/// # Errors
/// They are of another type, which the commands choose for the CPU alone.
pub fn for_gpu<T: Real>(numbers: &[T]) -> Result<&[f32]> {
    T::as_f32(numbers)
        .ok_or_else(|| Error::usage(format!("{F64_ON_CPU}; say --device cpu or --precision f32")))
}

/// What `--device` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceRequest {
    Auto,
    Cpu,
    Cuda { ordinal: usize },
}

impl FromStr for DeviceRequest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(DeviceRequest::Auto),
            "cpu" => Ok(DeviceRequest::Cpu),
            "cuda" => Ok(DeviceRequest::Cuda { ordinal: 0 }),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|n| n.parse().ok())
                .map(|ordinal| DeviceRequest::Cuda { ordinal })
                .ok_or_else(|| {
                    Error::usage(format!(
                        "--device {text}: expected auto, cpu, cuda or cuda:N"
                    ))
                }),
        }
    }
}

/// A device, and the words that tell the user which it is.
#[derive(Clone, Debug)]
pub struct Chosen {
    pub device: Device,
    pub what: String,
    /// Why it is the CPU where any device was welcome.
    pub why: Option<String>,
}

/// The device that was found.
#[derive(Clone, Debug)]
pub enum Device {
    Cpu {
        threads: usize,
    },
    Cuda {
        gpu: Arc<Gpu>,
        /// Replay whole steps as recorded graphs.
        graph: bool,
    },
}

impl Device {
    /// Never a silent fallback: `auto` takes the CPU where the machine has no NVIDIA card, or where `cpu_only` says why
    /// the run needs it, and is an error where a card is there but cannot be used.
    ///
    /// # Errors
    /// A card asked for that is not there or cannot be used.
    pub fn open(request: DeviceRequest, threads: usize, cpu_only: Option<&str>) -> Result<Chosen> {
        let cpu = |why: Option<&str>| {
            let device = Device::Cpu { threads };
            Chosen {
                what: device.describe(),
                why: why.map(str::to_string),
                device,
            }
        };
        match (request, cpu_only) {
            (DeviceRequest::Cpu, _) => Ok(cpu(None)),
            (DeviceRequest::Auto, Some(why)) => Ok(cpu(Some(why))),
            (DeviceRequest::Cuda { .. }, Some(why)) => Err(Error::usage(format!(
                "--device cuda: {why}; say --device cpu"
            ))),
            (DeviceRequest::Auto, None) => match probe::cards() {
                Ok(found) => Device::card(&found, 0),
                Err(Absence::NoCard(reason)) => Ok(cpu(Some(&reason))),
                Err(Absence::Unusable(reason)) => {
                    Err(Error::Device(format!("{reason}; or say --device cpu")))
                }
            },
            (DeviceRequest::Cuda { ordinal }, None) => match probe::cards() {
                Ok(found) => Device::card(&found, ordinal),
                Err(absence) => Err(Error::Device(format!(
                    "--device cuda:{ordinal}: {}; or say --device cpu",
                    absence.reason()
                ))),
            },
        }
    }

    /// In a few words.
    pub fn describe(&self) -> String {
        match self {
            Device::Cpu { threads } => format!("cpu, {}", counted(*threads, "thread")),
            Device::Cuda { gpu, .. } => format!("{gpu:?}"),
        }
    }

    fn card(found: &Cards, ordinal: usize) -> Result<Chosen> {
        let card = probe::choose(found, ordinal)?;
        let what = format!(
            "cuda:{ordinal} {}, {} GB, driver for CUDA {}.{}",
            card.name,
            card.memory >> 30,
            found.driver.0,
            found.driver.1
        );
        let gpu = Gpu::open(found.driver, card)?;
        Ok(Chosen {
            device: Device::Cuda { gpu, graph: true },
            what,
            why: None,
        })
    }
}
