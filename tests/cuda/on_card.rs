//! The program with the stand-in as its driver.

use std::path::Path;
use std::process::Command;

use crate::common::kinds::Kind;
use crate::common::{Run, command, standin};

/// The program on the stand-in, with no NVRTC and a cache of its own; None: skipped.
pub fn on_card(folder: &Path, arguments: &str) -> Option<Command> {
    let mut command = command(folder, arguments);
    command
        .env("LD_LIBRARY_PATH", standin::folder()?)
        .env("NVRTC_PATH", folder.join("none"))
        .env("CISGRAD_CACHE", folder.join("cache"));
    Some(command)
}

pub fn run(folder: &Path, arguments: &str, variables: &[(&str, &str)]) -> Option<Run> {
    let mut command = on_card(folder, arguments)?;
    command.envs(variables.iter().copied());
    Some(Run::of(command.output().unwrap(), arguments))
}

/// A kind's `train` with little held out.
pub fn little<K: Kind>(data: &K, out: &str, more: &str) -> String {
    data.train_arguments(out, &format!("{} {more}", K::HELD))
}

/// A kind's `train --device cuda`; None: skipped.
pub fn train<K: Kind>(data: &K, out: &str, more: &str) -> Option<Run> {
    let arguments = little(data, out, &format!("{more} --device cuda"));
    run(data.folder(), &arguments, &[])
}

/// Kernel launches by a report of the stand-in.
pub fn launches(report: &Path) -> u64 {
    let text = std::fs::read_to_string(report).unwrap();
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let kernels = report["kernels"].as_object().unwrap();
    let each = kernels.values().map(|k| k["launches"].as_u64().unwrap());
    each.sum()
}
