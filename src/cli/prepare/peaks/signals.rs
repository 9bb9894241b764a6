//! Signals of windows from tracks and from reads.

use crate::args::named_file::NamedFile;
use crate::data::consensus::Window;
use crate::dna::span::Span;
use crate::io::bigwig::{BigWig, Statistic};
use crate::io::chrom_sizes::Chromosomes;
use crate::io::reads::{Choice, Tally, each_cut};
use crate::io::text::first_names;
use crate::{Error, Result};
use rayon::prelude::*;
use std::path::Path;

/// The spans in which signals are measured: of `width` bases around each window's center, cut off at the chromosome's ends.
/// `window`: the width of the windows.
pub fn spans(windows: &[Window], window: u32, width: u32, chromosomes: &Chromosomes) -> Vec<Span> {
    let span = |found: &Window| {
        let center = found.start + window / 2;
        let end = u64::from(center) + u64::from(width - width / 2);
        let length = u64::from(chromosomes.length(found.chromosome));
        Span::new(center.saturating_sub(width / 2), end.min(length) as u32)
    };
    windows.iter().map(span).collect()
}

/// Opens tracks and holds them against the genome.
///
/// # Errors
/// A file that is no bigWig; one without a chromosome of the windows; one whose chromosomes have other lengths than the genome's.
pub fn open(
    files: &[NamedFile],
    windows: &[Window],
    chromosomes: &Chromosomes,
) -> Result<Vec<BigWig>> {
    files
        .iter()
        .map(|file| {
            let track = BigWig::open(&file.path)?;
            check(&track, windows, chromosomes)?;
            Ok(track)
        })
        .collect()
}

fn check(track: &BigWig, windows: &[Window], chromosomes: &Chromosomes) -> Result<()> {
    let mut in_use = vec![false; chromosomes.len()];
    windows
        .iter()
        .for_each(|window| in_use[window.chromosome as usize] = true);
    let mut shared = false;
    for (name, length) in track.chromosomes() {
        let Some(number) = chromosomes.number(name) else {
            continue;
        };
        let ours = chromosomes.length(number);
        if ours != length {
            return Err(Error::format(
                track.path(),
                format!(
                    "chromosome {name} has {length} bases, {ours} in {}: a track of another genome build; expected one of the same",
                    chromosomes.path.display()
                ),
            ));
        }
        shared |= in_use[number as usize];
    }
    if shared {
        return Ok(());
    }
    let used = (0..).zip(&in_use).filter(|(_, used)| **used);
    let used = used.map(|(number, _)| chromosomes.name(number));
    Err(Error::format(
        track.path(),
        format!(
            "no chromosome of the windows is in it: {} there, windows on {}; names are compared as written",
            first_names(track.chromosomes().map(|(name, _)| name)),
            first_names(used)
        ),
    ))
}

/// The statistic of each span in each track: by track, in the order of the windows, which is the genome's.
///
/// # Errors
/// Those of [`BigWig::statistics`].
pub fn measure(
    tracks: &[BigWig],
    windows: &[Window],
    spans: &[Span],
    statistic: Statistic,
    chromosomes: &Chromosomes,
) -> Result<Vec<Vec<f64>>> {
    let groups: Vec<(u32, &[Span])> = windows
        .chunk_by(|a, b| a.chromosome == b.chromosome)
        .scan(0, |place, group| {
            let first = *place;
            *place += group.len();
            Some((group[0].chromosome, &spans[first..*place]))
        })
        .collect();
    // Pieces that keep all threads busy to the end.
    const PIECE: usize = 2048;
    let tasks: Vec<(&BigWig, u32, &[Span])> = tracks
        .iter()
        .flat_map(|track| {
            groups.iter().flat_map(move |&(chromosome, spans)| {
                spans
                    .chunks(PIECE)
                    .map(move |spans| (track, chromosome, spans))
            })
        })
        .collect();
    let measured: Vec<Vec<f64>> = tasks
        .par_iter()
        .map(|(track, chromosome, spans)| {
            track.statistics(chromosomes.name(*chromosome), spans, statistic)
        })
        .collect::<Result<_>>()?;
    let mut all = measured.into_iter().flatten();
    let track = |_: &BigWig| all.by_ref().take(windows.len()).collect();
    Ok(tracks.iter().map(track).collect())
}

/// How many reads of a file begin in each span: in the order of the windows, which is the genome's. A cut in two spans that overlap
/// counts in both.
///
/// # Errors
/// Those of [`each_cut`].
pub fn count(
    file: &Path,
    windows: &[Window],
    spans: &[Span],
    choice: Choice,
    chromosomes: &Chromosomes,
) -> Result<(Vec<u64>, Tally)> {
    // By chromosome, where its spans begin among all.
    let first = |number: u32| windows.partition_point(|window| window.chromosome < number);
    let firsts: Vec<usize> = (0..=chromosomes.len() as u32).map(first).collect();
    let widest = spans.iter().map(|span| span.length()).max().unwrap_or(0);
    let mut counts = vec![0; spans.len()];
    let tally = each_cut(file, chromosomes, choice, |chromosome, place| {
        let (from, to) = (firsts[chromosome as usize], firsts[chromosome as usize + 1]);
        let own = &spans[from..to];
        // Spans are sorted by start; none is longer than the widest.
        let after = own.partition_point(|span| span.start <= place);
        for at in (0..after).rev() {
            if own[at].start.saturating_add(widest) <= place {
                break;
            }
            counts[from + at] += u64::from(place < own[at].end);
        }
    })?;
    Ok((counts, tally))
}
