//! How many rows train, validate and test, their GC, and where they lie.

use super::chromosome_map::{Chromosome, chromosome_map_svg};
use super::page::Page;
use crate::numbers::{counted, rounded};
use std::collections::BTreeMap;

/// A row of a data set.
pub struct Placed<'a> {
    /// 0 training, 1 validation, 2 test.
    pub part: usize,
    /// The share of G and C, where a base is known.
    pub gc: Option<f64>,
    /// Chromosome and first base, where that is known.
    pub place: Option<(&'a str, u64)>,
}

const PARTS: [&str; 3] = ["training", "validation", "test"];

/// `noun`: what rows are, in the plural.
pub fn split(page: &mut Page, noun: &str, rows: &[Placed]) {
    page.subheading("Split");
    let line = |(part, name): (usize, &&str)| {
        let own = || rows.iter().filter(move |row| row.part == part);
        let shares: Vec<f64> = own().filter_map(|row| row.gc).collect();
        let count = shares.len() as f64;
        let mean = shares.iter().sum::<f64>() / count;
        let squares: f64 = shares.iter().map(|x| (x - mean).powi(2)).sum();
        let shown = |x: f64| match x.is_finite() {
            true => rounded(x).to_string(),
            false => String::new(),
        };
        vec![
            name.to_string(),
            own().count().to_string(),
            shown(mean),
            shown((squares / count).sqrt()),
        ]
    };
    let table: Vec<Vec<String>> = PARTS.iter().enumerate().map(line).collect();
    page.table(
        &["part", noun, "GC, mean", "GC, standard deviation"],
        &table,
        PARTS.len(),
    );
    page.advice(&format!("Where the parts' GC differ by more than a few hundredths, figures of the test say something about that difference too. The {noun} of one part should lie on chromosomes or blocks of their own, since near ones resemble each other."));
    let map = chromosomes(rows);
    if map.is_empty() {
        return;
    }
    let (svg, left_out) = chromosome_map_svg(&map);
    page.picture(&svg);
    if left_out > 0 {
        page.paragraph(&format!(
            "{} with fewer {noun} are not drawn.",
            counted(left_out, "chromosome")
        ));
    }
}

/// chr2 before chr10.
fn chromosomes(rows: &[Placed]) -> Vec<Chromosome> {
    let mut found: BTreeMap<&str, Vec<(u64, usize)>> = BTreeMap::new();
    for row in rows {
        if let Some((chromosome, start)) = row.place {
            found.entry(chromosome).or_default().push((start, row.part));
        }
    }
    let mut all: Vec<Chromosome> = found
        .into_iter()
        .map(|(name, rows)| Chromosome {
            name: name.to_string(),
            rows,
        })
        .collect();
    // Stable: names without a number stay in their order, behind the others.
    all.sort_by_key(|chromosome| {
        let digits = chromosome
            .name
            .trim_start_matches(|letter: char| !letter.is_ascii_digit());
        digits.parse::<u32>().unwrap_or(u32::MAX)
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_their_counts_gc_and_places() {
        let row = |part, gc, place| Placed { part, gc, place };
        let rows = [
            row(0, Some(0.25), Some(("chr10", 5))),
            row(0, Some(0.75), Some(("chr2", 5))),
            row(0, None, None),
            row(2, Some(0.5), Some(("chrX", 7))),
        ];
        let names: Vec<String> = chromosomes(&rows).into_iter().map(|c| c.name).collect();
        assert_eq!(names, ["chr2", "chr10", "chrX"]);
        let mut page = Page::new("x");
        split(&mut page, "peaks", &rows);
        let text = page.finish();
        let line = |fields: [&str; 4]| {
            let [name, numbers @ ..] = fields;
            let numbers = numbers.map(|x| format!("<td class=\"n\">{x}</td>"));
            format!("<tr><td>{name}</td>{}</tr>", numbers.concat())
        };
        for fields in [
            ["training", "3", "0.5", "0.25"],
            ["validation", "0", "", ""],
            ["test", "1", "0.5", "0"],
        ] {
            assert!(text.contains(&line(fields)), "{fields:?} {text}");
        }
        assert!(text.contains(">chr10<"));
    }
}
