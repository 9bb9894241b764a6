//! What stands before a VCF file's records.

use crate::io::text::{Lines, excerpt};
use crate::{Error, Result};

/// What a file begins with.
const MAGIC: &str = "##fileformat=VCFv";
/// The columns that every file has.
const COLUMNS: [&str; 8] = [
    "#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO",
];

/// The lines before the records, as they are in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The lines that begin with `##`, the version first.
    meta: Vec<String>,
    /// The line of the columns' names.
    columns: String,
}

impl Header {
    /// Reads up to the line of the columns' names.
    ///
    /// # Errors
    /// An empty file; another format or version; a record before the line of the columns' names, or no such line; columns
    /// of other names; those of [`Lines::read`].
    pub fn read(lines: &mut Lines) -> Result<Header> {
        let mut line = String::new();
        if !lines.read_filled(&mut line)? {
            return Err(lines.empty("a VCF file: ##fileformat=VCFv4.2 and so on"));
        }
        check_version(&line, lines)?;
        let mut meta = vec![line.clone()];
        while lines.read_filled(&mut line)? {
            if line.starts_with("##") {
                meta.push(line.clone());
                continue;
            }
            check_columns(&line, lines)?;
            return Ok(Header {
                meta,
                columns: line,
            });
        }
        Err(Error::format(
            lines.path(),
            format!(
                "the file ends in its header; expected a line of columns, {}",
                COLUMNS.join(" ")
            ),
        ))
    }

    /// The lines that begin with `##`.
    pub fn meta(&self) -> &[String] {
        &self.meta
    }

    /// The line of the columns' names.
    pub fn columns(&self) -> &str {
        &self.columns
    }

    /// The line of a contig.
    fn contig(&self, name: &str) -> Option<&str> {
        let mut meta = self.meta.iter().map(String::as_str);
        meta.find(|line| attribute(line, "contig", "ID") == Some(name))
    }

    /// Whether there is a line for this contig.
    pub fn has_contig(&self, name: &str) -> bool {
        self.contig(name).is_some()
    }

    /// How long a contig is by its line, in bases.
    pub fn contig_length(&self, name: &str) -> Option<u64> {
        attribute(self.contig(name)?, "contig", "length")?
            .parse()
            .ok()
    }
}

/// An attribute of a line like `##INFO=<ID=DP,...>`, if it is one of this kind and has it; a text without its quotes.
pub(super) fn attribute<'a>(line: &'a str, kind: &str, key: &str) -> Option<&'a str> {
    let rest = line.strip_prefix("##")?.strip_prefix(kind)?;
    let mut rest = rest.strip_prefix("=<")?;
    // Writers put the ID first; the format lets it stand anywhere.
    loop {
        let (name, behind) = rest.split_once('=')?;
        let (value, next) = match behind.strip_prefix('"') {
            Some(text) => {
                let ends = |&(i, _): &(usize, &str)| !text[..i].ends_with('\\');
                let (end, _) = text.match_indices('"').find(ends)?;
                (&text[..end], &text[end + 1..])
            }
            None => behind.split_at(behind.find([',', '>'])?),
        };
        if name.trim_start() == key {
            return Some(value);
        }
        rest = next.strip_prefix(',')?;
    }
}

fn check_version(line: &str, lines: &Lines) -> Result<()> {
    let version = line.trim_end().strip_prefix(MAGIC);
    match version {
        Some("4.0" | "4.1" | "4.2" | "4.3" | "4.4" | "4.5") => Ok(()),
        Some(version) => Err(lines.error(format!(
            "VCF version {}; expected 4.0 to 4.5: bcftools view can write one of these",
            excerpt(version)
        ))),
        None => Err(lines.error(format!(
            "{}; expected a VCF file, which begins with ##fileformat=VCFv4.2 or the like",
            excerpt(line)
        ))),
    }
}

fn check_columns(line: &str, lines: &Lines) -> Result<()> {
    if !line.starts_with('#') {
        return Err(lines.error(format!(
            "{}; expected a line of columns before the first variant, {}",
            excerpt(line),
            COLUMNS.join(" ")
        )));
    }
    let mut found = line.split('\t');
    match COLUMNS.iter().find(|&&name| found.next() != Some(name)) {
        None => Ok(()),
        Some(missing) => Err(lines.error(format!(
            "a line of columns without {missing} in its place; expected {}, separated by tabs",
            COLUMNS.join(" ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=9>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";

    fn read(text: &str) -> Result<Header> {
        Header::read(&mut Lines::new(
            "v.vcf",
            std::io::Cursor::new(text.to_string()),
        ))
    }

    #[test]
    fn lines_are_kept_and_contigs_known() {
        let header = read(GOOD).unwrap();
        assert_eq!(header.meta().len(), 2);
        assert!(header.columns().ends_with("INFO"));
        assert!(header.has_contig("chr1") && !header.has_contig("chr"));
        assert_eq!(header.contig_length("chr1"), Some(9));
        let odd = r#"##contig=<length=9,note="a \",ID=b",ID=a.1>"#;
        assert_eq!(attribute(odd, "contig", "ID"), Some("a.1"));
        assert_eq!(attribute(odd, "contig", "note"), Some(r#"a \",ID=b"#));
        for (line, kind) in [
            (odd, "INFO"),
            ("##contig", "contig"),
            ("##contig=<ID", "contig"),
        ] {
            assert_eq!(attribute(line, kind, "ID"), None, "{line}");
        }
    }

    #[test]
    fn all_versions_of_4_are_read_and_no_other() {
        for minor in 0..=5 {
            assert!(read(&GOOD.replace("4.2", &format!("4.{minor}"))).is_ok());
        }
        for version in ["3.3", "4.6", "4"] {
            let error = read(&GOOD.replace("4.2", version)).unwrap_err().to_string();
            let expected = format!("v.vcf, line 1: VCF version '{version}'; expected 4.0 to 4.5");
            assert!(error.starts_with(&expected), "{error}");
        }
    }

    #[test]
    fn faults_name_their_line() {
        for (text, expected) in [
            ("", "v.vcf: the file is empty; expected a VCF file"),
            (
                "chr1\t1\t5\n",
                "line 1: 'chr1\t1\t5'; expected a VCF file, which begins with ##fileformat",
            ),
            (
                "##fileformat=VCFv4.2\n",
                "v.vcf: the file ends in its header; expected a line of columns",
            ),
            (
                "##fileformat=VCFv4.2\nchr1\t5\t.\tA\tC\t.\t.\t.\n",
                "line 2: 'chr1\t5\t.\tA\tC\t.\t.\t.'; expected a line of columns before the first variant",
            ),
            (
                "##fileformat=VCFv4.2\n#CHROM POS ID REF ALT QUAL FILTER INFO\n",
                "line 2: a line of columns without #CHROM in its place",
            ),
            (
                "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n",
                "line 2: a line of columns without QUAL",
            ),
        ] {
            let found = read(text).unwrap_err().to_string();
            assert!(found.contains(expected), "{found}\n  expected: {expected}");
        }
    }
}
