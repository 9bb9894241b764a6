use std::io::Write;
use std::path::PathBuf;

use proptest::prelude::*;

use super::indexed::beside;
use super::*;

fn interval(chromosome: &str, start: u64, end: u64) -> Interval {
    Interval {
        chromosome: chromosome.into(),
        start,
        end,
        name: None,
        line: 7,
    }
}

/// Every base of a chromosome tells its place: bases cycle with different periods.
fn chromosome(seed: usize, length: usize) -> String {
    let base = |i: usize| char::from(b"ACGTNacgt"[(i * i + i / 7 + seed) % 9]);
    (0..length).map(base).collect()
}

struct Genome {
    folder: tempfile::TempDir,
    text: String,
    fai: String,
}

impl Genome {
    fn new(chromosomes: &[(&str, &str)], width: usize, end: &str) -> Genome {
        let (mut text, mut fai) = (String::new(), String::new());
        for (name, sequence) in chromosomes {
            text.push_str(&format!(">{name} a description{end}"));
            let (offset, length) = (text.len(), sequence.len());
            fai.push_str(&format!(
                "{name}\t{length}\t{offset}\t{width}\t{}\n",
                width + end.len()
            ));
            for line in sequence.as_bytes().chunks(width) {
                text.push_str(std::str::from_utf8(line).unwrap());
                text.push_str(end);
            }
        }
        Genome {
            folder: tempfile::tempdir().unwrap(),
            text,
            fai,
        }
    }

    fn write(
        &self,
        name: &str,
        bytes: &[u8],
        fai: bool,
        gzi: Option<&noodles_bgzf::gzi::Index>,
    ) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        if fai {
            std::fs::write(beside(&path, ".fai"), &self.fai).unwrap();
        }
        if let Some(index) = gzi {
            noodles_bgzf::gzi::fs::write(beside(&path, ".gzi"), index).unwrap();
        }
        path
    }

    /// The same genome in every packing, with and without its index.
    fn forms(&self) -> Vec<PathBuf> {
        let text = self.text.as_bytes();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text).unwrap();
        let gzip = gzip.finish().unwrap();
        let mut bgzip = noodles_bgzf::io::Writer::new(Vec::new());
        bgzip.write_all(text).unwrap();
        let bgzip = bgzip.finish().unwrap();
        let gzi = block_index(&bgzip);
        vec![
            self.write("plain.fa", text, false, None),
            self.write("plain.indexed.fa", text, true, None),
            self.write("gzip.fa.gz", &gzip, false, None),
            self.write("gzip.indexed.fa.gz", &gzip, true, None),
            self.write("bgzip.fa.gz", &bgzip, false, None),
            self.write("bgzip.half.fa.gz", &bgzip, true, None),
            self.write("bgzip.indexed.fa", &bgzip, true, Some(&gzi)),
        ]
    }
}

/// Where each block after the first begins, packed and unpacked.
fn block_index(bgzip: &[u8]) -> noodles_bgzf::gzi::Index {
    let (mut places, mut packed, mut unpacked) = (Vec::new(), 0, 0);
    while packed < bgzip.len() {
        if packed > 0 {
            places.push((packed as u64, unpacked));
        }
        packed += usize::from(u16::from_le_bytes([bgzip[packed + 16], bgzip[packed + 17]])) + 1;
        let size: [u8; 4] = bgzip[packed - 4..packed].try_into().unwrap();
        unpacked += u64::from(u32::from_le_bytes(size));
    }
    noodles_bgzf::gzi::Index::from(places)
}

fn cut(path: &Path, intervals: &[Interval]) -> Result<Vec<u8>> {
    extract(path, Path::new("p.bed"), intervals).map(|cut| cut.codes)
}

#[test]
fn every_form_of_a_genome_gives_the_same_bases() {
    let (one, two) = (chromosome(1, 1003), chromosome(2, 200_000));
    let cases = [
        ("chr1", 0, 9),
        ("chr2", 199_990, 200_000),
        ("chr2", 5, 70),
        ("chr1", 994, 1003),
        ("chr2", 60, 61),
        ("chr2", 130_000, 130_200),
    ];
    for end in ["\n", "\r\n"] {
        let genome = Genome::new(
            &[("chr1", &one), ("other", "ACGT"), ("chr2", &two)],
            60,
            end,
        );
        let intervals: Vec<_> = cases.iter().map(|&(c, s, e)| interval(c, s, e)).collect();
        let mut expected = Vec::new();
        for &(name, start, end) in &cases {
            let whole = if name == "chr1" { &one } else { &two };
            bases::encode(&whole[start as usize..end as usize], &mut expected).unwrap();
        }
        for path in genome.forms() {
            assert!(
                cut(&path, &intervals).unwrap() == expected,
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn names_are_compared_as_written_and_shown_when_they_differ() {
    let genome = Genome::new(&[("1", "ACGT"), ("2", "ACGT")], 60, "\n");
    for path in genome.forms() {
        let none = cut(&path, &[interval("chr1", 0, 2), interval("chr1", 1, 3)])
            .unwrap_err()
            .to_string();
        assert!(none.contains("no chromosome of p.bed is in"), "{none}");
        assert!(none.contains("'chr1' there, '1', '2' here"), "{none}");
        let intervals = [
            interval("X", 1, 3),
            interval("1", 0, 2),
            interval("Y", 0, 2),
        ];
        let some = extract(&path, Path::new("p.bed"), &intervals).unwrap();
        assert_eq!((&some.kept[..], &some.codes[..]), (&[1][..], &[0, 1][..]));
        assert_eq!(some.strangers.names(), ["X", "Y"]);
    }
}

#[test]
fn what_lies_past_the_end_is_n_and_an_interval_without_a_base_is_left_out() {
    let genome = Genome::new(&[("a", "ACGTACGTAC"), ("b", "ACGT")], 4, "\n");
    for path in genome.forms() {
        let intervals = [
            interval("a", 8, 11),
            interval("b", 4, 7),
            interval("a", 0, 3),
            interval("a", 5, 5),
            interval("b", 0, 6),
        ];
        let found = extract(&path, Path::new("p.bed"), &intervals).unwrap();
        assert_eq!(found.kept, [0, 2, 4], "{}", path.display());
        assert_eq!(found.codes, [0, 1, 4, 0, 1, 2, 0, 1, 2, 3, 4, 4]);
        let note = found
            .edges
            .note(Path::new("p.bed"), &path, crate::io::edges::Treatment::Fill)
            .unwrap()
            .unwrap();
        assert!(
            note.contains("2 intervals end past their chromosome's end and are filled up with N")
        );
        assert!(note.contains("1 interval starts past its chromosome's end and is left out"));
        let none = extract(&path, Path::new("p.bed"), &[interval("b", 9, 12)]).unwrap();
        assert!(none.kept.is_empty() && none.codes.is_empty());
        let long = cut(&path, &[interval("a", 0, 1 << 40)])
            .unwrap_err()
            .to_string();
        assert!(
            long.starts_with("p.bed, line 7: interval a:0-1099511627776 has 1099511627776 bases"),
            "{long}"
        );
    }
}

#[test]
fn a_letter_that_is_no_base_is_refused() {
    let genome = Genome::new(&[("a", "ACGTAC!TAC")], 4, "\n");
    for path in genome.forms() {
        let found = cut(&path, &[interval("a", 0, 10)]).unwrap_err().to_string();
        assert!(
            found.contains("'!' at") && found.contains("not DNA") && found.contains("record 'a'"),
            "{found}"
        );
    }
}

#[test]
fn an_empty_chromosome_is_no_fault_of_an_index() {
    let genome = Genome::new(&[("a", "ACGT"), ("none", ""), ("b", "CC")], 4, "\n");
    let path = genome.write("g.fa", genome.text.as_bytes(), true, None);
    let index = genome.fai.replace("\t4\t5\nb", "\t0\t0\nb");
    std::fs::write(beside(&path, ".fai"), index).unwrap();
    assert_eq!(cut(&path, &[interval("b", 0, 2)]).unwrap(), [1, 1]);
}

#[test]
fn a_chromosome_that_comes_twice_is_refused() {
    let genome = Genome::new(&[("a", "ACGT"), ("a", "AAAA"), ("b", "CC")], 4, "\n");
    let path = genome.write("g.fa", genome.text.as_bytes(), false, None);
    let found = cut(&path, &[interval("a", 0, 1), interval("b", 0, 1)])
        .unwrap_err()
        .to_string();
    assert!(
        found.contains("line 3: chromosome 'a' comes twice"),
        "{found}"
    );
}

#[test]
fn an_index_of_another_file_is_noticed() {
    let genome = Genome::new(&[("a", "ACGTACGTAC"), ("b", "GGGGCCCC")], 4, "\n");
    let text = genome.text.as_bytes();
    let others = [
        format!(">new\nACGT\n{}", genome.text),
        genome.text.replace(">b", ">c"),
        genome.text.replace("ACGT\nACGT", "AC\nGTACGT"),
        genome.text[..genome.text.len() - 6].to_string(),
        genome.text.replace("GGGG", "G\nGGG"),
    ];
    let all = [interval("a", 0, 10), interval("b", 0, 8)];
    let path = genome.write("g.fa", text, true, None);
    assert!(cut(&path, &all).is_ok());
    for other in others {
        std::fs::write(&path, other).unwrap();
        let found = cut(&path, &all).unwrap_err().to_string();
        assert!(
            found.contains("g.fa.fai: the index does not fit"),
            "{found}"
        );
    }
    for broken in [
        "a\t10\n",
        "a\t10\t17\t4\t2\nb\t8\t47\t4\t5\n",
        "nonsense",
        "a\t10\t18446744073709551615\t1\t9\nb\t8\t0\t4\t5\n",
    ] {
        std::fs::write(&path, text).unwrap();
        std::fs::write(beside(&path, ".fai"), broken).unwrap();
        assert!(cut(&path, &all).is_err(), "{broken}");
    }
}

/// Of a file that has grown, or to which chromosomes were added.
#[test]
fn an_index_that_lacks_bases_or_chromosomes_is_noticed() {
    let genome = Genome::new(
        &[("a", "ACGTACGTAC"), ("b", "GGGGCCCC"), ("c", "TT")],
        4,
        "\n",
    );
    let path = genome.write("g.fa", genome.text.as_bytes(), true, None);
    let lines: Vec<&str> = genome.fai.lines().collect();
    let refused = |index: String, asked: &[Interval]| {
        std::fs::write(beside(&path, ".fai"), index).unwrap();
        cut(&path, asked).unwrap_err().to_string()
    };
    let shorter = genome.fai.replace("a\t10", "a\t6");
    assert!(shorter != genome.fai);
    let found = refused(shorter, &[interval("a", 0, 4)]);
    assert!(found.contains("'a' does not end where it says"), "{found}");
    let all = [
        interval("a", 0, 2),
        interval("b", 0, 2),
        interval("c", 0, 2),
    ];
    for (left, what) in [
        ([0, 1], "a chromosome after 'b' is not in it"),
        ([0, 2], "a chromosome after 'a' is not in it"),
        ([1, 2], "the first chromosome is not in it"),
    ] {
        let index = left.map(|i| format!("{}\n", lines[i])).concat();
        let found = refused(index, &all);
        assert!(found.contains(what), "{found}");
    }
    // What the file does not have either is no fault of the index.
    std::fs::write(beside(&path, ".fai"), &genome.fai).unwrap();
    assert!(cut(&path, &[interval("a", 0, 2), interval("chrX", 0, 2)]).is_ok());
}

#[test]
fn a_real_chromosome_gives_the_real_sequences() {
    let Some(data) = crate::real_data::real_data() else {
        return;
    };
    let (fasta, list) = (
        data.join("genome/hg38.chr22.fa.gz"),
        data.join("tisfm/chr22_atac3/sequences.list.gz"),
    );
    let mut lines = Lines::open(&list).unwrap();
    let (mut line, mut intervals, mut expected) = (String::new(), Vec::new(), Vec::new());
    while lines.read(&mut line).unwrap() {
        let (name, sequence) = line.split_once('\t').unwrap();
        let (start, end) = name
            .strip_prefix("chr22:")
            .unwrap()
            .split_once('-')
            .unwrap();
        intervals.push(interval(
            "chr22",
            start.parse().unwrap(),
            end.parse().unwrap(),
        ));
        bases::encode(sequence, &mut expected).unwrap();
    }
    assert_eq!(intervals.len(), 8710);
    assert!(cut(&fasta, &intervals).unwrap() == expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn indexed_and_streamed_reading_agree(
        length in 1_usize..300,
        width in 1_usize..80,
        spans in prop::collection::vec((0.0..1.0_f64, 0.0..1.0_f64), 1..8),
    ) {
        let sequence = chromosome(3, length);
        let genome = Genome::new(&[("x", "AC"), ("y", &sequence)], width, "\n");
        let intervals: Vec<_> = spans
            .iter()
            .map(|(a, b)| {
                let start = (a * length as f64) as u64;
                let rest = length as u64 - start;
                interval("y", start, start + 1 + (b * rest as f64) as u64 % rest)
            })
            .collect();
        let plain = genome.write("a.fa", genome.text.as_bytes(), false, None);
        let indexed = genome.write("b.fa", genome.text.as_bytes(), true, None);
        prop_assert_eq!(cut(&plain, &intervals).unwrap(), cut(&indexed, &intervals).unwrap());
    }
}
