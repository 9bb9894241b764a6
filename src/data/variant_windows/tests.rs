use super::*;
use crate::data::packed_genome::PackedGenome;
use crate::dna::bases;
use crate::engine::Philox;
use crate::io::stored::Stored;
use crate::io::vcf::Reader;
use proptest::prelude::*;

const LENGTH: usize = 8;
//               0         1         2         3
//               0123456789012345678901234567890123456789
const CHR: &str = "GATTACAGGCTTTTTACGACGACGATCCGNATTGCAAGTC";

fn genome(text: &str) -> PackedGenome {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("g.fa");
    std::fs::write(&path, text).unwrap();
    PackedGenome::read(&path, None).unwrap()
}

fn layout(shifts: &[i64]) -> Layout {
    Layout::new(LENGTH, shifts).unwrap()
}

/// What becomes of `chr pos ref alt`, on chromosomes a ([`CHR`]) and b (ACGT).
fn look(shifts: &[i64], site: &str) -> Vec<Examined> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.vcf");
    let words: Vec<&str> = site.split(' ').collect();
    let line = format!(
        "{}\t{}\t.\t{}\t{}\t.\t.\t.\n",
        words[0], words[1], words[2], words[3]
    );
    let head = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";
    std::fs::write(&path, format!("{head}{line}")).unwrap();
    let record = Reader::open(&Stored::open(&path).unwrap(), None)
        .unwrap()
        .read()
        .unwrap()
        .unwrap();
    let genome = genome(&format!(">a\n{CHR}\n>b\nACGT\n"));
    examine(&genome, &layout(shifts), &record)
}

fn site(shifts: &[i64], line: &str) -> Site {
    let genome = genome(&format!(">a\n{CHR}\n>b\nACGT\n"));
    match look(shifts, line).remove(0) {
        Examined::Scored(edit) => Site::read(&genome, &layout(shifts), edit).unwrap(),
        other => panic!("{line}: {other:?}"),
    }
}

/// The start and the bases of both windows for each shift.
fn windows(shifts: &[i64], line: &str) -> Vec<(i64, String, String)> {
    let text = |codes: &[u8]| -> String {
        let letters = codes.iter().map(|&code| bases::letter(code) as char);
        letters.collect()
    };
    let pairs = site(shifts, line).pairs(&layout(shifts)).into_iter();
    pairs
        .map(
            |Pair {
                 reference,
                 alternative,
             }| {
                assert_eq!(
                    (reference.start, reference.chromosome),
                    (alternative.start, 0)
                );
                (
                    reference.start,
                    text(&reference.codes),
                    text(&alternative.codes),
                )
            },
        )
        .collect()
}

#[track_caller]
fn one(line: &str, start: i64, reference: &str, alternative: &str) {
    let expected = (start, reference.to_string(), alternative.to_string());
    assert_eq!(windows(&[0], line), [expected], "{line}");
}

#[test]
fn variants_lie_in_the_middle_and_indels_share_their_left_end() {
    // The base at place 8 of the chromosome at place 4 of the window.
    one("a 9 G t", 4, "ACAGGCTT", "ACAGTCTT");
    // Two bases, places 3 and 4.
    one("a 9 GC AA", 5, "CAGGCTTT", "CAGAATTT");
    // Shared ends of alleles are no part of the variant.
    one("a 7 AGGC AGTC", 4, "ACAGGCTT", "ACAGTCTT");
    // A base is gone, and one more is seen on the right.
    one("a 7 AGG AG", 3, "TACAGGCT", "TACAGCTT");
    one("a 8 G GAC", 5, "CAGGCTTT", "CAGACGCT");
    // Within a repeat: the first of five T.
    one("a 14 TT T", 6, "AGGCTTTT", "AGGCTTTT");
    one("a 15 T TT", 6, "AGGCTTTT", "AGGCTTTT");
    one("a 18 GACG G", 12, "TTTACGAC", "TTTACGAC");
}

#[test]
fn windows_reach_to_the_chromosomes_ends_and_no_further() {
    one("a 5 A C", 0, "GATTACAG", "GATTCCAG");
    one("a 37 A C", 32, "TGCAAGTC", "TGCACGTC");
    let past = [Examined::Unscored(Cause::PastEnd)];
    for line in [
        "a 4 T C",
        "a 38 G C",
        "a 40 C T",
        "a 40 CA C",
        "a 0 N C",
        "a 41 A C",
        "b 2 C A",
    ] {
        assert_eq!(look(&[0], line), past, "{line}");
    }
    // Windows that are moved need as much more.
    assert_eq!(look(&[0, -1], "a 5 A C"), past);
    assert_eq!(windows(&[0, 1], "a 5 A C")[1].0, 1);
    // A deletion needs as many bases on the right as it removes.
    assert!(matches!(look(&[0], "a 35 CA C")[0], Examined::Scored(_)));
    assert_eq!(look(&[0], "a 36 AAG A"), past);
}

#[test]
fn shifts_move_both_windows() {
    let found = windows(&[0, -2, 3], "a 9 G T");
    let starts: Vec<i64> = found.iter().map(|(start, _, _)| *start).collect();
    assert_eq!(starts, [4, 2, 7]);
    assert_eq!(
        (found[1].1.as_str(), found[1].2.as_str()),
        ("TTACAGGC", "TTACAGTC")
    );
    assert_eq!(
        (found[2].1.as_str(), found[2].2.as_str()),
        ("GGCTTTTT", "GTCTTTTT")
    );
    let deletion = windows(&[0, -2, 3], "a 9 GCT G");
    let unmoved = windows(&[0], "a 9 GCT G");
    assert_eq!(deletion[0], unmoved[0]);
    for (length, shifts, expected) in [
        (8, vec![5], "a shift of 5; expected -3 to 4"),
        (8, vec![-4], "a shift of -4; expected -3 to 4"),
        (8, vec![1, 0, 1], "a shift of 1 twice"),
        (0, vec![0], "windows of no base"),
    ] {
        let error = Layout::new(length, &shifts).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(layout(&[]).shifts(), [0]);
    assert!(Layout::new(8, &[4, -3]).is_ok());
}

#[test]
fn the_genome_says_what_becomes_of_an_allele() {
    let statuses = |line: &str| -> Vec<Status> {
        let found = look(&[0], line);
        found.iter().map(Examined::status).collect()
    };
    let unscored = Status::Unscored;
    for (line, expected) in [
        ("a 9 g A,T", vec![Status::Match; 2]),
        (
            "a 9 A G,T,C",
            vec![Status::Exchanged, Status::Mismatch, Status::Mismatch],
        ),
        ("a 9 GG C", vec![Status::Mismatch]),
        ("a 9 A GCT", vec![Status::Exchanged]),
        ("a 9 G .", vec![unscored(Cause::NoAlternative)]),
        (
            "a 9 G <DEL>,*,G]a:5],g,N",
            vec![
                unscored(Cause::Symbolic),
                unscored(Cause::Overlapped),
                unscored(Cause::Breakend),
                unscored(Cause::Identical),
                unscored(Cause::Ambiguous),
            ],
        ),
        ("a 9 R G", vec![unscored(Cause::Ambiguous)]),
        ("c 9 G A", vec![unscored(Cause::UnknownChromosome)]),
        ("a 30 A C", vec![Status::Mismatch]),
        ("a 9 G GACGTACGTAC", vec![unscored(Cause::TooLong)]),
        ("a 9 GCTTTTTACGAC G", vec![unscored(Cause::TooLong)]),
    ] {
        assert_eq!(statuses(line), expected, "{line}");
    }
}

#[test]
fn exchanged_alleles_are_the_corrected_line_turned_around() {
    for (exchanged, corrected) in [
        ("a 9 T G", "a 9 G T"),
        ("a 9 TA GC", "a 9 GC TA"),
        ("a 9 GACG GC", "a 9 GC GACG"),
        ("a 9 AG GCTT", "a 9 GCTT AG"),
    ] {
        let (found, expected) = (windows(&[0, 1], exchanged), windows(&[0, 1], corrected));
        let turned: Vec<_> = expected.into_iter().map(|(at, r, a)| (at, a, r)).collect();
        assert_eq!(look(&[0], exchanged)[0].status(), Status::Exchanged);
        assert_eq!(found, turned, "{exchanged}");
    }
}

#[test]
fn shuffled_flanks_keep_the_alleles_and_are_the_same_for_both() {
    for line in ["a 19 A C", "a 19 ACG A", "a 19 A ATTT"] {
        let (shifts, layout) = ([0, 2], layout(&[0, 2]));
        let site = site(&shifts, line);
        let shuffled = site.shuffled(Philox::new(1), 5);
        assert_eq!(shuffled, site.shuffled(Philox::new(1), 5));
        assert_eq!(shuffled.edit, site.edit);
        let sorted = |codes: &[u8]| {
            let mut codes = codes.to_vec();
            codes.sort_unstable();
            codes
        };
        assert_eq!(sorted(&shuffled.left), sorted(&site.left));
        assert_eq!(sorted(&shuffled.right), sorted(&site.right));
        let before = site.pairs(&layout);
        for (pair, before) in shuffled.pairs(&layout).iter().zip(&before) {
            assert_eq!(pair.reference.start, before.reference.start);
            let left = (site.edit.change.start - pair.reference.start) as usize;
            let (r, a) = (&pair.reference.codes, &pair.alternative.codes);
            assert_eq!(r[..left], a[..left], "{line}");
            let (removed, inserted) = (
                site.edit.change.removed.len(),
                site.edit.change.inserted.len(),
            );
            assert_eq!(a[left..left + inserted], site.edit.change.inserted);
            let count = LENGTH - left - removed.max(inserted);
            assert_eq!(r[left + removed..][..count], a[left + inserted..][..count]);
        }
    }
    // Long flanks are other ones, and each stream has its own.
    let text: String = (0..400u64)
        .map(|i| bases::letter((Philox::new(3).bits(0, i) % 4) as u8) as char)
        .collect();
    let genome = genome(&format!(">a\n{text}\n"));
    let layout = Layout::new(200, &[0]).unwrap();
    let edit = Edit {
        chromosome: 0,
        change: normalize::Change {
            start: 200,
            removed: vec![],
            inserted: vec![1],
        },
        exchanged: false,
    };
    let site = Site::read(&genome, &layout, edit).unwrap();
    let (one, two) = (
        site.shuffled(Philox::new(1), 0),
        site.shuffled(Philox::new(1), 1),
    );
    assert!(one.left != site.left && one.right != site.right);
    assert!(one.left != two.left && one.right != two.right);
}

proptest! {
    /// Both windows are cut out of the chromosome with the one and with the other allele, at the same place.
    #[test]
    fn windows_are_parts_of_the_edited_chromosome(
        text in "[ACGT]{30,60}",
        at in 0_usize..60,
        removed in 0_usize..5,
        inserted in "[ACGT]{0,5}",
        shift in -2_i64..3,
    ) {
        let at = at.min(text.len() - 1);
        let end = (at + removed).min(text.len());
        let reference = &text[at..end];
        prop_assume!(reference != inserted);
        let mut codes = Vec::new();
        bases::encode(&text, &mut codes).unwrap();
        let encoded = |text: &str| {
            let mut codes = Vec::new();
            bases::encode(text, &mut codes).unwrap();
            codes
        };
        let change = normalize::Change {
            start: at as i64,
            removed: encoded(reference),
            inserted: encoded(&inserted),
        };
        let edit = Edit {
            chromosome: 0,
            change: normalize::normalize(change, |place| codes[place as usize]),
            exchanged: false,
        };
        let layout = layout(&[0, shift][..1 + usize::from(shift != 0)]);
        let flanks = layout.flanks(&edit);
        prop_assume!(flanks.is_some_and(|flanks| {
            let start = edit.change.start;
            start >= flanks.left as i64
                && start as usize + edit.change.removed.len() + flanks.right <= text.len()
        }));
        let genome = genome(&format!(">a\n{text}\n"));
        let edited = encoded(&format!("{}{inserted}{}", &text[..at], &text[end..]));
        for pair in Site::read(&genome, &layout, edit).unwrap().pairs(&layout) {
            let start = pair.reference.start as usize;
            prop_assert_eq!(&pair.reference.codes, &codes[start..start + LENGTH]);
            prop_assert_eq!(&pair.alternative.codes, &edited[start..start + LENGTH]);
        }
    }
}
