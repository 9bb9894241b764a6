//! The recurrence of one strand in one direction, in plain loops.

use super::recurrence::{Back, Run};
use crate::engine::Real;
use crate::engine::real::{axpy, dot};

fn hard<T: Real>(z: T) -> T {
    let y = T::of(0.2) * z + T::of(0.5);
    if y < T::ZERO {
        T::ZERO
    } else if y > T::ONE {
        T::ONE
    } else {
        y
    }
}

/// What dy becomes behind a hard sigmoid whose value was y.
fn through_hard<T: Real>(dy: T, y: T) -> T {
    if y > T::ZERO && y < T::ONE {
        T::of(0.2) * dy
    } else {
        T::ZERO
    }
}

pub fn forward<T: Real>(run: Run<'_, T>) {
    let r = run.units;
    let mut before: Option<usize> = None;
    for step in 0..run.steps {
        let s = run.order.position(step, run.steps);
        let z = &mut run.gates[s * 4 * r..(s + 1) * 4 * r];
        axpy(z, T::ONE, run.b);
        if let Some(p) = before {
            for (i, u) in run.u.chunks_exact(4 * r).enumerate() {
                axpy(z, run.out[p * 2 * r + run.offset + i], u);
            }
        }
        for j in 0..r {
            let (i, f) = (hard(z[j]), hard(z[r + j]));
            let (g, o) = (z[2 * r + j].tanh(), hard(z[3 * r + j]));
            let c = i * g + before.map_or(T::ZERO, |p| f * run.cells[p * r + j]);
            for (gate, value) in [i, f, g, o].into_iter().enumerate() {
                z[gate * r + j] = value;
            }
            run.cells[s * r + j] = c;
            run.out[s * 2 * r + run.offset + j] = o * c.tanh();
        }
        before = Some(s);
    }
}

pub fn backward<T: Real>(run: Back<'_, T>) {
    let r = run.units;
    let (dh, dc) = run.state.split_at_mut(r);
    dh.fill(T::ZERO);
    dc.fill(T::ZERO);
    for step in (0..run.steps).rev() {
        let s = run.order.position(step, run.steps);
        let before = step
            .checked_sub(1)
            .map(|step| run.order.position(step, run.steps));
        let gates = &run.gates[s * 4 * r..(s + 1) * 4 * r];
        let dz = &mut run.dz[s * 4 * r..(s + 1) * 4 * r];
        for j in 0..r {
            let [i, f, g, o] = [0, 1, 2, 3].map(|gate| gates[gate * r + j]);
            let dh = dh[j] + run.dy[s * 2 * r + run.offset + j];
            let t = run.cells[s * r + j].tanh();
            let d = dc[j] + dh * o * (T::ONE - t * t);
            let c = before.map_or(T::ZERO, |p| run.cells[p * r + j]);
            dz[j] = through_hard(d * g, i);
            dz[r + j] = through_hard(d * c, f);
            dz[2 * r + j] = d * i * (T::ONE - g * g);
            dz[3 * r + j] = through_hard(dh * t, o);
            dc[j] = d * f;
        }
        for (dh, u) in dh.iter_mut().zip(run.u.chunks_exact(4 * r)) {
            *dh = dot(dz, u);
        }
    }
}
