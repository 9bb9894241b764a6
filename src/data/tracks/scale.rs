//! `--track-scale`: what each track's values are multiplied by.

use std::fmt;
use std::str::FromStr;

use super::Track;
use crate::io::text::first_names;
use crate::numbers::is_or_are;
use crate::{Error, Result};

/// How tracks are scaled.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Scale {
    /// Values as they are in the file.
    #[default]
    None,
    /// Divided by the track's mean over the known bases (no N) of the chromosomes in use, so that the mean becomes 1.
    Mean,
    /// The named tracks times these factors, the others as they are.
    Factors(Vec<(String, f64)>),
}

impl FromStr for Scale {
    type Err = Error;

    fn from_str(text: &str) -> Result<Scale> {
        let wrong = |problem: String| {
            Error::usage(format!(
                "track scale '{text}': {problem}; expected none, mean or NAME=FACTOR[,...]"
            ))
        };
        match text {
            "none" => return Ok(Scale::None),
            "mean" => return Ok(Scale::Mean),
            _ => {}
        }
        let mut factors = Vec::<(String, f64)>::new();
        for part in text.split(',') {
            let Some((name, factor)) = part.rsplit_once('=') else {
                return Err(wrong(format!("'{part}' has no '='")));
            };
            let value: f64 = factor.trim().parse().unwrap_or(f64::NAN);
            // As values are multiplied: in f32.
            if !(value as f32).is_finite() || value as f32 == 0.0 {
                return Err(wrong(format!(
                    "'{factor}' is no finite number other than 0"
                )));
            }
            let name = name.trim();
            if factors.iter().any(|(known, _)| known == name) {
                return Err(wrong(format!("track '{name}' comes twice")));
            }
            factors.push((name.to_string(), value));
        }
        Ok(Scale::Factors(factors))
    }
}

/// As [`FromStr`] reads it.
impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scale::None => f.write_str("none"),
            Scale::Mean => f.write_str("mean"),
            Scale::Factors(factors) => {
                let part = |(name, factor): &(String, f64)| format!("{name}={factor}");
                let parts: Vec<String> = factors.iter().map(part).collect();
                f.write_str(&parts.join(","))
            }
        }
    }
}

impl Scale {
    /// The factor of each track; `known` is the share of the bases in use that are not N. Errors: a
    /// factor for a name that no track has, a track whose mean is 0 or below under `mean`.
    pub fn factors<S: AsRef<str>>(
        &self,
        names: &[S],
        tracks: &[impl AsRef<Track>],
        known: f64,
    ) -> Result<Vec<f32>> {
        match self {
            Scale::None => Ok(vec![1.0; names.len()]),
            Scale::Mean => names
                .iter()
                .zip(tracks)
                .map(|(name, track)| match track.as_ref().mean() / known {
                    mean if mean > 0.0 => Ok((1.0 / mean) as f32),
                    mean => Err(Error::invalid(format!(
                        "track '{}' has a mean of {mean}; it cannot be scaled to a mean of 1",
                        name.as_ref()
                    ))),
                })
                .collect(),
            Scale::Factors(factors) => {
                let known = |name: &String| names.iter().any(|track| track.as_ref() == name);
                if let Some((name, _)) = factors.iter().find(|(name, _)| !known(name)) {
                    return Err(Error::invalid(format!(
                        "track scale for '{name}': there is no such track; there {} {}",
                        is_or_are(names.len()),
                        first_names(names)
                    )));
                }
                let factor = |name: &S| factors.iter().find(|(known, _)| known == name.as_ref());
                Ok(names
                    .iter()
                    .map(|name| factor(name).map_or(1.0, |(_, f)| *f as f32))
                    .collect())
            }
        }
    }
}
