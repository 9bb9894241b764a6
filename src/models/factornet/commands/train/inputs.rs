//! What a run reads, once for all models of an ensemble.

use super::args::Args;
use super::around::Around;
use crate::Result;
use crate::data::Notes;
use crate::data::split::regions::{Choice, Split};
use crate::data::windows::annotations::Annotations;
use crate::models::factornet::config::Config;
use crate::models::factornet::genome_inputs::{GenomeInputs, Wanted};
use crate::models::factornet::samples::inputs::Inputs;

/// Genome, annotations and tracks: what is large.
pub(super) struct Read {
    pub genome: GenomeInputs,
    pub annotations: Option<Annotations>,
    pub inputs: Inputs,
}

impl Read {
    pub fn of(
        args: &Args,
        around: &Around<'_>,
        config: &Config,
        notes: &mut Notes,
    ) -> Result<Read> {
        let (files, sources) = (args.shared.files()?, around.sources);
        let genome = GenomeInputs::open(&files, sources, args.seqlen, notes)?;
        let annotations = genome.annotations(&files, sources, args.gencode, notes)?;
        let wanted = Wanted::of(&config.model, args.shared.track_scale.as_deref());
        let inputs = genome.inputs(files.storage, &around.cells.all(), &wanted, notes)?;
        Ok(Read {
            genome,
            annotations,
            inputs,
        })
    }
}

impl Args {
    pub(super) fn split(
        &self,
        around: &Around<'_>,
        genome: &GenomeInputs,
        notes: &mut Notes,
    ) -> Result<Split> {
        let (validation, test) = (self.validation(), self.test());
        Split::new(
            Choice {
                flag: "-v",
                what: "validation region",
                words: &validation,
                explicit: !self.validchroms.is_empty(),
            },
            Choice {
                flag: "-t",
                what: "test region",
                words: &test,
                explicit: !self.testchroms.is_empty(),
            },
            around.sources,
            genome.chromosomes(),
            notes,
        )
    }

    /// Flags that do nothing where all factors are trained at once.
    pub(super) fn ignored(&self) -> Notes {
        let negatives = self.negatives.is_some_and(|n| n != 1).then_some(
            "note: -n is ignored: all factors at once take one negative for each positive window",
        );
        let shift = self.shift_given().then_some(
            "note: --max-shift is ignored: all factors at once move windows by 20 bases at most",
        );
        let notes = negatives.into_iter().chain(shift);
        notes.map(str::to_string).collect()
    }
}
