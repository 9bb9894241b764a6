use crate::engine::params::STREAM_DROPOUT;
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
}

impl Draw {
    pub fn new(noise: Noise, p: f64, site: u64, len: usize) -> Self {
        Draw {
            philox: Philox::new(noise.seed),
            stream: STREAM_DROPOUT + (site << 32) + (noise.step & 0xffff_ffff),
            first_row: noise.first_row,
            len,
            threshold: threshold(p),
        }
    }
}

/// Calls `work` with every element of a row from `from` on, `n` of them, and whether it stays. Elements are numbered
/// through the whole batch; 64 in a row share a block of random words.
#[inline(always)]
pub fn each_element(
    draw: &Draw,
    row: usize,
    from: usize,
    n: usize,
    mut work: impl FnMut(usize, bool),
) {
    let first = (draw.first_row + row as u64) * draw.len as u64;
    let (mut at, end) = (first + from as u64, first + (from + n) as u64);
    while at < end {
        let block = at / BLOCK as u64;
        let words = draw.philox.block(draw.stream, block);
        let start = (at % BLOCK as u64) as usize;
        let stop = ((end - block * BLOCK as u64) as usize).min(BLOCK);
        let element = (at - first) as usize;
        for (i, &word) in words[start..stop].iter().enumerate() {
            work(element + i, u64::from(word) >= draw.threshold);
        }
        at += (stop - start) as u64;
    }
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
    let scale = T::of(1.0 / (1.0 - p));
    for (row, y) in io.output.chunks_exact_mut(len).enumerate() {
        let x = &io.inputs[0].row(row)[..len];
        each_element(&draw, row, 0, len, |i, stays| {
            y[i] = if stays { x[i] * scale } else { T::ZERO };
        });
    }
}

pub fn backward<T: Real>(len: usize, p: f64, site: u64, io: Backward<'_, '_, T>) {
    let Some(grad) = &mut io.grads[0] else { return };
    let draw = Draw::new(io.context.noise, p, site, len);
    let scale = T::of(1.0 / (1.0 - p));
    for (row, dy) in io.grad_output.chunks_exact(len).enumerate() {
        let dx = &mut grad.row(row)[..len];
        each_element(&draw, row, 0, len, |i, stays| {
            dx[i] += if stays { dy[i] * scale } else { T::ZERO };
        });
    }
}
