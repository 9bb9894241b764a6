//! `--plot-final-layer` and `--extract-final-layer`: the last layer as a picture, and as tables of several models.

use crate::args::own_name::FileNames;
use crate::io::atomic::write_atomic;
use crate::models::tisfm::motif_ranks::FinalLayer;
use crate::models::tisfm::saved::SavedModel;
use crate::numbers::counted;
use crate::report::clusters::tree;
use crate::report::heat_map::{HeatMap, heat_map_svg};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

const PICTURE: &str = "final_layer.svg";

/// What is to be written, looked at before the work begins.
pub(super) struct Wanted {
    layer: FinalLayer,
    outputs: Vec<String>,
    /// The picture's file, and how many motifs of each output it shows.
    picture: Option<(PathBuf, usize)>,
    tables: Vec<Table>,
}

struct Table {
    file: PathBuf,
    /// Lines that are there.
    lines: Vec<String>,
}

impl Wanted {
    /// # Errors
    /// A last layer that is not about motifs; a table that is there and is not one of this model's motifs.
    pub fn new(
        model: &SavedModel,
        outputs: &[String],
        picture: Option<usize>,
        tables: Option<&Path>,
        index: &str,
    ) -> Result<Self> {
        let layer = FinalLayer::of(model)?;
        let rows: Vec<String> = (0..layer.features.len())
            .map(|f| row_name(&layer, f, model))
            .collect();
        let mut names = FileNames::default();
        let mut found = Vec::new();
        for output in outputs.iter().filter(|_| tables.is_some()) {
            let mut file = tables.map(Path::as_os_str).unwrap_or_default().to_owned();
            file.push(format!(".{}", names.of(output)));
            found.push(Table::open(file.into(), &rows, index)?);
        }
        Ok(Wanted {
            layer,
            outputs: outputs.to_vec(),
            picture: picture.map(|top| (model.folder().join(PICTURE), top)),
            tables: found,
        })
    }

    /// The files, with the flags that ask for them.
    pub fn files(&self) -> Vec<(&'static str, PathBuf)> {
        let picture = self
            .picture
            .iter()
            .map(|(file, _)| ("--plot-final-layer", file.clone()));
        let tables = self
            .tables
            .iter()
            .map(|t| ("--extract-final-layer", t.file.clone()));
        picture.chain(tables).collect()
    }

    /// # Errors
    /// Nothing to draw; a file that cannot be written.
    pub fn write(self, model: &SavedModel, index: &str) -> Result<()> {
        for (output, table) in self.tables.iter().enumerate() {
            table.add(&self.layer, output, model, index)?;
        }
        match &self.picture {
            Some((file, top)) => self.draw(model, file, *top),
            None => Ok(()),
        }
    }

    /// The union of every output's top motifs, each motif's weights as z scores over the outputs.
    fn draw(&self, model: &SavedModel, file: &Path, top: usize) -> Result<()> {
        let (layer, count) = (&self.layer, self.outputs.len());
        let all = layer.features.len();
        if top > all {
            tell!("note: --top-motifs {top}: there are {all}; all are drawn");
        }
        let mut chosen: Vec<usize> = Vec::new();
        for output in 0..count {
            let weights = layer.output(output);
            let mut order: Vec<usize> = (0..all).collect();
            order.sort_by(|&i, &j| weights[j].total_cmp(&weights[i]));
            chosen.extend(order.into_iter().take(top));
        }
        chosen.sort_unstable();
        chosen.dedup();
        let column =
            |feature: usize| -> Vec<f64> { (0..count).map(|o| layer.output(o)[feature]).collect() };
        if chosen.iter().all(|&f| column(f).iter().all(|w| *w == 0.0)) {
            return Err(Error::invalid(format!(
                "--plot-final-layer: all weights of the final layer of {} are 0: there is nothing to draw",
                model.file.display()
            )));
        }
        let mut columns: Vec<(usize, Vec<f64>)> = chosen.iter().map(|&f| (f, column(f))).collect();
        let scale = if count == 1 {
            tell!("note: with one output there are no z scores; the weights are drawn as they are");
            "weight"
        } else {
            for (_, weights) in &mut columns {
                standardise(weights);
            }
            let before = columns.len();
            columns.retain(|(_, z)| z.iter().all(|z| z.is_finite()));
            let gone = before - columns.len();
            if gone > 0 {
                tell!(
                    "note: --plot-final-layer: {} with the same weight in every output left out",
                    counted(gone, "motif")
                );
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
            rows: &self.outputs,
            columns: &names,
            values: &values,
            row_tree: &tree(&rows),
            column_tree: &tree(&across),
        });
        write_atomic(file, |w| w.write_all(text.as_bytes()))?;
        tell!("{}", file.display());
        Ok(())
    }
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
    fn open(file: PathBuf, rows: &[String], index: &str) -> Result<Self> {
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(Error::io(&file, e)),
        };
        let lines: Vec<String> = text.lines().map(String::from).collect();
        let Some((header, body)) = lines.split_first() else {
            return Ok(Table { file, lines });
        };
        let wrong = |line: u64, message: String| Err(Error::format_at(&file, line, message));
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
        let place = rows
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
                    rows[place]
                ),
            );
        }
        if body.len() != rows.len() {
            return wrong(
                1,
                format!(
                    "has {}, this model {}: name another TEMPLATE",
                    counted(body.len(), "motif"),
                    rows.len()
                ),
            );
        }
        Ok(Table { file, lines })
    }

    fn add(
        &self,
        layer: &FinalLayer,
        output: usize,
        model: &SavedModel,
        index: &str,
    ) -> Result<()> {
        let weights = layer.output(output);
        let name = |i: usize| match self.lines.get(i) {
            Some(line) => line.clone(),
            None if i == 0 => "motifs".to_string(),
            None => row_name(layer, i - 1, model),
        };
        write_atomic(&self.file, |w| {
            writeln!(w, "{}\t{}", name(0), index.replace(['\t', '\n'], " "))?;
            for (i, weight) in weights.iter().enumerate() {
                writeln!(w, "{}\t{weight:?}", name(i + 1))?;
            }
            Ok(())
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
