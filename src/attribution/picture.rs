//! A picture of an explained sequence.

use super::subjects::{Place, Stretch};
use crate::report::contribution_plot::{Contributions, Hit, contributions_svg};

/// What is drawn.
pub struct Drawn<'a> {
    pub name: &'a str,
    /// Output, score and method.
    pub subtitle: &'a str,
    pub place: Option<&'a Place>,
    pub codes: &'a [u8],
    /// The contribution of the base that is there (L).
    pub values: &'a [f64],
    pub stretches: Vec<Stretch>,
    /// Names of the tracks, and their values (n, L).
    pub tracks: (&'a [String], &'a [f32]),
    /// Half-open, counted from the first base.
    pub peaks: &'a [(i64, i64)],
}

/// As SVG.
pub fn picture(drawn: Drawn<'_>) -> String {
    let (names, values) = drawn.tracks;
    let tracks: Vec<(String, Vec<f32>)> = names
        .iter()
        .zip(values.chunks(drawn.codes.len().max(1)))
        .map(|(name, values)| (name.clone(), values.to_vec()))
        .collect();
    let hits: Vec<Hit> = drawn
        .stretches
        .into_iter()
        .map(|stretch| Hit {
            start: stretch.start,
            end: stretch.end,
            name: stretch.name,
            strand: stretch.strand,
            importance: stretch.importance,
        })
        .collect();
    contributions_svg(&Contributions {
        title: drawn.name,
        subtitle: drawn.subtitle,
        codes: drawn.codes,
        values: drawn.values,
        place: drawn
            .place
            .map(|place| (place.chromosome.as_str(), place.start)),
        hits: &hits,
        tracks: &tracks,
        peaks: drawn.peaks,
    })
}
