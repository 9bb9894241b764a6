//! What of a GTF is not taken, and what is taken apart: counted, and said in one note.

use super::Transcript;
use crate::io::text::first_names;
use crate::numbers::counted;
use std::collections::{HashMap, HashSet};

/// Different names in the order in which they came.
#[derive(Default)]
pub struct Names {
    pub order: Vec<String>,
    known: HashSet<String>,
}

impl Names {
    pub fn add(&mut self, name: &str) {
        if !self.known.contains(name) {
            self.known.insert(name.to_string());
            self.order.push(name.to_string());
        }
    }

    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// The last words of the names, which stand after tabs.
    fn last_words(&self) -> impl Iterator<Item = &str> {
        self.order.iter().map(|name| match name.rsplit_once('\t') {
            Some((_, last)) => last,
            None => name,
        })
    }
}

/// Transcripts that are not taken.
#[derive(Default)]
pub struct LeftOut {
    /// Chromosomes that are not in use.
    pub strangers: Names,
    /// Transcripts there: chromosome and identifier.
    pub on_strangers: Names,
    /// Transcripts without a strand: chromosome, gene_id and identifier.
    pub strandless: Names,
    /// Identifiers of transcripts without an exon.
    pub exonless: Vec<String>,
    /// Lines without a transcript_id.
    pub nameless: usize,
}

impl LeftOut {
    /// On strange chromosomes alone.
    pub fn strangers_only(&self) -> bool {
        self.strangers.len() > 0
            && self.strandless.len() == 0
            && self.exonless.is_empty()
            && self.nameless == 0
    }

    /// What was left out, and which identifiers several of the transcripts share; None where there is nothing to say.
    pub fn note(&self, transcripts: &[Transcript]) -> Option<String> {
        let left_out = [
            (
                self.on_strangers.len(),
                "on chromosomes that are not in use",
                first_names(&self.strangers.order),
            ),
            (
                self.strandless.len(),
                "without a strand",
                first_names(self.strandless.last_words()),
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
            let s = if total == 1 { "" } else { "s" };
            parts.push(format!(
                "{total} transcript{s} left out: {}",
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
