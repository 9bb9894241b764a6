//! `explain` and `marginalize`: what they write is what predictions of edited sequences say.

mod bad_input;
mod factornet;
mod marginalize;
mod motifs;
mod pages;
mod tisfm;

use crate::common::{Table, bytes};
use std::io::Read;
use std::path::Path;

/// An array of an npz, with its shape.
pub fn array<T: npyz::Deserialize>(path: &Path, name: &str) -> (Vec<u64>, Vec<T>) {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut bytes = Vec::new();
    let mut file = archive.by_name(&format!("{name}.npy")).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    let array = npyz::NpyFile::new(&bytes[..]).unwrap();
    (array.shape().to_vec(), array.into_vec().unwrap())
}

/// Attributions of all bases, (N, 4, L).
pub fn attributions(folder: &Path, output: &str) -> Vec<f32> {
    array(&folder.join(format!("attr.{output}.npz")), "arr_0").1
}

/// The sequences as one-hot arrays, (N, 4, L).
pub fn one_hot(folder: &Path) -> (Vec<u64>, Vec<i8>) {
    array(&folder.join("ohe.npz"), "arr_0")
}

/// By sequence the sum of the attributions of the bases that are there.
pub fn projected(folder: &Path, output: &str) -> Vec<f64> {
    let (shape, hot) = one_hot(folder);
    let values = attributions(folder, output);
    let size = (shape[1] * shape[2]) as usize;
    let rows = hot.chunks(size).zip(values.chunks(size));
    rows.map(|(hot, values)| {
        let pairs = hot.iter().zip(values);
        pairs.map(|(&hot, &x)| f64::from(hot) * f64::from(x)).sum()
    })
    .collect()
}

pub fn scores(folder: &Path) -> Table {
    Table::read(folder.join("scores.tsv"))
}

/// All files of both folders are the same.
#[track_caller]
pub fn same_files(a: &Path, b: &Path) {
    let (names, others) = (crate::common::names(a), crate::common::names(b));
    assert_eq!(names, others);
    for name in names {
        assert!(bytes(a.join(&name)) == bytes(b.join(&name)), "{name}");
    }
}
