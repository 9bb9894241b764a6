//! Which bases make the largest scores of the test windows.

use super::super::evaluated::Top;
use super::super::explain::{SCALE, loaded, names_of_tracks};
use super::Run;
use crate::Result;
use crate::args::chosen_outputs::chosen_outputs;
use crate::attribution::explainer::{Explainer, Settings};
use crate::attribution::method::Method;
use crate::attribution::named_hits::contributions;
use crate::attribution::output::Output;
use crate::attribution::page_section::{Strongest, section as shown};
use crate::engine::Device;
use crate::numbers::rounded;
use crate::report::page::Page;
use crate::train::folder::weights::Number;
use std::sync::Arc;

/// `factors`: the names of those of which there is a strongest window, in its order.
pub(super) fn section<T: Number>(
    page: &mut Page,
    run: &Run<'_>,
    factors: &[String],
    strongest: Vec<Top>,
) -> Result<()> {
    let described = &run.members.first().model.config.model;
    let mut outputs: Vec<Output> = chosen_outputs(&described.factors, factors)?;
    outputs.truncate(strongest.len());
    let settings = Settings::new(Method::Ism, run.given.batch_size, run.precision);
    let places = outputs.iter().map(|output| output.place).collect();
    let models = loaded::<T>(run.members)?;
    let device = run.device.announce();
    let mut explainer = Explainer::new(&device, settings, models, places)?;
    let notes = match described.network.tracks.is_empty() {
        true => vec![String::new(); strongest.len()],
        false => of_tracks::<T>(run, &device, &outputs, &strongest)?,
    };
    let strongest: Vec<Strongest> = strongest
        .into_iter()
        .zip(notes)
        .enumerate()
        .map(|(output, (top, note))| Strongest {
            output,
            name: top.name,
            place: top.place,
            subject: Arc::new(top.subject),
            peaks: Vec::new(),
            note,
        })
        .collect();
    let tracks = names_of_tracks(&described.network.tracks, described.track_transform);
    shown(
        page,
        &mut explainer,
        &strongest,
        (&outputs, SCALE),
        &tracks,
        None,
    )
}

/// How much of each score comes from the bases, and how much from the tracks, by integrated gradients.
fn of_tracks<T: Number>(
    run: &Run<'_>,
    device: &Device,
    outputs: &[Output],
    strongest: &[Top],
) -> Result<Vec<String>> {
    let settings = Settings::new(Method::Integrated, run.given.batch_size, run.precision);
    let places = outputs.iter().map(|output| output.place).collect();
    let models = loaded::<T>(run.members)?;
    let mut explainer = Explainer::new(device, settings, models, places)?;
    let each = strongest.iter().enumerate().map(|(output, top)| {
        let subject = Arc::new(top.subject.clone());
        let found = explainer.explain(std::slice::from_ref(&subject), output)?;
        let bases: f64 = contributions(&subject.codes, &found.bases[output]).iter().sum();
        let tracks: f64 = found.tracks[output].iter().map(|&x| f64::from(x)).sum();
        Ok(format!(
            "By integrated gradients, from no bases and tracks of 0 (logit {}): the bases add {}, the tracks {}.",
            rounded(found.baselines[output]),
            rounded(bases),
            rounded(tracks)
        ))
    });
    each.collect()
}
