//! A file of variants, looked over before anything is computed.

use super::tally::Tally;
use crate::data::packed_genome::PackedGenome;
use crate::data::variant_windows::{Examined, Layout, Status, examine};
use crate::dna::bases;
use crate::io::distinct::Distinct;
use crate::io::stored::Stored;
use crate::io::text::excerpt;
use crate::io::vcf::{Contig, Reader, Record, Wanted};
use crate::{Error, Result};
use std::path::Path;

/// What there is in a file.
#[derive(Clone, Debug)]
pub struct Survey {
    pub tally: Tally,
    /// Lines.
    pub records: u64,
    /// The chromosomes of its lines, in order; with the genome's lengths.
    pub contigs: Vec<Contig>,
}

/// Reads a file of variants to its end.
///
/// # Errors
/// Those of [`Reader`]; a file without a variant, or without one in the wanted regions; one of which no chromosome is in the
/// genome; no allele that can be scored. With `strict` the first REF that is not in the genome.
pub fn survey(
    vcf: &Stored,
    wanted: Option<&Wanted>,
    genome: &PackedGenome,
    layout: &Layout,
    strict: bool,
) -> Result<Survey> {
    let mut reader = Reader::open(vcf, wanted)?;
    let (mut tally, mut names, mut records) = (Tally::default(), Distinct::default(), 0);
    while let Some(record) = reader.read()? {
        records += 1;
        names.add(record.chromosome.as_str());
        for found in examine(genome, layout, &record) {
            let status = found.status();
            if strict && matches!(status, Status::Exchanged | Status::Mismatch) {
                return Err(differs(genome, vcf.path(), &record, &found));
            }
            tally.add(status, || record.place());
        }
    }
    let known = genome.chromosomes();
    match wanted {
        _ if records > 0 => {}
        Some(wanted) => {
            return Err(Error::invalid(format!(
                "no variant of {} lies in the regions wanted, on {}",
                vcf.path().display(),
                wanted.shown()
            )));
        }
        None => {
            return Err(Error::format(
                vcf.path(),
                "no variants: the file ends after its header; expected lines of CHROM POS ID REF ALT and so on",
            ));
        }
    }
    if names
        .names()
        .iter()
        .all(|name| known.number(name).is_none())
    {
        return Err(known.nothing_in_common(vcf.path(), names.names()));
    }
    if tally.scored() == 0 {
        return Err(Error::invalid(format!(
            "no variant of {} can be scored with the genome {}: {}",
            vcf.path().display(),
            known.path.display(),
            tally.sentences().join("; ")
        )));
    }
    let contig = |name: &String| Contig {
        name: name.clone(),
        length: known.number(name).map(|number| known.length(number)),
    };
    Ok(Survey {
        tally,
        records,
        contigs: names.names().iter().map(contig).collect(),
    })
}

/// The error for a REF that is not in the genome.
fn differs(genome: &PackedGenome, vcf: &Path, record: &Record, found: &Examined) -> Error {
    let mut there = String::new();
    if let Some(number) = genome.chromosomes().number(&record.chromosome) {
        let mut codes = vec![bases::N; record.reference.len()];
        genome.codes(number, record.position as i64 - 1, &mut codes);
        there.extend(codes.iter().map(|&code| bases::letter(code) as char));
    }
    let alternative = match found.status() {
        Status::Exchanged => "; ALT is in the genome: REF and ALT are exchanged",
        _ => "",
    };
    record.error(
        vcf,
        format!(
            "REF {} of {}:{}, where {} has {}{alternative}; --strict takes no such line",
            excerpt(&record.reference),
            record.chromosome,
            record.position,
            genome.chromosomes().path.display(),
            excerpt(&there),
        ),
    )
}
