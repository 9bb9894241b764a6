//! The section of a page about a model that explains its strongest test sequences.

use super::explainer::Explainer;
use super::named_hits::contributions;
use super::network::Explain;
use super::output::Output;
use super::picture::{Drawn, picture};
use super::subjects::{Place, Subject};
use super::work::Hits;
use crate::Result;
use crate::numbers::rounded;
use crate::report::page::Page;
use crate::train::folder::weights::Number;
use std::sync::Arc;

/// Outputs of which the strongest sequence is shown.
pub const SHOWN: usize = 4;

/// A test sequence with the largest score of an output.
pub struct Strongest {
    /// Its place among the explainer's outputs.
    pub output: usize,
    pub name: String,
    pub place: Option<Place>,
    pub subject: Arc<Subject>,
    /// Half-open, counted from the first base.
    pub peaks: Vec<(i64, i64)>,
    /// What stands below the picture; may be empty.
    pub note: String,
}

/// `outputs`: the explainer's, each with `scale` behind its name; `hits`: names of stretches, where there are some.
///
/// # Errors
/// The device fails; [`crate::Error::Interrupted`].
pub fn section<T: Number, M: Explain>(
    page: &mut Page,
    explainer: &mut Explainer<'_, T, M>,
    strongest: &[Strongest],
    (outputs, scale): (&[Output], &str),
    tracks: &[String],
    mut hits: Option<&mut dyn Hits>,
) -> Result<()> {
    page.heading("What makes its predictions");
    page.paragraph("For each output the test sequence with the largest prediction: every base was replaced by every other, and a letter is as high as the prediction falls, on average over the four bases, where it is replaced.");
    for (number, one) in strongest.iter().enumerate() {
        let found = explainer.explain(std::slice::from_ref(&one.subject), number)?;
        let codes = &one.subject.codes;
        let values = contributions(codes, &found.bases[one.output]);
        let stretches = match &mut hits {
            Some(hits) => hits.of(&one.subject)?.swap_remove(one.output),
            None => Vec::new(),
        };
        let output = &outputs[one.output];
        let subtitle = format!(
            "{}{scale} {}, saturation mutagenesis",
            output.name,
            rounded(found.scores[one.output])
        );
        let values_of_tracks = match tracks.is_empty() {
            true => &[],
            false => one.subject.dense.first().map_or(&[][..], Vec::as_slice),
        };
        page.picture(&picture(Drawn {
            name: &one.name,
            subtitle: &subtitle,
            place: one.place.as_ref(),
            codes,
            values: &values,
            stretches,
            tracks: (tracks, values_of_tracks),
            peaks: &one.peaks,
        }));
        if !one.note.is_empty() {
            page.paragraph(&one.note);
        }
    }
    page.advice("Letters should stand together as words of a few to twenty bases, at motifs that are known in these cells. Where single letters are spread over the whole sequence, the model has learned composition, or noise. cisgrad explain makes these pictures, and files for tfmodisco-lite and genome browsers, for any sequences.");
    Ok(())
}
