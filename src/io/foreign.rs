//! What a file is that is not what was asked for, said in a message's words.

/// Names a file's kind by its first bytes (some hundred are enough).
pub(super) fn describe(head: &[u8]) -> String {
    match head {
        [] => "an empty file".into(),
        [0x89, b'H', b'D', b'F', ..] => "an HDF5 file (Keras weights?)".into(),
        [0x1f, 0x8b, ..] => "a gzip file".into(),
        _ if head.starts_with(b"version https://git-lfs") => {
            "a Git LFS pointer (the file itself was not fetched)".into()
        }
        _ if is_html(head) => "a web page (HTML: the download went wrong?)".into(),
        _ if head
            .iter()
            .all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) =>
        {
            let first = String::from_utf8_lossy(head.get(..40).unwrap_or(head));
            format!(
                "text that begins with {:?}",
                first.lines().next().unwrap_or("")
            )
        }
        _ => format!(
            "a file that begins with the bytes {:02x?}",
            head.get(..8).unwrap_or(head)
        ),
    }
}

fn is_html(head: &[u8]) -> bool {
    let text = head.trim_ascii_start();
    [&b"<!doctype html"[..], b"<html"].iter().any(|tag| {
        text.get(..tag.len())
            .is_some_and(|t| t.eq_ignore_ascii_case(tag))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_named() {
        for (head, expected) in [
            (&b""[..], "an empty file"),
            (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
            (b"\x1f\x8b\x08", "a gzip file"),
            (b"version https://git-lfs.github.com/spec/v1", "a Git LFS"),
            (b"\n <!DOCTYPE HTML>\n<html>", "a web page"),
            (b"<html lang=en>", "a web page"),
            (b"<htm", "text that begins with \"<htm\""),
            (b"chr1\t5\nchr2", "text that begins with \"chr1\\t5\""),
            (b"\x00\x01", "the bytes [00, 01]"),
        ] {
            let found = describe(head);
            assert!(found.contains(expected), "{found}");
        }
    }
}
