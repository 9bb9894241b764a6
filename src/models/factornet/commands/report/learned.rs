//! What it learned: kernels by what they contribute, with logo, best match and the tracks around their sites.

use super::super::evaluate::factors;
use super::super::visualize::layer::Layer;
use super::super::windows::{Asked, Windows};
use super::Run;
use crate::Result;
use crate::args::say;
use crate::data::Notes;
use crate::io::meme::parse_meme;
use crate::io::sources::Sources;
use crate::models::factornet::kernel_contribution::contributions;
use crate::models::factornet::kernel_sites::collect;
use crate::numbers::counted;
use crate::report::page::Page;
use crate::train::folder::weights::Number;
use crate::train::interrupt;
use std::path::PathBuf;

pub(super) fn section<T: Number>(page: &mut Page, run: &Run<'_>) -> Result<()> {
    page.heading("What it learned");
    match kernels::<T>(page, run) {
        Ok(()) => Ok(()),
        Err(error) => run.excused(page, "The kernels", error),
    }
}

fn kernels<T: Number>(page: &mut Page, run: &Run<'_>) -> Result<()> {
    let first = run.members.first();
    let model = &first.model;
    let network = &model.config.model.network;
    let (_, cell) = run.cell()?;
    let shared = run.of_run().shared(first)?;
    let pairs = factors(model, &cell, run.own.tested.factor.as_deref())?;
    let beds: Vec<PathBuf> = pairs
        .iter()
        .map(|&(_, files)| cell.factors[files].conservative.clone())
        .collect();
    let (sources, mut notes) = (Sources::new(), Notes::new());
    let known = run.own.motif_db.as_ref();
    let known = known
        .map(|file| parse_meme(sources.lines(file)?, &mut notes))
        .transpose()?;
    say(&notes);
    let asked = Asked {
        shared: &shared,
        model,
        cell,
        beds: &beds,
        regions: None,
    };
    let (device, Windows { inputs, samples }) = asked.open(sources, Notes::new(), run.device)?;
    interrupt::watch();
    let params = model.parameters::<T>()?;
    let size = run.given.batch_size;
    let sites = collect::<T, _>(
        &device,
        run.precision,
        network,
        &params,
        &samples,
        size,
        &inputs,
        |_| {},
    )?;
    let contributed = contributions::<T, _>(
        &device,
        run.precision,
        network,
        &params,
        &samples,
        size,
        &inputs,
    )?;
    let layer = Layer {
        number: "",
        sites: &sites.convolution,
        contributions: &contributed.convolution,
        tracks: &network.tracks,
        spec: network,
        inputs: &inputs,
        samples: &samples,
        known: known.as_deref(),
        top: run.given.top,
    };
    let shown = layer.shown();
    page.paragraph(&format!(
        "Kernels of the convolution{}, over {} under peaks: the mean change of the probability when a kernel is silent.",
        match run.members.is_ensemble {
            true => " of the first model",
            false => "",
        },
        counted(samples.len(), "window")
    ));
    page.picture(&shown.logos);
    page.table(
        &[
            "kernel",
            "contribution",
            "sites",
            "most similar known motif",
            "p",
            "q",
        ],
        &shown.rows,
        run.given.top,
    );
    page.advice(match known {
        Some(_) => "A match with q below 0.05 may be named. Kernels without one may be halves of motifs, combinations, or base composition: their contribution says how much they matter.",
        None => "Give --motif-db MOTIFS.meme, and the known motif that each kernel resembles most stands here.",
    });
    for (track, svg) in network.tracks.iter().zip(&shown.signals) {
        page.subheading(&format!("{track} around the sites of the first kernels"));
        page.picture(svg);
    }
    if !network.tracks.is_empty() {
        page.advice("A footprint, a dip within a rise, is what a bound factor leaves in DNase-seq at base resolution.");
    }
    Ok(())
}
