//! What config.json says of a FactorNet model, and the lists that the original's folders hold.

use super::Spec;
use super::track_means::CellMeans;
use crate::Result;
use crate::data::tracks::Transform;
use crate::data::windows::annotations::{FEATURES, GencodeSpan};
use crate::io::atomic::write_atomic;
use crate::train::folder::config::{Described, Difference};
use serde::{Deserialize, Serialize};
use std::path::Path;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    pub network: Spec,
    /// In the order of the probabilities.
    pub factors: Vec<String>,
    /// Names of the meta numbers, in the order of the inputs.
    pub meta: Vec<String>,
    /// Six features of an annotation follow them.
    pub gencode: bool,
    #[serde(default)]
    pub gencode_span: GencodeSpan,
    /// `--track-scale`.
    pub track_scale: String,
    /// `--track-transform`; older versions knew none.
    #[serde(default, skip_serializing_if = "Transform::is_none")]
    pub track_transform: Transform,
    /// One for each cell line of training: what the run found there. Empty where they are not known: in folders of older
    /// versions, in converted models, without tracks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub track_means: Vec<CellMeans>,
    /// By factor, which share of the training windows is bound. Empty where it is not known: in folders of older versions, in converted
    /// models.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub training_share: Vec<f64>,
    /// Digest of the chromosomes in use, [`crate::data::packed_genome::PackedGenome::digest`]; empty where it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub genome: String,
}

/// The flag under which a run keeps the path of its blacklist.
pub const BLACKLIST: &str = "blacklist";

/// config.json of a FactorNet model.
pub type Config = crate::train::folder::config::Config<Description>;

impl Description {
    /// Meta numbers and annotation features together.
    pub fn meta_inputs(&self) -> usize {
        self.meta.len() + if self.gencode { FEATURES.len() } else { 0 }
    }
}

impl Described for Description {
    fn check(&self) -> std::result::Result<(), String> {
        self.network.check().map_err(|e| e.to_string())?;
        let (inputs, outputs) = (self.meta_inputs(), self.factors.len());
        if (self.network.meta, self.network.factors) == (inputs, outputs) {
            return Ok(());
        }
        Err(format!(
            "the network takes {} numbers beside bases and tracks and gives {} probabilities, but {inputs} (meta values and annotation features) and {outputs} are named",
            self.network.meta, self.network.factors
        ))
    }

    fn difference(&self, now: &Self) -> Option<Difference> {
        let number = |of: fn(&Spec) -> usize| (of(&self.network), of(&now.network));
        let numbers = [
            ("-L", number(|n| n.length)),
            ("-w", number(|n| n.motif_width)),
            ("-k", number(|n| n.kernels)),
            ("-d", number(|n| n.dense)),
        ];
        let numbers =
            numbers.map(|(flag, (before, now))| (flag, before.to_string(), now.to_string()));
        let recurrent = |d: &Self| d.network.recurrent.flag().to_string();
        let dropout = |d: &Self| d.network.dropout.dense.to_string();
        let gencode = |d: &Self| format!("{} {:?}", d.gencode, d.gencode_span);
        let list = |names: &[String]| names.join(", ");
        let scale = |d: &Self| d.track_scale.clone();
        let transform = |d: &Self| format!("{:?}", d.track_transform).to_lowercase();
        // What is left of the network follows from these.
        let network = |d: &Self| format!("{:?}", d.network);
        let tracks = |d: &Self| list(&d.network.tracks);
        let named = [
            ("-r", recurrent(self), recurrent(now)),
            ("-p", dropout(self), dropout(now)),
            ("the tracks", tracks(self), tracks(now)),
            ("the factors", list(&self.factors), list(&now.factors)),
            ("the meta values", list(&self.meta), list(&now.meta)),
            ("--track-scale", scale(self), scale(now)),
            ("--track-transform", transform(self), transform(now)),
            ("--gencode and --gencode-span", gencode(self), gencode(now)),
            ("the network", network(self), network(now)),
        ];
        Difference::among(numbers.into_iter().chain(named))
            .or_else(|| self.other_genome(now))
            .or_else(|| self.other_tracks(now))
    }
}

/// Genome and tracks are known by what was found in them: they are too large to be read twice.
impl Description {
    fn other_genome(&self, now: &Self) -> Option<Difference> {
        let known = !self.genome.is_empty() && !now.genome.is_empty();
        let shown = |d: &Self| format!("of digest {:.12}", d.genome);
        let pair = ("the bases of a genome", shown(self), shown(now));
        known.then(|| Difference::among([pair])).flatten()
    }

    fn other_tracks(&self, now: &Self) -> Option<Difference> {
        let cells = self.track_means.iter().zip(&now.track_means);
        let tracks = cells.flat_map(|(before, now)| {
            let shared = before.means.iter();
            shared
                .filter_map(move |(track, &mean)| Some((now, track, mean, *now.means.get(track)?)))
        });
        // Sums in another order, of another version, may differ in the last digits.
        let mut other = tracks.filter(|(_, _, a, b)| (a - b).abs() > 1e-9 * a.abs().max(b.abs()));
        other.next().map(|(cell, track, before, now)| Difference {
            what: format!(
                "the track '{track}' of {} and its mean of",
                cell.cell.display()
            ),
            before: Some(before.to_string()),
            now: Some(now.to_string()),
        })
    }
}

/// Writes chip.txt, feature.txt, bigwig.txt and meta.txt as the original does: one name per line, each list only where it
/// has names.
///
/// # Errors
/// A file cannot be written.
pub fn write_lists(model: &Description, folder: &Path) -> Result<()> {
    let tracks = &model.network.tracks;
    let features = [
        (!tracks.is_empty(), "bigwig"),
        (!model.meta.is_empty(), "meta"),
        (model.gencode, "gencode"),
    ];
    let features: Vec<String> = features
        .into_iter()
        .filter(|&(has, _)| has)
        .map(|(_, name)| name.to_string())
        .collect();
    let lists = [
        ("chip.txt", &model.factors),
        ("feature.txt", &features),
        ("bigwig.txt", tracks),
        ("meta.txt", &model.meta),
    ];
    for (file, names) in lists {
        if !names.is_empty() {
            write_atomic(folder.join(file), |w| {
                names.iter().try_for_each(|name| writeln!(w, "{name}"))
            })?;
        }
    }
    Ok(())
}
