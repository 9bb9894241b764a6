//! Outputs, looked at before the work begins: that they can be written, and that they are none of the inputs.

use crate::io::atomic::check_writable;
use crate::train::folder::{FILES, numbered};
use crate::train::model::Kind;
use crate::{Error, Result};
use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};

/// # Errors
/// A flag's output that is an input, by whatever path, or another flag's output; one whose folder is not there or cannot be
/// written to.
pub fn check(outputs: &[(&str, &Path)], inputs: &[PathBuf]) -> Result<()> {
    for (flag, path) in outputs {
        if *path == Path::new("-") {
            return Err(Error::usage(format!(
                "{flag} -: - is standard input; name a file, or /dev/stdout"
            )));
        }
        check_writable(path)?;
    }
    check_apart(outputs, inputs)?;
    for (flag, path) in outputs {
        if holds_genome(path) {
            return Err(Error::usage(format!(
                "{flag} {} is a genome or other sequences, which no command writes: choose another name, or remove it first",
                path.display()
            )));
        }
    }
    Ok(())
}

/// # Errors
/// `--log-dir` is a file.
pub fn check_log_dir(folder: Option<&Path>) -> Result<()> {
    match folder {
        Some(folder) if folder.is_file() => Err(Error::usage(format!(
            "--log-dir {}: a file; expected a folder, which is made where it is not there",
            folder.display()
        ))),
        _ => Ok(()),
    }
}

/// Whether a file is there that begins as FASTA or 2bit does: a name that was meant for `--genome`.
fn holds_genome(path: &Path) -> bool {
    const TWO_BIT: [u8; 4] = [0x43, 0x27, 0x41, 0x1a];
    let mut head = [0; 4];
    let is_file = std::fs::metadata(path).is_ok_and(|found| found.is_file());
    // What cannot be read is left to the checks of writing.
    let read = is_file
        && std::fs::File::open(path).is_ok_and(|mut file| file.read_exact(&mut head).is_ok());
    let reversed = [head[3], head[2], head[1], head[0]];
    read && (head[0] == b'>' || head == TWO_BIT || reversed == TWO_BIT)
}

/// [`check`] for the files that a run will make in a model folder, or in those of a path's models, which need not be there
/// yet.
///
/// # Errors
/// One of them is an input.
pub fn check_model_folder(
    flag: &str,
    folders: &[PathBuf],
    kind: &Kind,
    inputs: &[PathBuf],
) -> Result<()> {
    let files: Vec<PathBuf> = folders.iter().flat_map(|f| model_files(f, kind)).collect();
    let outputs: Vec<(&str, &Path)> = files.iter().map(|file| (flag, file.as_path())).collect();
    check_apart(&outputs, inputs)
}

/// That a folder in which a model is to be made holds none of the inputs, under whatever name.
///
/// # Errors
/// It holds one.
pub fn check_holds_none(flag: &str, folder: &Path, inputs: &[PathBuf]) -> Result<()> {
    let shown = folder.display();
    let Ok(folder) = folder.canonicalize() else {
        return Ok(());
    };
    let inside = |path: &&PathBuf| {
        path.canonicalize()
            .is_ok_and(|path| path.starts_with(&folder))
    };
    match inputs.iter().find(inside) {
        None => Ok(()),
        Some(input) => Err(Error::usage(format!(
            "{flag} {shown}: the folder of {}, which this run reads: choose another",
            input.display()
        ))),
    }
}

/// The files of a model folder, whether they are there or not.
pub fn model_files(folder: &Path, kind: &Kind) -> Vec<PathBuf> {
    let names = FILES.iter().chain(kind.files);
    let files = names.map(|name| folder.join(name));
    // A folder that cannot be read holds none that could be reached.
    files.chain(numbered(folder).unwrap_or_default()).collect()
}

/// A genome and the indices that may lie beside it.
pub fn genome_files(genome: &Path) -> [PathBuf; 3] {
    ["", ".fai", ".gzi"].map(|ending| {
        let mut path = genome.as_os_str().to_owned();
        path.push(ending);
        path.into()
    })
}

/// [`check`] for files whose folders need not be there yet.
///
/// # Errors
/// One of them is an input or another one.
pub fn check_apart(outputs: &[(&str, &Path)], inputs: &[PathBuf]) -> Result<()> {
    let read: HashSet<PathBuf> = inputs.iter().filter_map(|path| place(path)).collect();
    let mut written: HashMap<PathBuf, &str> = HashMap::new();
    for &(flag, path) in outputs {
        let Some(found) = place(path) else { continue };
        let shown = path.display();
        if read.contains(&found) {
            return Err(Error::usage(format!(
                "{flag} {shown} is a file that this run reads: choose another"
            )));
        }
        if let Some(other) = written.insert(found, flag) {
            return Err(Error::usage(format!(
                "{flag} {shown} is the file of {other}"
            )));
        }
    }
    Ok(())
}

/// A file without links and detours in its path; None for a device, which takes what any number of writers send it, and
/// where there is no folder for it.
fn place(path: &Path) -> Option<PathBuf> {
    // A file may stand behind standard input.
    let path = match path == Path::new("-") {
        true => Path::new("/dev/stdin"),
        false => path,
    };
    let metadata = std::fs::metadata(path);
    if metadata.is_ok_and(|found| !found.is_file()) {
        return None;
    }
    path.canonicalize().ok().or_else(|| {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
        Some(folder.join(path.file_name()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn an_input_is_known_by_every_path() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("reads.bed"), "").unwrap();
        std::fs::create_dir(at("sub")).unwrap();
        std::os::unix::fs::symlink(at("reads.bed"), at("link")).unwrap();
        std::os::unix::fs::symlink(folder.path(), at("sub/up")).unwrap();
        let inputs = [at("reads.bed"), at("later.tsv")];
        for spelling in [
            "reads.bed",
            "link",
            "sub/../reads.bed",
            "sub/up/reads.bed",
            "./later.tsv",
        ] {
            let message = check(&[("--out", &at(spelling))], &inputs).unwrap_err();
            assert!(
                message.to_string().contains("a file that this run reads"),
                "{spelling}: {message}"
            );
        }
        check(&[("--out", &at("other.tsv"))], &inputs).unwrap();
        check(&[("--out", Path::new("/dev/null"))], &["/dev/null".into()]).unwrap();
        let twice = check(&[("-o", &at("a")), ("--bigwig", &at("sub/up/a"))], &inputs);
        assert!(twice.unwrap_err().to_string().contains("the file of -o"));
    }
}
