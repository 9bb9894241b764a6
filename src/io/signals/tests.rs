use super::*;
use proptest::prelude::*;

fn parse(text: &str) -> Result<SignalTable> {
    with_columns(text, None, None)
}

fn with_columns(text: &str, weights: Option<&str>, batch: Option<&str>) -> Result<SignalTable> {
    let own = RowColumns {
        weights: weights.map(String::from),
        batch: batch.map(String::from),
    };
    parse_signals(
        Lines::new("s.tsv", std::io::Cursor::new(text.to_string())),
        &own,
    )
}

#[test]
fn the_header_may_name_the_row_column_or_not() {
    for text in [
        "K562\tMCF7\np1\t1\t-2.5\np2\t0\t1e3\n",
        "name\tK562\tMCF7\np1\t1\t-2.5\np2\t0\t1e3",
        "\tK562\tMCF7\r\np1\t1\t-2.5\r\n\r\np2\t0\t1e3\r\n",
        "K562 MCF7\np1  1 -2.5\np2 0   1e3\n",
    ] {
        let table = parse(text).unwrap();
        assert_eq!(table.rows, ["p1", "p2"]);
        assert_eq!(table.outputs, ["K562", "MCF7"]);
        assert_eq!(table.values, [1.0, -2.5, 0.0, 1e3]);
        assert_eq!(table.row(1), [0.0, 1e3]);
    }
}

#[test]
fn one_output_needs_no_tab_in_the_header_and_names_may_hold_spaces() {
    assert_eq!(parse("K562\np1\t1\n").unwrap().outputs, ["K562"]);
    let table = parse("T cells\tB cells\npeak 1\t1\t2\n").unwrap();
    assert_eq!(
        (table.rows[0].as_str(), table.outputs[0].as_str()),
        ("peak 1", "T cells")
    );
    assert_eq!(parse("name\t1\t2\nx\t0\t0\n").unwrap().outputs, ["1", "2"]);
}

#[test]
fn tables_of_spreadsheets_and_r_read_as_tabs_do() {
    let plain = parse("name\tT cells\tMCF7\np1\t1\t-2.5\np2\t0\t1e3\n").unwrap();
    for text in [
        // write.table with sep = "\t", with its own separator, and with col.names = NA.
        "\"T cells\"\t\"MCF7\"\n\"p1\"\t1\t-2.5\n\"p2\"\t0\t1e3\n",
        "\"T cells\" \"MCF7\"\n\"p1\" 1 -2.5\n\"p2\" 0 1e3\n",
        "\"\" \"T cells\" \"MCF7\"\n\"p1\" 1 -2.5\n\"p2\" 0 1e3\n",
        // write.csv, a spreadsheet, and one without a corner.
        "\"\",\"T cells\",\"MCF7\"\n\"p1\",1,-2.5\n\"p2\",0,1e3\n",
        "name,T cells,MCF7\r\np1,1,-2.5\r\np2,0,1e3\r\n",
        "T cells,MCF7\np1, 1, -2.5\np2, 0, 1e3\n",
    ] {
        let table = parse(text).unwrap();
        assert_eq!(table.rows, plain.rows, "{text}");
        assert_eq!(table.outputs, plain.outputs, "{text}");
        assert_eq!(table.values, plain.values, "{text}");
    }
    assert_eq!(parse("K562\np1,1\n").unwrap().outputs, ["K562"]);
}

#[test]
fn every_fault_names_its_line() {
    for (text, expected) in [
        ("", "s.tsv: the file is empty; expected a header line"),
        ("\n \n", "s.tsv: the file is empty"),
        ("a\tb\n", "s.tsv, line 1: a header and no rows"),
        ("a|b\np1|1|2\n", "line 2: 'p1|1|2': one column"),
        (
            "\"a\nb\"\np1\t1\n",
            "line 1: a quote (\") that is not closed",
        ),
        (
            "a\np1\t1\n\"p2\t1\n",
            "line 3: a quote (\") that is not closed",
        ),
        (
            "a;b\np1;1,5;2\n",
            "line 2: 'p1;1,5;2': fields separated by semicolons; expected tabs or commas",
        ),
        ("a\tb\np1\t1\n", "line 1: 2 fields in the header"),
        (
            "a\tb\tc\td\np1\t1\n",
            "line 1: 4 fields in the header and 2 in the first row",
        ),
        (
            "a\tb\np1\t1\t2\np2\t1\n",
            "line 3: 1 value in row 'p2'; expected 2",
        ),
        (
            "a\tb\np1\t1\t2\n\np2\t1\t2\t3\n",
            "line 4: 3 values in row 'p2'; expected 2",
        ),
        (
            "a\tb\np1\t1\tx\n",
            "line 2: 'x' in row 'p1', column 'b'; expected a finite number",
        ),
        (
            "a\tb\np1\t1\t\np2\t1\tNA\n",
            "line 1: column 'b': no number in any of 2 rows",
        ),
        (
            "a\tb\np1\tNaN\t1\n",
            "line 1: column 'a': no number in any of 1 row",
        ),
        (
            "a\tb\np1\t1\t-inf\n",
            "line 2: '-inf' in row 'p1', column 'b'",
        ),
        (
            "a\tb\np1\t1\t1e999\n",
            "line 2: '1e999' in row 'p1', column 'b'",
        ),
        (
            "a\tb\np1\t1\t-1e39\n",
            "line 2: '-1e39' in row 'p1', column 'b'; expected numbers up to 3.4e38",
        ),
        (
            "a\tb\np1\t1\t0,5\n",
            "expected a finite number (with a point, not a comma)",
        ),
        ("a\na\t1\na\t2\n", "line 3: row 'a' again, first on line 2"),
        ("a\ta\np1\t1\t2\n", "line 1: output 'a' twice"),
        ("a\t\np1\t1\t2\n", "line 1: an output without a name"),
        ("a\tb\n\t1\t2\n", "line 2: a row without a name"),
        (
            "chr1:1-2\t0.5\nchr1:5-6\t0.6\n",
            "line 1: no header: 'chr1:1-2' and numbers",
        ),
        (
            "p1\t0.5\t1\tNA\np2\t0.6\t2\t3\n",
            "line 1: no header: 'p1' and numbers ('0.5', '1', 'NA'); expected a first line",
        ),
        ("p1,1e-3\np2,0.6\n", "line 1: no header: 'p1' and numbers"),
        (
            "0.5\t1.5\np2\t1\t2\n",
            "line 1: no header: numbers ('0.5', '1.5')",
        ),
        (
            "K562\tMCF7\t\np1\t1\t2\n",
            "line 1: an output without a name",
        ),
        (
            "name\ta\n1\tpeak_1\t1\n",
            "line 2: 'peak_1' in row '1', column 'name'; expected a finite number; are the rows numbered",
        ),
        (
            "a\np1\t0,5\n",
            "line 2: '0,5' in row 'p1', column 'a'; expected a finite number (with a point",
        ),
    ] {
        let found = match parse(text) {
            Err(e) => e.to_string(),
            // Two fields and two: the header's first one then names the rows.
            Ok(table) => {
                assert_eq!(text, "a\tb\np1\t1\n");
                assert_eq!(table.outputs, ["b"]);
                continue;
            }
        };
        assert!(found.contains(expected), "{found}\n  expected: {expected}");
    }
}

#[test]
fn real_tables_read_whole() {
    let Some(data) = crate::real_data::real_data() else {
        return;
    };
    let folder = data.join("tisfm");
    for (name, rows, outputs) in [
        ("chr22_atac3/signals.tsv.gz", 8710, 3),
        ("chr22_atac3/signals_rowcentred.tsv.gz", 8710, 3),
        ("immgen_sample/signals.tsv", 100, 81),
    ] {
        let table = read_signals(folder.join(name)).unwrap();
        assert_eq!(
            (table.rows.len(), table.outputs.len()),
            (rows, outputs),
            "{name}"
        );
    }
}

proptest! {
    #[test]
    fn any_table_reads_back_to_the_same_numbers(
        values in prop::collection::vec(prop::array::uniform3(-3e38..3e38_f64), 1..20),
        named in any::<bool>(),
    ) {
        let mut text = String::from(if named { "name\ta\tb\tc\n" } else { "a\tb\tc\n" });
        for (i, [a, b, c]) in values.iter().enumerate() {
            text.push_str(&format!("row{i}\t{a}\t{b:e}\t{c:?}\n"));
        }
        prop_assert_eq!(parse(&text).unwrap().values, values.concat());
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(a|b|1|-|nan|\t|\n| |é){0,40}") {
        let _ = parse(&text);
    }
}

#[test]
fn empty_fields_na_and_nan_are_missing_numbers() {
    for text in [
        "a\tb\np1\t1\t\np2\t\t2\np3\t3\t4\n",
        "a,b\np1,1,\np2, ,2\np3,3,4\n",
        "name,a,b\np1,1,NA\np2,NaN,2\np3,3,4\n",
        "a b\np1 1 NA\np2 nan 2\np3 3 4\n",
        "\"a\" \"b\"\n\"p1\" 1 NA\n\"p2\" NA 2\n\"p3\" 3 4\n",
    ] {
        let table = parse(text).unwrap();
        let shown: Vec<String> = table.values.iter().map(f64::to_string).collect();
        assert_eq!(shown, ["1", "NaN", "NaN", "2", "3", "4"], "{text}");
        assert_eq!(table.outputs, ["a", "b"], "{text}");
    }
}

#[test]
fn columns_of_weights_and_batches_are_no_outputs() {
    let text = "name\ta\tlab\tb\tw\np1\t1\tx y\t2\t0.5\np2\t3\tz\tNA\t0\n";
    let table = with_columns(text, Some("w"), Some("lab")).unwrap();
    assert_eq!(table.outputs, ["a", "b"]);
    assert_eq!(table.values[..3], [1.0, 2.0, 3.0]);
    assert_eq!(table.weights, Some(vec![0.5, 0.0]));
    assert_eq!(
        table.batches,
        Some(vec!["x y".to_string(), "z".to_string()])
    );
    for (text, weights, batch, expected) in [
        (
            text,
            Some("W1"),
            None,
            "line 1: no column 'W1' (--weights); did you mean 'w'",
        ),
        (
            text,
            None,
            Some("labs"),
            "no column 'labs' (--batch-column); did you mean 'lab'",
        ),
        (
            text,
            Some("w"),
            Some("w"),
            "--batch-column w: it is the column of --weights",
        ),
        (
            text,
            Some("lab"),
            None,
            "line 2: 'x y' in row 'p1', column 'lab'; expected a weight",
        ),
        (
            "a\tw\np1\t1\t-1\n",
            Some("w"),
            None,
            "'-1' in row 'p1', column 'w'; expected a weight, a number of 0",
        ),
        (
            "a\tw\np1\t1\tNA\n",
            Some("w"),
            None,
            "'NA' in row 'p1', column 'w'; expected a weight",
        ),
        ("a\tw\np1\t1\tinf\n", Some("w"), None, "expected a weight"),
        ("a\tw\np1\t1\t1e39\n", Some("w"), None, "expected a weight"),
        (
            "k\ta\tw\np1\t1\t0\n",
            Some("w"),
            None,
            "line 1: column 'w': all weights are 0",
        ),
        (
            "k\ta\tw\np1\t1\t\n",
            None,
            Some("w"),
            "line 2: '' in row 'p1', column 'w'; expected the name",
        ),
        (
            "k\ta\tw\np1\t1\tNA\n",
            None,
            Some("w"),
            "expected the name of the row's batch",
        ),
        (
            "k\ta\tw\np1\t1\t1\n",
            Some("w"),
            Some("a"),
            "no column of signals is left",
        ),
    ] {
        let found = with_columns(text, weights, batch).unwrap_err().to_string();
        assert!(found.contains(expected), "{found}\n  expected: {expected}");
    }
}
