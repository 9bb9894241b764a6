//! NumPy's npz format: arrays by name in a zip archive, not packed, as `numpy.savez` writes it.

use super::atomic::write_file_atomic;
use crate::Result;
use npyz::{AutoSerialize, WriterBuilder};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// An archive that is being written.
pub struct Npz {
    archive: ZipWriter<BufWriter<File>>,
}

/// Writes an archive whole or not at all; `fill` puts the arrays into it.
///
/// # Errors
/// What the operating system says, and those of `fill`.
pub fn write_npz(
    path: impl AsRef<Path>,
    fill: impl FnOnce(&mut Npz) -> io::Result<()>,
) -> Result<()> {
    write_file_atomic(path, |path| {
        let file = File::options().write(true).truncate(true).open(path)?;
        let mut npz = Npz {
            archive: ZipWriter::new(BufWriter::new(file)),
        };
        fill(&mut npz)?;
        npz.archive.finish()?.flush()
    })
}

impl Npz {
    /// Adds an array of numbers: C order, of as many numbers as the shape says.
    ///
    /// # Errors
    /// What the operating system says; another count of numbers.
    pub fn numbers<T: AutoSerialize>(
        &mut self,
        name: &str,
        shape: &[u64],
        numbers: impl IntoIterator<Item = T>,
    ) -> io::Result<()> {
        self.begin(name)?;
        let options = npyz::WriteOptions::new().default_dtype().shape(shape);
        let mut writer = options.writer(&mut self.archive).begin_nd()?;
        writer.extend(numbers)?;
        writer.finish()
    }

    /// Adds an array of text: one dimension, of as many letters each as the longest has (NumPy's `<U`).
    ///
    /// # Errors
    /// What the operating system says.
    pub fn texts(&mut self, name: &str, texts: &[String]) -> io::Result<()> {
        self.begin(name)?;
        let longest = texts.iter().map(|text| text.chars().count()).max();
        let longest = longest.unwrap_or(0).max(1);
        let header = format!(
            "{{'descr': '<U{longest}', 'fortran_order': False, 'shape': ({},), }}",
            texts.len()
        );
        // Magic number, version and length are ten bytes; all of it is a multiple of 64, with a line end.
        let padded = (10 + header.len() + 1).next_multiple_of(64) - 10;
        self.archive.write_all(b"\x93NUMPY\x01\x00")?;
        self.archive.write_all(&(padded as u16).to_le_bytes())?;
        let width = padded - 1;
        self.archive
            .write_all(format!("{header:<width$}\n").as_bytes())?;
        for text in texts {
            let letters = text.chars().map(u32::from);
            let padded = letters.chain(std::iter::repeat(0)).take(longest);
            let bytes: Vec<u8> = padded.flat_map(u32::to_le_bytes).collect();
            self.archive.write_all(&bytes)?;
        }
        Ok(())
    }

    fn begin(&mut self, name: &str) -> io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(true);
        self.archive.start_file(format!("{name}.npy"), options)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn arrays_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        let names = ["ab", "µ", ""].map(String::from);
        write_npz(&path, |npz| {
            npz.numbers("x", &[3, 2], [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.5])?;
            npz.texts("names", &names)
        })
        .unwrap();
        let mut archive = zip::ZipArchive::new(File::open(&path).unwrap()).unwrap();
        let mut bytes = Vec::new();
        archive
            .by_name("x.npy")
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        let array = npyz::NpyFile::new(&bytes[..]).unwrap();
        assert_eq!(array.shape(), [3, 2]);
        assert_eq!(
            array.into_vec::<f32>().unwrap(),
            [1.0, 2.0, 3.0, 4.0, 5.0, 6.5]
        );
        bytes.clear();
        archive
            .by_name("names.npy")
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        assert_eq!(bytes.len(), 128 + 3 * 2 * 4);
        let header = String::from_utf8_lossy(&bytes[10..128]).into_owned();
        assert!(header.starts_with("{'descr': '<U2', 'fortran_order': False, 'shape': (3,), }"));
        assert!(header.ends_with('\n'));
        let letter = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let letters: Vec<u32> = (0..6).map(|i| letter(128 + 4 * i)).collect();
        assert_eq!(letters, [97, 98, 0xb5, 0, 0, 0]);
    }

    #[test]
    fn a_wrong_count_is_an_error_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        let written = write_npz(&path, |npz| npz.numbers("x", &[2], [1.0_f64]));
        assert!(written.is_err() && !path.exists());
    }
}
