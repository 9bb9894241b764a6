//! `cisgrad factornet visualize`.

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::{Table, assert_no_leftovers, bytes, names, text};
use cisgrad::dna::motif::Motif;
use cisgrad::io::meme::{read_meme, write_meme};

const WINDOWS: &str =
    "chr3\t5000\t5200\nchr3\t9000\t9200\nchr2\t7000\t7200\nchr3\t29900\t30100\nchr3\t0\t200\n";

/// A motif that favors the letters of a word.
fn word(text: &str) -> Motif {
    let row = |letter| {
        let best = "ACGT".find(letter).unwrap();
        std::array::from_fn(|i| if i == best { 0.85 } else { 0.05 })
    };
    Motif {
        id: text.to_string(),
        label: None,
        nsites: None,
        rows: text.chars().map(row).collect(),
    }
}

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
    let logos = |number: &'static str| (0..4).map(move |k| format!("logo{number}_M{k}.svg"));
    let mut files: Vec<String> = "DGF_meansignal.npy DGF_meansignal.svg DGF_meansignal2.npy DGF_meansignal2.svg kernels.tsv kernels2.tsv logos.svg logos2.svg motifs.txt motifs2.txt written_by_cisgrad.txt"
        .split(' ')
        .map(String::from)
        .chain(logos(""))
        .chain(logos("2"))
        .collect();
    files.sort();
    assert_eq!(names(cells.path("out")), files);
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
    // Each kernel is there once, those with sites first, by groups that begin with what contributes most.
    for number in ["", "2"] {
        let kernels = Table::read(cells.path(&format!("out/kernels{number}.tsv")));
        assert_eq!(
            kernels.header.join(" "),
            "kernel sites contribution group orientation motif name"
        );
        let mut ids = kernels.column("kernel");
        ids.sort_unstable();
        assert_eq!(ids, ["M0", "M1", "M2", "M3"]);
        let contributions = kernels.numbers("contribution");
        assert!(contributions.iter().any(|&c| c > 0.0), "{contributions:?}");
        let groups = kernels.column("group");
        let mut first = f64::INFINITY;
        for (i, sites) in kernels.numbers("sites").into_iter().enumerate() {
            assert_eq!(sites == 0.0, groups[i].is_empty());
            if sites > 0.0 && (i == 0 || groups[i] != groups[i - 1]) {
                assert!(contributions[i] <= first);
                first = contributions[i];
            }
            // What never fires changes nothing.
            assert!(sites > 0.0 || contributions[i] == 0.0);
        }
    }
    // A collection of a few motifs, the first kernel's own among them on the other strand: found where it lies.
    let own = read_meme(cells.path("out/motifs.txt")).unwrap().remove(0);
    let rows = own.rows.iter().rev().map(|&[a, c, g, t]| [t, g, c, a]);
    let turned = Motif {
        id: "OWN".into(),
        label: Some("own".into()),
        nsites: None,
        rows: rows.collect(),
    };
    let others = ["ACGTTGCAACGGTA", "TTTTGGGGCCCCAA", "GATTACAGATTACA"].map(word);
    let mut text_of = Vec::new();
    write_meme(&mut text_of, &[&others[..], &[turned]].concat()).unwrap();
    cells.write("known.meme", String::from_utf8(text_of).unwrap());
    let run = cells
        .on(
            "visualize",
            "-m model -b w.bed -c chr3 --motif-db known.meme -o known",
        )
        .ok();
    let matches = Table::read(cells.path("known/matches.tsv"));
    assert_eq!(
        matches.header.join(" "),
        "kernel sites motif name p-value E-value q-value offset strand overlap"
    );
    let found = matches.rows.iter().find(|row| row[0] == own.id).unwrap();
    assert_eq!((found[2].as_str(), found[3].as_str()), ("OWN", "own"));
    assert_eq!((found[7].as_str(), found[8].as_str()), ("0", "-"));
    let q = matches.numbers("q-value");
    for (row, q) in matches.rows.iter().zip(&q) {
        assert_eq!(row[2].is_empty(), *q > 0.05, "{row:?}");
    }
    // Of the kernels with a name the one that contributes most is a motif to start from.
    let kernels = Table::read(cells.path("known/kernels.tsv"));
    let contributions = kernels.numbers("contribution");
    let named = kernels.rows.iter().zip(contributions);
    let named = named.filter(|(row, _)| !row[5].is_empty());
    let most = named.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap().0;
    let advice = format!(
        "a run with -mo --motif-db known.meme --motif-name {} starts",
        most[5]
    );
    let note = run.err.lines().find(|line| line.contains(&advice)).unwrap();
    assert!(
        note.starts_with(&format!("note: {} resembles ", most[0])),
        "{note}"
    );
    assert!(cells.path("known/matches2.tsv").is_file());
    let pairs = text(cells.path("known/matches.svg"));
    let named = q.iter().filter(|&&q| q <= 0.05).count();
    assert_eq!(pairs.matches(", q = ").count(), named);
    cells
        .on(
            "visualize",
            "-m model -b w.bed -c chr3 --motif-db known.meme --top 1 -oc known",
        )
        .ok();
    assert_eq!(text(cells.path("known/matches.tsv")).lines().count(), 2);
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
        (
            "-b w.bed -c chr3:0-1000",
            1,
            "every window in chr3:0-1000 is on the blacklist, or nearer to its chromosome's end",
        ),
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
