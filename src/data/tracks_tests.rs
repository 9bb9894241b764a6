use proptest::prelude::*;

use super::*;
use crate::io::bigwig::{Run, write_bigwig};

fn sizes(list: &[(&str, u32)]) -> Chromosomes {
    let list = list
        .iter()
        .map(|(name, length)| (name.to_string(), *length));
    Chromosomes::new("c.sizes", list.collect()).unwrap()
}

fn write(path: &Path, list: &[(&str, u32)], runs: &[(u32, u32, u32, f32)]) {
    let runs = runs.iter().map(|&(chromosome, start, end, value)| {
        Ok(Run {
            chromosome,
            start,
            end,
            value,
        })
    });
    write_bigwig(path, &sizes(list), runs).unwrap();
}

fn values(track: &Track, chromosome: u32, start: i64, length: usize) -> Vec<f32> {
    let mut out = vec![9.0; length];
    track.values(chromosome, start, 1.0, &mut out);
    out
}

#[test]
fn gaps_nan_and_what_lies_outside_are_zero() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.bw");
    let runs = [
        (0, 2, 4, 1.5),
        (0, 4, 5, f32::NAN),
        (0, 6, 10, -2.0),
        (1, 0, 1, 3.0),
    ];
    write(&path, &[("a", 10), ("only_here", 5)], &runs);
    let in_use = sizes(&[("b", 4), ("a", 10)]);
    let track = Track::read(&path, &in_use, Storage::F32).unwrap();
    assert_eq!(
        values(&track, 1, -1, 12),
        [0., 0., 0., 1.5, 1.5, 0., 0., -2., -2., -2., -2., 0.]
    );
    assert_eq!(values(&track, 0, 0, 4), [0.; 4]);
    assert_eq!(track.mean(), (2.0 * 1.5 - 4.0 * 2.0) / 14.0);
    assert_eq!(
        track.warnings(&in_use),
        [format!(
            "warning: {}: 1 of the chromosomes in use is not in this track and reads as 0: 'b'",
            path.display()
        )]
    );
    let mut scaled = [0.0; 2];
    track.values(1, 3, 0.5, &mut scaled);
    assert_eq!(scaled, [0.75, 0.0]);
}

#[test]
fn chromosomes_that_do_not_fit_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.bw");
    write(&path, &[("a", 10)], &[(0, 0, 1, 1.0)]);
    for (list, expected) in [
        (
            vec![("a", 11)],
            "chromosome 'a' has 10 bases here and 11 in c.sizes; another build?",
        ),
        (vec![("chra", 10)], "'a' there, 'chra' here"),
    ] {
        let error = Track::read(&path, &sizes(&list), Storage::F32)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(expected), "{error}\n  expected: {expected}");
    }
    write(&path, &[("a", 10)], &[(0, 3, 4, f32::INFINITY)]);
    let error = Track::read(&path, &sizes(&[("a", 10)]), Storage::F32)
        .err()
        .unwrap();
    assert!(
        error.to_string().contains("the value at a:3 is infinite"),
        "{error}"
    );
}

#[test]
fn a_chromosome_without_a_value_is_told_from_one_of_zeros() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.bw");
    let in_use = sizes(&[("a", 10), ("b", 10), ("c", 10), ("d", 10)]);
    let runs = [(0, 2, 4, 3.0), (1, 0, 10, f32::NAN), (2, 0, 10, 0.0)];
    write(&path, &[("a", 10), ("b", 10), ("c", 10)], &runs);
    let track = Track::read(&path, &in_use, Storage::F32).unwrap();
    let lacks = [0, 1, 2, 3].map(|number| track.lack(number));
    assert_eq!(lacks, [None, Some(Lack::Empty), None, Some(Lack::Absent)]);
    let said = track.warnings(&in_use).join("\n");
    assert!(said.contains(
        "1 of the chromosomes in use is in this track without a value and reads as 0: 'b'"
    ));
    assert!(said.contains("1 of the chromosomes in use is not in this track and reads as 0: 'd'"));
    let of = |number| track.lack_of(number, &in_use);
    let shown = path.display();
    assert_eq!(of(0), None);
    assert_eq!(
        of(1).unwrap(),
        format!("chromosome 'b' has no value in {shown}")
    );
    assert_eq!(of(3).unwrap(), format!("chromosome 'd' is not in {shown}"));
    // 6 over the 20 bases of a and c.
    assert_eq!(track.mean(), 6.0 / 40.0);
    assert_eq!(track.mean_where_held(&in_use), 6.0 / 20.0);
    write(
        &path,
        &[("a", 10), ("b", 10)],
        &[(0, 0, 1, 1.0), (1, 0, 9, f32::NAN)],
    );
    let error = Track::read(&path, &sizes(&[("b", 10), ("d", 10)]), Storage::F32).err();
    let error = error.unwrap().to_string();
    assert!(
        error.starts_with(&format!(
            "{shown}: no value on any of the chromosomes in use: 'b', 'd'"
        )),
        "{error}"
    );
}

#[test]
fn a_file_named_twice_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.bw");
    write(&path, &[("a", 10)], &[(0, 0, 1, 1.0)]);
    let other = folder
        .path()
        .join("../")
        .join(folder.path().file_name().unwrap())
        .join("x.bw");
    let tracks = read_tracks(
        &[path.clone(), other, path],
        &sizes(&[("a", 10)]),
        Storage::F32,
    )
    .unwrap();
    assert!(tracks.iter().all(|track| Arc::ptr_eq(track, &tracks[0])));
}

#[test]
fn stranded_tracks_change_places_on_the_reverse_strand() {
    assert_eq!(
        reverse_order(&["DGF", "r_rev", "x", "r_fwd"]).unwrap(),
        [0, 3, 2, 1]
    );
    let error = reverse_order(&["DGF", "r_rev"]).unwrap_err().to_string();
    assert!(
        error.starts_with("track 'r_rev' has no 'r_fwd' beside it"),
        "{error}"
    );
}

#[test]
fn a_scale_is_none_mean_or_factors_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.bw");
    write(&path, &[("a", 10)], &[(0, 0, 5, 0.5)]);
    let track = || Arc::new(Track::read(&path, &sizes(&[("a", 10)]), Storage::F32).unwrap());
    let (names, tracks) = (["D", "U"], [track(), track()]);
    let factors = |text: &str| {
        text.parse::<Scale>()
            .and_then(|scale| scale.factors(&names, &tracks, 1.0))
    };
    assert_eq!(factors("none").unwrap(), [1.0, 1.0]);
    assert_eq!(factors("mean").unwrap(), [4.0, 4.0]);
    let half_known = Scale::Mean.factors(&names, &tracks, 0.5).unwrap();
    assert_eq!(half_known, [2.0, 2.0]);
    assert_eq!(factors("U=0.02").unwrap(), [1.0, 0.02]);
    assert_eq!(factors("U=2,D=1e-3").unwrap(), [0.001, 2.0]);
    for (text, expected) in [
        ("median", "'median' has no '='"),
        ("U=x", "'x' is no finite number other than 0"),
        ("U=0", "'0' is no finite number other than 0"),
        ("U=1,U=2", "track 'U' comes twice"),
        ("V=1", "there is no such track; there are 'D', 'U'"),
    ] {
        let error = factors(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\n  expected: {expected}");
    }
    for text in ["none", "mean", "U=0.02,D=3"] {
        assert_eq!(text.parse::<Scale>().unwrap().to_string(), text);
    }
}

/// Runs of the kinds that call for each way of writing a block.
fn runs() -> impl Strategy<Value = Vec<(u32, u32, f32)>> {
    let few = (0_u8..3).prop_map(f32::from);
    let counts = (0_u16..900).prop_map(|count| f32::from(count) * 0.37);
    let any = (-1e6_f32..1e6).prop_map(|value| value);
    let value = prop_oneof![few, counts, any];
    let length = prop_oneof![Just(1_u32), 1_u32..5, 200_u32..300, 1_u32..40_000];
    let gap = prop_oneof![Just(0_u32), 0_u32..3, 0_u32..30_000];
    prop::collection::vec((gap, length, value), 0..400)
}

/// As [`runs`], one value after another a base each: blocks that are not written as runs.
fn dense() -> impl Strategy<Value = Vec<(u32, u32, f32)>> {
    let distinct = prop_oneof![Just(2_u32), Just(200), Just(5000), Just(1 << 20)];
    (distinct, any::<u32>(), 1_u32..20_000).prop_map(|(distinct, seed, count)| {
        let value =
            |i: u32| (i.wrapping_mul(2_654_435_761).wrapping_add(seed) % distinct) as f32 + 0.25;
        (0..count).map(|i| (0, 1, value(i))).collect()
    })
}

fn check(
    pieces: &[(u32, u32, f32)],
    storage: Storage,
    window: (u32, usize),
) -> std::result::Result<(), TestCaseError> {
    let length: u32 = pieces
        .iter()
        .map(|(gap, length, _)| gap + length)
        .sum::<u32>()
        + 7;
    let mut plain = vec![0.0; length as usize];
    let mut writer = Writer::new(0, length, storage);
    let mut at = 0;
    for &(gap, run, value) in pieces {
        let (start, end) = (at + gap, at + gap + run);
        if value != 0.0 {
            let kept = writer.run(start, end, value) as f32;
            prop_assert!(
                (kept - value).abs() <= value.abs() / 2048.0
                    || storage == Storage::F16 && value.abs() > 65504.0
            );
            prop_assert!(storage == Storage::F16 || kept == value);
            plain[start as usize..end as usize].fill(kept);
        }
        at = end;
    }
    let blocks = writer.finish();
    let start = i64::from(window.0 % (length + 20)) - 10;
    let mut found = vec![9.0; window.1];
    blocks.values(start, &mut found);
    for (i, value) in found.into_iter().enumerate() {
        let base = usize::try_from(start + i as i64).ok();
        prop_assert_eq!(
            value,
            base.and_then(|b| plain.get(b).copied()).unwrap_or(0.0),
            "base {}",
            start + i as i64
        );
    }
    Ok(())
}

/// Many values, no two alike: a byte for the length of each run, and four or two for its value.
#[test]
fn sixteen_bits_take_three_bytes_a_run_where_others_take_five() {
    let count = 20_000;
    let bytes = |storage| {
        let mut writer = Writer::new(0, 20 * count, storage);
        for i in 0..count {
            writer.run(20 * i, 20 * (i + 1), (i * 977 % 2000) as f32 + 0.3);
        }
        writer.finish().bytes() as f64 / f64::from(count)
    };
    let (whole, half) = (bytes(Storage::F32), bytes(Storage::F16));
    assert!((5.0..5.1).contains(&whole), "{whole}");
    assert!((2.9..3.1).contains(&half), "{half}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn runs_come_back_as_values(pieces in runs(), start in any::<u32>(), length in 1_usize..20_000) {
        check(&pieces, Storage::F32, (start, length))?;
    }

    #[test]
    fn a_value_a_base_comes_back(pieces in dense(), start in any::<u32>(), length in 1_usize..20_000) {
        check(&pieces, Storage::F32, (start, length))?;
    }

    #[test]
    fn sixteen_bits_keep_eleven_of_precision(
        pieces in prop_oneof![runs(), dense()],
        start in any::<u32>(),
    ) {
        check(&pieces, Storage::F16, (start, 5_000))?;
    }

    #[test]
    fn pieces_are_put_together(pieces in prop::collection::vec(0_u8..3, 1..6), last in 1_u32..9000) {
        let mut blocks = Blocks::default();
        let mut plain = Vec::new();
        for (i, value) in pieces.iter().enumerate() {
            let length = if i + 1 == pieces.len() { last } else { 2 * BLOCK };
            let start = plain.len() as u32;
            let mut writer = Writer::new(start, start + length, Storage::F32);
            if *value > 0 {
                writer.run(start, start + length, f32::from(*value));
            }
            blocks.append(writer.finish());
            plain.resize(plain.len() + length as usize, f32::from(*value));
        }
        let mut found = vec![0.0; plain.len()];
        blocks.values(0, &mut found);
        prop_assert_eq!(found, plain);
    }
}
