//! Names of files that are made from names of outputs or factors.

use std::collections::HashSet;

/// Makes each name of a command's a file's own.
#[derive(Debug, Default)]
pub struct FileNames {
    taken: HashSet<String>,
}

impl FileNames {
    /// The name with a _ for what separates folders; where that is another one's already, with a number behind it.
    pub fn of(&mut self, name: &str) -> String {
        let plain = name.replace(['/', '\\'], "_");
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
    }
}
