//! Where a tiSFM model's kernels fire: sequences to motifs.

use super::KernelLayer;
use super::motif_kernels::PAD_CHANNELS;
use super::samples::Rows;
use super::saved::SavedModel;
use super::spec::Strands;
use crate::Result;
use crate::dna::bases::{N, complement};
use crate::dna::motif::{Motif, reverse_complement};
use crate::engine::{Batch, Device, Real, Tape};
use crate::interpret::kernel_motifs::{KernelMotifs, KernelSites};
use crate::models::tisfm::network::MOTIF_WEIGHT;
use crate::numbers::descending;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::model::Lowering;
use crate::train::observer::{Reduce, observe};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::Range;

/// One place in so many is a site where nothing else is said: what a p-value of 1e-4 finds, which is customary.
const ONE_IN: usize = 10_000;
/// But at least a tenth of the sequences are, from 20 up to so many.
const LEAST: usize = 100;

/// How sites are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    pub batch_size: usize,
    /// Sites of a channel at most; None: one in 10,000 of all places, but at least a tenth of the sequences, from 20 to 100.
    pub sites: Option<usize>,
}

impl SavedModel {
    /// The kernels of the first layer as motifs, by the sites where they fire.
    ///
    /// A channel's place in a sequence is the first one of its largest activation there (before the sigmoid; by how much a kernel is scaled
    /// and shifted does not matter, but for the scale's sign); its sites are the places in the sequences where that is largest, of equal ones in the first
    /// sequences. Where a ReLU follows, only those above 0. A channel whose activations are all the same has none. The two
    /// channels of a motif are looked at by themselves; what the second one finds is on the reverse strand. `seen` hears how many
    /// sequences each batch had.
    ///
    /// # Errors
    /// Sequences of another length; weights of another architecture; an architecture without such a layer; the device fails.
    pub fn kernel_motifs(
        &self,
        device: &Device,
        precision: Precision,
        samples: Rows<'_>,
        search: Search,
        seen: impl Fn(usize),
    ) -> Result<KernelMotifs> {
        self.check_length(samples.length)?;
        match precision {
            Precision::F64 => self.collect_motifs::<f64>(device, precision, samples, search, seen),
            Precision::F32 | Precision::Bf16 => {
                self.collect_motifs::<f32>(device, precision, samples, search, seen)
            }
        }
    }

    fn collect_motifs<T: Number>(
        &self,
        device: &Device,
        precision: Precision,
        samples: Rows<'_>,
        search: Search,
        seen: impl Fn(usize),
    ) -> Result<KernelMotifs> {
        let blueprint = self.config.model.blueprint();
        let (whole, _) = blueprint.recorded::<T>(true, Lowering::Composed)?;
        let all = self.params::<T>(whole.layout())?;
        // Of the parameters those that the first layers have.
        let mut tape = Tape::<T>::new(false);
        let layer = blueprint.kernel_layer(&mut tape)?;
        let of_whole = |name: &str| whole.layout().get(name).map(|param| param.range());
        let first = tape.layout().params.iter();
        let params: Vec<T> = first
            .filter_map(|param| of_whole(&param.name))
            .flat_map(|range| all[range].iter().copied())
            .collect();
        let (channels, positions) = match *tape.shape(layer.activations) {
            [channels, positions] => (channels, positions),
            _ => (0, 0),
        };
        let rows: Vec<usize> = (0..samples.codes.len() / samples.length.max(1)).collect();
        let one_in = (rows.len() * positions).div_ceil(ONE_IN);
        let least = (rows.len() / 10).clamp(20, LEAST);
        let mut found = Found {
            most: search.sites.unwrap_or(one_in.max(least)),
            floor: layer.floor.unwrap_or(f64::NEG_INFINITY),
            channels: vec![Best::default(); channels],
        };
        let (model, params, rows, batch) = (&blueprint, &params, &rows, search.batch_size);
        observe(
            device, precision, model, params, rows, batch, &samples, &mut found, seen,
        )?;
        let kernels = self.kernels(&layer, channels);
        let mut sites = KernelSites::new(kernels.len(), layer.width, 0);
        for (number, kernel) in kernels.iter().enumerate() {
            for channel in &kernel.channels {
                for site in found.channels[channel.number].sites() {
                    let codes = &samples.codes[site.row * samples.length..][..samples.length];
                    let bases = channel.bases(codes, site.position, &layer);
                    // A place of N alone says nothing of what the kernel looks for.
                    if bases.iter().any(|&base| base < N) {
                        sites.add(number, &bases, &[]);
                    }
                }
            }
        }
        Ok(named(&sites, &kernels))
    }

    /// The kernels of a layer with their names.
    fn kernels(&self, layer: &KernelLayer, channels: usize) -> Vec<Kernel> {
        let config = &self.config.model;
        let Some(strands) = layer.strands else {
            // Filters that started at random have no names.
            return (0..channels)
                .map(|filter| Kernel {
                    id: format!("M{filter}"),
                    label: None,
                    channels: vec![Channel::forward(filter)],
                    columns: 0..layer.width,
                })
                .collect();
        };
        let weight = self.weights.get(MOTIF_WEIGHT);
        let weight = weight.map_or(Vec::new(), |weight| weight.values.to_f64());
        let matrix = |channel: usize| columns_of(&weight, channel, layer.width);
        let motifs = config.motifs.len();
        let count = motifs + PAD_CHANNELS / strands.channels();
        let kernel = |place: usize| {
            let first = place * strands.channels();
            let forward = matrix(first);
            let mut channels = vec![Channel::forward(first)];
            if strands == Strands::Both {
                channels.push(Channel::reverse(first + 1, &forward, &matrix(first + 1)));
            }
            let id = config.motifs.get(place).cloned();
            let is_zero = |column: &[f64; 4]| column.iter().all(|&x| x == 0.0);
            let begin = forward.iter().position(|column| !is_zero(column))?;
            let end = forward.iter().rposition(|column| !is_zero(column))? + 1;
            Some(Kernel {
                label: id
                    .as_ref()
                    .and_then(|id| config.motif_names.get(id).cloned()),
                // Channels beyond the motifs, which learn where motifs do.
                id: id.unwrap_or_else(|| {
                    let pad = format!("pad_{}", place - motifs + 1);
                    let free = |id: &String| !config.motifs.contains(id);
                    let mut ids = std::iter::successors(Some(pad), |id| Some(format!("{id}_")));
                    ids.find(free).unwrap_or_default()
                }),
                channels,
                columns: begin..end,
            })
        };
        (0..count).filter_map(kernel).collect()
    }
}

/// A kernel and the channels that it has.
struct Kernel {
    id: String,
    label: Option<String>,
    channels: Vec<Channel>,
    /// Those of the layer's width that are its own.
    columns: Range<usize>,
}

struct Channel {
    number: usize,
    /// It reads the reverse strand.
    reverse: bool,
    /// How many positions its sites lie before the forward channel's.
    shift: usize,
}

impl Channel {
    fn forward(number: usize) -> Self {
        Channel {
            number,
            reverse: false,
            shift: 0,
        }
    }

    /// Both channels of a motif begin at the same position, so that turned around, the second lies one further where the
    /// motif's length and the layer's width differ by an odd number.
    fn reverse(number: usize, forward: &[[f64; 4]], own: &[[f64; 4]]) -> Self {
        let turned = reverse_complement(own);
        let distance = |shift: usize| {
            let pairs = forward.iter().zip(turned.iter().skip(shift));
            pairs
                .flat_map(|(a, b)| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)))
                .sum::<f64>()
        };
        Channel {
            number,
            reverse: true,
            shift: usize::from(distance(1) < distance(0)),
        }
    }
}

impl Channel {
    /// The bases of a site as the channel reads them; N beyond the sequence.
    fn bases(&self, codes: &[u8], position: usize, layer: &KernelLayer) -> Vec<u8> {
        let begin = position as isize - (layer.padding + self.shift) as isize;
        let base = |place: isize| match usize::try_from(place) {
            Ok(place) => codes.get(place).copied().unwrap_or(N),
            Err(_) => N,
        };
        let places = begin..begin + layer.width as isize;
        match self.reverse {
            true => places.rev().map(|place| complement(base(place))).collect(),
            false => places.map(base).collect(),
        }
    }
}

/// The columns of one channel of a weight (C, 4, width).
fn columns_of(weight: &[f64], channel: usize, width: usize) -> Vec<[f64; 4]> {
    let at = |base: usize, k: usize| {
        let place = (channel * 4 + base) * width + k;
        weight.get(place).copied().unwrap_or_default()
    };
    (0..width)
        .map(|k| [0, 1, 2, 3].map(|base| at(base, k)))
        .collect()
}

/// A channel's largest activation in a sequence.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Site {
    activation: f64,
    row: usize,
    position: usize,
}

impl Eq for Site {}

impl PartialOrd for Site {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The best first: the larger activation, of equal ones the earlier sequence.
impl Ord for Site {
    fn cmp(&self, other: &Self) -> Ordering {
        descending(self.activation, other.activation).then(self.row.cmp(&other.row))
    }
}

/// The best sites of a channel so far.
#[derive(Clone)]
struct Best {
    /// The worst of them on top.
    sites: BinaryHeap<Site>,
    /// Of all activations.
    least: f64,
    most: f64,
}

impl Default for Best {
    fn default() -> Self {
        Best {
            sites: BinaryHeap::new(),
            least: f64::INFINITY,
            most: f64::NEG_INFINITY,
        }
    }
}

impl Best {
    fn sites(&self) -> impl Iterator<Item = &Site> {
        let same = self.least == self.most;
        self.sites.iter().filter(move |_| !same)
    }
}

struct Found {
    /// Sites of a channel at most.
    most: usize,
    /// A site's activation is above it.
    floor: f64,
    channels: Vec<Best>,
}

impl Reduce for Found {
    /// Of each row each channel's largest activation, and its smallest.
    type Part = Vec<(Site, f64)>;

    fn part<T: Real>(
        &self,
        _: &Batch<'_, T>,
        before: usize,
        rows: Range<usize>,
        values: &[&[T]],
    ) -> Self::Part {
        let channels = self.channels.len();
        let positions = values[0].len() / (channels * rows.len()).max(1);
        let largest = |(place, activations): (usize, &[T])| {
            let mut site = Site {
                activation: f64::NEG_INFINITY,
                row: before + rows.start + place / channels,
                position: 0,
            };
            let mut least = f64::INFINITY;
            for (position, activation) in activations.iter().enumerate() {
                let activation = activation.f64();
                least = least.min(activation);
                if activation > site.activation {
                    (site.activation, site.position) = (activation, position);
                }
            }
            (site, least)
        };
        let activations = values[0].chunks(positions.max(1)).enumerate();
        activations.map(largest).collect()
    }

    fn merge(&mut self, part: Self::Part) {
        let channels = self.channels.len();
        for (place, (site, least)) in part.into_iter().enumerate() {
            let best = &mut self.channels[place % channels];
            best.least = best.least.min(least);
            best.most = best.most.max(site.activation);
            if site.activation > self.floor {
                best.sites.push(site);
                if best.sites.len() > self.most {
                    best.sites.pop();
                }
            }
        }
    }
}

/// The kernels that fire as motifs, and the names of the others.
fn named(sites: &KernelSites, kernels: &[Kernel]) -> KernelMotifs {
    let mut found = KernelMotifs::default();
    for (number, kernel) in kernels.iter().enumerate() {
        match sites.sites(number) {
            0 => found.without_sites.push(kernel.id.clone()),
            count => found.motifs.push(Motif {
                id: kernel.id.clone(),
                label: kernel.label.clone(),
                nsites: Some(count as f64),
                rows: sites.probabilities(number)[kernel.columns.clone()].to_vec(),
            }),
        }
    }
    found
}
