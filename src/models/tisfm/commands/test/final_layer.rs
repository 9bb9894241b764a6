//! `--plot-final-layer` and `--extract-final-layer`: the last layer as a picture, and as tables of several models.

use crate::args::own_name::FileNames;
use crate::args::say;
use crate::io::atomic::write_atomic;
use crate::io::grown_table::GrownTable;
use crate::models::tisfm::motif_ranks::FinalLayer;
use crate::models::tisfm::saved::SavedModel;
use crate::numbers::counted;
use crate::report::clusters::tree;
use crate::report::heat_map::{HeatMap, heat_map_svg};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

const DRAW: &str = "--plot-final-layer";
const EXTRACT: &str = "--extract-final-layer";
pub(super) const PICTURE: &str = "final_layer.svg";

/// What is to be written, made before the work begins, so that what cannot be drawn or added is said first.
pub(super) struct Wanted {
    layer: FinalLayer,
    picture: Option<Picture>,
    tables: Vec<Table>,
}

struct Picture {
    file: PathBuf,
    text: String,
    notes: Vec<String>,
}

struct Table {
    file: GrownTable,
    /// The motif of each row.
    rows: Vec<String>,
}

/// What is asked for.
pub(super) struct Asked<'a> {
    /// The picture's file, and how many motifs of each output it shows.
    pub picture: Option<(PathBuf, usize)>,
    /// What the tables' names begin with.
    pub tables: Option<&'a Path>,
    /// The model's column there.
    pub index: &'a str,
}

impl Wanted {
    /// # Errors
    /// A last layer that is not about motifs; nothing to draw; a table that is there and is not one of this model's motifs.
    pub fn new(model: &SavedModel, outputs: &[String], asked: Asked) -> Result<Self> {
        let flag = match asked.picture {
            Some(_) => DRAW,
            None => EXTRACT,
        };
        let layer = FinalLayer::of(model).map_err(|e| match e {
            Error::Invalid(message) => Error::invalid(format!("{flag}: {message}")),
            other => other,
        })?;
        let rows: Vec<String> = (0..layer.features.len())
            .map(|f| row_name(&layer, f, model))
            .collect();
        let mut names = FileNames::default();
        let mut found = Vec::new();
        for output in outputs.iter().filter(|_| asked.tables.is_some()) {
            let template = asked.tables.map(Path::as_os_str).unwrap_or_default();
            let mut file = template.to_owned();
            file.push(format!(".{}", names.of(output)));
            let table = Table {
                file: GrownTable::at(EXTRACT, Path::new(&file))?,
                rows: rows.clone(),
            };
            table.check(&table.file.lines()?, asked.index)?;
            found.push(table);
        }
        let picture = match asked.picture {
            Some((file, top)) => Some(draw(model, &layer, outputs, file, top)?),
            None => None,
        };
        Ok(Wanted {
            layer,
            picture,
            tables: found,
        })
    }

    /// The files, with the flags that ask for them.
    pub fn files(&self) -> Vec<(&'static str, PathBuf)> {
        let picture = self
            .picture
            .iter()
            .map(|picture| (DRAW, picture.file.clone()));
        let tables = self
            .tables
            .iter()
            .map(|table| (EXTRACT, table.file.path().to_path_buf()));
        picture.chain(tables).collect()
    }

    /// # Errors
    /// A file that cannot be written.
    pub fn write(self, index: &str) -> Result<()> {
        if let Some(Picture { file, text, notes }) = &self.picture {
            say(notes);
            write_atomic(file, |w| w.write_all(text.as_bytes()))?;
            tell!("{}", file.display());
        }
        for (output, table) in self.tables.iter().enumerate() {
            table.add(self.layer.output(output), index)?;
        }
        Ok(())
    }
}

/// The union of every output's top motifs, each motif's weights as z scores over the outputs.
fn draw(
    model: &SavedModel,
    layer: &FinalLayer,
    outputs: &[String],
    file: PathBuf,
    top: usize,
) -> Result<Picture> {
    let (count, all) = (outputs.len(), layer.features.len());
    let mut notes = Vec::new();
    if top > all {
        notes.push(format!(
            "note: --top-motifs {top}: there are {all}; all are drawn"
        ));
    }
    if layer.weights.iter().all(|w| *w == 0.0) {
        return Err(Error::invalid(format!(
            "{DRAW}: all weights of the final layer of {} are 0: there is nothing to draw",
            model.file.display()
        )));
    }
    let mut chosen: Vec<usize> = (0..count)
        .flat_map(|output| layer.ranking(output).into_iter().take(top))
        .collect();
    chosen.sort_unstable();
    chosen.dedup();
    let column =
        |feature: usize| -> Vec<f64> { (0..count).map(|o| layer.output(o)[feature]).collect() };
    let mut columns: Vec<(usize, Vec<f64>)> = chosen.iter().map(|&f| (f, column(f))).collect();
    let drawn = counted(columns.len(), "motif");
    let nothing = |what: &str| {
        let others = (0..all).map(column).any(|weights| match count {
            1 => weights[0] != 0.0,
            _ => weights.iter().any(|weight| *weight != weights[0]),
        });
        let more = match others {
            true => format!(": give a larger --top-motifs ({all} are all)"),
            false => String::new(),
        };
        Err(Error::invalid(format!(
            "{DRAW}: nothing to draw: {drawn} of {}, the first {top} of each output, {what}{more}",
            model.file.display()
        )))
    };
    let scale = if count == 1 {
        if columns.iter().all(|(_, weights)| weights[0] == 0.0) {
            return nothing("with the weight 0");
        }
        notes.push(
            "note: with one output there are no z scores; the weights are drawn as they are"
                .to_string(),
        );
        "weight"
    } else {
        for (_, weights) in &mut columns {
            standardise(weights);
        }
        let before = columns.len();
        columns.retain(|(_, z)| z.iter().all(|z| z.is_finite()));
        if columns.is_empty() {
            return nothing("each with one weight in every output, which has no z score");
        }
        let gone = before - columns.len();
        if gone > 0 {
            notes.push(format!(
                "note: {DRAW}: {} with the same weight in every output left out",
                counted(gone, "motif")
            ));
        }
        "z score"
    };
    let values: Vec<f64> = (0..count)
        .flat_map(|o| columns.iter().map(move |(_, c)| c[o]))
        .collect();
    let width = columns.len();
    let rows: Vec<Vec<f64>> = (0..count)
        .map(|o| values[o * width..(o + 1) * width].to_vec())
        .collect();
    let across: Vec<Vec<f64>> = columns.iter().map(|(_, c)| c.clone()).collect();
    let names: Vec<String> = columns
        .iter()
        .map(|(f, _)| layer.shown(*f, model))
        .collect();
    let text = heat_map_svg(&HeatMap {
        title: &format!(
            "Final layer: the first {} of each output",
            counted(top.min(all), "motif")
        ),
        scale,
        rows: outputs,
        columns: &names,
        values: &values,
        row_tree: &tree(&rows),
        column_tree: &tree(&across),
    });
    Ok(Picture { file, text, notes })
}

/// (x - mean) / standard deviation, of n - 1; not a number where all are equal.
fn standardise(numbers: &mut [f64]) {
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let squares = numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    let deviation = (squares / (n - 1.0)).sqrt();
    // Sums of equal numbers may round to a deviation that is not quite 0.
    let equal = numbers.iter().all(|x| *x == numbers[0]);
    for x in numbers {
        *x = if equal {
            f64::NAN
        } else {
            (*x - mean) / deviation
        };
    }
}

/// A row of the tables: the motif's identifier, and the block where it has several features.
fn row_name(layer: &FinalLayer, feature: usize, model: &SavedModel) -> String {
    let of = &layer.features[feature];
    let motif = &model.config.model.motifs[of.motif];
    match &of.block {
        Some(block) if !block.is_empty() => format!("{motif} {block}"),
        _ => motif.clone(),
    }
}

impl Table {
    /// That lines are those of a table of these motifs, without the column.
    fn check(&self, lines: &[String], index: &str) -> Result<()> {
        let Some((header, body)) = lines.split_first() else {
            return Ok(());
        };
        let wrong =
            |line: u64, message: String| Err(Error::format_at(self.file.path(), line, message));
        let mut columns = header.split('\t');
        if columns.next() != Some("motifs") {
            return wrong(1, "is no table of --extract-final-layer: its first column is not 'motifs'; name another TEMPLATE".to_string());
        }
        if columns.any(|column| column == index) {
            return wrong(
                1,
                format!("has a column '{index}' already: give another --model-index"),
            );
        }
        let names = body
            .iter()
            .map(|line| line.split('\t').next().unwrap_or_default());
        let place = self
            .rows
            .iter()
            .map(String::as_str)
            .zip(names)
            .position(|(a, b)| a != b);
        if let Some(place) = place {
            let line = place as u64 + 2;
            return wrong(
                line,
                format!(
                    "is not the row of '{}', this model's motif: name another TEMPLATE",
                    self.rows[place]
                ),
            );
        }
        if body.len() != self.rows.len() {
            return wrong(
                1,
                format!(
                    "has {}, this model {}: name another TEMPLATE",
                    counted(body.len(), "motif"),
                    self.rows.len()
                ),
            );
        }
        Ok(())
    }

    fn add(&self, weights: &[f64], index: &str) -> Result<()> {
        self.file.change(|lines| {
            // Another run may have added to it, or made it, meanwhile.
            self.check(&lines, index)?;
            let lines = match lines.is_empty() {
                true => ["motifs"]
                    .into_iter()
                    .map(String::from)
                    .chain(self.rows.clone())
                    .collect(),
                false => lines,
            };
            let numbers = weights.iter().map(|weight| format!("{weight:?}"));
            let column = [index.to_string()].into_iter().chain(numbers);
            let joined = lines
                .iter()
                .zip(column)
                .map(|(line, cell)| format!("{line}\t{cell}"));
            Ok(joined.collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn z_scores_are_those_of_pandas() {
        let mut numbers = [1.0, 2.0, 6.0];
        standardise(&mut numbers);
        let expected = [-0.755_928_946, -0.377_964_473, 1.133_893_419];
        for (a, b) in numbers.iter().zip(expected) {
            assert!((a - b).abs() < 1e-9, "{numbers:?}");
        }
        let mut equal = [0.1; 3];
        standardise(&mut equal);
        assert!(equal[0].is_nan());
    }
}
