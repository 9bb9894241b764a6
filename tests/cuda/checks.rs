//! `selftest` and `bench` where kernels fail, on the host stand-in of the driver.

use std::collections::BTreeMap;
use std::path::Path;

use crate::common::Run;
use crate::common::kinds::Kind;
use crate::common::tisfm::{ARCHITECTURE, Data};
use crate::on_card::{self, launches};

/// The program on the stand-in, with a report of its launches in `launches.json`; None: skipped.
fn run(folder: &Path, arguments: &str, fails_at: Option<u64>) -> Option<Run> {
    let report = folder.join("launches.json");
    let fails_at = fails_at.map(|launch| launch.to_string());
    let mut variables = vec![("CUDA_STANDIN_REPORT", report.to_str().unwrap())];
    variables.extend(
        fails_at
            .iter()
            .map(|n| ("CUDA_STANDIN_FAIL_LAUNCH", n.as_str())),
    );
    on_card::run(folder, arguments, &variables)
}

/// Failed checks by row of the table.
fn failed(run: &Run) -> BTreeMap<String, f64> {
    let table = run.table();
    let names = table.column("case").into_iter().map(str::to_string);
    names.zip(table.numbers("failed")).collect()
}

#[test]
fn a_kernel_that_breaks_the_card_fails_its_own_op_alone() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let alone = "selftest --device cuda --ops one_hot";
    let Some(short) = run(here, alone, None) else {
        return;
    };
    short.ok();
    let most = launches(&here.join("launches.json"));
    // In the process of each op its own launches count; activation comes first and has more of them.
    let both = run(
        here,
        "selftest --device cuda --ops activation,one_hot --jobs 2",
        Some(most + 1),
    )
    .unwrap();
    let both = both.fails(1, &["checks failed"]);
    assert!(both.err.contains("activation Sigmoid"), "{}", both.err);
    let failed = failed(&both);
    assert!(failed["activation"] > 0.0, "{failed:?}");
    assert_eq!(failed["one_hot"], 0.0, "{failed:?}");
    let good = run(
        here,
        "selftest --device cuda --ops activation,one_hot",
        None,
    )
    .unwrap();
    assert!(failed_none(&good.ok()));
}

fn failed_none(run: &Run) -> bool {
    failed(run).values().all(|&n| n == 0.0)
}

/// What was measured before a kernel failed is written.
#[test]
fn a_fault_among_the_kernels_costs_bench_no_rate() {
    let data = Data::new(10, 40);
    let arguments = format!(
        "bench --device cuda --architecture {ARCHITECTURE} --meme-file motifs.meme --window-size 40 --batch-size 4 --steps 1"
    );
    let Some(rate) = run(data.folder(), &arguments, None) else {
        return;
    };
    rate.ok();
    let before = launches(&data.path("launches.json"));
    let broken = run(
        data.folder(),
        &format!("{arguments} --kernels --json"),
        Some(before + 1),
    )
    .unwrap();
    let broken = broken.fails(1, &["1 fault in the table of kernels"]);
    let report: serde_json::Value = serde_json::from_str(&broken.out).unwrap();
    assert!(report["sequences_per_s"].as_f64().unwrap() > 0.0);
    assert_eq!(report["faults"].as_array().unwrap().len(), 1, "{report:#}");
}

/// Cases of few numbers state no bound in bf16: the table leaves them out.
#[test]
fn the_table_of_kernels_has_no_faults_in_bf16() {
    let data = Data::small();
    let line = "bench --architecture factornet-k4-r3 --window-size 60 --batch-size 2 --steps 1 --device cuda --kernels --precision bf16";
    let Some(found) = run(data.folder(), line, None) else {
        return;
    };
    let table = found.ok().out;
    let lstm = table
        .lines()
        .find(|line| line.starts_with("lstm\t"))
        .unwrap();
    assert!(!lstm.ends_with('\t'), "an error is told: {lstm}");
}
