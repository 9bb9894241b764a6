//! Command lines of the original program, as its users have them: train_model.py's and test_model.py's.

use crate::common::kinds::Kind;
use crate::common::same_end::{assert_same_end, history};
use crate::common::tisfm::{ARCHITECTURE, Data, MOTIFS};
use crate::common::{Table, bytes, cisgrad, text};
use cisgrad::io::state_dict::{NamedTensor, read, write_safetensors};

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
    for (out, model) in [
        ("first", "first/model.2"),
        ("first", "first"),
        ("theirs", "theirs/model.2"),
    ] {
        for more in ["", "--resume"] {
            data.train(out, &format!("{flags} --model {model} {more}"))
                .fails(
                    2,
                    &[
                        &format!("--model {model}: it lies in --model-output itself"),
                        "with --resume and without --model",
                    ],
                );
        }
    }
    // A bare name lies in the folder that one is in.
    let folder = data.path("theirs");
    let up = |name: &str| data.path(name).display().to_string();
    let inside = data
        .train_arguments(".", "--model model.2")
        .replace("motifs.meme", &up("motifs.meme"))
        .replace("signals.tsv", &up("signals.tsv"))
        .replace("sequences.tsv", &up("sequences.tsv"))
        .replace(
            "--split-folder split",
            &format!("--split-folder {}", up("split")),
        );
    cisgrad(&folder, &inside).fails(2, &["--model model.2: it lies in --model-output itself"]);
}

/// Only a file's name of digits is an epoch's.
#[test]
fn names_that_are_no_epochs_do_not_number_a_run() {
    let data = Data::small();
    data.train("model.7", "--number-of-epochs 1").ok();
    data.train("after", "--number-of-epochs 1 --model model.7")
        .ok();
    let epochs = |out: &str| {
        let table = Table::read(data.path(&format!("{out}/history.tsv")));
        table.column("epoch").join(" ")
    };
    assert_eq!(epochs("after"), "1");
    let best = data.path("model.7/model.best.safetensors");
    std::fs::create_dir(data.path("w")).unwrap();
    std::fs::copy(&best, data.path("w/model.+7")).unwrap();
    data.train("plus", "--number-of-epochs 1 --model w/model.+7")
        .ok();
    assert_eq!(epochs("plus"), "1");
    for number in ["18446744073709551615", "99999999999999999999"] {
        let name = format!("w/model.{number}");
        std::fs::copy(&best, data.path(&name)).unwrap();
        data.refuses(
            &format!("--model {name}"),
            2,
            &[&name, "too large a number", "rename the file"],
        );
    }
}

/// As the signals of a copied table may be ordered anew.
#[test]
fn outputs_are_taken_by_name_and_others_are_refused() {
    let data = Data::small();
    data.train("model", "").ok();
    let swapped: String = text(data.path("signals.tsv"))
        .lines()
        .map(|line| match line.split('\t').collect::<Vec<_>>()[..] {
            [a, b] => format!("{b}\t{a}\n"),
            [name, a, b] => format!("{name}\t{b}\t{a}\n"),
            _ => unreachable!("{line}"),
        })
        .collect();
    data.write("swapped.tsv", swapped);
    for command in ["test", "predict --split test"] {
        let plain = data.run(&format!("tisfm {command} --model model")).ok();
        let line = format!("tisfm {command} --model model --atac-file swapped.tsv");
        let run = data.run(&line).ok();
        assert_eq!(run.out, plain.out, "{command}");
        assert!(
            run.err
                .contains("swapped.tsv: the outputs stand in the order MCF7, K562"),
            "{}",
            run.err
        );
    }
    let renamed = text(data.path("signals.tsv")).replacen("K562", "HepG2", 1);
    data.write("renamed.tsv", renamed);
    data.run("tisfm test --model model --atac-file renamed.tsv")
        .fails(
            1,
            &["renamed.tsv: its outputs are HepG2, MCF7, the model's K562, MCF7"],
        );
    // Weights that came without names are taken in their order.
    data.run(&format!(
        "convert tisfm --architecture {ARCHITECTURE} --meme-file motifs.meme --weights model/{BEST} --window-size 40 --out nameless"
    ))
    .ok();
    let run = data
        .run("tisfm test --model nameless --atac-file signals.tsv --sequences sequences.tsv --split-folder split")
        .ok();
    assert!(
        run.err.contains("the model's outputs have no names"),
        "{}",
        run.err
    );
}

#[test]
fn outputs_that_are_called_as_rows_of_the_tables_are_refused_in_training() {
    let data = Data::small();
    let named = |names: &str| text(data.path("signals.tsv")).replacen("K562\tMCF7", names, 1);
    for (names, name) in [
        ("all\tMCF7", "'all'"),
        ("K562\toverall", "'overall'"),
        ("lambda\tMCF7", "'lambda'"),
        ("K562\tK562.measured", "'K562.measured'"),
    ] {
        data.write("named.tsv", named(names));
        data.refuses(
            "--atac-file named.tsv",
            1,
            &["named.tsv", name, "another name"],
        );
    }
    // With weights of elsewhere the names are those of the table: a note.
    data.train("model", "").ok();
    data.write("named.tsv", named("all\tMCF7"));
    std::fs::create_dir(data.path("alone")).unwrap();
    std::fs::copy(data.path(&format!("model/{BEST}")), data.path("alone/w")).unwrap();
    let run = data
        .run(&format!(
            "tisfm test --model alone/w --architecture {ARCHITECTURE} --meme-file motifs.meme --atac-file named.tsv --sequences sequences.tsv --split-folder split"
        ))
        .ok();
    assert!(
        run.err
            .contains("note: named.tsv: an output is called 'all'"),
        "{}",
        run.err
    );
}

#[test]
fn zeros_of_both_signs_rank_in_the_motifs_order_and_print_alike() {
    let data = Data::small();
    data.train("model", "").ok();
    let weights = data.path(&format!("model/{BEST}"));
    let mut state = read(&weights).unwrap();
    let tensors = state.tensors.iter_mut();
    let tensor = tensors
        .into_iter()
        .find(|t| t.name == "linreg.weight")
        .unwrap();
    let zero = |i: usize| if i.is_multiple_of(2) { -0.0 } else { 0.0 };
    let values: Vec<f32> = (0..tensor.values.len()).map(zero).collect();
    *tensor = NamedTensor::new("linreg.weight", &tensor.shape.clone(), values);
    write_safetensors(&weights, &state).unwrap();
    let table = data
        .run("tisfm motifs --model model --logos l.svg")
        .ok()
        .table();
    assert_eq!(table.column("motif")[..6], MOTIFS);
    assert_eq!(table.column("weight"), ["0"; 12]);
    assert!(!text(data.path("l.svg")).contains(">-0"));
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
            "tisfm test --model model/config.json".to_string(),
            1,
            &["model/config.json: a file inside a model folder; name the folder: model"],
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
