//! The lines of a VCF file with what was found of their variants.

use super::rows::{Allele, Columns, Effect, shown};
use crate::io::vcf::{Contig, Field, Header, Kind, Writer, escaped, info_id};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// The field that says how REF compares with the genome.
const REFERENCE: &str = "CG_REF_MATCH";

/// A value of an effect for INFO.
type Value = fn(&Effect) -> Option<String>;

/// Which INFO fields there are: for each output one for each number.
pub struct VcfTable {
    fields: Vec<Field>,
    values: Vec<Value>,
    outputs: usize,
}

impl VcfTable {
    pub fn new(columns: &Columns) -> VcfTable {
        let mut parts: Vec<(&str, &str, Kind, Value)> = vec![
            ("REF_PRED", "Prediction with REF", Kind::Float, |e| {
                Some(shown(e.reference))
            }),
            ("ALT_PRED", "Prediction with ALT", Kind::Float, |e| {
                Some(shown(e.alternative))
            }),
            (
                "DIFF",
                "Prediction with ALT minus the one with REF",
                Kind::Float,
                |e| Some(shown(e.diff())),
            ),
        ];
        if columns.logits {
            parts.push((
                "LOGIT_DIFF",
                "Logit with ALT minus the one with REF",
                Kind::Float,
                |e| e.logit_diff.map(shown),
            ));
        }
        if columns.p_values {
            let what = "P-value of the difference among variants between shuffled flanks";
            parts.push(("PVAL", what, Kind::Float, |e| e.p_value.map(shown)));
        }
        if columns.quantiles {
            let what = "Quantile of the higher prediction of the two";
            parts.push(("QUANTILE", what, Kind::Float, |e| e.quantile.map(shown)));
        }
        if columns.motifs {
            let text: [Value; 2] = [
                |e| e.motif_gained.as_deref().map(escaped),
                |e| e.motif_lost.as_deref().map(escaped),
            ];
            parts.push((
                "MOTIF_GAINED",
                "Motif that gained most",
                Kind::Text,
                text[0],
            ));
            parts.push(("MOTIF_LOST", "Motif that lost most", Kind::Text, text[1]));
            let what = "That motif's part of the difference";
            parts.push(("MOTIF_DIFF", what, Kind::Float, |e| e.motif_diff.map(shown)));
        }
        let kinds: Vec<&str> = parts.iter().map(|(part, ..)| *part).collect();
        let mut fields = vec![Field {
            id: REFERENCE.to_string(),
            kind: Kind::Text,
            description: "REF against the genome: match, exchanged (ALT is in the genome) or mismatch (not scored)".to_string(),
        }];
        for (output, name) in columns.outputs.iter().zip(names(&columns.outputs, &kinds)) {
            fields.extend(parts.iter().map(|(part, what, kind, _)| Field {
                id: field_id(&name, part),
                kind: *kind,
                description: format!("{what}, output {output}"),
            }));
        }
        VcfTable {
            fields,
            values: parts.into_iter().map(|(_, _, _, value)| value).collect(),
            outputs: columns.outputs.len(),
        }
    }

    /// Writes the header.
    pub fn begin<'a>(
        &'a self,
        out: &'a mut dyn Write,
        header: &Header,
        contigs: &[Contig],
        notes: &[String],
    ) -> io::Result<Writer<'a>> {
        Writer::begin(out, header, contigs, notes, &self.fields)
    }

    /// Writes the line of a site with all of its alleles.
    pub fn write(&self, writer: &mut Writer, alleles: &[Allele]) -> io::Result<()> {
        let Some(first) = alleles.first() else {
            return Ok(());
        };
        let statuses = alleles.iter();
        let statuses = statuses.map(|allele| allele.status.name().map(String::from));
        let mut values = vec![statuses.collect::<Vec<_>>()];
        for output in 0..self.outputs {
            values.extend(self.values.iter().map(|value| {
                let effects = alleles.iter().map(|allele| allele.effects.get(output));
                effects.map(|effect| effect.and_then(value)).collect()
            }));
        }
        writer.record(&first.record.text, &values)
    }
}

fn field_id(name: &str, part: &str) -> String {
    format!("CG_{name}_{part}")
}

/// The outputs' names as parts of IDs, so that no ID comes twice: `X_MOTIF` has a `DIFF` and `X` a `MOTIF_DIFF`.
fn names(outputs: &[String], parts: &[&str]) -> Vec<String> {
    let mut taken = BTreeSet::from([REFERENCE.to_string()]);
    let unique = |output: &String| {
        let name = info_id(output);
        let ids =
            |name: &str| -> Vec<String> { parts.iter().map(|part| field_id(name, part)).collect() };
        let more = (2..).map(|i: u32| format!("{name}_{i}"));
        let mut all = std::iter::once(name.clone()).chain(more);
        let free = all.find(|name| ids(name).iter().all(|id| !taken.contains(id)));
        let free = free.unwrap_or(name);
        taken.extend(ids(&free));
        free
    };
    outputs.iter().map(unique).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_that_are_spelled_alike_get_numbers() {
        let outputs = ["a b", "a+b", "c", "a_b", "X", "X_MOTIF", "REF"].map(String::from);
        assert_eq!(
            names(&outputs, &["DIFF", "MOTIF_DIFF", "MATCH"]),
            ["a_b", "a_b_2", "c", "a_b_3", "X", "X_MOTIF_2", "REF_2"]
        );
    }
}
