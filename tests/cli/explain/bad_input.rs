//! What `explain` refuses, leaving nothing behind.

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::names;
use crate::common::tisfm::Data;

#[test]
fn of_a_tisfm_model() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    data.write("short.tsv", "a\tACGT\n");
    data.write("blank.tsv", format!("a\t{}\n", "N".repeat(40)));
    data.write("past.bed", "chr1\t999000\t999040\n");
    std::fs::create_dir(data.path("full")).unwrap();
    data.write("full/file", "");
    let before = names(data.folder());
    let on = |more: &str| data.run(&format!("explain --model model --out never {more}"));
    on("--sequences sequences.tsv --output K56").fails(2, &["--output K56", "K562"]);
    on("--sequences sequences.tsv --output K562 K562").fails(2, &["named twice"]);
    on("--sequences short.tsv").fails(1, &["short.tsv", "4 bases", "40"]);
    on("--sequences blank.tsv").fails(1, &["blank.tsv", "A, C, G or T"]);
    on("--bed past.bed --genome genome.fa").fails(1, &["past.bed"]);
    on("--bed peaks.bed").fails(2, &["--genome"]);
    on("").fails(2, &["--sequences"]);
    on("--sequences sequences.tsv --bed peaks.bed").fails(2, &["--bed"]);
    on("--sequences sequences.tsv -i A").fails(2, &["--inputdir", "FactorNet"]);
    on("--sequences sequences.tsv --background peaks.fa").fails(2, &["--background"]);
    on("--sequences sequences.tsv --steps 7").fails(2, &["--steps", "integrated"]);
    on("--sequences sequences.tsv --method integrated --steps 100000")
        .fails(2, &["--steps", "10000"]);
    on("--sequences sequences.tsv --min-part 2").fails(2, &["--min-part 2"]);
    on("--sequences sequences.tsv --method motifs --motifs motifs.meme").fails(2, &["--motifs"]);
    on("--sequences sequences.tsv --plot 1 --background nowhere.tsv").refused(&["nowhere.tsv"]);
    on("--sequences sequences.tsv --method motifs --background short.tsv")
        .fails(1, &["4 bases", "40"]);
    data.run("explain --model model --sequences sequences.tsv --out full")
        .refused(&["--out full", "holds files"]);
    data.run("explain --model model --sequences sequences.tsv --out .")
        .refused(&["--out"]);
    data.run("explain --model nowhere --sequences sequences.tsv --out never")
        .refused(&["nowhere"]);
    assert_eq!(names(data.folder()), before);
    // One of a few that has no base is left out, and said.
    let text = crate::common::text(data.path("sequences.tsv"));
    let two = format!(
        "{}\nblank\t{}\n",
        text.lines().next().unwrap(),
        "N".repeat(40)
    );
    data.write("two.tsv", two);
    let said = data
        .run("explain --model model --sequences two.tsv --out two --method gradient")
        .ok();
    assert!(
        said.err
            .contains("1 sequence without a single A, C, G or T left out: 'blank'")
    );
    // Architectures that look at the batch's first sequence explain nothing.
    data.train(
        "focal",
        "--architecture model_pos_calib_sigmoid_focalviapooling",
    )
    .ok();
    data.run("explain --model focal --sequences sequences.tsv --out never")
        .fails(2, &["model_pos_calib_sigmoid_focalviapooling"]);
}

#[test]
fn of_a_factornet_model() {
    let cells = Cells::new();
    cells.train("model", "").ok();
    cells.write("other.bed", "22\t5\t900\n");
    cells.write("past.bed", "chr1\t70000\t70200\n");
    cells.write("few.tsv", format!("a\t{}\n", "ACGT".repeat(50)));
    let before = names(cells.folder());
    let on = |more: &str| {
        cells.run(&format!(
            "explain --model model --out never --genome genome.fa -i A {more}"
        ))
    };
    on("--bed other.bed").refused(&["other.bed", "chr1"]);
    on("--bed past.bed").fails(1, &["past.bed", "200 bases"]);
    on("--sequences few.tsv").fails(2, &["--sequences", "DGF", "--bed"]);
    on("--bed A/CTCF.bed --output CTCFL").fails(2, &["CTCFL", "CTCF"]);
    on("--bed A/CTCF.bed --background few.tsv").fails(2, &["--background", "tiSFM"]);
    assert_eq!(names(cells.folder()), before);
}
