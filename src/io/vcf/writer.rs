//! A VCF file with more in its INFO column.

use super::header::{Header, attribute};
use crate::Result;
use crate::io::atomic::{is_gzip_name, write_atomic, write_file_atomic};
use noodles_bgzf as bgzf;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// What an INFO field's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Float,
    Text,
}

/// An INFO field with a value for each ALT (`Number=A`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// As [`info_id`] makes it.
    pub id: String,
    pub kind: Kind,
    /// A sentence.
    pub description: String,
}

/// A chromosome of the records or of the genome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contig {
    pub name: String,
    /// In bases, where it is known.
    pub length: Option<u32>,
}

/// Writes what `fill` writes to `path`, whole or not at all: packed with bgzip, which an index can address, where the name ends
/// in `.gz`.
///
/// # Errors
/// Those of `fill`, and what the operating system says.
pub fn write_vcf(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    if !is_gzip_name(path) {
        return write_atomic(path, fill);
    }
    write_file_atomic(path, |temporary| {
        let file = BufWriter::new(File::options().write(true).open(temporary)?);
        let mut writer = bgzf::io::Writer::new(file);
        fill(&mut writer)?;
        writer.finish()?.flush()
    })
}

/// Whose fields these are, as their header lines say it.
const SOURCE: &str = env!("CARGO_PKG_NAME");

/// Writes the lines of a file with added fields. Those of an earlier run, and others of the same names, are left out.
pub struct Writer<'a> {
    out: &'a mut dyn Write,
    fields: &'a [Field],
    left_out: BTreeSet<String>,
    line: String,
}

impl<'a> Writer<'a> {
    /// Writes the header: the file's lines, a line for each of `contigs` that has none (readers warn of records on contigs that
    /// the header does not name), `notes` as lines `##cisgrad=...`, and a line for each field.
    pub fn begin(
        out: &'a mut dyn Write,
        header: &Header,
        contigs: &[Contig],
        notes: &[String],
        fields: &'a [Field],
    ) -> io::Result<Writer<'a>> {
        let mut left_out: BTreeSet<String> = fields.iter().map(|field| field.id.clone()).collect();
        for line in header.meta() {
            let id = attribute(line, "INFO", "ID");
            let earlier = attribute(line, "INFO", "Source") == Some(SOURCE);
            match id {
                Some(id) if earlier || left_out.contains(id) => {
                    left_out.insert(id.to_string());
                }
                _ if line.starts_with("##cisgrad=") => {}
                _ => writeln!(out, "{line}")?,
            }
        }
        for contig in contigs.iter().filter(|c| !header.has_contig(&c.name)) {
            let length = contig.length.map(|n| format!(",length={n}"));
            let length = length.unwrap_or_default();
            writeln!(out, "##contig=<ID={}{length}>", contig.name)?;
        }
        for note in notes {
            writeln!(out, "##cisgrad={}", note.replace(['\n', '\r'], " "))?;
        }
        for field in fields {
            let kind = match field.kind {
                Kind::Float => "Float",
                Kind::Text => "String",
            };
            let quoted = field.description.replace('\\', "\\\\").replace('"', "\\\"");
            writeln!(
                out,
                "##INFO=<ID={},Number=A,Type={kind},Description=\"{quoted}\",Source=\"{SOURCE}\">",
                field.id
            )?;
        }
        writeln!(out, "{}", header.columns())?;
        Ok(Writer {
            out,
            fields,
            left_out,
            line: String::new(),
        })
    }

    /// Writes a record's line. `values`: fields x ALTs, `None` where there is none; a field without any value is left out.
    /// Text as [`escaped`] makes it.
    pub fn record(&mut self, text: &str, values: &[Vec<Option<String>>]) -> io::Result<()> {
        let mut columns = text.splitn(9, '\t');
        self.line.clear();
        for column in columns.by_ref().take(7) {
            self.line.push_str(column);
            self.line.push('\t');
        }
        let info = self.line.len();
        let left_out = |item: &&str| {
            let key = item.split('=').next().unwrap_or_default();
            self.left_out.contains(key)
        };
        let kept = columns.next().unwrap_or_default().split(';');
        for item in kept.filter(|item| !matches!(*item, "" | ".") && !left_out(item)) {
            push_item(&mut self.line, info, item);
        }
        for (field, values) in self.fields.iter().zip(values) {
            if values.iter().any(Option::is_some) {
                let shown: Vec<&str> = values
                    .iter()
                    .map(|value| value.as_deref().unwrap_or("."))
                    .collect();
                let item = format!("{}={}", field.id, shown.join(","));
                push_item(&mut self.line, info, &item);
            }
        }
        if self.line.len() == info {
            self.line.push('.');
        }
        if let Some(rest) = columns.next() {
            self.line.push('\t');
            self.line.push_str(rest);
        }
        self.line.push('\n');
        self.out.write_all(self.line.as_bytes())
    }
}

/// Adds an item to the INFO column, which begins at `start`.
fn push_item(line: &mut String, start: usize, item: &str) {
    if line.len() > start {
        line.push(';');
    }
    line.push_str(item);
}

/// Text as a value of INFO: what has a meaning there as `%` and two hexadecimal digits (section 1.2 of the format), blanks
/// too, which versions before 4.3 do not allow.
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ':' | ';' | '=' | '%' | ',' | ' ' => shown.push_str(&format!("%{:02X}", c as u32)),
            c if c.is_control() => shown.push('_'),
            c => shown.push(c),
        }
    }
    shown
}

/// A name as part of an INFO field's ID, whose letters are A to Z, digits, `_` and `.`: other letters become `_`.
pub fn info_id(name: &str) -> String {
    let letter = |c: char| match c {
        c if c.is_ascii_alphanumeric() || c == '_' || c == '.' => c,
        _ => '_',
    };
    name.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::text::{Lines, Packing};

    const HEAD: &str = "##fileformat=VCFv4.3\n##INFO=<ID=CG_x,Number=1,Type=Float,Description=\"old\">\n\
        ##INFO=<ID=CG_z,Number=A,Type=Float,Description=\"old\",Source=\"cisgrad\">\n\
        ##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\n";

    fn fields() -> Vec<Field> {
        let field = |id: &str, kind| Field {
            id: id.to_string(),
            kind,
            description: "of \"x\"".to_string(),
        };
        vec![field("CG_x", Kind::Float), field("CG_y", Kind::Text)]
    }

    fn written(out: &mut dyn Write) -> io::Result<()> {
        let header = Header::read(&mut Lines::new("v", HEAD.as_bytes())).unwrap();
        let contig = |name: &str, length| Contig {
            name: name.to_string(),
            length,
        };
        let contigs = [
            contig("chr1", Some(5)),
            contig("chr2", Some(7)),
            contig("un", None),
        ];
        let (fields, notes) = (fields(), ["a\nb".to_string()]);
        let mut writer = Writer::begin(out, &header, &contigs, &notes, &fields)?;
        let value = |text: &str| Some(text.to_string());
        let both = [vec![value("1.5"), None], vec![None, value("A%2CB")]];
        writer.record("chr1\t5\t.\tA\tC,*\t.\t.\t.\tGT\t0/1\t1/1", &both)?;
        writer.record(
            "chr1\t6\t.\tA\tC\t.\t.\tDP=3;CG_x=7;CG_z=1;END=9",
            &both[..1],
        )?;
        let none = [vec![None], vec![None]];
        writer.record("chr1\t7\t.\tA\t<DEL>\t9\tPASS\tCG_x=7", &none)
    }

    #[test]
    fn fields_are_added_and_the_rest_stays() {
        let mut out = Vec::new();
        written(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[..8],
            [
                "##fileformat=VCFv4.3",
                "##contig=<ID=chr1>",
                "##contig=<ID=chr2,length=7>",
                "##contig=<ID=un>",
                "##cisgrad=a b",
                "##INFO=<ID=CG_x,Number=A,Type=Float,Description=\"of \\\"x\\\"\",Source=\"cisgrad\">",
                "##INFO=<ID=CG_y,Number=A,Type=String,Description=\"of \\\"x\\\"\",Source=\"cisgrad\">",
                "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1",
            ]
        );
        assert_eq!(
            lines[8..],
            [
                "chr1\t5\t.\tA\tC,*\t.\t.\tCG_x=1.5,.;CG_y=.,A%2CB\tGT\t0/1\t1/1",
                "chr1\t6\t.\tA\tC\t.\t.\tDP=3;END=9;CG_x=1.5,.",
                "chr1\t7\t.\tA\t<DEL>\t9\tPASS\t.",
            ]
        );
    }

    #[test]
    fn a_name_that_ends_in_gz_is_bgzip_with_the_same_text() {
        let folder = tempfile::tempdir().unwrap();
        let (plain, packed) = (folder.path().join("v.vcf"), folder.path().join("v.vcf.gz"));
        write_vcf(&plain, written).unwrap();
        write_vcf(&packed, written).unwrap();
        assert_eq!(Packing::of(&plain).unwrap(), Packing::Plain);
        assert_eq!(Packing::of(&packed).unwrap(), Packing::Bgzip);
        let text = |path: &Path| crate::io::text::read_text(path).unwrap();
        assert_eq!(text(&plain), text(&packed));
        let failing = |_: &mut dyn Write| Err(io::Error::other("no"));
        assert!(write_vcf(&folder.path().join("x.vcf.gz"), failing).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn names_and_values_are_spelled_as_the_format_allows() {
        assert_eq!(escaped("a=b; c,d%é\t"), "a%3Db%3B%20c%2Cd%25é_");
        assert_eq!(info_id("CD4+ T-cell.1é"), "CD4__T_cell.1_");
    }
}
