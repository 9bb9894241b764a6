//! Names of files that are made from names of outputs or factors.

use std::collections::HashSet;

/// Bytes of a name; file systems take some 250, of which commands need some for what stands around it.
const LONGEST: usize = 180;

/// Makes each name of a command's a file's own.
#[derive(Debug, Default)]
pub struct FileNames {
    taken: HashSet<String>,
}

impl FileNames {
    /// The name with a _ for what separates folders, and as much of it as a file's name holds; where that is another one's
    /// already, with a number behind it.
    pub fn of(&mut self, name: &str) -> String {
        let strange = |c: char| matches!(c, '/' | '\\') || c.is_control();
        let mut plain = name.replace(strange, "_");
        let longest = (0..=LONGEST.min(plain.len())).rev();
        plain.truncate(
            longest
                .into_iter()
                .find(|&end| plain.is_char_boundary(end))
                .unwrap_or(0),
        );
        let mut own = plain.clone();
        for number in 2.. {
            if self.taken.insert(own.clone()) {
                break;
            }
            own = format!("{plain}_{number}");
        }
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_become_the_same_get_numbers() {
        let mut names = FileNames::default();
        assert_eq!(names.of("NK/T"), "NK_T");
        assert_eq!(names.of("NK_T"), "NK_T_2");
        assert_eq!(names.of("B"), "B");
        // As NK_T_2 would be called if it came first.
        assert_eq!(names.of("NK_T_2"), "NK_T_2_2");
    }

    #[test]
    fn names_that_no_file_can_have_are_cut_and_stay_apart() {
        let mut names = FileNames::default();
        let long = "ö".repeat(150);
        let first = names.of(&long);
        let second = names.of(&format!("{long}x"));
        assert_eq!(first.len(), LONGEST);
        assert_eq!(second, format!("{first}_2"));
        assert_eq!(names.of("a\tb"), "a_b");
    }
}
