//! FactorNet's folder of a cell line.

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::{bytes, names, text};

const A: &str = "--track DGF=A/dgf.bw --peaks CTCF=A/CTCF.bed,A/CTCF.relaxed.bed MAX=A/MAX.bed --meta g1=0.5 g2=-1.25";

#[test]
fn a_cell_line_is_trained_on_as_one_that_was_made_by_hand() {
    let cells = Cells::new();
    let run = cells
        .run(&format!("prepare cell K562 {A} --genome genome.fa"))
        .ok();
    assert_eq!(
        names(cells.path("K562")),
        [
            "CTCF.bed",
            "CTCF.relaxed.bed",
            "DGF.bw",
            "MAX.bed",
            "bigwig.txt",
            "chip.txt",
            "meta.txt"
        ]
    );
    let list = |name: &str| text(cells.path(&format!("K562/{name}")));
    assert_eq!(list("bigwig.txt"), "DGF.bw\tDGF\n");
    assert_eq!(
        list("chip.txt"),
        "CTCF.bed\tCTCF\tCTCF.relaxed.bed\nMAX.bed\tMAX\n"
    );
    assert_eq!(list("meta.txt"), "0.5\tg1\n-1.25\tg2\n");
    #[cfg(unix)]
    assert!(cells.path("K562/DGF.bw").is_symlink());
    let said = &run.err;
    assert!(said.contains("track 'DGF' has a mean of "), "{said}");
    assert!(said.contains("factor 'CTCF', "), "{said}");
    let command = "cisgrad factornet train --recipe recommended -i K562 -m -v VALIDATION -t TEST -o MODEL --genome genome.fa";
    assert!(said.contains(command), "{said}");
    cells.train("by_hand", "-i A -m -e 1").ok();
    cells.train("prepared", "-i K562 -m -e 1").ok();
    let weights = |model: &str| bytes(cells.path(&format!("{model}/model.best.safetensors")));
    assert!(weights("by_hand") == weights("prepared"));

    // Copies stay when the files go; the folder may be there, empty.
    std::fs::create_dir(cells.path("copied")).unwrap();
    cells.run(&format!("prepare cell copied {A} --copy")).ok();
    assert!(!cells.path("copied/DGF.bw").is_symlink());
    assert_eq!(
        bytes(cells.path("copied/DGF.bw")),
        bytes(cells.path("A/dgf.bw"))
    );
}

#[test]
fn cell_lines_are_held_against_each_other() {
    let cells = Cells::new();
    cells.run(&format!("prepare cell one {A}")).ok();
    cells.track("ten.bw", |_, start| 10.0 + (start % 3) as f32);
    let run = cells
        .run("prepare cell two --track DGF=ten.bw --meta g1=1 g2=2 --with one")
        .ok();
    assert!(
        run.err
            .contains("warning: track 'DGF' has a mean of 11, and 1.43 in one: a network takes values of one depth"),
        "{}",
        run.err
    );
    let run = cells
        .run("prepare cell three --track DGF=A/dgf.bw --peaks CTCF=B/CTCF.bed --meta g1=1 g2=2 --with one")
        .ok();
    assert!(!run.err.contains("warning"), "{}", run.err);
    assert!(
        run.err.contains("-i three one -f CTCF -m -v"),
        "{}",
        run.err
    );
    cells
        .run("prepare cell never --track DNase=B/dgf.bw --with one")
        .fails(
            1,
            &["the names in --track and one/bigwig.txt differ: 'DNase' and 'DGF'"],
        );
    cells
        .run("prepare cell never --track DGF=B/dgf.bw --meta g1=3 --with one")
        .fails(1, &["--meta and one/meta.txt differ", "'g1', 'g2'"]);
    assert!(!cells.path("never").exists());
}

#[test]
fn what_makes_no_cell_line_is_said_and_nothing_is_written() {
    let cells = Cells::new();
    cells.write("other.bed", "X\t1\t5\n");
    cells.write("short.sizes", "");
    cells.write("short.fa", ">chr1\nACGT\n>chr2\nACGT\n");
    std::fs::write(cells.path("cut.bw"), &bytes(cells.path("A/dgf.bw"))[..3000]).unwrap();
    for (given, code, parts) in [
        (
            "--track DGF=A/dgf.bw DGF=B/dgf.bw",
            2,
            &["two tracks are called 'DGF'"][..],
        ),
        ("--track DGF_fwd=A/dgf.bw", 1, &["'DGF_rev'", "pairs"]),
        ("--track DGF=none.bw", 1, &["none.bw"]),
        ("--track DGF=cut.bw", 1, &["cut.bw", "truncated"]),
        (
            "--track DGF=A/dgf.bw --genome short.fa",
            1,
            &["chr1", "another build"],
        ),
        (
            "--track DGF=A/dgf.bw --peaks A=other.bed",
            1,
            &["no chromosome of other.bed", "'X'", "'chr1'"],
        ),
        ("--track a/b=A/dgf.bw", 2, &["the name 'a/b'"]),
        ("--peaks CTCF=A/CTCF.bed", 2, &["--genome"]),
        (
            "--track DGF=A/dgf.bw --peaks CTCF=A/CTCF.bed,",
            2,
            &["FACTOR=CONSERVATIVE,RELAXED"],
        ),
        ("--track DGF=A/dgf.bw --meta g1=x", 2, &["NAME=NUMBER"]),
        (
            "--track DGF=A/dgf.bw --meta g1=1 g1=2",
            2,
            &["two meta values are called 'g1'"],
        ),
        (
            "--track DGF=A/dgf.bw --with genome.fa",
            1,
            &["genome.fa", "expected a cell line's folder"],
        ),
    ] {
        cells
            .run(&format!("prepare cell never {given}"))
            .fails(code, parts);
        assert!(!cells.path("never").exists(), "{given}");
    }
    cells
        .run("prepare cell A --track DGF=B/dgf.bw")
        .fails(1, &["A: the folder holds files"]);
}
