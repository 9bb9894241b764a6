use npyz::WriterBuilder;
use proptest::prelude::*;

use super::*;

fn data(names: &[&str]) -> Dataset {
    Dataset {
        names: names.iter().map(|name| name.to_string()).collect(),
        outputs: vec!["K562".into()],
        length: 1,
        codes: vec![0; names.len()],
        signals: vec![0.0; names.len()],
        weights: None,
        batches: None,
        chromosomes: None,
    }
}

fn rows(count: usize) -> Dataset {
    let names: Vec<String> = (0..count).map(|i| format!("p{i}")).collect();
    data(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A stand-in for the real generator (SplitMix64).
fn numbers(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn npy(values: &[i64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&[values.len() as u64])
        .writer(&mut bytes)
        .begin_nd()
        .unwrap();
    writer.extend(values.iter().copied()).unwrap();
    writer.finish().unwrap();
    bytes
}

fn from_files(files: &[(&str, &[u8])], data: &Dataset) -> Result<Split> {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    SplitSpec::Folder(folder.path().into()).split(data, || 0)
}

fn from_npy(parts: [&[i64]; 3], data: &Dataset) -> Result<Split> {
    let [train, validation, test] = parts.map(npy);
    let files = [
        ("train_split.npy", &train[..]),
        ("validation_split.npy", &validation),
        ("test_split.npy", &test),
    ];
    from_files(&files, data)
}

fn from_txt(parts: [&str; 3], data: &Dataset) -> Result<Split> {
    let [train, validation, test] = parts.map(str::as_bytes);
    let files = [
        ("train_split.txt", train),
        ("validation_split.txt", validation),
        ("test_split.txt", test),
    ];
    from_files(&files, data)
}

fn split(train: &[usize], validation: &[usize], test: &[usize]) -> Split {
    Split::from_parts([train.to_vec(), validation.to_vec(), test.to_vec()])
}

#[test]
fn specs_read_as_the_user_writes_them() {
    let parse = |text: &str| text.parse::<SplitSpec>().unwrap();
    let shares = SplitSpec::Random {
        train: 80.0,
        validation: 12.5,
        test: 7.5,
    };
    assert_eq!(parse("random:80,12.5, 7.5"), shares);
    let lists = SplitSpec::Chrom {
        validation: vec!["chr8".into()],
        test: vec!["chr9".into(), "chr10".into()],
    };
    assert_eq!(parse("chrom:chr8:chr9,chr10"), lists);
}

#[test]
fn specs_that_make_no_sense_are_usage_errors_that_show_the_form() {
    for (text, expected) in [
        ("", "not a way to split"),
        ("folder", "not a way to split"),
        ("Random:80,10,10", "not a way to split"),
        ("random:80,20", "'80,20' is not three numbers"),
        ("random:80,x,10", "is not three numbers"),
        ("random:80,10,5", "the shares sum to 95, not 100"),
        ("random:100,0,0", "a share that is not above 0"),
        ("random:nan,50,50", "a share that is not above 0"),
        ("random:110,-20,10", "a share that is not above 0"),
        ("chrom:chr8", "not a way to split"),
        ("chrom::chr9", "an empty name"),
        ("chrom:chr8:chr9,", "an empty name"),
        ("chrom:chr8:chr9,chr8", "chromosome 'chr8' comes twice"),
    ] {
        let found = text.parse::<SplitSpec>().unwrap_err();
        assert!(matches!(found, Error::Usage(_)));
        let found = found.to_string();
        assert!(
            found.contains(expected) && found.contains("random:80,10,10"),
            "{found}"
        );
    }
}

#[test]
fn index_arrays_and_lists_of_indices_or_names_say_the_same() {
    let data = rows(5);
    let expected = split(&[4, 0], &[2], &[1]);
    assert_eq!(from_npy([&[4, 0], &[2], &[1]], &data).unwrap(), expected);
    assert_eq!(from_txt(["4\n0\n", "2", "1\r\n"], &data).unwrap(), expected);
    assert_eq!(
        from_txt(["p4\r\np0\r\n", " p2 \n\n", "1\n"], &data).unwrap(),
        expected
    );
    let mixed = [
        ("train_split.npy", &npy(&[4, 0])[..]),
        ("validation_split.txt", b"p2"),
        ("test_split.txt", b"1"),
    ];
    assert_eq!(from_files(&mixed, &data).unwrap(), expected);
}

#[test]
fn rows_named_by_numbers_are_never_taken_for_indices() {
    let data = data(&["1", "2", "3", "4"]);
    assert_eq!(
        from_txt(["1\n2\n", "3\n", "4\n"], &data).unwrap(),
        split(&[0, 1], &[2], &[3])
    );
    let found = from_txt(["0\n1\n", "2\n", "3\n"], &data)
        .unwrap_err()
        .to_string();
    assert!(
        found.contains("line 1: '0' is no row") && found.contains("for indices use npy"),
        "{found}"
    );
    assert_eq!(
        from_npy([&[0, 1], &[2], &[3]], &data).unwrap(),
        split(&[0, 1], &[2], &[3])
    );
}

#[test]
fn faults_in_a_folder_name_the_file_and_the_entry() {
    let data = rows(5);
    for (parts, expected) in [
        (
            [&[0, 5][..], &[1], &[2]],
            "train_split.npy: entry 1 (from 0): index 5; expected 0 to 4, as the signal table has 5 rows",
        ),
        (
            [&[0], &[-1], &[2]],
            "validation_split.npy: value -1 at place 0",
        ),
        (
            [&[0, 3], &[1], &[2, 3]],
            "test_split.npy: entry 1 (from 0): row 3 ('p3') is in the train split too",
        ),
        (
            [&[0, 3, 0], &[1], &[2]],
            "train_split.npy: entry 2 (from 0): row 0 ('p0') comes twice",
        ),
        (
            [&[0], &[], &[2]],
            "validation_split.npy: the validation split is empty",
        ),
    ] {
        let found = from_npy(parts, &data).unwrap_err().to_string();
        assert!(found.contains(expected), "{found}\n  expected: {expected}");
    }
    for (parts, expected) in [
        (
            ["p0\n\np9\n", "1", "2"],
            "train_split.txt, line 3: 'p9' is no row of the signal table; expected an index or a name, as 'p0'",
        ),
        (
            ["0\n7", "1", "2"],
            "train_split.txt, line 2: index 7; expected 0 to 4",
        ),
        (
            ["0", "-1", "2"],
            "validation_split.txt, line 1: index -1; expected a row",
        ),
        (["0", "1", "1.5"], "test_split.txt, line 1: '1.5' is no row"),
        (
            ["0", "1", "2\np1"],
            "test_split.txt, line 2: row 1 ('p1') is in the validation split too",
        ),
        (
            ["0\np0", "1", "2"],
            "line 2: row 0 ('p0') comes twice in this split",
        ),
        (["0", "1", "\n"], "test_split.txt: the test split is empty"),
    ] {
        let found = from_txt(parts, &data).unwrap_err().to_string();
        assert!(found.contains(expected), "{found}\n  expected: {expected}");
    }
}

#[test]
fn each_part_has_one_file() {
    let data = rows(3);
    let one = npy(&[0]);
    let found = from_files(&[("train_split.npy", &one)], &data)
        .unwrap_err()
        .to_string();
    assert!(
        found.contains("validation_split.npy and validation_split.txt are not there"),
        "{found}"
    );
    let both = [("train_split.npy", &one[..]), ("train_split.txt", b"0")];
    let found = from_files(&both, &data).unwrap_err().to_string();
    assert!(
        found.contains("train_split.npy and train_split.txt are both there"),
        "{found}"
    );
}

#[test]
fn chromosomes_split_the_rows() {
    let spec: SplitSpec = "chrom:chr2:chr3,chr4".parse().unwrap();
    let named = data(&["chr3:1-2", "chr1:1-2", "chr2:1-2", "chr4:1-2", "chr1:5-6"]);
    let expected = split(&[1, 4], &[2], &[0, 3]);
    assert_eq!(spec.split(&named, || 0).unwrap(), expected);
    let mut from_bed = rows(5);
    from_bed.chromosomes = Some(
        ["chr3", "chr1", "chr2", "chr4", "chr1"]
            .map(String::from)
            .to_vec(),
    );
    assert_eq!(spec.split(&from_bed, || 0).unwrap(), expected);
}

#[test]
fn chromosomes_that_do_not_fit_the_data_are_named() {
    let message = |spec: &str, names: &[&str]| {
        let spec: SplitSpec = spec.parse().unwrap();
        spec.split(&data(names), || 0).unwrap_err().to_string()
    };
    let names = ["1:1-2", "2:1-2", "3:1-2"];
    assert!(message("chrom:chr1:2", &names).contains(
        "no row is on chromosome 'chr1', which the split names; the data have '1', '2', '3'"
    ));
    assert!(message("chrom:1:2,3", &names).contains("no row is left for training"));
    assert!(
        message("chrom:1:2", &["1:1-2", "peak"])
            .contains("row 'peak' has no chromosome in its name")
    );
}

#[test]
fn a_random_split_too_small_for_its_shares_says_so() {
    let spec: SplitSpec = "random:80,10,10".parse().unwrap();
    for (count, told) in [(0, "0 rows"), (1, "1 row"), (4, "4 rows")] {
        let found = spec
            .split(&rows(count), numbers(1))
            .unwrap_err()
            .to_string();
        assert!(
            found.contains(&format!("a random split of {told} leaves a part empty")),
            "{found}"
        );
    }
    assert!(spec.split(&rows(5), numbers(1)).is_ok());
}

#[test]
fn a_random_split_favours_no_row() {
    let spec: SplitSpec = "random:50,25,25".parse().unwrap();
    let (data, mut random) = (rows(8), numbers(7));
    let mut in_test = [0; 8];
    for _ in 0..4000 {
        for row in spec.split(&data, &mut random).unwrap().test {
            in_test[row] += 1;
        }
    }
    // Binomial(4000, 1/4): mean 1000, standard deviation 27.
    assert!(
        in_test.iter().all(|count| (860..1140).contains(count)),
        "{in_test:?}"
    );
}

#[test]
fn the_real_split_is_read_and_survives_writing() {
    let Some(real) = crate::real_data::real_data() else {
        return;
    };
    let folder = real.join("tisfm/chr22_atac3");
    let signals = crate::io::signals::read_signals(folder.join("signals.tsv.gz")).unwrap();
    let data = data(&signals.rows.iter().map(String::as_str).collect::<Vec<_>>());
    let split = SplitSpec::Folder(folder).split(&data, || 0).unwrap();
    assert_eq!(split.parts().map(<[usize]>::len), [6760, 554, 1396]);

    let written = tempfile::tempdir().unwrap();
    split.write(written.path(), &data.names).unwrap();
    assert_eq!(
        SplitSpec::Folder(written.path().into())
            .split(&data, || 0)
            .unwrap(),
        split
    );
}

#[test]
fn a_split_of_other_data_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let found = split(&[0], &[9], &[1])
        .write(folder.path(), &rows(2).names)
        .unwrap_err();
    assert_eq!(
        found.to_string(),
        "row 9 of the validation split; there are 2"
    );
}

proptest! {
    #[test]
    fn a_random_split_takes_every_row_once_and_the_same_for_the_same_seed(count in 20_usize..300, seed in any::<u64>()) {
        let spec: SplitSpec = "random:70,20,10".parse().unwrap();
        let data = rows(count);
        let split = spec.split(&data, numbers(seed)).unwrap();
        prop_assert_eq!(&spec.split(&data, numbers(seed)).unwrap(), &split);
        let mut all = split.parts().concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..count).collect::<Vec<_>>());
        prop_assert_eq!(split.test.len(), (count as f64 * 0.1).round() as usize);
        prop_assert!(split.parts().iter().all(|part| part.is_sorted()));
    }

    #[test]
    fn any_split_survives_writing(count in 20_usize..60, seed in any::<u64>(), as_numbers in any::<bool>()) {
        let mut data = rows(count);
        if as_numbers {
            data.names = (0..count).map(|i| (i * 7 % count + 1000 * i).to_string()).collect();
        }
        let spec: SplitSpec = "random:70,20,10".parse().unwrap();
        let split = spec.split(&data, numbers(seed)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        split.write(folder.path(), &data.names).unwrap();
        prop_assert_eq!(SplitSpec::Folder(folder.path().into()).split(&data, || 0).unwrap(), split);
    }
}

/// The others are where they would be without that.
#[test]
fn rows_without_a_number_or_of_weight_0_are_in_no_part() {
    let mut data = rows(60);
    let random: SplitSpec = "random:60,20,20".parse().unwrap();
    let whole = random.split(&data, numbers(3)).unwrap();
    let (gone, weightless) = (whole.train[4], whole.test[1]);
    data.signals[gone] = f64::NAN;
    let mut weights = vec![2.0; 60];
    weights[weightless] = 0.0;
    data.weights = Some(weights);
    let found = random.split(&data, numbers(3)).unwrap();
    let mut expected = whole.clone();
    expected.train.remove(4);
    expected.test.remove(1);
    assert_eq!(found, expected);
    for row in whole.validation {
        data.signals[row] = f64::NAN;
    }
    let error = random.split(&data, numbers(3)).unwrap_err().to_string();
    assert_eq!(
        error,
        "the validation split has 12 rows and none with a number and a weight above 0; expected some"
    );
}

#[test]
fn a_fold_has_the_same_rows_whatever_their_order() {
    let names: Vec<String> = (0..60)
        .map(|i| format!("chr{}:{}-{}", i % 3 + 1, i * 400_000, i * 400_000 + 1))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let tested = |names: &[&str]| -> Vec<String> {
        let data = data(names);
        let split: SplitSpec = "fold:2/4".parse().unwrap();
        let rows = split.split(&data, || 0).unwrap().test;
        let mut found: Vec<String> = rows.iter().map(|&row| data.names[row].clone()).collect();
        found.sort_unstable();
        found
    };
    let turned: Vec<&str> = names.iter().rev().copied().collect();
    assert!(!tested(&names).is_empty());
    assert_eq!(tested(&names), tested(&turned));
}
