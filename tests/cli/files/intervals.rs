//! Intervals at and past the ends of chromosomes.

use std::process::Stdio;

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::tisfm::Data;
use crate::common::{Run, Table, bytes, command, names, text};

/// One that ends past its chromosome's end, one that is empty there, one that starts at the end.
const ODD: &str = "chr1\t59900\t60100\nchr2\t60000\t60000\nchr2\t60000\t60200\n";
const CLIPPED: &str = "1 interval ends past its chromosome's end and is clipped there";
const PAST: &str = "1 interval starts past its chromosome's end and is left out";
const EMPTY: &str = "1 interval is empty and is left out";

fn best(cells: &Cells, model: &str) -> Vec<u8> {
    bytes(cells.path(&format!("{model}/model.best.safetensors")))
}

/// One note of a file, which counts each kind.
#[track_caller]
fn noted(run: &Run, file: &str) {
    let notes: Vec<&str> = run
        .err
        .lines()
        .filter(|line| line.contains(file) && line.contains("chromosome's end"))
        .collect();
    assert_eq!(notes.len(), 1, "{file}: {}", run.err);
    for part in [CLIPPED, PAST, EMPTY] {
        assert!(notes[0].contains(part), "{}", notes[0]);
    }
}

#[test]
fn peaks_at_the_ends_are_clipped_or_left_out_and_counted() {
    let cells = Cells::new();
    let peaks = text(cells.path("A/CTCF.bed"));
    let count = peaks.lines().count();
    cells.write("A/odd.bed", format!("{peaks}{ODD}"));
    cells.write("A/clean.bed", format!("{peaks}chr1\t59900\t60000\n"));
    for (out, file) in [("odd", "odd.bed"), ("clean", "clean.bed")] {
        cells.write("A/chip.txt", format!("{file} CTCF {file}\n"));
        let run = cells.train(out, "-e 1").ok();
        if out == "odd" {
            noted(&run, "A/odd.bed");
            let line = format!("{CLIPPED} (line {})", count + 1);
            assert!(run.err.contains(&line), "{}", run.err);
        }
    }
    assert!(best(&cells, "odd") == best(&cells, "clean"));
    // Relaxed peaks and evaluation read them alike.
    cells.write("A/chip.txt", "CTCF.bed CTCF odd.bed\n");
    noted(&cells.on("evaluate", "-m odd -t chr3").ok(), "A/odd.bed");
    cells.write("A/chip.txt", "odd.bed CTCF\n../A/odd.bed MAX\n");
    let all = cells.train_all("all", "-e 1").ok();
    assert_eq!(all.err.matches(CLIPPED).count(), 2, "{}", all.err);
}

#[test]
fn every_other_bed_is_read_alike() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    let black = text(cells.path("blacklist.bed"));
    cells.write("odd.black.bed", format!("{black}{ODD}"));
    cells.write("black.bed", format!("{black}chr1\t59900\t60000\n"));
    cells.write("v.bed", format!("chr2\t0\t60000\n{ODD}"));
    cells.write("plain.v.bed", "chr2\t0\t60000\nchr1\t59900\t60000\n");
    cells.write("t.bed", format!("chr3\t0\t60000\n{ODD}"));
    let cds = text(cells.path("annotations/cds.bed"));
    let pairs = [
        (
            "odd.black.bed",
            "--blacklist odd.black.bed",
            "--blacklist black.bed",
        ),
        ("v.bed", "-v v.bed", "-v plain.v.bed"),
    ];
    for (number, (file, odd, plain)) in pairs.into_iter().enumerate() {
        let (a, b) = (format!("odd{number}"), format!("plain{number}"));
        noted(&cells.train(&a, &format!("{odd} -e 1")).ok(), file);
        cells.train(&b, &format!("{plain} -e 1")).ok();
        assert!(best(&cells, &a) == best(&cells, &b), "{file}");
    }
    cells
        .train("before", "-g --annotations annotations -e 1")
        .ok();
    cells.write("annotations/cds.bed", format!("{cds}{ODD}"));
    let run = cells
        .train("after", "-g --annotations annotations -e 1")
        .ok();
    noted(&run, "annotations/cds.bed");
    noted(&cells.train("t", "-t t.bed -e 1").ok(), "t.bed");
    let run = cells.on("evaluate", "-m model -t t.bed").ok();
    noted(&run, "t.bed");
    cells.write("w.bed", format!("chr3\t5000\t5200\n{ODD}"));
    let run = cells
        .on("visualize", "-m model -b w.bed -c chr3 -o shown")
        .ok();
    noted(&run, "w.bed");
}

/// As many rows come out as went in, whatever lies where.
#[test]
fn predict_gives_a_row_for_each_line_and_counts_those_that_score_0() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    cells.write(
        "w.bed",
        format!("chr3\t5000\t5200\n{ODD}chr3\t70000\t70200\tx\n"),
    );
    let run = cells.on("predict", "-m model -b w.bed -o p.gz").ok();
    let note = "note: w.bed: 1 interval ends past its chromosome's end and scores 0 (line 2); \
                2 intervals start past their chromosome's end and score 0 (first on line 4); \
                1 interval is empty and scores 0 (line 3)\n";
    assert!(run.err.contains(note), "{}", run.err);
    let rows = cells.scored("p.gz");
    let shown: Vec<String> = rows.iter().skip(1).map(|row| row.join(" ")).collect();
    let zeros = [
        "chr1 59900 60100 0.000e+00",
        "chr2 60000 60000 0.000e+00",
        "chr2 60000 60200 0.000e+00",
        "chr3 70000 70200 0.000e+00",
    ];
    assert_eq!(shown, zeros);
    assert_ne!(rows[0][3], "0.000e+00");
}

#[test]
fn intervals_of_another_build_are_an_error_in_every_file() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    let past = |count: usize, inside: usize| {
        let far = "chr3\t60000\t60200\n".repeat(count);
        format!("{}{far}", "chr3\t5000\t5200\n".repeat(inside))
    };
    cells.write("far.bed", past(10, 989));
    let message = "far.bed, line 990: interval chr3:60000-60200 starts past the end of its chromosome \
                   (chr3 has 60000 bases in genome.fa), one of 10 such among 999 intervals";
    let build = [message, "another genome build?"];
    cells.write("A/chip.txt", "../far.bed CTCF\n");
    cells.refuses("", 1, &build);
    cells.write("A/chip.txt", "CTCF.bed CTCF\n");
    for flags in ["--blacklist far.bed", "-v chr2 -t far.bed"] {
        cells.refuses(flags, 1, &build);
    }
    let before = names(cells.folder());
    for command in [
        cells.on_arguments("predict", "-m model -b far.bed -o never.gz"),
        cells.on_arguments("evaluate", "-m model -t far.bed"),
        cells.on_arguments("visualize", "-m model -b far.bed -c chr3 -o never"),
    ] {
        cells.run(&command).fails(1, &build);
    }
    assert_eq!(names(cells.folder()), before);
    // One in a hundred, or nine, may be a rounding of the caller's.
    for content in [past(10, 990), past(9, 9)] {
        cells.write("near.bed", content);
        let run = cells.on("predict", "-m model -b near.bed -o p.gz").ok();
        assert!(
            run.err.contains("intervals start past their"),
            "{}",
            run.err
        );
    }
}

/// A BED of which no interval is on a chromosome in use is another genome's; a pipe tells as much at its end.
#[test]
fn files_of_other_chromosomes_are_refused_and_a_blacklist_of_them_is_warned_of() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    cells.write("other.bed", "3\t5000\t5200\nX\t1\t9\n");
    let both =
        "no chromosome of other.bed is in genome.fa: '3', 'X' there, 'chr1', 'chr2', 'chr3' here";
    let before = names(cells.folder());
    cells
        .on(
            "predict",
            "-m model -b other.bed -o never.gz --bigwig never.bw",
        )
        .fails(1, &[both]);
    let arguments = cells.on_arguments("predict", "-m model -b /dev/stdin -o never.gz");
    let mut child = command(cells.folder(), &arguments)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut pipe, b"3\t5000\t5200\n").unwrap();
    drop(pipe);
    let piped = Run::of(child.wait_with_output().unwrap(), &arguments);
    piped.fails(1, &["no chromosome of /dev/stdin is in genome.fa"]);
    assert_eq!(names(cells.folder()), before);
    let run = cells.train("black", "-e 1 --blacklist other.bed").ok();
    let warning = format!(
        "warning: {both}; names are compared as written, and these differ by 'chr': rename them in one of the files; no region of it is left out\n"
    );
    assert!(run.err.contains(&warning), "{}", run.err);
    let mut plain = cells.train_arguments("none", "-e 1");
    plain = plain.replace("--blacklist blacklist.bed", "");
    cells.run(&plain).ok();
    assert!(best(&cells, "black") == best(&cells, "none"));
    cells.write("A/chip.txt", "../other.bed CTCF\n");
    cells.refuses("", 1, &["other.bed is in genome.fa: '3', 'X' there"]);
}

/// Pipelines score in chunks, of which some have nothing to score.
#[test]
fn a_bed_that_is_empty_or_wholly_on_the_blacklist_is_no_error() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    for (content, rows) in [("", 0), ("chr3\t30100\t30300\nchr3\t30200\t30400\n", 2)] {
        cells.write("w.bed", content);
        cells.on("predict", "-m model -b w.bed -o p.gz").ok();
        let found = cells.scored("p.gz");
        assert_eq!(found.len(), rows);
        assert!(found.iter().all(|row| row[3] == "0.000e+00"));
    }
}

#[test]
fn chromosomes_that_are_not_in_use_are_told_as_that_by_evaluate_and_visualize() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    cells.write("w.bed", "chr3\t5000\t5200\nchrX\t5\t9\n");
    let two = "--chrom-sizes two.sizes";
    cells.write("two.sizes", "chr2\t60000\nchr3\t60000\n");
    cells.on("evaluate", &format!("-m model {two}")).fails(
        2,
        &["no test region: none of the default chromosomes (chr1, chr8, chr21) is in two.sizes; name some with -t"],
    );
    let shown = "those of two.sizes are 'chr2', 'chr3'";
    let region = "chromosome 'chr1' is not in use;";
    for (command, flag) in [("evaluate", "-t"), ("visualize", "-b w.bed -o never -c")] {
        cells
            .on(command, &format!("-m model {two} {flag} chr1:5-900"))
            .fails(2, &[region, shown]);
        cells
            .on(command, &format!("-m model {two} {flag} chr1"))
            .fails(
                2,
                &["chr1: neither a chromosome in use (two.sizes has 'chr2', 'chr3')"],
            );
    }
    let run = cells
        .on("visualize", "-m model -b w.bed -c chr3 -o shown")
        .ok();
    let note = "w.bed: 1 interval left out, on chromosomes that are not in use: 'chrX'";
    assert!(run.err.contains(note), "{}", run.err);
    cells
        .on("visualize", "-m model -b w.bed -c chr2 -o never")
        .fails(1, &["w.bed: of 1 interval none has its middle in chr2"]);
}

#[test]
fn a_region_may_be_typed_with_commas() {
    let cells = Cells::new();
    cells
        .train("plain", "-e 1 -v chr2:1000-50000 -t chr3:0-40000")
        .ok();
    cells
        .train("commas", "-e 1 -v chr2:1,000-50,000 -t chr3:0-40,000")
        .ok();
    assert!(best(&cells, "plain") == best(&cells, "commas"));
    let out = |region: &str| {
        let more = format!("-m plain -t {region}");
        cells.on("evaluate", &more).ok().out
    };
    assert_eq!(out("chr3:1,000-9,000"), out("chr3:1000-9000"));
    cells.write("w.bed", "chr3\t5000\t5200\n");
    cells
        .on(
            "visualize",
            "-m plain -b w.bed -c chr3:1,000-9,000 -o shown",
        )
        .ok();
    cells.refuses("-v chr2:10,00-5000", 2, &["-v chr2:10,00-5000: neither"]);
}

/// What lies past the end is N, so that a sequence keeps its length and its row; no sequence is made where there is no base.
#[test]
fn sequences_past_the_end_are_filled_up_and_those_without_a_base_left_out() {
    let data = Data::new(60, 40);
    data.train("model", "--sequences peaks.bed --genome genome.fa")
        .ok();
    let genome = text(data.path("genome.fa"));
    let chr1: String = genome
        .split('>')
        .find(|record| record.starts_with("chr1\n"))
        .unwrap()
        .lines()
        .skip(1)
        .collect();
    let end = chr1.len();
    let bed = format!(
        "chr1\t{}\t{}\nchr1\t{end}\t{}\nchr1\t7\t7\nchr1\t5\t45\n",
        end - 30,
        end + 10,
        end + 40
    );
    data.write("w.bed", bed);
    let run = data
        .run("tisfm predict --model model --sequences w.bed --genome genome.fa")
        .ok();
    let note = "note: w.bed: 1 interval ends past its chromosome's end and is filled up with N (line 1); \
                1 interval starts past its chromosome's end and is left out (line 2); \
                1 interval is empty and is left out (line 3)\n";
    assert!(run.err.contains(note), "{}", run.err);
    let table = run.table();
    let over = format!("chr1:{}-{}", end - 30, end + 10);
    assert_eq!(table.column("name"), [over.as_str(), "chr1:5-45"]);
    // As the same sequence in a list, with N.
    data.write(
        "list.tsv",
        format!("{over}\t{}{}\n", &chr1[end - 30..], "N".repeat(10)),
    );
    let list: Table = data
        .run("tisfm predict --model model --sequences list.tsv")
        .ok()
        .table();
    assert_eq!(list.rows[0], table.rows[0]);
    // Training keeps its rows; a row of the table that has no sequence is named, after the note.
    let peaks = text(data.path("peaks.bed"));
    data.write("more.bed", format!("{peaks}chr1\t{end}\t{}\n", end + 40));
    let more = "--sequences more.bed --genome genome.fa";
    let run = data.train("more", more).ok();
    assert!(run.err.contains("note: more.bed: 1 interval starts past"));
    let signals = text(data.path("signals.tsv"));
    data.write(
        "more.tsv",
        format!("{signals}chr1:{end}-{}\t1\t2\n", end + 40),
    );
    let run = data.train("never", &format!("{more} --atac-file more.tsv"));
    assert!(run.err.contains("note: more.bed: 1 interval starts past"));
    let missing = format!("has no sequence in more.bed: 'chr1:{end}-{}'", end + 40);
    run.fails(1, &[&missing]);
    // Of another build, or without a base at all.
    let far = |i: usize| format!("chr1\t{}\t{}\n", end + i, end + i + 40);
    data.write("far.bed", peaks + &(0..10).map(far).collect::<String>());
    data.run("tisfm predict --model model --sequences far.bed --genome genome.fa")
        .fails(1, &["far.bed, line 61", "another genome build?"]);
    data.write("far.bed", far(0));
    data.run("tisfm predict --model model --sequences far.bed --genome genome.fa")
        .fails(
            1,
            &["far.bed: no interval has a base on its chromosome in genome.fa"],
        );
    // No window is billions of bases long.
    data.write("far.bed", "chr1\t5\t4000000000\n");
    data.run("tisfm predict --model model --sequences far.bed --genome genome.fa")
        .fails(
            1,
            &["far.bed, line 1: interval chr1:5-4000000000 has 3999999995 bases, its chromosome"],
        );
}

#[test]
fn sequences_on_chromosomes_that_the_genome_lacks_are_left_out_and_counted() {
    let data = Data::new(60, 40);
    data.train("model", "--sequences peaks.bed --genome genome.fa")
        .ok();
    let peaks = text(data.path("peaks.bed"));
    let strangers = "chrUn_1\t0\t40\nchrUn_2\t5\t45\nchrUn_1\t50\t90\n";
    data.write("more.bed", format!("{strangers}{peaks}"));
    data.write("none.bed", strangers);
    let predict = |bed: &str| {
        data.run(&format!(
            "tisfm predict --model model --sequences {bed} --genome genome.fa"
        ))
    };
    let run = predict("more.bed").ok();
    let note = "note: more.bed: 3 intervals left out, on chromosomes that are not in genome.fa: 'chrUn_1', 'chrUn_2'\n";
    assert!(run.err.contains(note), "{}", run.err);
    assert_eq!(run.out, predict("peaks.bed").ok().out);
    predict("none.bed").fails(
        1,
        &["no chromosome of none.bed is in genome.fa: 'chrUn_1', 'chrUn_2' there"],
    );
    // A row of the table that has no sequence is still an error.
    let signals = text(data.path("signals.tsv"));
    data.write("more.tsv", format!("{signals}chrUn_1:0-40\t1\t2\n"));
    let more = "--atac-file more.tsv --sequences more.bed --genome genome.fa";
    data.refuses(more, 1, &["has no sequence in more.bed: 'chrUn_1:0-40'"]);
}
