//! `--stat-out`: a table of several models' losses, a row each, as the original writes it.

use crate::io::atomic::write_atomic;
use crate::models::tisfm::measured::Score;
use crate::models::tisfm::motif_ranks::motif_ranks;
use crate::models::tisfm::saved::SavedModel;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// Ranks that the original writes beside the losses, where a model has the motif and the output.
const RANKS: [(&str, &str, &str); 4] = [
    ("Pax5", "Pax5+M1848_1.02+I", "B"),
    ("Irf4", "Irf4+M1264_1.02+D", "B"),
    ("Ebf1", "Ebf1+M3690_1.02+D", "B"),
    ("Rorc", "Rorc+M6455_1.02+I", "innate.lym"),
];

/// The table as it is, and what a row of this model needs.
pub(super) struct Table {
    file: PathBuf,
    header: String,
    /// Lines that are there, the header among them.
    lines: Vec<String>,
    ranks: Vec<usize>,
}

impl Table {
    /// # Errors
    /// A file that is there and has other columns.
    pub fn open(file: &Path, model: &SavedModel, outputs: &[String]) -> Result<Self> {
        let ranked = motif_ranks(model).unwrap_or_default();
        let mut columns = vec!["model", "overall"];
        columns.extend(outputs.iter().map(String::as_str));
        let mut ranks = Vec::new();
        for (name, motif, output) in RANKS {
            let found = ranked
                .iter()
                .find(|r| r.motif == motif && r.output == output);
            if let Some(found) = found {
                columns.push(name);
                // From 0, as in the original's table.
                ranks.push(found.rank - 1);
            }
        }
        let header = columns.join("\t");
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(Error::io(file, e)),
        };
        let lines: Vec<String> = text.lines().map(String::from).collect();
        // pandas, with which the original writes, leaves the first name empty.
        let nameless = header.strip_prefix("model").unwrap_or_default();
        if let Some(first) = lines.first()
            && *first != header
            && first != nameless
        {
            return Err(Error::format_at(
                file,
                1,
                format!(
                    "has the columns {}; this model's row has {}: name another file",
                    first.replace('\t', ", "),
                    columns.join(", ")
                ),
            ));
        }
        Ok(Table {
            file: file.to_path_buf(),
            header,
            lines,
            ranks,
        })
    }

    /// Adds a row: the mean squared errors, then the ranks.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add(self, index: &str, scores: &[Score]) -> Result<()> {
        let mut row = vec![index.replace(['\t', '\n'], " ")];
        if let Some((all, each)) = scores.split_last() {
            row.extend(
                [all]
                    .into_iter()
                    .chain(each)
                    .map(|score| format!("{:?}", score.mse)),
            );
        }
        row.extend(self.ranks.iter().map(usize::to_string));
        let mut lines = self.lines;
        if lines.is_empty() {
            lines.push(self.header);
        }
        lines.push(row.join("\t"));
        write_atomic(&self.file, |w| writeln!(w, "{}", lines.join("\n")))
    }
}
