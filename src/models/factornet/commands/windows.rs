//! The windows that `visualize` and `motifs export` look at.

use super::args::SharedArgs;
use crate::args::{Unannounced, say};
use crate::data::Notes;
use crate::data::split::regions::Choice;
use crate::data::windows::peaks::read_intervals;
use crate::dna::bases::N;
use crate::dna::span::Span;
use crate::engine::Device;
use crate::io::sources::Sources;
use crate::models::factornet::cell_line::CellFolder;
use crate::models::factornet::genome_inputs::{GenomeInputs, Wanted};
use crate::models::factornet::samples::Sample;
use crate::models::factornet::samples::inputs::Inputs;
use crate::models::factornet::saved::FactorNet;
use crate::numbers::counted;
use crate::{Error, Result};
use std::collections::HashSet;
use std::path::PathBuf;

/// Which windows, and what the network reads there.
pub struct Asked<'a> {
    pub shared: &'a SharedArgs,
    pub model: &'a FactorNet,
    pub cell: CellFolder,
    /// BED files of windows.
    pub beds: &'a [PathBuf],
    /// Only those with their middle in these regions; none: all of them.
    pub regions: Option<Choice<'a>>,
}

pub struct Windows {
    pub inputs: Inputs,
    pub samples: Vec<Sample>,
}

impl Asked<'_> {
    /// Reads genome, tracks and windows, says what was noticed and which device is used, and leaves out windows on the blacklist.
    ///
    /// # Errors
    /// Those of the readers; no window is left.
    pub fn open(
        self,
        sources: Sources,
        mut notes: Notes,
        device: &Unannounced,
    ) -> Result<(Device, Windows)> {
        let network = &self.model.config.model.network;
        let files = self.shared.files()?;
        let genome = GenomeInputs::open(&files, &sources, network.length, &mut notes)?;
        let chromosomes = genome.chromosomes();
        let words = self.regions.as_ref().map(|choice| choice.words.join(" "));
        let regions = match &self.regions {
            Some(choice) => Some(choice.regions(&sources, chromosomes, &mut notes)?),
            None => None,
        };
        let mut intervals = Vec::new();
        for bed in self.beds {
            intervals.extend(read_intervals(
                sources.lines(bed)?,
                chromosomes,
                &mut notes,
            )?);
        }
        let cells = [self.cell];
        let wanted = Wanted::of(&self.model.config.model, self.shared.track_scale.as_deref());
        let inputs = genome.inputs(files.storage, &cells, &wanted, &mut notes)?;
        let device = device.announce();
        say(&notes);
        let shown: Vec<String> = self.beds.iter().map(|b| b.display().to_string()).collect();
        let shown = shown.join(", ");
        if intervals.is_empty() {
            return Err(Error::invalid(format!(
                "{shown}: no interval on a chromosome in use; there is nothing to look at"
            )));
        }
        let read = intervals.len();
        let middle = |span: Span| (i64::from(span.start) + i64::from(span.end)) / 2;
        if let (Some(regions), Some(words)) = (&regions, &words) {
            intervals.retain(|&(chromosome, span)| regions.contains(chromosome, middle(span)));
            if intervals.is_empty() {
                return Err(Error::invalid(format!(
                    "{shown}: of {} none has its middle in {words}; choose others with -c",
                    counted(read, "interval")
                )));
            }
        }
        let given = intervals.len();
        let mut seen = HashSet::new();
        intervals.retain(|&(chromosome, span)| seen.insert((chromosome, middle(span))));
        if intervals.len() < given {
            tell!(
                "note: {shown}: {} with the middle of another one: taken once",
                counted(given - intervals.len(), "interval")
            );
        }
        let blacklist = &genome.blacklist.grown;
        let clear = intervals.into_iter().filter(|&(chromosome, span)| {
            !blacklist.touches(chromosome, i64::from(span.start), i64::from(span.end))
        });
        let mut samples: Vec<Sample> = clear
            .map(|(chromosome, span)| Sample {
                cell: 0,
                chromosome,
                middle: middle(span),
                label: 0,
                // The layers that are looked at come before the features of an annotation.
                features: 0,
            })
            .collect();
        if samples.is_empty() {
            let place = words.map_or(String::new(), |words| format!(" in {words}"));
            return Err(Error::invalid(format!(
                "{shown}: every window{place} is on the blacklist, or nearer to its chromosome's end than the network reads"
            )));
        }
        let read = samples.len();
        let mut codes = vec![N; network.length];
        samples.retain(|sample| {
            let start = sample.middle - (network.length / 2) as i64;
            genome.genome.codes(sample.chromosome, start, &mut codes);
            codes.iter().any(|&code| code < N)
        });
        if samples.len() < read {
            tell!(
                "warning: {shown}: {} without a single A, C, G or T: left out",
                counted(read - samples.len(), "window")
            );
        }
        if samples.is_empty() {
            return Err(Error::invalid(format!(
                "{shown}: there is nothing to look at"
            )));
        }
        if self.shared.strict {
            genome.check_held(&inputs, samples.iter().map(|sample| sample.chromosome))?;
        }
        tell!("{}", counted(samples.len(), "window"));
        Ok((device, Windows { inputs, samples }))
    }
}
