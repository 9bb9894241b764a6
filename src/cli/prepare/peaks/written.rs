//! The folder that `cisgrad prepare peaks` writes.

use crate::Result;
use crate::args::quoted::quoted;
use crate::data::consensus::Window;
use crate::data::dataset::Dataset;
use crate::data::prepared::{PREPARED, Prepared, REGIONS, SEQUENCES, SIGNALS};
use crate::data::split::rows::Split;
use crate::dna::bases::letter;
use crate::io::atomic::write_atomic;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::peaks::PeakFile;
use crate::io::whole_folder::make_folder;
use crate::numbers::counted;
use std::path::Path;

/// What it holds.
pub struct Folder<'a> {
    pub dataset: &'a Dataset,
    /// Of the rows.
    pub names: &'a [String],
    pub files: &'a [PeakFile],
    pub windows: &'a [Window],
    pub chromosomes: &'a Chromosomes,
    pub split: &'a Split,
    pub prepared: &'a Prepared,
}

impl Folder<'_> {
    /// # Errors
    /// Those of [`make_folder`].
    pub fn write(&self, folder: &Path) -> Result<()> {
        make_folder(folder, |folder| self.fill(folder))
    }

    fn fill(&self, folder: &Path) -> Result<()> {
        let Folder {
            dataset,
            names,
            files,
            windows,
            chromosomes,
            split,
            prepared,
        } = self;
        write_atomic(folder.join(SIGNALS), |out| {
            writeln!(out, "name\t{}", dataset.outputs.join("\t"))?;
            for (row, name) in names.iter().enumerate() {
                write!(out, "{name}")?;
                dataset
                    .signals(row)
                    .iter()
                    .try_for_each(|signal| write!(out, "\t{signal}"))?;
                writeln!(out)?;
            }
            Ok(())
        })?;
        write_atomic(folder.join(SEQUENCES), |out| {
            for (row, name) in names.iter().enumerate() {
                let bases = dataset
                    .codes(row)
                    .iter()
                    .map(|&code| char::from(letter(code)));
                let bases: String = bases.collect();
                writeln!(out, ">{name}\n{bases}")?;
            }
            Ok(())
        })?;
        write_atomic(folder.join(REGIONS), |out| {
            for (name, window) in names.iter().zip(*windows) {
                let (chromosome, start) = (chromosomes.name(window.chromosome), window.start);
                let score = files[window.file].peaks[window.peak].score;
                let end = start + dataset.length as u32;
                writeln!(out, "{chromosome}\t{start}\t{end}\t{name}\t{score}")?;
            }
            Ok(())
        })?;
        split.write(folder, names)?;
        prepared.write(folder)
    }
}

pub fn tell_made(folder: &Path, made: &Prepared) {
    let shown = folder.display();
    tell!(
        "{shown}: {} and {}; {} train, {} validation, {} test ({})",
        counted(made.windows, "sequence"),
        counted(made.outputs.len(), "output"),
        made.train,
        made.validation,
        made.test,
        made.split
    );
    tell!("{}", made.transform.sentence());
    tell!("{PREPARED} says how they were made. Next:");
    tell!(
        "cisgrad tisfm train --data {} --meme-file MOTIFS.meme --recipe recommended --model-output MODEL",
        quoted(shown)
    );
}
