//! A file of variants, looked over before anything is computed.

use super::tally::Tally;
use crate::data::packed_genome::PackedGenome;
use crate::data::variant_windows::{Layout, Status, examine, reference_differs};
use crate::dna::bases;
use crate::io::distinct::Distinct;
use crate::io::seen::Seen;
use crate::io::stored::Stored;
use crate::io::text::excerpt;
use crate::io::vcf::{Contig, Header, Reader, Record, Wanted};
use crate::{Error, Result};
use std::path::Path;

/// What there is in a file.
#[derive(Clone, Debug)]
pub struct Survey {
    pub tally: Tally,
    /// Lines.
    pub records: u64,
    /// Those lines.
    pub seen: Seen,
    /// The chromosomes of its lines, in order; with the genome's lengths.
    pub contigs: Vec<Contig>,
    /// A chromosome that has another length in the file's header than in the genome: its name, both lengths.
    pub other_length: Option<(String, u64, u64)>,
}

impl Survey {
    /// What there is to say of the file before it is scored.
    pub fn sentences(&self, vcf: &Path, genome: &Path) -> Vec<String> {
        let mut sentences = self.tally.sentences();
        if let Some((name, here, there)) = &self.other_length {
            sentences.push(format!(
                "warning: by its header {} has {here} bases in {}, it has {there} in {}: is it the build that the variants were called on?",
                excerpt(name),
                vcf.display(),
                genome.display()
            ));
        }
        sentences
    }
}

/// Reads a file of variants to its end.
///
/// # Errors
/// Those of [`Reader`]; a file without a variant, or without one in the wanted regions; one of which no chromosome is in the
/// genome, or too many alleles are not; no allele that can be scored. With `strict` the first REF that is not in the genome.
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
        let found = examine(genome, layout, &record);
        if strict && reference_differs(genome, &record) {
            let exchanged = found.iter().any(|one| one.status() == Status::Exchanged);
            return Err(differs(genome, vcf.path(), &record, exchanged));
        }
        for one in found {
            tally.add(one.status(), || record.place());
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
    let contigs: Vec<Contig> = names.names().iter().map(contig).collect();
    let survey = Survey {
        tally,
        records,
        seen: reader.seen(),
        other_length: other_length(&contigs, reader.header()),
        contigs,
    };
    match survey.tally.is_of_another_genome() {
        false => Ok(survey),
        true => Err(Error::invalid(format!(
            "{} is of another genome than {}: {}; if the others are of this genome all the same, bcftools norm --check-ref x leaves out those that are not",
            vcf.path().display(),
            known.path.display(),
            survey.sentences(vcf.path(), &known.path).join("; ")
        ))),
    }
}

/// The first chromosome that has another length in the file's header than in the genome.
fn other_length(contigs: &[Contig], header: &Header) -> Option<(String, u64, u64)> {
    contigs.iter().find_map(|contig| {
        let there = u64::from(contig.length?);
        let here = header.contig_length(&contig.name)?;
        (here != there).then(|| (contig.name.clone(), here, there))
    })
}

/// The error for a REF that is not in the genome.
fn differs(genome: &PackedGenome, vcf: &Path, record: &Record, exchanged: bool) -> Error {
    let mut there = String::new();
    if let Some(number) = genome.chromosomes().number(&record.chromosome) {
        let mut codes = vec![bases::N; record.reference.len()];
        genome.codes(number, record.position as i64 - 1, &mut codes);
        there.extend(codes.iter().map(|&code| bases::letter(code) as char));
    }
    let alternative = match exchanged {
        true => "; ALT is in the genome: REF and ALT are exchanged",
        false => "",
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
