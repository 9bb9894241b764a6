//! `cisgrad tisfm test`, `predict` and `motifs`.

use crate::common::kinds::Kind;
use crate::common::tisfm::{Data, MOTIFS};
use crate::common::{Table, cisgrad, parameter, text};

const BEST: &str = "model.best.safetensors";

#[test]
fn test_and_predict_agree_and_read_the_model_folder_alone() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    let elsewhere = tempfile::tempdir().unwrap();
    let model = data.path("model").display().to_string();
    let tested = cisgrad(elsewhere.path(), &format!("tisfm test --model {model}"));
    let tested = tested.ok().table();
    assert_eq!(
        tested.header.join(" "),
        "output mse pearson spearman sequences ridge_mse ridge_pearson GC_mse GC_pearson mean_mse r_above_ridge"
    );
    assert_eq!(tested.column("output"), ["K562", "MCF7", "all"]);
    assert_eq!(tested.column("sequences"), ["6"; 3]);

    let predicted = data.run("tisfm predict --model model --sequences peaks.fa --batch-size 7");
    let predicted = predicted.ok().table();
    assert_eq!(predicted.header.join(" "), "name K562 MCF7");
    assert_eq!(predicted.column("name"), data.names);
    let signals = text(data.path("signals.tsv"));
    let first_signals: Vec<f64> = signals
        .lines()
        .skip(1)
        .take(6)
        .map(|l| l.split('\t').nth(1).unwrap().parse().unwrap())
        .collect();
    let ours = predicted.numbers("K562");
    let squares = ours
        .iter()
        .zip(&first_signals)
        .map(|(a, b)| (a - b).powi(2));
    let mse = squares.sum::<f64>() / 6.0;
    let told = tested.numbers("mse")[0];
    // The shortest text of an f32 is read as another f64.
    assert!((mse - told).abs() < 1e-6 * told, "{mse} {told}");

    let validation = data.run("tisfm test --model model --use-validation");
    let validation = validation.ok().table().numbers("mse")[2];
    let history = Table::read(data.path("model/history.tsv")).numbers("validation_loss");
    let best = history.into_iter().fold(f64::INFINITY, f64::min);
    assert!(
        (validation - best).abs() < 1e-6 * best,
        "{validation} {best}"
    );
}

/// Each rule by its definition, on the run's own split.
#[test]
fn simple_rules_stand_beside_the_model() {
    let data = Data::new(80, 60);
    let trained = data.train("model", "--precision f64").ok();
    assert!(trained.err.contains("eaten"), "{}", trained.err);
    let run = data.run("tisfm test --model model").ok();
    assert!(
        run.err.contains("note: the row all is about"),
        "{}",
        run.err
    );
    let table = run.table();
    let signals = text(data.path("signals.tsv"));
    let signals: Vec<f64> = signals
        .lines()
        .skip(1)
        .map(|line| line.split('\t').nth(1).unwrap().parse().unwrap())
        .collect();
    let share = |name: &String| {
        let bases = data.sequences[name].to_uppercase();
        let count = |letters: &str| bases.chars().filter(|&b| letters.contains(b)).count() as f64;
        count("GC") / count("ACGT")
    };
    // 8 of test, 8 of validation, 64 of training.
    let x: Vec<f64> = data.names.iter().map(share).collect();
    let (train, test) = (16..80, 0..8);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mx, my) = (mean(&x[train.clone()]), mean(&signals[train.clone()]));
    let slope = train
        .clone()
        .map(|i| (x[i] - mx) * (signals[i] - my))
        .sum::<f64>()
        / train.map(|i| (x[i] - mx).powi(2)).sum::<f64>();
    let loss = |rule: &dyn Fn(usize) -> f64| {
        let squares: Vec<f64> = test
            .clone()
            .map(|i| (rule(i) - signals[i]).powi(2))
            .collect();
        mean(&squares)
    };
    let near = |column: &str, expected: f64| {
        let found: f64 = table.column(column)[0].parse().unwrap();
        assert!(
            (found - expected).abs() < 1e-5 * expected,
            "{column}: {found} {expected}"
        );
    };
    near("mean_mse", loss(&|_| my));
    near("GC_mse", loss(&|i| my + slope * (x[i] - mx)));
    // The rules of the run's own test sequences are kept; of all outputs together nothing is said.
    let kept = Table::read(data.path("model/baselines.tsv"));
    assert_eq!(
        kept.column("baseline"),
        [
            "ridge", "ridge", "ridge", "GC", "GC", "GC", "mean", "mean", "mean"
        ]
    );
    near("ridge_mse", kept.numbers("mse")[0]);
    assert_eq!(table.column("ridge_mse")[2], "");
    let bare = data
        .run("tisfm test --model model --no-baselines")
        .ok()
        .table();
    assert_eq!(
        bare.header.join(" "),
        "output mse pearson spearman sequences"
    );
    let other = data.train("other", "--no-baselines").ok();
    assert!(!other.err.contains("eaten"), "{}", other.err);
}

#[test]
fn predictions_have_the_digits_that_bring_them_back() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    let printed = |precision: &str| {
        let run = data.run(&format!(
            "tisfm predict --model model --sequences peaks.fa --precision {precision}"
        ));
        run.ok().table().column("MCF7").join(" ")
    };
    for number in printed("f32").split(' ') {
        let value: f32 = number.parse().unwrap();
        assert_eq!(format!("{value:?}"), number);
    }
    for number in printed("f64").split(' ') {
        let value: f64 = number.parse().unwrap();
        assert_eq!(format!("{value:?}"), number);
    }
}

#[test]
fn tables_go_to_a_file_when_one_is_named() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    for arguments in [
        "tisfm test --model model",
        "tisfm predict --model model --sequences peaks.fa",
        "tisfm motifs --model model",
    ] {
        let shown = data.run(arguments).ok();
        let kept = data.run(&format!("{arguments} --out table.tsv")).ok();
        assert_eq!(kept.out, "", "{arguments}");
        assert_eq!(text(data.path("table.tsv")), shown.out, "{arguments}");
    }
}

/// The matrices come out of the weights: nothing but the folder is needed.
#[test]
fn the_first_motifs_are_drawn_with_their_logos() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    data.run("tisfm motifs --model model --top 2 --logos a.svg")
        .ok();
    let picture = text(data.path("a.svg"));
    assert_eq!(picture.matches("height=\"14\" fill=").count(), 4);
    assert!(picture.contains(">1  label<") && !picture.contains("NaN"));
    let letters = picture.matches("<use ").count();
    assert!(letters > 4 * 4, "{letters}");
    data.run("tisfm motifs --model model --out a.svg --logos a.svg")
        .fails(2, &["--logos a.svg"]);
    data.run("tisfm motifs --model model --logos model/config.json")
        .fails(2, &["--logos"]);
    // Trained kernels are no probabilities.
    data.train("trained", "--unfreeze-conv").ok();
    let run = data
        .run("tisfm motifs --model trained --top 1 --logos b.svg")
        .ok();
    assert!(run.err.contains("the kernels were trained"), "{}", run.err);
    assert_eq!(text(data.path("b.svg")).matches("<use ").count(), 0);
}

#[test]
fn of_trained_kernels_it_is_said_how_far_each_has_moved() {
    let data = Data::new(60, 40);
    data.train("frozen", "").ok();
    let run = data.run("tisfm motifs --model frozen").ok();
    assert!(!run.err.contains("trained") && !run.table().header.contains(&"moved".to_string()));
    data.train("trained", "--unfreeze-conv").ok();
    let run = data.run("tisfm motifs --model trained").ok();
    let count = MOTIFS.len();
    let said = format!("the kernels of this model were trained: {count} of {count} kernels moved");
    assert!(run.err.contains(&said), "{}", run.err);
    let table = run.table();
    assert_eq!(
        table.header.join(" "),
        "output rank motif name weight importance mean_activity moved"
    );
    let start = parameter(data.path(&format!("frozen/{BEST}")), "conv_motif.weight");
    let end = parameter(data.path(&format!("trained/{BEST}")), "conv_motif.weight");
    let channels = 2 * count + 4;
    let size = start.len() / channels;
    for row in &table.rows {
        let motif = MOTIFS.iter().position(|m| *m == row[2]).unwrap();
        let place = 2 * motif * size..(2 * motif + 1) * size;
        let change = start[place.clone()]
            .iter()
            .zip(&end[place])
            .map(|(a, b)| (a - b).abs());
        let most = change.fold(0.0, f64::max);
        let moved: f64 = row[7].parse().unwrap();
        assert!((moved - most).abs() < 1e-6, "{row:?} {most}");
    }
    // Going on with it is no cause for a warning; the same motifs in another order are.
    let run = data.train("more", "--model trained").ok();
    assert!(!run.err.contains("warning"), "{}", run.err);
    // A file that was changed since says nothing of where the kernels started.
    let motifs = text(data.path("motifs.meme"));
    data.write(
        "motifs.meme",
        motifs.replace("0.91", "0.88").replace("0.03", "0.04"),
    );
    let run = data.run("tisfm motifs --model trained").ok();
    assert!(
        run.err.contains("have changed: name them with"),
        "{}",
        run.err
    );
    data.write("motifs.meme", motifs);
    // Where the file is gone, the run asks for it.
    std::fs::rename(data.path("motifs.meme"), data.path("moved.meme")).unwrap();
    let run = data.run("tisfm motifs --model trained").ok();
    assert!(
        run.err.contains("name them with --meme-file"),
        "{}",
        run.err
    );
    assert_eq!(
        run.table().header.join(" "),
        "output rank motif name weight importance mean_activity"
    );
    let again = data
        .run("tisfm motifs --model trained --meme-file moved.meme")
        .ok();
    assert_eq!(again.table(), table);
}
