//! `--device cuda` from the command line, on the host stand-in of the driver: training, prediction, resuming, and what
//! can be wrong with a card.

use crate::common::kinds::Kind;
use crate::common::same_end::assert_same_end;
use crate::common::tisfm::{ARCHITECTURE, Data};
use crate::common::{Run, Table, parameter, text};
use crate::on_card::{run, train};

#[test]
fn training_on_a_card_gives_the_cpus_numbers() {
    let data = Data::new(60, 40);
    for (out, flags) in [
        ("plain", "--batch-size 16"),
        ("penalty", "--batch-size 16 --penalty-param 0.01"),
        ("all", "--batch-size 20 --unfreeze-conv"),
        (
            "attention",
            "--batch-size 16 --architecture model_pos_attention_calib_sigmoid_interaction",
        ),
    ] {
        let flags = format!("{flags} --number-of-epochs 2");
        let Some(gpu) = train(&data, &format!("gpu_{out}"), &flags) else {
            return;
        };
        let first = gpu.ok().err;
        assert!(first.starts_with("device: cuda:0 "), "{first}");
        data.train(&format!("cpu_{out}"), &format!("{flags} --device cpu"))
            .ok();
        for name in ["linreg.weight", "linreg.bias"] {
            let numbers = |on: &str| {
                parameter(
                    data.path(&format!("{on}_{out}/model.last.safetensors")),
                    name,
                )
            };
            let (ours, theirs) = (numbers("gpu"), numbers("cpu"));
            let scale = theirs.iter().fold(0.0f64, |m, x| m.max(x.abs()));
            for (a, b) in ours.iter().zip(&theirs) {
                // Adam divides by the root of the squared gradient: where that is near zero, rounding is turned into steps.
                assert!((a - b).abs() < 2e-3 * scale, "{out} {name}: {a} {b}");
            }
        }
    }
}

/// Missing numbers and weights of rows: weights stand behind the targets.
#[test]
fn weighted_losses_on_a_card_are_the_cpus() {
    let data = Data::new(60, 40);
    let table = text(data.path("signals.tsv"));
    let lines = table.lines().enumerate().map(|(line, row)| match line {
        0 => format!("{row}\tw\n"),
        _ if line % 7 == 0 => format!("{}\tNA\t2\n", row.rsplit_once('\t').unwrap().0),
        _ => format!("{row}\t{}\n", 1 + line % 3),
    });
    data.write("weighted.tsv", lines.collect::<String>());
    let flags = "--atac-file weighted.tsv --weights w --batch-size 16 --number-of-epochs 3";
    let Some(gpu) = train(&data, "gpu", flags) else {
        return;
    };
    gpu.ok();
    data.train("cpu", &format!("{flags} --device cpu")).ok();
    let history = |on: &str| Table::read(data.path(&format!("{on}/history.tsv")));
    let (ours, theirs) = (history("gpu"), history("cpu"));
    for column in ["train_loss", "validation_loss", "validation_r"] {
        for (a, b) in ours.numbers(column).iter().zip(theirs.numbers(column)) {
            assert!((a - b).abs() < 1e-4 * b.abs(), "{column}: {a} {b}");
        }
    }
}

/// Both strands of a motif get one gradient there, too, and what lies around the motif rests.
#[test]
fn tied_kernels_stay_tied_on_a_card() {
    let data = Data::new(60, 40);
    let flags = "--tie-kernels --batch-size 16 --number-of-epochs 3";
    let Some(gpu) = train(&data, "gpu", flags) else {
        return;
    };
    gpu.ok();
    data.train("cpu", &format!("{flags} --device cpu")).ok();
    data.train("frozen", "--batch-size 16 --device cpu").ok();
    let weights = |on: &str| {
        let file = data.path(&format!("{on}/model.last.safetensors"));
        parameter(file, "conv_motif.weight")
    };
    let (ours, theirs, frozen) = (weights("gpu"), weights("cpu"), weights("frozen"));
    let mut moved = 0;
    for ((ours, theirs), frozen) in ours.iter().zip(&theirs).zip(&frozen) {
        assert!((ours - theirs).abs() < 2e-3, "{ours} {theirs}");
        moved += usize::from((ours - frozen).abs() > 1e-4);
        // Rests on both.
        assert_eq!(*ours == 0.0, *theirs == 0.0);
    }
    assert!(moved > 100, "{moved}");
    // The other strand of GATA is TATC: column by column the same numbers, complement for base.
    let width = 9;
    let at = |channel: usize, base: usize, k: usize| ours[(channel * 4 + base) * width + k];
    for (k, base) in (2..6).flat_map(|k| (0..4).map(move |base| (k, base))) {
        assert_eq!(at(0, base, k).to_bits(), at(1, 3 - base, 7 - k).to_bits());
    }
}

/// A short last batch needs less shared memory than the full ones, whose recorded step goes on after it.
#[test]
fn motifs_too_wide_for_the_usual_shared_memory_train_with_a_short_last_batch() {
    let data = Data::new(60, 80);
    let wide: String = ["GATTACA", "CCGTA"]
        .iter()
        .map(|name| {
            let row = "0.4 0.3 0.2 0.1\n".repeat(44);
            format!("MOTIF {name}\nletter-probability matrix: alength= 4 w= 44 nsites= 20\n{row}\n")
        })
        .collect();
    data.write(
        "motifs.meme",
        format!("MEME version 4\n\nALPHABET= ACGT\n\n{wide}"),
    );
    let flags = "--number-of-epochs 3 --batch-size 40";
    let Some(replayed) = train(&data, "replayed", flags) else {
        return;
    };
    replayed.ok();
    train(&data, "launched", &format!("{flags} --no-graph")).map(Run::ok);
    assert_same_end(&data.path("replayed"), &data.path("launched"));
}

/// Kernels that were trained, so that no two places score the same but for rounding.
#[test]
fn kernels_are_exported_the_same_on_card_and_cpu() {
    let data = Data::new(60, 40);
    data.train("model", "--unfreeze-conv --lr 0.01 --number-of-epochs 2")
        .ok();
    let export = "motifs export --model model --sites 20 --batch-size 7 --device";
    let Some(gpu) = run(data.folder(), &format!("{export} cuda"), &[]) else {
        return;
    };
    let (gpu, cpu) = (gpu.ok(), data.run(&format!("{export} cpu")).ok());
    assert!(gpu.err.starts_with("device: cuda:0 "), "{}", gpu.err);
    assert!(cpu.out.matches("MOTIF ").count() >= 6, "{}", cpu.out);
    assert_eq!(gpu.out, cpu.out);
}

#[test]
fn a_model_predicts_the_same_on_card_and_cpu() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    let predict = "tisfm predict --model model --sequences peaks.fa --batch-size 7 --device";
    let Some(gpu) = run(data.folder(), &format!("{predict} cuda"), &[]) else {
        return;
    };
    let (gpu, cpu) = (
        gpu.ok().table(),
        data.run(&format!("{predict} cpu")).ok().table(),
    );
    assert_eq!(gpu.column("name"), cpu.column("name"));
    for output in ["K562", "MCF7"] {
        for (a, b) in gpu.numbers(output).iter().zip(cpu.numbers(output)) {
            assert!((a - b).abs() < 1e-5 * b.abs().max(1.0), "{a} {b}");
        }
    }
}

#[test]
fn devices_lists_cards_driver_and_kernels() {
    let data = Data::new(10, 40);
    let Some(found) = run(data.folder(), "devices", &[("CUDA_STANDIN_DEVICES", "2")]) else {
        return;
    };
    let out = found.ok().out;
    for part in [
        "\ncpu\t",
        "\ncuda:0\t",
        "\ncuda:1\t",
        "compute capability 9.0",
        "\ndriver\t",
        "\nnvrtc\tnot found",
    ] {
        assert!(out.contains(part), "{part} in {out}");
    }
    // Without NVRTC there is nothing to compile with, which is said; where it is, tests of the cache see it work.
    let asked = run(data.folder(), "devices --compile", &[]).map(|r| r.ok());
    let err = asked.map(|run| run.err).unwrap_or_default();
    assert!(err.contains("PTX that comes with the program"), "{err}");
    let none = run(data.folder(), "devices", &[("CUDA_STANDIN_DEVICES", "0")]).map(|r| r.ok().out);
    assert!(none.unwrap_or_default().contains("cuda\tnot used: "));
}

#[test]
fn bench_times_steps_on_a_card() {
    let data = Data::new(10, 40);
    let arguments = format!(
        "bench --device cuda --architecture {ARCHITECTURE} --meme-file motifs.meme --window-size 40 --batch-size 4 --steps 1"
    );
    for mode in ["train", "train --unfreeze-conv", "inference"] {
        let Some(found) = run(data.folder(), &format!("{arguments} --mode {mode}"), &[]) else {
            return;
        };
        assert!(found.ok().table().numbers("sequences_per_s")[0] > 0.0);
    }
}

#[test]
fn bench_lists_every_kernel_of_a_step() {
    let data = Data::new(10, 40);
    let arguments = "bench --device cuda --architecture model_pos_calib_sigmoid --meme-file motifs.meme --window-size 40 --batch-size 4 --steps 1 --kernels";
    let Some(found) = run(data.folder(), &format!("{arguments} --json"), &[]) else {
        return;
    };
    let report: serde_json::Value = serde_json::from_str(&found.ok().out).unwrap();
    assert!(report["copy_gb_per_s"].as_f64().unwrap() > 0.0);
    let kernels = report["kernels"].as_array().unwrap();
    for (op, computes) in [("pwm_scan_pool", false), ("linear", true), ("mse", false)] {
        for direction in ["forward", "backward"] {
            let row = kernels
                .iter()
                .find(|row| row["op"] == op && row["direction"] == direction)
                .unwrap_or_else(|| panic!("{op} {direction} in {report:#}"));
            assert!(row["microseconds"].as_f64().unwrap() > 0.0, "{row}");
            assert!(row["error_vs_f64"].as_f64().unwrap() < 1e-5, "{row}");
            assert_eq!(row["tflop_per_s"].is_number(), computes, "{row}");
        }
    }
    let text = run(data.folder(), arguments, &[])
        .map(|r| r.ok().out)
        .unwrap();
    let lines = text.lines().filter(|line| line.contains("ward\t"));
    assert_eq!(lines.count(), kernels.len(), "{text}");
    data.run("bench --kernels --device cpu")
        .fails(2, &["--kernels", "cargo bench"]);
}

#[test]
fn a_model_trained_in_bf16_tests_as_one_in_f32() {
    let data = Data::new(10, 40);
    data.run("demo --keep sim --peaks 600 --length 60 --epochs 12")
        .ok();
    let train = |out: &str, more: &str| {
        format!(
            "tisfm train --meme-file sim/motifs.meme --atac-file sim/signals.tsv --sequences sim/sequences.tsv --split-folder sim/split --architecture model_pos_calib_sigmoid_interaction --calibrate-motifs --lr 0.03 --batch-size 64 --number-of-epochs 12 --model-output {out} {more}"
        )
    };
    let card = train("bf16", "--seed 1 --device cuda --precision bf16");
    let Some(on_card) = run(data.folder(), &card, &[]) else {
        return;
    };
    on_card.ok();
    let mse = |model: &str| {
        let table = data.run(&format!("tisfm test --model {model} --device cpu"));
        *table.ok().table().numbers("mse").last().unwrap()
    };
    for seed in 1..=3 {
        let flags = format!("--seed {seed} --device cpu");
        data.run(&train(&format!("f32_{seed}"), &flags)).ok();
    }
    let f32s = [1, 2, 3].map(|seed| mse(&format!("f32_{seed}")));
    let highest = f32s.iter().copied().fold(f64::MIN, f64::max);
    let lowest = f32s.iter().copied().fold(f64::MAX, f64::min);
    let bf16 = mse("bf16");
    println!("test error: f32 with three seeds {f32s:?}, bf16 with the first {bf16}");
    // A tenth of what the seeds alone make of it.
    assert!(
        (bf16 - f32s[0]).abs() < 0.1 * (highest - lowest),
        "{bf16}, {f32s:?}"
    );
}
