//! The tables of motifs.

use super::{Output, Ranking};
use crate::Result;
use crate::args::emit;
use crate::models::tisfm::motif_ranks::{Ranked, has_blocks};
use crate::models::tisfm::saved::SavedModel;
use crate::numbers::descending;
use std::collections::HashMap;

/// Writes the ranking; `moved`: by motif, how far its kernel moved.
///
/// # Errors
/// What the operating system says.
pub(super) fn write(
    model: &SavedModel,
    ranking: &Ranking,
    moved: Option<&HashMap<String, f64>>,
    output: &Output<'_>,
) -> Result<()> {
    let names = !model.config.model.motif_names.is_empty();
    let blocks = has_blocks(model)?;
    match output.wide {
        true => wide(model, ranking, names, blocks, output),
        false => long(ranking, moved, names, blocks, output),
    }
}

fn long(
    ranking: &Ranking,
    moved: Option<&HashMap<String, f64>>,
    names: bool,
    blocks: bool,
    output: &Output<'_>,
) -> Result<()> {
    let digits = output.digits;
    emit(output.out, |w| {
        writeln!(
            w,
            "output\trank\tmotif{}{}\tweight\timportance\tmean_activity{}{}",
            if names { "\tname" } else { "" },
            if blocks { "\tblock" } else { "" },
            if moved.is_some() { "\tmoved" } else { "" },
            if ranking.agreement.is_empty() {
                ""
            } else {
                "\tweight_sd\trank_mean\trank_sd\tin_top"
            }
        )?;
        let top = output.top.unwrap_or(usize::MAX);
        let shown = ranking.rows.iter().enumerate();
        for (place, row) in shown.filter(|(_, row)| row.rank <= top) {
            write!(w, "{}\t{}\t{}", row.output, row.rank, row.motif)?;
            if names {
                write!(w, "\t{}", row.name.as_deref().unwrap_or_default())?;
            }
            if blocks {
                write!(w, "\t{}", row.block.as_deref().unwrap_or_default())?;
            }
            write!(w, "\t{}", digits.of(row.weight))?;
            match row.seen {
                Some(seen) => {
                    let (importance, activity) = (seen.importance, seen.activity);
                    write!(w, "\t{}\t{}", digits.of(importance), digits.of(activity))?;
                }
                None => write!(w, "\t\t")?,
            }
            if let Some(moved) = moved {
                let moved = moved.get(&row.motif).copied().unwrap_or(f64::NAN);
                write!(w, "\t{}", digits.of(moved))?;
            }
            if let Some(agreement) = ranking.agreement.get(place) {
                for number in [
                    agreement.weight_sd,
                    agreement.rank_mean,
                    agreement.rank_sd,
                    agreement.in_top,
                ] {
                    write!(w, "\t{}", digits.of(number))?;
                }
            }
            writeln!(w)?;
        }
        Ok(())
    })
}

/// A row per motif, those first that do most to any output.
fn wide(
    model: &SavedModel,
    ranking: &Ranking,
    names: bool,
    blocks: bool,
    output: &Output<'_>,
) -> Result<()> {
    let outputs = &model.config.model.outputs;
    let mut places: HashMap<(&str, Option<&str>), usize> = HashMap::new();
    let mut rows: Vec<(&Ranked, Vec<f64>)> = Vec::new();
    for (number, of_output) in ranking
        .rows
        .chunk_by(|a, b| a.output == b.output)
        .enumerate()
    {
        for row in of_output {
            let key = (row.motif.as_str(), row.block.as_deref());
            let place = *places.entry(key).or_insert_with(|| {
                rows.push((row, vec![0.0; outputs.len()]));
                rows.len() - 1
            });
            rows[place].1[number] = row.value(ranking.by);
        }
    }
    let most = |values: &[f64]| values.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    rows.sort_by(|(_, a), (_, b)| descending(most(a), most(b)));
    rows.truncate(output.top.unwrap_or(usize::MAX));
    emit(output.out, |w| {
        write!(w, "motif")?;
        write!(w, "{}", if names { "\tname" } else { "" })?;
        write!(w, "{}", if blocks { "\tblock" } else { "" })?;
        writeln!(w, "\t{}", outputs.join("\t"))?;
        for (row, values) in &rows {
            write!(w, "{}", row.motif)?;
            if names {
                write!(w, "\t{}", row.name.as_deref().unwrap_or_default())?;
            }
            if blocks {
                write!(w, "\t{}", row.block.as_deref().unwrap_or_default())?;
            }
            for value in values {
                write!(w, "\t{}", output.digits.of(*value))?;
            }
            writeln!(w)?;
        }
        Ok(())
    })
}
