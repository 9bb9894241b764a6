//! Where a program runs, and the line that says so.

use crate::{Error, Result};
use std::str::FromStr;

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

/// The device that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    Cpu { threads: usize },
}

impl Device {
    /// Never a silent fallback: CUDA asked for by name is an error while this program has no CUDA
    /// kernels; `auto` takes the CPU and the returned line says why.
    pub fn open(request: DeviceRequest, threads: usize) -> Result<(Device, String)> {
        let cpu = Device::Cpu { threads };
        match request {
            DeviceRequest::Cpu => Ok((cpu, format!("device: cpu, {threads} threads"))),
            DeviceRequest::Auto => Ok((
                cpu,
                format!("device: cpu, {threads} threads (this version has no CUDA kernels)"),
            )),
            DeviceRequest::Cuda { ordinal } => Err(Error::invalid(format!(
                "--device cuda:{ordinal}: this version has no CUDA kernels; say --device cpu"
            ))),
        }
    }
}
