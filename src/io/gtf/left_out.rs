//! What of a GTF is not taken, and what is taken apart: counted, and said in one note.

use super::Transcript;
use crate::io::distinct::Distinct;
use crate::io::text::first_names;
use crate::numbers::counted;
use std::collections::HashMap;

/// The last words of names, which stand after tabs.
fn last_words(names: &Distinct) -> impl Iterator<Item = &str> {
    names
        .names()
        .iter()
        .map(|name| match name.rsplit_once('\t') {
            Some((_, last)) => last,
            None => name,
        })
}

/// Transcripts that are not taken.
#[derive(Default)]
pub struct LeftOut {
    /// Chromosomes that are not in use.
    pub strangers: Distinct,
    /// Transcripts there: chromosome and identifier.
    pub on_strangers: Distinct,
    /// Transcripts without a strand: chromosome, gene_id and identifier.
    pub strandless: Distinct,
    /// Identifiers of transcripts without an exon.
    pub exonless: Vec<String>,
    /// Lines without a transcript_id.
    pub nameless: usize,
}

impl LeftOut {
    /// On strange chromosomes alone.
    pub fn strangers_only(&self) -> bool {
        !self.strangers.names().is_empty()
            && self.strandless.names().is_empty()
            && self.exonless.is_empty()
            && self.nameless == 0
    }

    /// What was left out, and which identifiers several of the transcripts share; None where there is nothing to say.
    pub fn note(&self, transcripts: &[Transcript]) -> Option<String> {
        let left_out = [
            (
                self.on_strangers.names().len(),
                "on chromosomes that are not in use",
                first_names(self.strangers.names()),
            ),
            (
                self.strandless.names().len(),
                "without a strand",
                first_names(last_words(&self.strandless)),
            ),
            (
                self.exonless.len(),
                "without an exon line",
                first_names(&self.exonless),
            ),
        ];
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let mut shared = Vec::new();
        for transcript in transcripts {
            let count = seen.entry(&transcript.id).or_default();
            *count += 1;
            if *count == 2 {
                shared.push(&transcript.id);
            }
        }
        let mut parts = Vec::new();
        let total: usize = left_out.iter().map(|(count, ..)| count).sum();
        if total > 0 {
            let reasons: Vec<String> = left_out
                .iter()
                .filter(|(count, ..)| *count > 0)
                .map(|(count, reason, names)| format!("{count} {reason} ({names})"))
                .collect();
            parts.push(format!(
                "{} left out: {}",
                counted(total, "transcript"),
                reasons.join(", ")
            ));
        }
        if self.nameless > 0 {
            parts.push(format!(
                "{} without a transcript_id left out",
                counted(self.nameless, "line")
            ));
        }
        if !shared.is_empty() {
            let count = match shared.len() {
                1 => "1 transcript_id stands".to_string(),
                n => format!("{n} transcript_ids stand"),
            };
            parts.push(format!(
                "{count} for several transcripts, which are read apart: {}",
                first_names(shared)
            ));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}
