//! Signal tables as spreadsheets and R write them.

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::tisfm::Data;
use crate::common::{bytes, text};

const BEST: &str = "model.best.safetensors";

/// The table's rows without its header, with what `row` makes of each name and its values.
fn rows(data: &Data, row: impl Fn(&str, &[&str]) -> String) -> String {
    let table = text(data.path("signals.tsv"));
    let lines = table.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        row(fields[0], &fields[1..])
    });
    lines.collect()
}

fn one_epoch(data: &Data, out: &str, more: &str) -> crate::common::Run {
    data.train(out, &format!("--number-of-epochs 1 {more}"))
}

/// Every form gives the same weights and the same test table as tabs do.
#[test]
fn quotes_and_commas_are_read_as_tabs() {
    let data = Data::new(30, 40);
    one_epoch(&data, "tabs", "").ok();
    let expected = data.run("tisfm test --model tabs").ok().out;
    let quoted = |separator: &str| {
        rows(&data, |name, values| {
            format!("\"{name}\"{separator}{}\n", values.join(separator))
        })
    };
    let bare = rows(&data, |name, values| {
        format!("{name},{}\n", values.join(","))
    });
    // R: write.table, with sep = "\t", with col.names = NA; write.csv.
    data.write("blanks.txt", format!("\"K562\" \"MCF7\"\n{}", quoted(" ")));
    data.write("r.tsv", format!("\"K562\"\t\"MCF7\"\n{}", quoted("\t")));
    data.write(
        "corner.tsv",
        format!("\"\"\t\"K562\"\t\"MCF7\"\n{}", quoted("\t")),
    );
    data.write("r.csv", format!("\"\",\"K562\",\"MCF7\"\n{}", quoted(",")));
    // By its name, packed; by its first line alone.
    data.write_gzip("packed.csv.gz", format!("name,K562,MCF7\n{bare}"));
    data.write(
        "commas",
        format!("K562,MCF7\r\n{}", bare.replace('\n', "\r\n")),
    );
    for table in [
        "blanks.txt",
        "r.tsv",
        "corner.tsv",
        "r.csv",
        "packed.csv.gz",
        "commas",
    ] {
        let out = format!("of_{table}");
        one_epoch(&data, &out, &format!("--atac-file {table}")).ok();
        let weights = |out: &str| bytes(data.path(out).join(BEST));
        assert!(weights(&out) == weights("tabs"), "{table}");
        let test = format!("tisfm test --model tabs --atac-file {table}");
        assert_eq!(data.run(&test).ok().out, expected, "{table}");
    }
    // Sequences and splits in R's quotes.
    let list = text(data.path("sequences.tsv"));
    let list: String = list
        .lines()
        .map(|line| format!("\"{}\"\n", line.replace('\t', "\"\t\"")))
        .collect();
    data.write("quoted.list", list);
    std::fs::create_dir(data.path("quoted")).unwrap();
    for part in ["train", "validation", "test"] {
        let names = text(data.path(&format!("split/{part}_split.txt")));
        let names: String = names.lines().map(|name| format!("\"{name}\"\n")).collect();
        data.write(&format!("quoted/{part}_split.txt"), names);
    }
    one_epoch(&data, "q", "--sequences quoted.list --split-folder quoted").ok();
    assert!(bytes(data.path("q").join(BEST)) == bytes(data.path("tabs").join(BEST)));
}

#[test]
fn a_table_without_a_header_never_loses_its_first_row() {
    let data = Data::new(30, 40);
    one_epoch(&data, "model", "").ok();
    let refused = |table: &str, parts: &[&str]| {
        data.refuses(&format!("--atac-file {table}"), 1, parts);
        data.run(&format!("tisfm test --model model --atac-file {table}"))
            .fails(1, parts);
    };
    let decimals = rows(&data, |name, values| {
        format!("{name}\t{}\n", values.join("\t"))
    });
    data.write("bare.tsv", &decimals);
    let first = &data.names[0];
    let numbers = format!("bare.tsv, line 1: no header: '{first}' and numbers");
    refused("bare.tsv", &[&numbers, "the names of the outputs"]);
    data.write("bare.csv", decimals.replace('\t', ","));
    refused(
        "bare.csv",
        &["bare.csv, line 1: no header", "the names of the outputs"],
    );
    // Names that are no intervals, and whole numbers: the sequences' file tells.
    let number = |name: &str| data.names.iter().position(|n| n == name).unwrap();
    let counts = rows(&data, |name, _| {
        format!("peak{}\t{}\t{}\n", number(name), number(name), 7)
    });
    data.write("counts.tsv", counts);
    let sequences = data.names.iter().enumerate();
    let sequences: String = sequences
        .map(|(i, name)| format!("peak{i}\t{}\n", data.sequences[name]))
        .collect();
    data.write("peaks.list", sequences);
    let parts = [
        "counts.tsv, line 1: no header: 'peak0' is a sequence of peaks.list; expected a first line with the names of the outputs",
    ];
    data.refuses(
        "--atac-file counts.tsv --sequences peaks.list --split random:60,20,20",
        1,
        &parts,
    );
    // Some values are missing, others have an exponent.
    let sparse = rows(&data, |name, _| format!("p{}\tNA\t1e-3\n", number(name)));
    data.write("sparse.tsv", sparse);
    refused(
        "sparse.tsv",
        &["sparse.tsv, line 1: no header: 'p0' and numbers ('NA', '1e-3')"],
    );
}

#[test]
fn a_shifted_table_is_noticed() {
    let data = Data::new(30, 40);
    let number = |name: &str| data.names.iter().position(|n| n == name).unwrap() + 1;
    // Row numbers before the names, as R and pandas write them unless told.
    let numbered = rows(&data, |name, values| {
        format!("\"{}\"\t\"{name}\"\t{}\n", number(name), values.join("\t"))
    });
    for header in ["\"peak\"\t\"K562\"\t\"MCF7\"", "\tpeak\tK562\tMCF7"] {
        data.write("numbered.tsv", format!("{header}\n{numbered}"));
        let parts = [
            "numbered.tsv, line 2",
            data.names[0].as_str(),
            "in row '1', column 'peak'; expected a finite number",
            "row.names = FALSE",
            "index=False",
        ];
        data.refuses("--atac-file numbered.tsv", 1, &parts);
    }
    // Row numbers in place of the names.
    let anonymous = rows(&data, |name, values| {
        format!("{}\t{}\n", number(name), values.join("\t"))
    });
    data.write("anonymous.tsv", format!("K562\tMCF7\n{anonymous}"));
    data.refuses(
        "--atac-file anonymous.tsv",
        1,
        &[
            "all 30 rows of anonymous.tsv have no sequence in sequences.tsv: '1', '2', '3' and 27 more",
            data.names[0].as_str(),
            "expected the sequences' names in the first column",
        ],
    );
    // A header that a spreadsheet has moved to the left.
    let plain = rows(&data, |name, values| {
        format!("{name}\t{}\n", values.join("\t"))
    });
    data.write("left.tsv", format!("K562\tMCF7\t\n{plain}"));
    data.refuses(
        "--atac-file left.tsv",
        1,
        &["left.tsv, line 1", "too far left"],
    );
    // The numbers of another country.
    let commas = rows(&data, |name, values| {
        format!("{name};{}\n", values.join(";").replace('.', ","))
    });
    data.write("german.csv", format!("name;K562;MCF7\n{commas}"));
    data.refuses(
        "--atac-file german.csv",
        1,
        &[
            "german.csv, line 2",
            "semicolons",
            "write.csv, not write.csv2",
        ],
    );
}

#[test]
fn arrays_that_are_no_indices_say_how_to_make_them() {
    let data = Data::new(30, 40);
    std::fs::create_dir(data.path("npy")).unwrap();
    let array = |kind: &str, count: usize, elements: &[u8]| {
        let header =
            format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({count},), }}");
        let header = format!("{header:<117}\n");
        let length = (header.len() as u16).to_le_bytes();
        [
            b"\x93NUMPY\x01\x00",
            &length[..],
            header.as_bytes(),
            elements,
        ]
        .concat()
    };
    data.write("npy/test_split.npy", array("<i2", 2, &[0, 0, 1, 0]));
    data.write("npy/validation_split.npy", array("<i2", 2, &[2, 0, 3, 0]));
    let mask: Vec<u8> = (0..30).map(|i| u8::from(i > 3)).collect();
    let names = "chr1"
        .bytes()
        .flat_map(|b| [b, 0, 0, 0])
        .collect::<Vec<u8>>();
    for (kind, count, elements, remedy) in [
        ("|b1", 30, &mask[..], "np.where(mask)[0]"),
        ("|u1", 30, &mask, "np.where(mask)[0]"),
        (
            "<U4",
            1,
            &names,
            "np.savetxt('train_split.txt', names, fmt='%s')",
        ),
        (
            "|S4",
            1,
            b"chr1",
            "np.savetxt('train_split.txt', names, fmt='%s')",
        ),
        (
            "|O",
            1,
            b"\x80\x02]q\x00.",
            "np.savetxt('train_split.txt', names, fmt='%s')",
        ),
        ("<f4", 1, &[0, 0, 0, 0], "astype('int64')"),
    ] {
        data.write("npy/train_split.npy", array(kind, count, elements));
        data.refuses("--split-folder npy", 1, &["npy/train_split.npy", remedy]);
    }
    // The same as text.
    std::fs::remove_file(data.path("npy/train_split.npy")).unwrap();
    for (lines, part) in [
        (
            ["0\n", "1\n"],
            "train_split.txt: nothing but 0 and 1; expected row indices",
        ),
        (
            ["False\n", "True\n"],
            "train_split.txt, line 1: 'False' is no row of the signal table",
        ),
    ] {
        let line = |&byte: &u8| lines[usize::from(byte)];
        let text: String = mask.iter().map(line).collect();
        data.write("npy/train_split.txt", text);
        data.refuses(
            "--split-folder npy",
            1,
            &[part, "a mask: save np.where(mask)[0]"],
        );
    }
}

#[test]
fn sequences_with_commas_are_read_as_with_tabs() {
    let data = Data::new(30, 40);
    one_epoch(&data, "tabs", "").ok();
    let list = text(data.path("sequences.tsv"));
    data.write("bare.txt", list.replace('\t', ","));
    data.write("blank.txt", list.replace('\t', ", "));
    data.write(
        "quoted.csv",
        format!(
            "\"{}\"",
            list.trim().replace('\t', "\" , \"").replace('\n', "\"\n\"")
        ),
    );
    for file in ["bare.txt", "blank.txt", "quoted.csv"] {
        let out = format!("of_{file}");
        one_epoch(&data, &out, &format!("--sequences {file}")).ok();
        let weights = |model: &str| bytes(data.path(&format!("{model}/{BEST}")));
        assert!(weights(&out) == weights("tabs"), "{file}");
    }
    data.write(
        "head.csv",
        format!("name,sequence\n{}", list.replace('\t', ",")),
    );
    let header = "head.csv, line 1: sequence 'name': 'e' at base 2 is not DNA";
    data.refuses(
        "--sequences head.csv",
        1,
        &[header, "a header? A list of sequences has none"],
    );
}

#[test]
fn sequences_of_n_alone_are_warned_of_by_name() {
    let data = Data::new(30, 40);
    let list = text(data.path("sequences.tsv"));
    let list: String = list
        .lines()
        .enumerate()
        .map(|(i, line)| match (i, line.split_once('\t')) {
            (9 | 20, Some((name, _))) => format!("{name}\t{}\n", "N".repeat(40)),
            _ => format!("{line}\n"),
        })
        .collect();
    data.write("n.list", list);
    let warning = format!(
        "warning: sequences without a single A, C, G or T: '{}', '{}'",
        data.names[9], data.names[20]
    );
    for run in [
        one_epoch(&data, "m", "--sequences n.list"),
        data.run("tisfm test --model m"),
        data.run("tisfm predict --model m --sequences n.list"),
    ] {
        let run = run.ok();
        assert!(run.err.contains(&warning), "{}", run.err);
    }
    let run = data
        .run("tisfm predict --model m --sequences sequences.tsv")
        .ok();
    assert!(!run.err.contains("warning"), "{}", run.err);
}

#[test]
fn an_output_that_is_constant_in_training_is_warned_of_and_all_are_an_error() {
    let data = Data::new(30, 40);
    // Six rows are of validation and test: there MCF7 differs.
    let held: Vec<&str> = data.names[..6].iter().map(String::as_str).collect();
    let flat = rows(&data, |name, values| {
        let second = if held.contains(&name) {
            values[1]
        } else {
            "0.5"
        };
        format!("{name}\t{}\t{second}\n", values[0])
    });
    data.write("flat.tsv", format!("K562\tMCF7\n{flat}"));
    let run = one_epoch(&data, "flat", "--atac-file flat.tsv").ok();
    let warning = "warning: output 'MCF7' is one and the same number in all training sequences: what is predicted there means nothing";
    assert!(run.err.contains(warning), "{}", run.err);
    assert_eq!(run.err.matches("warning").count(), 1, "{}", run.err);
    // The other way round: training is not touched, correlations are.
    let flat = rows(&data, |name, values| {
        let second = if held.contains(&name) {
            "0.5"
        } else {
            values[1]
        };
        format!("{name}\t{}\t{second}\n", values[0])
    });
    data.write("held.tsv", format!("K562\tMCF7\n{flat}"));
    let run = one_epoch(&data, "held", "--atac-file held.tsv").ok();
    for part in ["validation", "test"] {
        let warning = format!(
            "warning: output 'MCF7' is one and the same number in all {part} sequences: correlations there are not defined"
        );
        assert!(run.err.contains(&warning), "{}", run.err);
        let flag = if part == "test" {
            ""
        } else {
            "--use-validation"
        };
        let test = data.run(&format!("tisfm test --model held {flag}")).ok();
        assert!(test.err.contains(&warning), "{}", test.err);
    }
    let flat = rows(&data, |name, _| format!("{name}\t1\t0.5\n"));
    data.write("all.tsv", format!("K562\tMCF7\n{flat}"));
    data.refuses(
        "--atac-file all.tsv",
        1,
        &["nothing to learn: every output ('K562', 'MCF7') is one and the same number in all training sequences"],
    );
}

#[test]
fn factornets_positives_on_n_alone_are_warned_of_by_name() {
    let cells = Cells::new();
    // N under a peak of a training chromosome.
    let mut genome = text(cells.path("genome.fa")).into_bytes();
    let first = genome.iter().position(|&b| b == b'\n').unwrap() + 1;
    // 60 bases and a line end for each line.
    for base in 25_100..25_300 {
        genome[first + base + base / 60] = b'N';
    }
    cells.write("genome.fa", genome);
    let peaks = text(cells.path("A/CTCF.bed"));
    cells.write("A/CTCF.bed", format!("{peaks}chr1\t25050\t25350\n"));
    let warning =
        "warning: positive without a single A, C, G or T in the window: 'chr1:25100-25300'";
    for run in [cells.train("one", "-e 1"), cells.train_all("all", "-e 1")] {
        let run = run.ok();
        assert!(run.err.contains(warning), "{}", run.err);
    }
}

/// Two factors' peaks together cover windows, and no peak alone does.
#[test]
fn factornet_without_a_positive_ends_before_the_first_epoch() {
    let cells = Cells::new();
    let bed = |offset: u32| -> String {
        let places = (1..3).flat_map(|chromosome| {
            (1..10).map(move |i| {
                let start = i * 5_000 + offset;
                format!("chr{chromosome}\t{start}\t{}\n", start + 80)
            })
        });
        places.collect()
    };
    cells.write("A/left.bed", bed(0));
    cells.write("A/right.bed", bed(80));
    cells.write("A/chip.txt", "left.bed\tL\nright.bed\tR\n");
    let run = cells.train_all("never", "");
    run.fails(
        1,
        &[
            "no positive for training",
            "no peak covers 101 of the 200 bases",
        ],
    );
    assert!(!cells.path("never").exists());
    // One factor: no peak on a training chromosome.
    cells.write("A/left.bed", "chr2\t5000\t5300\n");
    cells.refuses("-f L", 1, &["no positive for training"]);
}

/// Outputs may be called 1 and 2, and a first row of whole numbers looks the same: that is said.
#[test]
fn a_header_of_whole_numbers_is_no_silent_one() {
    let data = Data::new(30, 40);
    let table = text(data.path("signals.tsv"));
    let (_, rows) = table.split_once('\n').unwrap();
    data.write("whole.tsv", format!("peak\t1\t2\n{rows}"));
    let run = one_epoch(&data, "whole", "--atac-file whole.tsv").ok();
    let note = "note: whole.tsv, line 1: taken as the header, so the outputs are called '1', '2'; if it is the row of 'peak', put a header before it";
    assert!(run.err.contains(note), "{}", run.err);
    data.write("named.tsv", format!("1\t2\n{rows}"));
    let run = one_epoch(&data, "named", "--atac-file named.tsv").ok();
    assert!(!run.err.contains("taken as the header"), "{}", run.err);
}
