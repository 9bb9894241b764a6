//! State dicts in files: what comes back, from whom, and what is said about files that hold something else.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use cisgrad::Error;
use cisgrad::io::state_dict::{NamedTensor, StateDict, Values, read, write_safetensors};
use proptest::prelude::*;
use safetensors::{Dtype, SafeTensors};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/pytorch")
        .join(name)
}

/// start, start + 1/4, ...: the values that tests/data/pytorch/make.py gave its tensors.
fn ramp(start: f64, count: usize) -> Vec<f64> {
    (0..count).map(|i| start + 0.25 * i as f64).collect()
}

fn narrow(values: Vec<f64>) -> Vec<f32> {
    values.into_iter().map(|x| x as f32).collect()
}

fn read_bytes(bytes: &[u8]) -> cisgrad::Result<StateDict> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    std::fs::write(&path, bytes).unwrap();
    read(path)
}

fn written(state: &StateDict) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    write_safetensors(&path, state).unwrap();
    std::fs::read(path).unwrap()
}

/// A safetensors file with this header, `data` zero bytes behind it.
fn with_header(json: &str, data: usize) -> Vec<u8> {
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(json.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

/// The file is named, the format is at fault, and the message has this part.
fn assert_refused(result: cisgrad::Result<StateDict>, part: &str) {
    let error = result.expect_err(part);
    assert!(matches!(error, Error::Format { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("weights: ") && text.contains(part), "{text}");
}

fn small() -> StateDict {
    StateDict {
        tensors: vec![
            NamedTensor::new("step", &[], vec![7i64]),
            NamedTensor::new("linreg.weight", &[2, 3], vec![0.5f32; 6]),
            NamedTensor::new("moment", &[2], vec![1e-300f64, -0.0]),
            NamedTensor::new("random.counter", &[1], vec![u64::MAX]),
            NamedTensor::new("flags", &[3], vec![0u8, 1, 255]),
            NamedTensor::new("empty", &[0, 4], Vec::<f32>::new()),
        ],
        metadata: BTreeMap::from([("format".into(), "pt".into())]),
    }
}

// ---- what others wrote

#[test]
fn every_form_of_a_pytorch_file_holds_the_same_state_dict() {
    for (name, wide) in [
        ("zip_f32.pt", false),
        ("legacy_f32.pt", false),
        ("f32.safetensors", false),
        ("zip_f64.pt", true),
        ("legacy_f64.pt", true),
    ] {
        let state = read(fixture(name)).unwrap();
        let names: Vec<_> = state.tensors.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "conv_motif.weight",
                "linreg.bias",
                "linreg.weight",
                "norm.bias",
                "norm.num_batches_tracked",
                "norm.running_mean",
                "norm.running_var",
                "norm.weight"
            ],
            "{name}"
        );
        for (tensor, shape, expected) in [
            ("conv_motif.weight", &[2, 4, 3][..], ramp(-1.0, 24)),
            ("linreg.weight", &[3, 2], ramp(0.5, 6)),
            ("linreg.bias", &[3], ramp(-0.75, 3)),
            ("norm.running_var", &[2], vec![1.0; 2]),
        ] {
            let tensor = state.get(tensor).unwrap();
            assert_eq!(tensor.shape, shape, "{name}");
            let expected = if wide {
                Values::F64(expected)
            } else {
                Values::F32(narrow(expected))
            };
            assert_eq!(tensor.values, expected, "{name}");
        }
        let count = state.get("norm.num_batches_tracked").unwrap();
        assert_eq!(count.shape, [0usize; 0]);
        assert_eq!(count.values, Values::I64(vec![(1 << 40) + 1]), "{name}");
    }
    let metadata = read(fixture("f32.safetensors")).unwrap().metadata;
    assert_eq!(metadata, BTreeMap::from([("format".into(), "pt".into())]));
}

#[test]
fn narrow_types_widen_and_views_are_gathered() {
    for name in ["zip_other.pt", "legacy_other.pt", "other.safetensors"] {
        let state = read(fixture(name)).unwrap();
        let whole = narrow(ramp(0.0, 12));
        let transposed = (0..12).map(|i| whole[i % 4 * 3 + i / 4]).collect();
        for (tensor, shape, expected) in [
            ("bf16", &[2, 3][..], Values::F32(narrow(ramp(-1.0, 6)))),
            ("f16", &[2, 3], Values::F32(narrow(ramp(-1.0, 6)))),
            ("i32", &[2], Values::I64(vec![-7, i32::MAX.into()])),
            ("u8", &[2], Values::U8(vec![0, 255])),
            ("bool", &[2], Values::U8(vec![1, 0])),
            ("transposed", &[3, 4], Values::F32(transposed)),
            ("sliced", &[2, 3], Values::F32(whole[6..].to_vec())),
            ("twice", &[4, 3], Values::F32(whole.clone())),
            ("none", &[0, 3], Values::F32(vec![])),
        ] {
            let found = state.get(tensor).unwrap();
            assert_eq!(
                (found.shape.as_slice(), &found.values),
                (shape, &expected),
                "{name} {tensor}"
            );
        }
        assert_eq!(state.tensors.len(), 9, "{name}");
    }
}

#[test]
fn pytorch_files_that_are_no_state_dict_say_why() {
    for (name, part) in [
        ("no_tensor.pt", "without a tensor, expected a state dict"),
        ("complex.pt", "omplex"),
        (
            "f8.safetensors",
            "tensor \"narrow\" has elements of type F8_E4M3, expected floats",
        ),
    ] {
        let error = read(fixture(name)).unwrap_err();
        assert!(matches!(error, Error::Format { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(name) && text.contains(part), "{text}");
    }
}

#[test]
fn a_pytorch_file_cut_anywhere_is_an_error_or_whole() {
    for name in [
        "zip_f32.pt",
        "legacy_f32.pt",
        "zip_other.pt",
        "legacy_other.pt",
    ] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        for end in 0..bytes.len() {
            let error = read_bytes(&bytes[..end]).expect_err(name);
            assert!(
                matches!(error, Error::Format { .. }),
                "{name} cut at {end}: {error:?}"
            );
        }
    }
}

// ---- what we write

#[test]
fn everything_comes_back_sorted_by_name() {
    let mut state = small();
    let back = read_bytes(&written(&state)).unwrap();
    state.tensors.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(back, state);
}

#[test]
fn equal_content_gives_equal_bytes_in_any_order() {
    let mut state = small();
    state.metadata = (0..20)
        .map(|i| (format!("key{i}"), "value".into()))
        .collect();
    let bytes = written(&state);
    state.tensors.reverse();
    assert_eq!(written(&state), bytes);
    assert_eq!(written(&read_bytes(&bytes).unwrap()), bytes);
}

#[test]
fn the_reference_reader_agrees_and_finds_every_tensor_aligned() {
    let bytes = written(&small());
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.len(), 6);
    let weight = file.tensor("linreg.weight").unwrap();
    assert_eq!((weight.dtype(), weight.shape()), (Dtype::F32, &[2, 3][..]));
    assert_eq!(weight.data(), 0.5f32.to_le_bytes().repeat(6));
    assert_eq!(file.tensor("step").unwrap().data(), 7i64.to_le_bytes());
    for (name, view) in file.iter() {
        let offset = view.data().as_ptr() as usize - bytes.as_ptr() as usize;
        assert_eq!(offset % (view.dtype().bitsize() / 8), 0, "{name}");
    }
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let expected = HashMap::from([("format".to_string(), "pt".to_string())]);
    assert_eq!(header.metadata(), &Some(expected));
}

#[test]
fn an_empty_state_dict_is_a_file_too() {
    let state = StateDict::default();
    assert_eq!(read_bytes(&written(&state)).unwrap(), state);
}

#[test]
fn what_cannot_be_written_is_refused_and_the_old_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    std::fs::write(&path, "old").unwrap();
    let tensor = |name: &str, shape: &[usize]| NamedTensor::new(name, shape, vec![0f32; 6]);
    for (tensors, part) in [
        (
            vec![tensor("a", &[6]), tensor("a", &[2, 3])],
            "two tensors named \"a\"",
        ),
        (
            vec![tensor("a", &[2, 4])],
            "6 elements, which do not fill its shape [2, 4]",
        ),
        (vec![tensor("__metadata__", &[6])], "__metadata__"),
    ] {
        let state = StateDict {
            tensors,
            ..StateDict::default()
        };
        let text = write_safetensors(&path, &state).unwrap_err().to_string();
        assert!(text.contains("weights") && text.contains(part), "{text}");
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
    }
}

#[test]
fn values_convert_to_either_float_and_borrow_as_what_they_are() {
    let values = Values::from(vec![1.5f64, 0.1, 1e300]);
    assert_eq!(values.to_f32(), [1.5, 0.1f32, f32::INFINITY]);
    assert_eq!(values.to_f64(), [1.5, 0.1, 1e300]);
    assert_eq!(values.as_slice::<f64>(), Some(&[1.5, 0.1, 1e300][..]));
    assert_eq!(values.as_slice::<f32>(), None);
    assert_eq!(Values::from(vec![-3i64]).to_vec::<f32>(), [-3.0]);
    assert_eq!(Values::from(vec![200u8]).to_vec::<f64>(), [200.0]);
    assert_eq!((values.len(), values.type_name().as_str()), (3, "F64"));
}

fn any_values(count: usize) -> impl Strategy<Value = Values> {
    // From bits, so that infinities, both zeros and every NaN take part.
    prop_oneof![
        prop::collection::vec(any::<u32>(), count)
            .prop_map(|v| Values::F32(v.into_iter().map(f32::from_bits).collect())),
        prop::collection::vec(any::<u64>(), count)
            .prop_map(|v| Values::F64(v.into_iter().map(f64::from_bits).collect())),
        prop::collection::vec(any::<i64>(), count).prop_map(Values::I64),
        prop::collection::vec(any::<u8>(), count).prop_map(Values::U8),
        prop::collection::vec(any::<u64>(), count).prop_map(Values::U64),
    ]
}

fn any_state() -> impl Strategy<Value = StateDict> {
    let tensor = prop::collection::vec(0usize..5, 0..4).prop_flat_map(|shape| {
        any_values(shape.iter().product()).prop_map(move |values| (shape.clone(), values))
    });
    let tensors = prop::collection::btree_map(any::<String>(), tensor, 0..8);
    let metadata = prop::collection::btree_map(any::<String>(), any::<String>(), 0..3);
    (tensors, metadata).prop_map(|(tensors, metadata)| StateDict {
        tensors: tensors
            .into_iter()
            .map(|(name, (shape, values))| NamedTensor {
                name,
                shape,
                values,
            })
            .collect(),
        metadata,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn round_trip(state in any_state()) {
        let bytes = written(&state);
        prop_assert!(SafeTensors::deserialize(&bytes).is_ok());
        let back = read_bytes(&bytes).unwrap();
        prop_assert_eq!(&back.metadata, &state.metadata);
        // Bytes, not numbers: a NaN is not equal to itself.
        prop_assert_eq!(written(&back), bytes);
        let layout = |s: &StateDict| -> Vec<_> {
            s.tensors.iter().map(|t| (t.name.clone(), t.shape.clone(), t.values.type_name())).collect()
        };
        prop_assert_eq!(layout(&back), layout(&state));
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_bytes(&bytes);
    }

    #[test]
    fn a_damaged_file_is_read_or_refused_but_never_panics(
        which in 0usize..5, at in any::<prop::sample::Index>(), value in any::<u8>(),
    ) {
        let name = ["zip_f32.pt", "legacy_f32.pt", "zip_other.pt", "legacy_other.pt", "other.safetensors"][which];
        let mut bytes = std::fs::read(fixture(name)).unwrap();
        *at.get_mut(&mut bytes) = value;
        let _ = read_bytes(&bytes);
    }
}

// ---- damaged and foreign files

#[test]
fn a_file_cut_anywhere_is_refused() {
    let bytes = written(&small());
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    for end in 0..bytes.len() {
        let part = match end {
            0 => "found an empty file, expected safetensors",
            // Too short to show what it was.
            1..9 => "found ",
            _ if end < header => "corrupt or cut short: the safetensors header should be",
            _ => "corrupt or cut short: the header describes 59 bytes of tensors, found",
        };
        assert_refused(read_bytes(&bytes[..end]), part);
    }
    assert_refused(
        read_bytes(&[&bytes[..], b"x"].concat()),
        "corrupt: the header describes 59 bytes of tensors, found 60",
    );
}

#[test]
fn foreign_files_are_named_for_what_they_are() {
    for (bytes, part) in [
        (&b""[..], "found an empty file"),
        (
            b"MEME version 4\n\nALPHABET= ACGT",
            "found text that begins with \"MEME version 4\"",
        ),
        (b"\x89HDF\r\n\x1a\n\0\0\0\0", "found an HDF5 file"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\0", "found a gzip file"),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "found a Git LFS pointer",
        ),
        (
            b"\x93NUMPY\x01\0v\0",
            "found a file that begins with the bytes [93, 4e",
        ),
        (
            b"PK\x03\x04 and no more",
            "expected a state dict that PyTorch saved",
        ),
        (b"\x80\x02}q\0.", "without a tensor"),
    ] {
        assert_refused(read_bytes(bytes), part);
    }
}

#[test]
fn headers_that_lie_say_where() {
    let tensor = |name: &str, dtype: &str, shape: &str, from: u64, to: u64| {
        format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{from},{to}]}}"#)
    };
    for (header, data, part) in [
        ("{".to_string(), 0, "corrupt safetensors header: EOF"),
        (
            r#"{"a":1}"#.into(),
            0,
            "corrupt safetensors header: invalid type",
        ),
        (
            format!("{{{}}}", tensor("a", "F12", "[1]", 0, 4)),
            4,
            "unknown variant `F12`",
        ),
        (
            format!("{{{}}}", tensor("a", "F32", "[-1]", 0, 4)),
            4,
            "invalid value: integer `-1`",
        ),
        (
            format!(
                "{{{},{}}}",
                tensor("a", "F32", "[1]", 0, 4),
                tensor("a", "F32", "[1]", 4, 8)
            ),
            8,
            "has the tensor \"a\" twice, expected each name once",
        ),
        (
            format!(
                "{{{},{}}}",
                tensor("a", "F32", "[1]", 0, 4),
                tensor("b", "F32", "[1]", 8, 12)
            ),
            12,
            "puts tensor \"b\" at bytes 8 to 12, expected it to begin at 4",
        ),
        (
            format!(
                "{{{},{}}}",
                tensor("a", "F32", "[1]", 0, 4),
                tensor("b", "F32", "[1]", 2, 6)
            ),
            6,
            "puts tensor \"b\" at bytes 2 to 6, expected it to begin at 4",
        ),
        (
            format!("{{{}}}", tensor("a", "F32", "[1]", 0, 8)),
            8,
            "8 bytes, expected 4 for type F32 and shape [1]",
        ),
        (
            format!(
                "{{{}}}",
                tensor("a", "F32", "[4294967296, 4294967296]", 0, 4)
            ),
            4,
            "expected more than there can be for type F32",
        ),
        (
            format!("{{{}}}", tensor("a", "F32", "[2]", 0, 8)),
            4,
            "the header describes 8 bytes of tensors, found 4",
        ),
        (
            format!("{{{}}}", tensor("a", "C64", "[1]", 0, 8)),
            8,
            "tensor \"a\" has elements of type C64",
        ),
    ] {
        assert_refused(read_bytes(&with_header(&header, data)), part);
    }
    for length in [1 << 20, 99_999_999, 1 << 40, u64::MAX] {
        let mut bytes = written(&small());
        bytes[..8].copy_from_slice(&u64::to_le_bytes(length));
        let part = format!(
            "header should be {length} bytes long, found {}",
            bytes.len() - 8
        );
        assert_refused(read_bytes(&bytes), &part);
    }
}

#[test]
fn a_header_length_that_looks_like_another_magic_is_still_safetensors() {
    // 640 = 80 02 00 ..: a pickle's first bytes. 0x8b1f = 1f 8b: gzip's.
    for length in [640, 0x8b1f] {
        let mut header = String::from("{}");
        header.push_str(&" ".repeat(length - 2));
        assert_eq!(
            read_bytes(&with_header(&header, 0)).unwrap(),
            StateDict::default()
        );
    }
}

#[test]
fn a_missing_file_and_a_folder_are_the_systems_errors() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("weights"), folder.path().to_path_buf()] {
        let error = read(&path).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error:?}");
        assert!(
            error.to_string().contains(path.to_str().unwrap()),
            "{error}"
        );
    }
}
