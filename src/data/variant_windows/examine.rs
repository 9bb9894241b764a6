//! What the genome says of an allele.

use super::edit::Edit;
use super::layout::Layout;
use super::normalize::{Change, normalize};
use crate::data::packed_genome::PackedGenome;
use crate::dna::bases;
use crate::io::vcf::{Alternative, Record};

/// Why an allele is not scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// ALT is `.`: the site varies nowhere.
    NoAlternative,
    /// `<DEL>` and the like.
    Symbolic,
    Breakend,
    /// `*`.
    Overlapped,
    /// ALT is REF.
    Identical,
    /// N in an allele, or another ambiguity letter in REF.
    Ambiguous,
    /// The genome has no chromosome of this name.
    UnknownChromosome,
    /// The allele or a window of it reaches past an end of the chromosome.
    PastEnd,
    /// The longer allele does not lie in every window altogether.
    TooLong,
}

impl Cause {
    pub const ALL: [Cause; 9] = [
        Cause::NoAlternative,
        Cause::Symbolic,
        Cause::Breakend,
        Cause::Overlapped,
        Cause::Identical,
        Cause::Ambiguous,
        Cause::UnknownChromosome,
        Cause::PastEnd,
        Cause::TooLong,
    ];
}

/// What becomes of an allele.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// REF is in the genome.
    Match,
    /// REF is not in the genome, ALT is: scored with the alleles as the file names them.
    Exchanged,
    /// Neither is in the genome: not scored.
    Mismatch,
    Unscored(Cause),
}

impl Status {
    pub fn is_scored(self) -> bool {
        matches!(self, Status::Match | Status::Exchanged)
    }

    /// As tables name it; `None` where REF was not looked at or means nothing.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Status::Match => Some("match"),
            Status::Exchanged => Some("exchanged"),
            Status::Mismatch => Some("mismatch"),
            Status::Unscored(_) => None,
        }
    }
}

/// An allele, examined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Examined {
    Scored(Edit),
    Mismatch,
    Unscored(Cause),
}

impl Examined {
    pub fn status(&self) -> Status {
        match self {
            Examined::Scored(edit) if edit.exchanged => Status::Exchanged,
            Examined::Scored(_) => Status::Match,
            Examined::Mismatch => Status::Mismatch,
            Examined::Unscored(cause) => Status::Unscored(*cause),
        }
    }
}

/// The alleles of a site, one for each ALT; one without an alternative where ALT is `.`.
///
/// `exchanged` is what the genome says of REF and ALT alone: of an indel the shorter allele is in the genome wherever its bases
/// are, whatever follows them.
pub fn examine(genome: &PackedGenome, layout: &Layout, record: &Record) -> Vec<Examined> {
    if record.alternatives.is_empty() {
        return vec![Examined::Unscored(Cause::NoAlternative)];
    }
    let chromosome = genome.chromosomes().number(&record.chromosome);
    let alternatives = record.alternatives.iter();
    alternatives
        .map(|alternative| {
            let one = || {
                let bases = match alternative {
                    Alternative::Bases(bases) => bases,
                    Alternative::Symbolic(_) => return Err(Cause::Symbolic),
                    Alternative::Breakend(_) => return Err(Cause::Breakend),
                    Alternative::Overlapped => return Err(Cause::Overlapped),
                };
                let chromosome = chromosome.ok_or(Cause::UnknownChromosome)?;
                scored(genome, layout, record, chromosome, bases)
            };
            one().unwrap_or_else(Examined::Unscored)
        })
        .collect()
}

/// Whether REF is not what the genome has there, whatever ALT is. Ambiguity letters of REF fit everything; so does all of a
/// chromosome that the genome does not have.
pub fn reference_differs(genome: &PackedGenome, record: &Record) -> bool {
    let Some(chromosome) = genome.chromosomes().number(&record.chromosome) else {
        return false;
    };
    let mut found = vec![bases::N; record.reference.len()];
    let end = record.last();
    if record.position == 0 || end > u64::from(genome.chromosomes().length(chromosome)) {
        return true;
    }
    genome.codes(chromosome, record.position as i64 - 1, &mut found);
    let named = record.reference.bytes().map(bases::code);
    let differs = |(there, named): (&u8, Option<u8>)| {
        named.is_some_and(|named| named < bases::N && named != *there)
    };
    found.iter().zip(named).any(differs)
}

fn scored(
    genome: &PackedGenome,
    layout: &Layout,
    record: &Record,
    chromosome: u32,
    alternative: &str,
) -> Result<Examined, Cause> {
    let length = i64::from(genome.chromosomes().length(chromosome));
    let start = record.position as i64 - 1;
    if start < 0 || start + record.reference.len() as i64 > length {
        return Err(Cause::PastEnd);
    }
    let (reference, alternative) = (codes(&record.reference)?, codes(alternative)?);
    if reference == alternative {
        return Err(Cause::Identical);
    }
    let in_genome = |allele: &[u8]| {
        let mut found = vec![bases::N; allele.len()];
        genome.codes(chromosome, start, &mut found);
        found == allele
    };
    let (removed, inserted, exchanged) = match () {
        () if in_genome(&reference) => (reference, alternative, false),
        () if in_genome(&alternative) => (alternative, reference, true),
        () => return Ok(Examined::Mismatch),
    };
    let change = Change {
        start,
        removed,
        inserted,
    };
    let base = |place: i64| {
        let mut code = [bases::N];
        genome.codes(chromosome, place, &mut code);
        code[0]
    };
    let edit = Edit {
        chromosome,
        change: normalize(change, base),
        exchanged,
    };
    let flanks = layout.flanks(&edit).ok_or(Cause::TooLong)?;
    let first = edit.change.start - flanks.left as i64;
    let end = edit.change.start + (edit.change.removed.len() + flanks.right) as i64;
    match first >= 0 && end <= length {
        true => Ok(Examined::Scored(edit)),
        false => Err(Cause::PastEnd),
    }
}

/// The codes of an allele, all of them bases.
fn codes(allele: &str) -> Result<Vec<u8>, Cause> {
    let code = |b: u8| bases::code(b).filter(|&code| code < bases::N);
    let codes: Option<Vec<u8>> = allele.bytes().map(code).collect();
    codes.ok_or(Cause::Ambiguous)
}
