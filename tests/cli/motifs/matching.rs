//! `cisgrad motifs match`.

use super::Files;
use crate::common::{Table, text};

#[test]
fn motifs_find_their_like_with_tomtoms_columns() {
    let files = Files::new();
    let run = files
        .run("motifs match own.meme known.meme --thresh 0.2")
        .ok();
    assert!(
        run.err
            .contains("known.meme has 6 motifs: with fewer than 50 targets"),
        "{}",
        run.err
    );
    let table = run.table();
    assert_eq!(
        table.header.join(" "),
        "Query_ID Target_ID Optimal_offset p-value E-value q-value Overlap Query_consensus Target_consensus Orientation"
    );
    let first = &table.rows[0];
    assert_eq!(first[..3], ["M0", "AP1", "-2"]);
    assert_eq!(first[6..], ["8", "NNATGACTCANN", "ATGACTCA", "-"]);
    let second = table.rows.iter().find(|row| row[0] == "M1").unwrap();
    assert_eq!(
        (&second[1][..], &second[2][..], &second[9][..]),
        ("CTCF", "0", "+")
    );
    assert!(!table.column("Query_ID").contains(&"M2"));
    for (p, e) in table
        .numbers("p-value")
        .iter()
        .zip(table.numbers("E-value"))
    {
        assert!((e / (6.0 * p) - 1.0).abs() < 1e-3, "{p} {e}");
    }
    assert!(table.numbers("q-value").iter().all(|&q| q <= 0.2));
    // Nearly flat queries resemble much by distance, which is said.
    let flat = files.run("motifs match own.meme known.meme").ok();
    assert!(
        flat.err.contains("1 of 3 motifs nearly flat ('M2"),
        "{}",
        flat.err
    );
    // Both distances, both thresholds, any number of threads.
    let pearson = files.run("motifs match own.meme known.meme --distance pearson --thresh 0.2");
    assert_eq!(pearson.ok().table().rows[0][1], "AP1");
    let by_e = files
        .run("motifs match own.meme known.meme --thresh 6 --evalue")
        .ok();
    assert_eq!(by_e.table().rows.len(), 18);
    let one = files.run("motifs match own.meme known.meme --thresh 6 --evalue --threads 1");
    assert_eq!(one.ok().out, by_e.out);
    let best = files.run("motifs match own.meme known.meme --thresh 6 --evalue --top 1");
    assert_eq!(best.ok().table().column("Query_ID"), ["M0", "M1", "M2"]);
}

#[test]
fn a_collection_is_compared_with_itself_but_no_motif_with_itself() {
    let files = Files::new();
    let table = files
        .run("motifs match known.meme --thresh 9 --evalue")
        .ok()
        .table();
    assert_eq!(table.rows.len(), 6 * 5);
    assert!(table.rows.iter().all(|row| row[0] != row[1]));
    files.write("one.meme", &super::meme(&["A ACGTACGT"]));
    files.run("motifs match one.meme").fails(
        1,
        &["one.meme: one motif, and no others to compare it with"],
    );
}

#[test]
fn a_page_shows_the_logos_with_the_best_first() {
    let files = Files::new();
    files
        .run("motifs match own.meme known.meme --thresh 0.2 --html p.html --out t.tsv --top 1")
        .ok();
    let page = text(files.path("p.html"));
    let headings: Vec<&str> = page
        .split("<h2>")
        .skip(1)
        .map(|part| part.split('<').next().unwrap())
        .collect();
    let table = Table::read(files.path("t.tsv"));
    let mut best: Vec<(f64, &str)> = table
        .numbers("p-value")
        .into_iter()
        .zip(table.column("Query_ID"))
        .collect();
    best.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut expected: Vec<String> = best
        .iter()
        .map(|(_, id)| format!("{id} ({})", id.to_lowercase()))
        .collect();
    expected.push("Without a match".into());
    assert_eq!(headings, expected);
    assert!(page.contains("M2 (m2)") && page.contains(", reverse complement"));
    assert!(!page.contains("src=") && !page.contains("NaN"));
    assert_eq!(page.matches("<use ").count(), page.matches("href=").count());
    files
        .run("motifs match own.meme known.meme --html own.meme")
        .fails(2, &["--html own.meme"]);
}
