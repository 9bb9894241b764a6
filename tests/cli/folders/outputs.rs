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
