//! `cisgrad motifs export`.

use crate::args::emit;
use crate::dna::motif::core;
use crate::io::meme::write_meme;
use crate::io::text::first_names;
use crate::models::kinds::{self, Export};
use crate::numbers::counted;
use crate::{Error, Result};

pub fn run(args: &Export) -> Result<()> {
    let mut found = kinds::export(args)?;
    let kernels = found.motifs.len() + found.without_sites.len();
    if found.motifs.is_empty() {
        return Err(Error::invalid(format!(
            "{}: {}: there is no motif to write",
            args.given.model.display(),
            match kernels {
                0 => "all its kernels are 0".to_string(),
                _ => format!(
                    "none of {} fires in what was looked at",
                    counted(kernels, "kernel")
                ),
            }
        )));
    }
    if args.given.trim {
        for motif in &mut found.motifs {
            motif.rows = motif.rows[core(&motif.rows)].to_vec();
        }
    }
    emit(args.given.out.as_deref(), |w| write_meme(w, &found.motifs))?;
    let without = match found.without_sites.len() {
        0 => String::new(),
        n => format!(
            "; {n} without a site: {}",
            first_names(&found.without_sites)
        ),
    };
    tell!(
        "{} of {}{without}",
        counted(found.motifs.len(), "motif"),
        counted(kernels, "kernel")
    );
    Ok(())
}
