//! Position embedding: `y[c, l] = x[c, l] + table[index[l]]`, x (C, L), table (rows, 1) -> (C, L).
//!
//! Gradient: `dx = dy`, `dtable[r] = sum of dy[c, l] over all c and the l with index[l] = r`.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Shape, Tape, Var};
use std::sync::Arc;

struct Position {
    channels: usize,
    index: Arc<[u32]>,
}

/// Records `x + table[index]`.
///
/// # Panics
/// When the shapes do not fit or an index lies outside the table.
pub fn position<T: Real>(tape: &mut Tape<T>, x: Var, table: Var, index: Arc<[u32]>) -> Var {
    let shape: Shape = tape.shape(x).into();
    let channels = shape[0];
    assert_eq!(tape.len(x), channels * index.len(), "position: index");
    let rows = tape.len(table);
    assert!(
        index.iter().all(|&i| (i as usize) < rows),
        "position: index outside a table of {rows}"
    );
    tape.push(Position { channels, index }, &[x, table], &shape, false)
}

/// One embedding for both strands: 0 up to the middle and down to 0 again, into a table of
/// `ceil(length / 2)`.
pub fn mirrored(length: usize) -> Arc<[u32]> {
    let half = length / 2;
    (0..half)
        .chain((0..length - half).rev())
        .map(|i| i as u32)
        .collect()
}

impl<T: Real> Op<T> for Position {
    fn name(&self) -> &'static str {
        "position"
    }

    fn rereads_input(&self, _index: usize) -> bool {
        false
    }

    fn rereads_output(&self) -> bool {
        false
    }

    fn forward(&self, io: Forward<'_, T>) {
        cpu::forward(self.channels, &self.index, io);
    }

    fn backward(&self, io: Backward<'_, '_, T>) {
        cpu::backward(self.channels, &self.index, io);
    }

    fn device(&self) -> Option<&dyn DeviceOp> {
        Some(self)
    }
}
