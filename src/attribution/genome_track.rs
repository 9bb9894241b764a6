//! Attributions on the genome: a bigWig for each output, and a table of its values' spread.

use super::folder::Parts;
use super::named_hits::contributions;
use super::output::{Output, bases_of};
use super::subjects::Subjects;
use crate::Result;
use crate::io::atomic::write_atomic;
use crate::io::bigwig::{Run, name_order, write_bigwig};
use crate::io::chrom_sizes::Chromosomes;
use crate::metrics::quantiles::quantiles;
use std::cell::RefCell;
use std::io;
use std::path::Path;

/// Order statistics of the table.
const SHARES: [(&str, f64); 7] = [
    ("min", 0.0),
    ("0.1 %", 0.001),
    ("1 %", 0.01),
    ("50 %", 0.5),
    ("99 %", 0.99),
    ("99.9 %", 0.999),
    ("max", 1.0),
];

/// A sequence's part of the genome.
struct Stretch {
    /// Its number among all.
    at: usize,
    chromosome: u32,
    /// Where the sequence begins, and what of it is its own: bases `from..to` of the chromosome.
    start: u64,
    from: u64,
    to: u64,
}

/// The contribution of the base that is there, at each position. Where sequences overlap each has what lies nearer to its own middle.
pub(super) fn write(
    out: &Path,
    output: &Output,
    parts: &Parts,
    subjects: &dyn Subjects,
    length: usize,
) -> Result<()> {
    let chromosomes = chromosomes(subjects, length)?;
    let stretches = stretches(subjects, &chromosomes, length as u64);
    let name = bases_of(output);
    let rows = RefCell::new(parts.rows(&name, 4 * length)?);
    let own = |stretch: &Stretch| -> Result<Vec<f64>> {
        let bases = rows.borrow_mut().row(stretch.at)?;
        let all = contributions(&subjects.subject(stretch.at).codes, &bases);
        let (first, last) = (stretch.from - stretch.start, stretch.to - stretch.start);
        Ok(all[first as usize..last as usize].to_vec())
    };
    let runs = stretches.iter().flat_map(|stretch| match own(stretch) {
        Err(e) => vec![Err(io::Error::other(e))],
        Ok(values) => {
            let bases = values.into_iter().zip(stretch.from as u32..);
            let run = |(value, base)| {
                Ok(Run {
                    chromosome: stretch.chromosome,
                    start: base,
                    end: base + 1,
                    value: value as f32,
                })
            };
            bases.map(run).collect()
        }
    });
    write_bigwig(out.join(format!("{name}.bw")), &chromosomes, runs)?;
    let shares = SHARES.map(|(_, share)| share);
    let found = quantiles(&shares, |see| {
        for stretch in &stretches {
            own(stretch)?.into_iter().for_each(|x| see(x as f32));
        }
        Ok::<_, crate::Error>(())
    })?;
    write_atomic(out.join(format!("{name}.stats.tsv")), |w| {
        writeln!(w, "share\tvalue")?;
        let found = found.unwrap_or_default();
        SHARES
            .iter()
            .zip(found)
            .try_for_each(|((share, _), value)| writeln!(w, "{share}\t{value}"))
    })
}

/// Those of the genome, or where none is known as long as the sequences need them.
fn chromosomes(subjects: &dyn Subjects, length: usize) -> Result<Chromosomes> {
    let list = subjects.chromosomes().unwrap_or_else(|| {
        let mut list: Vec<(String, u64)> = Vec::new();
        for place in (0..subjects.len()).filter_map(|at| subjects.place(at)) {
            let end = place.start + length as u64;
            match list.iter_mut().find(|(name, _)| *name == place.chromosome) {
                Some((_, longest)) => *longest = end.max(*longest),
                None => list.push((place.chromosome, end)),
            }
        }
        list
    });
    let long = |(name, length): (String, u64)| match u32::try_from(length) {
        Ok(length) => Ok((name, length)),
        Err(_) => Err(crate::Error::invalid(format!(
            "chromosome '{name}' of {length} bases: more than a bigWig holds"
        ))),
    };
    let list: Vec<(String, u32)> = list.into_iter().map(long).collect::<Result<_>>()?;
    Chromosomes::new("the genome", list)
        .ok_or_else(|| crate::Error::invalid("a chromosome comes twice in the genome"))
}

/// In the order of a bigWig, without overlap.
fn stretches(subjects: &dyn Subjects, chromosomes: &Chromosomes, length: u64) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = (0..subjects.len())
        .filter_map(|at| {
            let place = subjects.place(at)?;
            let chromosome = chromosomes.number(&place.chromosome)?;
            let end = u64::from(chromosomes.length(chromosome));
            Some(Stretch {
                at,
                chromosome,
                start: place.start,
                from: place.start.min(end),
                to: (place.start + length).min(end),
            })
        })
        .collect();
    let mut ranks = vec![0; chromosomes.len()];
    for (rank, number) in name_order(chromosomes).into_iter().enumerate() {
        ranks[number as usize] = rank;
    }
    all.sort_by_key(|s| (ranks[s.chromosome as usize], s.start, s.at));
    // The same place again adds nothing.
    all.dedup_by(|b, a| (a.chromosome, a.start) == (b.chromosome, b.start));
    for i in 1..all.len() {
        let (before, rest) = all.split_at_mut(i);
        let (a, b) = (&mut before[i - 1], &mut rest[0]);
        if a.chromosome == b.chromosome && b.start < a.start + length {
            // Halfway between the two middles.
            let cut = (a.start + b.start + length) / 2;
            a.to = a.to.min(cut);
            b.from = b.from.max(cut).min(b.to);
        }
    }
    all.retain(|s| s.from < s.to);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::subjects::{Place, Subject};

    struct Placed(Vec<u64>);

    impl Subjects for Placed {
        fn len(&self) -> usize {
            self.0.len()
        }
        fn name(&self, at: usize) -> String {
            at.to_string()
        }
        fn place(&self, at: usize) -> Option<Place> {
            Some(Place {
                chromosome: "c".into(),
                start: self.0[at],
            })
        }
        fn subject(&self, _: usize) -> Subject {
            Subject {
                codes: vec![0; 10],
                dense: Vec::new(),
            }
        }
        fn kept(&self) -> Vec<bool> {
            vec![true; self.0.len()]
        }
        fn chromosomes(&self) -> Option<Vec<(String, u64)>> {
            Some(vec![("c".into(), 30)])
        }
        fn fingerprint(&self) -> String {
            String::new()
        }
    }

    #[test]
    fn overlapping_sequences_are_cut_halfway() {
        let placed = Placed(vec![4, 0, 25, 4, 6]);
        let chromosomes = chromosomes(&placed, 10).unwrap();
        let found: Vec<(usize, u64, u64)> = stretches(&placed, &chromosomes, 10)
            .iter()
            .map(|s| (s.at, s.from, s.to))
            .collect();
        // Middles at 5, 9, 11 and 30; the last one ends with its chromosome.
        assert_eq!(found, [(1, 0, 7), (0, 7, 10), (4, 10, 16), (2, 25, 30)]);
    }
}
