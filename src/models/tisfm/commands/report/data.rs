//! The data of a training run, where they are still there.

use super::super::data_args::DataArgs;
use crate::Result;
use crate::args::report_args::ReportArgs;
use crate::data::dataset::Dataset;
use crate::data::split::rows::Split;
use crate::models::tisfm::members::Members;

pub struct Data {
    pub dataset: Dataset,
    /// By model.
    pub splits: Vec<Split>,
}

impl Data {
    /// `Err`: why there are none.
    pub fn of(given: &ReportArgs, members: &Members) -> std::result::Result<Data, String> {
        if members.first().config.model.data.is_none() {
            return Err("the model was not trained here".to_string());
        }
        Self::read(given, members).map_err(|error| error.to_string())
    }

    fn read(given: &ReportArgs, members: &Members) -> Result<Data> {
        let args = DataArgs {
            no_flags: true,
            ..DataArgs::default()
        };
        let dataset = args.dataset(members.first(), given.genome.as_deref())?;
        let splits = members.models.iter();
        let splits = splits.map(|model| args.split(model, &dataset));
        Ok(Data {
            splits: splits.collect::<Result<_>>()?,
            dataset,
        })
    }

    /// Of each model, the rows that test it.
    pub fn test(&self) -> Vec<Vec<usize>> {
        self.splits.iter().map(|split| split.test.clone()).collect()
    }
}
