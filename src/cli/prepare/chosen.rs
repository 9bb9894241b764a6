//! Chromosomes that the user named.

use crate::Error;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::near::nearest;
use crate::io::text::first_names;

/// The error for one that is not there.
pub fn unknown(name: &str, chromosomes: &Chromosomes) -> Error {
    let near = nearest(name, chromosomes.names(), |near| vec![near.as_str()]);
    Error::usage(format!(
        "--chromosomes {name}: {} has no such chromosome; its names are as {}",
        chromosomes.path.display(),
        first_names(near)
    ))
}
