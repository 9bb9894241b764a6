//! What of the genome a line of `predict -b` asks for.

use super::Sample;
use crate::data::windows::WINDOW;
use crate::data::windows::annotations::Annotations;
use crate::data::windows::blacklist::Blacklist;
use crate::io::bed::Row;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::edges::Edge;

/// What to do with an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Score the input around its middle.
    Scored(Sample),
    /// It touches the grown blacklist, in which the ends of chromosomes are: its score is 0.
    Blacklisted,
    /// It does not lie on its chromosome altogether: its score is 0, and the user is told how many there are.
    Off,
    /// Its chromosome is not in use: likewise.
    Unknown,
}

/// Turns intervals into samples of one cell line.
#[derive(Clone, Copy)]
pub struct Placer<'a> {
    pub chromosomes: &'a Chromosomes,
    pub blacklist: &'a Blacklist,
    pub annotations: Option<&'a Annotations>,
    pub cell: u32,
}

impl Placer<'_> {
    /// A line of a BED file; its features are those of the interval as given.
    pub fn place(&self, row: &Row) -> Place {
        let Some(chromosome) = self.chromosomes.number(row.chromosome) else {
            return Place::Unknown;
        };
        let length = u64::from(self.chromosomes.length(chromosome));
        if Edge::of(row.start, row.end, length) != Edge::Inside {
            return Place::Off;
        }
        // Both are below 2^32 now.
        let (start, end) = (row.start as i64, row.end as i64);
        if self.blacklist.grown.touches(chromosome, start, end) {
            return Place::Blacklisted;
        }
        Place::Scored(self.sample(chromosome, start, end))
    }

    /// The sample of a window of the genome's grid, such as [`bins`](crate::data::windows::bins::bins) gives.
    pub fn window(&self, (chromosome, start): (u32, u32)) -> Sample {
        let start = i64::from(start);
        self.sample(chromosome, start, start + i64::from(WINDOW))
    }

    fn sample(&self, chromosome: u32, start: i64, end: i64) -> Sample {
        let annotations = self.annotations;
        Sample {
            cell: self.cell,
            chromosome,
            middle: (start + end) / 2,
            label: 0,
            features: annotations.map_or(0, |a| a.features(chromosome, start, end)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::regions::Regions;
    use crate::dna::span::Span;

    #[test]
    fn an_interval_is_scored_blacklisted_off_or_unknown() {
        let chromosomes = Chromosomes::new("test", vec![("a".to_string(), 1000)]).unwrap();
        let plain = Regions::merge(1, [(0, Span::new(500, 510))]);
        let blacklist = Blacklist::new(plain, 20, &chromosomes);
        let placer = Placer {
            chromosomes: &chromosomes,
            blacklist: &blacklist,
            annotations: None,
            cell: 3,
        };
        let place = |chromosome, start, end| {
            placer.place(&Row {
                chromosome,
                start,
                end,
                text: "",
                line: 1,
            })
        };
        let scored = |middle| {
            Place::Scored(Sample {
                cell: 3,
                chromosome: 0,
                middle,
                label: 0,
                features: 0,
            })
        };
        assert_eq!(place("a", 20, 31), scored(25));
        assert_eq!(place("a", 19, 31), Place::Blacklisted);
        assert_eq!(place("a", 460, 480), scored(470));
        assert_eq!(place("a", 460, 481), Place::Blacklisted);
        assert_eq!(place("a", 900, 1001), Place::Off);
        assert_eq!(place("a", 30, 30), Place::Off);
        assert_eq!(place("a", u64::MAX - 1, u64::MAX), Place::Off);
        assert_eq!(place("b", 20, 31), Place::Unknown);
    }
}
