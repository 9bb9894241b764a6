//! Full and read-only disks: an error, and the last good files stay.

use std::process::{Command, Stdio};

use crate::common::kinds::Kind;
use crate::common::same_end::assert_same_end;
use crate::common::snapshot::Snapshot;
use crate::common::{Run, assert_no_leftovers, bytes, names};

for_each_kind! {
    a_full_disk_is_an_error_and_the_last_good_files_stay;
    a_full_disk_of_its_own_is_an_error_too;
    a_read_only_disk_is_an_error_and_its_models_can_be_used;
}

/// A limit on the size of files stands in for the full disk: the write fails half-way.
fn a_full_disk_is_an_error_and_the_last_good_files_stay<K: Kind>() {
    let data = K::small();
    data.train("whole", &K::epochs(4)).ok();
    data.train("model", &K::epochs(2)).ok();
    let before = bytes(data.path("model/state.safetensors"));
    let limited = |arguments: &str| {
        // 8 blocks of 512 or 1024 bytes; the signal that comes with the error is not wanted.
        let program = env!("CARGO_BIN_EXE_cisgrad");
        let script = format!("trap '' XFSZ; ulimit -f 8; exec {program} {arguments}");
        let output = Command::new("sh")
            .current_dir(data.folder())
            .args(["-c", &script])
            .output()
            .unwrap();
        Run::of(output, arguments)
    };
    let resumed = data.train_arguments("model", &format!("{} --resume", K::epochs(4)));
    limited(&resumed).fails(1, &["model/", ".safetensors: ", "File too large"]);
    assert_no_leftovers(data.path("model"));
    assert!(bytes(data.path("model/state.safetensors")) == before);
    for reading in data.reading("model", "out") {
        data.run(&reading.arguments).ok();
        let _ = std::fs::remove_file(data.path("out"));
    }
    let fresh = K::epochs(4);
    limited(&data.train_arguments("fresh", &fresh)).fails(1, &["fresh/", ": File too large"]);
    assert_no_leftovers(data.path("fresh"));
    assert!(!data.path("fresh/state.safetensors").exists());
    // With room again both go on, and end as if nothing had been.
    data.run(&resumed).ok();
    assert_same_end(&data.path("whole"), &data.path("model"));
    data.train("fresh", &format!("{fresh} --resume")).ok();
    assert_same_end(&data.path("whole"), &data.path("fresh"));
}

/// A file system in memory of its own, mounted while this lives.
struct Disk {
    path: String,
}

impl Disk {
    /// None, with a message, where it cannot be mounted.
    fn mount<K: Kind>(data: &K, options: &str) -> Option<Disk> {
        let path = data.path("disk");
        std::fs::create_dir(&path).unwrap();
        let path = path.display().to_string();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs", &path])
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|s| s.success()) {
            return Some(Disk { path });
        }
        eprintln!("skipped: a tmpfs cannot be mounted here");
        None
    }

    fn remount(&self, options: &str) {
        let remounted = Command::new("mount")
            .args(["-o", &format!("remount,{options}"), &self.path])
            .status();
        assert!(remounted.unwrap().success(), "{options}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.path).status();
    }
}

fn copy<K: Kind>(data: &K, from: &str, to: &str) {
    std::fs::create_dir(data.path(to)).unwrap();
    for name in names(data.path(from)) {
        let content = bytes(data.path(&format!("{from}/{name}")));
        data.write(&format!("{to}/{name}"), content);
    }
}

fn a_full_disk_of_its_own_is_an_error_too<K: Kind>() {
    let data = K::small();
    let Some(disk) = Disk::mount(&data, "size=32k") else {
        return;
    };
    data.train("disk/model", "")
        .fails(1, &["disk/model/", "No space left on device"]);
    let left = names(data.path("disk/model"));
    assert!(left.iter().all(|n| !n.contains(".tmp")), "{left:?}");
    disk.remount("size=4m");
    data.train("disk/model", "--resume").ok();
    copy(&data, "disk/model", "copy");
    drop(disk);
    data.train("whole", "").ok();
    assert_same_end(&data.path("whole"), &data.path("copy"));
}

fn a_read_only_disk_is_an_error_and_its_models_can_be_used<K: Kind>() {
    let data = K::small();
    let Some(disk) = Disk::mount(&data, "size=4m") else {
        return;
    };
    data.train("disk/model", &K::epochs(2)).ok();
    disk.remount("ro");
    let before = Snapshot::of(data.path("disk"));
    let longer = format!("{} --resume", K::epochs(4));
    for run in [
        data.train("disk/model", &longer),
        data.train("disk/other", ""),
    ] {
        run.fails(1, &["disk/", "ead-only"]);
    }
    before.assert_same("train on a read-only disk");
    for reading in data.reading("disk/model", "out") {
        data.run(&reading.arguments).ok();
        let _ = std::fs::remove_file(data.path("out"));
    }
    disk.remount("rw");
    data.train("disk/model", &longer).ok();
    copy(&data, "disk/model", "copy");
    drop(disk);
    data.train("whole", &K::epochs(4)).ok();
    assert_same_end(&data.path("whole"), &data.path("copy"));
}
