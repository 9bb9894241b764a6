//! Samplers as the trainer draws from them.

use crate::Result;
use crate::models::factornet::samples::Sample;
use crate::models::factornet::samples::inputs::Inputs;
use crate::models::factornet::samples::multi::MultiTask;
use crate::models::factornet::samples::single::SingleTask;
use crate::train::batch::Source;

/// One factor, from one or several cell lines.
pub struct SingleSource<'a> {
    pub task: SingleTask<'a>,
    pub inputs: Inputs,
}

impl Source<Sample> for SingleSource<'_> {
    fn epoch(&self, epoch: u64) -> Result<(Vec<Sample>, Vec<String>)> {
        let drawn = self.task.epoch(epoch)?;
        Ok((drawn.samples, drawn.notes))
    }

    fn validation(&self) -> &[Sample] {
        self.task.validation()
    }

    fn fill(&self, sample: &Sample, codes: &mut [u8], tracks: &mut [f32], meta: &mut [f32]) {
        self.inputs.fill(sample, codes, tracks, meta);
    }

    fn labels(&self, sample: &Sample, labels: &mut [f32]) {
        labels.fill(sample.label as f32);
    }
}

/// All factors of one cell line.
pub struct MultiSource<'a> {
    pub task: MultiTask<'a>,
    pub inputs: Inputs,
}

impl Source<Sample> for MultiSource<'_> {
    fn epoch(&self, epoch: u64) -> Result<(Vec<Sample>, Vec<String>)> {
        let drawn = self.task.epoch(epoch);
        Ok((drawn.samples, drawn.notes))
    }

    fn validation(&self) -> &[Sample] {
        self.task.validation()
    }

    fn fill(&self, sample: &Sample, codes: &mut [u8], tracks: &mut [f32], meta: &mut [f32]) {
        self.inputs.fill(sample, codes, tracks, meta);
    }

    fn labels(&self, sample: &Sample, labels: &mut [f32]) {
        self.task.labels(sample, labels);
    }
}
