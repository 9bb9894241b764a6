use proptest::prelude::*;

use super::*;

const HEAD: &str = "MEME version 4\n\nALPHABET= ACGT\n\n";
const ROWS: &str = "0.1 0.2 0.3 0.4\n1 0 0 0\n";

fn parse_text(text: &str) -> Result<Vec<Motif>> {
    let lines = Lines::new("m.meme", io::Cursor::new(text.to_string()));
    parse_meme(lines, &mut Vec::new())
}

fn one(body: &str) -> Motif {
    let motifs = parse_text(&format!("{HEAD}{body}")).unwrap();
    assert_eq!(motifs.len(), 1);
    motifs.into_iter().next().unwrap()
}

/// The message for a file whose sixth line is the first of `body`.
fn refused(body: &str) -> String {
    parse_text(&format!("{HEAD}\n{body}"))
        .unwrap_err()
        .to_string()
}

#[test]
fn a_motif_is_its_name_label_sites_and_rows_as_they_are() {
    let text = format!(
        "MOTIF AHR_si AHR\n\nletter-probability matrix: alength= 4 w= 2 nsites= 15.4 E= 1e-3\n{ROWS}"
    );
    let expected = Motif {
        id: "AHR_si".into(),
        label: Some("AHR".into()),
        nsites: Some(15.4),
        rows: vec![[0.1, 0.2, 0.3, 0.4], [1.0, 0.0, 0.0, 0.0]],
    };
    assert_eq!(one(&text), expected);
    assert_eq!(
        one(&text.replace(' ', "\t")),
        Motif {
            label: Some("AHR".into()),
            ..expected.clone()
        }
    );
    assert_eq!(one(&text.replace('\n', "\r\n")), expected);
    assert_eq!(
        one(text.trim_end()),
        expected,
        "no line end after the last row"
    );
}

#[test]
fn the_parts_of_the_matrix_line_are_optional_and_their_spacing_is_free() {
    for header in [
        "",
        ":",
        ": alength= 4",
        ": w=2",
        ": w = 2 E=0",
        ": nsites=3 w= 2",
    ] {
        let text = format!("MOTIF a\nletter-probability matrix{header}\n\n{ROWS}URL http://x\n");
        assert_eq!(one(&text).rows.len(), 2, "{header}");
    }
}

#[test]
fn version_texts_backgrounds_and_alphabet_blocks_of_all_writers_are_read() {
    let motif = format!(
        "MOTIF a\nletter-probability matrix: w= 2\n{ROWS} \t\nMOTIF b\nletter-probability matrix:\n{ROWS}"
    );
    let blocks = [
        "",
        "ALPHABET=ACGT\n",
        "ALPHABET \"DNA\" DNA-LIKE\nA \"Adenine\" CC0000 ~ T \"Thymine\" 008000\n\
         C \"Cytosine = ~\" 0000CC ~ G \"Guanine\" FFB300\nN \"Any base\" = ACGT\nX = ACGT\nU = T\nEND ALPHABET\n",
        "ALPHABET\nA\nC # comment\nG\nT\nEND  ALPHABET\n",
    ];
    for version in ["4", "4.9.0", "5.5.5 (Release date: today)", ""] {
        for block in blocks {
            let text = format!(
                "****\n\nMEME version {version}\n{block}strands: +\nBackground letter frequencies (from x):\nA 0.3 C 0.2 G 0.2 T 0.3\n\n{motif}"
            );
            let names: Vec<_> = parse_text(&text)
                .unwrap()
                .into_iter()
                .map(|m| m.id)
                .collect();
            assert_eq!(names, ["a", "b"]);
        }
    }
}

#[test]
fn log_odds_matrices_are_skipped() {
    let text = format!(
        "MOTIF 1 width =  2 sites = 18\nlog-odds matrix: alength= 4 w= 2\n 3 -100 2 4\n -5 6 7 8\n\n\
         letter-probability matrix: alength= 4 w= 2 nsites= 18\n{ROWS}"
    );
    let motif = one(&text);
    assert_eq!((motif.id.as_str(), motif.label.as_deref()), ("1", None));
    assert_eq!(motif.rows[1], [1.0, 0.0, 0.0, 0.0]);
    let only = "MOTIF a\nlog-odds matrix: alength= 4 w= 1\n 3 -100 2 4\n";
    assert_eq!(
        refused(only),
        "m.meme, line 6: motif 'a' has no letter-probability matrix, only a log-odds one"
    );
}

#[test]
fn what_is_no_meme_file_says_so() {
    let message = |text: &str| parse_text(text).unwrap_err().to_string();
    assert_eq!(
        message(""),
        "m.meme: the file is empty; expected a line `MEME version 4`"
    );
    assert!(message(">seq\nACGT\n").contains("begins with '>seq' and has no line `MEME version`"));
    assert!(message("MOTIF a\n").contains("line 1: 'MOTIF a' before"));
    assert!(message(HEAD).contains("no motif in this file"));
    let rna = message("MEME version 4\nALPHABET= ACGU\n");
    assert!(
        rna.contains("line 2: alphabet 'ACGU'; expected ACGT"),
        "{rna}"
    );
    assert!(
        message("MEME version 4\nALPHABET \"RNA\"\nA ~ U\nC ~ G\nEND ALPHABET\n")
            .contains("'ACGU'")
    );
    assert!(
        message("MEME version 4\nALPHABET x\nA ~ T\n")
            .contains("line 2: the ALPHABET block has no")
    );
}

#[test]
fn every_fault_names_its_line_and_motif() {
    let matrix = "MOTIF a\nletter-probability matrix: alength= 4 w= 2\n";
    for (body, expected) in [
        ("MOTIF\n".to_string(), "line 6: `MOTIF` without a name"),
        (
            "MOTIF a\nMOTIF b\n".to_string(),
            "line 6: motif 'a' has no letter-probability matrix",
        ),
        (
            format!("letter-probability matrix:\n{ROWS}"),
            "line 6: letter-probability matrix: no `MOTIF` line",
        ),
        (
            format!("{matrix}{ROWS}letter-probability matrix:\n{ROWS}"),
            "line 10: letter-probability matrix: motif 'a' has its matrix already",
        ),
        (
            format!("{matrix}{ROWS}\n{matrix}{ROWS}"),
            "line 11: motif 'a' again, first on line 6",
        ),
        (
            format!("{matrix}1 0 0 0\n"),
            "motif 'a' says w= 2 but its matrix has 1 row",
        ),
        (
            format!("{matrix}{ROWS}1 0 0 0\n"),
            "motif 'a' says w= 2 but its matrix has 3 rows",
        ),
        (
            format!("{matrix}1 0 0 0\n\n0 1 0 0\n"),
            "motif 'a' says w= 2 but its matrix has 1 row",
        ),
        (
            format!("{matrix}1 0 0 0\n\nMOTIF b"),
            "motif 'a' says w= 2 but its matrix has 1 row",
        ),
        (
            "MOTIF a\nletter-probability matrix:\n1 0 0 0\n\n0 1 0 0\n".to_string(),
            "line 10: '0 1 0 0': a row of numbers outside any matrix",
        ),
        (
            format!("{matrix}1 0 0\n"),
            "line 8: motif 'a', row 1: 3 numbers; expected 4",
        ),
        (
            format!("{matrix}1 0 0 0 0\n"),
            "line 8: motif 'a', row 1: 5 numbers; expected 4",
        ),
        (
            format!("{matrix}1 0 0 0\n0.3 0.3 x 0.1\n"),
            "line 9: motif 'a', row 2: 'x' is not a number",
        ),
        (
            format!("{matrix}A 0 0 0\n"),
            "line 8: motif 'a', row 1: 'A' is not a number",
        ),
        (
            format!("{matrix}nan 0 0 1\n"),
            "line 8: motif 'a', row 1: nan is not a probability",
        ),
        (
            format!("{matrix}1.2 -0.2 0 0\n"),
            "row 1: 1.2 is not a probability",
        ),
        (
            format!("{matrix}0.5 0.5 0.03 0\n"),
            "row 1: the probabilities sum to 1.03; expected 1 within 0.02",
        ),
        (
            "MOTIF a\nletter-probability matrix: alength= 20 w= 2\n".to_string(),
            "line 7: alength= 20: expected 4",
        ),
        (
            "MOTIF a\nletter-probability matrix: w= 0\n".to_string(),
            "line 7: w= 0: expected a number of rows above 0",
        ),
        (
            "MOTIF a\nletter-probability matrix: nsites= many\n".to_string(),
            "line 7: nsites= many: expected a number of sites",
        ),
        (
            "MOTIF a\nletter-probability matrix:\n\nMOTIF b\n".to_string(),
            "the matrix of motif 'a' has no rows",
        ),
    ] {
        let found = refused(&body);
        assert!(found.contains(expected), "{found}\n  expected: {expected}");
    }
}

/// What is said of a file whose sixth line is the first of `body`.
fn notes(body: &str) -> Vec<String> {
    let mut notes = Vec::new();
    let text = format!("{HEAD}\n{body}");
    parse_meme(Lines::new("m.meme", io::Cursor::new(text)), &mut notes).unwrap();
    notes
}

#[test]
fn rows_may_miss_one_by_a_rounding_which_one_note_says() {
    let matrix = |rows: &str| format!("MOTIF a\nletter-probability matrix:\n{rows}");
    // Sums of 0.98, 0.99 (which is less than 1 - 0.01 in binary), 1.02 and 1.
    let rounded = "0.12 0.12 0.12 0.62\n0.33 0.33 0.33 0\n0.34 0.34 0.34 0\n1 0 0 0\n";
    let text = matrix(rounded);
    assert_eq!(one(&text).rows[0], [0.12, 0.12, 0.12, 0.62]);
    let two = text.clone() + "\nMOTIF b\nletter-probability matrix:\n0.33 0.33 0.33 0\n";
    assert_eq!(
        notes(&two),
        [
            "note: m.meme: 4 of 5 rows sum to 1 only within 0.02 (first on line 8: 0.98); they are used as they are"
        ]
    );
    assert_eq!(
        notes(&matrix("0.33 0.33 0.33 0.005\n")),
        [
            "note: m.meme: 1 of 1 rows sums to 1 only within 0.005 (first on line 8: 0.995); it is used as it is"
        ]
    );
    // Three digits and more need no word.
    assert!(
        notes(&matrix(
            "0.333 0.333 0.333 0\n0.0615 0.536 0.0745 0.327999\n"
        ))
        .is_empty()
    );
    for row in ["0.5 0.5 0.0201 0", "0.12 0.12 0.12 0.6199"] {
        assert!(refused(&matrix(row)).contains("expected 1 within 0.02"));
    }
}

#[test]
fn a_label_is_the_second_word_of_exactly_two() {
    for (line, label) in [
        ("MOTIF MA0002.3 Runx1", Some("Runx1")),
        ("MOTIF 1-AAATC\tSTREME-1 ", Some("STREME-1")),
        ("MOTIF CTCF.H12CORE.0.P.B", None),
        ("MOTIF CAG MEME-1\twidth =   3  sites =  17", None),
        ("MOTIF  1\twidth =   15   sites =  18", None),
        ("MOTIF 1 width=15", None),
        ("MOTIF a factor and more", None),
    ] {
        let text = format!("{line}\nletter-probability matrix:\n{ROWS}");
        assert_eq!(one(&text).label.as_deref(), label, "{line}");
    }
}

/// What the MEME program writes around its matrices; sequences and sites have names that begin with a number.
#[test]
fn tables_and_diagrams_of_the_meme_program_are_passed_over() {
    let around = "\
Sequence name            Weight Length  Sequence name            Weight Length
-------------            ------ ------  -------------            ------ ------
12                       1.0000    100  7                        1.0000    100
5                        1.0000    100
********************************************************************************
MOTIF AC MEME-1\twidth =   2  sites =  17  llr = 192  E-value = 2.3e-026
********************************************************************************
Simplified        A  1:
matrix            T  :1

         bits    2.2 * *
                 1.9 ***
(21.7 bits)      0.9 ***
                 0.0 ---

Multilevel           AC
\tMotif AC MEME-1 sites sorted by position p-value
12                           61  1.23e-06 GGTA AC TTGA
7                             2  1.23e-06            AC TTGA
\tMotif AC MEME-1 block diagrams
12                              1.2e-06  60_[1]_38
5                                 0.023  100
\tMotif AC MEME-1 in BLOCKS format
BL   MOTIF AC width=2 seqs=2
12                       (   61) AC  1
//
log-odds matrix: alength= 4 w= 2 n= 1494 bayes= 6.44 E= 2.3e-026
  -1073   211  -1073  -1073
   180  -1073  -1073  -1073
----
letter-probability matrix: alength= 4 w= 2 nsites= 17 E= 2.3e-026
 1.000000  0.000000  0.000000  0.000000
 0.000000  1.000000  0.000000  0.000000
----
Time  0.32 secs.
SUMMARY OF MOTIFS
12                               2.42e-05  29_[+1(2.05e-07)]_\\
    594
5                                   0.023  100
";
    let motif = one(around);
    assert_eq!(
        (motif.id.as_str(), motif.label, motif.rows.len()),
        ("AC", None, 2)
    );
    // Four numbers are a row that lost its matrix, there too.
    let message = parse_text(&format!("{HEAD}{around}0.1 0.2 0.3 0.4\n")).unwrap_err();
    assert!(
        message
            .to_string()
            .contains("a row of numbers outside any matrix")
    );
}

#[test]
fn a_name_of_two_words_cannot_be_written() {
    let motif = Motif {
        id: "two words".into(),
        label: None,
        nsites: None,
        rows: vec![[0.25; 4]],
    };
    assert!(write_meme(Vec::new(), &[motif]).is_err());
}

#[test]
fn all_published_collections_read_whole() {
    let Some(data) = crate::real_data::real_data() else {
        return;
    };
    let folder = data.join("motifs");
    for (name, count, narrowest, widest) in [
        ("cisBP_mouse", 862, 5, 30),
        ("H12CORE_meme_format", 1443, 0, 0),
        ("H13CORE_meme_format", 1611, 0, 0),
        ("HOCOMOCOv9", 428, 0, 0),
        ("JASPAR2024_CORE_vertebrates_nonredundant", 879, 0, 0),
        ("JASPAR2026_CORE_vertebrates_nonredundant", 1019, 0, 0),
        ("jaspar_2024_consensus", 182, 0, 0),
    ] {
        let motifs = read_meme(folder.join(format!("{name}.meme.gz"))).unwrap();
        let widths = || motifs.iter().map(|m| m.rows.len());
        let span = (widths().min().unwrap(), widths().max().unwrap());
        tell!("{name}: {} motifs, widths {span:?}", motifs.len());
        assert_eq!(motifs.len(), count, "{name}");
        if widest > 0 {
            assert_eq!(span, (narrowest, widest), "{name}");
        }
        let mut written = Vec::new();
        write_meme(&mut written, &motifs).unwrap();
        assert!(
            parse_text(&String::from_utf8(written).unwrap()).unwrap() == motifs,
            "{name}"
        );
    }
}

fn motifs() -> impl Strategy<Value = Vec<Motif>> {
    let row = prop::array::uniform4(1e-12..1.0_f64).prop_map(|row| {
        let sum: f64 = row.iter().sum();
        row.map(|value| value / sum)
    });
    let motif = (
        prop::option::of("[!-~]{1,8}"),
        prop::option::of(0.0..1e9_f64),
        prop::collection::vec(row, 1..12),
    );
    prop::collection::vec(motif, 1..5).prop_map(|parts| {
        let number = |(i, (label, nsites, rows)): (usize, (Option<String>, _, _))| Motif {
            id: format!("motif:{i}"),
            label: label.filter(|label| !label.starts_with("width=")),
            nsites,
            rows,
        };
        parts.into_iter().enumerate().map(number).collect()
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same(motifs in motifs()) {
        let mut written = Vec::new();
        write_meme(&mut written, &motifs).unwrap();
        prop_assert_eq!(parse_text(&String::from_utf8(written).unwrap()).unwrap(), motifs);
    }

    #[test]
    fn no_text_makes_the_reader_panic(body in "(MOTIF a|ALPHABET|END|letter-probability matrix:|w=|=|0\\.5|1|0|~|\"|é|\n| |\t){0,60}") {
        let _ = parse_text(&format!("MEME version 4\n{body}"));
        let _ = parse_text(&body);
    }
}
