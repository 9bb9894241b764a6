//! A model with all that it reads of a genome and a cell line.

use super::{Args, Chosen};
use crate::Result;
use crate::data::Notes;
use crate::data::windows::annotations::Annotations;
use crate::io::sources::Sources;
use crate::io::text::Lines;
use crate::models::factornet::cell_line::CellFolder;
use crate::models::factornet::commands::asked::Asked;
use crate::models::factornet::genome_inputs::{GenomeInputs, Wanted};
use crate::models::factornet::samples::inputs::Inputs;
use crate::models::factornet::samples::placing::Placer;

pub(super) struct Ready {
    pub genome: GenomeInputs,
    pub inputs: Inputs,
    annotations: Option<Annotations>,
    strict: bool,
}

impl Ready {
    /// # Errors
    /// Those of the readers; what the cell line lacks.
    pub fn read(
        args: &Args,
        of: &Chosen,
        cell: &[CellFolder],
        sources: &Sources,
        notes: &mut Notes,
    ) -> Result<Self> {
        let files = args.shared.files()?;
        let described = &of.model.config.model;
        let genome = GenomeInputs::open(&files, sources, described.network.length, notes)?;
        let wanted = Wanted::of(described, args.shared.track_scale.as_deref());
        let inputs = genome.inputs(files.storage, cell, &wanted, notes)?;
        let annotations = genome.annotations(&files, sources, described.gencode, notes)?;
        Ok(Ready {
            genome,
            inputs,
            annotations,
            strict: args.shared.strict,
        })
    }

    /// The intervals of a BED as this model meets them.
    pub fn asked(&self, lines: Lines) -> Asked<'_> {
        let placer = Placer {
            chromosomes: self.genome.chromosomes(),
            blacklist: &self.genome.blacklist,
            annotations: self.annotations.as_ref(),
            cell: 0,
        };
        let strict = self.strict.then_some(&self.inputs);
        Asked::new(lines, placer, &self.genome.unknown, strict)
    }
}
