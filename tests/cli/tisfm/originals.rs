//! Command lines of the original program, as its users have them: train_model.py's and test_model.py's.

use crate::common::kinds::Kind;
use crate::common::same_end::{assert_same_end, history};
use crate::common::tisfm::{ARCHITECTURE, Data};
use crate::common::{Table, bytes, text};

const BEST: &str = "model.best.safetensors";

/// The line of the original's README.
#[test]
fn the_published_command_runs_as_it_is_spelled() {
    let data = Data::small();
    for (from, to) in [
        ("motifs.meme", "cisBP_mouse.meme"),
        ("signals.tsv", "lineageImmgenDataZ.txt"),
        ("sequences.tsv", "sequences.list"),
        ("split", "split_folder"),
    ] {
        std::fs::rename(data.path(from), data.path(to)).unwrap();
    }
    data.run("tisfm train --architecture model_pos_attention_calib_sigmoid_interaction --meme-file cisBP_mouse.meme --atac-file lineageImmgenDataZ.txt --sequences sequences.list --model-output checkpoint --split-folder split_folder --batch-size 254")
        .ok();
    assert_eq!(history(data.path("checkpoint/history.tsv")).len(), 10);
}

#[test]
fn beginnings_underscores_and_repeated_flags_are_the_originals() {
    let data = Data::small();
    let lines = [
        format!(
            "tisfm train --meme-file motifs.meme --atac-file signals.tsv --sequences sequences.tsv --split-folder split --architecture {ARCHITECTURE} --batch-size 16 --number-of-epochs 2 --penalty-param 0.1 --model-output whole --num-of-workers 1"
        ),
        format!(
            "tisfm train --me motifs.meme --at=signals.tsv --se sequences.tsv --sp split --arch {ARCHITECTURE} --batch_size 7 --batch_size 16 --number-of-e 9 --number_of_epochs 2 --penalty-param 0 0.5 --penalty-param 0.1 --model-o begun --num-of-workers 0 --response_num 2 --num_of_heads 8"
        ),
    ];
    data.run(&lines[0]).ok();
    let begun = data.run(&lines[1]).ok();
    assert!(
        begun.err.contains("note: --num-of-heads is ignored"),
        "{}",
        begun.err
    );
    assert_same_end(&data.path("whole"), &data.path("begun"));
    data.refuses(
        "--response_num 8",
        1,
        &["--response-num 8: signals.tsv has 2 outputs"],
    );
    data.refuses(
        "--num 3",
        2,
        &["--num: the beginning of several flags: --number-of-epochs, --num-of-workers"],
    );
    // What is ours alone has no short form.
    data.refuses("--dev cpu", 2, &["--dev"]);
}

#[test]
fn epochs_are_numbered_behind_those_of_the_weights() {
    let data = Data::small();
    data.train("first", "--save-all --number-of-epochs 3").ok();
    // Ours by the original's name, and a file of that name alone.
    std::fs::create_dir(data.path("theirs")).unwrap();
    std::fs::copy(
        data.path("first/model.2.safetensors"),
        data.path("theirs/model.2"),
    )
    .unwrap();
    let flags = "--number-of-epochs 2 --save-all --lr 0.002";
    for (out, model) in [("ours", "first/model.2"), ("file", "theirs/model.2")] {
        let run = data.train(out, &format!("{flags} --model {model}")).ok();
        assert!(run.err.contains("epoch 4: "), "{}", run.err);
        let epochs = Table::read(data.path(&format!("{out}/history.tsv")));
        assert_eq!(epochs.column("epoch"), ["3", "4"]);
        assert_eq!(epochs.numbers("lr")[0], 0.002);
        assert!(data.path(&format!("{out}/model.4.safetensors")).exists());
    }
    assert_same_end(&data.path("ours"), &data.path("file"));
    // It goes on under its own numbers.
    let more = "--number-of-epochs 3 --save-all --lr 0.002 --model first/model.2 --resume";
    data.train("ours", more).ok();
    let epochs = Table::read(data.path("ours/history.tsv"));
    assert_eq!(epochs.column("epoch"), ["3", "4", "5"]);
    // In the folder itself there is only --resume.
    data.train("first", &format!("{flags} --model first/model.2"))
        .fails(1, &["first", "--resume"]);
    data.train("theirs", &format!("{flags} --model theirs/model.2"))
        .fails(2, &["--model theirs/model.2", "--model-output", "--resume"]);
}

#[test]
fn a_resumed_run_may_take_another_rate_from_its_next_epoch_on() {
    let data = Data::small();
    data.train("model", "--number-of-epochs 2").ok();
    data.train("model", "--number-of-epochs 4 --lr 0.0005 --resume")
        .ok();
    let rates = Table::read(data.path("model/history.tsv")).numbers("lr");
    assert_eq!(rates, [0.01, 0.01, 0.0005, 0.0005]);
    // The same again is not another rate: the one that the plateau has cut stays.
    let flags = "--early-stopping --early-stopping-threshold 0.02 --number-of-epochs 6";
    let stopped = data.train("stopped", flags).ok();
    assert!(stopped.err.contains("early stopping"), "{}", stopped.err);
    let same = data.train("stopped", &format!("{flags} --resume")).ok();
    assert!(
        same.err.contains("finished already after epoch 1\n"),
        "{}",
        same.err
    );
    data.train("stopped", &format!("{flags} --lr 0.05 --resume"))
        .ok();
    assert_eq!(history(data.path("stopped/history.tsv")).len(), 6);
}

#[test]
fn validation_may_be_the_test_and_nothing_else_may_overlap() {
    let data = Data::small();
    let split = |name: &str, parts: [&str; 3]| {
        std::fs::create_dir(data.path(name)).unwrap();
        for (part, rows) in ["train", "validation", "test"].iter().zip(parts) {
            data.write(&format!("{name}/{part}_split.txt"), rows);
        }
    };
    split("same", ["0\n1\n2\n3\n4", "5\n6", "6\n5"]);
    let run = data.train("model", "--split-folder same").ok();
    assert!(
        run.err
            .contains("note: validation and test are the same rows"),
        "{}",
        run.err
    );
    let tested = Table::read(data.path("model/test.tsv"));
    assert_eq!(tested.column("sequences"), ["2"; 6]);
    data.run("tisfm test --model model").ok();
    split("partly", ["0\n1\n2\n3\n4", "5\n6", "6\n7"]);
    data.refuses(
        "--split-folder partly",
        1,
        &["row 6", "is in the validation split too"],
    );
    split("train", ["0\n1\n2\n3\n4", "4\n6", "4\n6"]);
    data.refuses(
        "--split-folder train",
        1,
        &["row 4", "is in the train split too"],
    );
}

#[test]
fn a_run_keeps_its_test_losses_and_the_best_weights_of_training() {
    let data = Data::small();
    let run = data.train("model", "--number-of-epochs 4").ok();
    let kept = Table::read(data.path("model/test.tsv"));
    assert_eq!(
        kept.column("weights"),
        ["last", "last", "last", "best", "best", "best"]
    );
    let losses = kept.numbers("mse");
    for (file, place) in [("model.last", 2), ("model.best", 5)] {
        let tested = data.run(&format!("tisfm test --model model/{file}")).ok();
        let found = tested.table().numbers("mse")[2];
        assert_eq!(found, losses[place], "{file}");
    }
    let said = format!(
        "test loss {:.5} with the last weights, {:.5} with the best",
        losses[2], losses[5]
    );
    assert!(run.err.contains(&said), "{}", run.err);
    // Of the last epoch here: its training loss is the lowest.
    let trained = Table::read(data.path("model/history.tsv")).numbers("train_loss");
    assert!(
        trained.iter().all(|loss| *loss >= trained[3]),
        "{trained:?}"
    );
    let train_best = data.path("model/model.train.best.safetensors");
    assert!(bytes(&train_best) == bytes(data.path("model/model.last.safetensors")));
    // A run that ended before its test was written writes it when it is resumed.
    std::fs::remove_file(data.path("model/test.tsv")).unwrap();
    data.train("model", "--number-of-epochs 4 --resume").ok();
    assert_eq!(
        Table::read(data.path("model/test.tsv")).numbers("mse"),
        losses
    );
    data.train("path", "--penalty-param 0 0.1").ok();
    assert!(data.path("path/path_1/test.tsv").exists() && !data.path("path/test.tsv").exists());
}

#[test]
fn test_takes_the_originals_line_and_holds_it_against_the_model() {
    let data = Data::small();
    data.train("model", "--save-all").ok();
    let line = |model: &str, more: &str| {
        format!(
            "tisfm test --meme-file motifs.meme --atac-file signals.tsv --sequences sequences.tsv --split-folder split --model {model} {more}"
        )
    };
    let agreeing = format!(
        "--arch {ARCHITECTURE} --window-size 40 --class-name TISFM --ai-atac --num_of_workers 1"
    );
    let run = data.run(&line("model", &agreeing)).ok();
    for flag in ["--class-name", "--ai-atac"] {
        assert!(
            run.err.contains(&format!("note: {flag} is ignored")),
            "{}",
            run.err
        );
    }
    let plain = data.run("tisfm test --model model").ok().out;
    assert_eq!(run.out, plain);
    // A file of weights alone.
    std::fs::create_dir(data.path("alone")).unwrap();
    std::fs::copy(
        data.path(&format!("model/{BEST}")),
        data.path("alone/model.7"),
    )
    .unwrap();
    let alone = data
        .run(&line(
            "alone/model.7",
            &format!("--architecture {ARCHITECTURE}"),
        ))
        .ok();
    assert_eq!(alone.out, plain);
    for (arguments, code, parts) in [
        (
            line("model", "--architecture model_pos_calib_sigmoid"),
            1,
            &[
                "--architecture model_pos_calib_sigmoid: model/config.json has ",
                ARCHITECTURE,
            ][..],
        ),
        (
            line("model", "--window-size 300"),
            1,
            &["--window-size 300: model/config.json has 40"],
        ),
        (
            line("alone/model.7", ""),
            2,
            &["alone/model.7: a file of weights alone", "--architecture"],
        ),
        (
            "tisfm test --model alone/model.7".to_string(),
            2,
            &["--architecture, --atac-file, --sequences, --split-folder"],
        ),
        (
            line("alone/model.7", "--architecture model_effect_diffusion"),
            1,
            &["alone/model.7"],
        ),
    ] {
        data.run(&arguments).fails(code, parts);
    }
    let other = text(data.path("motifs.meme")).replacen("MOTIF ", "MOTIF other_", 1);
    data.write("other.meme", other);
    data.run("tisfm test --model model --meme-file other.meme")
        .fails(
            1,
            &[
                "--meme-file other.meme: its motifs (",
                "are not those of model/config.json",
                "number 1: other_",
            ],
        );
}

#[test]
fn predictions_of_a_part_stand_beside_what_was_measured() {
    let data = Data::small();
    data.train("model", "").ok();
    let table = data
        .run("tisfm predict --model model --split test")
        .ok()
        .table();
    assert_eq!(
        table.header.join(" "),
        "name K562 MCF7 K562.measured MCF7.measured"
    );
    let whole = data
        .run("tisfm predict --model model --sequences sequences.tsv")
        .ok()
        .table();
    let names = whole.column("name");
    let rows: Vec<String> = text(data.path("model/test_split.txt"))
        .lines()
        .map(String::from)
        .collect();
    assert_eq!(table.column("name"), rows);
    let (ours, all) = (table.column("MCF7"), whole.column("MCF7"));
    for (row, name) in rows.iter().enumerate() {
        let place = names.iter().position(|other| other == name).unwrap();
        assert_eq!(ours[row], all[place]);
        let signals = text(data.path("signals.tsv"));
        let line = signals
            .lines()
            .find(|line| line.starts_with(name.as_str()))
            .unwrap();
        let measured: f64 = line.split('\t').nth(2).unwrap().parse().unwrap();
        assert_eq!(table.numbers("MCF7.measured")[row], measured);
    }
    data.run("tisfm predict --model model")
        .fails(2, &["--sequences FILE", "--split test"]);
    data.run("tisfm predict --model model --sequences peaks.fa --atac-file signals.tsv")
        .fails(2, &["--atac-file goes with --split"]);
    // Weights of an epoch by the original's name, in every command.
    data.run("tisfm motifs --model model/model.train.best").ok();
}
