//! What we write.

use std::collections::HashMap;

use cisgrad::io::state_dict::{NamedTensor, StateDict, Values, write_safetensors};
use proptest::prelude::*;
use safetensors::{Dtype, SafeTensors};

use super::{read_bytes, small, written};
use crate::common::golden::pytorch;

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
        entry: None,
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
        let mut bytes = std::fs::read(pytorch(name)).unwrap();
        *at.get_mut(&mut bytes) = value;
        let _ = read_bytes(&bytes);
    }
}
