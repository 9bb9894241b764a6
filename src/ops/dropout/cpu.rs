use crate::engine::params::STREAM_DROPOUT;
use crate::engine::simd::{Kernel, dispatch};
use crate::engine::{BLOCK, Backward, Forward, Noise, Philox, Real};

/// An element stays where its 32 random bits are at least this.
pub fn threshold(p: f64) -> u64 {
    (p * (1u64 << 32) as f64).ceil() as u64
}

/// Where the elements of one site draw their bits: `len` of them a row.
#[derive(Clone, Copy)]
pub struct Draw {
    philox: Philox,
    stream: u64,
    first_row: u64,
    len: usize,
    threshold: u64,
    scale: f64,
}

impl Draw {
    pub fn new(noise: Noise, p: f64, site: u64, len: usize) -> Self {
        Draw {
            philox: Philox::new(noise.seed),
            stream: STREAM_DROPOUT + (site << 32) + (noise.step & 0xffff_ffff),
            first_row: noise.first_row,
            len,
            threshold: threshold(p),
            scale: 1.0 / (1.0 - p),
        }
    }
}

/// Calls `work` with runs of a row's elements from `from` on, `n` in all: the first one's number, and a word for each of
/// them. Elements are numbered through the whole batch; 64 in a row share a block of random words.
#[inline(always)]
fn each_run(draw: &Draw, row: usize, from: usize, n: usize, mut work: impl FnMut(usize, &[u32])) {
    let first = (draw.first_row + row as u64) * draw.len as u64;
    let (mut at, end) = (first + from as u64, first + (from + n) as u64);
    while at < end {
        let block = at / BLOCK as u64;
        let words = draw.philox.block_inline(draw.stream, block);
        let start = (at % BLOCK as u64) as usize;
        let stop = ((end - block * BLOCK as u64) as usize).min(BLOCK);
        work((at - first) as usize, &words[start..stop]);
        at += (stop - start) as u64;
    }
}

/// `y = y m / (1 - p)` for a row's elements from `from` on; with `x`, `y += x m / (1 - p)`.
struct Dropped<'a, T> {
    draw: &'a Draw,
    row: usize,
    from: usize,
    x: Option<&'a [T]>,
    y: &'a mut [T],
}

impl<T: Real> Kernel for Dropped<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(self) {
        let Dropped {
            draw,
            row,
            from,
            x,
            y,
        } = self;
        let scale = T::of(draw.scale);
        // A threshold of 2^32 keeps nothing.
        let (threshold, scale) = match u32::try_from(draw.threshold) {
            Ok(threshold) => (threshold, scale),
            Err(_) => (u32::MAX, T::ZERO),
        };
        each_run(draw, row, from, y.len(), |at, words| {
            let at = at - from..at - from + words.len();
            let y = &mut y[at.clone()];
            match x {
                None => {
                    for (y, &word) in y.iter_mut().zip(words) {
                        *y = if word >= threshold {
                            *y * scale
                        } else {
                            T::ZERO
                        };
                    }
                }
                Some(x) => {
                    for ((y, &x), &word) in y.iter_mut().zip(&x[at]).zip(words) {
                        *y += if word >= threshold {
                            x * scale
                        } else {
                            T::ZERO
                        };
                    }
                }
            }
        });
    }
}

/// Drops from a row's elements `from..from + y.len()`, and scales the others.
pub fn drop_in_place<T: Real>(draw: &Draw, row: usize, from: usize, y: &mut [T]) {
    dispatch(Dropped {
        draw,
        row,
        from,
        x: None,
        y,
    });
}

/// Which elements stay, by (row, element): one at a time, from the generator's own words.
pub fn kept(noise: Noise, p: f64, site: u64, len: usize) -> impl Fn(usize, usize) -> bool {
    let draw = Draw::new(noise, p, site, len);
    move |row, i| {
        let index = (draw.first_row + row as u64) * len as u64 + i as u64;
        let counter = index / 64 * 16 + index % 16;
        let words = draw.philox.at(draw.stream, counter);
        u64::from(words[(index / 16 % 4) as usize]) >= draw.threshold
    }
}

pub fn forward<T: Real>(len: usize, p: f64, site: u64, io: Forward<'_, T>) {
    let draw = Draw::new(io.context.noise, p, site, len);
    for (row, y) in io.output.chunks_exact_mut(len).enumerate() {
        y.copy_from_slice(&io.inputs[0].row(row)[..len]);
        drop_in_place(&draw, row, 0, y);
    }
}

pub fn backward<T: Real>(len: usize, p: f64, site: u64, io: Backward<'_, '_, T>) {
    let Some(grad) = &mut io.grads[0] else { return };
    let draw = Draw::new(io.context.noise, p, site, len);
    for (row, dy) in io.grad_output.chunks_exact(len).enumerate() {
        dispatch(Dropped {
            draw: &draw,
            row,
            from: 0,
            x: Some(dy),
            y: &mut grad.row(row)[..len],
        });
    }
}
