//! Files as they were, to be held against what became of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{bytes, names};

/// Everything under a folder: paths and contents.
pub struct Snapshot {
    folder: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
}

impl Snapshot {
    #[track_caller]
    pub fn of(folder: impl AsRef<Path>) -> Snapshot {
        let folder = folder.as_ref().to_path_buf();
        let mut files = BTreeMap::new();
        read(&folder, "", &mut files);
        Snapshot { folder, files }
    }

    /// Nothing is changed, new or gone.
    #[track_caller]
    pub fn assert_same(&self, after: &str) {
        let now = Snapshot::of(&self.folder).files;
        let mut changed: Vec<&String> = self.files.keys().chain(now.keys()).collect();
        changed.retain(|name| self.files.get(*name) != now.get(*name));
        changed.dedup();
        assert!(changed.is_empty(), "{after}: changed {changed:?}");
    }
}

fn read(folder: &Path, within: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for name in names(folder) {
        let path = folder.join(&name);
        let name = format!("{within}{name}");
        if path.is_dir() {
            read(&path, &format!("{name}/"), files);
            files.insert(format!("{name}/"), Vec::new());
        } else {
            files.insert(name, bytes(&path));
        }
    }
}
