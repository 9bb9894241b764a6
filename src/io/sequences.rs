//! Sequences, of one length or of any, from any of the forms that users have them in.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::bed;
use super::bed::Interval;
use super::edges::Treatment;
use super::fasta::{Want, read_fasta};
use super::fields::Separator;
use super::genome;
use super::sources::check_no_stream;
use super::text::{Lines, excerpt, first_names};
use crate::dna::bases;
use crate::dna::sequences::{Place, Sequences, UnequalSequences};
use crate::numbers::counted;
use crate::{Error, Result};

/// Reads sequences, in the order of the file. What the file is, its first lines tell:
///
/// - FASTA, by `>`: the name is the first word of the header.
/// - BED, by whole numbers in columns 2 and 3: the sequences are cut from `genome` (FASTA, see
///   [`genome::extract`]), 0-based half-open, forward strand. The name is column 4 when every
///   line has one (`.` is none) and all differ, else `chr:start-end`.
/// - else a list: a name and a sequence a line, separated by a tab, a comma or spaces, in quotes or not.
///
/// `genome` is used for BED alone. Bases past a chromosome's end are N; intervals without a base on their chromosome are
/// left out, as are those on chromosomes that the genome lacks; a note counts each.
///
/// Errors name the line: an empty file or sequence, a character that is no base and no IUPAC
/// letter, a name that comes twice, the first sequence whose length differs from the first one's,
/// a BED file without a genome or of another build's intervals ([`Edges::note`](super::edges::Edges::note)).
pub fn read_sequences(
    path: impl AsRef<Path>,
    genome: Option<&Path>,
    notes: &mut Vec<String>,
) -> Result<Sequences> {
    parse_sequences(Lines::open(path.as_ref())?, genome, notes)
}

/// As [`read_sequences`], from lines that are open already.
pub fn parse_sequences(
    lines: Lines,
    genome: Option<&Path>,
    notes: &mut Vec<String>,
) -> Result<Sequences> {
    let found = parse(lines, genome, notes, Lengths::One)?;
    let starts = found.places.iter().flatten().map(|place| place.start);
    Ok(Sequences {
        starts: starts.collect(),
        kept: found.kept,
        path: found.path,
        // The parser has seen to it that there is one, and that all have its length.
        length: found.lengths.first().copied().unwrap_or(0),
        names: found.names,
        codes: found.codes,
        chromosomes: found
            .places
            .map(|places| places.into_iter().map(|place| place.chromosome).collect()),
    })
}

/// Sequences that may differ in length, in the same forms; places are those of BED intervals, or are read from names like
/// `chr1:100-200`, 0-based half-open, where all have such a name.
///
/// # Errors
/// Those of [`read_sequences`] but for lengths.
pub fn parse_unequal(
    lines: Lines,
    genome: Option<&Path>,
    notes: &mut Vec<String>,
) -> Result<UnequalSequences> {
    let found = parse(lines, genome, notes, Lengths::Any)?;
    let mut codes = Vec::with_capacity(found.codes.len() + found.lengths.len());
    let mut starts = Vec::with_capacity(found.lengths.len());
    let mut rest = &found.codes[..];
    for &length in &found.lengths {
        let (sequence, behind) = rest.split_at(length);
        starts.push(codes.len());
        codes.extend_from_slice(sequence);
        codes.push(bases::N);
        rest = behind;
    }
    let named = || {
        let names = found.names.iter().zip(&found.lengths);
        names
            .map(|(name, &length)| Place::in_name(name, length))
            .collect()
    };
    Ok(UnequalSequences {
        places: found.places.or_else(named),
        names: found.names,
        codes,
        starts,
    })
}

fn parse(
    mut lines: Lines,
    genome: Option<&Path>,
    notes: &mut Vec<String>,
    lengths: Lengths,
) -> Result<Found> {
    if let Some(genome) = genome {
        check_no_stream(genome, "genomes")?;
    }
    // Nothing but blank lines and comments: as a list it is either empty or faulty at the first.
    let kind = kind(&mut lines)?.unwrap_or(Kind::List);
    if let (Some(genome), Kind::Fasta | Kind::List) = (genome, &kind) {
        notes.push(format!(
            "note: {} holds sequences, no intervals: the genome {} is not read",
            lines.path().display(),
            genome.display()
        ));
    }
    match kind {
        Kind::Fasta => read_records(lines, lengths),
        Kind::List => read_list(lines, lengths),
        Kind::Bed => match genome {
            Some(genome) => read_intervals(lines, genome, notes, lengths),
            None => Err(Error::usage(format!(
                "{} is a BED file: its sequences come from a genome; add --genome FASTA",
                lines.path().display()
            ))),
        },
    }
}

/// Whether all sequences have one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    One,
    Any,
}

/// What a file holds.
struct Found {
    path: PathBuf,
    names: Vec<String>,
    lengths: Vec<usize>,
    /// One sequence after the other.
    codes: Vec<u8>,
    /// Of BED intervals.
    places: Option<Vec<Place>>,
    /// By BED interval: whether its sequence is here.
    kept: Vec<bool>,
}

enum Kind {
    Fasta,
    Bed,
    List,
}

/// Whether a file has nothing but blank lines and comments: a BED without an interval, if it is one. All lines are given
/// back.
///
/// # Errors
/// Those of [`Lines::read`].
pub fn holds_nothing(lines: &mut Lines) -> Result<bool> {
    Ok(kind(lines)?.is_none())
}

/// Looks at the lines up to the first that tells, and gives them all back.
fn kind(lines: &mut Lines) -> Result<Option<Kind>> {
    let mut seen = Vec::new();
    let mut line = String::new();
    let mut kind = None;
    while kind.is_none() && lines.read(&mut line)? {
        kind = if line.starts_with('>') {
            Some(Kind::Fasta)
        } else if bed::is_interval(&line) {
            Some(Kind::Bed)
        } else if line.trim().is_empty() || bed::is_header(&line) {
            None
        } else {
            Some(Kind::List)
        };
        seen.push(std::mem::take(&mut line));
    }
    for line in seen.iter().rev() {
        lines.unread(line);
    }
    Ok(kind)
}

/// Sequences as they come in, checked one by one.
struct Builder {
    rule: Lengths,
    names: Vec<String>,
    lengths: Vec<usize>,
    codes: Vec<u8>,
    line_of: HashMap<String, u64>,
}

impl Builder {
    fn new(rule: Lengths) -> Builder {
        Builder {
            rule,
            names: Vec::new(),
            lengths: Vec::new(),
            codes: Vec::new(),
            line_of: HashMap::new(),
        }
    }

    /// Takes a name at a line; the sequence has `length` bases.
    fn name(&mut self, path: &Path, line: u64, name: &str, length: usize) -> Result<()> {
        let wrong = |message| Err(Error::format_at(path, line, message));
        if length == 0 {
            return wrong(format!("sequence {} is empty", excerpt(name)));
        }
        if let Some(before) = self.line_of.insert(name.to_string(), line) {
            return wrong(format!(
                "sequence {} again, first on line {before}; names must be unique",
                excerpt(name)
            ));
        }
        let expected = self.lengths.first().copied().unwrap_or(length);
        if self.rule == Lengths::One && length != expected {
            let first = self.names.first().map_or("", String::as_str);
            return wrong(format!(
                "sequence {} has {}; expected {expected}, as the first one, {}, has: \
                 all must have one length",
                excerpt(name),
                counted(length, "base"),
                excerpt(first)
            ));
        }
        self.names.push(name.to_string());
        self.lengths.push(length);
        Ok(())
    }

    fn finish(self, lines: &Lines, expected: &str) -> Result<Found> {
        if self.names.is_empty() {
            return Err(lines.empty(expected));
        }
        Ok(Found {
            path: lines.path().to_path_buf(),
            names: self.names,
            lengths: self.lengths,
            codes: self.codes,
            places: None,
            kept: Vec::new(),
        })
    }
}

fn read_list(mut lines: Lines, lengths: Lengths) -> Result<Found> {
    let mut builder = Builder::new(lengths);
    let mut line = String::new();
    while lines.read_filled(&mut line)? {
        let columns = Separator::of_pair(lines.path(), &line)
            .split(&line)
            .map_err(|e| lines.error(e))?;
        let (name, sequence) = match &columns[..] {
            [name, sequence] if !name.is_empty() => (name.as_ref(), sequence.as_ref()),
            _ => {
                return Err(lines.error(format!(
                    "{} with {}; expected a name and a sequence, separated by a tab or spaces \
                     (or FASTA, or BED with whole numbers in columns 2 and 3)",
                    excerpt(&line),
                    counted(columns.len(), "column")
                )));
            }
        };
        bases::encode(sequence, &mut builder.codes).map_err(|e| {
            let word = sequence.chars().all(|c| c.is_alphanumeric() || c == '_');
            let header = match builder.names.is_empty() && word {
                true => " (a header? A list of sequences has none: remove it)",
                false => "",
            };
            lines.error(format!("sequence {}: {e}{header}", excerpt(name)))
        })?;
        builder.name(lines.path(), lines.number(), name, sequence.len())?;
    }
    builder.finish(
        &lines,
        "sequences: FASTA, BED, or a name and a sequence a line",
    )
}

fn read_records(mut lines: Lines, lengths: Lengths) -> Result<Found> {
    let mut builder = Builder::new(lengths);
    let path = lines.path().to_path_buf();
    read_fasta(
        &mut lines,
        |_| Want::Keep,
        |record| {
            builder.name(&path, record.line, &record.name, record.codes.len())?;
            builder.codes.extend_from_slice(&record.codes);
            Ok(())
        },
    )?;
    builder.finish(&lines, "FASTA records")
}

fn read_intervals(
    mut lines: Lines,
    genome: &Path,
    notes: &mut Vec<String>,
    lengths: Lengths,
) -> Result<Found> {
    let mut intervals = bed::read_bed(&mut lines)?;
    if lengths == Lengths::Any {
        // A peak with several summits has a line for each; its bases are the same.
        let mut seen = HashSet::new();
        let all = intervals.len();
        intervals.retain(|i| seen.insert((i.chromosome.clone(), i.start, i.end)));
        if intervals.len() < all {
            notes.push(format!(
                "note: {}: {} with the place of an earlier one: taken once",
                lines.path().display(),
                counted(all - intervals.len(), "interval")
            ));
        }
    }
    let named = {
        let names: HashSet<&str> = intervals.iter().filter_map(|i| i.name.as_deref()).collect();
        names.len() == intervals.len()
    };
    let name = |interval: &Interval| match &interval.name {
        Some(name) if named => name.clone(),
        _ => interval.place(),
    };
    let mut builder = Builder::new(lengths);
    for interval in intervals.iter().filter(|i| i.length() > 0) {
        let length = usize::try_from(interval.length()).unwrap_or(usize::MAX);
        builder.name(lines.path(), interval.line, &name(interval), length)?;
    }
    let cut = genome::extract(genome, lines.path(), &intervals)?;
    notes.extend(cut.edges.note(lines.path(), genome, Treatment::Fill)?);
    if cut.strangers.rows() > 0 {
        notes.push(format!(
            "note: {}: {} left out, on chromosomes that are not in {}: {}",
            lines.path().display(),
            counted(cut.strangers.rows(), "interval"),
            genome.display(),
            first_names(cut.strangers.names())
        ));
    }
    if cut.kept.is_empty() {
        let message = format!(
            "no interval has a base on its chromosome in {}",
            genome.display()
        );
        return Err(Error::format(lines.path(), message));
    }
    let kept = || cut.kept.iter().map(|&i| &intervals[i]);
    builder.names = kept().map(name).collect();
    builder.lengths = kept().map(|i| i.length() as usize).collect();
    builder.codes = cut.codes;
    let mut found = builder.finish(&lines, "BED intervals")?;
    let place = |interval: &Interval| Place {
        chromosome: interval.chromosome.clone(),
        start: interval.start,
    };
    found.places = Some(kept().map(place).collect());
    found.kept = vec![false; intervals.len()];
    cut.kept.iter().for_each(|&i| found.kept[i] = true);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_with(text: &str, genome: Option<&str>) -> Result<Sequences> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        std::fs::write(&path, text).unwrap();
        let fasta = folder.path().join("g.fa");
        if let Some(genome) = genome {
            std::fs::write(&fasta, genome).unwrap();
        }
        let mut notes = Vec::new();
        read_sequences(path, genome.map(|_| fasta.as_path()), &mut notes)
    }

    fn read(text: &str) -> Result<Sequences> {
        read_with(text, None)
    }

    const GENOME: &str = ">chr1\nAACC\nGGTT\n>chr2\nTTTTTTTT\n";

    #[test]
    fn a_list_and_a_fasta_file_hold_the_same_sequences() {
        for text in [
            "a\tACG\nb\tttR\n",
            "a   ACG\r\n\r\nb ttn",
            ">a with words\nAC\nG\n>b\nttN\n",
            "\n>a\r\nACG\r\n>b\r\ntt\r\nR\r\n",
        ] {
            let sequences = read(text).unwrap();
            assert_eq!(sequences.names, ["a", "b"]);
            assert_eq!((sequences.length, sequences.len()), (3, 2));
            assert_eq!(sequences.codes(0), [0, 1, 2]);
            assert_eq!(sequences.codes(1), [3, 3, 4]);
            assert_eq!(sequences.chromosome(0), None);
        }
    }

    #[test]
    fn sequences_may_differ_in_length_where_that_is_asked_for() {
        let unequal = |text: &str| {
            let lines = Lines::new("s", std::io::Cursor::new(text.to_string()));
            parse_unequal(lines, None, &mut Vec::new())
        };
        let found = unequal(">chr1:5-8\nACG\n>chr1:9-10\nT\n").unwrap();
        assert_eq!(found.names, ["chr1:5-8", "chr1:9-10"]);
        assert_eq!(found.codes, [0, 1, 2, 4, 3, 4]);
        assert_eq!([0, 2, 3, 4].map(|code| found.holding(code)), [0, 0, 0, 1]);
        let starts: Vec<u64> = found.places.unwrap().iter().map(|p| p.start).collect();
        assert_eq!((starts, found.starts), (vec![5, 9], vec![0, 4]));
        assert_eq!(unequal("a\tAC\nchr1:9-10\tT\n").unwrap().places, None);
        assert!(unequal("").is_err() && unequal(">a\n\n").is_err());
    }

    #[test]
    fn bed_intervals_are_cut_from_the_genome_in_file_order() {
        let bed = "track x\nchr2\t0\t3\tp2\nchr1\t2\t5\tp1\n";
        let sequences = read_with(bed, Some(GENOME)).unwrap();
        assert_eq!(sequences.names, ["p2", "p1"]);
        assert_eq!(sequences.codes, [3, 3, 3, 1, 1, 2]);
        assert_eq!(sequences.chromosome(0), Some("chr2"));
        assert_eq!(sequences.chromosome(1), Some("chr1"));
    }

    #[test]
    fn bed_intervals_past_the_end_are_filled_up_or_left_out() {
        let bed = "chr1\t6\t9\tp1\nchr2\t3\t3\tnone\nchr1\t8\t11\tp2\nchr2\t0\t3\tp3\n";
        let sequences = read_with(bed, Some(GENOME)).unwrap();
        assert_eq!(sequences.names, ["p1", "p3"]);
        assert_eq!(sequences.codes, [3, 3, 4, 3, 3, 3]);
        assert_eq!(sequences.chromosome(1), Some("chr2"));
    }

    #[test]
    fn bed_names_that_are_missing_or_repeated_give_way_to_places() {
        for bed in [
            "chr1\t0\t3\nchr1\t1\t4\n",
            "chr1\t0\t3\t.\nchr1\t1\t4\t.\n",
            "chr1\t0\t3\tp1\nchr1\t1\t4\t.\n",
            "chr1\t0\t3\tp1\nchr1\t1\t4\n",
            "#chrom start end\nchr1 0 3 p\nchr1 1 4 p\n",
        ] {
            let sequences = read_with(bed, Some(GENOME)).unwrap();
            assert_eq!(sequences.names, ["chr1:0-3", "chr1:1-4"], "{bed}");
        }
        let one = read_with("chr1\t0\t3\t.\n", Some(GENOME)).unwrap();
        assert_eq!(one.names, ["chr1:0-3"]);
    }

    #[test]
    fn names_of_places_carry_their_chromosome() {
        let sequences = read("chr7:5-8\tACG\npeak\tACG\n").unwrap();
        assert_eq!(sequences.chromosome(0), Some("chr7"));
        assert_eq!(sequences.chromosome(1), None);
    }

    #[test]
    fn every_fault_names_its_line() {
        for (text, expected) in [
            ("", "s: the file is empty; expected sequences"),
            ("\n\n", "s: the file is empty"),
            (
                "a\n",
                "line 1: 'a' with 1 column; expected a name and a sequence",
            ),
            ("a\tACG\tx\n", "line 1: 'a\tACG\tx' with 3 columns"),
            ("a\tACG\n\tACG\n", "line 2: "),
            (
                "a\tACG\nb\tAXG\n",
                "line 2: sequence 'b': 'X' at base 2 is not DNA",
            ),
            (
                "a\tACG\nb\tAC\n",
                "line 2: sequence 'b' has 2 bases; expected 3, as the first one, 'a', has",
            ),
            (
                "a\tACG\nb\tACG\na\tACG\n",
                "line 3: sequence 'a' again, first on line 1",
            ),
            ("a\tACG\nb\t\n", "line 2: sequence 'b' is empty"),
            (
                ">a\nACG\n>b\nAC\n",
                "line 3: sequence 'b' has 2 bases; expected 3",
            ),
            (
                ">a\nACG\n>a\nACG\n",
                "line 3: sequence 'a' again, first on line 1",
            ),
            (">a\n>b\nAC\n", "line 1: sequence 'a' is empty"),
            (">a\nAC-\n", "line 2: '-' at base 3 is not DNA"),
            (
                "# a comment\na\tACG\n",
                "line 1: '# a comment' with 3 columns",
            ),
        ] {
            let found = read(text).unwrap_err().to_string();
            assert!(found.contains(expected), "{found}\n  expected: {expected}");
        }
    }

    #[test]
    fn bed_faults_name_their_line_too() {
        for (text, expected) in [
            (
                "chr1\t0\t3\nchr1\t1\t5\n",
                "line 2: sequence 'chr1:1-5' has 4 bases; expected 3",
            ),
            (
                "chr1\t0\t3\nchr1\t0\t3\n",
                "line 2: sequence 'chr1:0-3' again, first on line 1",
            ),
            (
                "chr1\t8\t10\n",
                "s: no interval has a base on its chromosome in",
            ),
            ("1\t0\t3\n", "'1' there, 'chr1', 'chr2' here"),
            ("chr1\t0\t3\nchr1\tx\t3\n", "line 2: coordinate 'x'"),
            (
                "chr1\t0\t99999999999999\n",
                "line 1: interval chr1:0-99999999999999 has 99999999999999 bases, its chromosome 8 in",
            ),
        ] {
            let found = read_with(text, Some(GENOME)).unwrap_err().to_string();
            assert!(found.contains(expected), "{found}\n  expected: {expected}");
        }
        let found = read("chr1\t0\t3\n").unwrap_err();
        assert!(matches!(found, Error::Usage(_)), "{found}");
        assert!(found.to_string().contains("add --genome FASTA"), "{found}");
    }

    #[test]
    fn real_lists_are_read() {
        let Some(data) = crate::real_data::real_data() else {
            return;
        };
        let folder = data.join("tisfm");
        for (name, count, length) in [
            ("chr22_atac3/sequences.list.gz", 8710, 300),
            ("immgen_sample/sequences.list", 100, 251),
        ] {
            let sequences = read_sequences(folder.join(name), None, &mut Vec::new()).unwrap();
            assert_eq!(
                (sequences.len(), sequences.length),
                (count, length),
                "{name}"
            );
            assert_eq!(sequences.codes.len(), count * length);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn list_and_fasta_of_the_same_sequences_agree(
            sequences in prop::collection::vec("[ACGTNacgtnRYSWKMBDHV]{12}", 1..10)
        ) {
            let mut list = String::new();
            let mut fasta = String::new();
            for (i, sequence) in sequences.iter().enumerate() {
                list.push_str(&format!("s{i}\t{sequence}\n"));
                fasta.push_str(&format!(">s{i}\n{}\n{}\n", &sequence[..5], &sequence[5..]));
            }
            let (list, fasta) = (read(&list).unwrap(), read(&fasta).unwrap());
            prop_assert_eq!(&list.names, &fasta.names);
            prop_assert_eq!(&list.codes, &fasta.codes);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(>|a|C|7|!|\n| |\t|é|#|track){0,30}") {
            let _ = read_with(&text, Some(GENOME));
        }
    }
}
