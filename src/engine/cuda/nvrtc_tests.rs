use super::*;
use std::fs;
use std::io::Write;

/// The NVRTC that `NVRTC_PATH` names. Without one the test ends early and says so, unless `CISGRAD_NO_SKIP` forbids it.
pub fn real() -> Option<Nvrtc> {
    if std::env::var_os("NVRTC_PATH").is_some() {
        return Some(Nvrtc::open(None).expect("NVRTC_PATH is set"));
    }
    assert!(
        std::env::var_os("CISGRAD_NO_SKIP").is_none(),
        "CISGRAD_NO_SKIP: this test needs NVRTC_PATH"
    );
    // Past the harness, which hides what passing tests print.
    let thread = std::thread::current();
    let name = thread.name().unwrap_or_default();
    let _ = writeln!(std::io::stderr(), "skipped {name}: NVRTC_PATH is not set");
    None
}

fn variables(pairs: &[(&'static str, &Path)]) -> impl Fn(&str) -> Option<OsString> {
    let pairs: Vec<(&str, OsString)> = pairs
        .iter()
        .map(|(n, p)| (*n, p.as_os_str().into()))
        .collect();
    move |name| pairs.iter().find(|p| p.0 == name).map(|p| p.1.clone())
}

#[test]
fn only_what_nvrtc_path_names_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let garbage = folder.path().join("libnvrtc.so.12");
    fs::write(&garbage, "no library").unwrap();
    for (path, expected) in [
        (folder.path().join("absent"), "no NVRTC at NVRTC_PATH="),
        (folder.path().to_path_buf(), "libnvrtc.so.12: "),
        (garbage.clone(), "libnvrtc.so.12: "),
    ] {
        let fault = Nvrtc::open_with(&variables(&[("NVRTC_PATH", &path)]), None).unwrap_err();
        assert!(fault.contains(expected), "{fault}");
    }
}

#[test]
fn another_library_is_refused_by_the_function_it_lacks() {
    // Any library will do; on Linux the C library is there under one of these names.
    let library = [
        "/lib/x86_64-linux-gnu/libc.so.6",
        "/lib64/libc.so.6",
        "/lib/aarch64-linux-gnu/libc.so.6",
    ]
    .map(PathBuf::from)
    .into_iter()
    .find(|path| path.exists());
    if let Some(library) = library {
        let fault = Nvrtc::open_with(&variables(&[("NVRTC_PATH", &library)]), None).unwrap_err();
        assert!(fault.contains("nvrtcVersion"), "{fault}");
    }
}

#[test]
fn the_loader_comes_first_then_toolkits_then_wheels() {
    let folder = tempfile::tempdir().unwrap();
    let (toolkit, environment) = (folder.path().join("cuda"), folder.path().join("env"));
    for python in ["python3.9", "python3.12", "unrelated"] {
        fs::create_dir_all(environment.join("lib").join(python)).unwrap();
    }
    let places = candidates(&variables(&[
        ("CUDA_PATH", &toolkit),
        ("VIRTUAL_ENV", &environment),
    ]));
    assert_eq!(places[..3], NAMES.map(PathBuf::from));
    let at = |path: PathBuf| {
        places
            .iter()
            .position(|p| *p == path)
            .unwrap_or_else(|| panic!("{path:?}"))
    };
    let wheels = environment.join("lib/python3.12/site-packages/nvidia");
    let order = [
        at(toolkit.join("lib64/libnvrtc.so.13")),
        at(toolkit.join("lib64/libnvrtc.so.12")),
        at("/usr/local/cuda/lib64/libnvrtc.so.13".into()),
        at("/opt/cuda/lib64/libnvrtc.so.13".into()),
        at(wheels.join("cu13/lib/libnvrtc.so.13")),
        at(wheels.join("cuda_nvrtc/lib/libnvrtc.so.12")),
    ];
    assert!(order.is_sorted(), "{order:?}");
    assert!(
        !places
            .iter()
            .any(|p| p.starts_with(environment.join("lib/unrelated")))
    );
}

#[test]
fn an_unknown_card_gets_text_of_the_highest_architecture_below_it() {
    let archs = [
        Arch::new(8, 0),
        Arch::new(8, 6),
        Arch::new(9, 0),
        Arch::new(12, 0),
    ];
    for (card, expected) in [
        (Arch::new(9, 0), Some("sm_90")),
        (Arch::new(12, 0), Some("sm_120")),
        (Arch::new(8, 9), Some("compute_86")),
        (Arch::new(10, 3), Some("compute_90")),
        (Arch::new(13, 0), Some("compute_120")),
        (Arch::new(7, 5), None),
    ] {
        let target = target(&archs, card).map(|t| t.to_string());
        assert_eq!(target.as_deref(), expected, "{card}");
    }
}

const ADD: &str = "#include \"lib/one.cuh\"\nextern \"C\" __global__ void add(float* x) { x[threadIdx.x] += ONE; }";
const ONE: (&str, &str) = ("lib/one.cuh", "#pragma once\n#define ONE 1.f\n");

#[test]
fn code_and_text_come_out_and_the_log_is_empty() {
    let Some(nvrtc) = real() else { return };
    assert!(nvrtc.version() >= (12, 0), "{nvrtc:?}");
    assert!(nvrtc.archs().contains(&Arch::new(9, 0)), "{nvrtc:?}");
    let make = |target| {
        nvrtc
            .compile("add.cu", ADD, &[ONE], target, &["--std=c++17"])
            .unwrap()
    };
    let cubin = make(Target::Cubin(Arch::new(9, 0)));
    assert!(cubin.image.starts_with(b"\x7fELF"));
    assert_eq!(cubin.log, "");
    assert_eq!(make(Target::Cubin(Arch::new(9, 0))).image, cubin.image);
    let ptx = String::from_utf8(make(Target::Ptx(Arch::new(8, 0))).image).unwrap();
    assert!(
        ptx.contains(".target sm_80") && ptx.contains(".entry add("),
        "{ptx}"
    );
    assert!(!ptx.contains('\0'));
}

#[test]
fn warnings_are_handed_on_and_errors_hold_the_log() {
    let Some(nvrtc) = real() else { return };
    let target = Target::Cubin(Arch::new(8, 0));
    let warned = nvrtc
        .compile(
            "w.cu",
            "__global__ void f() { int unused; }",
            &[],
            target,
            &[],
        )
        .unwrap();
    assert!(warned.log.contains("unused"), "{}", warned.log);
    for (text, headers, options, expected) in [
        (
            "__global__ void f() { g(); }",
            &[][..],
            &[][..],
            "identifier \"g\" is undefined",
        ),
        (ADD, &[], &[], "lib/one.cuh"),
        (ADD, &[ONE], &["--no-such-option"], "no-such-option"),
        // ptxas finds this one, not the front end.
        (
            "__global__ void f() { asm(\"nonsense;\"); }",
            &[],
            &[],
            "nonsense",
        ),
        ("\0", &[], &[], "NUL"),
    ] {
        let fault = nvrtc
            .compile("e.cu", text, headers, target, options)
            .unwrap_err();
        assert!(
            fault.starts_with("e.cu for sm_80: ") && fault.contains(expected),
            "{fault}"
        );
    }
}

#[test]
fn threads_compile_at_the_same_time() {
    let Some(nvrtc) = real() else { return };
    let nvrtc = &nvrtc;
    std::thread::scope(|scope| {
        let compile = |minor| {
            move || {
                let target = Target::Cubin(Arch::new(8, minor));
                nvrtc
                    .compile("add.cu", ADD, &[ONE], target, &[])
                    .unwrap()
                    .image
            }
        };
        let threads = [0, 6, 0, 6].map(|minor| scope.spawn(compile(minor)));
        let images = threads.map(|thread| thread.join().unwrap());
        assert_eq!(images[0], images[2]);
        assert_eq!(images[1], images[3]);
        assert_ne!(images[0], images[1]);
    });
}

#[test]
fn a_compiler_newer_than_the_driver_is_passed_over() {
    let Some(nvrtc) = real() else { return };
    let major = nvrtc.version().0;
    assert!(Nvrtc::open(Some(major)).is_ok());
    let fault = Nvrtc::open(Some(major - 1)).unwrap_err();
    assert!(fault.contains("newer than the driver"), "{fault}");
}
