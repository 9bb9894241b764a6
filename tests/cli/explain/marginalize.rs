//! `marginalize`: effects are differences of predictions.

use crate::common::factornet::{Cells, PLANTED};
use crate::common::kinds::Kind;
use crate::common::tisfm::Data;
use crate::common::{Table, names, text};

#[test]
fn effects_are_differences_of_predictions() {
    let data = Data::new(60, 40);
    data.train("model", "--precision f64 --lr 0.05 --number-of-epochs 10")
        .ok();
    let lines = text(data.path("sequences.tsv"));
    let few: Vec<&str> = lines.lines().take(5).collect();
    data.write("few.tsv", few.join("\n") + "\n");
    data.run("marginalize --model model --motif GATA ACGTT --background few.tsv --out out --precision f64")
        .ok();
    let effects = Table::read(data.path("out/effects.tsv"));
    // Two inserts, two outputs, three strands each.
    assert_eq!(effects.rows.len(), 12);
    let predict = |edit: &dyn Fn(&str) -> String| -> Vec<f64> {
        let edited = few.iter().map(|line| {
            let (name, bases) = line.split_once('\t').unwrap();
            format!("{name}\t{}\n", edit(bases))
        });
        data.write("edited.tsv", edited.collect::<String>());
        let found = data.run("tisfm predict --model model --sequences edited.tsv --precision f64");
        found.ok().table().numbers("K562")
    };
    let plain = predict(&|bases| bases.to_string());
    let put = |insert: &'static str| {
        move |bases: &str| {
            let start = 20 - insert.len() / 2;
            format!(
                "{}{insert}{}",
                &bases[..start],
                &bases[start + insert.len()..]
            )
        }
    };
    for (motif, strand, insert) in [
        ("GATA (label)", "+", "GATA"),
        ("GATA (label)", "-", "TATC"),
        ("ACGTT", "+", "ACGTT"),
        ("ACGTT", "-", "AACGT"),
    ] {
        let changed = predict(&put(insert));
        let changes: Vec<f64> = changed.iter().zip(&plain).map(|(a, b)| a - b).collect();
        let mean = changes.iter().sum::<f64>() / 5.0;
        let squares: f64 = changes.iter().map(|x| (x - mean) * (x - mean)).sum();
        let row = effects
            .rows
            .iter()
            .find(|row| row[0] == motif && row[2] == strand && row[3] == "K562")
            .unwrap_or_else(|| panic!("{motif} {strand}: {:?}", effects.rows));
        let number = |column: usize| row[column].parse::<f64>().unwrap();
        assert!((number(5) - mean).abs() < 1e-6 * mean.abs().max(0.01));
        assert!((number(6) - (squares / 4.0).sqrt()).abs() < 1e-6);
        assert_eq!(row[7], "5");
    }
    assert!(text(data.path("out/effects.svg")).contains("GATA"));
}

#[test]
fn pairs_at_distances() {
    let data = Data::new(60, 40);
    data.train("model", "--precision f64 --lr 0.05").ok();
    data.run("marginalize --model model --pair GATA CACGTG --max-distance 3 --number 4 --out out")
        .ok();
    let found = Table::read(data.path("out/spacing.tsv"));
    // Four distances, four strands, two outputs.
    assert_eq!(found.rows.len(), 32);
    assert_eq!(
        names(data.path("out")),
        ["spacing.K562.svg", "spacing.MCF7.svg", "spacing.tsv"]
    );
    assert!(found.numbers("together").iter().any(|x| x.abs() > 1e-4));
    data.run("marginalize --model model --pair GATA CACGTG --max-distance 13 --out never")
        .fails(2, &["--max-distance 13", "12 bases"]);
    for large in ["18446744073709551615", "-1"] {
        data.run(&format!(
            "marginalize --model model --pair GATA GATA --max-distance {large} --out never"
        ))
        .fails(2, &["--max-distance"]);
    }
    // What each does alone is what --motif says of the first.
    data.run("marginalize --model model --motif GATA --number 4 --out alone")
        .ok();
    let alone = Table::read(data.path("alone/effects.tsv"));
    let single = alone
        .rows
        .iter()
        .find(|row| row[2] == "-" && row[3] == "MCF7")
        .unwrap();
    let pair = found
        .rows
        .iter()
        .find(|row| row[2] == "-" && row[5] == "MCF7")
        .unwrap();
    assert_eq!(single[5], pair[6]);
    let number = |column: usize| pair[column].parse::<f64>().unwrap();
    assert!((number(8) - number(6) - number(7) - number(10)).abs() < 1e-5);
    data.run("marginalize --model model --motif GATTAX --out never")
        .fails(2, &["GATTAX", "GATA"]);
    data.run(&format!(
        "marginalize --model model --motif {} --out never",
        "A".repeat(41)
    ))
    .fails(2, &["41 bases"]);
    data.run("marginalize --model model --motif GATA --out out")
        .refused(&["--out", "holds files"]);
}

#[test]
fn of_a_factornet_model() {
    let cells = Cells::new();
    cells.train("model", "-e 4").ok();
    cells.write(
        "few.bed",
        "chr2\t5000\t5200\nchr2\t9000\t9200\nchr3\t7000\t7200\n",
    );
    cells
        .run("marginalize --model model --motif M1 --motifs motifs.meme --background few.bed -i A --genome genome.fa --out out")
        .ok();
    let found = Table::read(cells.path("out/effects.tsv"));
    assert_eq!(found.rows.len(), 3);
    assert_eq!(found.rows[0][1], PLANTED);
    assert_eq!(found.rows[0][7], "3");
    cells
        .run("marginalize --model model --motif ACGT --out never")
        .fails(2, &["--background"]);
}
