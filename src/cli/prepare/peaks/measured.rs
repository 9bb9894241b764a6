//! The signals of windows: an output for each track, each file of reads and each column of a table.

use super::Args;
use super::signals::{count, measure, open, spans};
use crate::data::consensus::Window;
use crate::data::prepared::KeptReads;
use crate::data::rows_of_peaks::RowsOfPeaks;
use crate::dna::span::Span;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::peaks::PeakFile;
use crate::io::text::first_names;
use crate::numbers::counted;
use crate::{Error, Result};

pub struct Measured {
    pub outputs: Vec<String>,
    /// By output, in the order of the windows; NaN where one is missing.
    signals: Vec<Vec<f64>>,
    /// Of each file of reads.
    pub reads: Vec<KeptReads>,
}

impl Measured {
    /// # Errors
    /// Those of reading tracks and reads; a column of the table that has no number in these windows.
    pub fn of(
        args: &Args,
        files: &[PeakFile],
        windows: &[Window],
        table: Option<&RowsOfPeaks>,
        chromosomes: &Chromosomes,
    ) -> Result<Measured> {
        let tracks = open(&args.signal, windows, chromosomes)?;
        let spans = spans(windows, args.width, args.signal_width(), chromosomes);
        let statistic = args.statistic.statistic();
        let mut measured = Measured {
            outputs: args.named().map(|file| file.name.clone()).collect(),
            signals: measure(&tracks, windows, &spans, statistic, chromosomes)?,
            reads: Vec::new(),
        };
        measured.count_reads(args, windows, &spans, chromosomes)?;
        if let Some(table) = table {
            measured.add_table(table, files, windows, args.width)?;
        }
        measured.check(windows, chromosomes)?;
        Ok(measured)
    }

    /// Warns of outputs that are 0 on all of a chromosome.
    ///
    /// # Errors
    /// A signal that single precision does not hold.
    fn check(&self, windows: &[Window], chromosomes: &Chromosomes) -> Result<()> {
        for (output, signals) in self.outputs.iter().zip(&self.signals) {
            let large = signals
                .iter()
                .find(|signal| signal.abs() > f64::from(f32::MAX));
            if let Some(large) = large {
                return Err(Error::invalid(format!(
                    "output {output}: a signal of {large:e}; expected numbers up to {:.1e}, as single precision holds them",
                    f32::MAX
                )));
            }
            let mut rest = &signals[..];
            let mut zero = Vec::new();
            for group in windows.chunk_by(|a, b| a.chromosome == b.chromosome) {
                let (own, others) = rest.split_at(group.len());
                if own.iter().all(|&signal| signal == 0.0) {
                    zero.push(chromosomes.name(group[0].chromosome));
                }
                rest = others;
            }
            if !zero.is_empty() {
                tell!(
                    "warning: output {output} is 0 in every window on {}: does its file lack {}?",
                    first_names(&zero),
                    if zero.len() == 1 {
                        "the chromosome"
                    } else {
                        "these chromosomes"
                    }
                );
            }
        }
        Ok(())
    }

    /// Windows x outputs, row-major.
    pub fn by_row(&self) -> Vec<f64> {
        let windows = self.signals.first().map_or(0, Vec::len);
        let row = |row: usize| self.signals.iter().map(move |output| output[row]);
        (0..windows).flat_map(row).collect()
    }

    fn count_reads(
        &mut self,
        args: &Args,
        windows: &[Window],
        spans: &[Span],
        chromosomes: &Chromosomes,
    ) -> Result<()> {
        for file in &args.reads {
            let choice = args.choice.choice();
            let (counts, tally) = count(&file.path, windows, spans, choice, chromosomes)?;
            tell!(
                "{}: {} kept{}",
                file.path.display(),
                counted(tally.kept, "read"),
                match tally.left_out() {
                    Some(why) => format!("; left out: {why}"),
                    None => String::new(),
                }
            );
            self.reads.push(KeptReads {
                output: file.name.clone(),
                kept: tally.kept,
                ends: tally.cuts,
                left_out: tally.left_out(),
            });
            let factor = match args.counts {
                true => 1.0,
                false => 1e6 / tally.cuts as f64,
            };
            let signals = counts.iter().map(|&count| count as f64 * factor);
            self.signals.push(signals.collect());
        }
        Ok(())
    }

    fn add_table(
        &mut self,
        rows: &RowsOfPeaks,
        files: &[PeakFile],
        windows: &[Window],
        width: u32,
    ) -> Result<()> {
        let table = &rows.table;
        let of_windows: Vec<&[f64]> = windows
            .iter()
            // Windows of peaks without a row were left out before.
            .filter_map(|window| {
                let peak = &files[window.file].peaks[window.peak];
                rows.row(peak, window.start, width)
            })
            .map(|row| table.row(row))
            .collect();
        for (column, output) in table.outputs.iter().enumerate() {
            let signals: Vec<f64> = of_windows.iter().map(|row| row[column]).collect();
            if signals.iter().all(|signal| signal.is_nan()) {
                return Err(Error::format(
                    &table.path,
                    format!(
                        "column '{output}': no number in any of the {}; leave the column out",
                        counted(windows.len(), "window")
                    ),
                ));
            }
            self.outputs.push(output.clone());
            self.signals.push(signals);
        }
        Ok(())
    }
}
