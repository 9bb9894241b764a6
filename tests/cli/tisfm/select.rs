//! `cisgrad tisfm select`.

use crate::common::kinds::Kind;
use crate::common::tisfm::{Data, MOTIFS};
use crate::common::{Run, Table, bytes, parameter, text};

const BEST: &str = "model.best.safetensors";

fn select(data: &Data, out: &str, more: &str) -> Run {
    data.run(&format!(
        "tisfm select --meme-file motifs.meme --atac-file signals.tsv --sequences sequences.tsv --split-folder split --penalty-param-range 0.05 0.8 3 --path-epochs 3 --refit-epochs 2 --kernel-epochs 2 --out {out} {more}"
    ))
}

/// The motif kernels of a model: channels x 4 x width.
fn kernels(data: &Data, model: &str) -> Vec<f64> {
    parameter(data.path(&format!("{model}/{BEST}")), "conv_motif.weight")
}

#[test]
fn motifs_are_selected_fitted_anew_and_their_kernels_learn_within_their_columns() {
    let data = Data::new(120, 40);
    let run = select(&data, "out", "--pick 1se").ok();
    let table = Table::read(data.path("out/path/path.tsv"));
    assert_eq!(table.header.last().unwrap(), "picked");
    let picked = table.column("picked");
    assert!(
        picked[0].is_empty(),
        "no penalty selects nothing: {picked:?}"
    );
    let place = picked
        .iter()
        .position(|rules| rules.contains("1se"))
        .unwrap();
    assert_eq!(
        picked.iter().filter(|rules| rules.contains("min")).count(),
        1
    );
    let kept = text(data.path("out/motifs.meme")).matches("MOTIF ").count();
    assert!((1..=MOTIFS.len()).contains(&kept), "{kept}");
    let said = format!("1se: path_{place} (lambda");
    assert!(
        run.err.contains(&said) && run.err.contains(&format!("keeps {kept} of 6 motifs")),
        "{}",
        run.err
    );
    assert!(
        run.err.trim_end().ends_with("the model: out/kernels"),
        "{}",
        run.err
    );

    // What a step's weights keep is what the refit gets.
    let ranked = data
        .run(&format!(
            "tisfm motifs --by weight --model out/path/path_{place}"
        ))
        .ok()
        .table();
    let mut alive: Vec<&str> = ranked
        .rows
        .iter()
        .filter(|row| row[4] != "0")
        .map(|row| row[2].as_str())
        .collect();
    alive.sort_unstable();
    alive.dedup();
    assert_eq!(alive.len(), kept);
    let config = text(data.path("out/refit/config.json"));
    assert!(config.contains("\"plain_gate\"") && !config.contains("tied_motifs"));
    assert!(text(data.path("out/kernels/config.json")).contains("tied_motifs"));

    // Both strands stay one, and the columns around a motif stay empty; the motifs' own have moved.
    let (before, after) = (kernels(&data, "out/refit"), kernels(&data, "out/kernels"));
    let width = after.len() / (2 * kept + 4) / 4;
    let at = |w: &[f64], channel: usize, base: usize, k: usize| w[(channel * 4 + base) * width + k];
    let mut moved = 0;
    for motif in 0..kept {
        let own = |k: usize| (0..4).any(|base| at(&before, 2 * motif, base, k) != 0.0);
        let columns: Vec<usize> = (0..width).filter(|&k| own(k)).collect();
        let (first, last) = (columns[0], columns[columns.len() - 1]);
        for k in 0..width {
            for base in 0..4 {
                let now = at(&after, 2 * motif, base, k);
                if !(first..=last).contains(&k) {
                    assert_eq!(now, 0.0, "motif {motif}, column {k}");
                    continue;
                }
                let other = at(&after, 2 * motif + 1, 3 - base, first + last - k);
                assert_eq!(now.to_bits(), other.to_bits(), "motif {motif}, column {k}");
                moved += usize::from(now != at(&before, 2 * motif, base, k));
            }
        }
    }
    assert!(moved > 0);

    // A stage that is gone is done again, the others are not.
    let whole = bytes(data.path(&format!("out/kernels/{BEST}")));
    std::fs::remove_dir_all(data.path("out/kernels")).unwrap();
    let again = select(&data, "out", "--pick 1se --resume").ok();
    assert!(
        again.err.contains("path_3 is finished already"),
        "{}",
        again.err
    );
    assert!(
        again.err.contains("out/refit: finished already"),
        "{}",
        again.err
    );
    assert!(bytes(data.path(&format!("out/kernels/{BEST}"))) == whole);
    assert_eq!(Table::read(data.path("out/path/path.tsv")), table);
}

#[test]
fn without_gate_and_without_kernels_the_refit_is_the_model() {
    let data = Data::new(60, 40);
    let run = select(&data, "out", "--no-gate --kernel-epochs 0").ok();
    assert!(
        run.err.trim_end().ends_with("the model: out/refit"),
        "{}",
        run.err
    );
    assert!(!data.path("out/kernels").exists());
    let config = text(data.path("out/refit/config.json"));
    assert!(config.contains("\"plain\"") && !config.contains("plain_gate"));
}

#[test]
fn what_cannot_be_selected_is_said() {
    let data = Data::new(60, 40);
    for (more, code, parts) in [
        ("--kernel-lr 0", 2, ["--kernel-lr 0", "above 0"]),
        (
            "--penalty-param-range 0.1 1 1",
            2,
            ["NUM is 1", "2 or more"],
        ),
        (
            "--penalty-param-range 0 1 3",
            2,
            ["--penalty-param-range 0 1 3", "above 0"],
        ),
        ("--pick best", 2, ["--pick", "1se"]),
        ("--path-epochs 0", 2, ["--path-epochs", "1 or more"]),
    ] {
        let run = data.run(&format!(
            "tisfm select --meme-file motifs.meme --atac-file signals.tsv --sequences sequences.tsv --split-folder split --out never {more}"
        ));
        run.fails(code, &parts);
        assert!(!data.path("never").exists(), "{more}");
    }
    data.run("tisfm select --atac-file signals.tsv --sequences sequences.tsv --split-folder split --out never")
        .fails(2, &["--meme-file"]);
    data.run("tisfm select --meme-file motifs.meme --atac-file signals.tsv --sequences sequences.tsv --out never")
        .fails(2, &["a split is needed"]);
    data.run("tisfm select --meme-file motifs.meme --atac-file signals.tsv --sequences sequences.tsv --split-folder split --penalty-param-range 5000 9000 2 --path-epochs 1 --out none")
        .fails(1, &["no motif has a weight", "--penalty-param-range"]);
    // Another choice of settings does not go on with what is there.
    select(&data, "out", "").ok();
    select(&data, "out", "").fails(1, &["out/path is there already", "--resume"]);
    select(&data, "out", "--resume --seed 3").fails(1, &["--resume", "seed"]);
}

#[test]
fn kernels_that_were_trained_apart_cannot_be_tied() {
    let data = Data::new(60, 40);
    data.train("apart", "--unfreeze-conv").ok();
    data.refuses(
        "--tie-kernels --model apart",
        1,
        &["--tie-kernels", "reverse complement", "apart"],
    );
    data.refuses(
        "--tie-kernels --freeze-all-except-final-layer",
        2,
        &["cannot be used with"],
    );
    data.train("tied", "--tie-kernels").ok();
    data.train("more", "--tie-kernels --model tied").ok();
    let run = data.run("tisfm motifs --model more").ok();
    assert!(run.table().header.contains(&"moved".to_string()));
}

#[test]
fn a_run_that_is_refused_changes_nothing_and_what_would_be_stale_is_refused() {
    let data = Data::new(120, 40);
    select(&data, "out", "--pick min").ok();
    let table = Table::read(data.path("out/path/path.tsv"));
    let picked = table.column("picked");
    let motifs = text(data.path("out/motifs.meme"));
    let place = |rule: &str| picked.iter().position(|rules| rules.contains(rule));
    // Where both rules keep the same motifs there is nothing to refuse.
    let nonzero = table.column("nonzero");
    if nonzero[place("min").unwrap()] != nonzero[place("1se").unwrap()] {
        let other = select(&data, "out", "--pick 1se --resume");
        other.fails(1, &["out/refit was fitted with other motifs", "--pick 1se"]);
    }
    assert_eq!(text(data.path("out/motifs.meme")), motifs);

    // The kernels began from the refit's weights.
    let kernels = bytes(data.path(&format!("out/kernels/{BEST}")));
    let longer = |more: &str| {
        let run = format!(
            "tisfm select --meme-file motifs.meme --atac-file signals.tsv --sequences sequences.tsv --split-folder split --penalty-param-range 0.05 0.8 3 --path-epochs 3 --refit-epochs 3 --kernel-epochs 2 --out out {more}"
        );
        data.run(&run)
    };
    let parts = [
        "out/kernels started from what",
        "--refit-epochs 3",
        "remove out/kernels",
    ];
    longer("--resume").fails(1, &parts);
    assert!(bytes(data.path(&format!("out/kernels/{BEST}"))) == kernels);
    std::fs::remove_dir_all(data.path("out/kernels")).unwrap();
    longer("--resume").ok();
    assert!(bytes(data.path(&format!("out/kernels/{BEST}"))) != kernels);

    // A folder that was moved goes on.
    std::fs::rename(data.path("out"), data.path("moved")).unwrap();
    let moved = "tisfm select --meme-file motifs.meme --atac-file signals.tsv --sequences sequences.tsv --split-folder split --penalty-param-range 0.05 0.8 3 --path-epochs 3 --refit-epochs 3 --kernel-epochs 2 --out moved --resume";
    data.run(moved).ok();
    // Weights that are gone are named.
    for stage in ["path/path_2", "refit"] {
        let best = data.path(&format!("moved/{stage}/{BEST}"));
        let whole = bytes(&best);
        std::fs::remove_file(&best).unwrap();
        let said = format!("moved/{stage}/{BEST} is not there");
        data.run(moved).fails(1, &[&said, "remove moved/"]);
        std::fs::write(&best, whole).unwrap();
    }
    // Weights of the refit that were changed behind the kernels' back.
    std::fs::copy(
        data.path(&format!("moved/path/path_2/{BEST}")),
        data.path("other.safetensors"),
    )
    .unwrap();
    let last = data.path("moved/refit/model.last.safetensors");
    std::fs::copy(&last, data.path(&format!("moved/refit/{BEST}"))).unwrap();
    if bytes(&last) != bytes(data.path(&format!("moved/refit/{BEST}"))) {
        data.run(moved)
            .fails(1, &["moved/kernels was started from weights of"]);
    }
}

#[test]
fn what_lies_in_the_folder_is_not_written_over() {
    let data = Data::new(60, 40);
    std::fs::create_dir(data.path("own")).unwrap();
    std::fs::copy(data.path("motifs.meme"), data.path("own/motifs.meme")).unwrap();
    let before = text(data.path("own/motifs.meme"));
    data.run("tisfm select --meme-file own/motifs.meme --atac-file signals.tsv --sequences sequences.tsv --split-folder split --out own")
        .fails(2, &["own/motifs.meme is a file that this run reads"]);
    select(&data, "own", "").fails(1, &["own/motifs.meme is there already", "another --out"]);
    select(&data, "own", "--resume").fails(1, &["own holds own/motifs.meme but no path"]);
    assert_eq!(text(data.path("own/motifs.meme")), before);
    std::fs::create_dir_all(data.path("refitted/refit")).unwrap();
    select(&data, "refitted", "").fails(1, &["refitted/refit is there already"]);
    assert!(!data.path("refitted/path").exists());
}
