//! NumPy's npy format: row indices in, matrices out.

use std::io::{self, Cursor, Read};
use std::path::Path;

use npyz::{AutoSerialize, DType, Deserialize, NpyFile, TypeChar, WriteOptions, WriterBuilder};

use super::atomic::write_atomic;
use super::text;
use crate::numbers::counted;
use crate::{Error, Result};

/// Reads a one-dimensional array of row indices, counted from 0, in the order of the file.
///
/// Any width of integer, signed or not, of either byte order; the file may be gzipped.
///
/// Errors: another type or shape, a mask in place of indices, names, a negative value (with its
/// place, counted from 0), a file that is shorter or longer than its header says.
pub fn read_npy_indices(path: impl AsRef<Path>) -> Result<Vec<usize>> {
    let path = path.as_ref();
    let npy = NpyFile::new(header_checked(path)?)
        .map_err(|e| Error::format(path, format!("not an npy file ({e}); expected row indices")))?;
    if npy.shape().len() != 1 {
        return Err(Error::format(
            path,
            format!(
                "an array of shape {:?}; expected one dimension (in NumPy: ravel())",
                npy.shape()
            ),
        ));
    }
    let dtype = npy.dtype();
    let wrong = |remedy: &str| {
        let found = dtype.descr();
        let message =
            format!("values of type {found}; expected integers, the rows' indices ({remedy})");
        Error::format(path, message)
    };
    let cast = "in NumPy: astype('int64')";
    let DType::Plain(kind) = &dtype else {
        return Err(wrong(cast));
    };
    let rows = match (kind.type_char(), kind.size_field()) {
        (TypeChar::Int, 1) => indices::<i8>(npy, path),
        (TypeChar::Int, 2) => indices::<i16>(npy, path),
        (TypeChar::Int, 4) => indices::<i32>(npy, path),
        (TypeChar::Int, 8) => indices::<i64>(npy, path),
        (TypeChar::Uint, 1) => indices::<u8>(npy, path),
        (TypeChar::Uint, 2) => indices::<u16>(npy, path),
        (TypeChar::Uint, 4) => indices::<u32>(npy, path),
        (TypeChar::Uint, 8) => indices::<u64>(npy, path),
        (TypeChar::Bool, _) => Err(wrong(MASK)),
        (TypeChar::UnicodeStr | TypeChar::ByteStr | TypeChar::Object, _) => {
            let text = path.with_extension("txt");
            let text = text.file_name().unwrap_or_default().to_string_lossy();
            Err(wrong(&format!(
                "names go into a text file, one per line: np.savetxt('{text}', names, fmt='%s')"
            )))
        }
        _ => Err(wrong(cast)),
    }?;
    match is_mask(&rows) {
        true => Err(Error::format(path, nothing_but_0_and_1())),
        false => Ok(rows),
    }
}

/// Whether these are no indices of rows but a mask: indices of this many rows would repeat themselves.
pub fn is_mask(rows: &[usize]) -> bool {
    rows.len() > 2 && rows.iter().all(|&row| row <= 1)
}

/// What is wrong with a mask that is written as numbers.
pub fn nothing_but_0_and_1() -> String {
    format!("nothing but 0 and 1; expected row indices ({MASK})")
}

/// Opens an array and looks at its header before the crate does, which would make room for whatever length it has, and
/// whose time grows exponentially with brackets inside brackets.
///
/// # Errors
/// A header that no array of numbers has.
fn header_checked(path: &Path) -> Result<impl Read + use<>> {
    let mut reader = text::open(path)?;
    let mut begin = Vec::new();
    let mut read = |count: u64, begin: &mut Vec<u8>| {
        let taken = reader.by_ref().take(count).read_to_end(begin);
        taken.map_err(|e| Error::io(path, e))
    };
    // The magic word, two bytes of the version, then the header's length: two bytes in version 1, four after it.
    read(12, &mut begin)?;
    let (first, length) = match begin[..] {
        [_, _, _, _, _, _, 1, _, a, b, ..] => (10, u32::from(u16::from_le_bytes([a, b]))),
        [_, _, _, _, _, _, _, _, a, b, c, d] => (12, u32::from_le_bytes([a, b, c, d])),
        _ => (0, 0),
    };
    let wrong = |what: &str| {
        let message = format!("not an npy file (a header {what}); expected row indices");
        Err(Error::format(path, message))
    };
    if length > LONGEST_HEADER {
        return wrong("of impossible length");
    }
    read(u64::from(length), &mut begin)?;
    let header = begin.get(first..).unwrap_or_default();
    let header = &header[..header.len().min(length as usize)];
    let mut depth = 0_usize;
    for byte in header {
        match byte {
            b'[' | b'(' | b'{' => depth += 1,
            b']' | b')' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return wrong("with brackets inside brackets, as no array of numbers has");
        }
    }
    Ok(Cursor::new(begin).chain(reader))
}

/// Bytes; that of an array of numbers has some hundred.
const LONGEST_HEADER: u32 = 1 << 16;
/// Brackets inside brackets; an array of numbers has two, of records five.
const DEEPEST: usize = 6;
/// What to do about a mask.
pub const MASK: &str = "a mask: save np.where(mask)[0]";

fn indices<T>(npy: NpyFile<impl Read>, path: &Path) -> Result<Vec<usize>>
where
    T: Deserialize + TryInto<usize> + std::fmt::Display + Copy,
{
    let expected = npy.len();
    let header = npy.header().clone();
    let mut reader = npy.into_inner();
    let values = NpyFile::with_header(header, &mut reader)
        .data::<T>()
        .map_err(|e| Error::format(path, e.to_string()))?;
    // Not reserved from the header: a corrupt one may claim any length.
    let mut indices = Vec::new();
    for value in values {
        let place = indices.len();
        let value = value.map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => Error::format(
                path,
                format!(
                    "truncated: {}; the header says {expected}",
                    counted(place, "value")
                ),
            ),
            _ => Error::format(path, e.to_string()),
        })?;
        indices.push(value.try_into().map_err(|_| {
            let message = format!("value {value} at place {place}; expected an index of 0 or more");
            Error::format(path, message)
        })?);
    }
    let mut more = [0];
    match reader.read(&mut more) {
        Ok(0) => Ok(indices),
        Ok(_) => Err(Error::format(
            path,
            format!(
                "bytes left after the {} that the header says",
                counted(expected, "value")
            ),
        )),
        Err(e) => Err(Error::format(path, e.to_string())),
    }
}

/// Writes a mask (`|b1`, one dimension), whole or not at all.
///
/// # Errors
/// What the operating system refuses.
pub fn write_npy_mask(path: impl AsRef<Path>, mask: &[bool]) -> Result<()> {
    write_atomic(path.as_ref(), |writer| {
        let mut npy = WriteOptions::new()
            .default_dtype()
            .shape(&[mask.len() as u64])
            .writer(writer)
            .begin_nd()?;
        npy.extend(mask.iter().copied())?;
        npy.finish()
    })
}

/// Writes a matrix of float64 (`<f8`), rows one after the other, whole or not at all.
///
/// Errors: values that do not fill whole rows of `columns`; what the operating system refuses.
pub fn write_npy_matrix(path: impl AsRef<Path>, columns: usize, values: &[f64]) -> Result<()> {
    let path = path.as_ref();
    let rows = values.len().checked_div(columns).unwrap_or(0);
    if rows * columns != values.len() {
        return Err(Error::invalid(format!(
            "{}: {} values do not fill rows of {columns}",
            path.display(),
            values.len()
        )));
    }
    write_atomic(path, |writer| {
        let mut npy = WriteOptions::new()
            .dtype(f64::default_dtype())
            .shape(&[rows as u64, columns as u64])
            .writer(writer)
            .begin_nd()?;
        npy.extend(values)?;
        npy.finish()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn npy<T: npyz::Serialize + Clone>(kind: &str, shape: &[u64], values: &[T]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = npyz::WriteOptions::new()
            .dtype(DType::Plain(kind.parse().unwrap()))
            .shape(shape)
            .writer(&mut bytes)
            .begin_nd()
            .unwrap();
        writer.extend(values.iter().cloned()).unwrap();
        writer.finish().unwrap();
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Vec<usize>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("split.npy");
        std::fs::write(&path, bytes).unwrap();
        read_npy_indices(path)
    }

    fn message(bytes: &[u8]) -> String {
        read(bytes).unwrap_err().to_string()
    }

    #[test]
    fn any_integer_of_either_byte_order_is_read() {
        let expected = [3, 0, 120];
        for bytes in [
            npy("|i1", &[3], &[3_i8, 0, 120]),
            npy("|u1", &[3], &[3_u8, 0, 120]),
            npy("<i2", &[3], &[3_i16, 0, 120]),
            npy(">u2", &[3], &[3_u16, 0, 120]),
            npy("<u4", &[3], &[3_u32, 0, 120]),
            npy(">i4", &[3], &[3_i32, 0, 120]),
            npy("<i8", &[3], &[3_i64, 0, 120]),
            npy(">i8", &[3], &[3_i64, 0, 120]),
            npy("<u8", &[3], &[3_u64, 0, 120]),
        ] {
            assert_eq!(read(&bytes).unwrap(), expected);
        }
        assert!(read(&npy::<i64>("<i8", &[0], &[])).unwrap().is_empty());
    }

    #[test]
    fn other_types_shapes_and_values_are_refused() {
        assert!(message(&npy("<f8", &[1], &[1.0_f64])).contains("type '<f8'; expected integers"));
        let mask = message(&npy("|b1", &[1], &[true]));
        assert!(mask.contains("type '|b1'; expected integers"), "{mask}");
        assert!(mask.contains("np.where(mask)[0]"), "{mask}");
        let mask = message(&npy("<i8", &[4], &[1_i64, 0, 0, 1]));
        assert!(
            mask.contains(
                "nothing but 0 and 1; expected row indices (a mask: save np.where(mask)[0])"
            ),
            "{mask}"
        );
        assert_eq!(read(&npy("<i8", &[2], &[1_i64, 0])).unwrap(), [1, 0]);
        assert!(message(&npy("<i8", &[2, 1], &[1_i64, 2])).contains("shape [2, 1]; expected one"));
        assert!(message(&npy("<i8", &[], &[1_i64])).contains("expected one dimension"));
        assert!(message(&npy("<i8", &[2], &[1_i64, -4])).contains("value -4 at place 1"));
    }

    #[test]
    fn names_go_into_a_text_file() {
        for kind in ["<U7", ">U7", "|S7", "|O"] {
            let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': (1,), }}");
            let header = format!("{header:<117}\n");
            let mut file = b"\x93NUMPY\x01\x00".to_vec();
            file.extend((header.len() as u16).to_le_bytes());
            file.extend(header.as_bytes());
            file.extend([b'p', 0, 0, 0].repeat(7));
            let found = message(&file);
            assert!(
                found.contains(&format!("type '{kind}'; expected integers"))
                    && found.contains("np.savetxt('split.txt', names, fmt='%s')"),
                "{found}"
            );
        }
    }

    #[test]
    fn truncated_and_overlong_files_are_refused() {
        let whole = npy("<i4", &[3], &[1_i32, 2, 3]);
        assert!(message(&whole[..whole.len() - 1]).contains("2 values; the header says 3"));
        assert!(message(&whole[..20]).contains("not an npy file"));
        assert!(message(b"").contains("not an npy file"));
        assert!(message(b"1\n2\n").contains("not an npy file"));
        assert!(message(&[whole, vec![0]].concat()).contains("bytes left"));
    }

    #[test]
    fn brackets_inside_brackets_take_no_time() {
        for (version, length) in [(1, &[118, 0][..]), (2, &[118, 0, 0, 0])] {
            let text = format!("{}'descr': '<i8', 'shape': (1,), ", "{[".repeat(13));
            let mut file = b"\x93NUMPY".to_vec();
            file.extend([version, 0]);
            file.extend(length);
            file.extend(format!("{text:<117}\n").as_bytes());
            file.extend(1_i64.to_le_bytes());
            let found = message(&file);
            assert!(found.contains("with brackets inside brackets"), "{found}");
        }
    }

    #[test]
    fn a_matrix_is_written_as_numpy_writes_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npy");
        write_npy_matrix(&path, 2, &[0.5, f64::NAN, -1.0, 2.0, 3.0, 1e300]).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let (header, data) = bytes.split_at(bytes.len() - 48);
        assert!(header.starts_with(b"\x93NUMPY\x01\x00"));
        assert_eq!(header.len() % 16, 0);
        let header = String::from_utf8_lossy(header);
        let expected = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2";
        assert!(header.contains(expected), "{header}");
        assert_eq!(data[..8], 0.5_f64.to_le_bytes());
        assert_eq!(data[40..], 1e300_f64.to_le_bytes());
        let found = write_npy_matrix(&path, 4, &[0.0; 6]).unwrap_err();
        assert!(found.to_string().contains("6 values do not fill rows of 4"));
        write_npy_matrix(&path, 0, &[]).unwrap();
    }

    #[test]
    fn real_splits_are_read() {
        let Some(data) = crate::real_data::real_data() else {
            return;
        };
        let folder = data.join("tisfm/chr22_atac3");
        let count = |name: &str| read_npy_indices(folder.join(name)).unwrap().len();
        assert_eq!(count("train_split.npy"), 6760);
        assert_eq!(count("validation_split.npy"), 554);
        assert_eq!(count("test_split.npy"), 1396);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_index_survives(values in prop::collection::vec(0..=i64::MAX, 0..20)) {
            let expected: Vec<usize> = values.iter().map(|&v| v as usize).collect();
            let length = values.len() as u64;
            prop_assert_eq!(read(&npy("<i8", &[length], &values)).unwrap(), &expected[..]);
            prop_assert_eq!(read(&npy(">i8", &[length], &values)).unwrap(), &expected[..]);
        }

        #[test]
        fn a_damaged_file_is_an_error_or_other_numbers_never_a_panic(place in 0_usize..130, byte in any::<u8>()) {
            let mut bytes = npy("<i8", &[3], &[1_i64, 2, 3]);
            let end = bytes.len();
            bytes[place % end] = byte;
            let _ = read(&bytes);
        }
    }
}
