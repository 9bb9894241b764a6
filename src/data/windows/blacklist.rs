//! Where no window may lie.

use super::peaks::BedFile;
use crate::Result;
use crate::data::Notes;
use crate::data::regions::Regions;
use crate::dna::span::Span;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::text::Lines;

/// The blacklist as it is, and as sampling and prediction use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blacklist {
    pub plain: Regions,
    /// Grown by the input's length on each side, with as many bases of each chromosome's ends:
    /// an input around a window outside it lies on the chromosome and off the blacklist.
    pub grown: Regions,
}

impl Blacklist {
    /// Reads a BED file, or takes an empty one, for inputs of `length` bases. A file without an interval is worth a note.
    /// One of which no interval is on a chromosome in use leaves nothing out, with a warning: it may be another genome's.
    ///
    /// # Errors
    /// Those of [`BedFile::read`].
    pub fn read(
        lines: Option<Lines>,
        length: u32,
        chromosomes: &Chromosomes,
        notes: &mut Notes,
    ) -> Result<Blacklist> {
        let intervals = match lines {
            Some(lines) => {
                let shown = lines.path().display().to_string();
                let file = BedFile::read(lines, chromosomes, notes)?;
                let warning = file.nothing_in_common;
                notes.extend(warning.map(|e| format!("warning: {e}; no region of it is left out")));
                if file.empty {
                    notes.push(format!(
                        "note: --blacklist {shown} has no interval: no region is left out but the chromosomes' ends"
                    ));
                }
                file.intervals
            }
            None => Vec::new(),
        };
        let plain = Regions::merge(chromosomes.len(), intervals);
        Ok(Blacklist::new(plain, length, chromosomes))
    }

    pub fn new(plain: Regions, length: u32, chromosomes: &Chromosomes) -> Blacklist {
        let ends = (0..)
            .zip(chromosomes.lengths())
            .flat_map(|(number, &bases)| {
                let (first, last) = (length.min(bases), bases.saturating_sub(length));
                [Span::new(0, first), Span::new(last, bases)].map(|span| (number, span))
            });
        let ends = ends.filter(|(_, span)| span.start < span.end);
        let ends = Regions::merge(chromosomes.len(), ends);
        Blacklist {
            grown: plain.grow(length, chromosomes).union(&ends),
            plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_on_both_sides_and_takes_the_ends() {
        let list = [("a", 100), ("b", 5)].map(|(name, length)| (name.to_string(), length));
        let chromosomes = Chromosomes::new("test", list.to_vec()).unwrap();
        let plain = Regions::merge(2, [(0, Span::new(40, 50)), (0, Span::new(93, 94))]);
        let blacklist = Blacklist::new(plain, 10, &chromosomes);
        let expected = [Span::new(0, 10), Span::new(30, 60), Span::new(83, 100)];
        assert_eq!(blacklist.grown.spans(0), expected);
        assert_eq!(blacklist.grown.spans(1), [Span::new(0, 5)]);
        assert_eq!(blacklist.plain.bases(), 11);
    }
}
