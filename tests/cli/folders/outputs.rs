//! Outputs that cannot be written, or that are no files.

use std::path::Path;
use std::process::Stdio;

use crate::common::kinds::{Kind, Output};
use crate::common::snapshot::Snapshot;
use crate::common::tisfm::Data;
use crate::common::{Run, bytes, command};

for_each_kind! {
    a_table_that_standard_output_cannot_take_is_an_error;
    an_output_that_cannot_be_written_is_an_error;
    a_device_named_as_output_stays_a_device;
    standard_output_by_its_name_is_added_to;
    a_table_keeps_the_permissions_of_the_one_before;
}

/// The command to standard output.
fn to_standard_output(arguments: &str) -> String {
    arguments.replace("--out never", "")
}

fn full(folder: &Path, arguments: &str) -> Run {
    let full = std::fs::File::options().write(true).open("/dev/full");
    let output = command(folder, arguments)
        .stdout(full.unwrap())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    Run::of(output, arguments)
}

fn a_table_that_standard_output_cannot_take_is_an_error<K: Kind>() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let data = K::small();
    data.train("model", &K::epochs(1)).ok();
    for reading in data.reading("model", "never") {
        if reading.output == Output::Table {
            let arguments = to_standard_output(&reading.arguments);
            full(data.folder(), &arguments).fails(1, &["standard output", "No space left"]);
        }
    }
}

/// Where messages cannot be written, the work is done all the same.
#[test]
fn a_standard_error_that_takes_nothing_costs_no_result() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let data = Data::small();
    let quiet = |arguments: &str| {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let mut command = command(data.folder(), arguments);
        command.stderr(full.unwrap()).output().unwrap()
    };
    let trained = quiet(&data.train_arguments("model", "--number-of-epochs 1"));
    assert_eq!(trained.status.code(), Some(0));
    let tested = quiet("tisfm test --model model");
    assert_eq!(tested.status.code(), Some(0));
    assert!(!tested.stdout.is_empty());
    assert_eq!(quiet("tisfm test --model none").status.code(), Some(1));
}

#[test]
fn lists_that_standard_output_cannot_take_are_errors_too() {
    let data = Data::small();
    for arguments in ["tisfm architectures", "devices"] {
        if Path::new("/dev/full").exists() {
            full(data.folder(), arguments).fails(1, &["standard output", "No space left"]);
        }
    }
}

fn an_output_that_cannot_be_written_is_an_error<K: Kind>() {
    let data = K::small();
    data.train("model", &K::epochs(1)).ok();
    data.write("file", "text");
    for out in ["no/such/out", "file/out", "model"] {
        for reading in data.reading("model", out) {
            let named = out.split('/').next().unwrap();
            let before = Snapshot::of(data.folder());
            match reading.output {
                // Folders above are made.
                Output::Folder if out == "no/such/out" => continue,
                _ => data.run(&reading.arguments).fails(1, &[named]),
            };
            before.assert_same(&reading.arguments);
        }
    }
}

/// A device is written to: results to /dev/null must not put a file in its place.
fn a_device_named_as_output_stays_a_device<K: Kind>() {
    let data = K::small();
    data.train("model", &K::epochs(1)).ok();
    std::os::unix::fs::symlink("/dev/null", data.path("null")).unwrap();
    for reading in data.reading("model", "null") {
        if matches!(reading.output, Output::Table | Output::File) {
            data.run(&reading.arguments).ok();
            let link = std::fs::symlink_metadata(data.path("null")).unwrap();
            assert!(link.is_symlink(), "{}", reading.arguments);
        }
    }
    for reading in data.reading("model", "/dev/stdout") {
        if reading.output == Output::Table {
            let shown = data.run(&reading.arguments.replace("--out /dev/stdout", ""));
            assert_eq!(data.run(&reading.arguments).ok().out, shown.ok().out);
        }
    }
    assert!(bytes("/dev/null").is_empty());
}

/// A file behind standard output is the shell's: what is in it stays.
fn standard_output_by_its_name_is_added_to<K: Kind>() {
    let data = K::small();
    data.train("model", &K::epochs(1)).ok();
    let program = env!("CARGO_BIN_EXE_cisgrad");
    std::os::unix::fs::symlink("/dev/stdout", data.path("link")).unwrap();
    for out in ["/dev/stdout", "/dev/fd/1", "link"] {
        for reading in data.reading("model", out) {
            if reading.output == Output::Folder {
                continue;
            }
            let arguments = &reading.arguments;
            // Both ways of redirection; what is written before and after is kept.
            for to in [">>", ">"] {
                let line =
                    format!("{{ echo before; '{program}' {arguments}; echo after; }} {to} log");
                data.write("log", if to == ">>" { "precious\n" } else { "" });
                let shell = std::process::Command::new("sh")
                    .args(["-c", &line])
                    .current_dir(data.folder())
                    .output()
                    .unwrap();
                assert!(shell.status.success(), "{line}");
                let log = String::from_utf8(bytes(data.path("log"))).unwrap();
                let begins = if to == ">>" {
                    "precious\nbefore\n"
                } else {
                    "before\n"
                };
                assert!(log.starts_with(begins), "{line}: {log}");
                assert!(
                    log.ends_with("\nafter\n") && log.lines().count() > 3,
                    "{line}: {log}"
                );
            }
        }
    }
    // Standard error likewise.
    let reading = &data.reading("model", "/dev/stderr")[0];
    let run = data.run(&reading.arguments).ok();
    assert!(run.err.lines().count() > 3, "{}", run.err);
}

fn a_table_keeps_the_permissions_of_the_one_before<K: Kind>() {
    use std::os::unix::fs::PermissionsExt;
    let data = K::small();
    data.train("model", &K::epochs(1)).ok();
    for reading in data.reading("model", "out.tsv") {
        if reading.output == Output::Folder {
            continue;
        }
        data.write("out.tsv", "old\n");
        let mode = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(data.path("out.tsv"), mode).unwrap();
        data.run(&reading.arguments).ok();
        let found = std::fs::metadata(data.path("out.tsv")).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o640);
        assert_ne!(bytes(data.path("out.tsv")), b"old\n");
    }
}
