//! Names that come many times, each kept once: those of the contigs of a draft genome are tens of thousands.

use std::collections::HashSet;

/// Names in the order in which they first came.
#[derive(Clone, Debug, Default)]
pub struct Distinct {
    names: Vec<String>,
    known: HashSet<String>,
}

impl Distinct {
    /// Whether the name is new.
    pub fn add(&mut self, name: impl Into<String> + AsRef<str>) -> bool {
        if self.known.contains(name.as_ref()) {
            return false;
        }
        let name = name.into();
        self.known.insert(name.clone());
        self.names.push(name);
        true
    }

    pub fn contains(&self, name: &str) -> bool {
        self.known.contains(name)
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_names_keep_their_order() {
        let mut names = Distinct::default();
        assert!(names.add("b") && names.add("a".to_string()) && !names.add("b"));
        assert_eq!(names.names(), ["b", "a"]);
    }
}
