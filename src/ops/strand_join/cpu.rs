use super::StrandJoin;
use crate::engine::real::axpy;
use crate::engine::{Backward, Forward, Real};

pub fn forward<T: Real>(op: &StrandJoin, io: Forward<'_, T>) {
    for (line, y) in io.output.chunks_exact_mut(op.own + op.common).enumerate() {
        let (row, strand) = (line / 2, line % 2);
        let (own, common) = y.split_at_mut(op.own);
        own.copy_from_slice(&io.inputs[0].row(row)[strand * op.own..][..op.own]);
        common.copy_from_slice(io.inputs[1].row(row));
    }
}

pub fn backward<T: Real>(op: &StrandJoin, io: Backward<'_, '_, T>) {
    for (line, dy) in io.grad_output.chunks_exact(op.own + op.common).enumerate() {
        let (row, strand) = (line / 2, line % 2);
        let (own, common) = dy.split_at(op.own);
        if let Some(dx) = &mut io.grads[0] {
            axpy(&mut dx.row(row)[strand * op.own..][..op.own], T::ONE, own);
        }
        if let Some(dm) = &mut io.grads[1] {
            axpy(dm.row(row), T::ONE, common);
        }
    }
}
