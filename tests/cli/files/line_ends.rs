//! Text whose lines end in CR alone.

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::tisfm::Data;
use crate::common::{bytes, text};

/// Writes a file again with a carriage return at the end of each line.
fn with_returns<K: Kind>(data: &K, name: &str) {
    data.write(name, text(data.path(name)).replace('\n', "\r"));
}

const GTF: &str = "chr1\tx\texon\t1001\t9000\t.\t+\t.\ttranscript_id \"a\";\nchr2\tx\texon\t501\t7000\t.\t-\t.\ttranscript_id \"b\";\n";

#[test]
fn every_text_of_factornet_is_read_with_returns() {
    let cells = Cells::new();
    cells.write("v.bed", "chr2\t0\t20000\tx\nchr2\t30000\t50000\ty\n");
    cells.write("w.bed", "chr3\t5000\t5200\tx\nchr3\t9000\t9200\ty\n");
    cells.write("a.gtf", GTF);
    cells.write("cpg.bed", "");
    let train = "-e 1 -m -g --gtf a.gtf --annotations annotations --chrom-sizes genome.sizes -v v.bed -mo --motif-db motifs.meme";
    let commands = |model: &str| {
        cells.train(model, train).ok();
        let on = |command: &str, more: &str| {
            let more = format!("-m {model} --gtf a.gtf --annotations annotations {more}");
            cells.on(command, &more).ok().out
        };
        on("predict", &format!("-b w.bed -o {model}.bed.gz"));
        let weights = bytes(cells.path(model).join("model.best.safetensors"));
        (
            weights,
            cells.scored(&format!("{model}.bed.gz")),
            on("evaluate", "-t chr3"),
        )
    };
    let feeds = commands("feeds");
    for name in [
        "A/CTCF.bed",
        "A/CTCF.relaxed.bed",
        "A/chip.txt",
        "A/meta.txt",
        "A/bigwig.txt",
        "annotations/cpgisland.bed",
        "blacklist.bed",
        "genome.sizes",
        "genome.fa",
        "motifs.meme",
        "v.bed",
        "w.bed",
        "a.gtf",
    ] {
        with_returns(&cells, name);
    }
    assert!(commands("returns") == feeds);
}

#[test]
fn every_text_of_tisfm_is_read_with_returns() {
    let data = Data::new(40, 30);
    let shown = data
        .run("tisfm architectures --show model_pos_calib_sigmoid")
        .ok();
    data.write("own.toml", shown.out.replace('\n', "\r"));
    data.train("own", "--number-of-epochs 1 --architecture own.toml")
        .ok();
    let forms = [
        "--sequences sequences.tsv",
        "--sequences peaks.fa",
        "--sequences peaks.bed --genome genome.fa",
    ];
    let commands = |form: &str, model: &str| {
        data.train(model, &format!("--number-of-epochs 1 {form}"))
            .ok();
        let predicted = data
            .run(&format!("tisfm predict --model {model} {form}"))
            .ok();
        let weights = bytes(data.path(model).join("model.best.safetensors"));
        (weights, predicted.out)
    };
    let feeds = commands(forms[0], "feeds");
    for name in [
        "motifs.meme",
        "signals.tsv",
        "sequences.tsv",
        "peaks.fa",
        "peaks.bed",
        "genome.fa",
    ] {
        with_returns(&data, name);
    }
    for part in ["train", "validation", "test"] {
        with_returns(&data, &format!("split/{part}_split.txt"));
    }
    for (number, form) in forms.iter().enumerate() {
        assert!(
            commands(form, &format!("returns{number}")) == feeds,
            "{form}"
        );
    }
}

#[test]
fn a_fault_has_its_line_and_no_return_reaches_the_terminal() {
    let (cells, data) = (Cells::new(), Data::new(40, 30));
    cells.write("bad.bed", "chr1\t5\t9\tx\rchr1\t7\rchr1\t8\t9\r");
    let run = cells.train("never", "--blacklist bad.bed");
    let run = run.fails(
        1,
        &["bad.bed, line 2: 'chr1\t7'; expected chromosome, start and end"],
    );
    assert!(!run.err.contains('\r'), "{:?}", run.err);
    // In a file with line feeds a return is no line end.
    cells.write("odd.bed", "chr1\t5\t9\nchr1 5\rchr1\t7\n");
    let run = cells.train("never", "--blacklist odd.bed");
    let run = run.fails(1, &["odd.bed, line 2: a carriage return inside a line"]);
    assert!(!run.err.contains('\r'), "{:?}", run.err);
    let mixed = "name\ta\r".to_string() + &"x\t1\r".repeat(20_000) + "y\t2\nz\t3\r";
    data.write("mixed.tsv", mixed);
    data.refuses(
        "--atac-file mixed.tsv",
        1,
        &["mixed.tsv, line 3", "row 'x' again"],
    );
    let mixed: String = (0..20_000).map(|i| format!("x{i}\t1\t2\r")).collect();
    data.write("mixed.tsv", format!("a\tb\r{mixed}y\t2\t3\nz\t3\t4\r"));
    data.refuses(
        "--atac-file mixed.tsv",
        1,
        &["mixed.tsv, line 20002: a line feed", "Unix line ends"],
    );
}
