//! Which known motif each learned one is, by Tomtom's statistics.
//!
//! Columns are compared by their correlation: kernels are often nearly flat, and by Euclidean distance a flat column is as close to the
//! few flat ones of long known motifs as almost no other column is, so that noise would have p-values of 1e-10.

use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;

use super::q_values::q_values;
use super::tomtom::{Distance, FEW_TARGETS, Scratch, Targets};
use crate::dna::motif::{Motif, core, information};
use crate::io::text::first_names;
use crate::io::tomtom_table::Probability;
use crate::numbers::counted;
use rayon::prelude::*;

/// A match above this q-value names nothing.
const MOST_Q: f64 = 0.05;

/// A learned motif and the known one that it resembles most.
pub struct Match<'a> {
    pub learned: &'a Motif,
    pub known: &'a Motif,
    pub p_value: f64,
    pub e_value: f64,
    pub q_value: f64,
    /// The position of the learned motif under the known one's first position, on its strand; negative: it begins before.
    pub offset: isize,
    pub overlap: usize,
    /// The known motif lies on the other strand.
    pub reverse: bool,
}

impl Match<'_> {
    /// The known motif may be named: no more than one in twenty such matches is expected to be chance.
    pub fn is_significant(&self) -> bool {
        self.q_value <= MOST_Q
    }
}

/// The best match of each learned motif, without its flat flanks, among known ones; the best p-value first, of equal ones the one
/// of the first motif.
pub fn best_matches<'a>(learned: &'a [Motif], known: &'a [Motif]) -> Vec<Match<'a>> {
    let targets = Targets::new(known.iter().map(|m| m.rows.as_slice()), Distance::Pearson);
    let best = |scratch: &mut Scratch, learned: &'a Motif| {
        let Range { start, end } = core(&learned.rows);
        let found = targets.compare(&learned.rows[start..end], scratch);
        let p: Vec<f64> = found.iter().map(|m| m.p_value).collect();
        let best = found
            .iter()
            .min_by(|a, b| a.p_value.total_cmp(&b.p_value))?;
        Some(Match {
            learned,
            known: &known[best.target],
            p_value: best.p_value,
            e_value: best.p_value * p.len() as f64,
            q_value: q_values(&p, p.len() as u64)[best.target],
            offset: start as isize - best.offset,
            overlap: best.overlap,
            reverse: best.reverse,
        })
    };
    let found = learned.par_iter().map_init(Scratch::default, best);
    let mut found: Vec<Match> = found.flatten().collect();
    found.sort_by(|a, b| a.p_value.total_cmp(&b.p_value));
    found
}

/// Which motifs of a collection resemble one of them beyond chance, by place; it resembles itself.
pub fn resembling(motif: &Motif, known: &[Motif]) -> Vec<bool> {
    let targets = Targets::new(known.iter().map(|m| m.rows.as_slice()), Distance::Pearson);
    let found = targets.compare(&motif.rows[core(&motif.rows)], &mut Scratch::default());
    let p: Vec<f64> = found.iter().map(|m| m.p_value).collect();
    let q = q_values(&p, p.len() as u64);
    q.into_iter().map(|q| q <= MOST_Q).collect()
}

/// What to say of queries whose p-values by Euclidean distance mean little: nearly flat ones.
pub fn of_flat(queries: &[Motif], file: &Path) -> Option<String> {
    /// Bits per position of what binds nothing in particular.
    const FLAT: f64 = 0.5;
    let flat = |motif: &&Motif| {
        let rows = &motif.rows[core(&motif.rows)];
        rows.iter().map(information).sum::<f64>() < FLAT * rows.len() as f64
    };
    let flat: Vec<String> = queries.iter().filter(flat).map(Motif::shown).collect();
    (!flat.is_empty()).then(|| {
        format!(
            "note: {}: {} of {} nearly flat ({}): by Euclidean distance these resemble long motifs with flat columns better than chance allows; compare them with --distance pearson",
            file.display(),
            flat.len(),
            counted(queries.len(), "motif"),
            first_names(&flat)
        )
    })
}

/// What to say of motifs that take minutes: the time grows with the third power of a motif's length.
pub fn of_long(motifs: &[Motif], file: &Path) -> Option<String> {
    const LONG: usize = 200;
    let long = motifs.iter().filter(|motif| motif.rows.len() > LONG);
    let long: Vec<String> = long.map(Motif::shown).collect();
    (!long.is_empty()).then(|| {
        format!(
            "note: {}: {} longer than {LONG} positions ({}): a comparison of such motifs takes minutes, of thousands of positions hours",
            file.display(),
            counted(long.len(), "motif"),
            first_names(&long)
        )
    })
}

/// What to say of a collection of known motifs that is too small for its p-values.
pub fn of_few(known: &[Motif], file: &Path) -> Option<String> {
    (known.len() < FEW_TARGETS).then(|| {
        format!(
            "note: {} has {}: with fewer than {FEW_TARGETS} targets the p-values depend on which ones these are",
            file.display(),
            counted(known.len(), "motif")
        )
    })
}

/// Writes a line for each match: the learned motif's identifier and sites, the known motif's identifier and name (empty where the
/// match is not significant), p, E and q, offset of the known motif in the learned one (positions), strand, positions that overlap.
pub fn write_matches(mut writer: impl Write, matches: &[Match]) -> io::Result<()> {
    writeln!(
        writer,
        "kernel\tsites\tmotif\tname\tp-value\tE-value\tq-value\toffset\tstrand\toverlap"
    )?;
    for found in matches {
        let (motif, name) = match found.is_significant() {
            true => (found.known.id.as_str(), found.known.label.as_deref()),
            false => ("", None),
        };
        writeln!(
            writer,
            "{}\t{}\t{motif}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            found.learned.id,
            found.learned.nsites.unwrap_or(0.0),
            name.unwrap_or_default(),
            Probability(found.p_value),
            Probability(found.e_value),
            Probability(found.q_value),
            found.offset,
            if found.reverse { '-' } else { '+' },
            found.overlap
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn motif(id: &str, text: &str) -> Motif {
        let row = |letter| match "ACGT".find(letter) {
            Some(best) => std::array::from_fn(|i| if i == best { 0.85 } else { 0.05 }),
            None => [0.25; 4],
        };
        Motif {
            id: id.to_string(),
            label: Some(id.to_lowercase()),
            nsites: Some(7.0),
            rows: text.chars().map(row).collect(),
        }
    }

    #[test]
    fn each_learned_motif_gets_the_known_one_it_resembles_most_and_chance_is_not_named() {
        let known = [
            motif("EBOX", "CACGTG"),
            motif("CTCF", "CCACTAGGGGGC"),
            motif("AP1", "TGAGTCAT"),
            motif("GATA", "AGATAAGA"),
            motif("COPY", "CCACTAGGGGGC"),
        ];
        let learned = [
            motif("M0", "NNGCCCCCTAGTGG"),
            motif("M1", "NNTGAGTCATNNNN"),
            motif("M2", "NNNNNNNNNN"),
            motif("M3", "NNGTNN"),
        ];
        let mut text = Vec::new();
        write_matches(&mut text, &best_matches(&learned, &known)).unwrap();
        let text = String::from_utf8(text).unwrap();
        let lines: Vec<Vec<&str>> = text.lines().map(|l| l.split('\t').collect()).collect();
        assert_eq!(
            lines[0].join(" "),
            "kernel sites motif name p-value E-value q-value offset strand overlap"
        );
        assert_eq!(lines[1][..4], ["M0", "7", "CTCF", "ctcf"]);
        assert_eq!(lines[1][7..], ["2", "-", "12"]);
        assert_eq!(lines[2][..4], ["M1", "7", "AP1", "ap1"]);
        assert_eq!(lines[2][7..], ["2", "+", "8"]);
        // What resembles nothing has its p-value and no name.
        for line in &lines[3..] {
            assert_eq!(line[2..4], ["", ""]);
            assert!(line[6].parse::<f64>().unwrap() > 0.05, "{line:?}");
        }
        assert_eq!(lines.len(), 5);
    }

    #[test]
    fn a_motif_resembles_itself_and_its_reverse_complement_and_no_other() {
        let known = [
            motif("CTCF", "CCACTAGGGGGC"),
            motif("OTHER", "TGAGTCATTTTA"),
            motif("TURNED", "NGCCCCCTAGTGGN"),
            motif("AP1", "TGAGTCAT"),
        ];
        assert_eq!(resembling(&known[0], &known), [true, false, true, false]);
    }

    /// Motifs of a kernel's width whose columns are nearly flat, as of a kernel that learned nothing.
    #[test]
    fn noise_is_rarely_named() {
        let Some(data) = crate::real_data::real_data() else {
            return;
        };
        let file = "motifs/JASPAR2024_CORE_vertebrates_nonredundant.meme.gz";
        let known = crate::io::meme::read_meme(data.join(file)).unwrap();
        let mut state = 1u64;
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as f64 / f64::from(1u32 << 31)
        };
        for spread in [0.2, 0.6] {
            let noise: Vec<Motif> = (0..100)
                .map(|i| {
                    let mut row = || {
                        let row: [f64; 4] = std::array::from_fn(|_| 1.0 + spread * random());
                        row.map(|x| x / row.iter().sum::<f64>())
                    };
                    Motif {
                        id: format!("M{i}"),
                        label: None,
                        nsites: Some(100.0),
                        rows: (0..26).map(|_| row()).collect(),
                    }
                })
                .collect();
            let found = best_matches(&noise, &known);
            let named = found.iter().filter(|m| m.is_significant()).count();
            // One in twenty is what a q-value of 0.05 allows.
            assert!(named <= 10, "{named} of 100 at a spread of {spread}");
        }
    }
}
