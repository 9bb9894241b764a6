//! Genetic variants as pairs of windows of DNA, one with each allele.
//!
//! A variant is scored in its normalized place ([`normalize`]), in the middle of windows of a fixed length: `length / 2` is the
//! place of an SNV's base in its window, and a longer variant's middle (that of its longer allele) lies there. Both windows
//! begin at the same base and are filled up on the right, so that behind an indel they hold other bases of the chromosome.

mod edit;
mod examine;
mod layout;
pub mod normalize;
mod site;

pub use edit::Edit;
pub use examine::{Cause, Examined, Status, examine, reference_differs};
pub use layout::Layout;
pub use site::{Pair, Site, Window};

#[cfg(test)]
mod tests;
