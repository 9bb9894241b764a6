//! How alike two motifs are, over all offsets and both strands.

use crate::dna::motif::reverse_complement;

/// The best alignment of a motif with another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Similarity {
    /// Pearson's correlation of the probabilities in the positions that overlap, 4 a position; at most 1.
    pub correlation: f64,
    /// Which position of the first motif the second one's first position lies on; negative: it begins before.
    pub offset: isize,
    /// The second motif was reverse complemented.
    pub reverse: bool,
    /// Positions that overlap.
    pub overlap: usize,
}

/// Compares motifs given as a row of A, C, G, T a position, at every offset where `min_overlap` positions or more
/// overlap, the second one on either strand. Of equal alignments the first counts: forward, lowest offset.
///
/// None where a motif is shorter than that, or where no overlap varies (all rows uniform).
pub fn similarity(a: &[[f64; 4]], b: &[[f64; 4]], min_overlap: usize) -> Option<Similarity> {
    let min_overlap = min_overlap.max(1);
    if a.len().min(b.len()) < min_overlap {
        return None;
    }
    let mut best: Option<Similarity> = None;
    for reverse in [false, true] {
        let b = if reverse {
            reverse_complement(b)
        } else {
            b.to_vec()
        };
        let first = min_overlap as isize - b.len() as isize;
        for offset in first..=(a.len() - min_overlap) as isize {
            let from = offset.max(0) as usize;
            let skipped = (-offset).max(0) as usize;
            let overlap = (a.len() - from).min(b.len() - skipped);
            let correlation = correlation(
                a[from..from + overlap].as_flattened(),
                b[skipped..skipped + overlap].as_flattened(),
            );
            // NaN is above nothing.
            if best.is_none_or(|best| correlation > best.correlation) && !correlation.is_nan() {
                best = Some(Similarity {
                    correlation,
                    offset,
                    reverse,
                    overlap,
                });
            }
        }
    }
    best
}

/// Pearson's correlation; NaN where one side does not vary (but for rounding).
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let mean = |x: &[f64]| x.iter().sum::<f64>() / n;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (a - mean_a, b - mean_b);
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    if aa.min(bb) < 1e-20 * n {
        f64::NAN
    } else {
        ab / (aa * bb).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dna::motif::Motif;
    use crate::io::meme::read_meme;
    use proptest::prelude::*;

    /// A motif that favours the letters of `text`; N: a uniform row.
    fn motif(text: &str) -> Vec<[f64; 4]> {
        let row = |letter| match "ACGT".find(letter) {
            Some(best) => std::array::from_fn(|i| if i == best { 0.85 } else { 0.05 }),
            None => [0.25; 4],
        };
        text.chars().map(row).collect()
    }

    fn best(a: &str, b: &str, min_overlap: usize) -> Similarity {
        similarity(&motif(a), &motif(b), min_overlap).unwrap()
    }

    #[test]
    fn a_motif_is_found_where_it_lies_on_either_strand() {
        for (a, b, offset, reverse, overlap) in [
            ("CCACTAGGGG", "CCACTAGGGG", 0, false, 10),
            ("NNNCCACTAGGGGNN", "CCACTAGGGG", 3, false, 10),
            ("CCACTAGGGG", "TTCCACTAGGGGT", -2, false, 10),
            ("NNCCCCTAGTGGNNN", "CCACTAGGGG", 2, true, 10),
            ("CCACTAGG", "ACTAGGTTA", 2, false, 6),
        ] {
            let found = best(a, b, 6);
            assert!((found.correlation - 1.0).abs() < 1e-12, "{found:?}");
            let place = (found.offset, found.reverse, found.overlap);
            assert_eq!(place, (offset, reverse, overlap), "{a} {b}");
        }
    }

    #[test]
    fn a_correlation_by_hand() {
        // Three positions agree, one does not: of 16 numbers, 3 peaks of 4 in place. In units of 0.8 above 0.05:
        // Σab = 3 - 16/16 = 2 and Σaa = Σbb = 4 - 1 = 3.
        let found = best("AAAA", "AAAC", 4);
        assert!((found.correlation - 2.0 / 3.0).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn other_motifs_are_less_alike() {
        assert!(best("CCACTAGGGGGC", "TGACTCATTTTA", 8).correlation < 0.6);
        assert!(best("GGGGGGGG", "AAAAAAAA", 8).correlation < 0.0);
    }

    #[test]
    fn one_factors_motifs_of_two_collections_find_each_other() {
        let Some(data) = crate::real_data::real_data() else {
            return;
        };
        let folder = data.join("motifs");
        let jaspar = "JASPAR2024_CORE_vertebrates_nonredundant.meme.gz";
        let jaspar = read_meme(folder.join(jaspar)).unwrap();
        let hocomoco = read_meme(folder.join("HOCOMOCOv9.meme.gz")).unwrap();
        for (name, id) in [("CTCF", "MA0139.2"), ("REST", "MA0138.3")] {
            let query = hocomoco
                .iter()
                .find(|m| m.label.as_deref() == Some(name))
                .unwrap();
            let alike = |m: &Motif| {
                Some((
                    similarity(&query.rows, &m.rows, 8)?.correlation,
                    m.id.clone(),
                ))
            };
            let found = jaspar.iter().filter_map(alike);
            let found = found.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
            assert_eq!(found.1, id);
            assert!(found.0 > 0.98, "{found:?}");
        }
    }

    #[test]
    fn what_cannot_be_compared_is_none() {
        assert_eq!(similarity(&motif("ACGT"), &motif("ACGTAA"), 5), None);
        assert_eq!(similarity(&motif("NNNNNN"), &motif("ACGTAA"), 6), None);
        assert_eq!(similarity(&[], &[], 0), None);
    }

    proptest! {
        #[test]
        fn strands_and_order_do_not_matter(a in "[ACGT]{6,14}", b in "[ACGT]{6,14}") {
            let (a, b) = (motif(&a), motif(&b));
            let correlation = |a: &[[f64; 4]], b: &[[f64; 4]]| similarity(a, b, 6).unwrap().correlation;
            let found = correlation(&a, &b);
            prop_assert!((-1.0..=1.0 + 1e-12).contains(&found));
            prop_assert!((correlation(&b, &a) - found).abs() < 1e-12);
            prop_assert!((correlation(&a, &reverse_complement(&b)) - found).abs() < 1e-12);
            prop_assert!((correlation(&a, &a) - 1.0).abs() < 1e-12);
        }
    }
}
