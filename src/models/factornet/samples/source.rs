//! Samplers as the trainer draws from them.

use super::Sample;
use super::inputs::Inputs;
use super::multi::MultiTask;
use super::single::SingleTask;
use crate::Result;
use crate::data::Notes;
use crate::train::batch::{Row, Samples, Source};

/// What is learned.
pub enum Task<'a> {
    /// One factor, from one or several cell lines.
    Single(SingleTask<'a>),
    /// All factors of one cell line.
    Multi(MultiTask<'a>),
}

/// A task with the inputs of its samples.
pub struct TaskSamples<'a> {
    pub task: Task<'a>,
    pub inputs: Inputs,
}

impl Source for TaskSamples<'_> {
    type Sample = Sample;

    fn fill(&self, sample: &Sample, row: &mut Row<'_>) {
        self.inputs.fill(sample, row);
    }

    fn targets(&self, sample: &Sample, targets: &mut [f64]) {
        match &self.task {
            Task::Single(_) => targets.fill(f64::from(sample.label)),
            Task::Multi(task) => task.labels(sample, targets),
        }
    }
}

impl Samples for TaskSamples<'_> {
    fn epoch(&self, epoch: u64) -> Result<(Vec<Sample>, Notes)> {
        let drawn = match &self.task {
            Task::Single(task) => task.epoch(epoch)?,
            Task::Multi(task) => task.epoch(epoch),
        };
        Ok((drawn.samples, drawn.notes))
    }

    fn validation(&self) -> &[Sample] {
        match &self.task {
            Task::Single(task) => task.validation(),
            Task::Multi(task) => task.validation(),
        }
    }

    fn most(&self) -> usize {
        let training = match &self.task {
            Task::Single(task) => task.most(),
            Task::Multi(task) => 2 * task.positives(),
        };
        training.max(self.validation().len())
    }
}
