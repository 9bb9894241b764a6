//! A genome in memory at two bits a base.

use std::fmt::Write as _;
use std::path::Path;

use rayon::prelude::*;

use super::regions::Regions;
use crate::dna::bases;
use crate::dna::span::Span;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::distinct::Distinct;
use crate::io::fasta::{Want, read_fasta};
use crate::io::hash::sha256;
use crate::io::sources::check_no_stream;
use crate::io::text::{Lines, first_names};
use crate::io::two_bit::TwoBit;
use crate::numbers::{counted, is_or_are};
use crate::{Error, Result};

/// The chromosomes in use: four bases a byte, and where no base is known.
pub struct PackedGenome {
    chromosomes: Chromosomes,
    packed: Vec<Packed>,
}

#[derive(Clone, Debug, Default)]
struct Packed {
    /// Base i is in bits 2(i mod 4) and above of byte i / 4; 0 where it is not known.
    bases: Vec<u8>,
    /// The runs of N and of other ambiguity letters, in order.
    unknown: Vec<Span>,
}

impl PackedGenome {
    /// Reads a FASTA (plain, gzip or bgzip) or a 2bit file. `chromosomes` says which records are in use and in
    /// what order; without it all are, in the order of the file.
    ///
    /// Errors: a chromosome that the file lacks (shows both sides' first names when it lacks all),
    /// one of another length than in `chromosomes`, one that comes twice or without a base, those
    /// of the readers; a pipe.
    pub fn read(genome: &Path, chromosomes: Option<&Chromosomes>) -> Result<PackedGenome> {
        check_no_stream(genome, "genomes")?;
        let (found, seen) = match TwoBit::open(genome)? {
            Some(two_bit) => read_two_bit(two_bit, genome, chromosomes)?,
            None => read_records(genome, chromosomes)?,
        };
        match chromosomes {
            Some(all) => Self::in_order(genome, all, found, seen.names()),
            None => {
                let list = found
                    .iter()
                    .map(|(name, _, length)| (name.clone(), *length));
                let known = Chromosomes::new(genome, list.collect());
                Ok(PackedGenome {
                    chromosomes: known
                        .ok_or_else(|| Error::format(genome, "a chromosome comes twice"))?,
                    packed: found.into_iter().map(|(_, packed, _)| packed).collect(),
                })
            }
        }
    }

    fn in_order(
        fasta: &Path,
        all: &Chromosomes,
        found: Vec<Found>,
        seen: &[String],
    ) -> Result<PackedGenome> {
        let mut packed = vec![None; all.len()];
        for (name, chromosome, _) in found {
            if let Some(number) = all.number(&name) {
                packed[number as usize] = Some(chromosome);
            }
        }
        let missing = all.names().iter().zip(&packed);
        let missing: Vec<&String> = missing
            .filter(|(_, p)| p.is_none())
            .map(|(n, _)| n)
            .collect();
        if missing.len() == all.len() {
            return Err(all.nothing_in_common(fasta, seen));
        }
        if !missing.is_empty() {
            return Err(Error::invalid(format!(
                "{} of {} {} not in {}: {}",
                counted(missing.len(), "chromosome"),
                all.path.display(),
                is_or_are(missing.len()),
                fasta.display(),
                first_names(missing)
            )));
        }
        Ok(PackedGenome {
            chromosomes: all.clone(),
            packed: packed.into_iter().flatten().collect(),
        })
    }

    pub fn chromosomes(&self) -> &Chromosomes {
        &self.chromosomes
    }

    /// The bases that are not known: N and the other ambiguity letters.
    pub fn unknown(&self) -> Regions {
        let spans = (0..)
            .zip(&self.packed)
            .flat_map(|(number, packed)| packed.unknown.iter().map(move |&span| (number, span)));
        Regions::merge(self.packed.len(), spans)
    }

    /// Puts the codes (0 to 3 for A, C, G, T; 4 for N) of the bases from `start` on into `out`;
    /// 4 before the chromosome and past its end. Panics when there is no such chromosome.
    pub fn codes(&self, chromosome: u32, start: i64, out: &mut [u8]) {
        out.fill(bases::N);
        let length = i64::from(self.chromosomes.length(chromosome));
        let end = start.saturating_add(out.len() as i64);
        let (first, last) = (start.max(0), end.min(length));
        if first < last {
            let inside = &mut out[(first - start) as usize..(last - start) as usize];
            self.packed[chromosome as usize].codes(first as usize, inside);
        }
    }

    /// Of names, lengths and bases of the chromosomes in use, in hexadecimal: the same for FASTA and 2bit, and whatever the
    /// length of lines.
    pub fn digest(&self) -> String {
        let of_bases: Vec<String> = self
            .packed
            .par_iter()
            .map(|packed| {
                let spans = packed.unknown.iter();
                let unknown = spans.flat_map(|span| [span.start, span.end].map(u32::to_le_bytes));
                let unknown: Vec<u8> = unknown.flatten().collect();
                format!("{}{}", sha256(&packed.bases), sha256(&unknown))
            })
            .collect();
        let mut all = String::new();
        for (number, bases) in (0..).zip(of_bases) {
            let name = &self.chromosomes.names()[number as usize];
            let _ = writeln!(all, "{name}\t{}\t{bases}", self.chromosomes.length(number));
        }
        sha256(all.as_bytes())
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        let one = |p: &Packed| p.bases.len() + size_of::<Span>() * p.unknown.len();
        self.packed.iter().map(one).sum()
    }
}

/// A chromosome's name, bases and length.
type Found = (String, Packed, u32);

/// The chromosomes of a FASTA that are in use, in its order, and the names that were met.
fn read_records(fasta: &Path, chromosomes: Option<&Chromosomes>) -> Result<(Vec<Found>, Distinct)> {
    let mut lines = Lines::open(fasta)?;
    let (mut seen, mut twice) = (Distinct::default(), None);
    let mut waiting = chromosomes.map(Chromosomes::len);
    let want = |name: &str| {
        if waiting == Some(0) {
            return Want::Stop;
        }
        if !seen.add(name) {
            twice = Some(name.to_string());
            return Want::Stop;
        }
        match (chromosomes, &mut waiting) {
            (Some(known), _) if known.number(name).is_none() => Want::Skip,
            (_, Some(count)) => {
                *count -= 1;
                Want::Keep
            }
            _ => Want::Keep,
        }
    };
    let mut found = Vec::new();
    read_fasta(&mut lines, want, |record| {
        let (name, line) = (record.name, Some(record.line));
        found.push(pack(fasta, line, name, &record.codes, chromosomes)?);
        Ok(())
    })?;
    match twice {
        Some(name) => Err(lines.error(format!("chromosome '{name}' comes twice"))),
        None => Ok((found, seen)),
    }
}

/// As [`read_records`], of a 2bit genome.
fn read_two_bit(
    mut genome: TwoBit,
    path: &Path,
    chromosomes: Option<&Chromosomes>,
) -> Result<(Vec<Found>, Distinct)> {
    let (mut found, mut seen) = (Vec::new(), Distinct::default());
    for (name, length) in genome.chromosomes().to_vec() {
        if chromosomes.is_none_or(|all| all.number(&name).is_some()) {
            let codes = genome.codes(&name, 0..u64::from(length))?;
            found.push(pack(path, None, name.clone(), &codes, chromosomes)?);
        }
        seen.add(name);
    }
    Ok((found, seen))
}

/// A chromosome, if it has bases, and as many as it should.
fn pack(
    path: &Path,
    line: Option<u64>,
    name: String,
    codes: &[u8],
    chromosomes: Option<&Chromosomes>,
) -> Result<Found> {
    let wrong = |message: String| Error::Format {
        path: path.to_path_buf(),
        line,
        message,
    };
    let length = match u32::try_from(codes.len()) {
        Ok(length) if length > 0 => length,
        Ok(_) => return Err(wrong(format!("chromosome '{name}' has no bases"))),
        Err(_) => return Err(wrong(format!("chromosome '{name}' has 2^32 bases or more"))),
    };
    if let Some(all) = chromosomes
        && let Some(expected) = all.number(&name).map(|number| all.length(number))
        && expected != length
    {
        return Err(wrong(format!(
            "chromosome '{name}' has {length} bases here and {expected} in {}; another build?",
            all.path.display()
        )));
    }
    Ok((name, Packed::new(codes), length))
}

impl Packed {
    fn new(codes: &[u8]) -> Packed {
        let byte = |four: &[u8]| {
            let bits = four.iter().enumerate();
            bits.fold(0, |byte, (i, &code)| byte | (code & 3) << (2 * i))
        };
        let mut unknown = Vec::<Span>::new();
        for (piece, at) in codes.chunks(4096).zip((0_u32..).step_by(4096)) {
            if !piece.contains(&bases::N) {
                continue;
            }
            for (&code, at) in piece.iter().zip(at..) {
                match unknown.last_mut() {
                    _ if code != bases::N => {}
                    Some(last) if last.end == at => last.end += 1,
                    _ => unknown.push(Span::new(at, at + 1)),
                }
            }
        }
        unknown.shrink_to_fit();
        Packed {
            bases: codes.chunks(4).map(byte).collect(),
            unknown,
        }
    }

    /// The codes from base `start` on, all of them on the chromosome.
    fn codes(&self, start: usize, out: &mut [u8]) {
        for (at, code) in (start..).zip(out.iter_mut()) {
            *code = self.bases[at / 4] >> (2 * (at % 4)) & 3;
        }
        let end = start + out.len();
        let first = self
            .unknown
            .partition_point(|span| span.end as usize <= start);
        for span in &self.unknown[first..] {
            if span.start as usize >= end {
                break;
            }
            let (from, to) = (span.start as usize, span.end as usize);
            out[from.max(start) - start..to.min(end) - start].fill(bases::N);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn genome(text: &str, sizes: Option<&str>) -> Result<PackedGenome> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("g.fa");
        std::fs::write(&path, text).unwrap();
        let sizes = sizes.map(|sizes| {
            let text = std::io::Cursor::new(sizes.to_string());
            Chromosomes::parse(Lines::new("c.sizes", text)).unwrap()
        });
        PackedGenome::read(&path, sizes.as_ref())
    }

    fn codes(genome: &PackedGenome, chromosome: u32, start: i64, length: usize) -> String {
        let mut out = vec![9; length];
        genome.codes(chromosome, start, &mut out);
        out.iter()
            .map(|&code| bases::letter(code) as char)
            .collect()
    }

    #[test]
    fn windows_reach_over_both_ends_and_hold_n_where_it_is() {
        let genome = genome(">a x\nACGTN\nRacg\n>b\nTT\n", None).unwrap();
        assert_eq!(genome.chromosomes().names(), ["a", "b"]);
        assert_eq!(genome.chromosomes().lengths(), [9, 2]);
        assert_eq!(codes(&genome, 0, -2, 13), "NNACGTNNACGNN");
        assert_eq!(codes(&genome, 0, 3, 2), "TN");
        assert_eq!(codes(&genome, 1, 1, 2), "TN");
        assert_eq!(codes(&genome, 1, 7, 2), "NN");
        assert_eq!(codes(&genome, 1, -7, 2), "NN");
        assert_eq!(genome.unknown().spans(0), [Span::new(4, 6)]);
    }

    #[test]
    fn sizes_choose_the_chromosomes_and_their_order() {
        let genome = genome(">a\nA\n>b\nCC\n>c\nGGG\n>d\n!\n", Some("c 3\na 1\n")).unwrap();
        assert_eq!(genome.chromosomes().names(), ["c", "a"]);
        assert_eq!(
            (codes(&genome, 0, 0, 3), codes(&genome, 1, 0, 1)),
            ("GGG".into(), "A".into())
        );
    }

    #[test]
    fn chromosomes_that_do_not_fit_are_errors() {
        for (fasta, sizes, expected) in [
            (
                ">a\nAC\n",
                Some("a 3\n"),
                "line 1: chromosome 'a' has 2 bases here and 3 in c.sizes",
            ),
            (">a\nAC\n", Some("chra 2\n"), ": 'a' there, 'chra' here"),
            (
                ">a\nAC\n",
                Some("a 2\nb 2\n"),
                "1 chromosome of c.sizes is not in",
            ),
            (
                ">a\nAC\n>b\nC\n>a\nAC\n",
                None,
                "line 5: chromosome 'a' comes twice",
            ),
            (">a\n>b\nC\n", None, "line 1: chromosome 'a' has no bases"),
            (">a\nAC\nX\n", None, "line 3: 'X' at base 1 is not DNA"),
        ] {
            let found = genome(fasta, sizes).err().unwrap().to_string();
            assert!(found.contains(expected), "{found}\n  expected: {expected}");
        }
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_back(text in "[ACGTNacgtnRY]{1,200}", start in 0_usize..200, length in 0_usize..60) {
            let mut expected = Vec::new();
            bases::encode(&text, &mut expected).unwrap();
            let packed = Packed::new(&expected);
            let start = start.min(expected.len());
            let end = (start + length).min(expected.len());
            let mut found = vec![9; end - start];
            packed.codes(start, &mut found);
            prop_assert_eq!(found, &expected[start..end]);
        }
    }
}
