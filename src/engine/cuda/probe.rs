//! Is there a card, and can it be used? Asked before anything else of the driver: cudarc panics where a library or a
//! symbol is missing.

use super::arch::Arch;
use super::images::{LEAST_ARCH, LEAST_CUDA, LEAST_DRIVER};
use crate::{Error, Result};
use cudarc::driver::{result, sys};
use std::fs;
use std::path::Path;

/// CUDA 12.0: what the driver API is asked for at. The driver says which version it serves as 1000 major + 10 minor.
const LEAST_VERSION: i32 = 12_000;

/// A card as the driver lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    pub ordinal: usize,
    pub name: String,
    pub memory: usize,
    pub arch: Arch,
}

/// The driver and its cards.
#[derive(Clone, Debug, PartialEq)]
pub struct Cards {
    /// The CUDA version that the driver serves, major and minor.
    pub driver: (u32, u32),
    pub cards: Vec<Card>,
}

/// Why there is no usable driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absence {
    /// This machine has no NVIDIA card.
    NoCard(String),
    /// It has one, but something is missing.
    Unusable(String),
}

impl Absence {
    pub fn reason(&self) -> &str {
        match self {
            Absence::NoCard(reason) | Absence::Unusable(reason) => reason,
        }
    }
}

/// Loads the driver and lists its cards.
///
/// # Errors
/// No card, no driver library, a driver that is too old or refuses.
pub fn cards() -> std::result::Result<Cards, Absence> {
    // SAFETY: loads a library and drops it again; the library's initialisers are NVIDIA's.
    if !unsafe { sys::is_culib_present() } {
        return Err(if card_on_the_bus() {
            Absence::Unusable(
                "an NVIDIA card is there, but the driver's library libcuda.so.1 is not: install the NVIDIA driver (in a \
                 container: start it with the GPU passed through)"
                    .to_string(),
            )
        } else {
            Absence::NoCard("no NVIDIA card and no driver (libcuda.so.1) were found".to_string())
        });
    }
    let mut version = 0;
    // SAFETY: writes one integer; allowed before cuInit.
    let asked = unsafe { sys::cuDriverGetVersion(&raw mut version) }.result();
    if asked.is_ok() && version < LEAST_VERSION {
        return Err(Absence::Unusable(format!(
            "the NVIDIA driver is too old: it serves CUDA {}.{}, needed is {LEAST_CUDA} (driver {LEAST_DRIVER} or newer)",
            version / 1000,
            version % 1000 / 10
        )));
    }
    if let Err(e) = result::init() {
        let reason = format!("the NVIDIA driver does not start: {}", describe(e));
        let none = e.0 == sys::CUresult::CUDA_ERROR_NO_DEVICE && !card_on_the_bus();
        return Err(if none {
            Absence::NoCard("the NVIDIA driver finds no card".to_string())
        } else {
            Absence::Unusable(reason)
        });
    }
    let refused = |e| Absence::Unusable(format!("the NVIDIA driver refuses: {}", describe(e)));
    let count = result::device::get_count().map_err(refused)?;
    let mut cards = Vec::new();
    for ordinal in 0..count {
        cards.push(card(ordinal).map_err(refused)?);
    }
    if cards.is_empty() {
        return Err(Absence::NoCard(
            "the NVIDIA driver finds no card".to_string(),
        ));
    }
    Ok(Cards {
        driver: (
            version.unsigned_abs() / 1000,
            version.unsigned_abs() % 1000 / 10,
        ),
        cards,
    })
}

fn card(ordinal: i32) -> std::result::Result<Card, result::DriverError> {
    use sys::CUdevice_attribute_enum as Attribute;
    let device = result::device::get(ordinal)?;
    // SAFETY: the device handle was just given by the driver.
    let attribute = |which| unsafe { result::device::get_attribute(device, which) };
    Ok(Card {
        ordinal: usize::try_from(ordinal).unwrap_or_default(),
        name: result::device::get_name(device)?,
        // SAFETY: as above.
        memory: unsafe { result::device::total_mem(device) }?,
        arch: Arch::new(
            attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?.unsigned_abs(),
            attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?.unsigned_abs(),
        ),
    })
}

/// The card that `--device cuda:N` names.
///
/// # Errors
/// No such card, or one that is too old for the kernels.
pub fn choose(found: &Cards, ordinal: usize) -> Result<Card> {
    let card = found.cards.get(ordinal).ok_or_else(|| {
        let names: Vec<_> = found
            .cards
            .iter()
            .map(|c| format!("cuda:{} {}", c.ordinal, c.name))
            .collect();
        Error::Device(format!(
            "--device cuda:{ordinal}: there is no such card; found: {}",
            names.join(", ")
        ))
    })?;
    if card.arch < LEAST_ARCH {
        return Err(Error::Device(format!(
            "cuda:{ordinal} {} is {}; the kernels need {LEAST_ARCH} (Ampere) or newer; say --device cpu",
            card.name, card.arch
        )));
    }
    Ok(card.clone())
}

/// The driver's name and words for an error.
pub fn describe(error: result::DriverError) -> String {
    let text = |t: std::result::Result<&std::ffi::CStr, _>| {
        t.map(|t| t.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let (name, words) = (text(error.error_name()), text(error.error_string()));
    if name.is_empty() {
        format!("error {:?}", error.0)
    } else {
        format!("{words} ({name})")
    }
}

/// A display or 3D controller (class 03xxxx) of vendor 10de on the PCI bus, or the driver's device files.
fn card_on_the_bus() -> bool {
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let on_bus = fs::read_dir("/sys/bus/pci/devices")
        .into_iter()
        .flatten()
        .flatten()
        .any(|device| {
            let path = device.path();
            read(&path.join("vendor")).trim() == "0x10de"
                && read(&path.join("class")).starts_with("0x03")
        });
    on_bus || Path::new("/dev/nvidia0").exists()
}
