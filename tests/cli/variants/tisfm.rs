//! tiSFM's.

use super::{chromosome, other, vcf};
use crate::common::kinds::Kind;
use crate::common::tisfm::Data;
use crate::common::{Table, bytes, names, piped, text};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;

const LENGTH: usize = 40;

/// A model, and a place of chr1 around which no base is an N and where neighbors differ, counted from 0.
fn model() -> (Data, String, usize) {
    let data = Data::new(120, LENGTH);
    data.train("model", "--precision f64 --lr 0.05 --number-of-epochs 6")
        .ok();
    let bases = chromosome(&text(data.path("genome.fa")), "chr1");
    // The genome has an N every few bases: some are made known.
    let known: String = bases
        .chars()
        .map(|base| if base == 'N' { 'G' } else { base })
        .collect();
    let genome = text(data.path("genome.fa"))
        .to_uppercase()
        .replace("CHR", "chr");
    let genome: String = genome
        .lines()
        .map(|line| match line.starts_with('>') {
            true => format!("{line}\n"),
            false => line.replace('N', "G") + "\n",
        })
        .collect();
    data.write("genome.fa", genome);
    let fits = |at: &usize| {
        let here: Vec<char> = known[at - 1..at + 4].chars().collect();
        // Nothing of it can be shifted to the left.
        here.windows(2).all(|pair| pair[0] != pair[1]) && here[3] != here[1]
    };
    let at = (100..known.len() - 100).find(fits).unwrap();
    (data, known, at)
}

/// Predictions of both outputs for sequences.
fn predict(data: &Data, sequences: &[String]) -> Vec<[f64; 2]> {
    let lines = sequences.iter().enumerate();
    let lines = lines.map(|(i, bases)| format!("s{i}\t{bases}\n"));
    data.write("windows.tsv", lines.collect::<String>());
    let found = data
        .run("tisfm predict --model model --sequences windows.tsv --precision f64")
        .ok()
        .table();
    let (a, b) = (found.numbers("K562"), found.numbers("MCF7"));
    a.into_iter().zip(b).map(|(a, b)| [a, b]).collect()
}

#[test]
fn differences_are_those_of_edited_sequences() {
    let (data, bases, at) = model();
    let here = |from: usize, to: usize| bases[from..to].to_string();
    let base = |at: usize| bases.chars().nth(at).unwrap();
    let (own, new) = (here(at, at + 1), other(base(at)));
    // Inserted behind a base that differs from what is inserted, so that nothing can be shifted to the left.
    let insert = format!("{own}{new}{}", other(new.chars().next().unwrap()));
    let deleted = here(at, at + 3);
    let both = format!("{new}{}", other(base(at + 1)));
    data.write(
        "v.vcf",
        vcf(&[
            ("chr1", at + 1, "snv", &own, new),
            ("chr1", at + 1, "ins", &own, &insert),
            ("chr1", at + 1, "del", &deleted, &own),
            ("chr1", at + 1, "mnv", &here(at, at + 2), &both),
            ("chr1", at + 1, ".", &own, "<DEL>"),
            (
                "chr1",
                bases.len(),
                "end",
                &here(bases.len() - 1, bases.len()),
                other(base(bases.len() - 1)),
            ),
        ]),
    );
    let said = data
        .run("variants --model model --vcf v.vcf --genome genome.fa --out v.tsv --precision f64")
        .ok();
    assert!(
        said.err.contains("4 ") && said.err.contains("symbolic"),
        "{}",
        said.err
    );
    let window = |start: usize, changed: &dyn Fn(&str) -> String| {
        let edited = changed(&bases);
        edited[start..start + LENGTH].to_string()
    };
    let plain = |bases: &str| bases.to_string();
    let put = |from: usize, to: usize, with: String| {
        move |bases: &str| format!("{}{with}{}", &bases[..from], &bases[to..])
    };
    let mut sequences = Vec::new();
    for (place, longer, changed) in [
        (at, 1, put(at, at + 1, new.to_string())),
        (at + 1, 2, put(at + 1, at + 1, insert[1..].to_string())),
        (at + 1, 2, put(at + 1, at + 3, String::new())),
        (at, 2, put(at, at + 2, both.clone())),
    ] {
        let start = place - (LENGTH / 2 - longer / 2);
        sequences.push(window(start, &plain));
        sequences.push(window(start, &changed));
    }
    let expected = predict(&data, &sequences);
    let found = Table::read(data.path("v.tsv"));
    assert_eq!(
        found.header[..9],
        [
            "chrom", "pos", "id", "ref", "alt", "output", "ref_pred", "alt_pred", "diff"
        ]
    );
    for (place, id) in ["snv", "ins", "del", "mnv"].into_iter().enumerate() {
        for (output, name) in ["K562", "MCF7"].into_iter().enumerate() {
            let row = found.rows.iter().find(|row| row[2] == id && row[5] == name);
            let row = row.unwrap_or_else(|| panic!("{id}: {:?}", found.rows));
            let [reference, alternative] =
                [0, 1].map(|allele| expected[2 * place + allele][output]);
            for (column, value) in [
                (6, reference),
                (7, alternative),
                (8, alternative - reference),
            ] {
                let number: f64 = row[column].parse().unwrap();
                assert!(
                    (number - value).abs() < 1e-6,
                    "{id} {name}: {row:?} {value}"
                );
            }
            // The part of a motif is one of parts that sum to the difference.
            let part = found
                .header
                .iter()
                .position(|name| name == "motif_diff")
                .unwrap();
            assert!(row[part].parse::<f64>().unwrap().is_finite());
        }
    }
}

#[test]
fn exchanged_alleles_are_flagged_and_their_difference_is_the_other_ones_negated() {
    let (data, bases, at) = model();
    let own = &bases[at..at + 1];
    let new = other(own.chars().next().unwrap());
    let third = other(new.chars().next().unwrap());
    data.write("right.vcf", vcf(&[("chr1", at + 1, "a", own, new)]));
    data.write("wrong.vcf", vcf(&[("chr1", at + 1, "a", new, own)]));
    let next = &bases[at + 1..at + 2];
    data.write(
        "neither.vcf",
        vcf(&[
            ("chr1", at + 1, "a", new, third),
            (
                "chr1",
                at + 2,
                "b",
                next,
                other(next.chars().next().unwrap()),
            ),
        ]),
    );
    let run = |file: &str| {
        data.run(&format!(
            "variants --model model --vcf {file}.vcf --genome genome.fa --out {file}.tsv --precision f64"
        ))
    };
    run("right").ok();
    run("wrong").ok();
    let (right, wrong) = (
        Table::read(data.path("right.tsv")),
        Table::read(data.path("wrong.tsv")),
    );
    for (a, b) in right.numbers("diff").iter().zip(wrong.numbers("diff")) {
        assert!(*a != 0.0 && *a == -b, "{a} {b}");
    }
    assert_eq!(right.column("ref_match"), ["match"; 2]);
    assert_eq!(wrong.column("ref_match"), ["exchanged"; 2]);
    data.run("variants --model model --vcf wrong.vcf --genome genome.fa --out x.tsv --strict")
        .refused(&["wrong.vcf", "line 3"]);
    assert!(!data.path("x.tsv").exists());
    run("neither").ok();
    let neither = Table::read(data.path("neither.tsv"));
    assert_eq!(
        neither.column("ref_match"),
        ["mismatch", "mismatch", "match", "match"]
    );
    assert_eq!(neither.rows[0][6..9], ["", "", ""]);
}

/// The other strand.
fn reverse_complement(bases: &str) -> String {
    let pairs = |base| match base {
        'A' => 'T',
        'C' => 'G',
        'G' => 'C',
        'T' => 'A',
        other => other,
    };
    bases.chars().rev().map(pairs).collect()
}

#[test]
fn on_the_other_strand_of_the_genome_a_variant_is_its_complement() {
    let (data, bases, at) = model();
    let turned = reverse_complement(&bases);
    let (one, two) = (&bases[at..at + 1], &bases[at..at + 2]);
    let new = other(one.chars().next().unwrap());
    let both = format!("{new}{}", other(two.chars().last().unwrap()));
    data.write("turned.fa", format!(">chr1\n{turned}\n"));
    for (reference, alternative) in [(one, new), (two, both.as_str())] {
        let length = reference.len();
        let start = bases.len() - at - length;
        let [from, to] = [reference, alternative].map(reverse_complement);
        data.write("turned.vcf", vcf(&[("chr1", start + 1, ".", &from, &to)]));
        data.run("variants --model model --vcf turned.vcf --genome turned.fa --out o.tsv --precision f64")
            .ok();
        let found = Table::read(data.path("o.tsv"));
        // The windows, edited on the first strand: what is before the variant there is behind it here.
        let before = LENGTH / 2 - length / 2;
        let end = at + length + before;
        let edited = format!("{}{alternative}{}", &bases[..at], &bases[at + length..]);
        let windows = [&bases, &edited].map(|bases| reverse_complement(&bases[end - LENGTH..end]));
        let [reference, alternative] = predict(&data, &windows).try_into().unwrap();
        for (output, diff) in found.numbers("diff").into_iter().enumerate() {
            let expected: f64 = alternative[output] - reference[output];
            assert!((diff - expected).abs() < 1e-6, "{diff} {expected}");
            assert!(diff.abs() > 1e-6, "nothing changes");
        }
    }
}

#[test]
fn packed_files_give_the_same_bytes_and_a_vcf_has_its_lines() {
    let (data, bases, at) = model();
    let lines: Vec<(usize, String, &str)> = (at..at + 30)
        .map(|at| {
            let own = bases[at..at + 1].to_string();
            let new = other(own.chars().next().unwrap());
            (at + 1, own, new)
        })
        .collect();
    let lines: Vec<(&str, usize, &str, &str, &str)> = lines
        .iter()
        .map(|(at, own, new)| ("chr1", *at, ".", own.as_str(), *new))
        .collect();
    let plain = vcf(&lines);
    data.write("v.vcf", &plain);
    let file = std::fs::File::create(data.path("g.vcf.gz")).unwrap();
    let mut packed = GzEncoder::new(file, Compression::fast());
    packed.write_all(plain.as_bytes()).unwrap();
    packed.finish().unwrap();
    let run = |vcf: &str, out: &str| {
        let flags = "--genome genome.fa --null 3";
        data.run(&format!(
            "variants --model model --vcf {vcf} --out {out} {flags}"
        ))
        .ok();
    };
    run("v.vcf", "a.tsv");
    run("g.vcf.gz", "b.tsv");
    assert!(bytes(data.path("a.tsv")) == bytes(data.path("b.tsv")));
    // Read three times, and there once.
    let flags = "--genome genome.fa --null 3";
    for (vcf, out) in [("v.vcf", "c.tsv"), ("g.vcf.gz", "d.tsv")] {
        let arguments = format!("variants --model model --vcf - --out {out} {flags}");
        piped(data.folder(), &arguments, vcf).ok();
        assert!(bytes(data.path("a.tsv")) == bytes(data.path(out)), "{vcf}");
    }
    let arguments = format!("variants --model model --vcf - --out e.tsv {flags} --resume");
    let expected = "--resume with --vcf standard input: a stream";
    piped(data.folder(), &arguments, "v.vcf").fails(2, &[expected]);
    let table = Table::read(data.path("a.tsv"));
    assert_eq!(table.rows.len(), 60);
    assert!(
        table
            .numbers("pval")
            .iter()
            .all(|p| (0.0..=1.0).contains(p))
    );
    run("v.vcf", "o.vcf");
    let written = text(data.path("o.vcf"));
    let rows = written.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(rows.clone().count(), 30);
    assert!(
        rows.clone()
            .all(|row| row.contains("CG_K562_DIFF=") && row.contains("CG_MCF7_PVAL="))
    );
    assert!(written.contains("##INFO=<ID=CG_K562_DIFF,Number=A,Type=Float"));
    data.run("variants --model model --vcf v.vcf --out w.tsv --genome genome.fa --format wide")
        .ok();
    assert_eq!(Table::read(data.path("w.tsv")).rows.len(), 30);
}

#[test]
fn bad_input_is_named_and_leaves_nothing() {
    let (data, bases, at) = model();
    let own = &bases[at..at + 1];
    data.write("other.vcf", vcf(&[("22", 100, "a", "A", "C")]));
    data.write("letters.vcf", vcf(&[("chr1", at + 1, "a", own, "R")]));
    data.write("empty.vcf", vcf(&[]));
    data.write(
        "few.vcf",
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\nchr1\t5\t.\tA\n",
    );
    data.write(
        "order.vcf",
        vcf(&[("chr1", 200, "a", "A", "C"), ("chr1", 100, "b", "A", "C")]),
    );
    let before = names(data.folder());
    let on = |file: &str, more: &str| {
        data.run(&format!(
            "variants --model model --vcf {file} --genome genome.fa --out never.tsv {more}"
        ))
    };
    on("other.vcf", "").refused(&["other.vcf", "22", "chr1"]);
    on("letters.vcf", "").refused(&["letters.vcf", "line 3", "R"]);
    on("empty.vcf", "").refused(&["empty.vcf"]);
    on("few.vcf", "").refused(&["few.vcf", "line 3", "4"]);
    on("order.vcf", "").refused(&["order.vcf", "line 4"]);
    on("nowhere.vcf", "").refused(&["nowhere.vcf"]);
    on("order.vcf", "--output K56").fails(2, &["K56", "K562"]);
    on("order.vcf", "-i A").fails(2, &["FactorNet"]);
    data.run("variants --model model --vcf order.vcf --out never.tsv")
        .fails(2, &["--genome"]);
    data.run("variants --model model --vcf order.vcf --genome genome.fa --out o.vcf --format wide")
        .fails(2, &["--format", "o.vcf"]);
    assert_eq!(names(data.folder()), before);
}
