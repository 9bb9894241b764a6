use super::*;
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn bgzip(text: &[u8]) -> Vec<u8> {
    let mut writer = noodles_bgzf::io::Writer::new(Vec::new());
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

fn lines_of(bytes: &[u8]) -> Result<Vec<String>> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, bytes).unwrap();
    let mut lines = Lines::open(&path)?;
    let (mut all, mut line) = (Vec::new(), String::new());
    while lines.read(&mut line)? {
        all.push(line.clone());
    }
    assert_eq!(lines.number(), all.len() as u64);
    Ok(all)
}

fn message(bytes: &[u8]) -> String {
    lines_of(bytes).unwrap_err().to_string()
}

#[test]
fn plain_gzip_and_bgzip_read_alike_whatever_the_line_ends() {
    for text in [
        &b"a\nb\n\nc"[..],
        b"a\r\nb\r\n\r\nc\r\n",
        b"\xef\xbb\xbfa\nb\n\nc\n",
        b"a\rb\r\rc",
        b"\xef\xbb\xbfa\rb\r\rc\r",
    ] {
        for bytes in [text.to_vec(), gzip(text), bgzip(text)] {
            assert_eq!(lines_of(&bytes).unwrap(), ["a", "b", "", "c"]);
        }
    }
    assert!(lines_of(b"").unwrap().is_empty());
    assert!(lines_of(&gzip(b"")).unwrap().is_empty());
}

#[test]
fn a_return_inside_a_line_and_a_binary_file_are_errors() {
    let found = message(b"a\rb\rc\r\nd\n");
    assert!(
        found.contains("line 1: a carriage return inside a line"),
        "{found}"
    );
    assert!(message(b"a\nb\rc\n").contains("line 2: a carriage return"));
    let found = message(&[0; 1000]);
    assert!(found.contains("it holds NUL bytes"), "{found}");
    for text in ["CRAMP1\t1\n", "PAR1\t1\t2\n", "ARROW1 x\n"] {
        assert_eq!(lines_of(text.as_bytes()).unwrap(), [text.trim_end()]);
    }
    assert!(message(&gzip(&gzip(b"a\n"))).contains("packed with gzip once more"));
}

#[test]
fn gzip_members_follow_one_another() {
    let two = [gzip(b"a\nb"), gzip(b"c\nd\n")].concat();
    assert_eq!(lines_of(&two).unwrap(), ["a", "bc", "d"]);
}

#[test]
fn a_truncated_gzip_stream_is_an_error_wherever_it_breaks() {
    let text: String = (0..500).map(|i| format!("line {}\n", i * 7919)).collect();
    for whole in [gzip(text.as_bytes()), bgzip(text.as_bytes())] {
        for length in [19, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
            let found = message(&whole[..length]);
            assert!(found.contains("truncated gzip stream"), "{found}");
        }
    }
    // Cut between two blocks: only the missing end block tells.
    let whole = bgzip(text.as_bytes());
    assert!(message(&whole[..whole.len() - 28]).contains("truncated gzip stream"));
}

#[test]
fn corrupt_gzip_other_packings_and_binary_files_say_so() {
    let mut bytes = gzip(&[b'x'; 2000]);
    let end = bytes.len();
    bytes[end - 6] ^= 0xff; // the checksum
    assert!(message(&bytes).contains("corrupt gzip stream"));
    assert!(message(b"PK\x03\x04 and so on").contains("packed with zip"));
    assert!(message(b"BZh9...").contains("packed with bzip2"));
    assert!(message(&gzip(b"BAM\x01\0\n")).contains(": a BAM file of reads; expected text"));
    assert!(message(&gzip(b"PAR1\x15\n")).contains(": a Parquet file inside gzip; expected text"));
    assert!(message(b"ab\n\xff\xfe\n").contains("line 2: not UTF-8"));
}

#[test]
fn a_missing_file_and_a_folder_name_the_path() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("none.txt");
    let error = Lines::open(&missing).err().unwrap().to_string();
    assert!(error.contains("none.txt"), "{error}");
    assert!(Lines::open(dir.path()).is_err());
}

#[test]
fn a_line_given_back_comes_again_with_its_number() {
    let mut lines = Lines::new("text", &b"\n \nfirst\nsecond\n"[..]);
    let mut line = String::new();
    assert!(lines.read_filled(&mut line).unwrap());
    assert_eq!((line.as_str(), lines.number()), ("first", 3));
    lines.unread("first");
    assert!(lines.read(&mut line).unwrap());
    assert_eq!((line.as_str(), lines.number()), ("first", 3));
    assert!(lines.read(&mut line).unwrap());
    assert_eq!((line.as_str(), lines.number()), ("second", 4));
    assert_eq!(lines.error("odd").to_string(), "text, line 4: odd");
}

#[test]
fn a_return_is_no_line_end_where_feeds_are() {
    assert!(message(b"a\rb\nc\r\n").contains("line 1: a carriage return inside"));
    let late = [&b"a\r".repeat(1 << 16)[..], b"b\nc\r"].concat();
    let found = message(&late);
    assert!(found.contains("line 65537: a line feed, where"), "{found}");
}

#[test]
fn no_control_character_reaches_the_terminal() {
    assert_eq!(
        printable("a\rb\x1b[31m\tc\nd é"),
        "a\\rb\\u{1b}[31m\tc\nd é"
    );
    assert_eq!(printable("\u{feff}chr1\u{200b}"), "\\u{feff}chr1\\u{200b}");
}

#[test]
fn byte_order_marks_of_files_that_were_put_together_are_no_part_of_a_name() {
    let mut lines = Lines::new("text", "\u{feff}a\n\u{feff}b\nc\u{feff}\n".as_bytes());
    let mut line = String::new();
    for expected in ["a", "b", "c\u{feff}"] {
        assert!(lines.read(&mut line).unwrap());
        assert_eq!(line, expected);
    }
}

#[test]
fn messages_stay_short() {
    assert_eq!(first_names(["a", "b"]), "'a', 'b'");
    assert_eq!(
        first_names(["a", "b", "c", "d", "e"]),
        "'a', 'b', 'c' and 2 more"
    );
    assert_eq!(excerpt("abc"), "'abc'");
    assert!(excerpt(&"é".repeat(100)).ends_with("é...'"));
}
