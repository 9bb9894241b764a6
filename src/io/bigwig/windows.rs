//! One number for each of many windows of a chromosome.

use super::BigWig;
use crate::dna::span::Span;
use crate::{Error, Result};

/// Windows no further apart than this are read in one go: less than the bases of a block of most tracks.
const GAP: u32 = 4096;

/// What is made of a window's bases. A base without data counts 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// The sum over the number of bases.
    Mean,
    Sum,
    Max,
}

impl BigWig {
    /// The statistic of each window (sorted by start; they may overlap) of a chromosome; 0 where the file has no such chromosome.
    ///
    /// Errors: those of [`BigWig::each_run`]; an infinite value; NaN is none.
    pub fn statistics(
        &self,
        chromosome: &str,
        windows: &[Span],
        statistic: Statistic,
    ) -> Result<Vec<f64>> {
        if !self.places.contains_key(chromosome) || windows.is_empty() {
            return Ok(vec![0.0; windows.len()]);
        }
        let mut reading = self.reading(chromosome)?;
        let mut numbers = Vec::with_capacity(windows.len());
        let mut rest = windows;
        while let Some(first) = rest.first() {
            let mut end = first.end;
            let near = |window: &&Span| {
                let joins = window.start <= end.saturating_add(GAP);
                end = if joins { end.max(window.end) } else { end };
                joins
            };
            let count = rest.iter().take_while(near).count();
            let (group, others) = rest.split_at(count);
            let mut sums: Vec<Sum> = group.iter().map(|_| Sum::default()).collect();
            // Windows that end before a run are done with.
            let mut open = 0;
            let mut odd = None;
            reading.each_run(first.start, end, |from, to, value| {
                if value.is_nan() {
                    return; // no value, as a gap
                }
                if value.is_infinite() {
                    odd.get_or_insert((from, value));
                }
                while group.get(open).is_some_and(|window| window.end <= from) {
                    open += 1;
                }
                let met = group[open..].iter().zip(&mut sums[open..]);
                for (window, sum) in met.take_while(|(window, _)| window.start < to) {
                    let bases = to.min(window.end).saturating_sub(from.max(window.start));
                    sum.add(bases, f64::from(value));
                }
            })?;
            if let Some((place, value)) = odd {
                return Err(Error::format(
                    &self.path,
                    format!(
                        "value {value} at {chromosome}:{place}; expected finite numbers: was the track divided by 0?"
                    ),
                ));
            }
            let finished = group.iter().zip(sums);
            numbers.extend(finished.map(|(window, sum)| sum.finish(window.length(), statistic)));
            rest = others;
        }
        Ok(numbers)
    }
}

/// The bases of a window that have data.
#[derive(Default)]
struct Sum {
    bases: u32,
    sum: f64,
    most: Option<f64>,
}

impl Sum {
    fn add(&mut self, bases: u32, value: f64) {
        if bases > 0 {
            self.bases += bases;
            self.sum += f64::from(bases) * value;
            self.most = Some(self.most.map_or(value, |most| most.max(value)));
        }
    }

    /// Of a window of so many bases.
    fn finish(self, length: u32, statistic: Statistic) -> f64 {
        match statistic {
            Statistic::Sum => self.sum,
            Statistic::Mean => self.sum / f64::from(length),
            Statistic::Max => match self.most {
                Some(most) if self.bases < length => most.max(0.0),
                most => most.unwrap_or(0.0),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::bigwig::{Run, write_bigwig};
    use crate::io::chrom_sizes::Chromosomes;
    use proptest::prelude::*;

    fn written(values: &[Option<f32>]) -> (tempfile::TempDir, BigWig) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.bw");
        let chromosomes = Chromosomes::new("t", vec![("chr1".to_string(), 1 << 20)]).unwrap();
        let runs = (0..).zip(values).filter_map(|(start, value)| {
            Some(Run {
                chromosome: 0,
                start,
                end: start + 1,
                value: (*value)?,
            })
        });
        let runs: Vec<Run> = runs.collect();
        write_bigwig(&path, &chromosomes, runs.into_iter().map(Ok)).unwrap();
        let track = BigWig::open(&path).unwrap();
        (folder, track)
    }

    #[test]
    fn a_base_without_data_counts_nothing() {
        let (_folder, track) = written(&[Some(1.0), None, Some(-4.0), Some(2.0)]);
        let windows = [
            Span::new(0, 4),
            Span::new(1, 3),
            Span::new(2, 3),
            Span::new(9, 11),
        ];
        let of = |statistic| track.statistics("chr1", &windows, statistic).unwrap();
        assert_eq!(of(Statistic::Sum), [-1.0, -4.0, -4.0, 0.0]);
        assert_eq!(of(Statistic::Mean), [-0.25, -2.0, -4.0, 0.0]);
        assert_eq!(of(Statistic::Max), [2.0, 0.0, -4.0, 0.0]);
        let none = track.statistics("chr2", &windows, Statistic::Sum).unwrap();
        assert_eq!(none, [0.0; 4]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(30))]
        #[test]
        fn windows_have_what_their_bases_have(
            values in proptest::collection::vec(proptest::option::of(0_i8..5), 200..400),
            windows in proptest::collection::vec((0_u32..300, 1_u32..90), 1..30),
            far in proptest::bool::ANY,
        ) {
            let values: Vec<Option<f32>> = values.iter().map(|v| v.map(f32::from)).collect();
            let (_folder, track) = written(&values);
            let mut windows: Vec<Span> = windows.iter().map(|&(start, length)| Span::new(start, start + length)).collect();
            if far {
                windows.push(Span::new(100_000, 100_050));
            }
            windows.sort_unstable();
            let found = track.statistics("chr1", &windows, Statistic::Sum).unwrap();
            for (window, found) in windows.iter().zip(found) {
                let sum: f32 = (window.start..window.end).filter_map(|i| *values.get(i as usize)?).sum();
                prop_assert_eq!(f64::from(sum), found);
            }
        }
    }
}
