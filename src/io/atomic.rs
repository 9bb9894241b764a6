//! Files appear whole or not at all: written under a temporary name in the same folder, renamed at the end.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::{NamedTempFile, TempDir};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::descriptors::{descriptor, open_as_it_is};
use crate::{Error, Result};

/// What temporary names begin and end with.
const MARKS: [&str; 2] = [".cisgrad-", ".tmp"];

/// Removes the temporary files and folders that killed runs left in a folder, which no run may be writing to.
pub fn remove_leftovers(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(|e| Error::io(folder, e))? {
        let entry = entry.map_err(|e| Error::io(folder, e))?;
        let name = entry.file_name();
        if is_temporary(&name) {
            let path = entry.path();
            let removed = match path.is_dir() {
                true => std::fs::remove_dir_all(&path),
                false => std::fs::remove_file(&path),
            };
            removed.map_err(|e| Error::io(&path, e))?;
        }
    }
    Ok(())
}

/// Whether a name is one of ours for what is not finished.
pub(super) fn is_temporary(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with(MARKS[0]) && name.ends_with(MARKS[1])
}

/// Temporary files and folders of this process.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the temporary files and folders of this process, whatever its threads are at, and lets it make no more: for
/// a process that ends at once, without the way back through those who made them.
pub fn remove_unfinished() {
    let unfinished = unfinished();
    for path in unfinished.iter() {
        // What cannot be removed stays: nobody is left to be told.
        let _ = match path.is_dir() {
            true => std::fs::remove_dir_all(path),
            false => std::fs::remove_file(path),
        };
    }
    std::mem::forget(unfinished);
}

/// Keeps a path among those that [`remove_unfinished`] removes, as long as it lives.
struct Listed(PathBuf);

impl Drop for Listed {
    fn drop(&mut self) {
        unfinished().remove(&self.0);
    }
}

/// A temporary file. Declared before it, the list's entry outlives it.
fn temporary_file(
    make: impl FnOnce() -> io::Result<NamedTempFile>,
) -> io::Result<(Listed, NamedTempFile)> {
    let mut unfinished = unfinished();
    let file = make()?;
    unfinished.insert(file.path().to_path_buf());
    Ok((Listed(file.path().to_path_buf()), file))
}

/// Removes a file, if it is there.
///
/// # Errors
/// What the operating system says.
pub fn remove_if_there(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io(path, e)),
        _ => Ok(()),
    }
}

/// A folder that is removed at its end, also where the process ends at once.
pub struct TemporaryFolder {
    folder: TempDir,
    _listed: Listed,
}

impl TemporaryFolder {
    /// # Errors
    /// What the operating system says of the place for temporary files.
    pub fn make() -> Result<TemporaryFolder> {
        Self::made(&std::env::temp_dir(), tempfile::tempdir)
    }

    /// One in a folder, under a name of ours, open to those to whom new folders are.
    ///
    /// # Errors
    /// What the operating system says of the folder.
    pub fn make_in(folder: &Path) -> Result<TemporaryFolder> {
        let mut builder = builder();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o777));
        }
        Self::made(folder, || {
            builder.tempdir_in(folder).map_err(|e| bare(folder, e))
        })
    }

    fn made(place: &Path, make: impl FnOnce() -> io::Result<TempDir>) -> Result<TemporaryFolder> {
        let mut unfinished = unfinished();
        let folder = make().map_err(|e| Error::io(place, e))?;
        unfinished.insert(folder.path().to_path_buf());
        let listed = Listed(folder.path().to_path_buf());
        Ok(TemporaryFolder {
            folder,
            _listed: listed,
        })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Whether a file can be written there later: its folder takes new files, and `path` is no folder. Leaves nothing behind.
///
/// # Errors
/// What the operating system says of the folder; a folder in the file's place.
pub fn check_writable(path: &Path) -> Result<()> {
    if path.as_os_str().as_encoded_bytes().last() == Some(&b'/') && !path.is_dir() {
        return Err(Error::format(
            path,
            "a folder's name; expected a file to write",
        ));
    }
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            return Err(Error::format(path, "a folder; expected a file to write"));
        }
        // A device: no file is made beside it.
        Ok(found) if !found.is_file() => return Ok(()),
        found if descriptor(path).is_some() => {
            return found.map(|_| ()).map_err(|e| Error::io(path, e));
        }
        _ => {}
    }
    check_folder(folder_of(&behind_links(path)))
}

/// Whether files can be made in a folder. Leaves nothing behind.
///
/// # Errors
/// What the operating system says of it.
pub fn check_folder(folder: &Path) -> Result<()> {
    // Without a name: a signal that ends the process at this moment, before any is watched for, leaves no file.
    let made = tempfile::tempfile_in(folder);
    made.map(|_file| ())
        .map_err(|e| Error::io(folder, bare(folder, e)))
}

/// What links lead to, which need not be there yet.
fn behind_links(path: &Path) -> PathBuf {
    // As many as systems follow.
    const MOST: usize = 40;
    if let Ok(target) = path.canonicalize() {
        return target;
    }
    let mut path = path.to_path_buf();
    for _ in 0..MOST {
        let Ok(link) = std::fs::read_link(&path) else {
            break;
        };
        path = folder_of(&path).join(link);
    }
    path
}

pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(MARKS[0]).suffix(MARKS[1]);
    builder
}

/// What the system said of a folder that takes no file, without the temporary file's name.
fn bare(folder: &Path, error: io::Error) -> io::Error {
    match std::fs::metadata(folder) {
        Err(missing) => missing,
        Ok(found) if !found.is_dir() => io::ErrorKind::NotADirectory.into(),
        Ok(_) => error.kind().into(),
    }
}

/// Writes what `fill` writes to `path`, packed with gzip where the name ends in `.gz`; until the last byte is on the disk,
/// `path` stays as it was.
/// A device, a pipe or what this process was given (`/dev/null`, `/dev/stdout`, whatever lies behind it) is written to as
/// it is; the link, the device or the file behind it is never replaced.
pub fn write_atomic(
    path: impl AsRef<Path>,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let path = path.as_ref();
    write(path, fill).map_err(|source| Error::io(path, source))
}

fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    if is_as_it_is(path) {
        return until_reader_leaves(pack(path, open_as_it_is(path)?, fill));
    }
    replace(path, |temporary| pack(path, temporary.as_file_mut(), fill))
}

/// The name says whether a text file is packed: `.gz` for gzip, anything else for plain text.
pub fn is_gzip_name(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("gz"))
}

/// Hands `fill` a writer of plain text whose bytes go to `file` as the name says.
fn pack(
    path: &Path,
    file: impl Write,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffered = BufWriter::with_capacity(1 << 16, file);
    if is_gzip_name(path) {
        let mut encoder = GzEncoder::new(&mut buffered, Compression::default());
        fill(&mut encoder)?;
        encoder.finish()?;
    } else {
        fill(&mut buffered)?;
    }
    buffered.flush()
}

/// As [`write_atomic`], for formats whose writers go back in the file: `fill` gets the path of an
/// empty file, which is renamed to `path` when it returns.
pub fn write_file_atomic(
    path: impl AsRef<Path>,
    fill: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<()> {
    let path = path.as_ref();
    let written = if is_as_it_is(path) {
        // A device or a pipe cannot be gone back in, and is never replaced by a file.
        until_reader_leaves(into_device(path, fill))
    } else {
        replace(path, |temporary| fill(temporary.path()))
    };
    written.map_err(|source| Error::io(path, source))
}

/// Something that is there and is neither a file nor a folder, or what this process was given by its descriptor's name.
fn is_as_it_is(path: &Path) -> bool {
    let special = |found: std::fs::Metadata| !found.is_file() && !found.is_dir();
    std::fs::metadata(path).is_ok_and(special) || descriptor(path).is_some()
}

/// The reader of a pipe has seen enough when it leaves: what went there is done, and what goes elsewhere goes on.
pub fn until_reader_leaves(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn into_device(path: &Path, fill: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let (_listed, temporary) = temporary_file(|| builder().tempfile())?;
    fill(temporary.path())?;
    let mut device = open_as_it_is(path)?;
    io::copy(&mut File::open(temporary.path())?, &mut device)?;
    device.flush()
}

fn replace(path: &Path, fill: impl FnOnce(&mut NamedTempFile) -> io::Result<()>) -> io::Result<()> {
    let path = &behind_links(path);
    let folder = folder_of(path);
    let mut builder = builder();
    let before = std::fs::metadata(path).ok();
    // The usual permissions of a new file (the umask still applies), not a temporary file's 0600:
    // colleagues read these folders. In an old file's place no more than that one's, while it is being written too.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = before
            .as_ref()
            .map_or(0o666, |found| found.permissions().mode() & 0o777 | 0o600);
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    let made = temporary_file(|| builder.tempfile_in(folder));
    let (_listed, mut temporary) = made.map_err(|e| bare(folder, e))?;
    fill(&mut temporary)?;
    if let Some(before) = &before {
        keep_access(temporary.path(), before)?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|e| e.error)?;
    // The rename itself survives a power cut only once the folder is on the disk.
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// Gives a file the permissions of the one that it takes the place of, and its owner and group as far as this user may.
fn keep_access(path: &Path, before: &std::fs::Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, chown};
        let now = std::fs::metadata(path)?;
        // Only root gives files away; for anyone else the file is the writer's own, as a new one is.
        if now.gid() != before.gid() {
            let _ = chown(path, None, Some(before.gid()));
        }
        if now.uid() != before.uid() {
            let _ = chown(path, Some(before.uid()), None);
        }
    }
    std::fs::set_permissions(path, before.permissions())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn replaces_the_old_content_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        for text in ["first, and longer", "second"] {
            write_atomic(&path, |w| w.write_all(text.as_bytes())).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_what_is_not_there_yet_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("d")).unwrap();
        std::os::unix::fs::symlink("d/target", path("link")).unwrap();
        std::os::unix::fs::symlink("link", path("far")).unwrap();
        check_writable(&path("far")).unwrap();
        write_atomic(path("far"), |w| w.write_all(b"new")).unwrap();
        assert_eq!(std::fs::read(path("d/target")).unwrap(), b"new");
        assert!(path("far").is_symlink() && path("link").is_symlink());
        // A circle ends.
        std::os::unix::fs::symlink("circle", path("circle")).unwrap();
        assert!(write_atomic(path("circle"), |w| w.write_all(b"x")).is_ok());
    }

    #[test]
    fn a_failing_writer_leaves_the_old_file_and_no_temporary_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, "old").unwrap();
        let error = write_atomic(&path, |w| {
            w.write_all(&[b'x'; 1 << 20])?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        })
        .unwrap_err();
        assert!(error.to_string().contains("a.txt"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn a_name_that_ends_in_gz_is_packed_and_no_other() {
        use std::io::Read;
        let folder = tempfile::tempdir().unwrap();
        for (name, packed) in [
            ("a.tsv.gz", true),
            ("a.GZ", true),
            ("a.tsv", false),
            ("gz", false),
        ] {
            let path = folder.path().join(name);
            write_atomic(&path, |w| w.write_all(b"text")).unwrap();
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(bytes.starts_with(&[0x1f, 0x8b]), packed, "{name}");
            let mut text = String::new();
            match packed {
                true => flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text),
                false => (&bytes[..]).read_to_string(&mut text),
            }
            .unwrap();
            assert_eq!(text, "text", "{name}");
        }
    }

    #[test]
    fn leftovers_of_killed_runs_are_removed_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".cisgrad-Ab12.tmp", ".cisgrad-x", "a.tmp", "a.txt"] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        remove_leftovers(folder.path()).unwrap();
        assert_eq!(names(folder.path()), [".cisgrad-x", "a.tmp", "a.txt"]);
    }

    #[test]
    fn a_missing_folder_is_named_and_no_temporary_file_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing/a.txt");
        let error = write_atomic(&path, |_| Ok(())).unwrap_err().to_string();
        assert!(
            error.ends_with("missing/a.txt: No such file or directory (os error 2)"),
            "{error}"
        );
    }

    #[test]
    fn whether_a_file_can_be_written_is_known_beforehand() {
        let folder = tempfile::tempdir().unwrap();
        let error = |name: &str| {
            check_writable(&folder.path().join(name))
                .unwrap_err()
                .to_string()
        };
        assert!(
            error("missing/a.txt").ends_with("missing: No such file or directory (os error 2)")
        );
        assert!(error("").ends_with("a folder; expected a file to write"));
        assert!(check_writable(&folder.path().join("a.txt")).is_ok());
        assert!(check_writable(Path::new("/dev/null")).is_ok());
        assert!(names(folder.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_keeps_the_permissions_of_the_one_that_it_replaces() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, "old").unwrap();
        for mode in [0o444, 0o600, 0o660, 0o755] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            write_atomic(&path, |w| w.write_all(b"new")).unwrap();
            let now = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(now(), mode);
            // A writer that opens the file by its name must be able to.
            write_file_atomic(&path, |path| std::fs::write(path, "newer")).unwrap();
            assert_eq!(now(), mode);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_reader_that_leaves_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || drop(File::open(pipe).unwrap())
        });
        write_atomic(&pipe, |w| w.write_all(&vec![b'x'; 1 << 22])).unwrap();
        reader.join().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_to_and_stays_a_device() {
        use std::os::unix::fs::FileTypeExt;
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("out");
        std::os::unix::fs::symlink("/dev/full", &link).unwrap();
        let error = write_atomic(&link, |w| w.write_all(b"x")).unwrap_err();
        assert!(error.to_string().contains("No space left"), "{error}");
        let found = std::fs::metadata(&link).unwrap().file_type();
        assert!(found.is_char_device());
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_gets_all_that_a_writer_which_goes_back_wrote_and_stays_a_pipe() {
        use std::io::{Seek, SeekFrom};
        use std::os::unix::fs::FileTypeExt;
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::read_to_string(pipe).unwrap()
        });
        write_file_atomic(&pipe, |path| {
            let mut file = File::create(path)?;
            file.write_all(b"????, then the rest")?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(b"head")
        })
        .unwrap();
        assert_eq!(reader.join().unwrap(), "head, then the rest");
        let found = std::fs::metadata(&pipe).unwrap().file_type();
        assert!(found.is_fifo());
        assert_eq!(names(folder.path()), ["pipe"]);
    }

    #[cfg(unix)]
    #[test]
    fn what_a_link_names_is_replaced_and_the_link_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (link, file) = (folder.path().join("link"), folder.path().join("file"));
        std::fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_atomic(&link, |w| w.write_all(b"new")).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_what_the_umask_lets_them_read() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("a"), folder.path().join("b"));
        write_atomic(&ours, |w| w.write_all(b"x")).unwrap();
        std::fs::write(&plain, "x").unwrap();
        let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
