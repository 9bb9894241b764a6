//! State dicts in files: what comes back, from whom, and what is said about files that hold something else.

mod damaged;
mod pytorch;
mod written;

use std::collections::BTreeMap;

use cisgrad::io::state_dict::{NamedTensor, StateDict, read, write_safetensors};

pub fn read_bytes(bytes: &[u8]) -> cisgrad::Result<StateDict> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    std::fs::write(&path, bytes).unwrap();
    read(path)
}

pub fn written(state: &StateDict) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    write_safetensors(&path, state).unwrap();
    std::fs::read(path).unwrap()
}

pub fn small() -> StateDict {
    StateDict {
        tensors: vec![
            NamedTensor::new("step", &[], vec![7i64]),
            NamedTensor::new("linreg.weight", &[2, 3], vec![0.5f32; 6]),
            NamedTensor::new("moment", &[2], vec![1e-300f64, -0.0]),
            NamedTensor::new("random.counter", &[1], vec![u64::MAX]),
            NamedTensor::new("flags", &[3], vec![0u8, 1, 255]),
            NamedTensor::new("empty", &[0, 4], Vec::<f32>::new()),
        ],
        metadata: BTreeMap::from([("format".into(), "pt".into())]),
        entry: None,
    }
}
