//! The means of a cell line's tracks, beside those of another one: a network takes values of one depth.

use crate::Result;
use crate::data::Notes;
use crate::data::tracks::{Storage, Track};
use crate::io::chrom_sizes::Chromosomes;
use crate::models::factornet::track_means::{FARTHEST, short};
use std::path::Path;

pub struct TrackMeans {
    /// By track, over all bases of the chromosomes on which it has values.
    pub means: Vec<(String, f64)>,
    /// Of chromosomes that lack values, of files that lack their end.
    pub warnings: Notes,
}

impl TrackMeans {
    /// Reads tracks one after the other, as training would.
    ///
    /// # Errors
    /// Those of [`Track::read`]: among them chromosomes of other lengths than these.
    pub fn of<'a>(
        tracks: impl Iterator<Item = (&'a str, &'a Path)>,
        chromosomes: &Chromosomes,
    ) -> Result<TrackMeans> {
        let mut found = TrackMeans {
            means: Vec::new(),
            warnings: Notes::new(),
        };
        for (name, path) in tracks {
            let track = Track::read(path, chromosomes, Storage::F32)?;
            found.warnings.extend(track.warnings(chromosomes));
            let mean = track.mean_where_held(chromosomes);
            found.means.push((name.to_string(), mean));
        }
        Ok(found)
    }

    /// Warnings of tracks whose mean is more than twice another cell line's, or less than half of it.
    pub fn far_from(&self, other: &TrackMeans, path: &Path) -> Notes {
        let both = self.means.iter().zip(&other.means);
        let far = both.filter(|((_, a), (_, b))| a.max(*b) > FARTHEST * a.min(*b));
        far.map(|((name, here), (_, there))| {
            format!(
                "warning: track '{name}' has a mean of {}, and {} in {}: a network takes values of one depth; scale both alike (cisgrad prepare track --normalize 1x), or train with --track-scale mean",
                short(*here),
                short(*there),
                path.display()
            )
        })
        .collect()
    }
}
