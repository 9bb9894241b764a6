//! Predictions, batch after batch.

use crate::engine::{Batch, CpuExecutor, Noise, Real};
use crate::train::batch::Samples;

/// Predictions for the chosen rows, rows x outputs, in batches in their order; `seen` hears how
/// many rows each batch had.
pub fn predict<T: Real>(
    executor: &mut CpuExecutor<T>,
    params: &[T],
    samples: Samples<'_>,
    rows: &[usize],
    batch_size: usize,
    seen: impl Fn(usize),
) -> Vec<T> {
    let mut out = vec![T::ZERO; rows.len() * samples.outputs];
    for (rows, out) in rows
        .chunks(batch_size)
        .zip(out.chunks_mut(batch_size * samples.outputs))
    {
        let codes = samples.gather(rows);
        let batch = Batch {
            rows: rows.len(),
            codes: &codes,
            dense: Vec::new(),
            noise: Noise::default(),
        };
        executor.forward(params, &batch, out);
        seen(rows.len());
    }
    out
}
