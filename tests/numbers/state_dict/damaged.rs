//! Damaged and foreign files.

use cisgrad::Error;
use cisgrad::io::state_dict::{StateDict, read};

use super::{read_bytes, small, written};

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
        (b"\x93NUMPY\x01\0v\0", "found a NumPy array"),
        (
            b"\x94NUMPY\x01\0v\0",
            "found a file that begins with the bytes [94, 4e",
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
