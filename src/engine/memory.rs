//! Whether what a run is about to keep in memory fits there: asked before anything is allocated, so that a number that is
//! too large is an error and not the end of the process.

use crate::numbers::thousands;
use crate::{Error, Result};
use std::fmt;
use std::fs;
use std::iter::Sum;
use std::ops::{Add, Mul};
use std::path::Path;
use std::sync::OnceLock;

/// A number of bytes, whatever the sizes that it is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(u128);

impl Bytes {
    /// Of so many elements of a type; `shape`: their number as a product.
    pub fn of<T>(shape: &[usize]) -> Bytes {
        let one = Bytes(size_of::<T>() as u128);
        shape.iter().fold(one, |bytes, &n| bytes * n)
    }
}

impl Add for Bytes {
    type Output = Bytes;
    fn add(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_add(other.0))
    }
}

impl Mul<usize> for Bytes {
    type Output = Bytes;
    fn mul(self, times: usize) -> Bytes {
        Bytes(self.0.saturating_mul(times as u128))
    }
}

impl Sum for Bytes {
    fn sum<I: Iterator<Item = Bytes>>(parts: I) -> Bytes {
        parts.fold(Bytes::default(), Add::add)
    }
}

/// In GB (10^9 bytes), below that in MB.
impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MB: u128 = 1_000_000;
        const GB: u128 = 1000 * MB;
        match self.0 {
            n if n < GB => write!(f, "{} MB", n.div_ceil(MB)),
            n if n < 10 * GB => write!(f, "{:.1} GB", n as f64 / GB as f64),
            n => write!(f, "{} GB", thousands(n.div_ceil(GB))),
        }
    }
}

/// That `what` fits into memory.
///
/// # Errors
/// It needs more than this process can ever have: "`what` needs about 12 GB of memory; this machine has 8.0 GB".
pub fn check(what: impl fmt::Display, needed: Bytes) -> Result<()> {
    static LIMIT: OnceLock<(Bytes, &str)> = OnceLock::new();
    let &(most, whose) = LIMIT.get_or_init(limit);
    if needed <= most {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{what} needs about {needed} of memory; {whose} {most}"
    )))
}

/// Makes a buffer longer, its new elements copies of `value`; a shorter `len` leaves it as it is.
///
/// # Errors
/// There is no room for it: `what` names what it is for.
pub fn grow<T: Clone>(
    buffer: &mut Vec<T>,
    len: usize,
    value: T,
    what: impl fmt::Display,
) -> Result<()> {
    let more = len.saturating_sub(buffer.len());
    let reserved = buffer.try_reserve_exact(more);
    reserved.map_err(|_| {
        let needed = Bytes::of::<T>(&[len]);
        Error::invalid(format!(
            "{what} needs about {needed} of memory, which the system does not give"
        ))
    })?;
    buffer.resize(buffer.len() + more, value);
    Ok(())
}

/// The most that this process can have, and who says so. Where the system does not tell: what an address can reach.
fn limit() -> (Bytes, &'static str) {
    let told = [
        (physical(), "this machine has"),
        (
            control_group(Path::new("/sys/fs/cgroup"), "/proc/self/cgroup"),
            "this job may use",
        ),
        (
            address_space(),
            "the limit on this process's address space (ulimit -v) leaves",
        ),
    ];
    let told = told
        .into_iter()
        .filter_map(|(bytes, whose)| Some((Bytes(u128::from(bytes?)), whose)));
    told.min()
        .unwrap_or((Bytes(1 << 47), "an address can reach"))
}

/// The machine's memory.
fn physical() -> Option<u64> {
    kilobytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:")
}

/// What is left of the soft limit on the address space.
fn address_space() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let limit: u64 = first_word(&limits, "Max address space")?.parse().ok()?;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    Some(limit.saturating_sub(kilobytes(&status, "VmSize:")?))
}

/// The lowest limit of the process's control group and of those around it: a container's, a batch system's.
fn control_group(root: &Path, membership: &str) -> Option<u64> {
    let groups = fs::read_to_string(membership).ok()?;
    let mut limits = Vec::new();
    for group in groups.lines() {
        let mut parts = group.splitn(3, ':');
        let (_, controllers, path) = (parts.next(), parts.next()?, parts.next()?);
        let (root, file) = match controllers {
            "" => (root.to_path_buf(), "memory.max"),
            of_memory if of_memory.split(',').any(|c| c == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let inside = root.join(path.trim_start_matches('/'));
        let around = inside.ancestors().take_while(|at| at.starts_with(&root));
        // "max", where there is no limit, is no number.
        let read = |at: &Path| {
            fs::read_to_string(at.join(file))
                .ok()?
                .trim()
                .parse::<u64>()
                .ok()
        };
        limits.extend(around.filter_map(read));
    }
    limits.into_iter().min()
}

fn kilobytes(text: &str, label: &str) -> Option<u64> {
    let count: u64 = first_word(text, label)?.parse().ok()?;
    count.checked_mul(1024)
}

/// The first word after a label that a line begins with.
fn first_word<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    line.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_without_overflow_and_read_at_once() {
        let shown = |shape: &[usize]| Bytes::of::<f32>(shape).to_string();
        assert_eq!(shown(&[250_000]), "1 MB");
        assert_eq!(shown(&[1000, 1_000_000, 1]), "4.0 GB");
        assert_eq!(shown(&[1_000_000, 1_000_000_000]), "4,000,000 GB");
        assert_eq!(shown(&[]), "1 MB");
        let endless = Bytes::of::<f64>(&[usize::MAX, usize::MAX, usize::MAX]);
        assert_eq!(endless + endless, endless);
    }

    #[test]
    fn what_no_machine_has_is_refused_with_what_it_needs() {
        check("a little", Bytes::of::<u8>(&[1000])).unwrap();
        let error = check("--batch-size 7", Bytes::of::<u8>(&[1 << 40, 1 << 20])).unwrap_err();
        let error = error.to_string();
        assert!(
            error.starts_with("--batch-size 7 needs about 1,152,921,505 GB of memory; "),
            "{error}"
        );
        assert!(matches!(
            check("", Bytes(u128::MAX)),
            Err(Error::Invalid(_))
        ));
    }

    #[test]
    fn a_buffer_grows_or_says_why_not() {
        let mut buffer = vec![1_u8];
        grow(&mut buffer, 3, 0, "a few").unwrap();
        grow(&mut buffer, 2, 0, "a few").unwrap();
        assert_eq!(buffer, [1, 0, 0]);
        let error = grow(&mut buffer, usize::MAX, 0, "all of it").unwrap_err();
        assert!(
            error.to_string().starts_with("all of it needs about "),
            "{error}"
        );
    }

    #[test]
    fn the_lowest_limit_of_the_control_groups_counts() {
        let root = tempfile::tempdir().unwrap();
        let inside = root.path().join("job/step");
        fs::create_dir_all(&inside).unwrap();
        fs::write(inside.join("memory.max"), "max\n").unwrap();
        fs::write(root.path().join("job/memory.max"), "5000\n").unwrap();
        let membership = root.path().join("membership");
        fs::write(&membership, "0::/job/step\n").unwrap();
        let found = control_group(root.path(), &membership.display().to_string());
        assert_eq!(found, Some(5000));
        assert_eq!(control_group(root.path(), "/nonexistent"), None);
    }
}
