//! Sequences and signals, joined by name.

use std::collections::HashMap;
use std::path::Path;

use crate::data::Notes;
use crate::dna::sequences::{Sequences, chromosome_of, start_in_name};
use crate::io::sequences::parse_sequences;
use crate::io::signals::{RowColumns, SignalTable, parse_signals};
use crate::io::text::{Lines, first_names};
use crate::{Error, Result};

/// What a model is trained and tested on: a sequence and its signals a row, in the order of the
/// signal table. A row's number, counted from 0, is the index that splits speak of.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The rows' names, unique.
    pub names: Vec<String>,
    /// The outputs' names, unique.
    pub outputs: Vec<String>,
    /// The number of bases of every sequence.
    pub length: usize,
    /// Codes (0 to 3 for A, C, G, T; 4 for none of them), names x length, row-major.
    pub codes: Vec<u8>,
    /// Finite signals, NaN where one is missing, names x outputs, row-major.
    pub signals: Vec<f64>,
    /// How much each row counts in the loss, 0 or more, where the table says.
    pub weights: Option<Vec<f64>>,
    /// The batch (experiment) of each row, where the table says.
    pub batches: Option<Vec<String>>,
    /// A chromosome a row, where the sequences came from a BED file.
    pub chromosomes: Option<Vec<String>>,
}

impl Dataset {
    /// Joins a table and sequences by name; the order of the sequences does not matter. Also
    /// gives the number of sequences that no row of the table names: they are left out.
    ///
    /// Errors: a table without a header, whose first line is a sequence's name and its signals; rows without a sequence:
    /// how many, and the first names.
    pub fn join(table: SignalTable, sequences: Sequences) -> Result<(Dataset, usize)> {
        let places: HashMap<&str, usize> = sequences
            .names
            .iter()
            .enumerate()
            .map(|(i, name)| (name.as_str(), i))
            .collect();
        if let Some(corner) = &table.corner
            && places.contains_key(corner.text.as_str())
        {
            return Err(Error::format_at(
                &table.path,
                corner.line,
                format!(
                    "no header: '{}' is a sequence of {}; expected a first line with the names of the outputs",
                    corner.text,
                    sequences.path.display()
                ),
            ));
        }
        let rows: Vec<Option<usize>> = table
            .rows
            .iter()
            .map(|name| places.get(name.as_str()).copied())
            .collect();
        let missing: Vec<&String> = rows
            .iter()
            .zip(&table.rows)
            .filter_map(|(place, name)| place.is_none().then_some(name))
            .collect();
        if !missing.is_empty() {
            let (which, have) = match (missing.len(), rows.len()) {
                (1, 1) => ("the only row".to_string(), "has"),
                (missing, all) if missing == all => (format!("all {all} rows"), "have"),
                (1, all) => (format!("1 of the {all} rows"), "has"),
                (missing, all) => (format!("{missing} of the {all} rows"), "have"),
            };
            let remedy = match missing.len() == rows.len() {
                true => "; expected the sequences' names in the first column",
                false => "",
            };
            return Err(Error::invalid(format!(
                "{which} of {} {have} no sequence in {}: {}; the sequences there are {}{remedy}",
                table.path.display(),
                sequences.path.display(),
                first_names(&missing),
                first_names(&sequences.names)
            )));
        }
        let rows: Vec<usize> = rows.into_iter().flatten().collect();
        let unused = sequences.len().saturating_sub(rows.len());
        let in_order = unused == 0 && rows.iter().enumerate().all(|(i, &place)| i == place);
        let chromosomes = sequences.chromosomes.as_ref().map(|all| {
            let of_row = rows.iter().filter_map(|&i| all.get(i).cloned());
            of_row.collect()
        });
        let length = sequences.length;
        let codes = if in_order {
            sequences.codes
        } else {
            let mut codes = Vec::with_capacity(rows.len() * length);
            for &i in &rows {
                codes.extend_from_slice(sequences.codes(i));
            }
            codes
        };
        let dataset = Dataset {
            names: table.rows,
            outputs: table.outputs,
            length,
            codes,
            signals: table.values,
            weights: table.weights,
            batches: table.batches,
            chromosomes,
        };
        Ok((dataset, unused))
    }

    /// Reads and joins a signal table (`own`: its columns that are no outputs) and sequences (list, FASTA, or BED with
    /// `genome`); also gives the number of sequences left out. Errors as those of the readers and [`Self::join`]; notes are
    /// there then, too.
    pub fn read(
        signals: Lines,
        own: &RowColumns,
        sequences: Lines,
        genome: Option<&Path>,
        notes: &mut Notes,
    ) -> Result<(Self, usize)> {
        let table = parse_signals(signals, own)?;
        notes.extend(table.may_lack_header());
        notes.extend(table.left_out());
        Dataset::join(table, parse_sequences(sequences, genome, notes)?)
    }

    /// Puts the outputs into another order: that of these places, each of which is one of the present outputs'.
    pub fn order_outputs(&mut self, places: &[usize]) {
        let rows = self.signals.chunks(self.outputs.len().max(1));
        let ordered = rows.flat_map(|row| places.iter().map(|&place| row[place]));
        self.signals = ordered.collect();
        self.outputs = places
            .iter()
            .map(|&place| self.outputs[place].clone())
            .collect();
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The codes of row `i`, `length` of them. Panics when there is no such row.
    pub fn codes(&self, i: usize) -> &[u8] {
        &self.codes[i * self.length..(i + 1) * self.length]
    }

    /// Row `i` has a number and a weight above 0: a split takes no other row. Panics when there is no such row.
    pub fn counts(&self, i: usize) -> bool {
        let weight = self.weights.as_ref().map_or(1.0, |weights| weights[i]);
        weight > 0.0 && self.signals(i).iter().any(|signal| !signal.is_nan())
    }

    /// The signals of row `i`, one an output. Panics when there is no such row.
    pub fn signals(&self, i: usize) -> &[f64] {
        let width = self.outputs.len();
        &self.signals[i * width..(i + 1) * width]
    }

    /// Where row `i` begins on its chromosome, counted from 0, where its name says so.
    pub fn start(&self, i: usize) -> Option<u64> {
        start_in_name(&self.names[i])
    }

    /// The chromosome of row `i`: from the BED file, else from a name like `chr1:100-200`.
    pub fn chromosome(&self, i: usize) -> Option<&str> {
        chromosome_of(self.chromosomes.as_deref(), &self.names, i)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(rows: &[&str]) -> SignalTable {
        SignalTable {
            path: "signals.tsv".into(),
            corner: None,
            rows: rows.iter().map(|r| r.to_string()).collect(),
            outputs: vec!["K562".into(), "MCF7".into()],
            values: (0..2 * rows.len()).map(|i| i as f64).collect(),
            weights: None,
            batches: None,
        }
    }

    /// A sequence's first two codes spell its place in the file.
    fn sequences(names: &[&str]) -> Sequences {
        Sequences {
            starts: Vec::new(),
            kept: Vec::new(),
            path: "peaks.fa".into(),
            names: names.iter().map(|r| r.to_string()).collect(),
            length: 2,
            codes: (0..names.len() as u8)
                .flat_map(|i| [i / 4, i % 4])
                .collect(),
            chromosomes: None,
        }
    }

    #[test]
    fn rows_find_their_sequences_by_name() {
        let mut peaks = sequences(&["c", "a", "x", "b"]);
        peaks.chromosomes = Some(["chrC", "chrA", "chrX", "chrB"].map(String::from).to_vec());
        let (data, unused) = Dataset::join(table(&["a", "b", "c"]), peaks).unwrap();
        assert_eq!(unused, 1);
        assert_eq!(
            (data.names.join(""), data.len(), data.length),
            ("abc".into(), 3, 2)
        );
        assert_eq!(
            (data.codes(0), data.codes(1), data.codes(2)),
            (&[0, 1][..], &[0, 3][..], &[0, 0][..])
        );
        assert_eq!(data.signals(2), [4.0, 5.0]);
        assert_eq!(data.chromosome(1), Some("chrB"));
    }

    #[test]
    fn rows_without_a_sequence_are_counted_and_named() {
        let rows = ["a", "p1", "p2", "p3", "p4"];
        let found = Dataset::join(table(&rows), sequences(&["a", "q"]))
            .unwrap_err()
            .to_string();
        assert_eq!(
            found,
            "4 of the 5 rows of signals.tsv have no sequence in peaks.fa: \
             'p1', 'p2', 'p3' and 1 more; the sequences there are 'a', 'q'"
        );
    }

    #[test]
    fn a_first_line_that_is_a_row_is_not_lost_as_a_header() {
        let text = "a\t1\t2\nb\t3\t4\n";
        let lines = crate::io::text::Lines::new("signals.tsv", text.as_bytes());
        let table = crate::io::signals::parse_signals(lines, &RowColumns::default()).unwrap();
        let found = Dataset::join(table, sequences(&["b", "a"])).unwrap_err();
        assert_eq!(
            found.to_string(),
            "signals.tsv, line 1: no header: 'a' is a sequence of peaks.fa; \
             expected a first line with the names of the outputs"
        );
    }

    #[test]
    fn chromosomes_come_from_names_where_no_bed_gave_them() {
        let names = ["chr1:5-7", "peak"];
        let (data, _) = Dataset::join(table(&names), sequences(&names)).unwrap();
        assert_eq!(
            (data.chromosome(0), data.chromosome(1)),
            (Some("chr1"), None)
        );
    }

    #[test]
    fn the_real_data_set_joins_from_a_list_and_from_its_genome() {
        let Some(data) = crate::real_data::real_data() else {
            return;
        };
        let folder = data.join("tisfm/chr22_atac3");
        let (signals, list) = (
            folder.join("signals.tsv.gz"),
            folder.join("sequences.list.gz"),
        );
        let open = |path: &Path| Lines::open(path).unwrap();
        let all = RowColumns::default();
        let (from_list, unused) =
            Dataset::read(open(&signals), &all, open(&list), None, &mut Notes::new()).unwrap();
        assert_eq!((from_list.len(), from_list.length, unused), (8710, 300, 0));
        assert_eq!(from_list.outputs, ["K562", "GM12878", "MCF7"]);
        assert_eq!(from_list.chromosome(8709), Some("chr22"));

        let scratch = tempfile::tempdir().unwrap();
        let bed = scratch.path().join("peaks.bed");
        let line = |name: &String| name.replace([':', '-'], "\t") + "\n";
        let lines: String = from_list.names.iter().rev().map(line).collect();
        std::fs::write(&bed, lines).unwrap();
        let genome = data.join("genome/hg38.chr22.fa.gz");
        let (from_bed, _) = Dataset::read(
            open(&signals),
            &all,
            open(&bed),
            Some(&genome),
            &mut Notes::new(),
        )
        .unwrap();
        assert!(from_bed.codes == from_list.codes);
        assert!(from_bed.signals == from_list.signals);
    }

    proptest! {
        #[test]
        fn the_order_of_the_sequences_does_not_matter(order in Just((0..12).collect::<Vec<usize>>()).prop_shuffle()) {
            let names: Vec<String> = (0..12).map(|i| format!("s{i}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let whole = sequences(&names);
            let mut shuffled = sequences(&[]);
            for &i in &order {
                shuffled.names.push(whole.names[i].clone());
                shuffled.codes.extend_from_slice(whole.codes(i));
            }
            prop_assert_eq!(Dataset::join(table(&names), shuffled).unwrap(), Dataset::join(table(&names), whole).unwrap());
        }
    }
}
