//! Tables of variants: one line for a variant and an output, one line for a variant, or other programs' names.

use super::rows::{Allele, Columns, Effect, or_empty, shown};
use crate::data::variant_windows::Status;
use std::io::{self, Write};
use std::path::Path;

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Table(Form),
    /// The lines of the VCF file, with more in INFO.
    Vcf,
}

/// A table of lines with tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A line for each variant and output.
    Long,
    /// A line for each variant, with columns for each output. Columns that would be empty throughout are left out.
    Wide,
    /// The names of variant-scorer's columns and behind them `ref_match`, a line for each variant that is scored.
    VariantScorer,
}

/// A name that ends in `.vcf` or `.vcf.gz`.
pub fn is_vcf_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_ascii_lowercase();
    name.ends_with(".vcf") || name.ends_with(".vcf.gz")
}

/// A name of a VCF as it is not written: BCF, or another packing.
pub fn is_other_vcf_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_ascii_lowercase();
    let packed = name
        .rsplit_once('.')
        .is_some_and(|(rest, _)| rest.ends_with(".vcf"));
    name.ends_with(".bcf") || packed && !is_vcf_name(path)
}

/// A table of lines with tabs, written line by line.
pub struct Table<'a> {
    out: &'a mut dyn Write,
    columns: &'a Columns,
    form: Form,
}

/// A column of an effect: its name, and what is in it.
type Part = (&'static str, fn(&Effect) -> String);

const REFERENCE: fn(&Effect) -> String = |effect| shown(effect.reference);
const ALTERNATIVE: fn(&Effect) -> String = |effect| shown(effect.alternative);
const DIFF: fn(&Effect) -> String = |effect| shown(effect.diff());
const LOGIT_DIFF: Part = ("logit_diff", |effect| or_empty(effect.logit_diff));
const P_VALUE: fn(&Effect) -> String = |effect| or_empty(effect.p_value);
const QUANTILE: fn(&Effect) -> String = |effect| or_empty(effect.quantile);

impl<'a> Table<'a> {
    /// Writes the notes, each behind `# `, and the columns' names. Other programs' tables have no notes.
    pub fn begin(
        out: &'a mut dyn Write,
        columns: &'a Columns,
        form: Form,
    ) -> io::Result<Table<'a>> {
        let table = Table { out, columns, form };
        if form != Form::VariantScorer {
            for note in &columns.notes {
                writeln!(table.out, "# {}", note.replace(['\n', '\r'], " "))?;
            }
        }
        let mut names: Vec<String> = match form {
            Form::VariantScorer => vec!["chr", "pos", "allele1", "allele2", "variant_id"],
            Form::Long => vec!["chrom", "pos", "id", "ref", "alt", "output"],
            Form::Wide => vec!["chrom", "pos", "id", "ref", "alt", "ref_match"],
        }
        .into_iter()
        .map(String::from)
        .collect();
        let parts = table.parts();
        match form {
            Form::Long => {
                let own = parts.iter().map(|(name, _)| name.to_string());
                names.extend(own);
                // Behind the numbers, before the motifs.
                let motifs = names.len() - 3;
                names.insert(motifs, "ref_match".to_string());
            }
            _ => {
                let prefixed = form != Form::VariantScorer || columns.outputs.len() > 1;
                for output in &columns.outputs {
                    names.extend(parts.iter().map(|(name, _)| match prefixed {
                        true => format!("{output}.{name}"),
                        false => name.to_string(),
                    }));
                }
            }
        }
        if form == Form::VariantScorer {
            names.push("ref_match".to_string());
        }
        writeln!(table.out, "{}", names.join("\t"))?;
        Ok(table)
    }

    fn parts(&self) -> Vec<Part> {
        let columns = self.columns;
        let long = self.form == Form::Long;
        if self.form == Form::VariantScorer {
            let mut parts: Vec<Part> = vec![
                ("allele1_pred", REFERENCE),
                ("allele2_pred", ALTERNATIVE),
                ("diff", DIFF),
                ("abs_diff", |effect| shown(effect.diff().abs())),
                ("active_allele_quantile", QUANTILE),
            ];
            if columns.p_values {
                parts.push(("diff.pval", P_VALUE));
            }
            if columns.logits {
                parts.push(LOGIT_DIFF);
            }
            return parts;
        }
        let mut parts: Vec<Part> = vec![
            ("ref_pred", REFERENCE),
            ("alt_pred", ALTERNATIVE),
            ("diff", DIFF),
        ];
        if columns.logits {
            parts.push(LOGIT_DIFF);
        }
        if long || columns.p_values {
            parts.push(("pval", P_VALUE));
        }
        if long || columns.quantiles {
            parts.push(("active_allele_quantile", QUANTILE));
        }
        if long || columns.motifs {
            parts.push(("motif_gained", |effect| {
                effect.motif_gained.clone().unwrap_or_default()
            }));
            parts.push(("motif_lost", |effect| {
                effect.motif_lost.clone().unwrap_or_default()
            }));
            parts.push(("motif_diff", |effect| or_empty(effect.motif_diff)));
        }
        parts
    }

    /// Writes a variant. Alleles that are not scored have no line, but those whose REF is not in the genome, in this program's
    /// own tables: with empty columns.
    pub fn write(&mut self, allele: &Allele) -> io::Result<()> {
        let scored = allele.status.is_scored();
        let other = self.form == Form::VariantScorer;
        if !scored && (other || allele.status != Status::Mismatch) {
            return Ok(());
        }
        let (record, parts) = (allele.record, self.parts());
        let (chromosome, position) = (&record.chromosome, record.position);
        let (reference, alternative) = (&record.reference, allele.text());
        let status = allele.status.name().unwrap_or_default();
        let numbers = |output: usize| -> Vec<String> {
            let effect = allele.effects.get(output);
            let value = |(_, value): &Part| effect.map_or_else(String::new, value);
            parts.iter().map(value).collect()
        };
        let outputs = 0..self.columns.outputs.len();
        if self.form == Form::Long {
            for output in outputs {
                let mut numbers = numbers(output);
                numbers.insert(numbers.len() - 3, status.to_string());
                let (id, name) = (&record.id, &self.columns.outputs[output]);
                writeln!(
                    self.out,
                    "{chromosome}\t{position}\t{id}\t{reference}\t{alternative}\t{name}\t{}",
                    numbers.join("\t")
                )?;
            }
            return Ok(());
        }
        match other {
            // A site without a name gets one, by which its line can be found.
            true if record.id == "." => write!(
                self.out,
                "{chromosome}\t{position}\t{reference}\t{alternative}\t{chromosome}:{position}:{reference}:{alternative}"
            )?,
            true => write!(
                self.out,
                "{chromosome}\t{position}\t{reference}\t{alternative}\t{}",
                record.id
            )?,
            false => write!(
                self.out,
                "{chromosome}\t{position}\t{}\t{reference}\t{alternative}\t{status}",
                record.id
            )?,
        }
        for number in outputs.flat_map(numbers) {
            write!(self.out, "\t{number}")?;
        }
        match other {
            true => writeln!(self.out, "\t{status}"),
            false => writeln!(self.out),
        }
    }
}
