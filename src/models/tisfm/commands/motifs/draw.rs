//! The picture of a ranking.

use crate::args::say;
use crate::dna::motif::Motif;
use crate::io::atomic::write_atomic;
use crate::io::meme::parse_meme;
use crate::io::sources::Sources;
use crate::models::tisfm::motif_ranks::{By, Ranked};
use crate::models::tisfm::saved::SavedModel;
use crate::numbers::counted;
use crate::report::ranking_plot::{Line, Panel, ranking_svg};
use crate::{Error, Result};
use std::collections::HashSet;
use std::path::Path;

/// The exported motifs of a model's kernels.
///
/// # Errors
/// Those of the reader; motifs of other kernels.
pub(super) fn of_model(model: &SavedModel, file: &Path) -> Result<Vec<Motif>> {
    let mut notes = Vec::new();
    let motifs = parse_meme(Sources::new().lines(file)?, &mut notes)?;
    say(&notes);
    let ids: HashSet<&String> = model.config.model.motifs.iter().collect();
    match motifs.iter().any(|motif| ids.contains(&motif.id)) {
        true => Ok(motifs),
        false => Err(Error::invalid(format!(
            "--exported {}: none of its motifs is one of {}; write them with cisgrad motifs export",
            file.display(),
            model.file.display()
        ))),
    }
}

/// The first `top` motifs of each output, with the exported matrices, or else with those that the weights hold.
pub(super) fn draw(
    model: &SavedModel,
    ranked: &[Ranked],
    by: By,
    top: usize,
    exported: &[Motif],
    file: &Path,
) -> Result<()> {
    let mut matrices = model.matrices();
    let exported_rows = exported.iter();
    matrices.extend(exported_rows.map(|motif| (motif.id.clone(), motif.rows.clone())));
    let shown = || ranked.iter().filter(|row| row.rank <= top);
    let names: Vec<String> = shown().map(Ranked::shown).collect();
    let mut panels: Vec<Panel> = Vec::new();
    let mut without = 0;
    for (row, name) in shown().zip(&names) {
        let rows = matrices.get(&row.motif).map(Vec::as_slice);
        without += usize::from(rows.is_none());
        if row.rank == 1 {
            panels.push(Panel {
                title: &row.output,
                lines: Vec::new(),
            });
        }
        let line = Line {
            rank: row.rank,
            name,
            id: &row.motif,
            rows,
            weight: row.value(by),
        };
        if let Some(panel) = panels.last_mut() {
            panel.lines.push(line);
        }
    }
    if without > 0 && !exported.is_empty() {
        tell!(
            "note: {}: {} without a logo: --exported has no motif of these kernels",
            file.display(),
            counted(without, "line")
        );
    } else if without > 0 {
        tell!(
            "note: {}: {} without a logo: the kernels were trained and are no probabilities any more; write their motifs with cisgrad motifs export --model {} --out FILE and give --exported FILE",
            file.display(),
            counted(without, "line"),
            model.folder().display()
        );
    }
    let title = match by {
        By::Importance => "First motifs of each output, by importance",
        By::Weight => "First motifs of each output, by weight",
    };
    let text = ranking_svg(title, &panels);
    write_atomic(file, |w| w.write_all(text.as_bytes()))?;
    tell!("{}", file.display());
    Ok(())
}
