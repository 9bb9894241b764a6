//! The sequences on which a trained model is looked into: those that tested it, or a file's.

use super::data_args::DataArgs;
use super::model_args::ModelArgs;
use crate::args::say;
use crate::data::Notes;
use crate::data::uninformative::without_bases;
use crate::engine::Device;
use crate::io::hash::sha256;
use crate::io::sequences::parse_sequences;
use crate::io::sources::Sources;
use crate::models::tisfm::activities::Activities;
use crate::models::tisfm::members::Members;
use crate::models::tisfm::samples::Rows;
use crate::numbers::counted;
use crate::report::progress::Reporter;
use crate::train::folder::config::Precision;
use crate::train::interrupt;
use crate::{Error, Result};
use std::path::Path;

/// Sequences, and which of them each model of an ensemble is looked at with.
pub struct LookedAt {
    /// Of all sequences.
    pub names: Vec<String>,
    codes: Vec<u8>,
    length: usize,
    /// By model.
    pub rows: Vec<Vec<usize>>,
}

impl LookedAt {
    /// The sequences of a file, where one is given, or those that tested the models.
    ///
    /// # Errors
    /// Those of reading them; none that tested a model.
    ///
    /// `flag`: the one that names the file.
    pub fn of(
        flag: &str,
        genome: Option<&Path>,
        sequences: Option<&Path>,
        members: &Members,
    ) -> Result<LookedAt> {
        match sequences {
            Some(file) => Self::of_file(genome, file, members),
            None => Self::of_test(flag, genome, members),
        }
    }

    fn of_file(genome: Option<&Path>, file: &Path, members: &Members) -> Result<LookedAt> {
        let mut notes = Notes::new();
        let lines = Sources::new().into_lines(file)?;
        let sequences = parse_sequences(lines, genome, &mut notes)?;
        notes.extend(without_bases(
            &sequences.names,
            &sequences.codes,
            sequences.length,
        ));
        say(&notes);
        if sequences.is_empty() {
            return Err(Error::format(file, "no sequence to look at"));
        }
        members.first().check_length(sequences.length)?;
        let rows: Vec<usize> = (0..sequences.len()).collect();
        Ok(LookedAt {
            rows: vec![rows; members.models.len()],
            names: sequences.names,
            codes: sequences.codes,
            length: sequences.length,
        })
    }

    fn of_test(flag: &str, genome: Option<&Path>, members: &Members) -> Result<LookedAt> {
        let first = members.first();
        if first.config.model.data.is_none() {
            return Err(Error::usage(format!(
                "{} was not trained here: give {flag}, those that it shall be looked at with",
                first.folder().display()
            )));
        }
        let data = DataArgs {
            no_flags: true,
            ..DataArgs::default()
        };
        // A run whose sequences are a list of its own reads no genome.
        let of_run = first.config.model.data.as_ref();
        let genome = genome.filter(|_| of_run.is_some_and(|data| data.genome.is_some()));
        let dataset = data.dataset(first, genome)?;
        let rows = members.models.iter().map(|model| {
            let test = data.split(model, &dataset)?.test;
            match test.is_empty() {
                false => Ok(test),
                true => Err(Error::invalid(format!(
                    "{} has no test sequences: give {flag}",
                    model.folder().display()
                ))),
            }
        });
        Ok(LookedAt {
            rows: rows.collect::<Result<_>>()?,
            names: dataset.names,
            codes: dataset.codes,
            length: dataset.length,
        })
    }

    /// All sequences.
    pub fn samples(&self) -> Rows<'_> {
        Rows {
            codes: &self.codes,
            targets: &[],
            length: self.length,
        }
    }

    /// What each model computes of its sequences.
    ///
    /// # Errors
    /// Those of the models.
    pub fn activities(
        &self,
        args: &ModelArgs,
        members: &Members,
        device: &Device,
        precision: Precision,
    ) -> Result<Vec<Activities>> {
        interrupt::watch();
        let samples = self.samples();
        let all = self.rows.iter().map(Vec::len).sum();
        let bar = Reporter::new().bar("looking", all, "sequences");
        let each = members.models.iter().zip(&self.rows).map(|(model, rows)| {
            let seen = |n| bar.advance(n);
            model.activities(device, precision, samples, rows, args.batch_size, seen)
        });
        let found = each.collect::<Result<Vec<_>>>()?;
        bar.finish();
        Ok(found)
    }

    /// Which sequences they are.
    pub fn fingerprint(&self) -> String {
        format!("{} {:?}", sha256(&self.codes), self.rows)
    }

    /// What to say of them.
    pub fn shown(&self) -> String {
        let first = self.rows.first().map_or(0, Vec::len);
        match self.rows.len() {
            0 | 1 => counted(first, "sequence"),
            models => format!(
                "{} for each of {}",
                counted(first, "sequence"),
                counted(models, "model")
            ),
        }
    }
}
