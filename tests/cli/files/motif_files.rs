//! MEME files of every collection, and how -mo finds its factor.

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::real_data::real_data;
use crate::common::tisfm::{Data, MOTIFS};
use crate::common::{Run, Table, text};
use cisgrad::io::meme::{read_meme, write_meme};
use cisgrad::io::state_dict::read;

/// A MEME file of these MOTIF lines; every motif of its own letters.
fn collection(lines: &[&str]) -> String {
    let mut text = "MEME version 4\n\nALPHABET= ACGT\n".to_string();
    for (i, line) in lines.iter().enumerate() {
        text += &format!("\nMOTIF {line}\nletter-probability matrix: alength= 4 w= 6\n");
        for k in 0..6 {
            let row = (0..4).map(|base| {
                if base == (i + k * k) % 4 {
                    "0.85"
                } else {
                    "0.05"
                }
            });
            text += &(row.collect::<Vec<_>>().join(" ") + "\n");
        }
    }
    text
}

/// What the MEME program prints around each matrix; names of sequences begin with numbers.
const PROGRAM: &str = "\
********************************************************************************
MEME - Motif discovery tool
********************************************************************************
MEME version 5.3.0 (Release date: Sat Jan 1)

ALPHABET= ACGT
Sequence name            Weight Length  Sequence name            Weight Length
-------------            ------ ------  -------------            ------ ------
12                       1.0000    100  7                        1.0000    100
5                        1.0000    100
Background letter frequencies (from file dataset with add-one prior applied):
A 0.281 C 0.222 G 0.229 T 0.268

MOTIF CAGT MEME-1	width =   4  sites =  17  llr = 192  E-value = 2.3e-026
********************************************************************************
Simplified        A  :a::
pos.-specific     C  a:::
probability       G  ::a:
matrix            T  :::a

         bits    2.2 * *
                 1.9 ***
(21.7 bits)      0.9 ****
                 0.0 ----

	Motif CAGT MEME-1 sites sorted by position p-value
12                           61  1.23e-06 GGTA CAGT TTGA
	Motif CAGT MEME-1 block diagrams
12                              1.2e-06  60_[1]_36
5                                 0.023  100
	Motif CAGT MEME-1 in BLOCKS format
BL   MOTIF CAGT width=4 seqs=1
12                       (   61) CAGT  1
//
log-odds matrix: alength= 4 w= 4 n= 1494 bayes= 6.44 E= 2.3e-026
  -1073   211  -1073  -1073
   180  -1073  -1073  -1073
  -1073  -1073   211  -1073
  -1073  -1073  -1073   180
----
letter-probability matrix: alength= 4 w= 4 nsites= 17 E= 2.3e-026
 0.000000  1.000000  0.000000  0.000000
 1.000000  0.000000  0.000000  0.000000
 0.000000  0.000000  1.000000  0.000000
 0.000000  0.000000  0.000000  1.000000
----
SUMMARY OF MOTIFS
12                               2.42e-05  29_[+1(2.05e-07)]_\\
    594
5                                   0.023  100
";

fn config(data: &impl Kind, model: &str) -> serde_json::Value {
    serde_json::from_str(&text(data.path(&format!("{model}/config.json")))).unwrap()
}

#[test]
fn what_the_meme_program_itself_writes_is_read() {
    let data = Data::new(60, 40);
    data.write("meme.txt", PROGRAM);
    let run = data.train("model", "--meme-file meme.txt --number-of-epochs 1");
    assert!(!run.ok().err.contains("note:"));
    let config = config(&data, "model");
    assert_eq!(config["motifs"], serde_json::json!(["CAGT"]));
    assert_eq!(config["motif_width"], 4);
    // More than two words: none of them is a factor's name.
    assert_eq!(config.get("motif_names"), None);
    data.write("stray.meme", format!("{PROGRAM}0.1 0.2 0.3 0.4\n"));
    let line = PROGRAM.lines().count() + 1;
    data.refuses(
        "--meme-file stray.meme",
        1,
        &[&format!(
            "stray.meme, line {line}: '0.1 0.2 0.3 0.4': a row of numbers outside any matrix"
        )],
    );
    // A model of the other kind takes such a file as well.
    let cells = Cells::new();
    cells.write("meme.txt", PROGRAM);
    let run = cells.train("model", "-mo --motif-db meme.txt --motif-name CAGT -e 1");
    assert!(
        run.ok()
            .err
            .contains("known motif for two kernels: CAGT of meme.txt\n")
    );
}

/// Rows of two digits: sums of 0.98, 0.99, 1.01 and 1.
const ROUNDED: &str = "MEME version 4\n\nMOTIF a\nletter-probability matrix:\n0.12 0.12 0.12 0.62\n0.33 0.33 0.33 0\n\
                       0.34 0.34 0.33 0\n0.25 0.25 0.25 0.25\n";
const NOTE: &str = "note: m.meme: 3 of 4 rows sum to 1 only within 0.02 (first on line 5: 0.98); they are used as they are\n";

#[test]
fn rows_that_miss_one_by_rounding_are_used_as_they_are_with_one_note() {
    let data = Data::new(60, 40);
    data.write("m.meme", ROUNDED);
    let run = data
        .train("model", "--meme-file m.meme --number-of-epochs 1")
        .ok();
    assert_eq!(run.err.matches(NOTE).count(), 1, "{}", run.err);
    let weight = crate::common::parameter(
        data.path("model/model.best.safetensors"),
        "conv_motif.weight",
    );
    let first: Vec<f64> = (0..4).map(|base| weight[base * 4]).collect();
    assert_eq!(
        first,
        [0.12, 0.12, 0.12, 0.62].map(|p: f64| f64::from(p as f32))
    );
    data.write("bad.meme", ROUNDED.replace("0.62", "0.61"));
    data.refuses(
        "--meme-file bad.meme",
        1,
        &["bad.meme, line 5: motif 'a', row 1: the probabilities sum to 0.97; expected 1 within 0.02"],
    );
    let cells = Cells::new();
    cells.write("m.meme", ROUNDED.replace("MOTIF a", "MOTIF CTCF"));
    let run = cells.train("model", "-mo --motif-db m.meme -e 1").ok();
    assert_eq!(run.err.matches(NOTE).count(), 1, "{}", run.err);
    cells.write("w.bed", "chr3\t5000\t5200\n");
    let run = cells
        .on(
            "visualize",
            "-m model -b w.bed -c chr3 --motif-db m.meme -o out",
        )
        .ok();
    assert_eq!(run.err.matches(NOTE).count(), 1, "{}", run.err);
}

#[test]
fn factors_names_are_kept_and_shown_beside_the_identifiers() {
    let data = Data::new(60, 40);
    data.write(
        "two.meme",
        collection(&["MA0002.3 Runx1", "Ctcf+M6125_1.02+D", "MA0059.2 MAX::MYC"]),
    );
    data.train("model", "--meme-file two.meme --number-of-epochs 1")
        .ok();
    let config_ = config(&data, "model");
    assert_eq!(
        config_["motif_names"],
        serde_json::json!({"MA0002.3": "Runx1", "MA0059.2": "MAX::MYC"})
    );
    assert_eq!(
        config_["motifs"],
        serde_json::json!(["MA0002.3", "Ctcf+M6125_1.02+D", "MA0059.2"])
    );
    let table = data.run("tisfm motifs --model model").ok().table();
    assert_eq!(
        table.header.join(" "),
        "output rank motif name weight importance mean_activity"
    );
    let named = table.column("motif").into_iter().zip(table.column("name"));
    for (motif, name) in named {
        let expected = match motif {
            "MA0002.3" => "Runx1",
            "MA0059.2" => "MAX::MYC",
            _ => "",
        };
        assert_eq!(name, expected);
    }
    // Motifs that are not those of the weights are named in the same way.
    let other = collection(&["x X", "MA0002.3 Runx1", "y Y"]);
    data.write(
        "other.meme",
        other.replace("0.85 0.05 0.05 0.05", "0.05 0.05 0.05 0.85"),
    );
    let run = data
        .train(
            "again",
            "--meme-file other.meme --model model --number-of-epochs 1",
        )
        .ok();
    assert!(
        run.err.contains("(first: x (X)); the weights win"),
        "{}",
        run.err
    );
}

/// A folder of an earlier version has no names.
#[test]
fn a_model_without_names_still_opens_and_goes_on() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    let names = |table: &Table| table.rows.iter().map(|r| r[2].clone()).collect::<Vec<_>>();
    let named = data.run("tisfm motifs --model model").ok().table();
    let mut old = config(&data, "model");
    let kept = old.as_object_mut().unwrap().remove("motif_names").unwrap();
    assert_eq!(kept.as_object().unwrap().len(), MOTIFS.len());
    data.write("model/config.json", old.to_string());
    let table = data.run("tisfm motifs --model model").ok().table();
    assert_eq!(
        table.header.join(" "),
        "output rank motif weight importance mean_activity"
    );
    assert_eq!(names(&table), names(&named));
    assert_eq!(table.column("weight"), named.column("weight"));
    data.run("tisfm test --model model").ok();
    data.train("model", "--resume --number-of-epochs 4").ok();
    assert_eq!(config(&data, "model")["motif_names"], kept);
}

/// `train -mo` of CTCF at a rate that moves nothing, one epoch unless told.
fn start(cells: &Cells, out: &str, more: &str) -> Run {
    let epochs = if more.contains("-e ") { "" } else { "-e 1" };
    cells.train(out, &format!("-mo -w 8 -lr 1e-9 {epochs} {more}"))
}

#[test]
fn the_factor_is_found_as_every_collection_names_it() {
    let cells = Cells::new();
    let [v12, v11, cisbp, clusters, jaspar] = [
        &[
            "CTCFL.H12CORE.0.P.B",
            "CTCF.H12CORE.0.P.B",
            "CTCF.H12CORE.1.P.C",
        ][..],
        &["CTCFL_HUMAN.H11MO.0.A", "CTCF_HUMAN.H11MO.0.A"],
        &["Ctcfl+M1_1.02+D", "Ctcf+M6125_1.02+D"],
        &["C056:CTCF_INSM:C2H2_ZF", "C055:CTCF:C2H2_ZF"],
        &[
            "CTCF.0 x",
            "MA1102.3 CTCFL",
            "CTCF",
            "MA0139.2 CTCF",
            "MA1929.2 ctcf",
        ],
    ];
    for (number, (lines, said)) in [
        (
            v12,
            "CTCF.H12CORE.0.P.B of c.meme, the first of 2 motifs of CTCF there ('CTCF.H12CORE.0.P.B', 'CTCF.H12CORE.1.P.C'); \
             --motif-name ID takes another",
        ),
        (v11, "CTCF_HUMAN.H11MO.0.A of c.meme, the only motif of CTCF there"),
        (cisbp, "Ctcf+M6125_1.02+D of c.meme, the only motif of CTCF there"),
        (clusters, "C055:CTCF:C2H2_ZF of c.meme, the only motif of CTCF there"),
        (jaspar, "MA0139.2 (CTCF) of c.meme, the first of 2 motifs of CTCF there"),
    ]
    .into_iter()
    .enumerate()
    {
        cells.write("c.meme", collection(lines));
        let run = start(&cells, &format!("m{number}"), "--motif-db c.meme").ok();
        let said = format!("known motif for two kernels: {said}");
        assert!(run.err.contains(&said), "{said}\n{}", run.err);
    }
}

#[test]
fn the_originals_collection_gives_the_last_motif_and_motif_name_any() {
    let cells = Cells::new();
    let lines = ["CTCF_f1 CTCF", "CTCF_f2 CTCF", "CTCFL_f1 CTCFL"];
    std::fs::create_dir(cells.path("resources")).unwrap();
    for name in ["resources/HOCOMOCOv9.meme", "other.meme"] {
        cells.write(name, collection(&lines));
    }
    cells.write_gzip("HOCOMOCOv9.meme.gz", collection(&lines));
    let weights = |out: &str| read(cells.path(&format!("{out}/model.best.safetensors"))).unwrap();
    let begins = |run: Run, said: &str| {
        let run = run.ok();
        let said = format!("known motif for two kernels: {said}");
        assert!(run.err.contains(&said), "{said}\n{}", run.err);
    };
    begins(
        start(&cells, "own", ""),
        "CTCF_f2 (CTCF) of resources/HOCOMOCOv9.meme, the last of 2 motifs of CTCF there",
    );
    begins(
        start(&cells, "packed", "--motif-db HOCOMOCOv9.meme.gz"),
        "CTCF_f2 (CTCF) of HOCOMOCOv9.meme.gz, the last of 2",
    );
    begins(
        start(&cells, "first", "--motif-db other.meme"),
        "CTCF_f1 (CTCF) of other.meme, the first of 2",
    );
    begins(
        start(
            &cells,
            "named",
            "--motif-db other.meme --motif-name CTCF_f2",
        ),
        "CTCF_f2 (CTCF) of other.meme\n",
    );
    assert_eq!(weights("own").tensors, weights("packed").tensors);
    assert_eq!(weights("own").tensors, weights("named").tensors);
    assert_ne!(weights("own").tensors, weights("first").tensors);
}

#[test]
fn without_a_motif_of_the_factor_near_names_and_the_flag_are_shown() {
    let cells = Cells::new();
    cells.write(
        "c.meme",
        collection(&[
            "MA1 REST",
            "CTCFL.H12CORE.0.P.B",
            "MA2 Ctcf-like",
            "MA3 SOX2",
        ]),
    );
    // Before anything else is read.
    cells.refuses(
        "-mo --motif-db c.meme --genome no.fa",
        2,
        &[
            "-mo: c.meme has no motif of CTCF",
            "near ones are CTCFL.H12CORE.0.P.B, MA2 (Ctcf-like), ",
            "--motif-name ID",
        ],
    );
    cells.refuses(
        "-mo --motif-db c.meme --motif-name CTCFL.H12CORE.0.PB",
        2,
        &[
            "--motif-name CTCFL.H12CORE.0.PB: no motif of c.meme",
            "near ones are CTCFL.H12CORE.0.P.B, ",
        ],
    );
    cells.refuses(
        "--motif-db c.meme --motif-name MA1",
        2,
        &["--motif-name MA1 says which motif -mo starts from: give -mo as well"],
    );
}

#[test]
fn a_resumed_run_starts_from_the_same_motif() {
    let cells = Cells::new();
    cells.write("c.meme", collection(&["A1 CTCF", "A2 CTCF"]));
    start(&cells, "model", "--motif-db c.meme --motif-name A2").ok();
    let resume = |more: &str| {
        start(
            &cells,
            "model",
            &format!("--motif-db c.meme --resume {more}"),
        )
    };
    resume("--motif-name A1").fails(
        1,
        &["--resume: model was started with --motif-name A2, this run has A1"],
    );
    resume("").fails(1, &["with --motif-name A2, this run has no --motif-name"]);
    resume("--motif-name A2 -e 2").ok();
    // A run of an earlier version knows no such flag.
    start(&cells, "old", "--motif-db c.meme").ok();
    let mut old = config(&cells, "old");
    assert!(
        old["flags"]
            .as_object_mut()
            .unwrap()
            .remove("motif_name")
            .is_some()
    );
    cells.write("old/config.json", old.to_string());
    start(&cells, "old", "--motif-db c.meme --resume -e 2").ok();
}

#[test]
fn known_motifs_that_kernels_resemble_have_their_names() {
    let cells = Cells::new();
    cells.write("c.meme", collection(&["A1 CTCF", "A2.0.P.B"]));
    start(&cells, "model", "--motif-db c.meme").ok();
    cells.write("w.bed", "chr3\t5000\t5200\nchr3\t9000\t9200\n");
    cells
        .on(
            "visualize",
            "-m model -b w.bed -c chr3 --motif-db c.meme -o out",
        )
        .ok();
    // The same kernels as known motifs, one with a factor's name and one without.
    let mut known = read_meme(cells.path("out/motifs.txt")).unwrap();
    assert!(known.len() >= 2, "{known:?}");
    let kernels = [known[0].id.clone(), known[1].id.clone()];
    for (motif, (id, label)) in known
        .iter_mut()
        .zip([("A1", Some("CTCF")), ("A2.0.P.B", None)])
    {
        motif.id = id.to_string();
        motif.label = label.map(String::from);
    }
    let mut text_of = Vec::new();
    write_meme(&mut text_of, &known).unwrap();
    cells.write("known.meme", String::from_utf8(text_of).unwrap());
    cells
        .on(
            "visualize",
            "-m model -b w.bed -c chr3 --motif-db known.meme -oc out",
        )
        .ok();
    let table = Table::read(cells.path("out/matches.tsv"));
    for (kernel, shown) in kernels.iter().zip([["A1", "CTCF"], ["A2.0.P.B", ""]]) {
        let row = table.rows.iter().find(|row| row[0] == *kernel).unwrap();
        assert_eq!(row[2..4], shown, "{row:?}");
    }
}

/// The seven collections: the cluster archetypes have no motif of MAX and ATF3 alone, all others have all three.
#[test]
fn published_collections_have_the_motifs_of_their_factors() {
    let Some(data) = real_data() else {
        return;
    };
    let cells = Cells::new();
    let motifs = data.join("motifs");
    cells.write(
        "A/chip.txt",
        "CTCF.bed\tCTCF\nMAX.bed\tMAX\nMAX.bed\tATF3\n",
    );
    for (file, ctcf, max, atf3) in [
        (
            "HOCOMOCOv9",
            "CTCF_f2 (CTCF)",
            "MAX_f1 (MAX)",
            "ATF3_f1 (ATF3)",
        ),
        (
            "H12CORE_meme_format",
            "CTCF.H12CORE.0.P.B",
            "MAX.H12CORE.0.PS.A",
            "ATF3.H12CORE.0.P.B",
        ),
        (
            "H13CORE_meme_format",
            "CTCF.H13CORE.0.P.B",
            "MAX.H13CORE.0.PS.A",
            "ATF3.H13CORE.0.P.B",
        ),
        (
            "JASPAR2024_CORE_vertebrates_nonredundant",
            "MA0139.2 (CTCF)",
            "MA0058.4 (MAX)",
            "MA0605.3 (ATF3)",
        ),
        (
            "JASPAR2026_CORE_vertebrates_nonredundant",
            "MA0139.2 (CTCF)",
            "MA0058.4 (MAX)",
            "MA0605.3 (ATF3)",
        ),
        (
            "cisBP_mouse",
            "Ctcf+M6125_1.02+D",
            "Max+M0223_1.02+D",
            "Atf3+M0298_1.02+D",
        ),
        ("jaspar_2024_consensus", "C055:CTCF:C2H2_ZF", "", ""),
    ] {
        let path = motifs.join(format!("{file}.meme.gz"));
        for (factor, expected) in [("CTCF", ctcf), ("MAX", max), ("ATF3", atf3)] {
            // Without a genome the run ends once the motif is found.
            let run = cells.train(
                "never",
                &format!(
                    "-f {factor} -mo --motif-db {} --genome no.fa",
                    path.display()
                ),
            );
            if expected.is_empty() {
                run.fails(2, &[&format!("has no motif of {factor}")]);
                continue;
            }
            assert!(
                run.err
                    .contains(&format!("known motif for two kernels: {expected} of ")),
                "{file} {factor}\n{}",
                run.err
            );
            run.fails(1, &["no.fa"]);
        }
    }
}
