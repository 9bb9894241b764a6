//! Which known motifs lie where the attributions are: a motif's occurrences whose bases carry a share of a sequence's attributions.

use super::output::{Output, bases_of};
use super::subjects::{Stretch, Subject, Subjects};
use crate::dna::bases::{N, Strand};
use crate::dna::motif::{Motif, core};
use crate::interpret::fimo::Scanner;
use crate::io::hash::sha256;
use rayon::prelude::*;
use std::fmt::Write;
use std::sync::Arc;

/// The table.
pub const HITS: &str = "hits.tsv";

/// Windows whose p-value is below this are a motif's occurrences.
const THRESHOLD: f64 = 1e-4;

/// And bases that carry this many times as much as bases do on average.
const ABOVE: f64 = 2.0;

/// Motifs, to be looked for.
pub struct Named {
    motifs: Vec<(String, Scanner)>,
    /// Which motifs they are.
    fingerprint: String,
    /// An occurrence has at least this share of the sequence's summed absolute attributions.
    least: f64,
}

impl Named {
    pub fn new(motifs: &[Motif], least: f64) -> Self {
        let scanned = motifs.par_iter().map(|motif| {
            let rows = &motif.rows[core(&motif.rows)];
            (motif.shown(), Scanner::new(rows, THRESHOLD))
        });
        Named {
            motifs: scanned.collect(),
            fingerprint: sha256(format!("{motifs:?}").as_bytes()),
            least,
        }
    }

    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    pub fn header(&self) -> String {
        "chr\tstart\tend\tmotif_name\thit_coefficient\thit_importance\tstrand\tpeak_name\toutput\tp-value\n".to_string()
    }

    /// The occurrences in a sequence, those that overlap a stronger one of the same motif left out, with their p-values; `values`: the
    /// contribution of each base.
    pub fn of(&self, codes: &[u8], values: &[f64]) -> Vec<(Stretch, f64)> {
        let total: f64 = values.iter().map(|x| x.abs()).sum();
        if total == 0.0 {
            return Vec::new();
        }
        let each = self.motifs.iter().flat_map(|(name, scanner)| {
            let mut own: Vec<(Stretch, f64)> = scanner
                .hits(codes)
                .into_iter()
                .map(|hit| {
                    let end = hit.start + scanner.width();
                    let stretch = Stretch {
                        start: hit.start,
                        end,
                        name: name.clone(),
                        strand: match hit.strand {
                            Strand::Forward => '+',
                            Strand::Reverse => '-',
                        },
                        importance: values[hit.start..end].iter().sum(),
                    };
                    (stretch, hit.p_value)
                })
                .filter(|(stretch, _)| {
                    let length = (stretch.end - stretch.start) as f64 / codes.len() as f64;
                    let share = stretch.importance.abs() / total;
                    share >= self.least.max(ABOVE * length)
                })
                .collect();
            own.sort_by(|a, b| {
                let by = b.0.importance.abs().total_cmp(&a.0.importance.abs());
                by.then(a.1.total_cmp(&b.1)).then(a.0.start.cmp(&b.0.start))
            });
            let mut kept: Vec<(Stretch, f64)> = Vec::new();
            for hit in own {
                let over =
                    |other: &(Stretch, f64)| other.0.start < hit.0.end && hit.0.start < other.0.end;
                if !kept.iter().any(over) {
                    kept.push(hit);
                }
            }
            kept
        });
        let mut found: Vec<(Stretch, f64)> = each.collect();
        found.sort_by(|a, b| (a.0.start, &a.0.name).cmp(&(b.0.start, &b.0.name)));
        found
    }

    /// The lines of [`HITS`] for a block; `numbers`: the attributions, by file.
    pub(super) fn lines(
        &self,
        block: &[Arc<Subject>],
        first: usize,
        all: &dyn Subjects,
        outputs: &[Output],
        numbers: &[(String, Vec<f32>)],
    ) -> String {
        let rows: Vec<String> = block
            .par_iter()
            .enumerate()
            .map(|(row, subject)| {
                let mut text = String::new();
                for output in outputs {
                    let name = bases_of(output);
                    let Some((_, all_bases)) = numbers.iter().find(|(file, _)| *file == name)
                    else {
                        continue;
                    };
                    let width = 4 * subject.codes.len();
                    let values =
                        contributions(&subject.codes, &all_bases[row * width..(row + 1) * width]);
                    let total: f64 = values.iter().map(|x| x.abs()).sum();
                    for (stretch, p) in self.of(&subject.codes, &values) {
                        let place = all.place(first + row);
                        let (chromosome, start) = match &place {
                            Some(place) => (place.chromosome.clone(), place.start),
                            None => (all.name(first + row), 0),
                        };
                        // Into a String: cannot fail.
                        let _ = writeln!(
                            text,
                            "{chromosome}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{p:.3e}",
                            start + stretch.start as u64,
                            start + stretch.end as u64,
                            stretch.name,
                            (stretch.importance / total) as f32,
                            stretch.importance as f32,
                            stretch.strand,
                            all.name(first + row),
                            output.name,
                        );
                    }
                }
                text
            })
            .collect();
        rows.concat()
    }
}

/// The attribution of the base that is there (L), of those of all four (4, L); 0 where there is none.
pub fn contributions(codes: &[u8], bases: &[f32]) -> Vec<f64> {
    let length = codes.len();
    let own = codes.iter().enumerate().map(|(l, &code)| match code < N {
        true => f64::from(bases[usize::from(code) * length + l]),
        false => 0.0,
    });
    own.collect()
}
