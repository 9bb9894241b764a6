use std::fs;

use proptest::prelude::*;

use super::*;
use crate::io::chrom_sizes::Chromosomes;

fn chromosomes() -> Chromosomes {
    let list = [("chr2", 5000), ("chr1", 300)].map(|(name, length)| (name.to_string(), length));
    Chromosomes::new("test", list.to_vec()).unwrap()
}

fn run(chromosome: u32, start: u32, end: u32, value: f32) -> Run {
    Run {
        chromosome,
        start,
        end,
        value,
    }
}

fn written(runs: &[Run]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.bw");
    write_bigwig(&path, &chromosomes(), runs.iter().copied().map(Ok)).unwrap();
    (folder, path)
}

fn runs(file: &BigWig, name: &str, start: u32, end: u32) -> Vec<(u32, u32, f32)> {
    let mut runs = Vec::new();
    file.each_run(name, start, end, |start, end, value| {
        runs.push((start, end, value))
    })
    .unwrap();
    runs
}

#[test]
fn what_is_written_reads_back_clipped_to_what_is_asked_for() {
    let (_folder, path) = written(&[
        run(1, 0, 10, 1.5),
        run(1, 12, 300, -2.0),
        run(0, 7, 9, f32::NAN),
        run(0, 9, 10, 3.0),
    ]);
    let file = BigWig::open(&path).unwrap();
    assert_eq!(
        file.chromosomes().collect::<Vec<_>>(),
        [("chr1", 300), ("chr2", 5000)]
    );
    assert_eq!(runs(&file, "chr1", 0, 300), [(0, 10, 1.5), (12, 300, -2.0)]);
    assert_eq!(runs(&file, "chr1", 5, 20), [(5, 10, 1.5), (12, 20, -2.0)]);
    assert_eq!(runs(&file, "chr1", 10, 12), []);
    let chr2 = runs(&file, "chr2", 0, 5000);
    assert!(chr2[0].2.is_nan() && chr2[1] == (9, 10, 3.0), "{chr2:?}");
    let error = file
        .each_run("chr3", 0, 1, |_, _, _| {})
        .unwrap_err()
        .to_string();
    assert!(error.contains("chr3"), "{error}");
}

#[test]
fn chromosomes_are_to_be_written_by_name() {
    assert_eq!(name_order(&chromosomes()), [1, 0]);
}

#[test]
fn runs_that_do_not_fit_leave_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.bw");
    let fails = std::io::Error::other("the source failed");
    for (runs, expected) in [
        (vec![], "empty"),
        (
            vec![Ok(run(1, 290, 301, 1.0))],
            "greater than the chromosome",
        ),
        (
            vec![Ok(run(0, 5, 9, 1.0)), Ok(run(0, 8, 10, 1.0))],
            "overlapping",
        ),
        (vec![Ok(run(0, 5, 9, 1.0)), Err(fails)], "the source failed"),
    ] {
        let error = write_bigwig(&path, &chromosomes(), runs.into_iter())
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}\n  expected: {expected}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn files_that_are_no_bigwig_say_what_they_seem_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.bw");
    for (bytes, expected) in [
        (&b""[..], "an empty file; expected a bigWig"),
        (
            b"\n<!DOCTYPE html>\n<html>",
            "a web page (HTML: the download went wrong?); expected a bigWig",
        ),
        (
            b"chr1 1 2 3\n",
            "text that begins with \"chr1 1 2 3\"; expected a bigWig",
        ),
        (b"\x1f\x8b\x08\0", "a gzip file; expected a bigWig"),
        (b"\xeb\xf2\x89\x87\0", "a bigBed file; expected a bigWig"),
        (
            b"\x26\xfc\x8f\x88\x04\0",
            "truncated bigWig file: it ends in its header",
        ),
    ] {
        fs::write(&path, bytes).unwrap();
        let found = BigWig::open(&path).err().unwrap().to_string();
        assert!(found.contains(expected), "{found}\n  expected: {expected}");
    }
}

#[test]
fn a_header_alone_is_told_as_that() {
    let (_folder, path) = written(&[run(1, 0, 10, 1.5)]);
    let mut bytes = fs::read(&path).unwrap();
    // As libBigWig leaves a file to which no value was added.
    bytes[24..32].fill(0);
    fs::write(&path, bytes).unwrap();
    let error = BigWig::open(&path).err().unwrap().to_string();
    let expected = format!("{}: a bigWig header without any values", path.display());
    assert!(error.starts_with(&expected), "{error}");
}

fn many_runs() -> Vec<Run> {
    (0..2000)
        .map(|i| run(0, 2 * i, 2 * i + 1 + i % 2, (i * i % 97) as f32 / 7.0))
        .collect()
}

/// Opens and reads all, as a command would.
fn read_all(path: &Path) -> Result<f64> {
    let file = BigWig::open(path)?;
    let mut sum = 0.0;
    for (name, length) in file.chromosomes() {
        file.each_run(name, 0, length, |start, end, value| {
            sum += f64::from(end - start) * f64::from(value);
        })?;
    }
    Ok(sum)
}

#[test]
fn a_file_that_breaks_off_is_an_error_wherever_it_does() {
    let (_folder, path) = written(&many_runs());
    let whole = fs::read(&path).unwrap();
    let expected = read_all(&path).unwrap();
    for length in (0..whole.len()).step_by(61) {
        fs::write(&path, &whole[..length]).unwrap();
        match read_all(&path) {
            // Only zoom levels and the closing bytes may be missing unseen: they are not read.
            Ok(sum) => assert_eq!(sum, expected, "{length} of {} bytes", whole.len()),
            Err(e) => assert!(e.to_string().contains("bigWig"), "{e}"),
        }
    }
    fs::write(&path, &whole[..whole.len() / 4]).unwrap();
    let error = read_all(&path).unwrap_err().to_string();
    assert!(error.contains("truncated bigWig file"), "{error}");
}

#[test]
fn damaged_bytes_are_an_error_or_other_values_but_never_a_panic() {
    let (_folder, path) = written(&many_runs());
    let whole = fs::read(&path).unwrap();
    // Every byte of the headers and lists at the front, some of the rest.
    for place in (0..600).chain((600..whole.len()).step_by(23)) {
        for value in [0xff, whole[place] ^ 1] {
            let mut damaged = whole.clone();
            damaged[place] = value;
            fs::write(&path, &damaged).unwrap();
            let _ = read_all(&path);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn values_are_those_of_a_plain_reading(
        pieces in prop::collection::vec((1_u32..40, 1_u32..60, -3_i8..4), 1..80),
        window in (0_u32..5000, 1_u32..3000),
    ) {
        let (mut at, mut expected, mut list) = (0, vec![None; 5000], Vec::new());
        for (gap, length, value) in pieces {
            let (start, end) = (at + gap, at + gap + length);
            if end > 5000 {
                break;
            }
            list.push(run(0, start, end, f32::from(value)));
            expected[start as usize..end as usize].fill(Some(f32::from(value)));
            at = end;
        }
        let (_folder, path) = written(&list);
        let file = BigWig::open(&path).unwrap();
        let (start, end) = (window.0, (window.0 + window.1).min(5000));
        let mut found = vec![None; 5000];
        for (start, end, value) in runs(&file, "chr2", start, end) {
            found[start as usize..end as usize].fill(Some(value));
        }
        for base in 0..5000 {
            let wanted = expected[base].filter(|_| (start..end).contains(&(base as u32)));
            prop_assert_eq!(found[base], wanted, "base {}", base);
        }
    }
}

#[test]
fn overlapping_windows_in_any_order_become_means() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a.bw", "b.bw"].map(|name| folder.path().join(name));
    let mut means = Means::new(chromosomes(), 2).unwrap();
    for (chromosome, start, end, scores) in [
        (0, 100, 200, [0.5, 1.0]),
        (1, 20, 30, [0.25, 0.0]),
        (0, 50, 150, [0.25, 1.0]),
        (0, 300, 310, [0.125, 2.0]),
    ] {
        means.add(chromosome, start, end, &scores).unwrap();
    }
    for (track, path) in paths.iter().enumerate() {
        means.write(track, path).unwrap();
    }
    let read = |path: &Path, name| runs(&BigWig::open(path).unwrap(), name, 0, 300);
    let first = [(50, 100, 0.25), (100, 150, 0.375), (150, 200, 0.5)];
    assert_eq!(read(&paths[0], "chr2"), first);
    assert_eq!(read(&paths[0], "chr1"), [(20, 30, 0.25)]);
    assert_eq!(read(&paths[1], "chr2"), [(50, 200, 1.0)]);
    let error = Means::new(chromosomes(), 1)
        .unwrap()
        .write(0, &paths[0])
        .unwrap_err();
    assert!(
        error.to_string().contains("no scored interval to write"),
        "{error}"
    );
}

#[test]
fn many_windows_have_the_means_of_a_plain_reckoning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.bw");
    let mut means = Means::new(chromosomes(), 1).unwrap();
    let (mut sums, mut counts) = (vec![0.0; 5000], vec![0.0; 5000]);
    // Enough for several pieces in the temporary file.
    for i in 0..20_000_u32 {
        let start = i.wrapping_mul(2_654_435_761) % 4_800;
        let (end, score) = (start + 1 + i % 200, (i % 1000) as f32 / 999.0);
        means.add(0, start, end, &[score]).unwrap();
        for base in start..end {
            sums[base as usize] += f64::from(score);
            counts[base as usize] += 1.0;
        }
    }
    means.write(0, &path).unwrap();
    let mut found = vec![f32::NAN; 5000];
    for (start, end, value) in runs(&BigWig::open(&path).unwrap(), "chr2", 0, 5000) {
        found[start as usize..end as usize].fill(value);
    }
    for base in 0..5000 {
        let mean: f64 = sums[base] / counts[base];
        assert!(
            f64::from(found[base] - mean as f32).abs() <= 1e-6
                || mean.is_nan() && found[base].is_nan(),
            "base {base}"
        );
    }
}
