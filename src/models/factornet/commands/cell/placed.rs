//! Files of a cell line in its folder, under names of their own.

use super::args::{Args, FactorPeaks};
use crate::io::atomic::write_atomic;
use crate::{Error, Result};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A factor's files as chip.txt names them.
struct Listed<'a> {
    factor: &'a FactorPeaks,
    conservative: String,
    relaxed: Option<String>,
}

/// Fills the folder: files, then the lists that name them.
///
/// # Errors
/// What the operating system says.
pub fn fill(args: &Args, folder: &Path) -> Result<()> {
    let mut placed = Placed {
        folder,
        copy: args.copy,
        names: Vec::new(),
    };
    let tracks = args.track.iter();
    let tracks = tracks.map(|track| Ok((placed.put(&track.name, "", &track.path)?, &track.name)));
    let tracks = tracks.collect::<Result<Vec<_>>>()?;
    let factors = args.peaks.iter().map(|factor| {
        let relaxed = factor.relaxed.as_ref();
        Ok(Listed {
            factor,
            conservative: placed.put(&factor.name, "", &factor.conservative)?,
            relaxed: relaxed
                .map(|file| placed.put(&factor.name, ".relaxed", file))
                .transpose()?,
        })
    });
    let factors = factors.collect::<Result<Vec<_>>>()?;
    list(folder, "bigwig.txt", &tracks, |w, (file, name)| {
        writeln!(w, "{file}\t{name}")
    })?;
    list(folder, "chip.txt", &factors, |w, listed| {
        write!(w, "{}\t{}", listed.conservative, listed.factor.name)?;
        if let Some(relaxed) = &listed.relaxed {
            write!(w, "\t{relaxed}")?;
        }
        writeln!(w)
    })?;
    list(folder, "meta.txt", &args.meta, |w, meta| {
        writeln!(w, "{}\t{}", meta.value, meta.name)
    })
}

/// A list with a line for each; none where there are none.
fn list<T>(
    folder: &Path,
    name: &str,
    items: &[T],
    line: impl Fn(&mut dyn Write, &T) -> std::io::Result<()>,
) -> Result<()> {
    match items.is_empty() {
        true => Ok(()),
        false => write_atomic(folder.join(name), |w| {
            items.iter().try_for_each(|item| line(w, item))
        }),
    }
}

struct Placed<'a> {
    folder: &'a Path,
    copy: bool,
    /// Those that are taken, in small letters: some file systems know no others.
    names: Vec<String>,
}

impl Placed<'_> {
    /// Links to a file, or copies it, and gives its name in the folder.
    fn put(&mut self, name: &str, mark: &str, file: &Path) -> Result<String> {
        let ending = ending(file);
        let numbered = |number: usize| match number {
            1 => format!("{name}{mark}{ending}"),
            _ => format!("{name}{mark}.{number}{ending}"),
        };
        let taken = |name: &String| self.names.contains(&name.to_lowercase());
        let name = (1..).map(numbered).find(|name| !taken(name));
        let name = name.unwrap_or_default();
        self.names.push(name.to_lowercase());
        let source = file.canonicalize().map_err(|e| Error::io(file, e))?;
        place(&source, &self.folder.join(&name), self.copy).map_err(|e| Error::io(file, e))?;
        Ok(name)
    }
}

#[cfg(unix)]
fn place(source: &PathBuf, target: &Path, copy: bool) -> std::io::Result<()> {
    match copy {
        true => std::fs::copy(source, target).map(|_| ()),
        false => std::os::unix::fs::symlink(source, target),
    }
}

/// Links need rights there that users do not have.
#[cfg(not(unix))]
fn place(source: &PathBuf, target: &Path, _copy: bool) -> std::io::Result<()> {
    std::fs::copy(source, target).map(|_| ())
}

/// A file name from its last point on; of packed text from the one before: `.narrowPeak.gz`.
fn ending(file: &Path) -> String {
    let name = file.file_name().map(|name| name.to_string_lossy());
    let name = name.unwrap_or_default();
    let packed = name.strip_suffix(".gz");
    let stem = packed.unwrap_or(&name);
    let at = stem.rfind('.').unwrap_or(stem.len());
    name[at..].to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings() {
        let of = |name: &str| ending(Path::new(name));
        assert_eq!(of("a/b.narrowPeak.gz"), ".narrowPeak.gz");
        assert_eq!(of("b.x.bw"), ".bw");
        assert_eq!(of("peaks.gz"), ".gz");
        assert_eq!(of("peaks"), "");
    }
}
