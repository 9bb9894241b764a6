//! What is written.

use super::common_tests::*;
use super::*;
use crate::data::variant_windows::{Cause, Status};
use crate::io::text::read_text;
use crate::io::vcf::Reader;
use crate::metrics::empirical_p::Sorted;
use std::io::Write;

#[test]
fn plain_gzip_and_bgzip_give_the_same_bytes_and_names_pack_them() {
    let place = place();
    let vcf = place.vcf(&place.snvs(20..40));
    let text = std::fs::read(vcf.file()).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&text).unwrap();
    let mut bgzip = noodles_bgzf::io::Writer::new(Vec::new());
    bgzip.write_all(&text).unwrap();
    let mut found = Vec::new();
    for bytes in [text, gzip.finish().unwrap(), bgzip.finish().unwrap()] {
        std::fs::write(vcf.file(), bytes).unwrap();
        for (out, format) in [
            ("o.tsv", Format::Table(Form::Long)),
            ("o.tsv.gz", Format::Table(Form::Wide)),
            ("o.vcf.gz", Format::Vcf),
        ] {
            let mut request = place.request(&vcf, out);
            request.format = format;
            done(&request, &mut Fake::new()).unwrap();
            found.push(std::fs::read(&request.out).unwrap());
        }
    }
    assert!(found[..3] == found[3..6] && found[..3] == found[6..]);
    assert!(found[1].starts_with(&[0x1f, 0x8b]) && found[0].starts_with(b"chrom\t"));
}

/// A file with something of everything, and what it gives in each form.
#[test]
fn each_form_has_its_columns() {
    let place = place();
    let [from, to] = [place.base(30), place.other(30)];
    let third = ["A", "C", "G", "T"]
        .into_iter()
        .find(|b| *b != from && *b != to)
        .unwrap();
    let lines = format!(
        "chr1\t30\trs1\t{from}\t{to},<DEL>,{third}\t.\t.\tDP=3\nchr1\t31\t.\t{}\t.\t.\t.\t.\nchr1\t300\t.\t{}\t{}\t.\t.\t.\nun\t3\t.\tA\tC\t.\t.\t.\n",
        place.base(31),
        place.base(300),
        place.other(300)
    );
    // REF of another genome, in a line by itself.
    let alternatives = ["A", "C", "G", "T"]
        .into_iter()
        .filter(|b| *b != place.base(40));
    let strangers: Vec<&str> = alternatives.take(2).collect();
    let mismatch = format!("chr1\t40\tm\t{}\t{}\t.\t.\t.\n", strangers[0], strangers[1]);
    let lines = lines.replace("chr1\t300", &format!("{mismatch}chr1\t300"));
    let vcf = place.vcf(&lines);
    let of = |format, full: bool| {
        let mut request = place.request(&vcf, "o.out");
        let mut fake = Fake::new();
        request.format = format;
        if full {
            request.null = 3;
            request.notes = vec!["tracks do not change".to_string()];
            let numbers = (0..100).map(|i| i as f32 / 10.0).collect();
            request.backgrounds = Some(vec![Sorted::new(vec![]), Sorted::new(numbers)]);
            fake.logits = true;
            fake.motifs = vec!["lost one".to_string(), "M2".to_string()];
        }
        let tally = done(&request, &mut fake).unwrap();
        assert_eq!((tally.alleles(), tally.scored()), (7, 2));
        assert_eq!(tally.count(Status::Unscored(Cause::PastEnd)), 1);
        assert_eq!(tally.count(Status::Unscored(Cause::UnknownChromosome)), 1);
        read_text(&request.out).unwrap()
    };
    let bare = of(Format::Table(Form::Long), false);
    let lines: Vec<&str> = bare.lines().collect();
    assert_eq!(
        lines[0],
        "chrom\tpos\tid\tref\talt\toutput\tref_pred\talt_pred\tdiff\tpval\tactive_allele_quantile\tref_match\tmotif_gained\tmotif_lost\tmotif_diff"
    );
    // Two alleles and the mismatch, two outputs each.
    assert_eq!(lines.len(), 7);
    let head = format!("chr1\t30\trs1\t{from}\t{to}\tGA\t");
    assert!(
        lines[1].starts_with(&head) && lines[1].ends_with("\t\t\tmatch\t\t\t"),
        "{bare}"
    );
    assert!(
        lines[5].ends_with("\tGA\t\t\t\t\t\tmismatch\t\t\t"),
        "{bare}"
    );
    let full = of(Format::Table(Form::Long), true);
    let full: Vec<Vec<&str>> = full
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(full[0], ["# tracks do not change"]);
    assert_eq!(full[1][9], "logit_diff");
    let number = |row: usize, column: usize| full[row][column].parse::<f32>().unwrap();
    assert_eq!(number(2, 9), 2.0 * number(2, 8));
    assert!(number(2, 10) > 0.0 && full[2][11].is_empty());
    let motif = match full[2][13].is_empty() {
        true => ["", "lost one"],
        false => ["M2", ""],
    };
    assert_eq!(full[2][12..], ["match", motif[0], motif[1], "0.25"]);
    assert_eq!(full[3][12..], ["match", "", "", ""]);
    let numbers = (0..100).map(|i| i as f32 / 10.0).collect();
    let higher = f64::from(number(3, 6).max(number(3, 7)));
    let expected = Sorted::new(numbers).quantile(higher).unwrap();
    assert_eq!(number(3, 11), expected as f32);
    let wide = of(Format::Table(Form::Wide), false);
    let lines: Vec<&str> = wide.lines().collect();
    assert_eq!(
        lines[0],
        "chrom\tpos\tid\tref\talt\tref_match\tGA.ref_pred\tGA.alt_pred\tGA.diff\tby place.ref_pred\tby place.alt_pred\tby place.diff"
    );
    assert_eq!(lines.len(), 4);
    assert!(lines[3].ends_with("\tmismatch\t\t\t\t\t\t"), "{wide}");
    let wide = of(Format::Table(Form::Wide), true);
    let columns = |line: &str| line.split('\t').count();
    assert!(wide.lines().skip(1).all(|line| columns(line) == 6 + 2 * 9));
    let other = of(Format::Table(Form::VariantScorer), true);
    let lines: Vec<&str> = other.lines().collect();
    let own = "allele1_pred\tP.allele2_pred\tP.diff\tP.abs_diff\tP.active_allele_quantile\tP.diff.pval\tP.logit_diff";
    let expected = format!(
        "chr\tpos\tallele1\tallele2\tvariant_id\tGA.{}\tby place.{}\tref_match",
        own.replace("P.", "GA."),
        own.replace("P.", "by place.")
    );
    assert_eq!((lines[0], lines.len()), (expected.as_str(), 3));
    assert!(lines[1].starts_with(&format!("chr1\t30\t{from}\t{to}\trs1\t")));
    assert!(lines[1].ends_with("\tmatch"));
    let vcf = of(Format::Vcf, true);
    for line in [
        "##contig=<ID=chr1,length=300>",
        "##contig=<ID=un>",
        "##cisgrad=tracks do not change",
        "##INFO=<ID=CG_by_place_DIFF,Number=A,Type=Float,Description=\"Prediction with ALT minus the one with REF, output by place\",Source=\"cisgrad\">",
    ] {
        assert!(vcf.lines().any(|found| found == line), "{line} in {vcf}");
    }
    let sites: Vec<&str> = vcf.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(sites.len(), 5);
    let head = format!(
        "chr1\t30\trs1\t{from}\t{to},<DEL>,{third}\t.\t.\tDP=3;CG_REF_MATCH=match,.,match;CG_GA_REF_PRED="
    );
    assert!(sites[0].starts_with(&head), "{}", sites[0]);
    // The same numbers as in the table, in the fields of their names.
    for (row, column, name) in [
        (2, 6, "GA_REF_PRED"),
        (2, 7, "GA_ALT_PRED"),
        (2, 8, "GA_DIFF"),
        (2, 9, "GA_LOGIT_DIFF"),
        (2, 10, "GA_PVAL"),
        (3, 11, "by_place_QUANTILE"),
        (2, 15, "GA_MOTIF_DIFF"),
        (3, 8, "by_place_DIFF"),
    ] {
        let (first, third) = (full[row][column], full[row + 2][column]);
        let expected = format!(";CG_{name}={first},.,{third}");
        assert!(sites[0].contains(&expected), "{expected} in {}", sites[0]);
    }
    assert!(sites[1].ends_with("\t.\t.\t.") && sites[4] == "un\t3\t.\tA\tC\t.\t.\t.");
    assert!(
        sites[2].ends_with("\tCG_REF_MATCH=mismatch"),
        "{}",
        sites[2]
    );
}

#[test]
fn a_single_output_of_other_programs_has_no_prefix_and_names_are_made() {
    let place = place();
    let vcf = place.vcf(&place.snvs(50..51).replace("s50", "."));
    let columns = Columns {
        outputs: vec!["x".to_string()],
        ..Columns::default()
    };
    let mut out = Vec::new();
    let record = Reader::open(&vcf, None).unwrap().read().unwrap().unwrap();
    let effect = Effect {
        reference: 1.5,
        alternative: 1.0,
        ..Effect::default()
    };
    let allele = Allele {
        record: &record,
        alternative: 0,
        status: Status::Match,
        effects: &[effect],
    };
    let mut table = Table::begin(&mut out, &columns, Form::VariantScorer).unwrap();
    table.write(&allele).unwrap();
    let (from, to) = (place.base(50), place.other(50));
    assert_eq!(
        String::from_utf8(out).unwrap(),
        format!(
            "chr\tpos\tallele1\tallele2\tvariant_id\tallele1_pred\tallele2_pred\tdiff\tabs_diff\tactive_allele_quantile\tref_match\n\
             chr1\t50\t{from}\t{to}\tchr1:50:{from}:{to}\t1.5\t1.0\t-0.5\t0.5\t\tmatch\n"
        )
    );
}
