//! A row at a time, in tiles of a few windows: the forward run scans a tile's positions for both strands, writes h, and
//! goes on to the dense layer and the maxima of the strand's tile while h is near; the other strand's positions come in
//! falling order.

use super::StrandConvPool;
use super::pack::{PAIRS, Packed, unpack};
use super::scan::{Scan, scan};
use crate::engine::real::axpy;
use crate::engine::{Backward, Codes, Context, Forward, Mat, MatMut, Real, matmul};
use crate::ops::dropout::{Draw, each_element};
use std::cell::RefCell;

/// Positions scanned at once: their outputs stay in the first cache.
const SCANNED: usize = 48;

/// Elements of working space, forward or backward.
pub fn scratch(op: &StrandConvPool) -> usize {
    let k = op.kernels;
    let columns = (2 * k).next_multiple_of(super::pack::COLUMNS);
    let kept = if op.gradient { 0 } else { op.activations() };
    let forward = kept + SCANNED * columns + op.tile() * op.pool * k;
    let backward = gradients(op).iter().sum::<usize>() + op.positions() * k;
    forward.max(backward)
}

/// Elements of the gradients of the packed pairs, the tracks' lines and V transposed.
fn gradients(op: &StrandConvPool) -> [usize; 3] {
    let k = op.kernels;
    [
        2 * op.width.div_ceil(2) * PAIRS * k,
        2 * op.order.len() * op.width * k,
        k * k,
    ]
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

pub fn forward<T: Real>(op: &StrandConvPool, io: Forward<'_, T>) {
    let packed: &Packed<T> = io.context.prepared();
    let k = op.kernels;
    let (p, site) = op.dropout;
    let draw = (p > 0.0).then(|| Draw::new(io.context.noise, p, site, op.activations()));
    let scale = T::of(1.0 / (1.0 - p));
    let (out, rest) = io.scratch.split_at_mut(SCANNED * packed.columns);
    let (layer, own) = rest.split_at_mut(op.tile() * op.pool * k);
    for row in 0..io.rows {
        let y = &mut io.output[row * op.outputs()..(row + 1) * op.outputs()];
        let (h, mut first) = if op.gradient {
            let each = op.activations() + op.outputs();
            let saved = &mut io.saved[row * each..(row + 1) * each];
            let (h, first) = saved.split_at_mut(op.activations());
            (h, Some(first))
        } else {
            (&mut own[..op.activations()], None)
        };
        let tracks = io.inputs.get(4).map_or(&[][..], |t| t.row(row));
        with_pairs(op, &io.context, row, |pairs| {
            convolve(op, packed, pairs, tracks, out, h);
        });
        if let Some(draw) = &draw {
            each_element(draw, row, 0, h.len(), |i, stays| {
                h[i] = if stays { h[i] * scale } else { T::ZERO };
            });
        }
        let strand = op.windows() * k;
        for s in 0..2 {
            let h = &h[s * op.positions() * k..][..op.used() * k];
            let y = &mut y[s * strand..(s + 1) * strand];
            let first = first.as_mut().map(|f| &mut f[s * strand..(s + 1) * strand]);
            pool(op, packed, io.inputs[3].data, h, layer, y, first);
        }
    }
}

/// h of a row before dropout.
fn convolve<T: Real>(
    op: &StrandConvPool,
    packed: &Packed<T>,
    pairs: &[u8],
    tracks: &[T],
    out: &mut [T],
    h: &mut [T],
) {
    let (k, positions) = (op.kernels, op.positions());
    let (up, down) = h.split_at_mut(positions * k);
    for start in (0..positions).step_by(SCANNED) {
        let n = SCANNED.min(positions - start);
        let out = &mut out[..n * packed.columns];
        scan(Scan {
            pairs,
            tracks,
            length: op.length,
            width: op.width,
            table: &packed.pairs,
            lines: &packed.tracks,
            bias: &packed.bias,
            start,
            out,
        });
        let to = up[start * k..].chunks_exact_mut(k);
        for (to, line) in to.zip(out.chunks_exact(packed.columns)) {
            for (to, &x) in to.iter_mut().zip(&line[..k]) {
                *to = x.max(T::ZERO);
            }
        }
        let to = down[(positions - start - n) * k..(positions - start) * k].rchunks_exact_mut(k);
        for (to, line) in to.zip(out.chunks_exact(packed.columns)) {
            for (to, &x) in to.iter_mut().zip(&line[k..2 * k]) {
                *to = x.max(T::ZERO);
            }
        }
    }
}

/// The dense layer and the maxima of one strand; `first` gets the place of each maximum in its window.
fn pool<T: Real>(
    op: &StrandConvPool,
    packed: &Packed<T>,
    bias: &[T],
    h: &[T],
    layer: &mut [T],
    y: &mut [T],
    mut first: Option<&mut [T]>,
) {
    let (k, window) = (op.kernels, op.pool * op.kernels);
    let tile = op.tile();
    let tiles = h.chunks(tile * window).zip(y.chunks_mut(tile * k));
    for (index, (h, y)) in tiles.enumerate() {
        let lines = h.len() / k;
        let layer = &mut layer[..h.len()];
        matmul(
            MatMut::new(layer, lines, k),
            false,
            Mat::new(h, lines, k),
            Mat::new(&packed.layer, k, k),
            false,
        );
        for (j, (y, layer)) in y
            .chunks_exact_mut(k)
            .zip(layer.chunks_exact(window))
            .enumerate()
        {
            y.copy_from_slice(&layer[..k]);
            let at = (index * tile + j) * k;
            if let Some(first) = &mut first {
                let first = &mut first[at..at + k];
                first.fill(T::ZERO);
                for (i, x) in layer.chunks_exact(k).enumerate().skip(1) {
                    let place = T::of(i as f64);
                    for ((y, first), &x) in y.iter_mut().zip(first.iter_mut()).zip(x) {
                        *first = if x > *y { place } else { *first };
                        *y = if x > *y { x } else { *y };
                    }
                }
            } else {
                for x in layer.chunks_exact(k).skip(1) {
                    for (y, &x) in y.iter_mut().zip(x) {
                        *y = y.max(x);
                    }
                }
            }
            for (y, &b) in y.iter_mut().zip(bias) {
                *y = (*y + b).max(T::ZERO);
            }
        }
    }
}

/// # Panics
/// When the op was recorded without a backward run.
pub fn backward<T: Real>(op: &StrandConvPool, io: Backward<'_, '_, T>) {
    assert!(op.gradient, "strand_conv_pool: recorded for forward runs");
    let packed: &Packed<T> = io.context.prepared();
    let (k, positions, n) = (op.kernels, op.positions(), op.order.len());
    let scale = T::of(1.0 / (1.0 - op.dropout.0));
    let [pairs_len, tracks_len, layer_len] = gradients(op);
    let (dpairs, rest) = io.scratch.split_at_mut(pairs_len);
    let (dtracks, rest) = rest.split_at_mut(tracks_len);
    let (dlayer, rest) = rest.split_at_mut(layer_len);
    let dz = &mut rest[..positions * k];
    dpairs.fill(T::ZERO);
    dtracks.fill(T::ZERO);
    dlayer.fill(T::ZERO);
    let [dw, db, dv, dbias, ..] = io.grads else {
        return;
    };
    let each = op.activations() + op.outputs();
    let (strand, window) = (op.windows() * k, op.pool * k);
    for row in 0..io.rows {
        let (h, first) = io.saved[row * each..(row + 1) * each].split_at(op.activations());
        let tracks = io.inputs.get(4).map_or(&[][..], |t| t.row(row));
        for s in 0..2 {
            let at = row * op.outputs() + s * strand;
            let y = &io.output[at..at + strand];
            let dy = &io.grad_output[at..at + strand];
            let first = &first[s * strand..(s + 1) * strand];
            let h = &h[s * positions * k..(s + 1) * positions * k];
            dz.fill(T::ZERO);
            for j in 0..op.windows() {
                for o in 0..k {
                    let i = j * k + o;
                    if y[i] <= T::ZERO {
                        continue;
                    }
                    let g = dy[i];
                    let at = j * window + first[i].f64() as usize * k;
                    axpy(
                        &mut dz[at..at + k],
                        g,
                        &packed.transposed[o * k..(o + 1) * k],
                    );
                    axpy(&mut dlayer[o * k..(o + 1) * k], g, &h[at..at + k]);
                    if let Some(dbias) = dbias {
                        dbias.data[o] += g;
                    }
                }
            }
            // What was negative or dropped has no gradient; h is 0 in both cases.
            for (dz, &h) in dz.iter_mut().zip(h) {
                *dz = if h > T::ZERO { *dz * scale } else { T::ZERO };
            }
            if s == 1 {
                // Into the order of the forward strand's windows.
                reverse_lines(dz, k);
            }
            let half = &mut dpairs[s * pairs_len / 2..(s + 1) * pairs_len / 2];
            with_pairs(op, &io.context, row, |pairs| add_pairs(op, pairs, dz, half));
            for track in 0..n {
                let x = &tracks[track * op.length..(track + 1) * op.length];
                let at = (s * n + track) * op.width * k;
                matmul(
                    MatMut::new(&mut dtracks[at..at + op.width * k], op.width, k),
                    true,
                    Mat::strided(x, op.width, positions, 1, 1),
                    Mat::new(dz, positions, k),
                    false,
                );
            }
        }
    }
    let dw = dw.as_mut().map(|g| &mut *g.data);
    let db = db.as_mut().map(|g| &mut *g.data);
    unpack(op, dpairs, dtracks, dw, db);
    if let Some(dv) = dv {
        for (i, dv) in dv.data.iter_mut().enumerate() {
            *dv += dlayer[i % k * k + i / k];
        }
    }
}

fn reverse_lines<T: Real>(lines: &mut [T], len: usize) {
    let n = lines.len() / len;
    let (low, high) = lines.split_at_mut(n.div_ceil(2) * len);
    for (a, b) in low.chunks_exact_mut(len).zip(high.rchunks_exact_mut(len)) {
        a.swap_with_slice(b);
    }
}

/// Adds each position's dz to the lines of the pairs under its taps.
fn add_pairs<T: Real>(op: &StrandConvPool, pairs: &[u8], dz: &[T], into: &mut [T]) {
    let k = op.kernels;
    for (p, dz) in dz.chunks_exact(k).enumerate() {
        if dz.iter().all(|&x| x == T::ZERO) {
            continue;
        }
        for group in 0..op.width.div_ceil(2) {
            let line = group * PAIRS + usize::from(pairs[p + 2 * group]);
            axpy(&mut into[line * k..(line + 1) * k], T::ONE, dz);
        }
    }
}
