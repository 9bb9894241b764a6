//! `cisgrad convert factornet --to keras`: a model folder of ours becomes one that the original program reads.

use super::convert::{Args, tell_made};
use crate::models::factornet::config::Description;
use crate::models::factornet::{KIND, keras};
use crate::train::folder::open::Opened;
use crate::train::folder::{BEST, CONFIG, LAST};
use crate::train::model::Kinds;
use crate::{Error, Result};

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    let folder = &args.folder;
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
            let opened = Opened::<Description>::read(folder, &KIND, known);
            return opened.map(|_| ());
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
    std::fs::create_dir_all(&args.out).map_err(|e| Error::io(&args.out, e))?;
    if let Some(note) = export.write(folder, &args.out)? {
        tell!("{note}");
    }
    tell_made(&args.out, &best.config.model);
    Ok(())
}
