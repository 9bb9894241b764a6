//! Which reads count, and where their cuts lie: flags of `cisgrad prepare`.

use crate::io::reads::Choice;
use serde_json::{Value, json};
use std::str::FromStr;

/// What samtools and deepTools users filter by.
const QUALITY: u8 = 30;

#[derive(clap::Args, Clone, Copy, Debug)]
pub struct ReadsArgs {
    /// What is added to the 5' ends of BAM reads of the forward strand and of the reverse strand: 4,-4 for ATAC-seq, 0,0 for DNase-seq;
    /// fragments are taken as shifted
    #[arg(
        long,
        value_name = "FORWARD,REVERSE",
        default_value = "0,0",
        allow_hyphen_values = true
    )]
    shift: Shift,
    /// Lowest mapping quality of a BAM read that counts
    #[arg(long, value_name = "QUALITY", default_value_t = QUALITY)]
    min_mapping_quality: u8,
    /// Count reads that are marked as duplicates
    #[arg(long)]
    keep_duplicates: bool,
}

impl ReadsArgs {
    /// Whether a flag was given, with another value than its default's.
    pub fn given(self) -> bool {
        let usual = self.shift == Shift(0, 0) && self.min_mapping_quality == QUALITY;
        !usual || self.keep_duplicates
    }

    /// By flag, for what is kept of a run.
    pub fn settings(self) -> [(&'static str, Value); 3] {
        let Shift(forward, reverse) = self.shift;
        [
            ("shift", json!([forward, reverse])),
            ("min-mapping-quality", json!(self.min_mapping_quality)),
            ("keep-duplicates", json!(self.keep_duplicates)),
        ]
    }

    pub fn choice(self) -> Choice {
        let Shift(forward, reverse) = self.shift;
        Choice {
            shift: (forward, reverse),
            quality: self.min_mapping_quality,
            duplicates: self.keep_duplicates,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shift(i64, i64);

impl FromStr for Shift {
    type Err = String;

    fn from_str(text: &str) -> Result<Shift, String> {
        let number = |text: &str| text.trim().parse::<i32>().ok().map(i64::from);
        let pair = text.split_once(',');
        pair.and_then(|(forward, reverse)| Some(Shift(number(forward)?, number(reverse)?)))
            .ok_or_else(|| "expected two whole numbers with a comma, as 4,-4".to_string())
    }
}
