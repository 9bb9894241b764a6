//! The kernels: the plain form for every number type.

mod plain;

use super::PwmScanPool;
use crate::engine::{Backward, Forward, Prepared, Real};

pub fn saved(_op: &PwmScanPool, _rows: usize) -> usize {
    0
}

pub fn scratch(op: &PwmScanPool, _rows: usize) -> usize {
    plain::scratch(op)
}

pub fn prepare<T: Real>(_op: &PwmScanPool, _inputs: &[Option<&[T]>]) -> Option<Prepared> {
    None
}

pub fn forward<T: Real>(op: &PwmScanPool, io: Forward<'_, T>) {
    plain::forward(op, io);
}

pub fn backward<T: Real>(op: &PwmScanPool, io: Backward<'_, '_, T>) {
    plain::backward(op, io);
}
