//! What of a data set can neither teach nor test a model: sequences without a base, outputs that are the same in every row.

use super::Notes;
use super::dataset::Dataset;
use super::split::rows::{PARTS, Split};
use crate::dna::bases::N;
use crate::io::text::first_names;
use crate::{Error, Result};

/// A warning that names the sequences of which no base is known. `codes`: names x length, row-major.
pub fn without_bases(names: &[String], codes: &[u8], length: usize) -> Option<String> {
    let rows = names.iter().zip(codes.chunks_exact(length.max(1)));
    let empty = rows.filter(|(_, row)| row.iter().all(|&code| code == N));
    let empty: Vec<&String> = empty.map(|(name, _)| name).collect();
    let what = match empty.len() {
        0 => return None,
        1 => "sequence without",
        _ => "sequences without",
    };
    Some(format!(
        "warning: {what} a single A, C, G or T: {}; what a model makes of N alone means nothing",
        first_names(&empty)
    ))
}

/// The outputs whose signal is one and the same in all these rows; all of them where there is but one row or none.
pub fn constant_outputs<'a>(data: &'a Dataset, rows: &[usize]) -> Vec<&'a str> {
    let outputs = data.outputs.iter().enumerate();
    let same = |output: usize| {
        let mut signals = rows.iter().map(|&row| data.signals(row)[output]);
        let first = signals.next();
        signals.all(|signal| Some(signal) == first)
    };
    outputs
        .filter(|(output, _)| same(*output))
        .map(|(_, name)| name.as_str())
        .collect()
}

/// What to know before training: outputs that are constant over the training rows, and where others are over the rows of
/// validation or test.
///
/// # Errors
/// Every output is constant over the training rows.
pub fn check(data: &Dataset, split: &Split) -> Result<Notes> {
    let [in_training, _, _] = split.parts().map(|rows| constant_outputs(data, rows));
    if in_training.len() == data.outputs.len() {
        let which = match in_training.len() {
            1 => "the only output",
            _ => "every output",
        };
        return Err(Error::invalid(format!(
            "nothing to learn: {which} ({}) is one and the same number in all training sequences; expected signals that differ (look at the table's columns and at the split)",
            first_names(&in_training)
        )));
    }
    let mut notes = Notes::new();
    notes.extend(warning(
        &in_training,
        "training",
        "what is predicted there means nothing",
    ));
    for (part, rows) in PARTS.iter().zip(split.parts()).skip(1) {
        let mut here = constant_outputs(data, rows);
        here.retain(|output| !in_training.contains(output));
        notes.extend(undefined(&here, part, rows));
    }
    Ok(notes)
}

/// A warning that names the outputs whose correlations over the rows of a part are not defined. One row has none anyway.
pub fn undefined(outputs: &[&str], part: &str, rows: &[usize]) -> Option<String> {
    let outputs = if rows.len() < 2 { &[] } else { outputs };
    warning(outputs, part, "correlations there are not defined")
}

fn warning(outputs: &[&str], part: &str, therefore: &str) -> Option<String> {
    let (noun, verb) = match outputs.len() {
        0 => return None,
        1 => ("output", "is"),
        _ => ("outputs", "are each"),
    };
    Some(format!(
        "warning: {noun} {} {verb} one and the same number in all {part} sequences: {therefore}",
        first_names(outputs)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(signals: &[[f64; 3]]) -> Dataset {
        Dataset {
            names: (0..signals.len()).map(|i| format!("s{i}")).collect(),
            outputs: ["a", "b", "c"].map(String::from).to_vec(),
            length: 2,
            codes: vec![0; 2 * signals.len()],
            signals: signals.concat(),
            chromosomes: None,
        }
    }

    fn split(train: &[usize], validation: &[usize], test: &[usize]) -> Split {
        Split {
            train: train.to_vec(),
            validation: validation.to_vec(),
            test: test.to_vec(),
        }
    }

    #[test]
    fn sequences_of_n_alone_are_named() {
        let names = ["x", "y", "z"].map(String::from);
        assert_eq!(without_bases(&names, &[4, 0, 4, 3, 1, 4], 2), None);
        let one = without_bases(&names, &[4, 0, 4, 4, 1, 4], 2).unwrap();
        assert!(
            one.starts_with("warning: sequence without a single A, C, G or T: 'y';"),
            "{one}"
        );
        let two = without_bases(&names, &[4, 4, 4, 4, 1, 4], 2).unwrap();
        assert!(
            two.contains("sequences without a single A, C, G or T: 'x', 'y';"),
            "{two}"
        );
        assert_eq!(without_bases(&[], &[], 0), None);
    }

    #[test]
    fn training_rows_alone_decide_what_can_be_learned() {
        // Output a differs in row 3 alone, b among the training rows, c everywhere.
        let data = data(&[
            [1.0, 0.0, 1.0],
            [1.0, 2.0, 2.0],
            [1.0, 2.0, 3.0],
            [9.0, 2.0, 4.0],
        ]);
        let notes = check(&data, &split(&[0, 1], &[1, 2], &[2, 3])).unwrap();
        assert_eq!(
            notes,
            [
                "warning: output 'a' is one and the same number in all training sequences: what is predicted there means nothing",
                "warning: output 'b' is one and the same number in all validation sequences: correlations there are not defined",
                "warning: output 'b' is one and the same number in all test sequences: correlations there are not defined",
            ]
        );
        assert!(
            check(&data, &split(&[0, 1, 2, 3], &[0], &[1]))
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn outputs_that_are_all_constant_are_an_error() {
        let data = data(&[[1.0, 0.0, 5.0], [1.0, 0.0, 5.0], [2.0, 1.0, 6.0]]);
        let error = check(&data, &split(&[0, 1], &[2], &[2])).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains(
                "every output ('a', 'b', 'c') is one and the same number in all training"
            ),
            "{error}"
        );
        assert!(check(&data, &split(&[0, 1, 2], &[0], &[1])).is_ok());
    }
}
