//! What a file is instead of what was expected, by its first bytes: the one table of magics for all readers.

use std::io::Read;

use flate2::read::MultiGzDecoder;

/// A format of the trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    name: &'static str,
    /// What to do where text is expected.
    advice: &'static str,
    /// Packed with gzip as its own programs write it.
    gzipped: bool,
}

const fn kind(name: &'static str, advice: &'static str) -> Kind {
    Kind {
        name,
        advice,
        gzipped: false,
    }
}

const fn gzipped(name: &'static str, advice: &'static str) -> Kind {
    Kind {
        name,
        advice,
        gzipped: true,
    }
}

const BIGBED: Kind = kind("a bigBed file", "convert it with bigBedToBed");
const BIGWIG: Kind = kind("a bigWig file", "convert it with bigWigToBedGraph");
const TWO_BIT: Kind = kind(
    "a 2bit genome",
    "give it as a genome, or convert it with twoBitToFa",
);
const TABLE: &str = "save it as tab-separated text";
const UTF_16: Kind = kind(
    "text in UTF-16",
    "save it in UTF-8 (Excel's \"Text (Tab delimited)\")",
);
const CRAM: Kind = kind(
    "a CRAM file of reads",
    "convert it with samtools view -b and bedtools bamtobed",
);
const INDEX: Kind = gzipped("an index", "name the file that it belongs to");

/// First bytes that tell a format; numbers in either byte order.
const MAGICS: &[(&[u8], Kind)] = &[
    (b"\xeb\xf2\x89\x87", BIGBED),
    (b"\x87\x89\xf2\xeb", BIGBED),
    (b"\x26\xfc\x8f\x88", BIGWIG),
    (b"\x88\x8f\xfc\x26", BIGWIG),
    (b"\x43\x27\x41\x1a", TWO_BIT),
    (b"\x1a\x41\x27\x43", TWO_BIT),
    (
        b"BAM\x01",
        gzipped("a BAM file of reads", "convert it with bedtools bamtobed"),
    ),
    // With the version after it: CRAMP1 is a gene.
    (b"CRAM\x02", CRAM),
    (b"CRAM\x03", CRAM),
    (b"CRAM\x04", CRAM),
    (
        b"BCF\x02",
        gzipped("a BCF file of variants", "convert it with bcftools view"),
    ),
    (b"BAI\x01", INDEX),
    (b"CSI\x01", INDEX),
    (b"TBI\x01", INDEX),
    (b"\x89HDF\r\n", kind("an HDF5 file", TABLE)),
    (
        b"\x93NUMPY",
        kind("a NumPy array", "write it as text with numpy.savetxt"),
    ),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        kind("an Excel workbook (.xls)", TABLE),
    ),
    // With the field of a page header after it: PAR1 is a region of X and Y.
    (b"PAR1\x15", kind("a Parquet file", TABLE)),
    (b"ARROW1\0\0", kind("an Arrow file", TABLE)),
    (b"\xff\xfe", UTF_16),
    (b"\xfe\xff", UTF_16),
    (
        b"BZh",
        kind("a file packed with bzip2", "unpack it with bunzip2"),
    ),
    (
        b"\xfd7zXZ\0",
        kind("a file packed with xz", "unpack it with unxz"),
    ),
    (
        b"\x28\xb5\x2f\xfd",
        kind("a file packed with zstd", "unpack it with unzstd"),
    ),
    (
        b"version https://git-lfs",
        kind(
            "a Git LFS pointer (the file itself was not fetched)",
            "fetch it with git lfs pull",
        ),
    ),
];

/// How a zip begins, whatever it holds.
const ZIP: &[u8] = b"PK\x03\x04";
/// The names of members of a zip that tell what it is.
const MEMBERS: &[(&[u8], Kind)] = &[
    (
        b"[Content_Types].xml",
        kind("an Excel workbook (.xlsx)", TABLE),
    ),
    (b"xl/", kind("an Excel workbook (.xlsx)", TABLE)),
    (
        b"data.pkl",
        kind(
            "a file that PyTorch saved",
            "name it where weights are asked for",
        ),
    ),
    (
        b".npy",
        kind(
            "NumPy arrays (.npz)",
            "write each as text with numpy.savetxt",
        ),
    ),
];

impl Kind {
    /// The message of a reader of text.
    pub fn instead_of_text(self, inside_gzip: bool) -> String {
        let (inside, first) = match inside_gzip && !self.gzipped {
            true => (" inside gzip", "unpack it, then "),
            false => ("", ""),
        };
        format!(
            "{}{inside}; expected text (plain, gzip or bgzip): {first}{}",
            self.name, self.advice
        )
    }
}

/// The format that a file's first bytes tell (some hundred are enough), if it is one that is known and no text of ours.
pub(super) fn named(head: &[u8]) -> Option<Kind> {
    let begins = |(magic, _): &&(&[u8], Kind)| head.starts_with(magic);
    if let Some((_, kind)) = MAGICS.iter().find(begins) {
        return Some(*kind);
    }
    if head.starts_with(ZIP) {
        let holds = |(name, _): &&(&[u8], Kind)| head.windows(name.len()).any(|w| w == *name);
        let zip = kind("a file packed with zip", "unpack it with unzip");
        return Some(MEMBERS.iter().find(holds).map_or(zip, |(_, kind)| *kind));
    }
    is_html(head).then_some(kind(
        "a web page (HTML: the download went wrong?)",
        "download the file itself",
    ))
}

/// Names a file's kind by its first bytes (some hundred are enough).
pub(super) fn describe(head: &[u8]) -> String {
    if let Some(kind) = named(head) {
        return kind.name.into();
    }
    match head {
        [] => "an empty file".into(),
        [0x1f, 0x8b, ..] => match named(&unpacked(head)) {
            Some(kind) if kind.gzipped => kind.name.into(),
            Some(kind) => format!("{} inside gzip", kind.name),
            None => "a gzip file".into(),
        },
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

/// The first bytes of what gzip packed, as far as they are there.
fn unpacked(head: &[u8]) -> Vec<u8> {
    let mut inside = Vec::new();
    // What comes before the end of the piece counts, whatever the error after it.
    let _ = MultiGzDecoder::new(head).take(64).read_to_end(&mut inside);
    inside
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
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    #[test]
    fn each_kind_is_named() {
        for (head, expected) in [
            (&b""[..], "an empty file"),
            (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
            (b"\x1f\x8b\x08", "a gzip file"),
            (b"\xeb\xf2\x89\x87\x04\0", "a bigBed file"),
            (b"\x88\x8f\xfc\x26", "a bigWig file"),
            (b"\x1a\x41\x27\x43", "a 2bit genome"),
            (b"CRAM\x03", "a CRAM file"),
            (b"\x93NUMPY\x01", "a NumPy array"),
            (b"PK\x03\x04", "a file packed with zip"),
            (
                b"PK\x03\x04....[Content_Types].xml",
                "an Excel workbook (.xlsx)",
            ),
            (b"PK\x03\x04....arr_0.npy", "NumPy arrays (.npz)"),
            (
                b"PK\x03\x04....archive/data.pkl",
                "a file that PyTorch saved",
            ),
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

    #[test]
    fn what_gzip_holds_is_named() {
        let gzip = |text: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        };
        assert_eq!(describe(&gzip(b"BAM\x01\0\0")), "a BAM file of reads");
        assert_eq!(
            describe(&gzip(b"\x43\x27\x41\x1a")),
            "a 2bit genome inside gzip"
        );
        let many = (0..4000_u32).map(|i| (i.wrapping_mul(i).wrapping_mul(7919) >> 7) as u8);
        let long = gzip(&b"BAM\x01".iter().copied().chain(many).collect::<Vec<u8>>());
        assert_eq!(describe(&long[..long.len() / 2]), "a BAM file of reads");
        assert_eq!(describe(&gzip(b"chr1")), "a gzip file");
    }

    #[test]
    fn readers_of_text_say_what_to_do() {
        let message = |head: &[u8], inside| named(head).unwrap().instead_of_text(inside);
        assert_eq!(
            message(b"\xeb\xf2\x89\x87", false),
            "a bigBed file; expected text (plain, gzip or bgzip): convert it with bigBedToBed"
        );
        assert_eq!(
            message(b"\xeb\xf2\x89\x87", true),
            "a bigBed file inside gzip; expected text (plain, gzip or bgzip): unpack it, then convert it with bigBedToBed"
        );
        assert_eq!(
            message(b"BAM\x01", true),
            "a BAM file of reads; expected text (plain, gzip or bgzip): convert it with bedtools bamtobed"
        );
        assert_eq!(named(b"MEME version 4\n"), None);
        assert_eq!(named(b""), None);
    }
}
