//! Several models of one command: they differ by seed, or by the fold that tests them. Each has a model folder of its own, in one folder
//! with a list of them.

use super::folder::ENSEMBLE;
use super::folder::claim::{Claim, Entry};
use super::folder::config::{Described, other_kind};
use super::model::{Kind, Kinds};
use super::trainer::Begins;
use crate::data::split::folds::{FEWEST, Fold};
use crate::io::atomic::write_atomic;
use crate::io::held::hold;
use crate::io::text::read_text;
use crate::numbers::counted;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Models of an ensemble: more would be a slip.
const MOST: usize = 10_000;

/// A model of an ensemble.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its folder's name in that of the ensemble.
    pub folder: String,
    pub seed: u64,
    /// Which fold tests it, in a cross-validation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold: Option<Fold>,
    /// It was trained to the end.
    pub finished: bool,
}

impl Member {
    fn new(seed: u64, fold: Option<Fold>, seeds: usize) -> Member {
        let folder = match fold {
            None => format!("seed_{seed}"),
            Some(fold) if seeds < 2 => format!("fold_{}", fold.index()),
            Some(fold) => format!("fold_{}_seed_{seed}", fold.index()),
        };
        Member {
            folder,
            seed,
            fold,
            finished: false,
        }
    }
}

/// ensemble.json.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ensemble {
    pub version: String,
    /// The kind of all its models, as config.json has it.
    pub kind: String,
    pub members: Vec<Member>,
}

impl Ensemble {
    /// Not trained yet: for each fold, or once without, `seeds` models from `seed` on.
    ///
    /// # Errors
    /// Fewer than three folds; more models than anyone trains; seeds past the largest number.
    pub fn new(kind: &Kind, seed: u64, seeds: usize, folds: Option<usize>) -> Result<Ensemble> {
        let count = seeds.checked_mul(folds.unwrap_or(1));
        if count.is_none_or(|count| count > MOST) {
            return Err(Error::usage(format!(
                "--seeds {seeds}{}: an ensemble has {MOST} models at most: each is trained, and has a folder of its own",
                folds.map_or(String::new(), |folds| format!(" --folds {folds}"))
            )));
        }
        let last = seed.checked_add(seeds as u64 - 1);
        let last = last.ok_or_else(|| {
            Error::usage(format!(
                "--seeds {seeds}: from --seed {seed} on there are not so many numbers"
            ))
        })?;
        let folds: Vec<Option<Fold>> = match folds {
            None => vec![None],
            Some(of) if of < FEWEST => {
                return Err(Error::usage(format!(
                    "--folds {of}: expected {FEWEST} or more: one tests, the next one validates, the others train"
                )));
            }
            Some(of) => (1..=of)
                .map(|index| Fold::new(index, of, 0).map(Some))
                .collect::<Result<_>>()?,
        };
        let member = |fold| (seed..=last).map(move |seed| Member::new(seed, fold, seeds));
        Ok(Ensemble {
            version: env!("CARGO_PKG_VERSION").to_string(),
            kind: kind.name.to_string(),
            members: folds.into_iter().flat_map(member).collect(),
        })
    }

    /// The kind of models that a folder's list names; None where there is no list.
    ///
    /// # Errors
    /// A list that is damaged.
    pub fn kind_of(folder: &Path) -> Result<Option<String>> {
        let path = folder.join(ENSEMBLE);
        match path.is_file() {
            true => Ok(Some(parse(&path)?.kind)),
            false => Ok(None),
        }
    }

    /// The ensemble in a folder; None where there is none. `known`: all kinds, to name another one.
    ///
    /// # Errors
    /// A list that is damaged, or of another kind of models.
    pub fn read(folder: &Path, kind: &Kind, known: Kinds) -> Result<Option<Ensemble>> {
        let path = folder.join(ENSEMBLE);
        if !path.is_file() {
            return Ok(None);
        }
        let ensemble = parse(&path)?;
        if ensemble.kind != kind.name {
            return Err(other_kind(folder, kind, &ensemble.kind, known));
        }
        // A list cannot name what lies outside its folder.
        let strange = |member: &&Member| {
            let mut parts = Path::new(&member.folder).components();
            !matches!(
                (parts.next(), parts.next()),
                (Some(Component::Normal(_)), None)
            )
        };
        let mut seen = HashSet::new();
        if let Some(twice) = ensemble.members.iter().find(|m| !seen.insert(&m.folder)) {
            let message = format!(
                "'{}' is there twice; expected each model once",
                twice.folder
            );
            return Err(Error::format(&path, message));
        }
        match ensemble.members.iter().find(strange) {
            None if ensemble.members.is_empty() => {
                Err(Error::format(&path, "an ensemble without models"))
            }
            None => Ok(Some(ensemble)),
            Some(member) => Err(Error::format(
                &path,
                format!("'{}' is no folder in this one", member.folder),
            )),
        }
    }

    /// The folders of all its models.
    ///
    /// # Errors
    /// One was not trained to the end.
    pub fn folders(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        let unfinished: Vec<&str> = self
            .members
            .iter()
            .filter(|member| !member.finished)
            .map(|member| member.folder.as_str())
            .collect();
        if !unfinished.is_empty() {
            return Err(Error::invalid(format!(
                "{}: {} of {} not trained to the end ({}): go on with the training command and --resume",
                folder.display(),
                unfinished.len(),
                counted(self.members.len(), "model"),
                unfinished.join(", ")
            )));
        }
        let folders = self
            .members
            .iter()
            .map(|member| folder.join(&member.folder));
        Ok(folders.collect())
    }

    /// Trains every model by `train`, so many side by side, and keeps the list; `train` says when it takes a model's first step.
    ///
    /// # Errors
    /// A folder that holds something else, or an ensemble that is not this one; the first error of a model, after which none begins.
    pub fn train(
        mut self,
        claim: &Claim<'_>,
        resume: bool,
        side_by_side: usize,
        train: impl Fn(&Member, &Path, Begins<'_>) -> Result<()> + Sync,
    ) -> Result<()> {
        let folder = claim.folder;
        self.check(claim, resume)?;
        let _lock = hold(folder)?;
        // Again, now that no other run can change it; the folder is there by now.
        let entry = match claim.entry {
            Entry::Absent => Entry::Free,
            other => other,
        };
        self.check(&Claim { entry, ..*claim }, resume)?;
        if let Some(before) = Ensemble::read(folder, claim.kind, claim.known)? {
            for member in &mut self.members {
                let same = |other: &&Member| other.folder == member.folder;
                member.finished = before.members.iter().find(same).is_some_and(|m| m.finished);
            }
        }
        self.write(folder)?;
        let members = self.members.clone();
        let list = Mutex::new(self);
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = || {
            let mut first = Ok(());
            while !failed.load(Ordering::SeqCst) {
                let place = next.fetch_add(1, Ordering::SeqCst);
                let Some(member) = members.get(place) else {
                    break;
                };
                let mark = |finished: bool| {
                    let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
                    match list.members[place].finished == finished {
                        true => Ok(()),
                        false => {
                            list.members[place].finished = finished;
                            list.write(folder)
                        }
                    }
                };
                // One that was finished and goes on is not until it is again.
                let begins = || mark(false);
                let done = train(member, &folder.join(&member.folder), &begins);
                let done = done.and_then(|()| mark(true));
                if done.is_err() {
                    failed.store(true, Ordering::SeqCst);
                    first = done;
                }
            }
            first
        };
        let threads = side_by_side.clamp(1, members.len());
        let results: Vec<Result<()>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let joined = threads.into_iter().map(|thread| {
                let panicked = |_| Err(Error::invalid("a training thread ended unexpectedly"));
                thread.join().unwrap_or_else(panicked)
            });
            joined.collect()
        });
        results.into_iter().collect()
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(ENSEMBLE);
        let text =
            serde_json::to_string_pretty(self).map_err(|e| Error::format(&path, e.to_string()))?;
        write_atomic(&path, |w| writeln!(w, "{text}"))
    }

    /// Whether the models may be written into the folder.
    fn check(&self, claim: &Claim<'_>, resume: bool) -> Result<()> {
        let folder = claim.folder;
        if !folder.exists() {
            return Ok(());
        }
        let shown = folder.display();
        if !folder.is_dir() {
            return Err(Error::invalid(format!(
                "{shown} is a file; expected a folder"
            )));
        }
        claim.check_free()?;
        let before = Ensemble::read(folder, claim.kind, claim.known)?;
        if claim.entry == Entry::Absent && before.is_none() {
            return Err(Error::invalid(format!(
                "{shown} exists: choose another {}",
                claim.flag
            )));
        }
        match before {
            Some(_) if !resume => Err(Error::invalid(format!(
                "{shown} holds an ensemble already: choose another {}, or say --resume to go on with it",
                claim.flag
            ))),
            Some(before) => {
                let ours = |member: &&Member| {
                    let same = |own: &Member| (own.seed, own.fold) == (member.seed, member.fold);
                    !self
                        .members
                        .iter()
                        .any(|own| own.folder == member.folder && same(own))
                };
                match before.members.iter().find(ours) {
                    None => Ok(()),
                    Some(member) => Err(Error::invalid(format!(
                        "--resume: {shown} was started with a model {} (seed {}), which this run does not have: give the same --seed, --seeds and --folds, or more seeds",
                        member.folder, member.seed
                    ))),
                }
            }
            None => Ok(()),
        }
    }
}

/// That models, folder and description each, are of one ensemble.
///
/// # Errors
/// One differs from the first.
pub fn check_alike<'a, D: Described + 'a>(
    models: impl IntoIterator<Item = (&'a Path, &'a D)>,
) -> Result<()> {
    let mut models = models.into_iter();
    let Some((first, of_first)) = models.next() else {
        return Ok(());
    };
    for (other, of_other) in models {
        if let Some(difference) = of_first.difference(of_other) {
            return Err(Error::invalid(format!(
                "{}: not the same {} as in {}: not models of one ensemble",
                other.display(),
                difference.what,
                first.display()
            )));
        }
    }
    Ok(())
}

fn parse(path: &Path) -> Result<Ensemble> {
    serde_json::from_str(&read_text(path)?).map_err(|e| {
        Error::format_at(
            path,
            e.line() as u64,
            format!("not a list of an ensemble: {e}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    static KIND: Kind = Kind {
        name: "tests",
        title: "test",
        predict: "none",
        old_key: None,
        rows: "rows",
        rate: "rows_per_s",
        sizes: "",
        remedy: "",
        again: "",
        restart: "",
        reuse: "",
        files: &[],
        parts: None,
        free_flags: &[],
    };

    static KNOWN: Kinds<'static> = &[&KIND];

    fn claim(folder: &Path) -> Claim<'_> {
        Claim {
            folder,
            flag: "--out",
            entry: Entry::Free,
            kind: &KIND,
            known: KNOWN,
        }
    }

    fn three() -> Ensemble {
        Ensemble::new(&KIND, 4, 3, None).unwrap()
    }

    #[test]
    fn members_are_seeds_of_each_fold_and_their_folders_tell_them_apart() {
        let names = |ensemble: Ensemble| -> Vec<String> {
            ensemble.members.into_iter().map(|m| m.folder).collect()
        };
        assert_eq!(names(three()), ["seed_4", "seed_5", "seed_6"]);
        let folds = Ensemble::new(&KIND, 0, 1, Some(3)).unwrap();
        assert_eq!(names(folds), ["fold_1", "fold_2", "fold_3"]);
        let both = Ensemble::new(&KIND, 1, 2, Some(3)).unwrap();
        assert_eq!(names(both)[..2], ["fold_1_seed_1", "fold_1_seed_2"]);
        assert!(Ensemble::new(&KIND, 0, 1, Some(2)).is_err());
        assert!(Ensemble::new(&KIND, u64::MAX, 2, None).is_err());
        for (seeds, folds) in [(10_001, None), (usize::MAX, Some(3)), (1, Some(usize::MAX))] {
            let error = Ensemble::new(&KIND, 0, seeds, folds)
                .unwrap_err()
                .to_string();
            assert!(error.contains("10000 models at most"), "{error}");
        }
    }

    #[test]
    fn a_member_that_fails_leaves_a_list_to_go_on_with() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("ensemble");
        let trained = Mutex::new(Vec::new());
        let fails = |member: &Member, _: &Path, _: Begins<'_>| match member.seed {
            5 => Err(Error::invalid("no")),
            seed => {
                trained.lock().unwrap().push(seed);
                Ok(())
            }
        };
        assert!(three().train(&claim(&folder), false, 1, fails).is_err());
        assert_eq!(*trained.lock().unwrap(), [4], "none begins after it");
        let read = || Ensemble::read(&folder, &KIND, &[&KIND]).unwrap().unwrap();
        let refused = read().folders(&folder).unwrap_err().to_string();
        assert!(
            refused.contains("2 of 3 models not trained") && refused.contains("seed_5, seed_6"),
            "{refused}"
        );

        let again = three()
            .train(&claim(&folder), false, 1, |_, _, _| Ok(()))
            .unwrap_err();
        assert!(
            again.to_string().contains("holds an ensemble already"),
            "{again}"
        );
        let fewer = Ensemble::new(&KIND, 4, 1, None).unwrap();
        let fewer = fewer
            .train(&claim(&folder), true, 1, |_, _, _| Ok(()))
            .unwrap_err();
        assert!(fewer.to_string().contains("seed_5"), "{fewer}");
        three()
            .train(&claim(&folder), true, 2, |_, _, _| Ok(()))
            .unwrap();
        assert_eq!(read().folders(&folder).unwrap().len(), 3);
        let more = Ensemble::new(&KIND, 4, 4, None).unwrap();
        more.train(&claim(&folder), true, 9, |_, _, _| Ok(()))
            .unwrap();
        assert_eq!(read().members.len(), 4);
    }

    #[test]
    fn a_list_of_another_kind_or_with_folders_elsewhere_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let write = |text: &str| std::fs::write(scratch.path().join(ENSEMBLE), text).unwrap();
        let read = || {
            Ensemble::read(scratch.path(), &KIND, &[&KIND])
                .unwrap_err()
                .to_string()
        };
        write(r#"{"version": "1", "kind": "x", "members": []}"#);
        assert!(read().contains("kind 'x'"), "{}", read());
        write(r#"{"version": "1", "kind": "tests", "members": []}"#);
        assert!(read().contains("without models"), "{}", read());
        write(
            r#"{"version": "1", "kind": "tests", "members": [{"folder": "../a", "seed": 0, "finished": true}]}"#,
        );
        assert!(read().contains("'../a'"), "{}", read());
    }
}
