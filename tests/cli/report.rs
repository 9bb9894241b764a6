//! One page about a model: whole, of itself, with all its sections.

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::text;
use crate::common::tisfm::Data;
use std::path::Path;

const SECTIONS: [&str; 5] = [
    "What went in",
    "Training",
    "How good it is",
    "What it learned",
    "How to repeat it",
];

/// The page, looked over: tags are closed in their order, nothing is asked of any other place, it is not large.
pub fn page(path: &Path) -> String {
    let page = text(path);
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>\n").expect("a doctype");
    while let Some(at) = rest.find('<') {
        assert!(
            !rest[..at].contains('>') || open.last() == Some(&"style"),
            "{:.200}",
            rest
        );
        let end = at + rest[at..].find('>').expect("a tag ends");
        let tag = &rest[at + 1..end];
        let name = tag
            .trim_start_matches('/')
            .split([' ', '/', '\n'])
            .next()
            .unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{tag} at {:.80}", &rest[at..]);
        } else if !tag.ends_with('/') && name != "meta" {
            open.push(name);
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{open:?}");
    for asking in ["<script", "<link", "<img", "@import", "url(", "src="] {
        assert!(!page.contains(asking), "{asking}");
    }
    let elsewhere = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    assert!(!elsewhere.contains("http"), "a place in the net");
    assert!(!page.contains("\"NaN\"") && !page.contains(" NaN ") && !page.contains("=\"inf"));
    for section in SECTIONS {
        assert!(page.contains(&format!("<h2>{section}</h2>")), "{section}");
    }
    page
}

#[test]
fn a_tisfm_model() {
    let data = Data::new(120, 40);
    data.train("model", "").ok();
    data.run("report model --out r.html").ok();
    let found = page(&data.path("r.html"));
    for part in [
        "r of a ridge regression on words",
        "First families of each output, by importance",
        "Predicted and measured",
        "Correlation of the outputs",
        "cisgrad tisfm train --atac-file",
        "SHA-256",
        "signals.tsv",
    ] {
        assert!(found.contains(part), "{part}");
    }
    assert!(found.contains("<use "), "logos");
    data.run("report model --out model/config.json")
        .refused(&["--out", "config.json"]);
    data.run("report nowhere --out x.html")
        .refused(&["nowhere"]);
    data.run("report model --out x.html --motif-db motifs.meme")
        .fails(2, &["--motif-db", "FactorNet"]);
    // What is gone is said where it is missed.
    std::fs::rename(data.path("signals.tsv"), data.path("moved.tsv")).unwrap();
    data.run("report model --out gone.html").ok();
    let gone = page(&data.path("gone.html"));
    assert!(
        gone.contains("The training data could not be looked at") && gone.contains("signals.tsv")
    );
    data.run("report model --out given.html --sequences peaks.fa")
        .ok();
    assert!(page(&data.path("given.html")).contains("120 sequences of peaks.fa"));
}

#[test]
fn names_of_any_kind_one_output_and_a_constant_one() {
    let data = Data::new(120, 40);
    let signals = text(data.path("signals.tsv"));
    let rows = signals.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        format!("{}\t{}\n", fields[0], fields[1])
    });
    data.write(
        "one.tsv",
        format!("name\ta<b> & \"c\"\n{}", rows.collect::<String>().as_str()),
    );
    let motifs = text(data.path("motifs.meme")).replace(" label", " x<y>&z");
    data.write("motifs.meme", motifs);
    data.train("model", "--atac-file one.tsv").ok();
    data.run("report model --out r.html").ok();
    let found = page(&data.path("r.html"));
    assert!(found.contains("a&lt;b&gt; &amp; ") && found.contains("x&lt;y&gt;&amp;z"));
    // A model that says the same of every sequence.
    data.train(
        "flat",
        "--number-of-epochs 1 --penalty-param 1000 --penalty-type l1",
    )
    .ok();
    data.run("report flat --out flat.html").ok();
    page(&data.path("flat.html"));
}

#[test]
fn a_path_an_ensemble_and_many_outputs() {
    let data = Data::new(120, 40);
    data.train(
        "path",
        "--penalty-type l1 --penalty-param-range 0.0001 0.1 3 --log-penalty-param-range",
    )
    .ok();
    data.run("report path/path_1 --out path.html").ok();
    let found = page(&data.path("path.html"));
    assert!(found.contains("The penalty path") && found.contains("lambda"));
    data.train("seeds", "--seeds 2").ok();
    data.run("report seeds --out seeds.html").ok();
    let found = page(&data.path("seeds.html"));
    assert!(
        found.contains("How far the models agree") && found.contains("An ensemble of 2 models")
    );
    assert_eq!(found.matches("cisgrad tisfm train").count(), 2);
    let folds = data.train_arguments("folds", "--folds 3");
    data.run(&folds.replace("--split-folder split", "")).ok();
    data.run("report folds --out folds.html").ok();
    page(&data.path("folds.html"));
    let signals = text(data.path("signals.tsv"));
    let many = signals.lines().skip(1).enumerate().map(|(row, line)| {
        let name = line.split('\t').next().unwrap();
        let numbers: Vec<String> = (0..150)
            .map(|output| ((row * 7 + output * 3) % 11).to_string())
            .collect();
        format!("{name}\t{}\n", numbers.join("\t"))
    });
    let header: Vec<String> = (0..150).map(|output| format!("o{output}")).collect();
    data.write(
        "many.tsv",
        format!("name\t{}\n{}", header.join("\t"), many.collect::<String>()),
    );
    data.train("many", "--atac-file many.tsv --number-of-epochs 1")
        .ok();
    data.run("report many --out many.html").ok();
    let found = page(&data.path("many.html"));
    assert!(found.contains("The first 12 of 150 outputs"));
    assert!(found.contains("more</summary>"));
}

#[test]
fn a_factornet_model_of_one_factor_and_of_several() {
    let cells = Cells::new();
    cells.train("ctcf", "-e 2").ok();
    cells
        .run("report ctcf --out r.html --motif-db motifs.meme --blacklist blacklist.bed --top 3")
        .ok();
    let found = page(&cells.path("r.html"));
    for part in [
        "auPRC of the best rule",
        "CTCF: precision and recall",
        "CTCF: reliability",
        "threshold of 10 % FDR",
        "most similar known motif",
        "DGF around the sites of the first kernels",
        "Means of the tracks",
        "GC, standard deviation",
        ">chr2<",
        "cisgrad factornet train",
    ] {
        assert!(found.contains(part), "{part}");
    }
    cells.train_all("all", "-e 1").ok();
    cells
        .run("report all --out all.html --blacklist blacklist.bed")
        .ok();
    let found = page(&cells.path("all.html"));
    assert!(found.contains("MAX: reliability"));
    cells.train("two", "--seeds 2 -e 1").ok();
    cells.run("report two --out two.html").ok();
    assert!(page(&cells.path("two.html")).contains("An ensemble of 2 models"));
    // The genome is gone: the rest is there.
    std::fs::rename(cells.path("genome.fa"), cells.path("moved.fa")).unwrap();
    cells.run("report ctcf --out gone.html").ok();
    let gone = page(&cells.path("gone.html"));
    assert!(gone.contains("The test windows could not be looked at") && gone.contains("genome.fa"));
    cells
        .run("report ctcf --out there.html --genome moved.fa")
        .ok();
    assert!(page(&cells.path("there.html")).contains("CTCF: ROC"));
}

#[test]
fn runs_are_followed_in_event_files() {
    use cisgrad::io::event_file::records;
    let data = Data::new(60, 40);
    let steps = |run: &str| -> Vec<i64> {
        let path = data.path(&format!("logs/{run}/events.out.tfevents.0.cisgrad"));
        let bytes = std::fs::read(path).unwrap();
        let (events, whole) = records(&bytes);
        assert_eq!(whole, bytes.len());
        events.iter().skip(1).map(|event| event.step).collect()
    };
    data.train("model", "--number-of-epochs 2 --log-dir logs")
        .ok();
    assert_eq!(steps("model"), [1, 2]);
    data.train("model", "--number-of-epochs 4 --log-dir logs --resume")
        .ok();
    assert_eq!(steps("model"), [1, 2, 3, 4]);
    data.train("two", "--number-of-epochs 1 --seeds 2 --log-dir logs")
        .ok();
    assert_eq!(steps("two/seed_1"), [1]);
    let cells = Cells::new();
    cells.train("ctcf", "-e 1 --log-dir logs").ok();
    assert!(
        cells
            .path("logs/ctcf/events.out.tfevents.0.cisgrad")
            .is_file()
    );
    data.write("logs.txt", "");
    data.train("other", "--number-of-epochs 1 --log-dir logs.txt")
        .refused(&["logs.txt"]);
}
