//! The corpora of the fuzz targets once more, with what was found: no reader panics, aborts, or takes memory that the file's size
//! does not justify.

#[path = "../fuzz/parsers.rs"]
mod parsers;

use parsers::PARSERS;
use std::alloc::{GlobalAlloc, Layout, System};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, which remembers the largest block that was asked for.
struct Largest;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: each call goes to the system's allocator with the arguments as they came.
unsafe impl GlobalAlloc for Largest {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps alloc's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps alloc_zeroed's contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Ordering::Relaxed);
        // SAFETY: the caller keeps realloc's contract.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps dealloc's contract.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Largest = Largest;

/// What a reader may ask for at once: its buffers, and what the file's bytes may become (an item of a list for each of
/// them; a compressed block unpacks to some thousand times its size).
fn justified(length: usize) -> usize {
    (16 << 20) + 1032 * length
}

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(name)
}

#[test]
fn readers_take_or_refuse_every_file_of_their_corpora() {
    for (name, _) in PARSERS {
        let mut files: Vec<PathBuf> = std::fs::read_dir(corpus(name))
            .unwrap_or_else(|e| panic!("{name}: {e}"))
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let mut taken = 0;
        for file in files {
            let bytes = std::fs::read(&file).unwrap();
            LARGEST.store(0, Ordering::Relaxed);
            taken += usize::from(parsers::run(name, &bytes));
            let (largest, allowed) = (LARGEST.load(Ordering::Relaxed), justified(bytes.len()));
            assert!(
                largest <= allowed,
                "{}: {largest} bytes at once for a file of {}",
                file.display(),
                bytes.len()
            );
        }
        // Otherwise fuzzing would begin at the door.
        assert!(taken > 0, "{name}: the reader takes no file of its corpus");
    }
}

#[test]
fn every_target_has_its_parser_and_its_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let mut targets: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    targets.sort();
    assert_eq!(targets, PARSERS.map(|(name, _)| name));
}
