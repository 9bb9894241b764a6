//! `cisgrad convert factornet --to keras`: a model folder of ours becomes one that the original program reads.

use crate::models::factornet::config::Description;
use crate::models::factornet::{KIND, keras};
use crate::train::folder::open::Opened;
use crate::train::folder::{BEST, CONFIG, LAST};
use crate::train::model::Kinds;
use crate::{Error, Result};
use std::path::Path;

/// Writes the model of `folder` into `out`.
pub fn write(folder: &Path, out: &Path, known: Kinds) -> Result<Description> {
    if !folder.join(CONFIG).exists() && keras::is_keras_folder(folder) {
        return Err(Error::invalid(format!(
            "{}: a model that Keras saved, expected a model folder of ours: leave out --to keras to make one of it",
            folder.display()
        )));
    }
    let [best, last] = [BEST, LAST].map(|name| folder.join(name));
    let (best, last) = match (best.exists(), last.exists()) {
        (true, true) => (best, last),
        (true, false) => (best.clone(), best),
        (false, true) => (last.clone(), last),
        (false, false) => {
            let opened = Opened::<Description>::read(folder, &KIND, known)?;
            return Ok(opened.config.model);
        }
    };
    let only = (best == last).then(|| best.clone());
    let open = |file| Opened::<Description>::read_weights(folder, file, &KIND, known);
    let (best, last) = (open(best)?, open(last)?);
    let export = keras::Export::new(&best, &last)?;
    if let Some(only) = only {
        tell!(
            "note: {} is all the weights there are: {} and {} both hold them",
            only.display(),
            keras::WEIGHTS[0],
            keras::WEIGHTS[1]
        );
    }
    for note in keras::left_behind(&best.config) {
        tell!("{note}");
    }
    std::fs::create_dir_all(out).map_err(|e| Error::io(out, e))?;
    if let Some(note) = export.write(folder, out)? {
        tell!("{note}");
    }
    Ok(best.config.model)
}
