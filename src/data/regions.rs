//! Sets of bases: sorted spans that neither overlap nor touch, a list for each chromosome.
//!
//! All questions are about such merged sets, where a binary search in the sorted list finds what
//! an interval tree would, in less memory.

use crate::dna::span::Span;
use crate::io::chrom_sizes::Chromosomes;

/// A set of bases on numbered chromosomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regions {
    spans: Vec<Vec<Span>>,
}

impl Regions {
    /// No base, on so many chromosomes.
    pub fn none(chromosomes: usize) -> Regions {
        Regions {
            spans: vec![Vec::new(); chromosomes],
        }
    }

    /// Every base.
    pub fn whole(chromosomes: &Chromosomes) -> Regions {
        let whole = |&length: &u32| vec![Span::new(0, length)];
        Regions {
            spans: chromosomes.lengths().iter().map(whole).collect(),
        }
    }

    /// The union of spans in any order, each with its chromosome's number. Spans that only touch
    /// are joined as well. Panics when a number is not below `chromosomes`.
    pub fn merge(chromosomes: usize, spans: impl IntoIterator<Item = (u32, Span)>) -> Regions {
        let mut lists = vec![Vec::new(); chromosomes];
        for (chromosome, span) in spans {
            lists[chromosome as usize].push(span);
        }
        for list in &mut lists {
            if !list.is_sorted() {
                list.sort_unstable();
            }
            join(list);
        }
        Regions { spans: lists }
    }

    /// A chromosome's spans by start; a gap of a base or more lies between two. Panics when there
    /// is no such chromosome, as do all that take a number.
    pub fn spans(&self, chromosome: u32) -> &[Span] {
        &self.spans[chromosome as usize]
    }

    /// All spans with their chromosomes' numbers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Span)> + '_ {
        let lists = (0..).zip(&self.spans);
        lists.flat_map(|(number, list)| list.iter().map(move |&span| (number, span)))
    }

    /// The number of spans.
    pub fn len(&self) -> usize {
        self.spans.iter().map(Vec::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.spans.iter().all(Vec::is_empty)
    }

    /// The number of bases.
    pub fn bases(&self) -> u64 {
        let lengths = self.spans.iter().flatten().map(|span| span.length());
        lengths.map(u64::from).sum()
    }

    /// What is in either.
    pub fn union(&self, other: &Regions) -> Regions {
        Regions::merge(self.spans.len(), self.iter().chain(other.iter()))
    }

    /// What is in both.
    pub fn intersection(&self, other: &Regions) -> Regions {
        let spans = self.spans.iter().zip(&other.spans).map(|(a, b)| {
            let (mut i, mut j, mut both) = (0, 0, Vec::new());
            while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
                both.extend(x.clip(i64::from(y.start), i64::from(y.end)));
                if x.end < y.end { i += 1 } else { j += 1 }
            }
            both
        });
        Regions {
            spans: spans.collect(),
        }
    }

    /// What is not in it.
    pub fn complement(&self, chromosomes: &Chromosomes) -> Regions {
        let gaps = |(list, &length): (&Vec<Span>, &u32)| {
            let ends = list.iter().map(|span| span.end);
            let starts = list.iter().map(|span| span.start);
            let gaps = std::iter::once(0).chain(ends).zip(starts.chain([length]));
            let gaps = gaps.filter(|(start, end)| start < end);
            gaps.map(|(start, end)| Span::new(start, end)).collect()
        };
        Regions {
            spans: self
                .spans
                .iter()
                .zip(chromosomes.lengths())
                .map(gaps)
                .collect(),
        }
    }

    /// Every span longer by `bases` on both sides, within its chromosome.
    pub fn grow(&self, bases: u32, chromosomes: &Chromosomes) -> Regions {
        let grown = self.iter().map(|(number, span)| {
            let end = span
                .end
                .saturating_add(bases)
                .min(chromosomes.length(number));
            (number, Span::new(span.start.saturating_sub(bases), end))
        });
        Regions::merge(self.spans.len(), grown)
    }

    /// Whether a base of `start..end` is in it.
    pub fn touches(&self, chromosome: u32, start: i64, end: i64) -> bool {
        self.within(chromosome, start, end).next().is_some()
    }

    /// Whether a base is in it.
    pub fn contains(&self, chromosome: u32, base: i64) -> bool {
        self.touches(chromosome, base, base + 1)
    }

    /// How many bases of `start..end` are in it.
    pub fn covered(&self, chromosome: u32, start: i64, end: i64) -> u32 {
        self.within(chromosome, start, end).map(Span::length).sum()
    }

    /// The parts of `start..end` that are in it, in order.
    pub fn within(&self, chromosome: u32, start: i64, end: i64) -> impl Iterator<Item = Span> + '_ {
        let list = self.spans(chromosome);
        let first = list.partition_point(|span| i64::from(span.end) <= start);
        list[first..]
            .iter()
            .map_while(move |span| span.clip(start, end))
    }
}

/// Joins the spans of a sorted list that overlap or touch.
fn join(list: &mut Vec<Span>) {
    list.dedup_by(|next, last| {
        let joins = next.start <= last.end;
        if joins {
            last.end = last.end.max(next.end);
        }
        joins
    });
    list.shrink_to_fit();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LENGTHS: [u32; 2] = [60, 25];

    fn chromosomes() -> Chromosomes {
        let list = [("a", LENGTHS[0]), ("b", LENGTHS[1])];
        let list = list.map(|(name, length)| (name.to_string(), length));
        Chromosomes::new("test", list.to_vec()).unwrap()
    }

    /// The plain form: a flag for every base.
    type Flags = [Vec<bool>; 2];

    fn flags(of: impl Fn(u32, u32) -> bool) -> Flags {
        [0, 1].map(|c| (0..LENGTHS[c as usize]).map(|base| of(c, base)).collect())
    }

    fn flags_of(regions: &Regions) -> Flags {
        flags(|c, base| {
            let mut spans = regions.spans(c).iter();
            spans.any(|span| span.start <= base && base < span.end)
        })
    }

    fn spans() -> impl Strategy<Value = Vec<(u32, Span)>> {
        let span = (0_u32..2, 0_u32..60, 1_u32..12).prop_map(|(c, start, length)| {
            let start = start % LENGTHS[c as usize];
            (
                c,
                Span::new(start, (start + length).min(LENGTHS[c as usize])),
            )
        });
        prop::collection::vec(span, 0..15)
    }

    #[test]
    fn spans_that_overlap_or_touch_are_one() {
        let list = [(5, 9), (1, 3), (9, 12), (2, 4), (2, 3), (20, 21)];
        let list = list.map(|(start, end)| (1, Span::new(start, end)));
        let regions = Regions::merge(2, list);
        let expected = [Span::new(1, 4), Span::new(5, 12), Span::new(20, 21)];
        assert_eq!(regions.spans(1), expected);
        assert_eq!((regions.len(), regions.bases()), (3, 11));
        assert!(regions.spans(0).is_empty() && !regions.is_empty());
    }

    #[test]
    fn a_window_may_begin_before_the_chromosome() {
        let regions = Regions::merge(1, [(0, Span::new(0, 3))]);
        assert!(regions.touches(0, -5, 1) && !regions.touches(0, -5, 0));
        assert_eq!(regions.covered(0, -5, 2), 2);
    }

    #[test]
    fn a_middle_is_rounded_down() {
        assert_eq!(Span::new(10, 13).middle(), 11);
        assert_eq!(Span::new(u32::MAX - 2, u32::MAX).middle(), u32::MAX - 1);
    }

    proptest! {
        #[test]
        fn set_operations_agree_with_a_flag_for_every_base(a in spans(), b in spans(), by in 0_u32..9) {
            let all = chromosomes();
            let (x, y) = (Regions::merge(2, a.clone()), Regions::merge(2, b));
            let (f, g) = (flags_of(&x), flags_of(&y));
            let at = |f: &Flags, c: u32, base: u32| f[c as usize][base as usize];
            prop_assert_eq!(&f, &flags(|c, base| a.iter().any(|(n, s)| *n == c && s.start <= base && base < s.end)));
            prop_assert_eq!(flags_of(&x.union(&y)), flags(|c, i| at(&f, c, i) || at(&g, c, i)));
            prop_assert_eq!(flags_of(&x.intersection(&y)), flags(|c, i| at(&f, c, i) && at(&g, c, i)));
            prop_assert_eq!(flags_of(&x.complement(&all)), flags(|c, i| !at(&f, c, i)));
            let near = |c: u32, i: u32| (i.saturating_sub(by)..(i + by + 1).min(LENGTHS[c as usize])).any(|j| at(&f, c, j));
            prop_assert_eq!(flags_of(&x.grow(by, &all)), flags(near));
            prop_assert_eq!(x.intersection(&y).bases() as usize, flags(|c, i| at(&f, c, i) && at(&g, c, i)).iter().flatten().filter(|b| **b).count());
        }

        #[test]
        fn results_are_sorted_and_parted(a in spans(), b in spans(), by in 0_u32..9) {
            let (x, y) = (Regions::merge(2, a), Regions::merge(2, b));
            for regions in [x.union(&y), x.intersection(&y), x.complement(&chromosomes()), x.grow(by, &chromosomes())] {
                for c in 0..2 {
                    let list = regions.spans(c);
                    prop_assert!(list.iter().all(|span| span.start < span.end));
                    prop_assert!(list.windows(2).all(|pair| pair[0].end < pair[1].start));
                }
            }
        }

        #[test]
        fn windows_are_asked_about_as_base_by_base(a in spans(), c in 0_u32..2, start in -5_i64..65, length in 0_i64..20) {
            let regions = Regions::merge(2, a);
            let flags = flags_of(&regions);
            let inside = |i: &i64| usize::try_from(*i).is_ok_and(|i| flags[c as usize].get(i) == Some(&true));
            let count = (start..start + length).filter(inside).count();
            prop_assert_eq!(regions.covered(c, start, start + length) as usize, count);
            prop_assert_eq!(regions.touches(c, start, start + length), count > 0);
            prop_assert_eq!(regions.contains(c, start), inside(&start));
        }
    }
}
