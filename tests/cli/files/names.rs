//! The names of outputs and of rows.

use std::io::Read as _;
use std::path::Path;

use crate::common::factornet::Cells;
use crate::common::kinds::{Kind, Output};
use crate::common::tisfm::Data;
use crate::common::{bytes, names, text};

for_each_kind! {
    a_name_that_ends_in_gz_is_packed_and_any_other_is_plain_text;
}

fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    let packed = bytes(path);
    let mut decoder = flate2::read::MultiGzDecoder::new(&packed[..]);
    decoder.read_to_string(&mut text).unwrap();
    text
}

fn a_name_that_ends_in_gz_is_packed_and_any_other_is_plain_text<K: Kind>() {
    let data = K::small();
    data.train("model", "").ok();
    let mut seen = 0;
    let pairs = data.reading("model", "out.tsv").into_iter();
    for (plain, packed) in pairs.zip(data.reading("model", "out.tsv.gz")) {
        if !matches!(plain.output, Output::Table | Output::File) {
            continue;
        }
        data.run(&plain.arguments).ok();
        data.run(&packed.arguments).ok();
        let found = text(data.path("out.tsv"));
        assert!(found.contains('\t'), "{found}");
        assert!(
            unpacked(&data.path("out.tsv.gz")) == found,
            "{}",
            plain.arguments
        );
        let to_stdout = plain.arguments.replace("out.tsv", "/dev/stdout");
        assert!(data.run(&to_stdout).ok().out == found, "{to_stdout}");
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn a_bigwig_is_not_given_a_name_that_ends_in_gz() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    cells.write("w.bed", "chr3\t5000\t5200\n");
    let before = names(cells.folder());
    cells
        .on("predict", "-m model -b w.bed -o p.bed --bigwig p.bw.gz")
        .fails(2, &["--bigwig p.bw.gz", "without .gz"]);
    assert_eq!(names(cells.folder()), before);
}

#[test]
fn a_dot_in_a_bed_is_no_name() {
    let data = Data::new(60, 40);
    data.train("model", "--number-of-epochs 1").ok();
    let bed = text(data.path("peaks.bed"));
    let line = bed.lines().next().unwrap();
    let second = bed.lines().nth(1).unwrap();
    let predicted = |bed: String| {
        data.write("some.bed", bed);
        let run = data.run("tisfm predict --model model --sequences some.bed --genome genome.fa");
        let table = run.ok().table();
        let names = table.column("name");
        names
            .iter()
            .map(|name| name.to_string())
            .collect::<Vec<_>>()
    };
    let places = &data.names;
    assert_eq!(predicted(format!("{line}\t.\n")), places[..1]);
    assert_eq!(predicted(format!("{line}\tpeak\n")), ["peak"]);
    for names in [[".", "peak"], ["peak", "."], [".", "."]] {
        let bed = format!("{line}\t{}\n{second}\t{}\n", names[0], names[1]);
        assert_eq!(predicted(bed), places[..2], "{names:?}");
    }
}

#[test]
fn columns_of_several_factors_are_named_in_a_line_that_can_be_left_out() {
    let cells = Cells::new();
    cells.train_all("model", "-e 1").ok();
    cells.write(
        "w.bed",
        "track name=x\nchr3\t5000\t5200\tname\t9\t+\nchr3\t9000\t9200\n",
    );
    let scored = |flags: &str| {
        cells
            .on("predict", &format!("-m model -b w.bed -o p.bed {flags}"))
            .ok();
        text(cells.path("p.bed"))
    };
    let with = scored("");
    let (header, rest) = with.split_once('\n').unwrap();
    assert_eq!(header, "#chrom\tstart\tend\tCTCF\tMAX\tcolumn_5\tcolumn_6");
    assert!(rest.starts_with("chr3\t5000\t5200\t"), "{rest}");
    assert_eq!(scored("--no-header"), rest);
    // One factor's column is what it always was.
    assert!(scored("-f MAX").starts_with("chr3\t5000\t5200\t"));
    // The program reads its own output: a header is no interval.
    cells.write("again.bed", &with);
    cells
        .on("predict", "-m model -b again.bed -o q.bed --no-header")
        .ok();
    assert_eq!(text(cells.path("q.bed")).lines().count(), 2);
    cells.write("w.bed", "track name=x\n");
    assert_eq!(scored(""), "#chrom\tstart\tend\tCTCF\tMAX\n");
}
