//! `-mo`: the motif that a factor's network starts with.

use crate::dna::motif::Motif;

/// How a motif's name says that it is a factor's, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// The second word is the factor: `MA0139.2 CTCF`.
    Label,
    /// The first word is.
    Id,
    /// A part between `.`, `:` and `+` is: `CTCF.H12CORE.0.P.B`, `Ctcf+M6125_1.02+D`, `C055:CTCF:C2H2_ZF`.
    Alone,
    /// Such a part names it with others, joined by `_` or `::`: `CTCF_HUMAN.H11MO.0.A`, `MAX::MYC`, `C056:CTCF_INSM:C2H2_ZF`.
    Joined,
}

/// Which of several motifs that a factor has in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    First,
    Last,
}

/// A factor's motif.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<'a> {
    pub motif: &'a Motif,
    /// All that are as sure as this one, this one among them, in the file's order.
    pub equals: Vec<&'a Motif>,
}

/// The factor's motif: the one whose name says so in the surest way, upper and lower case alike. `None` when there is none.
pub fn find<'a>(motifs: &'a [Motif], factor: &str, pick: Pick) -> Option<Found<'a>> {
    let alike = |motif: &'a Motif| likeness(motif, factor).map(|likeness| (likeness, motif));
    let found: Vec<(Likeness, &Motif)> = motifs.iter().filter_map(alike).collect();
    let surest = found.iter().map(|(likeness, _)| *likeness).min()?;
    let equals = found
        .into_iter()
        .filter(|(likeness, _)| *likeness == surest);
    let equals: Vec<&Motif> = equals.map(|(_, motif)| motif).collect();
    let motif = match pick {
        Pick::First => equals.first(),
        Pick::Last => equals.last(),
    };
    motif.copied().map(|motif| Found { motif, equals })
}

fn likeness(motif: &Motif, factor: &str) -> Option<Likeness> {
    let is_factor = |text: &str| text.eq_ignore_ascii_case(factor);
    let (label, id) = (motif.label.as_deref(), motif.id.as_str());
    if label.is_some_and(is_factor) {
        return Some(Likeness::Label);
    }
    if is_factor(id) {
        return Some(Likeness::Id);
    }
    let words: Vec<String> = label.into_iter().chain([id]).map(joined).collect();
    let alone = || words.iter().flat_map(|word| parts(word));
    if alone().any(is_factor) {
        Some(Likeness::Alone)
    } else if alone().flat_map(|part| part.split('_')).any(is_factor) {
        Some(Likeness::Joined)
    } else {
        None
    }
}

/// A name with `_` alone between what belongs together.
fn joined(word: &str) -> String {
    word.replace("::", "_")
}

/// What stands between the signs that part a name; `-` belongs to one (`NKX2-1`).
fn parts(word: &str) -> impl Iterator<Item = &str> {
    word.split(['.', ':', '+'])
}

/// All the names that a motif goes by: its words and their parts.
pub fn names(motif: &Motif) -> Vec<String> {
    let words = || motif.label.iter().chain([&motif.id]);
    let whole = words().cloned();
    let split = words().flat_map(|word| {
        let word = joined(word);
        let split = parts(&word).flat_map(|part| part.split('_'));
        split.map(str::to_string).collect::<Vec<_>>()
    });
    whole.chain(split).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Motifs by the words of their lines.
    fn motifs(lines: &[&str]) -> Vec<Motif> {
        let motif = |line: &&str| {
            let mut words = line.split(' ').map(str::to_string);
            Motif {
                id: words.next().unwrap(),
                label: words.next(),
                nsites: None,
                rows: vec![[0.25; 4]],
            }
        };
        lines.iter().map(motif).collect()
    }

    /// The identifier of the factor's first motif, and of how many.
    fn first(lines: &[&str], factor: &str) -> Option<(String, usize)> {
        find(&motifs(lines), factor, Pick::First).map(|f| (f.motif.id.clone(), f.equals.len()))
    }

    #[track_caller]
    fn assert_first(lines: &[&str], factor: &str, expected: (&str, usize)) {
        let (id, count) = expected;
        assert_eq!(
            first(lines, factor),
            Some((id.to_string(), count)),
            "{factor}"
        );
    }

    #[test]
    fn the_second_word_goes_before_the_first_and_both_before_parts() {
        let lines = [
            "CTCF.0 other",
            "CTCF other",
            "MA0139.1 Ctcf",
            "MYC",
            "max MAX_f1",
        ];
        assert_first(&lines, "CTCF", ("MA0139.1", 1));
        assert_first(&lines, "myc", ("MYC", 1));
        assert_first(&lines, "MAX", ("max", 1));
        assert_first(&lines[..2], "CTCF", ("CTCF", 1));
        assert_eq!(first(&lines, "REST"), None);
    }

    #[test]
    fn every_collection_names_its_factors_in_its_own_way() {
        for (lines, factor, expected) in [
            (
                &[
                    "CTCFL.H12CORE.0.P.B",
                    "CTCF.H12CORE.0.P.B",
                    "CTCF.H12CORE.1.P.C",
                ][..],
                "ctcf",
                ("CTCF.H12CORE.0.P.B", 2),
            ),
            (
                &["CTCFL_HUMAN.H11MO.0.A", "CTCF_HUMAN.H11MO.0.A"],
                "CTCF",
                ("CTCF_HUMAN.H11MO.0.A", 1),
            ),
            (
                &["Ctcfl+M1_1.02+D", "Ctcf+M6125_1.02+D"],
                "CTCF",
                ("Ctcf+M6125_1.02+D", 1),
            ),
            // What stands alone goes before what stands with others.
            (
                &["C056:CTCF_INSM:C2H2_ZF", "C055:CTCF:C2H2_ZF"],
                "CTCF",
                ("C055:CTCF:C2H2_ZF", 1),
            ),
            (
                &["C056:CTCF_INSM:C2H2_ZF"],
                "INSM",
                ("C056:CTCF_INSM:C2H2_ZF", 1),
            ),
            (
                &["MA0059.2 MAX::MYC", "MA0058.4 MAX"],
                "MAX",
                ("MA0058.4", 1),
            ),
            (&["MA0059.2 MAX::MYC"], "Myc", ("MA0059.2", 1)),
            (
                &["NKX2-1.H12CORE.0.P.B"],
                "NKX2-1",
                ("NKX2-1.H12CORE.0.P.B", 1),
            ),
        ] {
            assert_first(lines, factor, expected);
        }
        // A dash belongs to a name, and a part of a word is none.
        assert_eq!(
            first(&["NKX2-1.H12CORE.0.P.B", "CTCFL.H12CORE.0.P.B"], "NKX2"),
            None
        );
        assert_eq!(first(&["CTCFL.H12CORE.0.P.B", "BCTCF x"], "CTCF"), None);
    }

    #[test]
    fn of_equals_the_first_or_the_last() {
        let motifs = motifs(&["SP1_f1 SP1", "SP1_f2 SP1", "SP1", "SP2_f1 SP2"]);
        for (pick, id) in [(Pick::First, "SP1_f1"), (Pick::Last, "SP1_f2")] {
            let found = find(&motifs, "SP1", pick).unwrap();
            assert_eq!((found.motif.id.as_str(), found.equals.len()), (id, 2));
        }
    }

    #[test]
    fn a_motif_goes_by_its_words_and_their_parts() {
        let motif = &motifs(&["MA0059.2 MAX::MYC"])[0];
        assert_eq!(
            names(motif),
            ["MAX::MYC", "MA0059.2", "MAX", "MYC", "MA0059", "2"]
        );
    }
}
