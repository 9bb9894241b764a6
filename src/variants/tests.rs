//! Numbers.

use super::common_tests::*;
use super::scored::Shape;
use super::*;
use crate::data::variant_windows::{Examined, Layout, Pair, Site, Status, Window, examine};
use crate::dna::bases;
use crate::engine::Philox;
use crate::io::vcf::Reader;
use crate::metrics::empirical_p::Sorted;
use std::num::NonZeroUsize;

#[test]
fn differences_are_those_of_edited_sequences() {
    let place = place();
    let text = &place.text;
    let at = |from: usize, to: usize| &text[from - 1..to];
    // Position, REF, ALT, and the change itself: the first base, what is removed and what is put there.
    let mut lines = String::new();
    let mut changes = Vec::new();
    let mut line = |position: usize,
                    reference: &str,
                    alternative: &str,
                    longer: usize,
                    change: (usize, usize, &str)| {
        lines += &format!("chr1\t{position}\t.\t{reference}\t{alternative}\t.\t.\t.\n");
        let (start, removed, inserted) = change;
        let edited = format!("{}{inserted}{}", &text[..start], &text[start + removed..]);
        changes.push((start - (LENGTH / 2 - longer / 2), edited));
    };
    // The first and the last place where a window fits.
    let other = place.other(11).to_string();
    line(11, at(11, 11), &other, 1, (10, 1, &other));
    // A base that differs from its neighbors is put in between them, and goes nowhere else.
    let anchor = at(60, 60);
    let foreign = ["A", "C", "G", "T"]
        .into_iter()
        .find(|base| *base != anchor && *base != at(61, 61));
    let foreign = foreign.unwrap();
    line(
        60,
        anchor,
        &format!("{anchor}{foreign}"),
        1,
        (60, 0, foreign),
    );
    // Bases that end in another one than the base before them are removed.
    let start = (70..90).find(|&i| at(i, i) != at(i + 2, i + 2)).unwrap();
    line(
        start,
        at(start, start + 2),
        at(start, start),
        2,
        (start, 2, ""),
    );
    // Two neighbors become two others.
    let mnv = format!("{}{}", place.other(100), place.other(101));
    line(100, at(100, 101), &mnv, 2, (99, 2, &mnv));
    let other = place.other(291).to_string();
    line(291, at(291, 291), &other, 1, (290, 1, &other));
    let vcf = place.vcf(&lines);
    for shifts in [&[0][..], &[0, -1]] {
        let mut request = place.request(&vcf, "o.tsv");
        request.layout = Layout::new(LENGTH, shifts).unwrap();
        let tally = done(&request, &mut Fake::new()).unwrap();
        let ends = if shifts.len() == 1 { 5 } else { 4 };
        assert_eq!(tally.count(Status::Match), ends);
        let rows = rows(&request.out);
        assert_eq!(rows.len(), 2 * ends as usize);
        let kept = changes
            .iter()
            .filter(|(start, _)| shifts.len() == 1 || *start > 0);
        for ((start, edited), rows) in kept.zip(rows.chunks(2)) {
            let mean = |sequence: &str, output: usize| {
                let of = |&shift: &i64| {
                    let start = (*start as i64 + shift) as usize;
                    let mut codes = Vec::new();
                    bases::encode(&sequence[start..start + LENGTH], &mut codes).unwrap();
                    predictions(&codes)[output]
                };
                shifts.iter().map(of).sum::<f64>() / shifts.len() as f64
            };
            for (output, row) in rows.iter().enumerate() {
                let (reference, alternative) = (mean(text, output), mean(edited, output));
                let found: Vec<f64> = row[6..9].iter().map(|x| x.parse().unwrap()).collect();
                let expected = [reference, alternative, alternative - reference];
                for (found, expected) in found.iter().zip(expected) {
                    assert!((found - expected).abs() < 1e-6, "{row:?} {expected}");
                }
            }
        }
    }
}

#[test]
fn exchanged_alleles_give_the_negated_difference() {
    let place = place();
    let turned: String = place
        .snvs((20..120).step_by(7))
        .lines()
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let (at, id) = (columns[1], columns[2]);
            format!(
                "chr1\t{at}\t{id}\t{}\t{}\t.\t.\t.\n",
                columns[4], columns[3]
            )
        })
        .collect();
    let mut all = Vec::new();
    for lines in [place.snvs((20..120).step_by(7)), turned] {
        let vcf = place.vcf(&lines);
        let mut request = place.request(&vcf, "o.tsv");
        request.null = 2;
        done(&request, &mut Fake::new()).unwrap();
        all.push(rows(&request.out));
    }
    assert_eq!(all[0].len(), 30);
    let mut changed = 0;
    for (right, turned) in all[0].iter().zip(&all[1]) {
        let number = |row: &Vec<String>| row[8].parse::<f32>().unwrap();
        assert_eq!(number(right), -number(turned));
        assert_eq!(
            (right[6].as_str(), right[7].as_str()),
            (turned[7].as_str(), turned[6].as_str())
        );
        assert_eq!(
            (right[11].as_str(), turned[11].as_str()),
            ("match", "exchanged")
        );
        // The null distribution is turned around too.
        assert_eq!(right[9], turned[9]);
        changed += usize::from(number(right) != 0.0);
    }
    assert!(changed > 15);
}

#[test]
fn lines_of_many_alleles_are_scored_in_pieces() {
    let place = place();
    let others = |at: usize| {
        let own = place.base(at).to_string();
        let all = ["A", "C", "G", "T"].into_iter().filter(|base| *base != own);
        all.collect::<Vec<_>>().join(",")
    };
    let line = |at: usize| {
        let (from, to) = (place.base(at), others(at));
        format!("chr1\t{at}\t.\t{from}\t{to}\t.\t.\t.\n")
    };
    let lines: String = (20..60).map(line).collect();
    let vcf = place.vcf(&lines);
    let mut all = Vec::new();
    for block in [1, 2, 4, 512] {
        for format in [Format::Table(Form::Long), Format::Vcf] {
            let mut request = place.request(&vcf, "o.tsv");
            request.block = NonZeroUsize::new(block).unwrap();
            (request.null, request.format) = (2, format);
            assert_eq!(done(&request, &mut Fake::new()).unwrap().scored(), 120);
            all.push(std::fs::read(&request.out).unwrap());
        }
    }
    assert!(all.iter().skip(2).zip(&all).all(|(a, b)| a == b));
    // Few at once where there are many shuffles.
    let shape = |null| Shape {
        outputs: 3,
        logits: false,
        motifs: false,
        null,
    };
    let most = |null| shape(null).most(BLOCK).get();
    assert_eq!([0, 10, 20_000, usize::MAX].map(most), [512, 512, 279, 1]);
}

#[test]
fn p_values_are_those_of_the_pooled_shuffles_whatever_the_blocks() {
    let place = place();
    let vcf = place.vcf(&place.snvs(20..60));
    let mut request = place.request(&vcf, "o.tsv");
    (request.null, request.layout) = (4, Layout::new(LENGTH, &[0, 2]).unwrap());
    done(&request, &mut Fake::new()).unwrap();
    let found = std::fs::read(&request.out).unwrap();
    request.block = BLOCK;
    done(&request, &mut Fake::new()).unwrap();
    assert!(std::fs::read(&request.out).unwrap() == found);
    let mut pooled = [Vec::new(), Vec::new()];
    let mut reader = Reader::open(&vcf, None).unwrap();
    let mut variant = 0;
    while let Some(record) = reader.read().unwrap() {
        let Examined::Scored(edit) = examine(&place.genome, &request.layout, &record).remove(0)
        else {
            panic!("{record:?}");
        };
        let site = Site::read(&place.genome, &request.layout, edit).unwrap();
        for shuffle in 0..4 {
            let shuffled = site.shuffled(Philox::new(7), variant * 4 + shuffle);
            let pairs = shuffled.pairs(&request.layout);
            for (output, pooled) in pooled.iter_mut().enumerate() {
                let mean = |of: fn(&Pair) -> &Window| {
                    let all = pairs
                        .iter()
                        .map(|pair| predictions(&of(pair).codes)[output]);
                    all.sum::<f64>() / 2.0
                };
                pooled.push((mean(|p| &p.alternative) - mean(|p| &p.reference)) as f32);
            }
        }
        variant += 1;
    }
    let pooled = pooled.map(Sorted::new);
    assert_eq!(pooled[0].len(), 160);
    for row in rows(&request.out) {
        let output = usize::from(row[5] == "by place");
        let (diff, p): (f64, f32) = (row[8].parse().unwrap(), row[9].parse().unwrap());
        assert_eq!(
            pooled[output].p_value(diff).map(|p| p as f32),
            Some(p),
            "{row:?}"
        );
    }
    request.seed = 8;
    done(&request, &mut Fake::new()).unwrap();
    assert!(std::fs::read(&request.out).unwrap() != found);
}
