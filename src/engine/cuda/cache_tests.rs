use super::*;
use crate::engine::cuda::arch::Arch;
use std::fs;

const SOURCE: Source = Source {
    name: "op",
    text: "text",
    ptx: None,
    kernels: &["op_forward"],
};
const CUBIN: &[u8] = b"\x7fELF and so on";
const TARGET: Target = Target::Cubin(Arch::new(9, 0));

fn entry(folder: &Path) -> Entry {
    Entry::new(folder, &SOURCE, &[("lib/a.cuh", "a")], &["-x"], TARGET)
}

#[test]
fn what_is_written_is_read_of_its_version_only() {
    let folder = tempfile::tempdir().unwrap();
    let entry = entry(&folder.path().join("not/yet/there"));
    assert_eq!(entry.read((12, 4)), Ok(None));
    assert_eq!(entry.versions(), []);
    entry.write((12, 4), CUBIN).unwrap();
    entry.write((12, 10), CUBIN).unwrap();
    assert_eq!(entry.read((12, 4)).unwrap().as_deref(), Some(CUBIN));
    assert_eq!(entry.read((13, 0)), Ok(None));
    assert_eq!(entry.versions(), [(12, 10), (12, 4)]);
    let name = entry.path((12, 4));
    let name = name.file_name().unwrap().to_str().unwrap();
    assert!(
        name.starts_with("op-sm_90-12.4-") && name.ends_with(".cubin"),
        "{name}"
    );
}

#[test]
fn everything_that_decides_the_code_is_in_the_key() {
    let folder = Path::new("cache");
    let headers = [("lib/a.cuh", "a")];
    let of = |source: &Source, headers: &[(&str, &str)], options: &[&str], target| {
        Entry::new(folder, source, headers, options, target).path((13, 0))
    };
    let base = entry(folder).path((13, 0));
    assert_eq!(of(&SOURCE, &headers, &["-x"], TARGET), base);
    let text = Source {
        text: "texu",
        ..SOURCE
    };
    let name = Source {
        name: "oq",
        ..SOURCE
    };
    for other in [
        of(&text, &headers, &["-x"], TARGET),
        of(&name, &headers, &["-x"], TARGET),
        of(&SOURCE, &[("lib/a.cuh", "b")], &["-x"], TARGET),
        of(&SOURCE, &[("lib/b.cuh", "a")], &["-x"], TARGET),
        of(&SOURCE, &[], &["-x"], TARGET),
        of(&SOURCE, &headers, &["-y"], TARGET),
        of(&SOURCE, &headers, &["-x", "-x"], TARGET),
        of(&SOURCE, &headers, &["-x"], Target::Cubin(Arch::new(8, 0))),
        of(&SOURCE, &headers, &["-x"], Target::Ptx(Arch::new(9, 0))),
    ] {
        assert_ne!(other, base);
    }
}

#[test]
fn a_damaged_file_is_told_from_a_whole_one() {
    let folder = tempfile::tempdir().unwrap();
    let entry = entry(folder.path());
    let path = entry.path((12, 0));
    entry.write((12, 0), CUBIN).unwrap();
    let whole = fs::read(&path).unwrap();
    assert!(
        whole.starts_with(CUBIN),
        "the file is the image, with a trailer"
    );
    let mut damaged: Vec<Vec<u8>> = (0..whole.len()).map(|n| whole[..n].to_vec()).collect();
    damaged.extend((0..whole.len()).map(|n| {
        let mut bytes = whole.clone();
        bytes[n] ^= 1;
        bytes
    }));
    damaged.push([&whole[..], b"x"].concat());
    for bytes in damaged {
        fs::write(&path, bytes).unwrap();
        let fault = entry.read((12, 0)).unwrap_err();
        assert!(
            fault.contains("damaged") && fault.contains("op-sm_90"),
            "{fault}"
        );
    }
    // Whole, but no machine code.
    entry.write((12, 0), b"<html>").unwrap();
    assert!(entry.read((12, 0)).is_err());
    // Whole, but made from another text and renamed.
    let text = Source {
        text: "other",
        ..SOURCE
    };
    let other = Entry::new(folder.path(), &text, &[("lib/a.cuh", "a")], &["-x"], TARGET);
    other.write((12, 0), CUBIN).unwrap();
    fs::rename(other.path((12, 0)), &path).unwrap();
    assert!(entry.read((12, 0)).is_err());
}

#[test]
fn a_folder_full_of_garbage_and_one_that_cannot_be_made_are_faults_not_panics() {
    let folder = tempfile::tempdir().unwrap();
    let entry = entry(folder.path());
    for name in [
        "op-sm_90--.cubin",
        "op-sm_90-x.y-z.cubin",
        "x",
        "op-sm_90-12.0",
    ] {
        fs::write(folder.path().join(name), "x").unwrap();
    }
    fs::create_dir(entry.path((13, 1))).unwrap();
    assert_eq!(entry.versions(), [(13, 1)]);
    assert!(entry.read((13, 1)).is_err());
    assert!(entry.write((13, 1), CUBIN).is_err());

    let file = folder.path().join("x");
    let entry = super::Entry::new(&file.join("kernels"), &SOURCE, &[], &[], TARGET);
    assert_eq!(entry.read((12, 0)), Ok(None));
    let fault = entry.write((12, 0), CUBIN).unwrap_err();
    assert!(fault.contains("kernels"), "{fault}");
}

#[test]
fn the_folder_is_ours_then_the_users() {
    let of = |pairs: &[(&str, &str)]| {
        let find = |name: &str| pairs.iter().find(|p| p.0 == name).map(|p| p.1.into());
        folder(&find)
    };
    let all = [
        ("CISGRAD_CACHE", "/a"),
        ("XDG_CACHE_HOME", "/b"),
        ("HOME", "/c"),
    ];
    for (pairs, expected) in [
        (&all[..], Some("/a/kernels")),
        (&all[1..], Some("/b/cisgrad/kernels")),
        (&all[2..], Some("/c/.cache/cisgrad/kernels")),
        (&[], None),
        (
            &[
                ("CISGRAD_CACHE", ""),
                ("XDG_CACHE_HOME", "relative"),
                ("HOME", "/c"),
            ],
            Some("/c/.cache/cisgrad/kernels"),
        ),
    ] {
        assert_eq!(of(pairs), expected.map(PathBuf::from), "{pairs:?}");
    }
}
