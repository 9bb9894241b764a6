//! The kinds that the program knows.

use super::golden::Golden;
use super::{factornet, tisfm};

/// Golden cases, by kind.
pub const GOLDEN: [&Golden; 2] = [&tisfm::golden::GOLDEN, &factornet::golden::GOLDEN];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::golden::folders;

    /// `selftest` unpacks all kinds' cases into one folder and knows them apart by their files.
    #[test]
    fn every_golden_case_is_of_one_kind() {
        let scratch = tempfile::tempdir().unwrap();
        for kind in GOLDEN {
            kind.unpack(scratch.path()).unwrap();
        }
        let found = folders(scratch.path()).unwrap();
        let cases: usize = GOLDEN.iter().map(|kind| kind.embedded.len()).sum();
        assert_eq!(found.len(), cases, "two cases have the same name");
        for case in found {
            let owners = GOLDEN.iter().filter(|kind| kind.owns(&case)).count();
            assert_eq!(owners, 1, "{}", case.display());
        }
    }
}
