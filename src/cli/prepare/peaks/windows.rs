//! From peak files to windows that do not overlap, with their sequences.

use crate::data::consensus::{
    Center, Losses, Window, too_unknown, weights, window_start, without_blacklisted,
    without_overlaps,
};
use crate::data::regions::Regions;
use crate::data::rows_of_peaks::RowsOfPeaks;
use crate::io::bed::Interval;
use crate::io::chrom_sizes::{Chromosomes, Strangers};
use crate::io::edges::{Edge, Edges, Treatment};
use crate::io::genome::extract;
use crate::io::peaks::PeakFile;
use crate::{Error, Result};
use std::collections::HashSet;
use std::path::Path;

/// Which windows are wanted.
pub struct Wanted<'a> {
    pub genome: &'a Path,
    /// Of the genome.
    pub chromosomes: &'a Chromosomes,
    /// Their numbers; all where `None`.
    pub chosen: Option<HashSet<u32>>,
    pub blacklist: &'a Regions,
    /// Signals that are there already: a peak needs a row.
    pub table: Option<&'a RowsOfPeaks>,
    pub width: u32,
    /// Bases in which signals are measured.
    pub signal_width: u32,
    pub center: Center,
    /// The largest share of unknown bases (N).
    pub unknown: f64,
}

/// Windows in the genome's order, without overlaps.
pub struct Found {
    pub windows: Vec<Window>,
    /// Codes of their bases, windows x width.
    pub codes: Vec<u8>,
    pub losses: Losses,
}

impl Wanted<'_> {
    /// # Errors
    /// A file without a chromosome of the genome, or of another build; a table without a row of any peak; a width above the longest chromosome's length; no window is
    /// left; those of reading the genome.
    pub fn of(&self, files: &[PeakFile]) -> Result<Found> {
        let longest = self.chromosomes.lengths().iter().max().copied();
        let widths = [
            ("--width", self.width),
            ("--signal-width", self.signal_width),
        ];
        let above = |(_, width): &(&str, u32)| longest.is_some_and(|longest| *width > longest);
        if let Some((flag, width)) = widths.into_iter().find(above) {
            return Err(Error::usage(format!(
                "{flag} {width}: the longest chromosome of {} has {} bases; expected no more",
                self.genome.display(),
                longest.unwrap_or(0)
            )));
        }
        if let Some(rows) = self.table {
            rows.check_base(files)?;
        }
        let mut losses = Losses::default();
        let mut windows = Vec::new();
        for (number, file) in files.iter().enumerate() {
            self.of_file(number, file, &mut windows, &mut losses)?;
        }
        if let Some(rows) = self
            .table
            .filter(|_| windows.is_empty() && losses.table > 0)
        {
            return Err(rows.nothing_in_common(files));
        }
        losses.blacklist = without_blacklisted(&mut windows, self.width, self.blacklist);
        let (windows, codes) = self.without_unknown(windows, &mut losses)?;
        let width = self.width as usize;
        let before = windows.len();
        let place = |w: &Window| (w.file, w.peak);
        let at: std::collections::HashMap<_, usize> = windows.iter().map(place).zip(0..).collect();
        let kept = without_overlaps(windows, self.width);
        losses.overlap = before - kept.len();
        let of_window = |window: &Window| {
            let i = at[&place(window)] * width;
            &codes[i..i + width]
        };
        let codes = kept.iter().flat_map(of_window).copied().collect();
        Ok(Found {
            windows: kept,
            codes,
            losses,
        })
    }

    fn of_file(
        &self,
        number: usize,
        file: &PeakFile,
        windows: &mut Vec<Window>,
        losses: &mut Losses,
    ) -> Result<()> {
        let mut strangers = Strangers::default();
        let mut edges = Edges::default();
        for ((peak, weight), place) in file.peaks.iter().zip(weights(file)).zip(0..) {
            let Some(chromosome) = self.chromosomes.number(&peak.chromosome) else {
                strangers.count(&peak.chromosome);
                continue;
            };
            let length = self.chromosomes.length(chromosome);
            let interval = (peak.chromosome.as_str(), peak.start, peak.end);
            let edge = edges.count(interval, peak.line, u64::from(length));
            if self
                .chosen
                .as_ref()
                .is_some_and(|chosen| !chosen.contains(&chromosome))
            {
                losses.chromosome += 1;
                continue;
            }
            let start = window_start(self.center.of(peak), self.width, length);
            let Some(start) = start.filter(|_| !matches!(edge, Edge::Past | Edge::Empty)) else {
                losses.end += 1;
                continue;
            };
            let lacks = |rows: &RowsOfPeaks| rows.row(peak, start, self.width).is_none();
            if self.table.is_some_and(lacks) {
                losses.table += 1;
                continue;
            }
            windows.push(Window {
                chromosome,
                start,
                file: number,
                peak: place,
                weight,
            });
        }
        if strangers.rows() == file.peaks.len() {
            return Err(self
                .chromosomes
                .nothing_in_common(&file.path, strangers.names()));
        }
        losses.chromosome += strangers.rows();
        // What lies at an end is counted; here it matters whether the file is of another build.
        edges.note(&file.path, self.genome, Treatment::Clip)?;
        Ok(())
    }

    /// The windows that have few unknown bases, and their codes.
    fn without_unknown(
        &self,
        windows: Vec<Window>,
        losses: &mut Losses,
    ) -> Result<(Vec<Window>, Vec<u8>)> {
        let width = self.width as usize;
        let interval = |window: &Window| Interval {
            chromosome: self.chromosomes.name(window.chromosome).to_string(),
            start: u64::from(window.start),
            end: u64::from(window.start) + u64::from(self.width),
            name: None,
            line: 0,
        };
        let intervals: Vec<Interval> = windows.iter().map(interval).collect();
        let cut = extract(self.genome, self.genome, &intervals)?;
        let mut codes = Vec::with_capacity(cut.codes.len());
        let mut known = Vec::with_capacity(windows.len());
        // Every window lies on its chromosome, so all of them were cut out.
        for (window, own) in windows.into_iter().zip(cut.codes.chunks_exact(width)) {
            if too_unknown(own, self.unknown) {
                losses.unknown += 1;
            } else {
                codes.extend_from_slice(own);
                known.push(window);
            }
        }
        Ok((known, codes))
    }
}
