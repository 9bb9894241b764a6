//! The numbers that a network gets for a sample.

use std::sync::Arc;

use super::Sample;
use crate::data::packed_genome::PackedGenome;
use crate::data::tracks::{Track, Transform};
use crate::data::windows::annotations::FEATURES;
use crate::train::batch::{Row, Source};

/// A cell line's part of the inputs.
#[derive(Clone)]
pub struct CellInputs {
    /// Each with the factor that its values are multiplied by.
    pub tracks: Vec<(Arc<Track>, f32)>,
    /// The values of `meta.txt`; empty when the network takes none.
    pub meta: Vec<f32>,
}

/// Where inputs come from: one genome, and the cell lines by the samples' numbers.
#[derive(Clone)]
pub struct Inputs {
    pub genome: Arc<PackedGenome>,
    /// All with the same tracks and meta values.
    pub cells: Vec<CellInputs>,
    /// Of the tracks' values, behind their factors.
    pub transform: Transform,
    /// GENCODE features follow the meta values.
    pub gencode: bool,
}

impl Inputs {
    /// How many tracks a sample has.
    pub fn tracks(&self) -> usize {
        self.cells.first().map_or(0, |cell| cell.tracks.len())
    }

    /// What the first track without a value on a chromosome lacks there, as a sentence.
    pub fn lack_of(&self, chromosome: u32) -> Option<String> {
        let chromosomes = self.genome.chromosomes();
        let mut tracks = self.cells.iter().flat_map(|cell| &cell.tracks);
        tracks.find_map(|(track, _)| track.lack_of(chromosome, chromosomes))
    }

    /// How many numbers beside the sequence a sample has: meta values, then GENCODE features.
    pub fn meta(&self) -> usize {
        let features = if self.gencode { FEATURES.len() } else { 0 };
        features + self.cells.first().map_or(0, |cell| cell.meta.len())
    }

    /// Fills a sample's inputs, forward strand: `codes` with L codes (0 to 3 for A, C, G, T; 4 for
    /// N and past the chromosome's ends), `tracks` with L values for each track, one track after
    /// another, `meta` with [`Self::meta`] numbers.
    ///
    /// Panics when the slices do not have these lengths or the sample is of another set.
    pub fn fill_parts(
        &self,
        sample: &Sample,
        codes: &mut [u8],
        tracks: &mut [f32],
        meta: &mut [f32],
    ) {
        let cell = &self.cells[sample.cell as usize];
        let length = codes.len();
        assert_eq!(
            tracks.len(),
            cell.tracks.len() * length,
            "values of the tracks"
        );
        let start = sample.middle - (length / 2) as i64;
        self.genome.codes(sample.chromosome, start, codes);
        for ((track, factor), out) in cell.tracks.iter().zip(tracks.chunks_mut(length.max(1))) {
            track.values(sample.chromosome, start, *factor, out);
        }
        self.transform.apply(tracks);
        let (values, features) = meta.split_at_mut(cell.meta.len());
        values.copy_from_slice(&cell.meta);
        for (i, feature) in features.iter_mut().enumerate() {
            *feature = f32::from(sample.features >> i & 1);
        }
    }
}

impl Source for Inputs {
    type Sample = Sample;

    fn fill(&self, sample: &Sample, row: &mut Row<'_>) {
        let mut dense = row.dense.iter_mut().map(Vec::as_mut_slice);
        let tracks = if self.tracks() > 0 {
            dense.next()
        } else {
            None
        };
        let (tracks, meta) = (tracks.unwrap_or_default(), dense.next().unwrap_or_default());
        self.fill_parts(sample, row.codes, tracks, meta);
    }
}
