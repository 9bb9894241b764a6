//! Rankings of motifs and of families, and what they are made of.

use crate::common::kinds::Kind;
use crate::common::tisfm::{Data, MOTIFS};
use crate::common::{Table, parameter, text};
use std::collections::HashMap;
use std::io::Read;

const BEST: &str = "model.best.safetensors";

#[test]
fn motifs_are_ranked_by_their_weight_in_each_output() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    let table = data
        .run("tisfm motifs --model model --by weight")
        .ok()
        .table();
    assert_eq!(
        table.header.join(" "),
        "output rank motif name weight importance mean_activity"
    );
    assert_eq!(table.rows.len(), 2 * MOTIFS.len());
    let weights = parameter(data.path(&format!("model/{BEST}")), "linreg.weight");
    let width = weights.len() / 2;
    for (o, output) in ["K562", "MCF7"].iter().enumerate() {
        let rows: Vec<_> = table.rows.iter().filter(|r| r[0] == *output).collect();
        let mut last = f64::INFINITY;
        for (i, row) in rows.iter().enumerate() {
            assert_eq!(row[1], (i + 1).to_string());
            let motif = MOTIFS.iter().position(|m| *m == row[2]).unwrap();
            assert_eq!(row[3], "label");
            let weight: f64 = row[4].parse().unwrap();
            assert_eq!(weight as f32, weights[o * width + motif] as f32);
            assert_eq!((row[5].as_str(), row[6].as_str()), ("", ""));
            assert!(weight <= last);
            last = weight;
        }
    }
    let top = data.run("tisfm motifs --model model --top 2").ok().table();
    assert_eq!(top.column("rank"), ["1", "2", "1", "2"]);
}

/// By name its column of the last layer's inputs.
fn activities(data: &Data, arguments: &str) -> HashMap<String, Vec<f64>> {
    let table = data
        .run(&format!("tisfm activities {arguments}"))
        .ok()
        .table();
    let motifs = table.header[1..].iter();
    motifs
        .map(|motif| (motif.clone(), table.numbers(motif)))
        .collect()
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

fn deviation(numbers: &[f64]) -> f64 {
    let center = mean(numbers);
    let squares: Vec<f64> = numbers.iter().map(|x| (x - center).powi(2)).collect();
    mean(&squares).sqrt()
}

#[test]
fn importance_is_the_weight_times_the_deviation_of_what_enters_the_last_layer() {
    let data = Data::new(60, 40);
    for architecture in [
        "model_pos_calib_sigmoid_interaction",
        "model_pos_attention_calib_sigmoid_and_or",
        "parts3_gate",
    ] {
        data.train(
            architecture,
            &format!("--architecture {architecture} --precision f64"),
        )
        .ok();
        let of = format!("--model {architecture}");
        let activities = activities(&data, &of);
        let run = data.run(&format!("tisfm motifs {of}")).ok();
        assert!(run.err.contains("importance is over "), "{}", run.err);
        let table = run.table();
        let block = table.header.iter().position(|name| name == "block");
        let column = |name: &str| table.header.iter().position(|found| found == name).unwrap();
        let (weight, importance, activity) = (
            column("weight"),
            column("importance"),
            column("mean_activity"),
        );
        // The features and the weights make the predictions, up to a constant.
        let tested = data
            .run(&format!("tisfm predict {of} --split test"))
            .ok()
            .table();
        let mut last: (String, f64) = (String::new(), f64::INFINITY);
        for output in ["K562", "MCF7"] {
            let mut sums = vec![0.0; tested.rows.len()];
            for row in table.rows.iter().filter(|row| row[0] == output) {
                let number = |column: usize| row[column].parse::<f64>().unwrap();
                let name = match block {
                    Some(block) => format!("{} {}", row[2], row[block]),
                    None => row[2].clone(),
                };
                let own = &activities[name.trim()];
                sums.iter_mut()
                    .zip(own)
                    .for_each(|(sum, x)| *sum += number(weight) * x);
                assert!((number(activity) - mean(own)).abs() < 1e-9, "{row:?}");
                assert!(
                    (number(importance) - number(weight) * deviation(own)).abs() < 1e-9,
                    "{row:?}"
                );
                assert!(last.0 != output || number(importance) <= last.1, "{row:?}");
                last = (output.to_string(), number(importance));
            }
            // What is left are the pads, which start near 0 and are no motifs.
            let rest: Vec<f64> = tested
                .numbers(output)
                .iter()
                .zip(&sums)
                .map(|(p, sum)| p - sum)
                .collect();
            assert!(
                deviation(&rest) < 0.02,
                "{architecture} {output} {}",
                deviation(&rest)
            );
        }
    }
}

#[test]
fn importance_needs_sequences_and_says_where_there_are_none() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    let sequences = text(data.path("peaks.fa"));
    std::fs::rename(data.path("sequences.tsv"), data.path("gone.tsv")).unwrap();
    let run = data.run("tisfm motifs --model model").ok();
    assert!(
        run.err
            .contains("note: ranks are by weight, importance is empty: "),
        "{}",
        run.err
    );
    let by_weight = data.run("tisfm motifs --model model --by weight").ok();
    assert_eq!(run.out, by_weight.out);
    assert!(!by_weight.err.contains("note"), "{}", by_weight.err);
    for more in ["--families", "--by importance"] {
        data.run(&format!("tisfm motifs --model model {more}"))
            .refused(&["sequences.tsv"]);
    }
    let given = data
        .run("tisfm motifs --model model --sequences peaks.fa")
        .ok();
    let count = sequences.matches('>').count();
    assert!(
        given
            .err
            .contains(&format!("importance is over {count} sequences")),
        "{}",
        given.err
    );
    assert!(given.table().rows.iter().all(|row| !row[5].is_empty()));
    data.write("none.fa", "");
    data.run("tisfm motifs --model model --sequences none.fa")
        .refused(&["none.fa"]);
}

#[test]
fn families_are_told_by_output_and_side_by_side() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    let run = data
        .run("tisfm motifs --model model --families --cut 2")
        .ok();
    let table = run.table();
    assert_eq!(
        table.header.join(" "),
        "output rank family importance motifs members"
    );
    // All in one.
    assert_eq!(table.column("motifs"), vec![MOTIFS.len().to_string(); 2]);
    let alone = data
        .run("tisfm motifs --model model --families --cut 0")
        .ok()
        .table();
    let motifs = data.run("tisfm motifs --model model").ok().table();
    assert_eq!(alone.rows.len(), motifs.rows.len());
    for (a, b) in alone
        .numbers("importance")
        .iter()
        .zip(motifs.numbers("importance"))
    {
        assert!(
            (a - b).abs() < 1e-6,
            "a family of one has its motif's importance: {a} {b}"
        );
    }
    let wide = data
        .run("tisfm motifs --model model --families --cut 0 --wide --top 3")
        .ok()
        .table();
    assert_eq!(wide.header.join(" "), "family K562 MCF7 motifs members");
    assert_eq!(wide.rows.len(), 3);
    let wide = data.run("tisfm motifs --model model --wide").ok().table();
    assert_eq!(wide.header.join(" "), "motif name K562 MCF7");
    for row in &motifs.rows {
        let found = wide.rows.iter().find(|other| other[0] == row[2]).unwrap();
        let place = wide.header.iter().position(|name| *name == row[0]).unwrap();
        assert_eq!(found[place], row[5]);
    }
    data.train("two", "--seeds 2").ok();
    let table = data.run("tisfm motifs --model two --families").ok().table();
    assert_eq!(
        table.header.join(" "),
        "output rank family importance importance_sd rank_mean rank_sd in_top motifs members"
    );
    data.run("tisfm motifs --model model --families --cut 3")
        .fails(2, &["--cut", "from 0 to 2"]);
}

#[test]
fn activities_are_a_table_or_an_archive_of_arrays() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    let table = data.run("tisfm activities --model model").ok().table();
    data.run("tisfm activities --model model --out a.npz").ok();
    let file = std::fs::File::open(data.path("a.npz")).unwrap();
    let mut archive = zip::ZipArchive::new(file).unwrap();
    let mut bytes = Vec::new();
    archive
        .by_name("activities.npy")
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    let array = npyz::NpyFile::new(&bytes[..]).unwrap();
    assert_eq!(
        array.shape(),
        [table.rows.len() as u64, MOTIFS.len() as u64]
    );
    let numbers = array.into_vec::<f32>().unwrap();
    let shown = table
        .rows
        .iter()
        .flat_map(|row| &row[1..])
        .map(|x| x.parse::<f32>().unwrap());
    assert!(numbers.iter().copied().eq(shown));
    assert!(archive.by_name("sequences.npy").is_ok() && archive.by_name("motifs.npy").is_ok());
    data.train("two", "--seeds 2").ok();
    data.run("tisfm activities --model two")
        .fails(2, &["activities is about one model", "seed_"]);
}

#[test]
fn interactions_are_the_gates_weights_times_what_they_read() {
    let data = Data::new(60, 40);
    data.train("gated", "--architecture plain_gate").ok();
    let pairs = MOTIFS.len() * MOTIFS.len();
    let table = data
        .run(&format!(
            "tisfm interactions --model gated --top {}",
            pairs + 5
        ))
        .ok()
        .table();
    assert_eq!(
        table.header.join(" "),
        "layer motif name by by_name weight effect"
    );
    assert_eq!(table.rows.len(), pairs);
    let effects = table.numbers("effect");
    assert!(effects.windows(2).all(|two| two[0].abs() >= two[1].abs()));
    // One factor for each motif that opens: the deviation of its activity.
    let mut ratios: HashMap<String, f64> = HashMap::new();
    for (row, (weight, effect)) in table
        .rows
        .iter()
        .zip(table.numbers("weight").iter().zip(&effects))
    {
        let ratio = effect / weight;
        let first = *ratios.entry(row[3].clone()).or_insert(ratio);
        assert!(
            ratio > 0.0 && (ratio - first).abs() < 1e-3 * first,
            "{row:?}"
        );
    }
    data.train("plain", "--architecture plain").ok();
    data.run("tisfm interactions --model plain")
        .fails(1, &["plain has no gate between motifs"]);
}

#[test]
fn names_of_tables_may_hold_anything() {
    let data = Data::new(60, 40);
    let motifs = text(data.path("motifs.meme")).replace("label", "a<b>&c");
    data.write("motifs.meme", motifs);
    data.train("model", "").ok();
    let table: Table = data
        .run("tisfm motifs --model model --families")
        .ok()
        .table();
    assert!(table.column("family").contains(&"a<b>&c"));
}
