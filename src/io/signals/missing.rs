//! Numbers that a signal table does not have.

use super::SignalTable;
use crate::numbers::{counted, is_or_are};

/// A field without a number: empty, `NA` as R writes it, `NaN` as numpy and others do.
pub(super) fn is_missing(field: &str) -> bool {
    let no_number = || field.parse::<f64>().is_ok_and(f64::is_nan);
    field.is_empty() || field.eq_ignore_ascii_case("NA") || no_number()
}

impl SignalTable {
    /// How many numbers of an output are missing.
    fn missing(&self, output: usize) -> usize {
        let column = self.values.iter().skip(output).step_by(self.outputs.len());
        column.filter(|value| value.is_nan()).count()
    }

    /// The outputs all of whose numbers are missing.
    pub(super) fn without_numbers(&self) -> impl Iterator<Item = &str> {
        let outputs = self.outputs.iter().enumerate();
        let empty = outputs.filter(|(output, _)| self.missing(*output) == self.rows.len());
        empty.map(|(_, name)| name.as_str())
    }

    /// What there is to say of missing numbers and of rows that are left out for want of a number or of a weight.
    pub fn left_out(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let all = self.values.len();
        let missing = self.values.iter().filter(|value| value.is_nan()).count();
        let path = self.path.display();
        if missing > 0 {
            let most = (0..self.outputs.len()).max_by_key(|&output| {
                // Of equal ones the first.
                (self.missing(output), self.outputs.len() - output)
            });
            let most = most.filter(|_| self.outputs.len() > 1).map(|output| {
                let (name, here) = (&self.outputs[output], self.missing(output));
                format!(", most in '{name}' ({here} of {})", self.rows.len())
            });
            notes.push(format!(
                "note: {path}: {missing} of {} {} missing ({:.1} %){}: left out of loss and measures",
                counted(all, "number"),
                is_or_are(missing),
                100.0 * missing as f64 / all as f64,
                most.unwrap_or_default(),
            ));
        }
        let empty = |row: &usize| self.row(*row).iter().all(|value| value.is_nan());
        let empty = (0..self.rows.len()).filter(empty).count();
        let weights = self.weights.iter().flatten();
        let weightless = weights.filter(|weight| **weight == 0.0).count();
        for (count, what) in [
            (empty, "without any number"),
            (weightless, "of the weight 0"),
        ] {
            if count > 0 {
                notes.push(format!(
                    "note: {path}: {} {what} {} left out of training, validation and test",
                    counted(count, "row"),
                    is_or_are(count)
                ));
            }
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_no_number() {
        for field in ["", "NA", "na", "NaN", "nan", "-nan"] {
            assert!(is_missing(field), "{field}");
        }
        for field in ["0", "inf", "N/A", ".", "-", "null", "none"] {
            assert!(!is_missing(field), "{field}");
        }
    }

    #[test]
    fn what_is_missing_is_counted() {
        let nan = f64::NAN;
        let mut table = SignalTable {
            path: "s.tsv".into(),
            corner: None,
            rows: ["p", "q", "r"].map(String::from).to_vec(),
            outputs: ["a", "b"].map(String::from).to_vec(),
            values: vec![1.0, nan, nan, nan, 2.0, 3.0],
            weights: Some(vec![0.0, 1.0, 2.0]),
            batches: None,
        };
        assert_eq!(
            table.left_out(),
            [
                "note: s.tsv: 3 of 6 numbers are missing (50.0 %), most in 'b' (2 of 3): left out of loss and measures",
                "note: s.tsv: 1 row without any number is left out of training, validation and test",
                "note: s.tsv: 1 row of the weight 0 is left out of training, validation and test",
            ]
        );
        table.values = vec![0.0; 6];
        table.weights = None;
        assert!(table.left_out().is_empty());
    }
}
