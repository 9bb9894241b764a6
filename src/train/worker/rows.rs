//! Samples as a GPU's kernels gather batches from them: all of a table, kept there; or chunks of a list, in two places in
//! turn, of which the host packs and sends one while the GPU works through the other.

use super::step::gather::RowFormat;
use crate::Result;
use crate::engine::cuda::{Buffer, Gpu, Staging};
use crate::train::batch::{Row, Source, Table};
use rayon::prelude::*;
use std::ops::Range;

/// Batches of a chunk, where there is room for them: the host looks at losses and outputs once in a chunk.
pub const STRIDE: usize = 64;
/// Of a chunk of several batches, and a quarter of what a GPU has free. There are at most two, on the host and on the GPU.
const CHUNK_BYTES: usize = 256 << 20;

/// The rows on a GPU.
pub struct DeviceRows<'a, S: Source> {
    source: &'a S,
    format: RowFormat,
    batch_size: usize,
    // Before `words`: dropped first, when no copy to them is under way.
    kept: Kept<S::Sample>,
    words: Buffer<u32>,
}

enum Kept<S> {
    /// All rows, by number. Outputs of so many batches are looked at at once.
    Table {
        row: fn(&S) -> usize,
        batches: usize,
    },
    /// Chunks of so many batches, in the places in turn.
    Chunks { batches: usize, places: Vec<Place> },
}

struct Place {
    staging: Staging,
    /// The chunk that is there or on its way.
    holds: Option<usize>,
}

impl<'a, S: Source> DeviceRows<'a, S> {
    /// Bytes that the rows take on a GPU at least.
    pub fn least_bytes(source: &S, format: &RowFormat, batch_size: usize, most: usize) -> usize {
        let row = format.words() * size_of::<u32>();
        match source.table() {
            Some(table) => table.rows * row,
            None if most <= batch_size => batch_size * row,
            None => 2 * batch_size * row,
        }
    }

    /// For batches of `batch_size` of a source's samples, of lists with no more than `most`; `what` names a batch in a message.
    ///
    /// # Errors
    /// Out of memory.
    pub fn new(
        gpu: &Gpu,
        source: &'a S,
        format: RowFormat,
        batch_size: usize,
        most: usize,
        what: &str,
    ) -> Result<Self> {
        let (words, all) = (format.words(), most.div_ceil(batch_size).max(1));
        if let Some(Table { rows, sample, row }) = source.table() {
            let samples: Vec<S::Sample> = (0..rows).map(sample).collect();
            let mut packed = vec![0; rows * words];
            pack(source, &format, &samples, &mut packed);
            return Ok(DeviceRows {
                words: gpu.upload(&packed, "the data set")?,
                kept: Kept::Table {
                    row,
                    batches: STRIDE.min(all),
                },
                source,
                format,
                batch_size,
            });
        }
        let batch = batch_size * words;
        let free = gpu.memory()?.0;
        let room = CHUNK_BYTES.min(free / 4);
        let full = (room / (batch * size_of::<u32>()).max(1)).clamp(1, STRIDE);
        let batches = full.min(all);
        let len = batches * batch;
        let count = if batches < all { 2 } else { 1 };
        let buffer = gpu.allocate(count * len, what)?;
        let place = |number| {
            Ok(Place {
                staging: gpu.staging(buffer.out().at(number * len), len, what)?,
                holds: None,
            })
        };
        Ok(DeviceRows {
            kept: Kept::Chunks {
                batches,
                places: (0..count).map(place).collect::<Result<_>>()?,
            },
            words: buffer,
            source,
            format,
            batch_size,
        })
    }

    pub fn format(&self) -> &RowFormat {
        &self.format
    }

    pub fn words(&self) -> &Buffer<u32> {
        &self.words
    }

    /// Batches of a chunk.
    pub fn stride(&self) -> usize {
        match self.kept {
            Kept::Table { batches, .. } | Kept::Chunks { batches, .. } => batches,
        }
    }

    /// Begins another list of samples: where each of them will be, as the kernels count rows.
    pub fn begin(&mut self, samples: &[S::Sample]) -> Vec<u32> {
        match &mut self.kept {
            Kept::Table { row, .. } => samples.iter().map(|sample| row(sample) as u32).collect(),
            Kept::Chunks { batches, places } => {
                places.iter_mut().for_each(|place| place.holds = None);
                let rows = places.len() * *batches * self.batch_size;
                (0..samples.len()).map(|i| (i % rows) as u32).collect()
            }
        }
    }

    /// Packs and sends a chunk of the list that was begun, if it is not there; one past the list's end is none.
    ///
    /// # Errors
    /// The driver refuses, or failed before.
    pub fn send(&mut self, gpu: &Gpu, samples: &[S::Sample], chunk: usize) -> Result<()> {
        let Kept::Chunks { batches, places } = &mut self.kept else {
            return Ok(());
        };
        let rows = *batches * self.batch_size;
        let count = places.len();
        let place = &mut places[chunk % count];
        let samples = samples.get(chunk * rows..).unwrap_or_default();
        if samples.is_empty() || place.holds == Some(chunk) {
            return Ok(());
        }
        let samples = &samples[..samples.len().min(rows)];
        let len = samples.len() * self.format.words();
        let host = place.staging.fill()?;
        pack(self.source, &self.format, samples, &mut host[..len]);
        place.staging.send(gpu, len)?;
        place.holds = Some(chunk);
        Ok(())
    }

    /// Kernels that are launched from now on find a chunk that was sent.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn take(&self, gpu: &Gpu, chunk: usize) -> Result<()> {
        match &self.kept {
            Kept::Table { .. } => Ok(()),
            Kept::Chunks { places, .. } => places[chunk % places.len()].staging.take(gpu),
        }
    }

    /// Kernels that have been launched are the last to need a chunk's place as it is.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn free(&mut self, gpu: &Gpu, chunk: usize) -> Result<()> {
        match &mut self.kept {
            Kept::Table { .. } => Ok(()),
            Kept::Chunks { places, .. } => {
                let count = places.len();
                places[chunk % count].staging.free(gpu)
            }
        }
    }
}

/// The chunks of `stride` batches that hold these batches, each with those of them that it holds.
pub fn chunks(stride: usize, batches: Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> {
    let chunks = batches.start / stride..batches.end.div_ceil(stride);
    chunks.map(move |chunk| {
        let (first, end) = (chunk * stride, (chunk + 1) * stride);
        (chunk, batches.start.max(first)..batches.end.min(end))
    })
}

/// Writes samples as rows, over all threads.
pub fn pack<S: Source>(source: &S, format: &RowFormat, samples: &[S::Sample], words: &mut [u32]) {
    let width = format.words();
    if width == 0 {
        return;
    }
    let empty = || {
        let dense = format.dense.iter();
        let dense: Vec<Vec<f32>> = dense.map(|&len| vec![0.0; len]).collect();
        (vec![0; format.length], dense, vec![0.0; format.targets])
    };
    let rows = words.par_chunks_exact_mut(width).zip(samples);
    rows.for_each_init(empty, |(codes, dense, targets), (row, sample)| {
        source.fill(sample, &mut Row { codes, dense });
        if !targets.is_empty() {
            source.targets(sample, targets);
        }
        format.pack(codes, dense, targets, row);
    });
}
