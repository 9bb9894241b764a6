//! GTF files as FlyBase, NCBI and UCSC write them.

use crate::common::Run;
use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use std::fmt::Write as _;

/// Lines of exons: chromosome, start and end (from 1), strand, gene, transcript and further attributes.
type Exon<'a> = (&'a str, u32, u32, char, &'a str, &'a str, &'a str);

fn gtf(exons: &[Exon]) -> String {
    let mut text = String::new();
    for (chromosome, start, end, strand, gene, id, more) in exons {
        let _ = writeln!(
            text,
            "{chromosome}\tx\texon\t{start}\t{end}\t.\t{strand}\t.\tgene_id \"{gene}\"; transcript_id \"{id}\";{more}"
        );
    }
    text
}

/// What an annotation holds besides: a plain transcript on each chromosome of the genome.
const PLAIN: [Exon; 4] = [
    ("chr1", 5001, 5200, '+', "g1", "t1", ""),
    ("chr1", 6001, 6200, '+', "g1", "t1", ""),
    ("chr2", 5001, 5200, '-', "g2", "t2", ""),
    ("chr3", 5001, 5200, '+', "g3", "t3", ""),
];

fn train(cells: &Cells, out: &str, annotation: &str) -> Run {
    cells.train(out, &format!("-g --gtf {annotation} -e 1"))
}

/// Training takes these exons beside the plain ones; what is said of the file.
#[track_caller]
fn note(exons: &[Exon]) -> String {
    let cells = Cells::new();
    cells.write("a.gtf", gtf(&[&PLAIN, exons].concat()));
    let run = train(&cells, "model", "a.gtf").ok();
    let notes: Vec<&str> = run
        .err
        .lines()
        .filter(|line| line.starts_with("note: a.gtf: ") && !line.contains("CpG"))
        .collect();
    assert!(notes.len() <= 1, "{notes:?}");
    notes.join("")
}

#[test]
fn odd_transcripts_do_not_cost_the_file_and_are_counted_in_one_note() {
    // Trans-spliced, as in fly; NCBI's one identifier for all, with and without a gene; one gene on X and Y; no strand.
    assert_eq!(
        note(&[
            ("chr3", 900, 1000, '-', "FBgn0002781", "FBtr0084077", ""),
            ("chr3", 700, 800, '+', "FBgn0002781", "FBtr0084077", ""),
            (
                "chr1",
                3000,
                3100,
                '+',
                "TRNAA",
                "unknown_transcript_1",
                " exon_number \"1\";"
            ),
            (
                "chr2",
                900,
                1000,
                '-',
                "IGHV1",
                "unknown_transcript_1",
                " exon_number \"1\";"
            ),
            (
                "chr2",
                1900,
                2000,
                '-',
                "",
                "unknown_transcript_1",
                " exon_number \"1\";"
            ),
            ("chr1", 9000, 9100, '+', "P", "par", ""),
            ("chr2", 9000, 9100, '+', "P", "par", ""),
            ("chr1", 8000, 8100, '.', "S", "single", ""),
            ("chr1", 8200, 8300, '?', "S", "other", ""),
            ("chrM", 9, 1, 'x', "", "mito", ""),
        ]),
        "note: a.gtf: 3 transcripts left out: 1 on chromosomes that are not in use ('chrM'), 2 without a strand ('single', 'other'); \
         3 transcript_ids stand for several transcripts, which are read apart: 'FBtr0084077', 'unknown_transcript_1', 'par'"
    );
    assert_eq!(note(&[]), "");
    assert_eq!(
        note(&[("chrM", 1, 9, '+', "g", "mito", "")]),
        "note: a.gtf: 1 transcript left out: 1 on chromosomes that are not in use ('chrM')"
    );
}

/// Scores of windows from 29 places between and around the copies, by an annotation.
fn scores(cells: &Cells, annotation: &str) -> Vec<Vec<String>> {
    cells
        .on(
            "predict",
            &format!("-m model -b w.bed -o out.bed.gz --gtf {annotation}"),
        )
        .ok();
    cells.scored("out.bed.gz")
}

#[test]
fn copies_of_one_identifier_are_read_as_if_their_names_differed() {
    let cells = Cells::new();
    let exon = |start, id, more| ("chr1", start, start + 99, '+', "NM_1", id, more);
    let (first, second) = (" exon_number \"1\";", " exon_number \"2\";");
    let copies = |a, b, [one, two]: [&'static str; 2]| {
        gtf(&[
            &PLAIN[..],
            &[
                exon(20_001, a, one),
                exon(20_601, a, two),
                exon(23_001, b, one),
                exon(23_601, b, two),
            ],
        ]
        .concat())
    };
    let head = |start: u32| {
        format!(
            "chr1\tx\ttranscript\t{start}\t{}\t.\t+\t.\tgene_id \"NM_1\"; transcript_id \"n\";\n",
            start + 699
        )
    };
    let headed = |text: String| {
        let place = text.find("chr1\tx\texon\t20001").unwrap();
        let second = text.find("chr1\tx\texon\t23001").unwrap();
        let (before, first) = (&text[..place], &text[place..second]);
        format!(
            "{before}{}{first}{}{}",
            head(20_001),
            head(23_001),
            &text[second..]
        )
    };
    cells.write("apart.gtf", copies("a", "b", ["", ""]));
    cells.write("numbers.gtf", copies("n", "n", [first, second]));
    cells.write("heads.gtf", headed(copies("n", "n", ["", ""])));
    cells.write("unmarked.gtf", copies("n", "n", ["", ""]));
    let windows: String = (0..29)
        .map(|i| format!("chr1\t{}\t{}\n", 19_000 + i * 200, 19_200 + i * 200))
        .collect();
    cells.write("w.bed", windows);
    // So that the features count.
    train(&cells, "model", "apart.gtf").ok();
    let apart = scores(&cells, "apart.gtf");
    assert_eq!(scores(&cells, "numbers.gtf"), apart);
    assert_eq!(scores(&cells, "heads.gtf"), apart);
    // No program can tell what lies between them from an intron.
    assert_ne!(scores(&cells, "unmarked.gtf"), apart);
}

#[test]
fn other_formats_and_spellings_are_said_as_what_they_are() {
    let cells = Cells::new();
    let plain = gtf(&PLAIN);
    cells.write("Exon.gtf", plain.replace("\texon\t", "\tExon\t"));
    let cds = "chr1\tx\tcds\t5101\t5200\t.\t+\t.\tgene_id \"g1\"; transcript_id \"t1\";\n";
    cells.write("mixed.gtf", plain.clone() + cds);
    cells.write(
        "a.gff3",
        "##gff-version 3\nchr1\tx\texon\t1001\t1200\t.\t+\t.\tID=exon:t1:1;Parent=transcript:t1\n",
    );
    cells.write(
        "b.gtf",
        "chr1\t1000\t2400\tt1\t0\t+\t1100\t2200\t0\t3\t200,200,400,\t0,500,1000,\n",
    );
    let table = "NM_1\tchr1\t+\t1000\t2400\t1100\t2200\t2\t1000,2000,\t1200,2400,\t0\tg1\tcmpl\tcmpl\t0,0,\n";
    cells.write("refGene.txt", format!("585\t{table}"));
    cells.write("genePred", table);
    cells.write("empty.gtf", "#!genome-build x\n");
    for (annotation, parts) in [
        (
            "Exon.gtf",
            &[
                "Exon.gtf: no line with the feature exon, CDS or stop_codon in the 4 lines; the feature there is 'Exon'",
                "rename them in column 3",
            ][..],
        ),
        (
            "mixed.gtf",
            &["mixed.gtf, line 5: the feature 'cds'; expected 'CDS'"],
        ),
        (
            "a.gff3",
            &[
                "a.gff3, line 2: a GFF3 file (ID=, Parent=)",
                "convert it to GTF first, as with gffread -T",
            ],
        ),
        (
            "b.gtf",
            &[
                "b.gtf, line 1: a BED file of transcripts (BED12)",
                "convert it to GTF first",
            ],
        ),
        (
            "refGene.txt",
            &[
                "refGene.txt, line 1: a table of transcripts of the UCSC Genome Browser",
                "genePredToGtf",
            ],
        ),
        ("genePred", &["genePred, line 1: a table of transcripts"]),
        ("empty.gtf", &["empty.gtf: the file is empty"]),
    ] {
        cells.refuses(&format!("-g --gtf {annotation} -e 1"), 1, parts);
    }
    // The commands that read a model say the same.
    cells.write("a.gtf", plain);
    cells.write("w.bed", "chr3\t5000\t5200\n");
    train(&cells, "model", "a.gtf").ok();
    cells
        .on("predict", "-m model -b w.bed -o out.gz --gtf a.gff3")
        .fails(1, &["a GFF3 file"]);
}
