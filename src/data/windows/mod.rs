//! Windows of a genome: from peaks, blacklist and annotations to what is bound, free or left out.
//!
//! Everything here works on intervals alone. Coordinates are 0-based, half-open. Warnings and counts are
//! returned as [`Notes`](super::Notes), nothing is printed.

pub mod annotations;
pub mod bins;
pub mod blacklist;
pub mod negatives;
pub mod peaks;
pub mod shifts;

/// Bases of a window, the unit that is called bound or not.
pub const WINDOW: u32 = 200;
/// Bases from one window to the next, where the genome is cut into windows.
pub const STEP: u32 = 50;
/// Bases of a window that peaks must cover: more than half.
pub const COVERED: u32 = 101;
