//! Bad input to FactorNet's commands.

use super::BadInput;
use crate::common::factornet::{BASES, Cells};
use crate::common::kinds::Kind;
use crate::common::{bytes, text};

impl BadInput for Cells {
    const FILES: &'static [(&'static str, &'static str)] = &[
        ("--genome", "genome.fa"),
        ("--blacklist", "blacklist.bed"),
        ("--chrom-sizes", "genome.sizes"),
        ("-mo --motif-db", "motifs.meme"),
    ];
    const OTHER_FILES: &'static [&'static str] = &["-i"];
    const IMPOSSIBLE: &'static [(&'static str, &'static str)] = &[
        ("-L 201", "-L 201: expected an even number of bases"),
        ("-L 0", "-L 0"),
        ("-w 1", "-w 1: expected 2 to -L 200"),
        ("-w 201", "-w 201"),
        ("-k 0", "-k 0"),
        ("-d 0", "-d 0"),
        ("-e 0", "-e 0"),
        ("-p 1", "-p 1"),
        ("-p=-0.1", "-p -0.1"),
        ("-lr 0", "-lr 0"),
        ("-lr nan", "-lr NaN"),
        ("-mo -k 1", "-mo takes two kernels"),
        ("-mo", "-mo: no known motifs"),
        ("--batch-size 0", "--batch-size"),
        ("--precision bf16", "f32 or f64"),
        ("--device tpu", "tpu"),
        ("--track-scale DGF", "'DGF' has no '='"),
        ("-n -1", "-1"),
        ("-e x", "-e x: expected a whole number of 1 or more"),
        ("-v chr2:9-5", "-v chr2:9-5"),
        ("--gencode-span both", "both"),
        ("-q 3", "-q"),
    ];
    const REQUIRED: &'static [(&'static str, &'static str)] = &[
        (
            "--genome genome.fa",
            "no genome: give --genome FASTA, or keep hg19.fa in resources",
        ),
        ("-i A", "--inputdirs"),
        ("-o never", "--outputdir"),
    ];
}

/// A file's text with `from` in place of `to` wherever a line begins with it.
fn renamed(text: &str, from: &str, to: &str) -> String {
    let line = |l: &str| match l.strip_prefix(from) {
        Some(rest) => format!("{to}{rest}\n"),
        None => format!("{l}\n"),
    };
    text.lines().map(line).collect()
}

#[test]
fn chromosome_names_that_do_not_match_are_shown_from_both_sides() {
    let cells = Cells::new();
    cells.write(
        "numbers.bed",
        renamed(&text(cells.path("A/CTCF.bed")), "chr", ""),
    );
    cells.write("numbers.sizes", "1\t60000\n2\t60000\n3\t60000\n");
    cells.write("A/chip.txt", "../numbers.bed CTCF\n");
    let both = [
        "numbers.bed",
        "genome.fa",
        "'1', '2', '3' there, 'chr1', 'chr2', 'chr3' here",
    ];
    cells.refuses("", 1, &both);
    cells.write("A/chip.txt", "CTCF.bed CTCF ../numbers.bed\n");
    cells.refuses("", 1, &both);
    cells.refuses(
        "--chrom-sizes numbers.sizes",
        1,
        &[
            "genome.fa",
            "numbers.sizes",
            "'chr1', 'chr2', 'chr3' there, '1', '2', '3' here",
        ],
    );
    cells.write("A/chip.txt", "CTCF.bed CTCF\n");
    cells.refuses("-v numbers.bed", 1, &both);
    // The track of a genome whose chromosomes go by numbers.
    let fasta = renamed(&text(cells.path("genome.fa")), ">chr", ">");
    cells.write("numbers.fa", fasta);
    for name in ["CTCF", "black"] {
        let from = if name == "black" {
            "blacklist.bed"
        } else {
            "A/CTCF.bed"
        };
        cells.write(
            &format!("A/{name}.n.bed"),
            renamed(&text(cells.path(from)), "chr", ""),
        );
    }
    cells.write("A/chip.txt", "CTCF.n.bed CTCF\n");
    cells.refuses(
        "--genome numbers.fa -v 2 -t 3 --blacklist A/black.n.bed",
        1,
        &[
            "A/dgf.bw",
            "'chr1', 'chr2', 'chr3' there, '1', '2', '3' here",
        ],
    );
}

#[test]
fn intervals_that_cannot_be_are_named_by_file_and_line() {
    let cells = Cells::new();
    let good = text(cells.path("A/CTCF.bed"));
    for (line, message) in [
        ("chr1\t5", "'chr1\t5'; expected chromosome, start and end"),
        ("chr1", "expected chromosome, start and end"),
        (
            "chr1\t500\t400",
            "interval chr1:500-400 ends before it starts",
        ),
        ("chr1\tx\t400", "coordinate 'x'"),
        ("chr1\t-1\t400", "coordinate '-1'"),
        ("chr1\t1.5\t400", "coordinate '1.5'"),
    ] {
        let count = good.lines().count() + 1;
        cells.write("bad.bed", format!("{good}{line}\n"));
        for chip in ["../bad.bed CTCF", "CTCF.bed CTCF ../bad.bed"] {
            cells.write("A/chip.txt", chip);
            cells.refuses("", 1, &[&format!("bad.bed, line {count}"), message]);
        }
        cells.write("A/chip.txt", "CTCF.bed CTCF");
        cells.refuses(
            "--blacklist bad.bed",
            1,
            &[&format!("bad.bed, line {count}"), message],
        );
        cells.refuses(
            "-v bad.bed",
            1,
            &[&format!("bad.bed, line {count}"), message],
        );
    }
    cells.write("A/chip.txt", "no.bed CTCF");
    cells.refuses("", 1, &["A/chip.txt, line 1: there is no file A/no.bed"]);
    cells.write("A/chip.txt", "../annotations CTCF");
    cells.refuses("", 1, &["A/../annotations"]);
    cells.write_gzip("A/p.bed.gz", good);
    let whole = bytes(cells.path("A/p.bed.gz"));
    cells.write("A/p.bed.gz", &whole[..whole.len() / 2]);
    cells.write("A/chip.txt", "p.bed.gz CTCF");
    cells.refuses("", 1, &["A/p.bed.gz", "truncated gzip"]);
}

#[test]
fn tracks_that_are_none_are_told_apart() {
    let cells = Cells::new();
    let whole = bytes(cells.path("A/dgf.bw"));
    let mut broken = whole.clone();
    let end = broken.len();
    broken[end / 3..end / 2].fill(0xaa);
    let page = b"<!DOCTYPE html>\n<html><body>404</body></html>\n".to_vec();
    for (content, message) in [
        (
            page,
            "a web page (HTML: the download went wrong?); expected a bigWig",
        ),
        (b"chr1\t5\t9\t1.0\n".to_vec(), "text that begins with"),
        (Vec::new(), "an empty file; expected a bigWig"),
        (whole[..whole.len() / 2].to_vec(), "bigWig file"),
        (whole[..50].to_vec(), "truncated bigWig file"),
        (broken, "bigWig file"),
    ] {
        cells.write("A/dgf.bw", &content);
        cells.refuses("", 1, &["A/dgf.bw", message]);
    }
    // Only the mark at the end is cut off: no value is lost.
    cells.write("A/dgf.bw", &whole[..whole.len() - 4]);
    let run = cells.train("cut", "").ok();
    assert!(run.err.contains("A/dgf.bw: truncated?"), "{}", run.err);
    cells.write("A/dgf.bw", &whole);
    cells.train("whole", "").ok();
    let best = |model: &str| bytes(cells.path(&format!("{model}/model.best.safetensors")));
    assert!(best("cut") == best("whole"));
    std::fs::remove_file(cells.path("A/dgf.bw")).unwrap();
    cells.refuses("", 1, &["A/bigwig.txt, line 1: there is no file A/dgf.bw"]);
    // Of another build: chr2 is longer there.
    let fasta = text(cells.path("genome.fa")).replace(">chr3", "ACGT\n>chr3");
    cells.write("longer.fa", fasta);
    cells.write("A/dgf.bw", &whole);
    let build = "chromosome 'chr2' has 60000 bases here and 60004 in longer.fa; another build?";
    cells.refuses("--genome longer.fa", 1, &["A/dgf.bw", build]);
    cells.refuses(
        "--genome longer.fa --chrom-sizes genome.sizes",
        1,
        &[
            "longer.fa, line",
            "chromosome 'chr2' has 60004 bases here and 60000 in genome.sizes",
        ],
    );
    cells.track("A/inf.bw", |_, start| {
        if start == 50_000 { f32::INFINITY } else { 1.0 }
    });
    cells.write("A/bigwig.txt", "inf.bw DGF");
    cells.refuses("", 1, &["A/inf.bw", "the value at chr", "is infinite"]);
}

#[test]
fn lists_name_the_line_that_is_wrong() {
    let cells = Cells::new();
    for (list, content, message) in [
        (
            "bigwig.txt",
            "dgf.bw\tDGF\ndgf.bw\tDGF\n",
            "A/bigwig.txt, line 2: name 'DGF' again, first on line 1",
        ),
        (
            "bigwig.txt",
            "dgf.bw\n",
            "A/bigwig.txt, line 1: 'dgf.bw'; expected a bigWig file and a name",
        ),
        (
            "chip.txt",
            "CTCF.bed CTCF\nMAX.bed CTCF\n",
            "A/chip.txt, line 2: name 'CTCF' again",
        ),
        (
            "meta.txt",
            "0.5 g1\nhigh g2\n",
            "A/meta.txt, line 2: value 'high'; expected a finite number",
        ),
        ("meta.txt", "nan g1\n", "A/meta.txt, line 1: value 'nan'"),
    ] {
        let path = format!("A/{list}");
        let old = text(cells.path(&path));
        cells.write(&path, content);
        cells.refuses("-m", 1, &[message]);
        cells.write(&path, old);
    }
    cells.refuses(
        "-f MYC",
        1,
        &["A/chip.txt: no factor 'MYC'; there are CTCF, MAX"],
    );
    cells.refuses(
        "-f MAX -i A B",
        1,
        &["B/chip.txt: no factor 'MAX'; there is CTCF"],
    );
    cells.refuses("-i no.such", 1, &["no.such: No such file"]);
    cells.refuses(
        "-i genome.fa",
        1,
        &["genome.fa", "expected a cell line's folder"],
    );
    std::fs::remove_file(cells.path("A/meta.txt")).unwrap();
    cells.refuses(
        "-m",
        1,
        &["-m: no values in A/meta.txt (there is no such file)"],
    );
    std::fs::remove_file(cells.path("A/chip.txt")).unwrap();
    cells.refuses("", 1, &["A/chip.txt (there is no such file): no factor"]);
    cells.train_all("never", "").fails(
        1,
        &["A/chip.txt (there is no such file): no factor to train on"],
    );
    assert!(!cells.path("never").exists());
}

/// Prediction needs no peaks, a model without meta numbers none of those; what is in their lists does not matter.
#[test]
fn a_list_that_a_command_does_not_need_may_hold_anything() {
    let cells = Cells::new();
    cells.write("A/meta.txt", "no number\n");
    cells.train("model", "-e 1").ok();
    cells.write("w.bed", "chr3\t5000\t5200\n");
    cells.on("evaluate", "-m model -t chr3").ok();
    cells.write("A/chip.txt", "junk\n");
    cells.on("predict", "-m model -b w.bed -o p.gz").ok();
    cells
        .on("visualize", "-m model -b w.bed -c chr3 -o out")
        .ok();
    cells
        .on("evaluate", "-m model -t chr3")
        .fails(1, &["A/chip.txt, line 1: 'junk'"]);
    cells.refuses("-m", 1, &["A/chip.txt, line 1: 'junk'"]);
}

#[test]
fn negatives_without_space_say_how_many_were_asked_and_found() {
    let cells = Cells::new();
    // All but little of chr1 and chr2 is on the blacklist; the peaks lie in what is left.
    cells.write("black.bed", "chr1\t4000\t60000\nchr2\t6000\t60000\n");
    cells.refuses(
        "--blacklist black.bed -n 5000",
        1,
        &[
            "no space left for negatives:",
            "asked for,",
            "windows found",
        ],
    );
    // Tight, and with overlap.
    let run = cells
        .train("model", "--blacklist black.bed -n 20 -e 1")
        .ok();
    assert!(
        run.err.contains("negatives side by side: some overlap"),
        "{}",
        run.err
    );
    cells.write("black.bed", format!("chr1\t0\t{BASES}\n"));
    cells.refuses(
        "--blacklist black.bed -v chr2",
        1,
        &["no positive for training"],
    );
    cells.write("A/empty.bed", "");
    cells.write("A/chip.txt", "empty.bed CTCF");
    cells.refuses("", 1, &["A/empty.bed: the file is empty; expected peaks"]);
}

#[test]
fn genome_annotation_and_motifs_that_cannot_be_read_are_named() {
    let cells = Cells::new();
    cells.refuses("--genome no.fa", 1, &["no.fa: No such file"]);
    cells.write("bad.fa", ">chr1\nACGT!\n");
    cells.refuses("--genome bad.fa", 1, &["bad.fa, line 2", "'!'"]);
    cells.write("twice.fa", text(cells.path("genome.fa")) + ">chr1\nACGT\n");
    cells.refuses(
        "--genome twice.fa",
        1,
        &["twice.fa", "chromosome 'chr1' comes twice"],
    );
    cells.write("more.sizes", text(cells.path("genome.sizes")) + "chr9\t5\n");
    cells.refuses(
        "--chrom-sizes more.sizes",
        1,
        &["more.sizes", "genome.fa: 'chr9'"],
    );
    cells.refuses("--blacklist no.bed", 1, &["no.bed: No such file"]);
    cells.refuses(
        "-g",
        2,
        &["resources", "(-g)", "--annotations DIR", "--gtf GTF"],
    );
    std::fs::remove_file(cells.path("annotations/utr5.bed")).unwrap();
    cells.refuses("-g --annotations annotations", 1, &["annotations", "utr5"]);
    cells.write("annotations/utr5.bed", "chr1\t9\t5\n");
    cells.refuses(
        "-g --annotations annotations",
        1,
        &["annotations/utr5.bed, line 1"],
    );
    cells.refuses("-mo --motif-db no.meme", 1, &["no.meme: No such file"]);
    cells.write(
        "bad.meme",
        "MEME version 4\n\nMOTIF a CTCF\nletter-probability matrix: alength= 4 w= 1\n1 2 3 4\n",
    );
    cells.refuses("-mo --motif-db bad.meme", 1, &["bad.meme, line 5"]);
}

#[test]
fn what_is_no_fault_is_none() {
    let cells = Cells::new();
    // Contigs that only the track has; a chromosome that it lacks; a track of another cell line by the same file.
    cells.write("two.sizes", "chr1\t60000\nchr2\t60000\n");
    let chr3 = cells
        .train(
            "fewer",
            "--chrom-sizes two.sizes -t chr2:0-9000 -v chr2:9000-60000 -e 1",
        )
        .ok();
    assert!(
        chr3.err
            .contains("intervals left out, on chromosomes that are not in use: 'chr3'"),
        "{}",
        chr3.err
    );
    let fasta = text(cells.path("genome.fa")) + ">chr4\n" + &"ACGT".repeat(3000) + "\n";
    cells.write("four.fa", fasta);
    cells.write(
        "A/bigwig.txt",
        "dgf.bw DGF\n../B/dgf.bw other\ndgf.bw again\n",
    );
    let more = cells.train("more", "--genome four.fa -e 1").ok();
    let warning =
        "A/dgf.bw: 1 of the chromosomes in use is not in this track and reads as 0: 'chr4'";
    assert_eq!(more.err.matches(warning).count(), 1, "{}", more.err);
    // Windows line ends, comments, blank lines, a repeated peak: a sample each.
    let peaks = text(cells.path("A/CTCF.bed"));
    let first = peaks.lines().nth(3).unwrap();
    cells.write(
        "A/CTCF.bed",
        format!("# peaks\r\n\r\n{first}\r\n{}", peaks.replace('\n', "\r\n")),
    );
    let run = cells.train("twice", "-e 1").ok();
    let count = |err: &str| {
        let (before, _) = err.split_once(" positives for training").unwrap();
        before.rsplit(' ').next().unwrap().parse::<usize>().unwrap()
    };
    assert_eq!(count(&run.err), count(&more.err) + 1);
}

#[test]
fn flags_that_need_others_say_which() {
    let cells = Cells::new();
    cells.write(
        "g.gtf",
        "chr1\tx\texon\t500\t900\t.\t+\t.\tgene_id \"g\"; transcript_id \"t\";\n",
    );
    cells.refuses("-g --gtf g.gtf --promoter 5", 2, &["--promoter 5"]);
    cells
        .run("factornet train -o never")
        .fails(2, &["--inputdirs"]);
    cells.run("factornet").fails(2, &[]);
    assert!(!cells.path("never").exists());
}
