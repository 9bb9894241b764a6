use super::*;
use proptest::prelude::*;

fn parse_all(text: &str) -> Result<Gtf> {
    let list = ["chr1", "chr2", "chrX", "chrY"].map(|name| (name.to_string(), 1_000_000));
    let chromosomes = Chromosomes::new("c.sizes", list.to_vec()).unwrap();
    parse_gtf(
        Lines::new("g.gtf", std::io::Cursor::new(text.to_string())),
        &chromosomes,
    )
}

fn parse(text: &str) -> Result<Vec<Transcript>> {
    parse_all(text).map(|gtf| gtf.transcripts)
}

fn line(feature: &str, start: u32, end: u32, strand: char, id: &str) -> String {
    on("chr1", feature, start, end, strand, "g", id)
}

fn on(
    chromosome: &str,
    feature: &str,
    start: u32,
    end: u32,
    strand: char,
    gene: &str,
    id: &str,
) -> String {
    format!(
        "{chromosome}\tH\t{feature}\t{start}\t{end}\t.\t{strand}\t.\tgene_id \"{gene}\"; transcript_id \"{id}\";\n"
    )
}

/// An exon with its number.
fn exon(start: u32, end: u32, strand: char, id: &str, number: u32) -> String {
    line("exon", start, end, strand, id).replace('\n', &format!(" exon_number \"{number}\";\n"))
}

/// First and last bases (from 1) of each transcript's exons, by transcript.
fn exons(text: &str) -> Vec<Vec<(u32, u32)>> {
    let transcripts = parse(text).unwrap().into_iter();
    let of = |t: Transcript| t.exons.iter().map(|e| (e.start + 1, e.end)).collect();
    transcripts.map(of).collect()
}

#[test]
fn lines_of_a_transcript_are_put_together() {
    let text = "#!genome\ntrack name=x\n".to_string()
        + &line("gene", 1, 90, '-', "a")
        + &line("exon", 51, 90, '-', "a")
        + &line("exon", 1, 1, '+', "b")
        + &line("exon", 11, 20, '-', "a")
        + &line("CDS", 51, 60, '-', "a")
        + &line("stop_codon", 18, 20, '-', "a")
        + &line("CDS", 5, 6, '+', "no exon");
    let found = parse(&text).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].start(), found[0].end(), found[0].forward),
        (10, 90, false)
    );
    assert_eq!(found[0].exons, [Span::new(10, 20), Span::new(50, 90)]);
    assert_eq!(found[0].coding, [Span::new(17, 20), Span::new(50, 60)]);
    assert_eq!(
        (found[1].exons[0], found[1].coding.len(), found[1].line),
        (Span::new(0, 1), 0, 5)
    );
    assert_eq!(
        parse_all(&text).unwrap().note.unwrap(),
        "note: g.gtf: 1 transcript left out: 1 without an exon line ('no exon')"
    );
}

#[test]
fn one_id_on_other_chromosomes_strands_or_genes_is_another_transcript() {
    let text = line("exon", 1, 9, '+', "t")
        + &on("chr2", "exon", 1, 9, '+', "g", "t")
        + &line("exon", 21, 29, '-', "t")
        + &on("chr1", "exon", 31, 39, '+', "h", "t")
        + &on("chr1", "exon", 41, 49, '+', "", "t")
        + &line("exon", 51, 59, '+', "t");
    assert_eq!(
        exons(&text),
        [
            vec![(1, 9), (51, 59)],
            vec![(1, 9)],
            vec![(21, 29)],
            vec![(31, 39)],
            vec![(41, 49)]
        ]
    );
    assert_eq!(
        parse_all(&text).unwrap().note.unwrap(),
        "note: g.gtf: 1 transcript_id stands for several transcripts, which are read apart: 't'"
    );
}

#[test]
fn a_second_transcript_line_or_exon_number_begins_the_next_copy() {
    let head = |start, end| line("transcript", start, end, '+', "t");
    let plain = |start, end| line("exon", start, end, '+', "t");
    let both = [vec![(1, 9), (21, 29)], vec![(101, 109), (121, 129)]];
    let headed = head(1, 29) + &plain(1, 9) + &plain(21, 29);
    let other = line("exon", 500, 600, '-', "other");
    let text = headed.clone() + &other + &head(101, 129) + &plain(101, 109) + &plain(121, 129);
    let found = exons(&text);
    assert_eq!([&found[0], &found[2]], [&both[0], &both[1]]);
    // By number, in the order of transcription, or of the chromosome on the reverse strand.
    for (strand, numbers) in [('+', [1, 2]), ('-', [2, 1])] {
        let copy = |at: u32| {
            exon(at, at + 8, strand, "t", numbers[0])
                + &exon(at + 20, at + 28, strand, "t", numbers[1])
        };
        assert_eq!(exons(&(copy(1) + &copy(101))), both);
    }
    // Coding parts go with the exons before them.
    let text = exon(1, 9, '+', "t", 1)
        + &line("CDS", 2, 9, '+', "t")
        + &exon(101, 109, '+', "t", 1)
        + &line("CDS", 102, 109, '+', "t");
    let found = parse(&text).unwrap();
    assert_eq!(found[1].coding, [Span::new(101, 109)]);
    // Sorted by position, an exon stands before the `transcript` line that begins where it does.
    let text = exon(1, 9, '+', "t", 1)
        + &head(1, 29)
        + &exon(21, 29, '+', "t", 2)
        + &exon(101, 109, '+', "t", 1)
        + &head(101, 129)
        + &exon(121, 129, '+', "t", 2);
    assert_eq!(exons(&text), both);
}

#[test]
fn copies_that_nothing_marks_are_one_transcript_and_a_line_twice_is_no_copy() {
    let plain = |start, end| line("exon", start, end, '+', "t");
    assert_eq!(
        exons(&(plain(1, 9) + &plain(101, 109))),
        [[(1, 9), (101, 109)]]
    );
    let head = line("transcript", 1, 29, '+', "t");
    let twice = exon(1, 9, '+', "t", 1) + &exon(1, 9, '+', "t", 1);
    let text = head.clone() + &head + &twice + &exon(21, 29, '+', "t", 2);
    assert_eq!(exons(&text), [[(1, 9), (1, 9), (21, 29)]]);
    assert_eq!(parse_all(&text).unwrap().note, None);
}

#[test]
fn what_has_no_strand_or_a_chromosome_that_is_not_in_use_is_counted_in_one_note() {
    let text = line("exon", 1, 9, '+', "t")
        + &line("exon", 1, 9, '.', "u")
        + &line("CDS", 1, 9, '.', "u")
        + &line("exon", 1, 9, '?', "v")
        // Nothing there is looked at.
        + "chrM\tx\texon\tx\ty\t.\tz\t.\t\n"
        + &on("chrM", "exon", 9, 1, 'x', "g", "m")
        + &on("chrUn", "exon", 1, 9, '+', "g", "m")
        + &on("chrUn", "CDS", 1, 9, '+', "g", "m")
        + &on("chrX", "exon", 1, 9, '+', "p", "par")
        + &on("chrY", "exon", 1, 9, '+', "p", "par");
    let gtf = parse_all(&text).unwrap();
    assert_eq!(gtf.transcripts.len(), 3);
    assert_eq!(
        gtf.note.unwrap(),
        "note: g.gtf: 5 transcripts left out: 3 on chromosomes that are not in use ('chrM', 'chrUn'), \
         2 without a strand ('u', 'v'); 1 transcript_id stands for several transcripts, which are read apart: 'par'"
    );
}

#[test]
fn every_fault_names_its_line() {
    for (text, expected) in [
        ("", "g.gtf: the file is empty"),
        (
            "chr1\texon\n",
            "line 1: 'chr1\texon'; expected the nine columns",
        ),
        (&line("exon", 0, 9, '+', "a"), "line 1: '0' to '9'"),
        (&line("exon", 9, 8, '+', "a"), "line 1: '9' to '8'"),
        (
            &line("exon", 1, 9, 'x', "a"),
            "line 1: strand 'x'; expected + or -, or .",
        ),
        (
            &line("exon", 1, 9, '+', ""),
            "no transcript with exons on + or -: 1 line without a transcript_id left out",
        ),
        (
            &line("exon", 1, 9, '.', "a"),
            "g.gtf: no transcript with exons on + or -: 1 transcript left out: 1 without a strand ('a')",
        ),
        (
            &(line("CDS", 1, 9, '-', "a") + &line("CDS", 1, 9, '-', "b")),
            "2 transcripts left out: 2 without an exon line ('a', 'b')",
        ),
        (
            &on("1", "exon", 1, 9, '-', "g", "a"),
            "no chromosome of g.gtf is in c.sizes: '1' there, 'chr1', 'chr2', 'chrX' and 1 more here",
        ),
    ] {
        let found = parse(text).unwrap_err().to_string();
        assert!(found.contains(expected), "{found}\n  expected: {expected}");
    }
}

#[test]
fn features_in_other_letters_are_named() {
    let upper = line("Exon", 1, 9, '+', "a");
    let lower = line("cds", 1, 9, '+', "a");
    for (text, expected) in [
        (
            upper.clone() + &lower,
            "g.gtf: no line with the feature exon, CDS or stop_codon in the 2 lines; the features there are 'Exon', 'cds'; \
             in a GTF they are written exon, CDS and stop_codon, and upper and lower case count: rename them in column 3",
        ),
        (
            line("gene", 1, 9, '+', "a"),
            "g.gtf: no line with the feature exon, CDS or stop_codon in the 1 line; the feature there is 'gene'",
        ),
        (
            line("exon", 1, 9, '+', "a") + &lower,
            "g.gtf, line 2: the feature 'cds'; expected 'CDS': in a GTF",
        ),
    ] {
        let found = parse(&text).unwrap_err().to_string();
        assert!(
            found.starts_with(expected),
            "{found}\n  expected: {expected}"
        );
    }
}

#[test]
fn other_formats_are_named_with_the_way_to_a_gtf() {
    let gff3 = "chr1\tx\texon\t1\t9\t.\t+\t.\tID=exon:t1:1;Parent=t1;transcript_id=t1\n";
    for (text, line, expected) in [
        (
            format!("##gff-version 3\n{gff3}"),
            2,
            "a GFF3 file (ID=, Parent=), where a GTF is expected; convert it to GTF first, as with gffread -T",
        ),
        // Also where only some lines are of it, and where the chromosome is not in use.
        (self::line("exon", 1, 9, '+', "a") + gff3, 2, "a GFF3 file"),
        (gff3.replace("chr1", "1"), 1, "a GFF3 file"),
        (
            "chr1\t1000\t2400\tt1\t0\t+\t1100\t2200\t0\t1\t1400,\t0,\n".to_string(),
            1,
            "a BED file of transcripts (BED12), where a GTF is expected; convert it to GTF first",
        ),
        (
            "chr1\t1000\t2400\n".to_string(),
            1,
            "a BED file, where a GTF is expected; BED files of features, one each, go with --annotations DIR",
        ),
    ] {
        let found = parse(&text).unwrap_err().to_string();
        let expected = format!("g.gtf, line {line}: {expected}");
        assert!(
            found.starts_with(&expected),
            "{found}\n  expected: {expected}"
        );
    }
}

/// Every line is looked up by its key alone: one identifier on a million lines takes no longer than a million identifiers.
#[test]
fn one_identifier_on_many_lines_takes_no_longer_than_many_identifiers() {
    let text: String = (1..60_000)
        .map(|i| exon(i, i + 8, '+', "t", i % 30_000))
        .collect();
    assert_eq!(parse(&text).unwrap().len(), 2);
    let text: String = (1..60_000)
        .map(|i| {
            on(&format!("s{i}"), "exon", 1, 9, '+', "g", "t")
                + &on("chr1", "exon", i, i, '+', "g", "t")
        })
        .collect();
    assert_eq!(parse(&text).unwrap()[0].exons.len(), 59_999);
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(chr1|chrM|exon|CDS|transcript|1|99999999999|\t|\n|\\+|transcript_id|exon_number|\"|;|=| ){0,60}") {
        let _ = parse(&text);
    }
}
