//! Which known motif each learned one resembles most.

use std::io::{self, Write};

use crate::dna::motif::Motif;
use crate::dna::motif_similarity::{Similarity, similarity};

/// Positions that overlap at least, where both motifs have as many.
const OVERLAP: usize = 6;

/// The known motif that correlates best with a learned one, by its place in `known`, where half of it, and 6 positions or
/// more, overlap. Of equal ones the first. None where nothing varies.
pub fn best_match(learned: &[[f64; 4]], known: &[Motif]) -> Option<(usize, Similarity)> {
    let mut best: Option<(usize, Similarity)> = None;
    for (i, motif) in known.iter().enumerate() {
        let shorter = learned.len().min(motif.rows.len());
        let least = OVERLAP.max(motif.rows.len().div_ceil(2)).min(shorter);
        let found = similarity(learned, &motif.rows, least);
        if let Some(found) = found
            && best.is_none_or(|(_, best)| found.correlation > best.correlation)
        {
            best = Some((i, found));
        }
    }
    best
}

/// A learned motif and the known one that it resembles most.
pub struct Match<'a> {
    pub learned: &'a Motif,
    pub known: &'a Motif,
    pub similarity: Similarity,
}

/// The best match of each learned motif, the best correlation first; a learned motif that resembles none is left out.
pub fn best_matches<'a>(learned: &'a [Motif], known: &'a [Motif]) -> Vec<Match<'a>> {
    let best = |learned: &'a Motif| {
        let (place, similarity) = best_match(&learned.rows, known)?;
        Some(Match {
            learned,
            known: &known[place],
            similarity,
        })
    };
    let mut found: Vec<Match> = learned.iter().filter_map(best).collect();
    found.sort_by(|a, b| {
        b.similarity
            .correlation
            .total_cmp(&a.similarity.correlation)
    });
    found
}

/// Writes a line for each match: the learned motif's identifier and sites, the known motif's identifier and name, Pearson's
/// correlation, offset of the known motif in the learned one (positions), strand, positions that overlap.
pub fn write_matches(mut writer: impl Write, matches: &[Match]) -> io::Result<()> {
    writeln!(
        writer,
        "kernel\tsites\tmotif\tname\tcorrelation\toffset\tstrand\toverlap"
    )?;
    for Match {
        learned,
        known,
        similarity,
    } in matches
    {
        writeln!(
            writer,
            "{}\t{}\t{}\t{}\t{:.4}\t{}\t{}\t{}",
            learned.id,
            learned.nsites.unwrap_or(0.0),
            known.id,
            known.label.as_deref().unwrap_or(""),
            similarity.correlation,
            similarity.offset,
            if similarity.reverse { '-' } else { '+' },
            similarity.overlap
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
            label: None,
            nsites: Some(7.0),
            rows: text.chars().map(row).collect(),
        }
    }

    #[test]
    fn each_learned_motif_gets_the_known_one_it_resembles_most_on_either_strand() {
        let known = [
            motif("ebox", "CACGTG"),
            motif("ctcf", "CCACTAGGGGGC"),
            motif("copy", "CACGTG"),
        ];
        let learned = [
            motif("M0", "NNGCCCCCTAGTGG"),
            motif("M1", "AACACNTGTT"),
            motif("M2", "NNNNNNNNNN"),
        ];
        let mut text = Vec::new();
        write_matches(&mut text, &best_matches(&learned, &known)).unwrap();
        let text = String::from_utf8(text).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "kernel\tsites\tmotif\tname\tcorrelation\toffset\tstrand\toverlap"
        );
        assert_eq!(lines[1], "M0\t7\tctcf\t\t1.0000\t2\t-\t12");
        assert!(lines[2].starts_with("M1\t7\tebox\t\t0.9"), "{text}");
        assert!(lines[2].ends_with("\t2\t+\t6"), "{text}");
        assert_eq!(lines.len(), 3);
    }

    /// A long motif's end alone is no match: half of it must lie on the learned one.
    #[test]
    fn half_of_a_known_motif_lies_on_the_learned_one() {
        let known = [motif("long", "TTTTTTTTTTTTTTCACGTG")];
        let (_, found) = best_match(&motif("M", "CACGTGCCCC").rows, &known).unwrap();
        assert!(found.overlap == 10 && found.correlation < 0.9, "{found:?}");
        let known = [motif("short", "CACG")];
        let (_, found) = best_match(&motif("M", "TTCACGTT").rows, &known).unwrap();
        assert_eq!((found.overlap, found.offset), (4, 2));
    }
}
