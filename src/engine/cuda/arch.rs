//! Compute capabilities, and what kernels are compiled for.

use std::fmt;

/// A card's compute capability: 9.0 is an H100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arch {
    pub major: u32,
    pub minor: u32,
}

impl Arch {
    pub const fn new(major: u32, minor: u32) -> Self {
        Arch { major, minor }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What a compiler is asked to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Machine code (a cubin) of one architecture.
    Cubin(Arch),
    /// Text (PTX) that the driver compiles, for this architecture or a newer one.
    Ptx(Arch),
}

impl fmt::Display for Target {
    /// As `--gpu-architecture` spells it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, arch) = match self {
            Target::Cubin(arch) => ("sm", arch),
            Target::Ptx(arch) => ("compute", arch),
        };
        write!(f, "{name}_{}{}", arch.major, arch.minor)
    }
}
