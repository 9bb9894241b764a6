use super::*;

fn chromosomes() -> Chromosomes {
    Chromosomes::new("c.sizes", vec![("chr1".to_string(), 2000)]).unwrap()
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

const FILES: [(&str, &str); 6] = [
    ("cpgIsland.bed", "chr1\t0\t10\n"),
    ("x.CDS.merged.bed", "chr1\t10\t20\n"),
    ("x.intron.bed", "chr1\t20\t30\n"),
    ("x.promoter.bed", "chr1\t30\t40\nchrM\t1\t2\n"),
    ("x.utr5.bed", "chr1\t40\t50\n"),
    ("x.utr3.bed", ""),
];

#[test]
fn files_are_known_by_the_words_in_their_names() {
    let folder = folder(&[&FILES[..], &[("cds.txt", "no bed"), ("txStart.bed", "x")]].concat());
    let mut notes = Notes::new();
    let found = Annotations::read(folder.path(), &chromosomes(), &mut notes).unwrap();
    let bits = |start, end| format!("{:06b}", found.features(0, start, end));
    assert_eq!(bits(9, 11), "000011");
    assert_eq!(bits(20, 40), "001100");
    assert_eq!(bits(49, 60), "010000");
    assert_eq!(bits(-5, 0), "000000");
    assert_eq!(notes.len(), 1);
    assert!(notes[0].ends_with("1 interval left out, on chromosomes that are not in use: 'chrM'"));
}

#[test]
fn a_missing_file_and_one_too_many_are_errors() {
    for (files, expected) in [
        (
            FILES[1..].to_vec(),
            "no annotation with 'cpgisland' in its name",
        ),
        (
            [&FILES[..], &[("more.utr5.bed.gz", "")]].concat(),
            "2 annotations with 'utr5' in their names",
        ),
    ] {
        let folder = folder(&files);
        let error =
            Annotations::read(folder.path(), &chromosomes(), &mut Notes::new()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

/// A gene of three exons on each strand: 100..200, 300..400, 500..600, coding 150..350 with its
/// stop codon at 350..353 (forward) and 147..150 (reverse).
fn gtf() -> String {
    let mut text = String::new();
    for (strand, stop) in [('+', 351), ('-', 148)] {
        let lines = [
            ("exon", 101, 200),
            ("exon", 301, 400),
            ("exon", 501, 600),
            ("CDS", 151, 200),
            ("CDS", 301, 350),
            ("stop_codon", stop, stop + 2),
        ];
        for (feature, start, end) in lines {
            text += &format!(
                "chr1\tx\t{feature}\t{start}\t{end}\t.\t{strand}\t0\ttranscript_id \"t{strand}\";\n"
            );
        }
    }
    text
}

fn of_strand(strand: char) -> [Vec<Span>; 6] {
    let text: String = gtf()
        .lines()
        .filter(|line| line.contains(&format!("\t{strand}\t")))
        .map(|l| format!("{l}\n"))
        .collect();
    let folder = folder(&[("a.gtf", &text), ("cpg.bed", "chr1\t7\t9\n")]);
    let (gtf, cpg) = (folder.path().join("a.gtf"), folder.path().join("cpg.bed"));
    let promoter = Promoter { up: 50, down: 10 };
    let found = Annotations::from_gtf(
        Lines::open(&gtf).unwrap(),
        Some(&cpg),
        promoter,
        &chromosomes(),
        &mut Notes::new(),
    )
    .unwrap();
    found.regions.map(|regions| regions.spans(0).to_vec())
}

#[test]
fn a_transcript_has_coding_parts_introns_promoter_and_utrs_by_its_strand() {
    let span = Span::new;
    let introns = vec![span(200, 300), span(400, 500)];
    let [cpg, cds, intron, promoter, utr5, utr3] = of_strand('+');
    assert_eq!((cpg, &intron), (vec![span(7, 9)], &introns));
    assert_eq!(cds, [span(150, 200), span(300, 353)]);
    assert_eq!(promoter, [span(50, 111)]);
    assert_eq!(utr5, [span(100, 150)]);
    assert_eq!(utr3, [span(353, 400), span(500, 600)]);
    let [_, cds, intron, promoter, utr5, utr3] = of_strand('-');
    assert_eq!(intron, introns);
    assert_eq!(cds, [span(147, 200), span(300, 350)]);
    assert_eq!(promoter, [span(589, 650)]);
    assert_eq!(utr5, [span(350, 400), span(500, 600)]);
    assert_eq!(utr3, [span(100, 147)]);
}

#[test]
fn a_gtf_without_islands_is_noted_and_one_of_another_genome_refused() {
    let folder = folder(&[("a.gtf", &gtf())]);
    let path = folder.path().join("a.gtf");
    let mut notes = Notes::new();
    let read = |chromosomes: &Chromosomes, notes: &mut Notes| {
        let lines = Lines::open(&path).unwrap();
        Annotations::from_gtf(lines, None, Promoter::default(), chromosomes, notes)
    };
    assert!(read(&chromosomes(), &mut notes).unwrap().regions[0].is_empty());
    assert!(
        notes[0].ends_with("a GTF has no CpG islands; that feature is 0"),
        "{notes:?}"
    );
    let of =
        |name: &str, length| Chromosomes::new("c.sizes", vec![(name.to_string(), length)]).unwrap();
    let error = read(&of("1", 2000), &mut notes).unwrap_err().to_string();
    assert!(error.contains("'chr1' there, '1' here"), "{error}");
    // Cut off at the end, with what of it lies there.
    notes.clear();
    let cut = read(&of("chr1", 599), &mut notes).unwrap();
    let ends = |regions: &Regions| regions.iter().all(|(_, span)| span.end <= 599);
    assert!(cut.regions.iter().all(ends));
    assert!(cut.regions[1..].iter().any(|regions| !regions.is_empty()));
    let note = notes.last().unwrap();
    assert!(
        note.ends_with(
            "2 intervals end past their chromosome's end and are clipped there (first on line 1)"
        ),
        "{note}"
    );
}

#[test]
fn a_promoter_is_two_numbers() {
    assert_eq!("500,100".parse::<Promoter>().unwrap(), Promoter::default());
    for text in ["500", "500,x", "-1,2", ""] {
        assert!(text.parse::<Promoter>().is_err(), "{text}");
    }
}
