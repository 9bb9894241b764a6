//! What is not scored, and runs that stop.

use super::common_tests::*;
use super::*;
use crate::data::variant_windows::Layout;
use crate::io::held::hold;
use crate::io::vcf::Wanted;

#[test]
fn a_run_that_was_stopped_goes_on() {
    let place = place();
    let vcf = place.vcf(&place.snvs(20..60));
    let mut request = place.request(&vcf, "o.tsv");
    request.null = 2;
    done(&request, &mut Fake::new()).unwrap();
    let whole = std::fs::read(&request.out).unwrap();
    std::fs::remove_file(&request.out).unwrap();
    let before = place.names();
    // In the first block nothing is kept.
    let failing = |answers| Fake {
        answers,
        ..Fake::new()
    };
    assert!(done(&request, &mut failing(1)).is_err());
    assert_eq!(place.names(), before);
    // In the middle of the fourth.
    let error = done(&request, &mut failing(10)).unwrap_err().to_string();
    assert_eq!(error, "no more");
    assert!(!request.out.exists() && place.path("o.tsv.partial").is_dir());
    let error = done(&request, &mut Fake::new()).unwrap_err().to_string();
    assert!(error.contains("--resume goes on with it"), "{error}");
    // While another run computes it, it is not called unfinished.
    let other = hold(&place.path("o.tsv.partial")).unwrap();
    for resume in [false, true] {
        request.resume = resume;
        let error = done(&request, &mut Fake::new()).unwrap_err().to_string();
        assert!(
            error.ends_with("o.tsv.partial: another run writes into this folder"),
            "{error}"
        );
    }
    drop(other);
    request.resume = true;
    request.seed = 8;
    let error = done(&request, &mut Fake::new()).unwrap_err().to_string();
    assert!(
        error.contains("of another model, other variants or other flags"),
        "{error}"
    );
    request.seed = 7;
    // Another file of variants.
    let bytes = std::fs::read(vcf.file()).unwrap();
    let modified = std::fs::metadata(vcf.file()).unwrap().modified().unwrap();
    std::fs::write(
        vcf.file(),
        [HEAD.as_bytes(), place.snvs(20..61).as_bytes()].concat(),
    )
    .unwrap();
    assert!(done(&request, &mut Fake::new()).is_err());
    std::fs::write(vcf.file(), bytes).unwrap();
    let file = std::fs::File::options()
        .write(true)
        .open(vcf.file())
        .unwrap();
    file.set_modified(modified).unwrap();
    // Of fourteen blocks eleven are left, three calls each.
    let mut fake = failing(1000);
    done(&request, &mut fake).unwrap();
    assert_eq!(1000 - fake.answers, 3 * (14 - 3));
    assert!(std::fs::read(&request.out).unwrap() == whole);
    assert!(!place.path("o.tsv.partial").exists());
}

#[test]
fn bad_input_is_told_before_anything_is_computed_or_written() {
    let place = place();
    let good = place.snvs(20..24);
    let snv = |lines: &str, from: &str, to: &str| lines.replace(from, to);
    let wrong = ["A", "C", "G", "T"]
        .into_iter()
        .filter(|b| *b != place.base(20));
    let wrong: Vec<&str> = wrong.collect();
    let mismatch = format!("chr1\t20\t.\t{}\t{}\t.\t.\t.\n", wrong[0], wrong[1]);
    for (lines, expected) in [
        (snv(&good, "chr1", "1"), "no chromosome of PLACE/v.vcf is in PLACE/g.fa: '1' there, 'chr1', 'chr2' here".to_string()),
        (String::new(), "PLACE/v.vcf: no variants: the file ends after its header".to_string()),
        (mismatch.clone(), "no variant of PLACE/v.vcf can be scored with the genome PLACE/g.fa: REF against the genome: 0 match, 0 exchanged, 1 mismatch (not scored; the first at line 3); warning: 1 of 1 REF alleles".to_string()),
        (format!("{good}chr1\t5\n"), "PLACE/v.vcf, line 7: 2 of 8 columns".to_string()),
        (format!("{good}chr1\t25\t.\tA\tR\t.\t.\t.\n"), "PLACE/v.vcf, line 7: ALT 'R' with the ambiguity letter R".to_string()),
        (format!("{good}{}", &good), "PLACE/v.vcf, line 7: chr1:20 comes after chr1:23 (line 6)".to_string()),
        (format!("chr1\t100\t.\t{}\t{}\t.\t.\t.\n", &place.text[99..130], place.base(100)), "not scored: 1 allele not altogether in its window (too long, or moved out of it by --shifts) (the first at line 3)".to_string()),
    ] {
        let vcf = place.vcf(&lines);
        let before = place.names();
        let request = place.request(&vcf, "o.tsv");
        let mut fake = Fake::new();
        fake.answers = 0;
        let error = done(&request, &mut fake).unwrap_err().to_string();
        let folder = place.folder.path().display().to_string();
        let expected = expected.replace("PLACE", &folder);
        assert!(error.contains(&expected), "{error}\n  expected: {expected}");
        assert_eq!(place.names(), before);
    }
    let vcf = place.vcf(&format!("{mismatch}{}", place.snvs(21..22)));
    let mut request = place.request(&vcf, "o.tsv");
    assert!(done(&request, &mut Fake::new()).is_ok());
    request.strict = true;
    let error = done(&request, &mut Fake::new()).unwrap_err().to_string();
    let expected = format!("v.vcf, line 3: REF '{}' of chr1:20, where", wrong[0]);
    assert!(
        error.contains(&expected) && error.contains("--strict"),
        "{error}"
    );
}

#[test]
fn a_file_that_changes_meanwhile_is_not_taken_for_the_one_that_was_scored() {
    let place = place();
    let text = place.snvs(20..40);
    let vcf = place.vcf(&text);
    let modified = std::fs::metadata(vcf.file()).unwrap().modified().unwrap();
    // The last line, after as many letters and with the same time.
    let from = format!("\t{}\t.\t.\t.\n", place.other(39));
    let to = from.replace(place.other(39), "N");
    let (head, last) = text.split_at(text.len() - 20);
    let other = format!("{HEAD}{head}{}", last.replace(&from, &to));
    assert_eq!(other.len(), HEAD.len() + text.len());
    let path = vcf.file().to_path_buf();
    let mut fake = Fake {
        meanwhile: Box::new(move || {
            std::fs::write(&path, &other).unwrap();
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(modified).unwrap();
        }),
        ..Fake::new()
    };
    let request = place.request(&vcf, "o.tsv");
    let error = done(&request, &mut fake).unwrap_err().to_string();
    assert!(
        error.contains("v.vcf: changed while it was read"),
        "{error}"
    );
    assert_eq!(place.names(), ["g.fa", "v.vcf"]);
}

#[test]
fn a_file_of_another_build_is_refused() {
    let place = place();
    // Moved by a few bases: of all SNVs about half have neither base there.
    let moved: String = (20..80)
        .map(|at| {
            let (from, to) = (place.base(at + 7), place.other(at + 7));
            format!("chr1\t{at}\t.\t{from}\t{to}\t.\t.\t.\n")
        })
        .collect();
    let vcf = place.vcf(&moved);
    let head = HEAD.replace("#CHROM", "##contig=<ID=chr1,length=307>\n#CHROM");
    std::fs::write(vcf.file(), format!("{head}{moved}")).unwrap();
    let request = place.request(&vcf, "o.tsv");
    let error = done(&request, &mut Fake::new()).unwrap_err().to_string();
    for part in [
        "v.vcf is of another genome than",
        "g.fa: REF against the genome:",
        "'chr1' has 307 bases in",
        "300 in",
        "bcftools norm --check-ref x",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    // The length alone is said.
    std::fs::write(vcf.file(), format!("{head}{}", place.snvs(20..22))).unwrap();
    let layout = &request.layout;
    let found = survey(&vcf, None, &place.genome, layout, true).unwrap();
    assert_eq!(found.other_length, Some(("chr1".to_string(), 307, 300)));
}

#[test]
fn strict_looks_at_every_ref() {
    let place = place();
    let good = place.snvs(20..24);
    let wrong = place.other(30);
    let strict = |line: &str| {
        let vcf = place.vcf(&format!("{good}{line}"));
        survey(
            &vcf,
            None,
            &place.genome,
            &Layout::new(LENGTH, &[0]).unwrap(),
            true,
        )
        .map(drop)
    };
    for alternative in ["<DEL>", "*", ".", "N", wrong] {
        let line = format!("chr1\t30\t.\t{wrong}\t{alternative}\t.\t.\t.\n");
        let error = strict(&line).unwrap_err().to_string();
        assert!(error.contains("v.vcf, line 7: REF"), "{error}");
    }
    assert!(strict("chr1\t400\t.\tA\tC\t.\t.\t.\n").is_err());
    for line in [
        "chr1\t30\t.\tN\t<DEL>\t.\t.\t.\n",
        "un\t30\t.\tA\tC\t.\t.\t.\n",
    ] {
        strict(line).unwrap();
    }
}

#[test]
fn regions_choose_sites() {
    let place = place();
    let vcf = place.vcf(&place.snvs(20..60));
    let wanted = Wanted::parse("--regions", "chr1:30-33 chr2").unwrap();
    let mut request = place.request(&vcf, "o.tsv");
    request.wanted = Some(&wanted);
    assert_eq!(done(&request, &mut Fake::new()).unwrap().scored(), 4);
    let positions: Vec<String> = rows(&request.out)
        .into_iter()
        .map(|mut row| row.remove(1))
        .collect();
    assert_eq!(positions, ["30", "30", "31", "31", "32", "32", "33", "33"]);
    let none = Wanted::parse("--regions", "chr2").unwrap();
    request.wanted = Some(&none);
    let error = done(&request, &mut Fake::new()).unwrap_err().to_string();
    assert!(
        error.contains("lies in the regions wanted, on 'chr2'"),
        "{error}"
    );
}
