//! Penalties and penalty paths of `cisgrad tisfm train`.

use crate::common::kinds::Kind;
use crate::common::tisfm::Data;
use crate::common::{Table, bytes, parameter, text};

const BEST: &str = "model.best.safetensors";

#[test]
fn several_penalties_are_a_path_and_a_restart_skips_what_is_finished() {
    let data = Data::new(60, 40);
    let flags = "--penalty-param 0.5 0.001 0.05 --number-of-epochs 2";
    data.train("path", flags).ok();
    let table = Table::read(data.path("path/path.tsv"));
    assert_eq!(
        table.header.join(" "),
        "step lambda best_epoch validation_loss nonzero picked"
    );
    assert_eq!(table.column("step"), ["0", "1", "2"]);
    assert_eq!(table.numbers("lambda"), [0.001, 0.05, 0.5]); // sorted, no 0 added
    let nonzero = table.numbers("nonzero");
    assert!(nonzero[2] < nonzero[0], "{nonzero:?}");
    for (step, rate) in [("path_0", 0.01), ("path_1", 0.001), ("path_2", 0.001)] {
        let history = Table::read(data.path(&format!("path/{step}/history.tsv")));
        assert_eq!(history.numbers("lr"), [rate; 2], "{step}");
        data.run(&format!("tisfm test --model path/{step}")).ok();
    }
    // A folder that holds no model of its own says where its models are.
    data.run("tisfm test --model path")
        .fails(1, &["path of models", "path_N"]);
    let before = bytes(data.path(&format!("path/path_2/{BEST}")));
    std::fs::remove_dir_all(data.path("path/path_2")).unwrap();
    let kept = std::fs::metadata(data.path("path/path_1/state.safetensors")).unwrap();
    let run = data.train("path", &format!("{flags} --resume")).ok();
    assert!(run.err.contains("path_1 is finished already"));
    assert!(!run.err.contains("path_2 is finished already"));
    assert!(bytes(data.path(&format!("path/path_2/{BEST}"))) == before);
    let still = std::fs::metadata(data.path("path/path_1/state.safetensors")).unwrap();
    assert_eq!(kept.modified().unwrap(), still.modified().unwrap());
    assert_eq!(Table::read(data.path("path/path.tsv")), table);
}

#[test]
fn penalty_ranges_are_linear_or_logarithmic_and_hold_zero() {
    let data = Data::new(60, 40);
    let lambdas = |out: &str, flags: &str| {
        data.train(out, &format!("{flags} --number-of-epochs 1"))
            .ok();
        Table::read(data.path(&format!("{out}/path.tsv"))).numbers("lambda")
    };
    let linear = lambdas("a", "--penalty-param-range 0.01 0.03 3 --step-lr 0.002");
    let close = |found: &[f64], expected: [f64; 4]| {
        assert_eq!(found.len(), 4, "{found:?}");
        for (f, e) in found.iter().zip(expected) {
            assert!((f - e).abs() <= 1e-15, "{found:?}");
        }
    };
    close(&linear, [0.0, 0.01, 0.02, 0.03]);
    let rate = Table::read(data.path("a/path_1/history.tsv")).numbers("lr");
    assert_eq!(rate, [0.002]);
    let log = lambdas(
        "b",
        "--penalty-param-range 0.001 0.1 3 --log-penalty-param-range",
    );
    close(&log, [0.0, 1e-3, 1e-2, 1e-1]);
}

#[test]
fn the_penalty_shrinks_only_its_layers_and_the_mcp_takes_its_parameter() {
    let data = Data::new(60, 40);
    let weights = |out: &str, flags: &str| {
        data.train(out, flags).ok();
        parameter(
            data.path(&format!("{out}/model.last.safetensors")),
            "linreg.weight",
        )
    };
    let zeros = |w: &[f64]| w.iter().filter(|x| **x == 0.0).count();
    let plain = weights("plain", "");
    let l1 = weights("l1", "--penalty-param 0.3");
    let mcp = weights("mcp", "--penalty-param 0.3 --penalty-type mcp");
    let other = weights(
        "other",
        "--penalty-param 0.3 --penalty-type mcp --mcp-param 30",
    );
    assert_eq!(zeros(&plain), 0);
    assert!(zeros(&l1) > 0, "{l1:?}");
    assert_ne!(l1, mcp);
    assert_ne!(mcp, other);
    assert!(!data.path("l1/path_0").exists(), "one penalty is no path");
    let gate = parameter(
        data.path("l1/model.last.safetensors"),
        "interaction_layer.weight",
    );
    assert_eq!(zeros(&gate), 0);
    let gate = "--penalty-param 0.3 --penalize-layers interaction_layer.weight";
    assert_eq!(zeros(&weights("gate", gate)), 0);
    data.refuses(
        "--penalty-param 0.3 --penalize-layers nothing",
        2,
        &["--penalize-layers nothing", "linreg.weight"],
    );
}

/// The flag took three numbers of its own in earlier versions, as powers of ten.
#[test]
fn a_log_range_is_a_switch_beside_a_range_of_strengths_above_0() {
    let data = Data::small();
    let form = "--penalty-param-range START STOP NUM --log-penalty-param-range";
    for (flags, parts) in [
        (
            "--log-penalty-param-range 0.001 0.1 2",
            &[
                "--log-penalty-param-range 0.001 0.1 2: it takes no numbers",
                form,
            ][..],
        ),
        (
            "--penalty-param-range 0.001 0.1 2 --log-penalty-param-range -3",
            &["it takes no numbers", form],
        ),
        ("--log-penalty-param-range", &["goes with a range", form]),
        (
            "--penalty-param-range 0 0.1 2 --log-penalty-param-range",
            &[
                "--penalty-param-range 0 0.1 2: ",
                "START and STOP are numbers above 0",
            ],
        ),
        (
            "--penalty-param-range 0.1 -1 2 --log-penalty-param-range",
            &["START and STOP are numbers above 0"],
        ),
        (
            "--penalty-param 0.1 --log-penalty-param-range",
            &["goes with a range", form],
        ),
    ] {
        data.refuses(flags, 2, parts);
    }
}

#[test]
fn numbers_that_no_path_can_have_are_refused_by_their_flag() {
    let data = Data::small();
    for (flags, parts) in [
        (
            "--penalty-param-range inf 1 2 --log-penalty-param-range",
            &["--penalty-param-range inf 1 2: START and STOP are finite numbers, and inf is none"]
                [..],
        ),
        ("--penalty-param-range 0 NaN 2", &["and NaN is none"]),
        (
            "--penalty-param-range 0 1 1000000",
            &["NUM, the number of steps, is 10000 at most"],
        ),
        (
            "--penalty-type mcp --mcp-param inf --penalty-param 1",
            &["--mcp-param inf: expected a finite number above 1"],
        ),
    ] {
        data.refuses(flags, 2, parts);
    }
    // A parameter that is named twice is one.
    let said = |layers: &str| {
        let out = format!("m{}", layers.len());
        let flags = format!("--penalty-param 0.01 --number-of-epochs 1 --penalize-layers {layers}");
        let run = data.train(&out, &flags).ok();
        let lines = run.err.lines().filter(|line| line.starts_with("penalty "));
        lines.collect::<String>()
    };
    let once = said("linreg.weight");
    assert!(once.contains("of 1"), "{once}");
    assert_eq!(said("linreg.weight linreg.weight"), once);
}

#[test]
fn a_path_does_not_go_on_with_other_epochs_than_its_steps_began_from() {
    let data = Data::new(60, 40);
    let path = "--penalty-param 0 0.1";
    data.train("path", path).ok();
    let longer = format!("{path} --number-of-epochs 5 --resume");
    data.train("path", &longer).fails(
        1,
        &[
            "path/path_1 started from",
            "3 epochs",
            "--number-of-epochs 5",
            "another path",
        ],
    );
    data.train("path", &format!("{path} --resume")).ok();
    // A path that has not come to its second step may have more.
    std::fs::remove_dir_all(data.path("path/path_1")).unwrap();
    data.train("path", &longer).ok();
}

#[test]
fn a_correlation_that_is_not_defined_chooses_nothing() {
    let data = Data::new(60, 40);
    let lines = text(data.path("signals.tsv"));
    let mut rows = lines.lines();
    let header = rows.next().unwrap();
    // Validation is rows 6 to 11: the same signal everywhere.
    let rows = rows.enumerate().map(|(row, line)| {
        let name = line.split('\t').next().unwrap();
        match (6..12).contains(&row) {
            true => format!("{name}\t1\t1\n"),
            false => format!("{line}\n"),
        }
    });
    let changed: String = std::iter::once(format!("{header}\n")).chain(rows).collect();
    std::fs::write(data.path("signals.tsv"), changed).unwrap();
    let run = data.train("out", "--best-by r --number-of-epochs 6").ok();
    assert!(!run.err.contains("best validation r"), "{}", run.err);
    let history = Table::read(data.path("out/history.tsv"));
    let losses = history.numbers("validation_loss");
    let lowest = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let best = losses.iter().position(|loss| *loss == lowest).unwrap() + 1;
    let said = format!("in epoch {best} of 6");
    assert!(
        run.err.contains("best validation loss") && run.err.contains(&said),
        "{said}: {}",
        run.err
    );
}
