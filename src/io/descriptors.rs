//! Names by which a process knows the files and pipes that it was given: `/dev/stdin`, `/dev/stdout`, `/dev/fd/N`. What lies
//! behind one may be a file that others write to as well.

use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};

/// As many links as systems follow.
const MOST_LINKS: usize = 40;

/// `/dev/stdin`, `/dev/stdout`, `/dev/stderr`, `/dev/fd/N`, `/proc/self/fd/N`, `/proc/PID/fd/N`.
pub(super) fn names_descriptor(path: &Path) -> bool {
    let names: Vec<&str> = path
        .components()
        .map(|component| match component {
            Component::RootDir => "/",
            other => other.as_os_str().to_str().unwrap_or_default(),
        })
        .collect();
    matches!(
        names[..],
        ["/", "dev", "stdin" | "stdout" | "stderr"]
            | ["/", "dev", "fd", _]
            | ["/", "proc", _, "fd", _]
    )
}

/// The descriptor's name that a path is, or leads to by links.
pub(super) fn descriptor(path: &Path) -> Option<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        if names_descriptor(&path) {
            return Some(path);
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let folder = folder.canonicalize().ok()?;
        path = folder.join(path.file_name()?);
        if names_descriptor(&path) {
            return Some(path);
        }
        path = folder.join(std::fs::read_link(&path).ok()?);
    }
    None
}

/// Opens what is there for writing behind all that it holds: a device, a pipe, a descriptor's file. This process's own
/// output goes on where it is, so that what is written there before and after stays.
pub(super) fn open_as_it_is(path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let own = descriptor(path).and_then(|name| own_number(&name));
        let copy = match own {
            Some(1) => Some(io::stdout().as_fd().try_clone_to_owned()?),
            Some(2) => Some(io::stderr().as_fd().try_clone_to_owned()?),
            _ => None,
        };
        if let Some(copy) = copy {
            return Ok(copy.into());
        }
    }
    File::options().append(true).open(path)
}

/// The number of a descriptor of this process.
#[cfg(unix)]
fn own_number(name: &Path) -> Option<u32> {
    let other = name
        .strip_prefix("/proc")
        .ok()
        .and_then(|rest| rest.iter().next())
        .is_some_and(|process| {
            process != "self" && process != std::process::id().to_string().as_str()
        });
    match name.file_name()?.to_str()? {
        _ if other => None,
        "stdin" => Some(0),
        "stdout" => Some(1),
        "stderr" => Some(2),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_descriptors_are_known() {
        for name in [
            "/dev/stdout",
            "/dev/fd/63",
            "/proc/self/fd/0",
            "/proc/7/fd/3",
        ] {
            assert!(names_descriptor(Path::new(name)), "{name}");
        }
        for name in [
            "dev/fd/3",
            "/dev/fd",
            "/proc/self/maps",
            "stdout",
            "/dev/shm",
        ] {
            assert!(!names_descriptor(Path::new(name)), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_and_detours_to_a_descriptor_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::os::unix::fs::symlink("/dev/stdout", path("out")).unwrap();
        std::os::unix::fs::symlink("out", path("far")).unwrap();
        std::os::unix::fs::symlink("/dev", path("devices")).unwrap();
        for name in ["far", "devices/stdout", "devices/fd/1"] {
            let found = descriptor(&path(name)).unwrap();
            assert_eq!(own_number(&found), Some(1), "{name}: {found:?}");
        }
        std::fs::write(path("plain"), "").unwrap();
        std::os::unix::fs::symlink("circle", path("circle")).unwrap();
        for name in ["plain", "none", "no/such", "circle"] {
            assert_eq!(descriptor(&path(name)), None, "{name}");
        }
        assert_eq!(own_number(Path::new("/proc/1/fd/1")), None);
    }
}
