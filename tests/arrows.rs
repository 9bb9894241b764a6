//! Who may import whom, by folder: data flows one way, a kind of model is one folder. Reads `use` statements and written-out
//! paths of every file; tests inside files are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each folder of src may import besides itself and the error type. docs/architecture.md draws the same.
const ALLOWED: [(&str, &[&str]); 19] = [
    ("dna", &[]),
    ("io", &["dna"]),
    // io: files of compiled kernels are written whole.
    ("engine", &["io"]),
    // engine: its random numbers.
    ("data", &["dna", "engine", "io"]),
    ("check", &["engine"]),
    ("ops", &["check", "engine"]),
    ("optim", &["engine"]),
    ("metrics", &["engine"]),
    ("interpret", &["dna", "engine", "io"]),
    ("report", &["dna", "io"]),
    // report: progress alone.
    ("train", &["data", "dna", "engine", "io", "optim", "report"]),
    (
        "attribution",
        &[
            "data",
            "dna",
            "engine",
            "interpret",
            "io",
            "metrics",
            "ops",
            "report",
            "train",
        ],
    ),
    // engine: its random numbers; report: progress; train: signals.
    (
        "variants",
        &[
            "attribution",
            "data",
            "dna",
            "engine",
            "io",
            "metrics",
            "report",
            "train",
        ],
    ),
    (
        "args",
        &[
            "attribution",
            "data",
            "dna",
            "engine",
            "io",
            "metrics",
            "report",
            "train",
            "variants",
        ],
    ),
    (
        "timing",
        &["check", "data", "engine", "ops", "optim", "train"],
    ),
    (
        "models",
        &[
            "args",
            "check",
            "interpret",
            "metrics",
            "report",
            "timing",
            "train",
        ],
    ),
    ("models/tisfm", EVERY_KIND),
    ("models/factornet", EVERY_KIND),
    (
        "cli",
        &[
            "args",
            "check",
            "data",
            "dna",
            "engine",
            "interpret",
            "io",
            "metrics",
            "models",
            "models/factornet",
            "models/tisfm",
            "ops",
            "report",
            "timing",
            "train",
        ],
    ),
];

/// What a kind of model may import: all but the command line, the list of kinds, and other kinds.
const EVERY_KIND: &[&str] = &[
    "args",
    "attribution",
    "check",
    "data",
    "dna",
    "engine",
    "interpret",
    "io",
    "metrics",
    "ops",
    "optim",
    "report",
    "timing",
    "train",
    "variants",
];

/// Single arrows of the table above that hold for these modules alone.
const NARROW: [(&str, &str, &[&str]); 19] = [
    ("interpret", "engine", &["engine::simd"]),
    (
        "models",
        "args",
        &[
            "args::compare_args",
            "args::explain_args",
            "args::marginalize_args",
            "args::motif_export",
            "args::report_args",
            "args::spelling",
            "args::variants_args",
        ],
    ),
    ("attribution", "data", &["data::dinucleotide_shuffle"]),
    ("attribution", "metrics", &["metrics::quantiles"]),
    ("attribution", "ops", &["ops::inner"]),
    (
        "variants",
        "data",
        &["data::packed_genome", "data::variant_windows"],
    ),
    ("variants", "engine", &["engine::Philox"]),
    ("variants", "metrics", &["metrics::empirical_p"]),
    ("variants", "report", &["report::progress"]),
    (
        "variants",
        "train",
        &["train::folder::weights", "train::interrupt"],
    ),
    ("models", "metrics", &["metrics::comparison"]),
    ("models", "report", &["report::page"]),
    ("cli", "metrics", &["metrics::comparison"]),
    (
        "cli",
        "models/factornet",
        &["models::factornet::commands::cell"],
    ),
    ("models", "interpret", &["interpret::kernel_motifs"]),
    ("engine", "io", &["io::atomic", "io::hash"]),
    (
        "data",
        "engine",
        &["engine::params", "engine::random", "engine::Philox"],
    ),
    ("train", "report", &["report::progress"]),
    ("train", "data", &["data::Notes", "data::split::folds"]),
];

/// What a kind's network is made of, in its folder: it knows no file.
const NETWORK: [&str; 15] = [
    "attention",
    "build",
    "calibration",
    "effect",
    "focal",
    "inject",
    "layers",
    "motif_kernels",
    "nystrom",
    "parse",
    "pooling",
    "network",
    "simulate",
    "spec",
    "known_motif",
];

/// What every kind shares, which may not even name one.
const NAMELESS: [&str; 8] = [
    "args",
    "attribution",
    "interpret",
    "metrics",
    "report",
    "timing",
    "train",
    "variants",
];

/// One import: the file, and the module path that it names.
struct Arrow {
    file: String,
    path: Vec<String>,
}

impl Arrow {
    fn shown(&self) -> String {
        format!("{} imports crate::{}", self.file, self.path.join("::"))
    }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All files of the library that are no tests, by their path from src, with their text but for their tests.
fn files() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![source()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !name.ends_with(".rs") || name.ends_with("tests.rs") {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let from_src = path.strip_prefix(source()).unwrap();
            found.insert(
                from_src.display().to_string(),
                without_comments(&without_tests(&text)),
            );
        }
    }
    assert!(found.len() > 200, "{} files", found.len());
    found
}

/// rustfmt closes a file's module of tests with a brace at the line's start.
fn without_tests(text: &str) -> String {
    match text.split_once("#[cfg(test)]\nmod tests {") {
        None => text.to_string(),
        Some((before, rest)) => match rest.split_once("\n}\n") {
            None => before.to_string(),
            Some((_, after)) => before.to_string() + &without_tests(after),
        },
    }
}

fn without_comments(text: &str) -> String {
    let code = |line: &str| match line.trim_start().starts_with("//") {
        true => String::new(),
        false => line.to_string(),
    };
    text.lines().map(|line| code(line) + "\n").collect()
}

/// `train/folder/claim.rs` is the module train::folder::claim, `train/mod.rs` is train.
fn module(file: &str) -> Vec<String> {
    let mut parts: Vec<String> = file
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_string)
        .collect();
    if matches!(
        parts.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    ) {
        parts.pop();
    }
    parts
}

/// The paths of a use tree: `a::{b, c::d}` gives a::b and a::c::d.
fn leaves(tree: &str, prefix: &str, out: &mut Vec<String>) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap_or(tree).trim();
        if !path.is_empty() {
            out.push(format!("{prefix}{path}"));
        }
        return;
    };
    let head = format!("{prefix}{}", tree[..open].trim());
    let body = &tree[open + 1..tree.rfind('}').unwrap()];
    let (mut depth, mut start) = (0, 0);
    for (at, letter) in body.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                leaves(&body[start..at], &head, out);
                start = at + 1;
            }
            _ => {}
        }
    }
    leaves(&body[start..], &head, out);
}

/// A path as written in a module, from the crate's root; None for one of another crate or of the module itself.
fn resolve(path: &str, module: &[String]) -> Option<Vec<String>> {
    let mut parts: Vec<&str> = path.split("::").map(str::trim).collect();
    let mut base: Vec<String> = match parts[0].trim_start_matches('$') {
        "crate" => Vec::new(),
        "super" | "self" => module.to_vec(),
        _ => return None,
    };
    if parts[0].ends_with("crate") {
        parts.remove(0);
    }
    while let Some(&first) = parts.first() {
        match first {
            "super" => drop(base.pop()),
            "self" => {}
            _ => break,
        }
        parts.remove(0);
    }
    base.extend(parts.into_iter().map(str::to_string));
    Some(base)
}

/// Everything that the files import.
fn arrows() -> Vec<Arrow> {
    let mut found = Vec::new();
    for (file, text) in files() {
        let module = module(&file);
        let mut paths = Vec::new();
        let mut rest = String::new();
        for statement in text.split_inclusive(';') {
            let begin = statement
                .rfind("\nuse ")
                .map(|at| at + 1)
                .or_else(|| statement.rfind("\npub use ").map(|at| at + 5))
                .or_else(|| statement.starts_with("use ").then_some(0));
            match begin {
                Some(at) => {
                    leaves(statement[at + 4..].trim_end_matches(';'), "", &mut paths);
                    rest.push_str(&statement[..at]);
                }
                None => rest.push_str(statement),
            }
        }
        for mark in ["crate::", "super::"] {
            for (at, _) in rest.match_indices(mark) {
                let before = rest[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                    continue;
                }
                let part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
                let path = rest[at..].split(|c| !part(c)).next().unwrap();
                paths.push(path.trim_end_matches(':').to_string());
            }
        }
        for path in paths {
            if let Some(path) = resolve(&path, &module) {
                found.push(Arrow {
                    file: file.clone(),
                    path,
                });
            }
        }
    }
    found
}

/// The folder of the table that a module lies in; None for the crate's own files.
fn folder(path: &[String]) -> Option<String> {
    let first = path.first()?;
    if !source().join(first).is_dir() {
        return None;
    }
    match path.get(1) {
        Some(kind) if first == "models" && source().join(first).join(kind).is_dir() => {
            Some(format!("models/{kind}"))
        }
        _ => Some(first.clone()),
    }
}

#[track_caller]
fn none(forbidden: BTreeSet<String>, rule: &str) {
    let list: Vec<String> = forbidden.into_iter().collect();
    assert!(list.is_empty(), "{rule}:\n{}", list.join("\n"));
}

#[test]
fn every_folder_imports_what_it_may() {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.into();
    let mut forbidden = BTreeSet::new();
    for arrow in arrows() {
        let (Some(from), Some(to)) = (folder(&module(&arrow.file)), folder(&arrow.path)) else {
            continue;
        };
        let may = allowed
            .get(from.as_str())
            .unwrap_or_else(|| panic!("src/{from} is not in the table of arrows"));
        let own_list = from == "models" && to.starts_with("models/");
        if from != to && !own_list && !may.contains(&to.as_str()) {
            forbidden.insert(arrow.shown());
        }
        let narrow = NARROW.iter().find(|(a, b, _)| (*a, *b) == (&from, &to));
        if let Some((_, _, modules)) = narrow {
            let path = arrow.path.join("::");
            if !modules.iter().any(|module| path.starts_with(module)) {
                forbidden.insert(arrow.shown());
            }
        }
    }
    none(forbidden, "these arrows are not in the table");
}

/// The table has no circle by its order: each folder imports those above it alone. Inside a folder the same must hold
/// among its subfolders; a folder's own files stand with whichever they need.
#[test]
fn no_circle_among_folders() {
    let mut above: BTreeSet<&str> = BTreeSet::new();
    for (from, to) in ALLOWED {
        let below: Vec<&&str> = to.iter().filter(|to| !above.contains(**to)).collect();
        assert!(below.is_empty(), "{from} imports {below:?}");
        above.insert(from);
    }
    let mut graph: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for arrow in arrows() {
        let from = module(&arrow.file);
        let shared = from
            .iter()
            .zip(&arrow.path)
            .take_while(|(a, b)| a == b)
            .count();
        let unit = |path: &[String]| -> Option<String> {
            let name = path.get(shared)?;
            let parent = path[..shared].join("/");
            let place = source().join(&parent).join(name);
            place.is_dir().then(|| name.clone())
        };
        if let (Some(a), Some(b)) = (unit(&from), unit(&arrow.path)) {
            let parent = from[..shared].join("/");
            graph.entry((parent, a)).or_default().insert(b);
        }
    }
    for ((parent, start), next) in &graph {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&String> = next.iter().collect();
        while let Some(folder) = open.pop() {
            assert!(folder != start, "src/{parent}: {start} is on a circle");
            if reached.insert(folder) {
                let more = graph.get(&(parent.clone(), folder.clone()));
                open.extend(more.into_iter().flatten());
            }
        }
    }
}

#[test]
fn a_network_knows_no_file() {
    let arrows = arrows().into_iter().filter(|arrow| {
        let module = module(&arrow.file);
        let network = module.len() == 3 && NETWORK.contains(&module[2].as_str());
        network && module[0] == "models" && arrow.path[0] == "io"
    });
    none(
        arrows.map(|arrow| arrow.shown()).collect(),
        "a kind's spec, build and blocks do not import io",
    );
}

#[test]
fn what_all_kinds_share_names_none() {
    let kinds = fs::read_dir(source().join("models")).unwrap();
    let kinds = kinds.map(|entry| entry.unwrap().path());
    let kinds: Vec<String> = kinds
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert!(kinds.len() >= 2, "{kinds:?}");
    let mut named = BTreeSet::new();
    for (file, text) in files() {
        let shared = NAMELESS.iter().any(|f| file.starts_with(&format!("{f}/")));
        let text = text.to_lowercase();
        for kind in kinds.iter().filter(|kind| shared && text.contains(*kind)) {
            named.insert(format!("{file} names {kind}"));
        }
    }
    none(named, "what all kinds share names none");
}
