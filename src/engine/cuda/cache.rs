//! Compiled kernels kept on disk between runs. A file is the image itself (so nvdisasm reads it) with a trailer that
//! tells whether it is whole; its name says what it is of: `<op>-<target>-<NVRTC version>-<key>.cubin`.
//!
//! The key is made of everything that decides the machine code except the NVRTC version, which stands in the name: a
//! machine that has no NVRTC any more still finds what another run has left. The folder may be deleted at any time.

use super::arch::Target;
use super::kernels::Source;
use crate::io::atomic::write_atomic;
use crate::io::hash::hex;
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// Goes into the key: another layout of the file is another key.
const FORMAT: &str = "1";
const MARK: &[u8; 8] = b"cisgrad1";
/// Mark, length of the image, SHA-256 of key and image.
const TRAILER: usize = 8 + 8 + 32;

/// Where compiled kernels are kept: `CISGRAD_CACHE`, else the user's cache folder.
pub fn folder(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let path = |name: &str| variable(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    // The XDG rules: a relative path there is to be ignored.
    let xdg = || path("XDG_CACHE_HOME").filter(|p| p.is_absolute());
    path("CISGRAD_CACHE")
        .or_else(|| xdg().map(|p| p.join("cisgrad")))
        .or_else(|| path("HOME").map(|p| p.join(".cache/cisgrad")))
        .map(|p| p.join("kernels"))
}

/// The place of one kernel file's image for one target, in every NVRTC version.
pub struct Entry {
    folder: PathBuf,
    /// `<op>-<target>-`
    prefix: String,
    key: String,
    extension: &'static str,
    elf: bool,
}

impl Entry {
    pub fn new(
        folder: &Path,
        source: &Source,
        headers: &[(&str, &str)],
        options: &[&str],
        target: Target,
    ) -> Self {
        let mut hash = Sha256::new();
        let mut add = |part: &str| {
            // With its length, so that no two lists of parts run together into the same bytes.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        };
        add(FORMAT);
        add(&target.to_string());
        add(source.name);
        add(source.text);
        for (name, text) in headers {
            add(name);
            add(text);
        }
        for option in options {
            add(option);
        }
        let mut key = hex(&hash.finalize());
        key.truncate(32);
        let elf = matches!(target, Target::Cubin(_));
        Entry {
            folder: folder.to_path_buf(),
            prefix: format!("{}-{target}-", source.name),
            key,
            extension: if elf { "cubin" } else { "ptx" },
            elf,
        }
    }

    pub fn path(&self, version: (u32, u32)) -> PathBuf {
        let (major, minor) = version;
        self.folder.join(format!(
            "{}{major}.{minor}-{}.{}",
            self.prefix, self.key, self.extension
        ))
    }

    /// What an NVRTC of this version has made; `None` if the file does not exist.
    ///
    /// # Errors
    /// Says why the file that is there cannot be used.
    pub fn read(&self, version: (u32, u32)) -> Result<Option<Vec<u8>>, String> {
        let path = self.path(version);
        let fault = |what: &str| format!("{}: {what}", path.display());
        let mut bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(e) => return Err(fault(&e.to_string())),
        };
        let damaged = || fault("damaged, made again");
        let length = bytes.len().checked_sub(TRAILER).ok_or_else(damaged)?;
        if bytes[length..] != self.trailer(&bytes[..length])
            || (self.elf && !bytes.starts_with(b"\x7fELF"))
        {
            return Err(damaged());
        }
        bytes.truncate(length);
        Ok(Some(bytes))
    }

    /// Keeps an image. The file appears whole or not at all, so that runs may share the folder.
    ///
    /// # Errors
    /// The folder cannot be made or written to.
    pub fn write(&self, version: (u32, u32), image: &[u8]) -> Result<(), String> {
        std::fs::create_dir_all(&self.folder)
            .map_err(|e| format!("{}: {e}", self.folder.display()))?;
        write_atomic(self.path(version), |file| {
            file.write_all(image)?;
            file.write_all(&self.trailer(image))
        })
        .map_err(|e| e.to_string())
    }

    /// The NVRTC versions that files are there of, the newest first.
    pub fn versions(&self) -> Vec<(u32, u32)> {
        let end = format!("-{}.{}", self.key, self.extension);
        let entries = std::fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten();
        let mut versions: Vec<(u32, u32)> = entries
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let (major, minor) = name
                    .strip_prefix(&self.prefix)?
                    .strip_suffix(&end)?
                    .split_once('.')?;
                Some((major.parse().ok()?, minor.parse().ok()?))
            })
            .collect();
        versions.sort_unstable();
        versions.reverse();
        versions
    }

    fn trailer(&self, image: &[u8]) -> [u8; TRAILER] {
        let mut hash = Sha256::new();
        hash.update(&self.key);
        hash.update(image);
        let mut trailer = [0; TRAILER];
        trailer[..8].copy_from_slice(MARK);
        trailer[8..16].copy_from_slice(&(image.len() as u64).to_le_bytes());
        trailer[16..].copy_from_slice(&hash.finalize());
        trailer
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
