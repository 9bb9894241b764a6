//! What went in: cell lines, tracks, factors, the network, the split.

use super::Run;
use crate::args::quoted::text;
use crate::data::tracks::Transform;
use crate::models::factornet::spec::Recurrent;
use crate::numbers::{counted, rounded};
use crate::report::page::Page;
use serde_json::Value;

pub(super) fn section(page: &mut Page, run: &Run<'_>) {
    let first = run.members.first();
    let (config, described) = (&first.model.config, &first.model.config.model);
    let network = &described.network;
    page.heading("What went in");
    page.paragraph(&format!(
        "{} ({}), from {} bases and {}.",
        counted(described.factors.len(), "factor"),
        described.factors.join(", "),
        network.length,
        match network.tracks.len() {
            0 => "no track".to_string(),
            count => format!(
                "{} ({})",
                counted(count, "track"),
                network.tracks.join(", ")
            ),
        }
    ));
    if run.members.is_ensemble {
        page.paragraph(&format!(
            "An ensemble of {}.",
            counted(run.members.all.len(), "model")
        ));
    }
    let recurrent = match network.recurrent {
        Recurrent::Units(units) => {
            format!("an LSTM of {} in each direction", counted(units, "unit"))
        }
        Recurrent::Flatten => "no LSTM".to_string(),
        Recurrent::GlobalMax => "the maximum over all positions".to_string(),
    };
    let transform = match described.track_transform {
        Transform::None => "none",
        Transform::Log1p => "log1p",
    };
    page.paragraph(&format!(
        "{} of {} bases, {recurrent}, a dense layer of {}. Tracks: scale {}, transform {transform}.",
        counted(network.kernels, "kernel"),
        network.motif_width,
        counted(network.dense, "unit"),
        described.track_scale
    ));
    let lists = [
        ("cell lines of training", "inputdirs"),
        ("cell lines of validation", "validinputdirs"),
        ("validation", "validchroms"),
        ("test", "testchroms"),
        ("negatives for each positive", "negatives"),
        ("seed", "seed"),
    ];
    let rows = lists.iter().filter_map(|(what, flag)| {
        let text = match config.flags.get(*flag)? {
            Value::Null => return None,
            Value::Array(items) if items.is_empty() => return None,
            Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
            other => text(other),
        };
        Some(vec![what.to_string(), text])
    });
    let rows: Vec<Vec<String>> = rows.collect();
    if !rows.is_empty() {
        page.table(&["", ""], &rows, 20);
    }
    let means = described.track_means.iter().flat_map(|cell| {
        cell.means.iter().map(|(track, mean)| {
            vec![
                cell.cell.display().to_string(),
                track.clone(),
                rounded(*mean).to_string(),
            ]
        })
    });
    let means: Vec<Vec<String>> = means.collect();
    if !means.is_empty() {
        page.subheading("Means of the tracks");
        page.table(&["cell line", "track", "mean"], &means, 30);
        page.advice("A network takes values of one depth: in another cell line a track should have a mean within a factor of two of these. cisgrad prepare track --normalize 1x makes tracks of one depth, --track-scale brings one there.");
    }
}
