//! A row at a time. Forward: the scan writes h of both strands a few positions at once, dropout follows while they are
//! near, then the dense layer and the maxima of a few windows. Backward: from the maxima's positions to lines of both
//! strands' sums and differences, and from those to the tables' and the terms' gradients.

mod fast;
pub mod pack;
mod passes;
mod plain;
mod scan;

use super::StrandConvPool;
use crate::engine::simd::dispatch;
use crate::engine::{Backward, Codes, Context, Forward, Mat, MatMut, Real, matmul};
use crate::ops::dropout::{Draw, drop_in_place};
use fast::LINE;
use pack::{COLUMNS, PAIRS, Packed, unpack};
use passes::{AddPairs, Combine, Maxima, Scatter};
use scan::{Inputs, SCANNED, Scan};
use std::any::Any;
use std::cell::RefCell;

/// Elements of working space, forward or backward.
pub fn scratch(op: &StrandConvPool) -> usize {
    let kept = if op.gradient { 0 } else { op.activations() };
    let forward = kept + forward_parts(op).iter().sum::<usize>();
    forward.max(gradients(op).iter().sum())
}

/// Elements of the forward run's inputs by term (sums, differences), a block of sums, the layer of a tile.
fn forward_parts(op: &StrandConvPool) -> [usize; 4] {
    let inputs = op.terms.len() * SCANNED;
    let line = LINE.max(2 * op.kernels.next_multiple_of(COLUMNS));
    [inputs, inputs, line, op.tile() * op.pool * op.kernels]
}

/// Elements of the gradients of the packed pairs, sums, differences, V transposed and its bias; of the row's inputs by
/// term; of dz.
fn gradients(op: &StrandConvPool) -> [usize; 8] {
    let k = op.kernels;
    let terms = op.terms.len() * k;
    let inputs = op.terms.len() * op.positions();
    let dz = 2 * op.positions() * k;
    let pairs = 2 * op.width.div_ceil(2) * PAIRS * k;
    [pairs, terms, terms, k * k, k, inputs, inputs, dz]
}

/// Cuts `scratch` into consecutive parts.
fn cut<T, const N: usize>(mut scratch: &mut [T], lens: [usize; N]) -> [&mut [T]; N] {
    lens.map(|len| {
        let (part, rest) = std::mem::take(&mut scratch).split_at_mut(len);
        scratch = rest;
        part
    })
}

thread_local! {
    /// By position of the row at work the codes of its base and the next.
    static CODES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Runs `work` with the row's pairs of codes; the last base's partner, and what no tap reads, is N.
fn with_pairs<R>(
    op: &StrandConvPool,
    context: &Context<'_>,
    row: usize,
    work: impl FnOnce(&[u8]) -> R,
) -> R {
    CODES.with_borrow_mut(|pairs| {
        let codes = context.codes(Codes::Row, row, op.length);
        pairs.clear();
        pairs.extend(
            codes
                .iter()
                .zip(codes[1..].iter().chain([&4]))
                .map(|(&a, &b)| a.min(4) * 5 + b.min(4)),
        );
        work(pairs)
    })
}

/// Fills the positions of both strands.
fn scan<T: Real>(scan: Scan<'_, T>) {
    let Scan {
        packed,
        pairs,
        sums,
        differences,
        width,
        kernels,
        start,
        n,
        up,
        down,
        line,
    } = scan;
    if let Some(packed) = (packed as &dyn Any).downcast_ref::<Packed<f32>>()
        && let (Some(sums), Some(differences)) = (T::as_f32(sums), T::as_f32(differences))
        && let (Some(up), Some(down)) = (T::as_f32_mut(up), T::as_f32_mut(down))
        && let Some(line) = T::as_f32_mut(line)
    {
        return fast::scan(Scan {
            packed,
            pairs,
            sums,
            differences,
            width,
            kernels,
            start,
            n,
            up,
            down,
            line,
        });
    }
    plain::scan(Scan {
        packed,
        pairs,
        sums,
        differences,
        width,
        kernels,
        start,
        n,
        up,
        down,
        line,
    });
}

pub fn forward<T: Real>(op: &StrandConvPool, io: Forward<'_, T>) {
    let packed: &Packed<T> = io.context.prepared();
    let (k, positions) = (op.kernels, op.positions());
    let (p, site) = op.dropout;
    let draw = (p > 0.0).then(|| Draw::new(io.context.noise, p, site, op.activations()));
    let kept = if op.gradient { 0 } else { op.activations() };
    let (own, rest) = io.scratch.split_at_mut(kept);
    let [sums, differences, line, layer] = cut(rest, forward_parts(op));
    for row in 0..io.rows {
        let y = &mut io.output[row * op.outputs()..(row + 1) * op.outputs()];
        let (h, first) = if op.gradient {
            let each = op.activations() + op.outputs();
            io.saved[row * each..(row + 1) * each].split_at_mut(op.activations())
        } else {
            own.split_at_mut(kept)
        };
        let tracks = io.inputs.get(4).map_or(&[][..], |t| t.row(row));
        let (up, down) = h.split_at_mut(positions * k);
        with_pairs(op, &io.context, row, |pairs| {
            for start in (0..positions).step_by(SCANNED) {
                let n = SCANNED.min(positions - start);
                dispatch(Inputs {
                    terms: &op.terms,
                    tracks,
                    length: op.length,
                    start,
                    n,
                    stride: SCANNED,
                    sums,
                    differences,
                });
                scan(Scan {
                    packed,
                    pairs,
                    sums,
                    differences,
                    width: op.width,
                    kernels: k,
                    start,
                    n,
                    up,
                    down,
                    line,
                });
                if let Some(draw) = &draw {
                    let at = start * k;
                    drop_in_place(draw, row, at, &mut up[at..at + n * k]);
                    let at = (positions - start - n) * k;
                    let down = &mut down[at..at + n * k];
                    drop_in_place(draw, row, positions * k + at, down);
                }
            }
        });
        let strand = op.windows() * k;
        for s in 0..2 {
            let h = &h[s * positions * k..][..op.used() * k];
            let y = &mut y[s * strand..(s + 1) * strand];
            let first = first.get_mut(s * strand..(s + 1) * strand);
            let bias = io.inputs[3].data;
            pool(op, packed, bias, h, layer, y, first.unwrap_or_default());
        }
    }
}

/// The dense layer and the maxima of one strand; `first`, if not empty, gets the place of each maximum in its window.
fn pool<T: Real>(
    op: &StrandConvPool,
    packed: &Packed<T>,
    bias: &[T],
    h: &[T],
    layer: &mut [T],
    y: &mut [T],
    first: &mut [T],
) {
    let (k, pool) = (op.kernels, op.pool);
    let tile = op.tile();
    for (index, (h, y)) in h
        .chunks(tile * pool * k)
        .zip(y.chunks_mut(tile * k))
        .enumerate()
    {
        let lines = h.len() / k;
        let layer = &mut layer[..h.len()];
        matmul(
            MatMut::new(layer, lines, k),
            false,
            Mat::new(h, lines, k),
            Mat::new(&packed.layer, k, k),
            false,
        );
        let at = index * tile * k;
        if let Some(first) = first.get_mut(at..at + y.len()) {
            dispatch(Maxima::<T, true> {
                layer,
                pool,
                bias,
                y,
                first,
            });
        } else {
            dispatch(Maxima::<T, false> {
                layer,
                pool,
                bias,
                y,
                first: &mut [],
            });
        }
    }
}

/// # Panics
/// When the op was recorded without a backward run.
pub fn backward<T: Real>(op: &StrandConvPool, io: Backward<'_, '_, T>) {
    assert!(op.gradient, "strand_conv_pool: recorded for forward runs");
    let packed: &Packed<T> = io.context.prepared();
    let (k, positions, n) = (op.kernels, op.positions(), op.terms.len());
    let [dpairs, dsums, ddiffs, dlayer, dbias, sums, diffs, dz] = cut(io.scratch, gradients(op));
    for part in [&mut *dpairs, dsums, ddiffs, dlayer, dbias] {
        part.fill(T::ZERO);
    }
    let each = op.activations() + op.outputs();
    let strand = op.windows() * k;
    for row in 0..io.rows {
        let (h, first) = io.saved[row * each..(row + 1) * each].split_at(op.activations());
        let (up, down) = h.split_at(positions * k);
        dz.fill(T::ZERO);
        for (s, h) in [up, down].into_iter().enumerate() {
            let at = row * op.outputs() + s * strand;
            dispatch(Scatter {
                strand: s,
                positions,
                pool: op.pool,
                y: &io.output[at..at + strand],
                dy: &io.grad_output[at..at + strand],
                first: &first[s * strand..(s + 1) * strand],
                h,
                transposed: &packed.transposed,
                dz,
                dlayer,
                dbias,
            });
        }
        dispatch(Combine {
            kernels: k,
            scale: T::of(1.0 / (1.0 - op.dropout.0)),
            up,
            down,
            dz,
        });
        with_pairs(op, &io.context, row, |pairs| {
            dispatch(AddPairs {
                width: op.width,
                len: 2 * k,
                pairs,
                dz,
                into: dpairs,
            });
        });
        if n == 0 {
            continue;
        }
        dispatch(Inputs {
            terms: &op.terms,
            tracks: io.inputs[4].row(row),
            length: op.length,
            start: 0,
            n: positions,
            stride: positions,
            sums,
            differences: diffs,
        });
        for (half, (to, x)) in [(&mut *dsums, &*sums), (ddiffs, diffs)]
            .into_iter()
            .enumerate()
        {
            matmul(
                MatMut::new(to, n, k),
                true,
                Mat::new(x, n, positions),
                Mat::strided(&dz[half * k..], positions, k, 2 * k, 1),
                false,
            );
        }
    }
    let [dw, db, dv, dv_bias, ..] = io.grads else {
        return;
    };
    let dw = dw.as_mut().map(|g| &mut *g.data);
    let db = db.as_mut().map(|g| &mut *g.data);
    unpack(op, dpairs, dsums, ddiffs, dw, db);
    if let Some(dv) = dv {
        for (i, dv) in dv.data.iter_mut().enumerate() {
            *dv += dlayer[i % k * k + i / k];
        }
    }
    if let Some(dv_bias) = dv_bias {
        for (to, &from) in dv_bias.data.iter_mut().zip(&*dbias) {
            *to += from;
        }
    }
}
