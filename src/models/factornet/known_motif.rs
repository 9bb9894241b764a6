//! `-mo`: the motif that a factor's network starts with.

use crate::dna::motif::Motif;

/// The factor's motif: the first whose name's last word is the factor, else whose first word is;
/// upper and lower case are the same. `None` when there is none.
pub fn find<'a>(motifs: &'a [Motif], factor: &str) -> Option<&'a Motif> {
    let last = |motif: &&Motif| {
        motif
            .label
            .as_deref()
            .unwrap_or(&motif.id)
            .eq_ignore_ascii_case(factor)
    };
    let first = |motif: &&Motif| motif.id.eq_ignore_ascii_case(factor);
    motifs
        .iter()
        .find(last)
        .or_else(|| motifs.iter().find(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn motif(id: &str, label: Option<&str>) -> Motif {
        Motif {
            id: id.to_string(),
            label: label.map(str::to_string),
            nsites: None,
            rows: vec![[0.25; 4]],
        }
    }

    #[test]
    fn the_last_word_goes_before_the_first_in_any_case() {
        let motifs = [
            motif("CTCF", Some("other")),
            motif("MA0139.1", Some("Ctcf")),
            motif("MYC", None),
            motif("max", Some("MAX_f1")),
        ];
        let id = |factor| find(&motifs, factor).map(|motif| motif.id.as_str());
        assert_eq!(id("CTCF"), Some("MA0139.1"));
        assert_eq!(id("myc"), Some("MYC"));
        assert_eq!(id("MAX"), Some("max"));
        assert_eq!(id("REST"), None);
    }
}
