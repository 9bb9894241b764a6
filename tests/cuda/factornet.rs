//! FactorNet on a GPU from the command line, on the host stand-in of the driver.

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::same_end::history;
use crate::common::{Table, parameter};
use crate::on_card::run;

/// Every form of the network: units, flattened and the global maximum; several cell lines with meta numbers and features of an
/// annotation; all factors of one; last batches of any size, one of several chunks of batches.
const FORMS: [(&str, &str); 4] = [
    ("units", "-r 3 --batch-size 7"),
    (
        "flatten",
        "-r -1 -i A B -m -g --annotations annotations --batch-size 16",
    ),
    ("maximum", "-r 0 -n 3 --batch-size 2"),
    ("all", "-f all -r 3 --batch-size 10"),
];

#[test]
fn training_on_a_card_gives_the_cpus_numbers() {
    let data = Cells::new();
    for (out, flags) in FORMS {
        let arguments = |on: &str| {
            let flags = format!("{flags} {} -e 1 --seed 3 --device {on}", Cells::HELD);
            match flags.strip_prefix("-f all ") {
                Some(all) => data.train_all_arguments(&format!("{on}_{out}"), all),
                None => data.train_arguments(&format!("{on}_{out}"), &flags),
            }
        };
        let Some(gpu) = run(data.folder(), &arguments("cuda"), &[]) else {
            return;
        };
        gpu.ok();
        data.run(&arguments("cpu")).ok();
        let path = |on: &str, file: &str| data.path(&format!("{on}_{out}/{file}"));
        let numbers = |on: &str| {
            let rows = history(path(on, "history.tsv"));
            rows[0].iter().map(|x| x.parse().unwrap()).collect()
        };
        let (ours, theirs): (Vec<f64>, Vec<f64>) = (numbers("cuda"), numbers("cpu"));
        for (a, b) in ours.iter().zip(&theirs) {
            assert!((a - b).abs() < 1e-4 * b.abs(), "{out}: {ours:?} {theirs:?}");
        }
        for name in ["convolution1d_1_W", "dense_2_W", "dense_3_b"] {
            let numbers = |on: &str| parameter(path(on, "model.last.safetensors"), name);
            let (ours, theirs) = (numbers("cuda"), numbers("cpu"));
            let scale = theirs.iter().fold(0.0f64, |m, x| m.max(x.abs()));
            for (a, b) in ours.iter().zip(&theirs) {
                // Adam divides by the root of the squared gradient: where that is near zero, rounding is turned into steps.
                assert!((a - b).abs() < 2e-3 * scale, "{out} {name}: {a} {b}");
            }
        }
    }
}

#[test]
fn a_model_predicts_evaluates_and_visualizes_the_same_on_card_and_cpu() {
    let data = Cells::new();
    data.train("model", "-e 1 --track-transform log1p").ok();
    let bed: String = (0..70)
        .map(|i| format!("chr3\t{}\t{}\n", 100 + 700 * i, 300 + 700 * i))
        .collect();
    data.write("w.bed", bed);
    let both = |command: &str, more: &str| {
        let arguments = |on: &str| {
            let more = more.replace("OUT", on);
            data.on_arguments(command, &format!("-m model {more} --device {on}"))
        };
        let gpu = run(data.folder(), &arguments("cuda"), &[])?;
        Some((gpu.ok(), data.run(&arguments("cpu")).ok()))
    };
    let near = |a: &str, b: &str| {
        let (a, b): (f64, f64) = (a.parse().unwrap(), b.parse().unwrap());
        assert!(a == b || (a - b).abs() < 1e-5 * b.abs(), "{a} {b}");
    };
    if both("predict", "-b w.bed -o OUT.bed.gz --batch-size 9").is_none() {
        return;
    }
    let (ours, theirs) = (data.scored("cuda.bed.gz"), data.scored("cpu.bed.gz"));
    assert_eq!(ours.len(), 70);
    for (a, b) in ours.iter().zip(&theirs) {
        assert_eq!(a[..3], b[..3]);
        near(&a[3], &b[3]);
    }
    let (gpu, cpu) = both("evaluate", "-t chr3 --batch-size 1000").unwrap();
    let (gpu, cpu) = (gpu.table(), cpu.table());
    assert_eq!(gpu.header, cpu.header);
    for (a, b) in gpu.rows[0][1..].iter().zip(&cpu.rows[0][1..]) {
        // A threshold that no score holds is empty.
        if a == b {
            continue;
        }
        // Ranks change places where scores are nearly equal.
        let (a, b): (f64, f64) = (a.parse().unwrap(), b.parse().unwrap());
        assert!(a == b || (a - b).abs() < 1e-3 * b.abs(), "{a} {b}");
    }
    let export = "motifs export --model model -b w.bed -c chr3 --device";
    let gpu = run(data.folder(), &format!("{export} cuda"), &[]).unwrap();
    assert_eq!(gpu.ok().out, data.run(&format!("{export} cpu")).ok().out);
    both("visualize", "-b w.bed -c chr3 -o OUT_pictures").unwrap();
    let by_contribution = |name: &str| {
        let stem = name.split('.').next().unwrap().trim_end_matches('2');
        ["kernels", "logos", "DGF_meansignal"].contains(&stem) && !name.ends_with(".npy")
    };
    for name in crate::common::names(data.path("cpu_pictures")) {
        let text = |on: &str| crate::common::bytes(data.path(&format!("{on}_pictures/{name}")));
        // What is in order of contributions may differ where two are nearly equal.
        assert!(
            by_contribution(&name) || text("cuda") == text("cpu"),
            "{name}"
        );
    }
    for name in ["kernels.tsv", "kernels2.tsv"] {
        let rows = |on: &str| {
            let mut rows = Table::read(data.path(&format!("{on}_pictures/{name}"))).rows;
            rows.sort();
            rows
        };
        let (ours, theirs) = (rows("cuda"), rows("cpu"));
        assert!(theirs.iter().any(|row| row[2] != "0"), "{theirs:?}");
        for (a, b) in ours.iter().zip(&theirs) {
            assert_eq!(a[..2], b[..2]);
            let (x, y): (f64, f64) = (a[2].parse().unwrap(), b[2].parse().unwrap());
            assert!((x - y).abs() < 1e-6 + 1e-4 * y, "{a:?} {b:?}");
        }
    }
}

/// The area under the precision-recall curve on chr3 of a model trained on chr1, with one seed in bf16 and with three in f32.
#[test]
fn a_model_trained_in_bf16_tests_as_one_in_f32() {
    let data = Cells::new();
    let flags = "-L 100 -w 12 -k 8 -r 3 -d 8 -e 10 -n 2 -lr 0.01 --batch-size 20";
    let train = |out: &str, more: &str| data.train_arguments(out, &format!("{flags} {more}"));
    let card = train("bf16", "--seed 1 --device cuda --precision bf16");
    let Some(on_card) = run(data.folder(), &card, &[]) else {
        return;
    };
    on_card.ok();
    let measure = |model: &str| {
        let evaluated = data.on("evaluate", &format!("-m {model} -t chr3 --device cpu"));
        evaluated.ok().table().numbers("auPRC")[0]
    };
    for seed in 1..=3 {
        let flags = format!("--seed {seed} --device cpu");
        data.run(&train(&format!("f32_{seed}"), &flags)).ok();
    }
    let f32s = [1, 2, 3].map(|seed| measure(&format!("f32_{seed}")));
    let highest = f32s.iter().copied().fold(f64::MIN, f64::max);
    let lowest = f32s.iter().copied().fold(f64::MAX, f64::min);
    let bf16 = measure("bf16");
    println!("auPRC: f32 with three seeds {f32s:?}, bf16 with the first {bf16}");
    assert!(
        (bf16 - f32s[0]).abs() < highest - lowest,
        "{bf16}, {f32s:?}"
    );
}
