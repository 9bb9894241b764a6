//! `cisgrad factornet visualize`.

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::{assert_no_leftovers, bytes, names, text};
use cisgrad::io::meme::read_meme;

const WINDOWS: &str =
    "chr3\t5000\t5200\nchr3\t9000\t9200\nchr2\t7000\t7200\nchr3\t29900\t30100\nchr3\t0\t200\n";

/// Rows and columns of an npy file of f64, and its numbers.
fn matrix(npy: &[u8]) -> (String, Vec<f64>) {
    assert!(npy.starts_with(b"\x93NUMPY"));
    let header = usize::from(u16::from_le_bytes([npy[8], npy[9]]));
    let text = String::from_utf8(npy[10..10 + header].to_vec()).unwrap();
    assert!(text.contains("'<f8'") && text.contains("False"), "{text}");
    let shape = text.split('(').nth(1).unwrap().split(')').next().unwrap();
    let numbers = npy[10 + header..].chunks_exact(8);
    let numbers = numbers.map(|b| f64::from_le_bytes(b.try_into().unwrap()));
    let shape: Vec<&str> = shape
        .split(',')
        .map(str::trim)
        .filter(|n| !n.is_empty())
        .collect();
    (shape.join(" "), numbers.collect())
}

#[test]
fn both_layers_become_motifs_logos_and_mean_signals() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    cells.write("w.bed", WINDOWS);
    let run = cells
        .on("visualize", "-m model -f CTCF -b w.bed -c chr3 -o out")
        .ok();
    // Two are off the blacklist, the ends, and chr2.
    assert!(run.err.contains("\n2 windows\n"), "{}", run.err);
    let files = "DGF_meansignal.npy DGF_meansignal.svg DGF_meansignal2.npy DGF_meansignal2.svg logos.svg logos2.svg motifs.txt motifs2.txt written_by_cisgrad.txt";
    assert_eq!(names(cells.path("out")).join(" "), files);
    for number in ["", "2"] {
        let file = cells.path(&format!("out/motifs{number}.txt"));
        assert!(text(&file).starts_with("MEME version 4.9.0\n"));
        let motifs = read_meme(&file).unwrap();
        assert!(!motifs.is_empty());
        for motif in &motifs {
            assert_eq!(motif.rows.len(), 10);
            // Each of two strands of two windows has at most one site.
            assert!(motif.nsites.unwrap() <= 4.0, "{motif:?}");
        }
        let (shape, numbers) = matrix(&bytes(
            cells.path(&format!("out/DGF_meansignal{number}.npy")),
        ));
        assert_eq!(shape, "4 10");
        assert_eq!(numbers.len(), 40);
        let with_sites = numbers
            .chunks(10)
            .filter(|row| row.iter().all(|x| *x >= 0.0))
            .count();
        assert_eq!(with_sites, motifs.len());
        for svg in [
            format!("logos{number}.svg"),
            format!("DGF_meansignal{number}.svg"),
        ] {
            let svg = text(cells.path(&format!("out/{svg}")));
            assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        }
    }
    // The motif that a kernel has is what is under its largest activations: with one window, words of its sequence.
    cells
        .on("visualize", "-m model -b w.bed -c chr3:4000-6000 -oc one")
        .ok();
    for motif in read_meme(cells.path("one/motifs.txt")).unwrap() {
        let sites = motif.nsites.unwrap();
        let whole = |p: &f64| (p * sites - (p * sites).round()).abs() < 1e-4;
        assert!(motif.rows.iter().flatten().all(whole), "{motif:?}");
    }
    // Compared with themselves, each motif is found at its own place.
    cells
        .on(
            "visualize",
            "-m model -b w.bed -c chr3 --motif-db out/motifs.txt -o known",
        )
        .ok();
    let matches = text(cells.path("known/matches.tsv"));
    let own: Vec<Vec<&str>> = matches
        .lines()
        .skip(1)
        .map(|l| l.split('\t').collect())
        .collect();
    assert_eq!(
        own.len(),
        read_meme(cells.path("out/motifs.txt")).unwrap().len()
    );
    for words in own {
        assert_eq!(
            [words[4], words[5], words[6], words[7]],
            ["1.0000", "0", "+", "10"]
        );
    }
    assert!(cells.path("known/matches2.tsv").is_file());
    let pairs = text(cells.path("known/matches.svg"));
    assert_eq!(
        pairs.matches("correlation 1.000").count(),
        matches.lines().count() - 1
    );
    cells
        .on(
            "visualize",
            "-m model -b w.bed -c chr3 --motif-db out/motifs.txt --top 1 -oc known",
        )
        .ok();
    assert_eq!(text(cells.path("known/matches.tsv")).lines().count(), 2);
    let pairs = text(cells.path("known/matches.svg"));
    assert_eq!(pairs.matches("correlation").count(), 1);
    cells
        .on("visualize", "-m model -b w.bed -c chr3 --top 1 -o other")
        .fails(2, &["--motif-db"]);
    assert_no_leftovers(cells.folder());
}

#[test]
fn the_folder_must_not_be_there_unless_it_may_be_written_over() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    cells.write("w.bed", WINDOWS);
    cells
        .on("visualize", "-m model -b w.bed -c chr3 -o out")
        .ok();
    let before = text(cells.path("out/motifs.txt"));
    cells
        .on("visualize", "-m model -b w.bed -c chr2 -o out")
        .fails(
            1,
            &["out exists: choose another -o, or write over it with -oc"],
        );
    assert_eq!(text(cells.path("out/motifs.txt")), before);
    cells
        .on("visualize", "-m model -b w.bed -c chr2 -oc out")
        .ok();
    assert_ne!(text(cells.path("out/motifs.txt")), before);
    // What another model's tracks left would pass for this one's.
    cells.write("out/OLD_meansignal2.npy", "old");
    let list = text(cells.path("out/written_by_cisgrad.txt"));
    cells.write(
        "out/written_by_cisgrad.txt",
        format!("{list}OLD_meansignal2.npy\n"),
    );
    cells.write("out/notes.txt", "mine");
    cells
        .on("visualize", "-m model -b w.bed -c chr2 -oc out")
        .ok();
    assert!(!cells.path("out/OLD_meansignal2.npy").exists());
    assert_eq!(text(cells.path("out/notes.txt")), "mine");
    cells
        .on("visualize", "-m model -b w.bed -c chr3")
        .fails(2, &["--outputdir"]);
}

#[test]
fn no_window_is_an_error_that_makes_no_folder() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    cells.write("w.bed", WINDOWS);
    cells.write("empty.bed", "");
    for (flags, code, message) in [
        (
            "-b w.bed",
            2,
            "no region: none of the default chromosomes (chr11) is in genome.fa; name some with -c",
        ),
        ("-b w.bed -c chr11", 2, "-c chr11: neither a chromosome"),
        ("-b w.bed -c chr3:0-1000", 1, "no window in chr3:0-1000"),
        (
            "-b empty.bed -c chr3",
            1,
            "empty.bed: no interval on a chromosome in use",
        ),
    ] {
        cells
            .on("visualize", &format!("-m model {flags} -o never"))
            .fails(code, &[message]);
        assert!(!cells.path("never").exists(), "{flags}");
    }
}

/// Tracks whose names become one file's, or none that a file system takes.
#[test]
fn every_track_has_files_of_its_own() {
    let cells = Cells::new();
    let list = text(cells.path("A/bigwig.txt"));
    let file = list
        .lines()
        .next()
        .unwrap()
        .split('\t')
        .next()
        .unwrap()
        .to_string();
    let long = "t".repeat(300);
    let line = |name: &str| format!("{file}\t{name}\n");
    cells.write("A/bigwig.txt", line("x/y") + &line("x_y") + &line(&long));
    cells.train("model", "-e 1").ok();
    cells.write("w.bed", WINDOWS);
    cells
        .on("visualize", "-m model -b w.bed -c chr3 -o out")
        .ok();
    let found = names(cells.path("out"));
    let signals = found
        .iter()
        .filter(|name| name.ends_with("_meansignal.npy"));
    assert_eq!(signals.count(), 3, "{found:?}");
    for name in ["x_y_meansignal.svg", "x_y_2_meansignal.svg"] {
        assert!(found.contains(&name.to_string()), "{found:?}");
    }
}

/// A kernel that is turned to the known motif is said to be.
#[test]
fn a_turned_kernel_is_called_so() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    cells.write("w.bed", WINDOWS);
    cells
        .on("visualize", "-m model -b w.bed -c chr3 -o out")
        .ok();
    // The known motifs are the kernels' own, turned round.
    let motifs = read_meme(cells.path("out/motifs.txt")).unwrap();
    let mut known = "MEME version 4\n\nALPHABET= ACGT\n".to_string();
    for motif in &motifs {
        known += &format!(
            "\nMOTIF {}\nletter-probability matrix: alength= 4 w= {}\n",
            motif.id,
            motif.rows.len()
        );
        for row in motif.rows.iter().rev() {
            let row: Vec<String> = row.iter().rev().map(|p| format!("{p:.6}")).collect();
            known += &(row.join(" ") + "\n");
        }
    }
    cells.write("known.meme", known);
    cells
        .on(
            "visualize",
            "-m model -b w.bed -c chr3 --motif-db known.meme -o known",
        )
        .ok();
    let table = text(cells.path("known/matches.tsv"));
    let turned = table
        .lines()
        .filter(|l| l.split('\t').any(|cell| cell == "-"));
    let picture = text(cells.path("known/matches.svg"));
    let titles = picture.matches(", reverse complement<").count();
    assert_eq!(titles, turned.count());
    assert!(titles > 0, "{table}");
}
