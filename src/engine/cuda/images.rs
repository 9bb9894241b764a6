//! What the driver is given for a kernel file: machine code from the cache, machine code that NVRTC makes for the card,
//! or the PTX that comes with the program.

use super::arch::{Arch, Target};
use super::cache;
use super::cache::Entry;
use super::kernels::{HEADERS, SOURCES, Source};
use super::nvrtc::Nvrtc;
use crate::{Error, Result};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The kernels use bf16 and cp.async, which came with Ampere.
pub const LEAST_ARCH: Arch = Arch::new(8, 0);

/// The oldest driver that takes the PTX in kernels/ptx. ci/requirements-cuda.txt makes it with NVRTC 12.0, which writes
/// PTX ISA 8.0; by NVIDIA's table "PTX Release History" (Parallel Thread Execution ISA, release notes) that came with
/// CUDA 12.0 and driver branch r525, whose first release for Linux is 525.60.13 (CUDA 12.0 release notes, "CUDA Toolkit
/// and Minimum Required Driver Version"). cudarc is built for CUDA 12.0 too, so no older driver could run us anyway.
pub const LEAST_DRIVER: &str = "525.60.13";
/// The CUDA version that this driver reports.
pub const LEAST_CUDA: &str = "12.0";
/// The `.version` of the PTX in kernels/ptx.
pub const PTX_ISA: &str = "8.0";

/// A kernel file as the driver loads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Image {
    Cubin(Vec<u8>),
    Ptx(Cow<'static, str>),
}

impl Image {
    /// The bytes for `cuModuleLoadData`, which reads PTX up to a NUL.
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Image::Cubin(bytes) => bytes,
            Image::Ptx(text) => {
                let mut bytes = text.into_owned().into_bytes();
                bytes.push(0);
                bytes
            }
        }
    }
}

/// Finds or makes images; shared by threads, which may compile at the same time.
#[derive(Debug)]
pub struct Images {
    nvrtc: std::result::Result<Nvrtc, String>,
    folder: Option<PathBuf>,
    /// CUDA major version above which the driver takes no machine code.
    newest: Option<u32>,
    notes: Mutex<Vec<String>>,
}

impl Images {
    /// With whatever NVRTC and cache folder there are; that there are none is no error here.
    pub fn open() -> Self {
        Self::open_for_driver(None)
    }

    /// [`Images::open`] for a driver of this CUDA major version (`cuDriverGetVersion` / 1000), which refuses machine
    /// code made by a newer one.
    pub fn open_for_driver(newest: Option<u32>) -> Self {
        let folder = cache::folder(&|name| std::env::var_os(name));
        Self::with(Nvrtc::open(newest), folder, newest)
    }

    fn with(
        nvrtc: std::result::Result<Nvrtc, String>,
        folder: Option<PathBuf>,
        newest: Option<u32>,
    ) -> Self {
        let images = Images {
            nvrtc,
            folder,
            newest,
            notes: Mutex::default(),
        };
        if images.folder.is_none() {
            images.note("compiled kernels are not kept: set CISGRAD_CACHE to a folder".to_string());
        }
        images
    }

    /// The compiler, or why there is none.
    pub fn nvrtc(&self) -> std::result::Result<&Nvrtc, &str> {
        self.nvrtc.as_ref().map_err(String::as_str)
    }

    /// Where compiled kernels are kept.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// What went otherwise than usual, each once: nothing of it hinders a run.
    pub fn notes(&self) -> Vec<String> {
        self.notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A kernel file for a card: from the cache, else by NVRTC, else the PTX that comes with the program.
    ///
    /// # Errors
    /// The card is too old; or there is neither a usable NVRTC nor PTX: says what to install or set.
    pub fn load(&self, source: &Source, card: Arch) -> Result<Image> {
        if card < LEAST_ARCH {
            return Err(Error::Device(format!(
                "the card has compute capability {card}; {LEAST_ARCH} or newer (Ampere, 2020) is needed"
            )));
        }
        let why = match &self.nvrtc {
            Ok(nvrtc) => match self.compiled(nvrtc, source, card) {
                Ok(image) => return Ok(image),
                Err(fault) => fault,
            },
            Err(fault) => match self.left_by_another(source, card) {
                Some(image) => return Ok(image),
                None => fault.clone(),
            },
        };
        let image = self.shipped(source, &why)?;
        self.note(format!(
            "PTX that comes with the program, not code for this card: {why}"
        ));
        Ok(image)
    }

    /// What to offer a driver that refuses the image from [`Images::load`]: the PTX that comes with the program.
    ///
    /// # Errors
    /// That was it already, or there is none: says what to install or set.
    pub fn instead_of(&self, refused: &Image, source: &Source, why: &str) -> Result<Image> {
        let shipped = source.ptx.map(|text| Image::Ptx(Cow::Borrowed(text)));
        if shipped.as_ref() == Some(refused) {
            return Err(Error::Device(format!(
                "the driver refuses the kernels of {} (PTX {PTX_ISA}): {why}. It must be {LEAST_DRIVER} or newer (CUDA {LEAST_CUDA})",
                source.name
            )));
        }
        let image = self.shipped(
            source,
            &format!("the driver refuses what NVRTC made: {why}"),
        )?;
        self.note(format!(
            "PTX that comes with the program, not code for this card: the driver refuses that ({why})"
        ));
        Ok(image)
    }

    /// The kernel files that need no compiler for this card.
    pub fn cached(&self, card: Arch) -> Vec<&'static str> {
        SOURCES
            .iter()
            .filter(|source| match &self.nvrtc {
                Ok(nvrtc) => nvrtc.target(card).is_some_and(|target| {
                    self.entry(source, target)
                        .is_some_and(|entry| matches!(entry.read(nvrtc.version()), Ok(Some(_))))
                }),
                Err(_) => self.left_by_another(source, card).is_some(),
            })
            .map(|source| source.name)
            .collect()
    }

    /// Of the cache, or compiled and kept there.
    fn compiled(
        &self,
        nvrtc: &Nvrtc,
        source: &Source,
        card: Arch,
    ) -> std::result::Result<Image, String> {
        let (major, minor) = nvrtc.version();
        let target = nvrtc
            .target(card)
            .ok_or_else(|| format!("NVRTC {major}.{minor} knows no architecture up to {card}"))?;
        if let Target::Ptx(arch) = target {
            self.note(format!(
                "NVRTC {major}.{minor} does not know compute capability {card}: the driver compiles PTX for {arch}; a newer NVRTC makes faster code"
            ));
        }
        let entry = self.entry(source, target);
        if let Some(entry) = &entry {
            match entry
                .read(nvrtc.version())
                .map(|bytes| bytes.and_then(|b| image(target, b)))
            {
                Ok(Some(image)) => return Ok(image),
                Ok(None) => {}
                Err(fault) => self.note(fault),
            }
        }
        let name = format!("{}.cu", source.name);
        let compiled = nvrtc.compile(&name, source.text, HEADERS, target, &options())?;
        if !compiled.log.is_empty() {
            self.note(compiled.log);
        }
        if let Some(Err(fault)) = entry.map(|entry| entry.write(nvrtc.version(), &compiled.image)) {
            self.note(format!("compiled kernels are not kept: {fault}"));
        }
        image(target, compiled.image).ok_or_else(|| format!("{name}: NVRTC's PTX is not text"))
    }

    /// Machine code in the cache, of the newest NVRTC that the driver goes with, when none is there to ask.
    fn left_by_another(&self, source: &Source, card: Arch) -> Option<Image> {
        let target = Target::Cubin(card);
        let entry = self.entry(source, target)?;
        let versions = entry.versions().into_iter();
        versions
            .filter(|version| self.newest.is_none_or(|newest| version.0 <= newest))
            .find_map(|version| match entry.read(version) {
                Ok(bytes) => image(target, bytes?),
                Err(fault) => {
                    self.note(fault);
                    None
                }
            })
    }

    fn shipped(&self, source: &Source, why: &str) -> Result<Image> {
        let text = source.ptx.ok_or_else(|| {
            Error::Device(format!(
                "no code for the kernels of {}: {why}; and this build has no PTX of them. Install NVRTC 12 or 13 \
                 (`pip install nvidia-cuda-nvrtc-cu12`, or the CUDA toolkit) and, where it is not found by itself, \
                 set NVRTC_PATH to libnvrtc.so or its folder",
                source.name
            ))
        })?;
        Ok(Image::Ptx(Cow::Borrowed(text)))
    }

    fn entry(&self, source: &Source, target: Target) -> Option<Entry> {
        let folder = self.folder.as_deref()?;
        Some(Entry::new(folder, source, HEADERS, &options(), target))
    }

    fn note(&self, note: String) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
}

fn image(target: Target, bytes: Vec<u8>) -> Option<Image> {
    match target {
        Target::Cubin(_) => Some(Image::Cubin(bytes)),
        Target::Ptx(_) => String::from_utf8(bytes)
            .ok()
            .map(|text| Image::Ptx(text.into())),
    }
}

/// The options in kernels/options.txt: ci/kernels.py compiles with the same.
fn options() -> Vec<&'static str> {
    include_str!("../../../kernels/options.txt")
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

#[cfg(test)]
#[path = "images_tests.rs"]
mod tests;
