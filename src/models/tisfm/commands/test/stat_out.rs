//! `--stat-out`: a table of several models' losses, a row each, as the original writes it.

use crate::io::grown_table::GrownTable;
use crate::models::tisfm::measured::Score;
use crate::models::tisfm::motif_ranks::FinalLayer;
use crate::models::tisfm::saved::SavedModel;
use crate::{Error, Result};

/// Ranks that the original writes beside the losses, where a model has the motif and the output. Its list holds the pads of
/// the motif layer too, and so do these places.
const RANKS: [(&str, &str, &str); 4] = [
    ("Pax5", "Pax5+M1848_1.02+I", "B"),
    ("Irf4", "Irf4+M1264_1.02+D", "B"),
    ("Ebf1", "Ebf1+M3690_1.02+D", "B"),
    ("Rorc", "Rorc+M6455_1.02+I", "innate.lym"),
];

/// The table, and what a row of this model needs.
pub(super) struct Table {
    file: GrownTable,
    columns: Vec<String>,
    ranks: Vec<usize>,
}

impl Table {
    /// # Errors
    /// A file that is there and has other columns.
    pub fn open(file: GrownTable, model: &SavedModel, outputs: &[String]) -> Result<Self> {
        let mut columns = vec!["model".to_string(), "overall".to_string()];
        columns.extend(outputs.iter().cloned());
        let mut ranks = Vec::new();
        // Not every architecture ranks motifs.
        if let Ok(layer) = FinalLayer::of(model) {
            let motifs = &model.config.model.motifs;
            for (name, motif, output) in RANKS {
                let output = outputs.iter().position(|name| name == output);
                let motif = motifs.iter().position(|id| id == motif);
                if let (Some(output), Some(motif)) = (output, motif)
                    && let Some(place) = layer.place_of_original(output, motif)
                {
                    columns.push(name.to_string());
                    ranks.push(place);
                }
            }
        }
        let table = Table {
            file,
            columns,
            ranks,
        };
        table.check(&table.file.lines()?)?;
        Ok(table)
    }

    /// That lines are those of a table to which this model's row can be added.
    fn check(&self, lines: &[String]) -> Result<()> {
        let header = self.columns.join("\t");
        // pandas, with which the original writes, leaves the first name empty.
        let nameless = header.strip_prefix("model").unwrap_or_default();
        match lines.first() {
            Some(first) if *first != header && first != nameless => Err(Error::format_at(
                self.file.path(),
                1,
                format!(
                    "has the columns {}; this model's row has {}: name another file",
                    first.replace('\t', ", "),
                    self.columns.join(", ")
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Adds a row: the mean squared errors, then the ranks.
    ///
    /// # Errors
    /// The file cannot be written, or has become another table.
    pub fn add(self, index: &str, scores: &[Score]) -> Result<()> {
        let mut row = vec![index.to_string()];
        if let Some((all, each)) = scores.split_last() {
            row.extend(
                [all]
                    .into_iter()
                    .chain(each)
                    .map(|score| format!("{:?}", score.mse)),
            );
        }
        row.extend(self.ranks.iter().map(usize::to_string));
        self.file.change(|mut lines| {
            // Another run may have added to it, or made it, meanwhile.
            self.check(&lines)?;
            if lines.is_empty() {
                lines.push(self.columns.join("\t"));
            }
            lines.push(row.join("\t"));
            Ok(lines)
        })
    }
}
