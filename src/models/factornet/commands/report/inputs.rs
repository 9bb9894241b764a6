//! What went in: cell lines, tracks, factors, the network, the split.

use super::super::evaluate::factors;
use super::super::trained_on;
use super::Run;
use crate::Result;
use crate::args::quoted::text;
use crate::data::Notes;
use crate::data::consensus::window_start;
use crate::data::split::regions::Part;
use crate::data::tracks::Transform;
use crate::data::windows::WINDOW;
use crate::dna::bases::gc_share;
use crate::io::bed::Interval;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::genome;
use crate::io::sources::Sources;
use crate::models::factornet::cell_line::Needed;
use crate::models::factornet::spec::Recurrent;
use crate::numbers::{counted, rounded};
use crate::report::page::Page;
use crate::report::split_section::{self, Placed};
use serde_json::Value;

pub(super) fn section(page: &mut Page, run: &Run<'_>) -> Result<()> {
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
    match split(page, run) {
        Ok(()) => Ok(()),
        Err(error) => run.excused(page, "The split", error),
    }
}

/// The peaks of the factors by part: a window is of the part that its middle lies in.
fn split(page: &mut Page, run: &Run<'_>) -> Result<()> {
    let first = run.members.first();
    let (_, cell) = run.cell()?;
    let shared = run.of_run().shared(first)?;
    let file = shared.genome_file()?;
    let chromosomes = match &shared.chrom_sizes {
        Some(sizes) => Chromosomes::read(sizes)?,
        None => genome::chromosomes(&file)?,
    };
    let Some(split) = trained_on::split(&first.model.config, &chromosomes) else {
        page.paragraph("Which regions trained, validated and tested is not known.");
        return Ok(());
    };
    // What there is to say of the peaks is said where they are scored.
    let (sources, mut notes) = (Sources::new(), Notes::new());
    let mut windows = Vec::new();
    for (_, place) in factors(&first.model, &cell, run.own.tested.factor.as_deref())? {
        let files = &cell.factors[place];
        let peaks = files.peaks(Needed::AMONG_OTHERS, &sources, &chromosomes, &mut notes)?;
        for (chromosome, span) in peaks.conservative {
            let middle = span.start.midpoint(span.end);
            if let Some(start) =
                window_start(u64::from(middle), WINDOW, chromosomes.length(chromosome))
            {
                windows.push((chromosome, start));
            }
        }
    }
    windows.sort_unstable();
    windows.dedup();
    let interval = |&(chromosome, start): &(u32, u32)| Interval {
        chromosome: chromosomes.name(chromosome).to_string(),
        start: u64::from(start),
        end: u64::from(start + WINDOW),
        name: None,
        line: 0,
    };
    let intervals: Vec<Interval> = windows.iter().map(interval).collect();
    let cut = genome::extract(&file, &file, &intervals)?;
    // Every window lies on its chromosome, so all of them were cut out.
    let codes = cut.codes.chunks_exact(WINDOW as usize);
    let rows = windows
        .iter()
        .zip(codes)
        .map(|(&(chromosome, start), codes)| Placed {
            part: match split.part(chromosome, start + WINDOW / 2) {
                Part::Train => 0,
                Part::Validation => 1,
                Part::Test => 2,
            },
            gc: gc_share(codes),
            place: Some((chromosomes.name(chromosome), u64::from(start))),
        });
    split_section::split(page, "peaks", &rows.collect::<Vec<_>>());
    if first.tested_on.is_some() {
        page.paragraph(
            "The split shown is the first model's: each model of a cross-validation has its own.",
        );
    }
    Ok(())
}
