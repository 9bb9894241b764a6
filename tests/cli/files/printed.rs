//! What the program prints.

use crate::common::factornet::Cells;
use crate::common::kinds::{Kind, Output};
use crate::common::process::{spawn, wait_until};
use crate::common::tisfm::Data;
use crate::common::{Table, text};

for_each_kind! {
    lines_on_stderr_have_few_digits_and_rates_a_unit;
    a_slip_in_a_flag_or_a_path_is_the_only_line;
    one_thread_is_one_and_no_bracket_stands_in_another;
}

fn lines_on_stderr_have_few_digits_and_rates_a_unit<K: Kind>() {
    let data = K::small();
    let run = data.train("model", "").ok();
    let epoch = run.err.lines().find(|line| line.starts_with("epoch 1: "));
    let epoch = epoch.unwrap_or_else(|| panic!("{}", run.err));
    let unit = match K::NAME {
        "tisfm" => " sequences/s",
        _ => " samples/s",
    };
    assert!(epoch.contains(unit), "{epoch}");
    for line in run.err.lines() {
        for number in line.split(|c: char| !c.is_ascii_digit() && c != '.') {
            let decimals = number.split_once('.').map_or("", |(_, decimals)| decimals);
            assert!(decimals.len() <= 6, "{number} in: {line}");
        }
    }
    // Files keep every digit.
    let history = Table::read(data.path("model/history.tsv"));
    let losses = history.column("validation_loss");
    assert!(losses.iter().any(|loss| loss.len() > 10), "{losses:?}");
}

fn a_slip_in_a_flag_or_a_path_is_the_only_line<K: Kind>() {
    let data = K::small();
    data.train("model", "").ok();
    for reading in data.reading("model", "out") {
        let words = reading.arguments.split(' ');
        for input in words.filter(|word| reading.inputs.contains(word)) {
            let line = reading.arguments.replace(input, "no.such");
            let run = data.run(&line);
            assert!(run.err.starts_with("error: "), "{line}\n{}", run.err);
            run.refused(&["no.such"]);
        }
        let run = data.run(&reading.arguments.replace("model", "no.such"));
        assert!(run.err.starts_with("error: "), "{}", run.err);
    }
    for flags in ["--device tpu", "--threads -1", "--batch-size x"] {
        let run = data.train("never", flags);
        assert!(run.err.starts_with("error: "), "{flags}\n{}", run.err);
    }
    let arguments = data.train_arguments("never", "");
    let words: Vec<&str> = arguments.split(' ').collect();
    let mut tried = 0;
    for input in words.iter().filter(|word| data.path(word).exists()) {
        let wrong: Vec<&str> = words
            .iter()
            .map(|word| if word == input { "no.such" } else { word })
            .collect();
        let run = data.run(&wrong.join(" "));
        assert!(run.err.starts_with("error: "), "{input}\n{}", run.err);
        tried += 1;
    }
    assert!(tried >= 3, "{arguments}");
}

fn one_thread_is_one_and_no_bracket_stands_in_another<K: Kind>() {
    let data = K::small();
    let run = data.train("model", "--threads 1").ok();
    let first = run.err.lines().next().unwrap();
    assert!(first.starts_with("device: cpu, 1 thread, f32; "), "{first}");
    for reading in data.reading("model", "out") {
        let run = data.run(&reading.arguments).ok();
        for line in run.err.lines() {
            let mut depth = 0;
            for letter in line.chars() {
                match letter {
                    '(' => depth += 1,
                    ')' => depth -= 1,
                    _ => {}
                }
                assert!(depth <= 1, "{line}");
            }
        }
        match reading.output {
            Output::Folder => std::fs::remove_dir_all(data.path("out")).unwrap(),
            Output::Table | Output::File => std::fs::remove_file(data.path("out")).unwrap(),
        }
    }
}

#[test]
fn one_of_a_kind_is_singular() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    for (line, expected) in [
        (
            "chr1\t1\t5\nchrX\t1\t5\n",
            "warning: w.bed: 1 interval is on a chromosome that is not in use and scores 0: 'chrX'",
        ),
        (
            "chr1\t1\t5\nchrX\t1\t5\nchrX\t1\t6\n",
            "warning: w.bed: 2 intervals are on chromosomes that are not in use and score 0: 'chrX'",
        ),
    ] {
        cells.write("w.bed", line);
        let run = cells.on("predict", "-m model -b w.bed -o p.bed").ok();
        assert!(run.err.contains(expected), "{}", run.err);
    }
    cells.write("w.bed", "chr3\t5000\t5200\n");
    let run = cells
        .on("visualize", "-m model -b w.bed -c chr3 -o shown")
        .ok();
    assert!(run.err.ends_with("\n1 window\n"), "{}", run.err);
    // genome.sizes has three chromosomes, the blacklist an interval on another one.
    assert!(
        run.err.contains("blacklist.bed: 1 interval left out"),
        "{}",
        run.err
    );
    let run = cells.train("one", "-e 1").ok();
    assert!(run.err.contains("; 1 factor; "), "{}", run.err);
    assert!(run.err.contains(" and 1 track\n"), "{}", run.err);
    cells.write("one.sizes", "chr1\t60000\nchr9\t7\n");
    let run = cells.train("never", "--chrom-sizes one.sizes");
    run.fails(
        1,
        &["1 chromosome of one.sizes is not in genome.fa: 'chr9'"],
    );

    let data = Data::small();
    let signals = text(data.path("signals.tsv"));
    let fewer = |lines: usize| {
        let kept: Vec<&str> = signals
            .lines()
            .take(signals.lines().count() - lines)
            .collect();
        kept.join("\n") + "\n"
    };
    for (lines, expected) in [
        (1, "note: 1 sequence has no row in fewer.tsv"),
        (2, "note: 2 sequences have no row in fewer.tsv"),
    ] {
        data.write("fewer.tsv", fewer(lines));
        let flags = "--atac-file fewer.tsv --split random:80,10,10 --number-of-epochs 1";
        let run = data.train(&format!("m{lines}"), flags).ok();
        assert!(run.err.contains(expected), "{}", run.err);
    }
    let flags = "--number-of-epochs 1";
    data.train("short", flags).ok();
    let run = data.train("short", &format!("{flags} --resume")).ok();
    assert!(
        run.err.contains("finished already after epoch 1\n"),
        "{}",
        run.err
    );
}

#[test]
fn path_tsv_has_a_row_as_soon_as_a_step_is_done() {
    let data = Data::new(150, 60);
    let flags = "--penalty-param 0.001 0.01 0.1 --number-of-epochs 12 --batch-size 16";
    let arguments = data.train_arguments("path", flags);
    let table = data.path("path/path.tsv");
    let mut child = spawn(data.folder(), &arguments);
    wait_until(&mut child, "a row of path.tsv", || table.exists());
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success(), "ended before the kill");
    let begun = Table::read(&table);
    assert!((1..3).contains(&begun.rows.len()), "{begun:?}");
    assert!(begun.header.contains(&"nonzero".to_string()));
    // Steps that are done stay in it while the run goes on.
    let mut child = spawn(data.folder(), &format!("{arguments} --resume"));
    let count = begun.rows.len();
    wait_until(&mut child, "another row of path.tsv", || {
        let rows = Table::read(&table).rows;
        assert!(rows.len() >= count, "{rows:?}");
        rows.len() > count
    });
    assert!(child.wait().unwrap().success());
    let whole = Table::read(&table);
    assert_eq!(whole.column("step"), ["0", "1", "2"]);
    assert_eq!(whole.rows[..count], begun.rows);
}

#[test]
fn a_single_penalty_tells_how_many_weights_it_left() {
    let data = Data::small();
    let run = data.train("model", "--penalty-param 0.05").ok();
    let line = run
        .err
        .lines()
        .find(|line| line.starts_with("penalty 0.05: "));
    let line = line.unwrap_or_else(|| panic!("{}", run.err));
    let weights =
        crate::common::parameter(data.path("model/model.best.safetensors"), "linreg.weight");
    let left = weights.iter().filter(|weight| **weight != 0.0).count();
    let expected = format!(
        "penalty 0.05: {left} of {} weights in linreg.weight ",
        weights.len()
    );
    assert!(line.starts_with(&expected), "{line}\n{expected}");
    assert!(!data.path("model/path.tsv").exists());
    let without = data.train("other", "").ok();
    assert!(!without.err.contains("penalty"), "{}", without.err);
}

#[test]
fn a_model_that_was_moved_says_which_flag_gives_the_new_place_of_its_data() {
    let data = Data::small();
    let flags = "--sequences peaks.bed --genome genome.fa --number-of-epochs 1";
    data.train("model", flags).ok();
    let test = "tisfm test --model model";
    for (file, flag) in [
        ("signals.tsv", "--atac-file"),
        ("peaks.bed", "--sequences"),
        ("genome.fa", "--genome"),
    ] {
        let moved = format!("moved.{file}");
        std::fs::rename(data.path(file), data.path(&moved)).unwrap();
        data.run(test)
            .fails(1, &[file, &format!("is not there; give {flag}")]);
        data.run(&format!("{test} {flag} {moved}")).ok();
        std::fs::rename(data.path(&moved), data.path(file)).unwrap();
    }
}

/// Names out of files cannot move the cursor or change its colours: every line on stderr goes one way.
#[test]
fn no_control_character_of_a_file_reaches_the_terminal() {
    let data = Data::small();
    let named = |names: &str| text(data.path("signals.tsv")).replacen("K562\tMCF7", names, 1);
    data.write("a.tsv", named("K\x1b[31m\tM\x07"));
    let run = data
        .train("model", "--atac-file a.tsv --number-of-epochs 1")
        .ok();
    assert!(!run.err.contains('\x1b'), "{}", run.err);
    data.write("b.tsv", named("M\x07\tK\x1b[31m"));
    let run = data.run("tisfm test --model model --atac-file b.tsv").ok();
    assert!(
        run.err.contains("K\\u{1b}[31m") && run.err.contains("M\\u{7}"),
        "{}",
        run.err
    );
    assert!(!run.err.contains(['\x1b', '\x07']), "{}", run.err);
}
