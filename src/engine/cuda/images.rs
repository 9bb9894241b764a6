//! Machine code of the kernels for the card at hand.

use super::kernels::Source;
use crate::{Error, Result};

/// A compute capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arch {
    pub major: i32,
    pub minor: i32,
}

impl Arch {
    pub fn new((major, minor): (i32, i32)) -> Self {
        Arch { major, minor }
    }
}

pub enum Image {
    Cubin(Vec<u8>),
    Ptx(String),
}

pub struct Images;

impl Images {
    pub fn open() -> Self {
        Images
    }

    pub fn load(&self, source: &Source, _arch: Arch) -> Result<Image> {
        let text = source.ptx.map_or_else(
            || format!(".version 8.0\n{}", source.kernels.join("\n")),
            str::to_string,
        );
        if text.is_empty() {
            return Err(Error::Device(format!("{}: no image", source.name)));
        }
        Ok(Image::Ptx(text))
    }
}
