//! Where the weights of a training run start: at random, two kernels from the known motif that `-mo` finds or `--motif-name`
//! names.

use super::args::Args;
use crate::args::say;
use crate::dna::motif::{Motif, information};
use crate::interpret::motif_matches::resembling;
use crate::io::meme::parse_meme;
use crate::io::near::nearest;
use crate::io::sources::Sources;
use crate::io::text::first_names;
use crate::models::factornet::config::Config;
use crate::models::factornet::inject;
use crate::models::factornet::known_motif::{Found, Pick, find, names};
use crate::numbers::{counted, is_or_are};
use crate::train::folder::weights::Number;
use crate::train::model::Model;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// The original's collection, which it keeps in its resources.
const ORIGINAL: &str = "HOCOMOCOv9.meme";

impl Args {
    /// The collection of known motifs, if there is one.
    pub fn motif_file(&self) -> Option<PathBuf> {
        let given = self.motif_db.clone();
        given.or_else(|| self.shared.resource(ORIGINAL))
    }

    /// The motif that two kernels start from, where that is asked for; says which.
    ///
    /// # Errors
    /// No collection; those of the reader; no motif of the factor or of the name, with near ones.
    pub fn start_motif(&self, sources: &Sources) -> Result<Option<Motif>> {
        let (true, Some(factor)) = (self.motif, &self.factor) else {
            return Ok(None);
        };
        let file = self.motif_file().ok_or_else(|| {
            Error::usage(format!(
                "-mo: no known motifs: give --motif-db MEME, or keep {ORIGINAL} in {}",
                self.shared.resources.display()
            ))
        })?;
        let mut notes = Vec::new();
        let motifs = parse_meme(sources.lines(&file)?, &mut notes)?;
        say(&notes);
        let shown = file.display();
        let start = match &self.motif_name {
            Some(name) => {
                let motif = motifs.iter().find(|motif| motif.id == *name);
                let motif = motif.ok_or_else(|| {
                    let near = near(name, &motifs);
                    Error::usage(format!(
                        "--motif-name {name}: no motif of {shown} has this first word after MOTIF; near ones are {near}"
                    ))
                })?;
                tell!("known motif for two kernels: {} of {shown}", motif.shown());
                motif
            }
            None => {
                let found = find(&motifs, factor, pick(&file)).ok_or_else(|| {
                    let near = near(factor, &motifs);
                    Error::usage(format!(
                        "-mo: {shown} has no motif of {factor}, by either word of its name or a part of one; near ones are {near}. \
                         Name the motif to start from with --motif-name ID, or leave out -mo: of a model that was trained without, \
                         cisgrad factornet visualize --motif-db says which known motifs its kernels are"
                    ))
                })?;
                tell!(
                    "known motif for two kernels: {} of {shown}, {}",
                    found.motif.shown(),
                    which(&found, factor)
                );
                if let Some(note) = unlike(&found, &motifs) {
                    tell!("{note}");
                }
                found.motif
            }
        };
        if start.rows.iter().all(|row| information(row) < 0.1) {
            tell!(
                "warning: -mo: {} is flat (below 0.1 bits everywhere): kernels that start from it look for nothing",
                start.shown()
            );
        }
        Ok(Some(start.clone()))
    }

    /// Fresh weights, with the known motif where there is one to start from.
    pub(super) fn weights<T: Number>(
        &self,
        config: &Config,
        motif: Option<&Motif>,
    ) -> Result<Vec<T>> {
        let network = &config.model.network;
        let layout = network.layout()?;
        let mut params = layout.initialise::<T>(self.seed);
        if let Some(motif) = motif {
            let injected = inject(network, &layout, &mut params, &motif.rows)?;
            if injected.cut > 0 {
                tell!(
                    "warning: -mo: {} has {}, -w is {}: {} {} cut off around its middle",
                    motif.shown(),
                    counted(motif.rows.len(), "position"),
                    network.motif_width,
                    injected.cut,
                    is_or_are(injected.cut)
                );
            }
        }
        Ok(params)
    }
}

/// The original's dictionary keeps the last motif of a name; collections put the main one first.
fn pick(file: &Path) -> Pick {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    match name.starts_with(ORIGINAL) {
        true => Pick::Last,
        false => Pick::First,
    }
}

/// Which of how many.
fn which(found: &Found<'_>, factor: &str) -> String {
    match &found.equals[..] {
        [_] => format!("the only motif of {factor} there"),
        equals => {
            let first = equals.first().is_some_and(|first| *first == found.motif);
            format!(
                "the {} of {} motifs of {factor} there ({}); --motif-name ID takes another",
                if first { "first" } else { "last" },
                equals.len(),
                first_names(equals.iter().map(|motif| &motif.id))
            )
        }
    }
}

/// What to say of motifs of the same name that are another motif: a factor may bind in several ways, or one of them is wrong.
fn unlike(found: &Found<'_>, motifs: &[Motif]) -> Option<String> {
    if found.equals.len() < 2 {
        return None;
    }
    let resembling = resembling(found.motif, motifs);
    let place = |motif: &Motif| motifs.iter().position(|other| std::ptr::eq(other, motif));
    let unlike: Vec<&str> = found
        .equals
        .iter()
        .filter(|motif| place(motif).is_some_and(|place| !resembling[place]))
        .map(|motif| motif.id.as_str())
        .collect();
    (!unlike.is_empty()).then(|| {
        format!(
            "note: {} {} not resemble {} beyond chance (q-values above 0.05): a run that starts from another of them may find other sites",
            first_names(&unlike),
            if unlike.len() == 1 { "does" } else { "do" },
            found.motif.id
        )
    })
}

fn near(wanted: &str, motifs: &[Motif]) -> String {
    let near = nearest(wanted, motifs, |motif| names(motif));
    let shown: Vec<String> = near.into_iter().map(Motif::shown).collect();
    shown.join(", ")
}
