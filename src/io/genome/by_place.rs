//! What reading parts of a genome needs of its format.

use crate::Result;

/// A genome of which parts can be read by their place.
pub trait ByPlace {
    /// Names and lengths in bases.
    fn chromosomes(&self) -> Vec<(String, u64)>;

    /// Looks at a chromosome, by its number, before bases of it are read.
    fn check(&mut self, _chromosome: usize) -> Result<()> {
        Ok(())
    }

    /// Called when a chromosome is wanted that is not among these: checks that the file does not have it either.
    fn check_complete(&mut self) -> Result<()> {
        Ok(())
    }

    /// Intervals no further apart than so many bases are read in one go: reading through costs less than going back.
    fn gap(&self) -> u64;

    /// The codes of bases `from..to` of a chromosome, which lie on it.
    fn bases(&mut self, chromosome: usize, from: u64, to: u64) -> Result<Vec<u8>>;
}
