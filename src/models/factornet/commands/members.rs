//! One model, or all models of an ensemble, with what their folders keep.

use super::probabilities::scores_of;
use super::trained_on::test_words;
use crate::Result;
use crate::models::factornet::KIND;
use crate::models::factornet::saved::{FactorNet, open};
use crate::models::factornet::scores::Scores;
use crate::train::ensemble::{Ensemble, check_alike};
use crate::train::model::Kinds;
use std::path::{Path, PathBuf};

/// A model.
pub(super) struct Member {
    pub folder: PathBuf,
    pub model: FactorNet,
    /// What training's end has left.
    pub kept: Option<Scores>,
    /// Of a cross-validation: the words of its own test regions.
    pub tested_on: Option<Vec<String>>,
    pub seed: u64,
}

/// At least one model.
pub(super) struct Members {
    pub all: Vec<Member>,
    pub is_ensemble: bool,
}

/// The folders that `-m` stands for: those of an ensemble's models, or the folder itself.
///
/// # Errors
/// A model of an ensemble that was not trained to the end.
pub(super) fn folders(folder: &Path, known: Kinds) -> Result<Vec<PathBuf>> {
    match Ensemble::read(folder, &KIND, known)? {
        Some(ensemble) => ensemble.folders(folder),
        None => Ok(vec![folder.to_path_buf()]),
    }
}

impl Members {
    /// A model folder, one that Keras saved, or the folder of an ensemble.
    ///
    /// # Errors
    /// Those of [`open`] and [`folders`]; models of an ensemble that differ in their network, factors or inputs.
    pub fn open(folder: &Path, known: Kinds) -> Result<Members> {
        let ensemble = Ensemble::read(folder, &KIND, known)?;
        let folders = folders(folder, known)?;
        let mut all = Vec::new();
        for (place, folder) in folders.into_iter().enumerate() {
            let model = open(&folder, known)?;
            let listed = ensemble.as_ref().map(|ensemble| &ensemble.members[place]);
            let folds = listed.is_some_and(|member| member.fold.is_some());
            all.push(Member {
                kept: scores_of(&folder, &model)?,
                tested_on: folds.then(|| test_words(&model.config)),
                seed: listed.map_or(0, |member| member.seed),
                folder,
                model,
            });
        }
        let described = all
            .iter()
            .map(|member| (member.folder.as_path(), &member.model.config.model));
        check_alike(described)?;
        Ok(Members {
            all,
            is_ensemble: ensemble.is_some(),
        })
    }

    /// What all models have in common is read from it.
    pub fn first(&self) -> &Member {
        &self.all[0]
    }

    /// The models that are held against the same regions: all of them, or of a cross-validation those with the same test regions; `given`: the
    /// regions that the user names for all.
    pub fn groups(&self, given: bool) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for member in &self.all {
            let words = member.tested_on.as_deref().filter(|_| !given);
            match groups.iter_mut().find(|group| group.words == words) {
                Some(group) => group.members.push(member),
                None => groups.push(Group {
                    words,
                    members: vec![member],
                }),
            }
        }
        groups
    }
}

/// Models that are held against the same regions.
pub(super) struct Group<'a> {
    /// Their own; None: those of the command.
    pub words: Option<&'a [String]>,
    pub members: Vec<&'a Member>,
}
