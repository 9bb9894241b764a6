//! What tables say of a variant.

use crate::data::variant_windows::Status;
use crate::io::vcf::Record;

/// What a variant does to an output.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effect {
    /// The prediction with REF as the file names it, the mean over the shifts.
    pub reference: f64,
    /// With ALT.
    pub alternative: f64,
    /// ALT's logit minus REF's, where predictions are probabilities.
    pub logit_diff: Option<f64>,
    /// Among shuffled flanks.
    pub p_value: Option<f64>,
    /// Of the higher prediction of the two among those of other sequences.
    pub quantile: Option<f64>,
    pub motif_gained: Option<String>,
    pub motif_lost: Option<String>,
    /// The motifs' part of the difference.
    pub motif_diff: Option<f64>,
}

impl Effect {
    /// ALT minus REF.
    pub fn diff(&self) -> f64 {
        self.alternative - self.reference
    }
}

/// An ALT of a line.
#[derive(Clone, Copy, Debug)]
pub struct Allele<'a> {
    pub record: &'a Record,
    /// Its place in ALT; 0 where ALT is `.`.
    pub alternative: usize,
    pub status: Status,
    /// One for each output; none of an allele that is not scored.
    pub effects: &'a [Effect],
}

impl Allele<'_> {
    /// As it stands in the file.
    pub fn text(&self) -> &str {
        let alternatives = &self.record.alternatives;
        alternatives
            .get(self.alternative)
            .map_or(".", |alternative| alternative.text())
    }
}

/// Which columns there are.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    pub outputs: Vec<String>,
    pub logits: bool,
    pub p_values: bool,
    pub quantiles: bool,
    pub motifs: bool,
    /// Sentences for the table's head.
    pub notes: Vec<String>,
}

/// A number as tables have it: the shortest one that reads back as the same in single precision.
pub fn shown(number: f64) -> String {
    format!("{:?}", number as f32)
}

/// A number that may be missing, as an empty column.
pub fn or_empty(number: Option<f64>) -> String {
    number.map_or_else(String::new, shown)
}
