//! What became of the alleles, counted.

use crate::data::variant_windows::{Cause, Status};
use crate::numbers::counted;
use std::collections::BTreeMap;

/// More mismatches than one allele in so many are worth a warning.
const SHARE: u64 = 20;
/// More than one in so many, and so many at least, are another genome's: by chance every second SNV of another build
/// has neither of its bases there.
const OTHER_GENOME: (u64, u64) = (4, 10);

/// Alleles by what became of them, each with the first one's place in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: BTreeMap<Status, (u64, String)>,
}

impl Tally {
    /// Takes an allele; `place` is called of the first one alone.
    pub fn add(&mut self, status: Status, place: impl FnOnce() -> String) {
        self.counts.entry(status).or_insert_with(|| (0, place())).0 += 1;
    }

    pub fn count(&self, status: Status) -> u64 {
        self.counts.get(&status).map_or(0, |(count, _)| *count)
    }

    /// All alleles.
    pub fn alleles(&self) -> u64 {
        self.counts.values().map(|(count, _)| count).sum()
    }

    /// Those that are scored.
    pub fn scored(&self) -> u64 {
        self.count(Status::Match) + self.count(Status::Exchanged)
    }

    /// Alleles whose REF was held against the genome.
    fn compared(&self) -> u64 {
        self.scored() + self.count(Status::Mismatch)
    }

    /// Whether the file must be of another genome.
    pub fn is_of_another_genome(&self) -> bool {
        let (share, least) = OTHER_GENOME;
        let mismatched = self.count(Status::Mismatch);
        mismatched >= least && mismatched * share > self.compared()
    }

    /// Sentences for the user: how REF compares with the genome, and what is not scored, by cause.
    pub fn sentences(&self) -> Vec<String> {
        let [matched, exchanged, mismatched] =
            [Status::Match, Status::Exchanged, Status::Mismatch].map(|status| self.count(status));
        let mut reference = format!("REF against the genome: {matched} match");
        if exchanged > 0 {
            reference += &format!(
                ", {exchanged} exchanged (ALT is in the genome; scored as the file names them; the first at {})",
                self.first(Status::Exchanged)
            );
        } else {
            reference += ", 0 exchanged";
        }
        reference += &match mismatched {
            0 => ", 0 mismatch".to_string(),
            _ => format!(
                ", {mismatched} mismatch (not scored; the first at {})",
                self.first(Status::Mismatch)
            ),
        };
        let mut sentences = vec![reference];
        if mismatched * SHARE > self.compared() {
            sentences.push(format!(
                "warning: {mismatched} of {} REF alleles are not in the genome: is it the build that the variants were called on?",
                self.compared()
            ));
        }
        if exchanged * SHARE > self.compared() {
            sentences.push(format!(
                "warning: {exchanged} of {} REF alleles are exchanged with ALT (PLINK writes such files), and diff is ALT less REF as the file names them: bcftools +fixref or norm --check-ref s puts them right",
                self.compared()
            ));
        }
        let causes = Cause::ALL.into_iter().filter_map(|cause| {
            let count = self.count(Status::Unscored(cause));
            let what = words(cause, count);
            let first = self.first(Status::Unscored(cause));
            (count > 0).then(|| format!("{what} (the first at {first})"))
        });
        let causes: Vec<String> = causes.collect();
        if !causes.is_empty() {
            sentences.push(format!("not scored: {}", causes.join(", ")));
        }
        sentences
    }

    fn first(&self, status: Status) -> &str {
        self.counts
            .get(&status)
            .map_or("", |(_, place)| place.as_str())
    }
}

fn words(cause: Cause, count: u64) -> String {
    match cause {
        Cause::NoAlternative => format!("{} without ALT", counted(count, "site")),
        Cause::Symbolic => counted(count, "symbolic allele"),
        Cause::Breakend => counted(count, "breakend"),
        Cause::Overlapped => format!("{} *", counted(count, "allele")),
        Cause::Identical => format!("{} with REF as ALT", counted(count, "allele")),
        Cause::Ambiguous => format!(
            "{} with N or another ambiguity letter",
            counted(count, "allele")
        ),
        Cause::UnknownChromosome => {
            format!(
                "{} on chromosomes that are not in the genome",
                counted(count, "allele")
            )
        }
        Cause::PastEnd => {
            format!(
                "{} whose window reaches past an end of the chromosome",
                counted(count, "allele")
            )
        }
        Cause::TooLong => format!(
            "{} not altogether in its window (too long, or moved out of it by --shifts)",
            counted(count, "allele")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_count_has_its_first_place() {
        let mut tally = Tally::default();
        let mut line = 0;
        let mut add = |status, times| {
            for _ in 0..times {
                line += 1;
                let place = line;
                tally.add(status, || format!("line {place}"));
            }
        };
        add(Status::Match, 25);
        add(Status::Unscored(Cause::Symbolic), 1);
        add(Status::Exchanged, 2);
        add(Status::Unscored(Cause::PastEnd), 3);
        add(Status::Mismatch, 1);
        assert_eq!((tally.alleles(), tally.scored()), (32, 27));
        assert_eq!(
            tally.sentences(),
            [
                "REF against the genome: 25 match, 2 exchanged (ALT is in the genome; scored as the file names them; the first at line 27), 1 mismatch (not scored; the first at line 32)",
                "warning: 2 of 28 REF alleles are exchanged with ALT (PLINK writes such files), and diff is ALT less REF as the file names them: bcftools +fixref or norm --check-ref s puts them right",
                "not scored: 1 symbolic allele (the first at line 26), 3 alleles whose window reaches past an end of the chromosome (the first at line 29)",
            ]
        );
        assert!(!tally.is_of_another_genome());
        tally.add(Status::Mismatch, String::new);
        let warned = &tally.sentences()[1];
        assert!(
            warned.starts_with("warning: 2 of 29 REF alleles"),
            "{warned}"
        );
        for _ in 2..9 {
            tally.add(Status::Mismatch, String::new);
        }
        // 9 of 36: some more, and one in four is passed.
        assert!(!tally.is_of_another_genome());
        tally.add(Status::Mismatch, String::new);
        assert!(tally.is_of_another_genome());
        let none = Tally::default();
        assert_eq!(
            none.sentences(),
            ["REF against the genome: 0 match, 0 exchanged, 0 mismatch"]
        );
    }
}
