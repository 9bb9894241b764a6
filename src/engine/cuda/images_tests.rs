use super::super::nvrtc::tests::real;
use super::*;
use std::fs;

const CARD: Arch = Arch::new(9, 0);
const TEXT: &str = "extern \"C\" __global__ void add(float* x) { x[threadIdx.x] += 1.f; }";
const PTX: &str = "// PTX";
const SOURCE: Source = Source {
    name: "add",
    text: TEXT,
    ptx: Some(PTX),
    kernels: &["add"],
};
const WITHOUT: Source = Source {
    ptx: None,
    ..SOURCE
};

fn absent(folder: &Path) -> Images {
    Images::with(
        Err("no NVRTC here".to_string()),
        Some(folder.to_path_buf()),
        None,
    )
}

fn cubin(name: &str) -> Vec<u8> {
    format!("\x7fELF {name}").into_bytes()
}

/// The files of a folder, without the one being written.
fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[test]
fn without_a_compiler_the_ptx_runs_and_a_note_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let images = absent(folder.path());
    for _ in 0..2 {
        assert_eq!(images.load(&SOURCE, CARD).unwrap(), Image::Ptx(PTX.into()));
    }
    let notes = images.notes();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("no NVRTC here"), "{notes:?}");
    assert_eq!(
        images.load(&SOURCE, CARD).unwrap().into_bytes(),
        b"// PTX\0"
    );
}

#[test]
fn with_nothing_at_all_the_error_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let error = absent(folder.path())
        .load(&WITHOUT, CARD)
        .unwrap_err()
        .to_string();
    for part in ["add", "no NVRTC here", "NVRTC_PATH", "pip install"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_card_that_is_too_old_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = absent(folder.path())
        .load(&SOURCE, Arch::new(7, 5))
        .unwrap_err();
    assert!(error.to_string().contains("7.5; 8.0"), "{error}");
}

#[test]
fn code_that_another_run_left_needs_no_compiler() {
    let folder = tempfile::tempdir().unwrap();
    let mut images = absent(folder.path());
    let entry = images.entry(&SOURCE, Target::Cubin(CARD)).unwrap();
    for version in [(12, 4), (12, 10), (13, 0)] {
        entry
            .write(version, &cubin(&format!("{version:?}")))
            .unwrap();
    }
    let load = |images: &Images| images.load(&SOURCE, CARD).unwrap();
    assert_eq!(load(&images), Image::Cubin(cubin("(13, 0)")));
    // A driver of CUDA 12 takes none of NVRTC 13.
    images.newest = Some(12);
    assert_eq!(load(&images), Image::Cubin(cubin("(12, 10)")));
    assert_eq!(images.notes(), [""; 0]);
    // The next one, where the best is damaged.
    fs::write(entry.path((12, 10)), "x").unwrap();
    assert_eq!(load(&images), Image::Cubin(cubin("(12, 4)")));
    assert!(
        images.notes()[0].contains("damaged"),
        "{:?}",
        images.notes()
    );
    // Another card's code is no use.
    assert_eq!(
        images.load(&SOURCE, Arch::new(8, 6)).unwrap(),
        Image::Ptx(PTX.into())
    );
}

#[test]
fn what_is_cached_for_a_card_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let images = absent(folder.path());
    assert_eq!(images.cached(CARD), [""; 0]);
    let source = &SOURCES[0];
    let entry = images.entry(source, Target::Cubin(CARD)).unwrap();
    entry.write((12, 0), &cubin("")).unwrap();
    assert_eq!(images.cached(CARD), [source.name]);
    assert_eq!(images.cached(Arch::new(8, 0)), [""; 0]);
}

#[test]
fn a_refused_image_is_replaced_by_ptx_and_refused_ptx_by_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let images = absent(folder.path());
    let code = Image::Cubin(cubin(""));
    let ptx = images.instead_of(&code, &SOURCE, "bad image").unwrap();
    assert_eq!(ptx, Image::Ptx(PTX.into()));
    assert!(images.notes()[0].contains("bad image"));
    let error = images
        .instead_of(&ptx, &SOURCE, "bad version")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("bad version") && error.contains(LEAST_DRIVER),
        "{error}"
    );
    let error = images
        .instead_of(&code, &WITHOUT, "bad image")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("bad image") && error.contains("NVRTC_PATH"),
        "{error}"
    );
}

#[test]
fn the_ptx_that_comes_along_is_for_the_driver_that_is_asked_for() {
    for source in SOURCES {
        let Some(ptx) = source.ptx else { continue };
        assert!(
            ptx.contains(&format!("\n.version {PTX_ISA}\n.target sm_80\n")),
            "{}",
            source.name
        );
        for kernel in source.kernels {
            assert!(
                ptx.contains(&format!(".visible .entry {kernel}(")),
                "{kernel}"
            );
        }
    }
}

#[test]
fn options_are_read_without_their_comments() {
    let options = options();
    assert!(options.contains(&"--std=c++17"), "{options:?}");
    assert!(
        options
            .iter()
            .all(|option| option.starts_with('-') && !option.contains(' '))
    );
}

#[test]
fn code_is_compiled_once_and_then_read() {
    let Some(nvrtc) = real() else { return };
    let folder = tempfile::tempdir().unwrap();
    let images = Images::with(Ok(nvrtc), Some(folder.path().join("kernels")), None);
    let image = images.load(&WITHOUT, CARD).unwrap();
    assert!(matches!(&image, Image::Cubin(bytes) if bytes.starts_with(b"\x7fELF")));
    let version = images.nvrtc().unwrap().version();
    let entry = images.entry(&WITHOUT, Target::Cubin(CARD)).unwrap();
    assert_eq!(files(images.folder().unwrap()), [entry.path(version)]);
    // What the second call gives is the file's, not NVRTC's.
    entry.write(version, &cubin("marked")).unwrap();
    assert_eq!(
        images.load(&WITHOUT, CARD).unwrap(),
        Image::Cubin(cubin("marked"))
    );
    assert_eq!(images.notes(), [""; 0]);
    // A damaged file is made again.
    fs::write(entry.path(version), "x").unwrap();
    assert_eq!(images.load(&WITHOUT, CARD).unwrap(), image);
    assert!(
        images.notes()[0].contains("damaged"),
        "{:?}",
        images.notes()
    );
    assert!(matches!(entry.read(version), Ok(Some(_))));
    // And without NVRTC it is found all the same.
    assert_eq!(
        absent(images.folder().unwrap())
            .load(&WITHOUT, CARD)
            .unwrap(),
        image
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_a_note() {
    let Some(nvrtc) = real() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let images = Images::with(Ok(nvrtc), Some(file), None);
    assert!(matches!(images.load(&WITHOUT, CARD), Ok(Image::Cubin(_))));
    assert!(
        images.notes()[0].contains("not kept"),
        "{:?}",
        images.notes()
    );
    let images = Images::with(Err(String::new()), None, None);
    assert!(
        images.notes()[0].contains("CISGRAD_CACHE"),
        "{:?}",
        images.notes()
    );
    assert_eq!(images.cached(CARD), [""; 0]);
}

#[test]
fn a_card_newer_than_the_compiler_gets_its_ptx() {
    let Some(nvrtc) = real() else { return };
    let folder = tempfile::tempdir().unwrap();
    let highest = *nvrtc.archs().last().unwrap();
    let images = Images::with(Ok(nvrtc), Some(folder.path().to_path_buf()), None);
    let card = Arch::new(99, 0);
    let image = images.load(&WITHOUT, card).unwrap();
    let expected = format!(".target sm_{}{}", highest.major, highest.minor);
    assert!(
        matches!(&image, Image::Ptx(text) if text.contains(&expected)),
        "{image:?}"
    );
    assert!(images.notes()[0].contains("99.0"), "{:?}", images.notes());
    assert_eq!(images.load(&WITHOUT, card).unwrap(), image);
    assert!(files(folder.path())[0].extension().unwrap() == "ptx");
}

#[test]
fn a_text_that_does_not_compile_falls_back_to_ptx_or_gives_the_log() {
    let Some(nvrtc) = real() else { return };
    let folder = tempfile::tempdir().unwrap();
    let images = Images::with(Ok(nvrtc), Some(folder.path().to_path_buf()), None);
    let broken = Source {
        text: "__global__ void f() { g(); }",
        ..SOURCE
    };
    assert_eq!(images.load(&broken, CARD).unwrap(), Image::Ptx(PTX.into()));
    assert!(
        images.notes()[0].contains("\"g\" is undefined"),
        "{:?}",
        images.notes()
    );
    let broken = Source {
        ptx: None,
        ..broken
    };
    let error = images.load(&broken, CARD).unwrap_err().to_string();
    assert!(error.contains("\"g\" is undefined"), "{error}");
    assert!(files(folder.path()).is_empty());
}
