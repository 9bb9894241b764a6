//! What is asked of a run.

use super::tables::Format;
use crate::data::packed_genome::PackedGenome;
use crate::data::variant_windows::Layout;
use crate::io::sources::is_fleeting;
use crate::io::stored::Stored;
use crate::io::vcf::Wanted;
use crate::metrics::empirical_p::Sorted;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// What is asked of a run, whatever scores.
pub struct Request<'a> {
    pub vcf: &'a Stored,
    /// Sites elsewhere are passed over.
    pub wanted: Option<&'a Wanted>,
    pub genome: &'a PackedGenome,
    pub layout: Layout,
    pub out: PathBuf,
    pub format: Format,
    /// Shuffles of each variant for p-values; 0: no p-values.
    pub null: usize,
    /// Of the shuffles.
    pub seed: u64,
    /// Stops at the first REF that is not in the genome.
    pub strict: bool,
    pub resume: bool,
    /// What the results depend on beside the other fields and the file of variants: the model, the genome, the outputs.
    pub fingerprint: String,
    /// For each output the predictions among which the higher one of a variant's has its quantile, if they are known.
    pub backgrounds: Option<Vec<Sorted>>,
    /// Sentences for the output's head.
    pub notes: Vec<String>,
    /// Lines of the VCF file that are scored at once.
    pub block: NonZeroUsize,
}

impl Request<'_> {
    /// The flag and the name of what a later run would not find again, if there is any: no run goes on with it.
    pub fn stream(&self) -> Option<(&'static str, &Path)> {
        match is_fleeting(&self.out) {
            true => Some(("--out", &self.out)),
            false => self.vcf.is_stream().then(|| ("--vcf", self.vcf.path())),
        }
    }
}

/// Lines that are scored at once, unless another number is set.
pub const BLOCK: NonZeroUsize = NonZeroUsize::new(512).unwrap();
