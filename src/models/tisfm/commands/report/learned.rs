//! What it learned: families by importance with logos, a heat map of them, the path, how far the models agree.

use super::super::motifs::{CUT, families::ranks};
use super::data::Data;
use super::{Args, Run};
use crate::args::Digits;
use crate::dna::motif::Motif;
use crate::io::sequences::parse_sequences;
use crate::io::sources::Sources;
use crate::models::tisfm::activities::Activities;
use crate::models::tisfm::families::{Families, ranked};
use crate::models::tisfm::motif_ranks::FinalLayer;
use crate::models::tisfm::penalty_path::STEPS;
use crate::models::tisfm::samples::Rows;
use crate::numbers::{counted, descending, rounded};
use crate::report::clusters::tree;
use crate::report::heat_map::{HeatMap, heat_map_svg};
use crate::report::page::Page;
use crate::report::ranking_plot::{Line, Panel, ranking_svg};
use crate::{Error, Result};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// Outputs whose rankings are drawn.
const OUTPUTS: usize = 12;
/// Rows and columns of the heat map.
const MAP: (usize, usize) = (60, 40);
/// Rows of a table before the rest is folded in, and at most.
const SHOWN: usize = 30;
const MOST: usize = 2_000;

pub(super) fn section(
    page: &mut Page,
    run: &Run<'_>,
    own: &Args,
    data: std::result::Result<&Data, &String>,
) -> Result<()> {
    page.heading("What it learned");
    let layers = run.members.models.iter().map(FinalLayer::of);
    let layers: Vec<FinalLayer> = match layers.collect::<Result<_>>() {
        Ok(layers) => layers,
        Err(Error::Invalid(why)) => {
            page.paragraph(&format!(
                "{why}. Its kernels can be told by cisgrad motifs export and motifs match."
            ));
            return path(page, run);
        }
        Err(other) => return Err(other),
    };
    match activities(run, own, data)? {
        Ok((found, shown)) => families(page, run, own, &layers, &found, &shown)?,
        Err(why) => {
            page.paragraph(&format!("Importance cannot be told: {why}. Give --sequences, or see the weights with cisgrad tisfm motifs --by weight."));
        }
    }
    path(page, run)
}

type Found = (Vec<Activities>, String);

/// What each model computes of the sequences that tested it, or of a file's; `Err`: why nothing.
fn activities(
    run: &Run<'_>,
    own: &Args,
    data: std::result::Result<&Data, &String>,
) -> Result<std::result::Result<Found, String>> {
    let size = run.given.batch_size;
    let mut found = Vec::new();
    let (codes, length, rows, shown) = match (&own.sequences, data) {
        (Some(file), _) => {
            let lines = Sources::new().into_lines(file)?;
            let sequences = parse_sequences(lines, run.given.genome.as_deref(), &mut Vec::new())?;
            let rows: Vec<usize> = (0..sequences.len()).collect();
            let shown = format!("{} of {}", counted(rows.len(), "sequence"), file.display());
            let rows = vec![rows; run.members.models.len()];
            (sequences.codes, sequences.length, rows, shown)
        }
        (None, Ok(data)) => {
            let rows = data.test();
            if rows.iter().any(Vec::is_empty) {
                return Ok(Err("there are no test sequences".to_string()));
            }
            let shown = counted(rows[0].len(), "test sequence");
            (data.dataset.codes.clone(), data.dataset.length, rows, shown)
        }
        (None, Err(why)) => return Ok(Err(why.clone())),
    };
    for (model, rows) in run.members.models.iter().zip(&rows) {
        let samples = Rows {
            codes: &codes,
            targets: &[],
            length,
        };
        found.push(model.activities(run.device, run.precision, samples, rows, size, |_| {})?);
    }
    Ok(Ok((found, shown)))
}

fn families(
    page: &mut Page,
    run: &Run<'_>,
    own: &Args,
    layers: &[FinalLayer],
    found: &[Activities],
    shown: &str,
) -> Result<()> {
    let model = run.members.first();
    let outputs = &model.config.model.outputs;
    let layer = &layers[0];
    let models: Vec<(&FinalLayer, &Activities)> = layers.iter().zip(found).collect();
    let families = Families::of(&models, CUT);
    let mut effects = families.importances.iter().flatten();
    if effects.all(|importance| *importance == 0.0) {
        page.paragraph(&format!("No motif has an effect on any output over {shown}: all weights of the last layer are 0, or no activity changes."));
        return Ok(());
    }
    page.paragraph(&format!(
        "Families of motifs by importance over {shown}. A family holds motifs whose activities rise and fall together (average linkage, 1 - r up to {CUT}); its importance is the standard deviation of what it adds to an output, below 0 where the output falls as the family's motifs are found. It is called after its most important member."
    ));
    page.advice("A ranking is a list of candidates: factors of one family share a motif, and a motif may stand for another one that is not in the collection. What several seeds agree on, and what is known of the cell, count more than a rank.");
    let matrices = match &own.exported {
        Some(file) => exported(file)?,
        None => model.matrices(),
    };
    let names: Vec<String> = families
        .leaders
        .iter()
        .map(|&i| layer.shown(i, model))
        .collect();
    let ids: Vec<String> = families
        .leaders
        .iter()
        .map(|&i| model.config.model.motifs[layer.features[i].motif].clone())
        .collect();
    let top = run.given.top;
    let panels = outputs
        .iter()
        .enumerate()
        .take(OUTPUTS)
        .map(|(output, name)| Panel {
            title: name,
            lines: ranked(&families.importances[output])
                .into_iter()
                .take(top)
                .map(|row| Line {
                    rank: row.rank,
                    name: &names[row.family],
                    id: &ids[row.family],
                    rows: matrices.get(&ids[row.family]).map(Vec::as_slice),
                    weight: row.importance,
                })
                .collect(),
        });
    let panels: Vec<Panel> = panels.collect();
    page.picture(&ranking_svg(
        "First families of each output, by importance",
        &panels,
    ));
    if outputs.len() > OUTPUTS {
        page.paragraph(&format!(
            "The first {OUTPUTS} of {} outputs are drawn.",
            outputs.len()
        ));
    }
    if matrices.is_empty() {
        page.paragraph("There are no logos: the kernels were trained and are no probabilities any more. Write their motifs with cisgrad motifs export and give --exported.");
    }
    map(page, outputs, &names, &families, top);
    table(page, run, layer, &families, &names);
    agreement(page, run, &families, &names, top);
    Ok(())
}

/// # Errors
/// Those of the reader.
fn exported(file: &Path) -> Result<HashMap<String, Vec<[f64; 4]>>> {
    let motifs = crate::io::meme::parse_meme(Sources::new().lines(file)?, &mut Vec::new())?;
    let of = |motif: Motif| (motif.id, motif.rows);
    Ok(motifs.into_iter().map(of).collect())
}

/// Outputs x families, the families that are among the first of any output.
fn map(page: &mut Page, outputs: &[String], names: &[String], found: &Families, top: usize) {
    let outputs = &outputs[..outputs.len().min(MAP.0)];
    let most = |family: usize| {
        let each = found.importances.iter().take(outputs.len());
        each.map(|all| all[family].abs()).fold(0.0_f64, f64::max)
    };
    let firsts = found
        .importances
        .iter()
        .take(outputs.len())
        .flat_map(|all| {
            let mut order = ranked(all);
            order.truncate(top);
            order.into_iter().map(|row| row.family)
        });
    let firsts: BTreeSet<usize> = firsts.collect();
    let mut chosen: Vec<usize> = firsts.into_iter().collect();
    chosen.sort_by(|&a, &b| descending(most(a), most(b)));
    chosen.truncate(MAP.1);
    if outputs.len() < 2 || chosen.len() < 2 {
        return;
    }
    page.subheading("Importance of families in all outputs");
    let columns: Vec<String> = chosen.iter().map(|&family| names[family].clone()).collect();
    let values: Vec<f64> = found.importances[..outputs.len()]
        .iter()
        .flat_map(|all| chosen.iter().map(|&family| all[family]))
        .collect();
    let rows: Vec<Vec<f64>> = values.chunks(chosen.len()).map(<[f64]>::to_vec).collect();
    let turned: Vec<Vec<f64>> = (0..chosen.len())
        .map(|column| rows.iter().map(|row| row[column]).collect())
        .collect();
    page.picture(&heat_map_svg(&HeatMap {
        title: "Importance",
        scale: "importance",
        rows: outputs,
        columns: &columns,
        values: &values,
        row_tree: &tree(&rows),
        column_tree: &tree(&turned),
    }));
}

fn table(page: &mut Page, run: &Run<'_>, layer: &FinalLayer, found: &Families, names: &[String]) {
    let model = run.members.first();
    let outputs = &model.config.model.outputs;
    page.subheading("Families and their members");
    let each = (MOST / outputs.len().max(1)).clamp(1, SHOWN);
    let header = ["rank", "family", "importance", "members"];
    let rows = |output: usize| -> Vec<Vec<String>> {
        let firsts = ranked(&found.importances[output]).into_iter().take(each);
        firsts
            .map(|row| {
                let members = found.groups[row.family].iter();
                let members: Vec<String> = members.map(|&i| layer.in_full(i, model)).collect();
                // Long families are named by their first members.
                const NAMED: usize = 12;
                let more = members.len().saturating_sub(NAMED);
                let mut text = members[..members.len() - more].join(", ");
                if more > 0 {
                    text += &format!(" and {more} more");
                }
                vec![
                    row.rank.to_string(),
                    names[row.family].clone(),
                    Digits::Few.of(row.importance).to_string(),
                    text,
                ]
            })
            .collect()
    };
    for (output, name) in outputs.iter().enumerate().take(OUTPUTS) {
        page.paragraph(&format!("{name}:"));
        page.table(&header, &rows(output), run.given.top);
    }
    if outputs.len() > OUTPUTS {
        let others = outputs.iter().enumerate().skip(OUTPUTS).take(MOST);
        let others = others.flat_map(|(output, name)| {
            rows(output)
                .into_iter()
                .map(move |row| [vec![name.clone()], row].concat())
        });
        let others: Vec<Vec<String>> = others.collect();
        let header = ["output", "rank", "family", "importance", "members"];
        page.paragraph("The other outputs:");
        page.table(&header, &others, 0);
    }
}

/// How far the models of an ensemble have the same families among their first.
fn agreement(page: &mut Page, run: &Run<'_>, found: &Families, names: &[String], top: usize) {
    let models = found.each.len();
    if models < 2 {
        return;
    }
    let outputs = &run.members.first().config.model.outputs;
    page.subheading("How far the models agree");
    let mut rows = Vec::new();
    for (output, name) in outputs.iter().enumerate().take(MOST) {
        let firsts: Vec<BTreeSet<usize>> = found
            .each
            .iter()
            .map(|one| {
                let first = ranked(&one[output]).into_iter().take(top);
                first.map(|row| row.family).collect()
            })
            .collect();
        let pairs = (0..models).flat_map(|a| (a + 1..models).map(move |b| (a, b)));
        let shares: Vec<f64> = pairs
            .map(|(a, b)| firsts[a].intersection(&firsts[b]).count() as f64 / top as f64)
            .collect();
        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
        let all = firsts
            .iter()
            .skip(1)
            .fold(firsts[0].clone(), |all, other| &all & other);
        let each: Vec<Vec<usize>> = found.each.iter().map(|one| ranks(&one[output])).collect();
        let mut kept: Vec<usize> = all.into_iter().collect();
        kept.sort_by_key(|&family| each.iter().map(|ranks| ranks[family]).sum::<usize>());
        let kept: Vec<&str> = kept.iter().map(|&family| names[family].as_str()).collect();
        rows.push(vec![
            name.clone(),
            rounded(mean).to_string(),
            kept.join(", "),
        ]);
    }
    page.table(
        &[
            "output",
            "share of the first families that two models have in common",
            "among the first of every model",
        ],
        &rows,
        SHOWN,
    );
    page.advice("Read what every model has. A family that one seed alone has among its first ones is a matter of chance.");
}

/// The penalty path that the model is a step of, where it is one.
fn path(page: &mut Page, run: &Run<'_>) -> Result<()> {
    let folder = run.members.first().folder();
    let beside = [Some(folder), folder.parent()].into_iter().flatten();
    let Some(file) = beside
        .map(|folder| folder.join(STEPS))
        .find(|file| file.is_file())
    else {
        return Ok(());
    };
    let text = crate::io::text::read_text(&file)?;
    let mut lines = text
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>());
    let header = lines.next().unwrap_or_default();
    let rows: Vec<Vec<String>> = lines
        .map(|fields| {
            let shown = |field: &&str| match field.parse::<f64>() {
                Ok(number) if field.contains('.') => Digits::Few.of(number).to_string(),
                _ => field.to_string(),
            };
            fields.iter().map(shown).collect()
        })
        .collect();
    page.subheading("The penalty path");
    page.table(&header, &rows, SHOWN);
    page.advice("Fewer weights are easier to read. Take the step with the largest penalty whose validation loss is no worse than the best one's by more than its standard error.");
    Ok(())
}
