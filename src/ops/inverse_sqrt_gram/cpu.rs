use super::InverseSqrtGram;
use crate::engine::{Backward, Forward, Mat, MatMut, Real, matmul};

/// Rotates away everything off the diagonal of the symmetric `g`, which then holds the
/// eigenvalues; the columns of the result are the eigenvectors (cyclic Jacobi).
fn jacobi(g: &mut [f64], n: usize) -> Vec<f64> {
    let mut v: Vec<f64> = (0..n * n)
        .map(|i| f64::from(u8::from(i / n == i % n)))
        .collect();
    let norm: f64 = g.iter().map(|x| x * x).sum();
    for _sweep in 0..60 {
        let off: f64 = (0..n * n)
            .filter(|i| i / n != i % n)
            .map(|i| g[i] * g[i])
            .sum();
        // The error that this leaves in an eigenvalue is of second order.
        if off <= 1e-32 * norm {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                let apq = g[p * n + q];
                if apq == 0.0 {
                    continue;
                }
                let theta = (g[q * n + q] - g[p * n + p]) / (2.0 * apq);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                let s = t * c;
                for k in 0..n {
                    rotate(g, k * n + p, k * n + q, c, s);
                    rotate(&mut v, k * n + p, k * n + q, c, s);
                }
                for k in 0..n {
                    rotate(g, p * n + k, q * n + k, c, s);
                }
            }
        }
    }
    v
}

fn rotate(m: &mut [f64], p: usize, q: usize, c: f64, s: f64) {
    let (a, b) = (m[p], m[q]);
    m[p] = c * a - s * b;
    m[q] = s * a + c * b;
}

fn product(a: Mat<'_, f64>, b: Mat<'_, f64>, n: usize) -> Vec<f64> {
    let mut out = vec![0.0; n * n];
    matmul(MatMut::new(&mut out, n, n), false, a, b, false);
    out
}

pub fn forward<T: Real>(op: &InverseSqrtGram, io: Forward<'_, T>) {
    let n = op.filters;
    let saved = io.saved.chunks_exact_mut(n * (n + 1));
    for (row, (y, saved)) in io.output.chunks_exact_mut(n * n).zip(saved).enumerate() {
        let a: Vec<f64> = io.inputs[0].row(row).iter().map(|x| x.f64()).collect();
        let a = Mat::new(&a, n, op.length);
        let mut g = product(a, a.t(), n);
        let v = jacobi(&mut g, n);
        let (saved_v, saved_l) = saved.split_at_mut(n * n);
        for (saved, &v) in saved_v.iter_mut().zip(&v) {
            *saved = T::of(v);
        }
        for (i, saved) in saved_l.iter_mut().enumerate() {
            *saved = T::of(g[i * n + i]);
        }
        let scaled: Vec<f64> = (0..n * n)
            .map(|i| v[i] / g[i % n * n + i % n].sqrt())
            .collect();
        let root = product(Mat::new(&scaled, n, n), Mat::new(&v, n, n).t(), n);
        for (y, &root) in y.iter_mut().zip(&root) {
            *y = T::of(root);
        }
    }
}

pub fn backward<T: Real>(op: &InverseSqrtGram, io: Backward<'_, '_, T>) {
    let Some(grad) = &mut io.grads[0] else { return };
    let n = op.filters;
    let saved = io.saved.chunks_exact(n * (n + 1));
    for (row, (dy, saved)) in io.grad_output.chunks_exact(n * n).zip(saved).enumerate() {
        let saved: Vec<f64> = saved.iter().map(|x| x.f64()).collect();
        let dy: Vec<f64> = dy.iter().map(|x| x.f64()).collect();
        let (v, l) = saved.split_at(n * n);
        let v = Mat::new(v, n, n);
        let half = product(v.t(), Mat::new(&dy, n, n), n);
        let mut inner = product(Mat::new(&half, n, n), v, n);
        for (i, x) in inner.iter_mut().enumerate() {
            let (a, b) = (l[i / n].sqrt(), l[i % n].sqrt());
            *x *= -1.0 / (a * b * (a + b));
        }
        let half = product(v, Mat::new(&inner, n, n), n);
        let dg = product(Mat::new(&half, n, n), v.t(), n);
        let both: Vec<T> = (0..n * n)
            .map(|i| T::of(dg[i] + dg[i % n * n + i / n]))
            .collect();
        let a = Mat::new(io.inputs[0].row(row), n, op.length);
        let da = MatMut::new(grad.row(row), n, op.length);
        matmul(da, true, Mat::new(&both, n, n), a, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvectors_give_the_matrix_back() {
        for n in [1, 2, 5, 64] {
            let a: Vec<f64> = (0..n * n)
                .map(|i| ((i * 37 % 101) as f64 - 50.0) * 0.1)
                .collect();
            let a = Mat::new(&a, n, n);
            let g = product(a, a.t(), n);
            let mut l = g.clone();
            let v = jacobi(&mut l, n);
            let scaled: Vec<f64> = (0..n * n).map(|i| v[i] * l[i % n * n + i % n]).collect();
            let back = product(Mat::new(&scaled, n, n), Mat::new(&v, n, n).t(), n);
            let scale = g.iter().fold(1.0f64, |m, x| m.max(x.abs()));
            for (x, y) in back.iter().zip(&g) {
                assert!((x - y).abs() < 1e-12 * scale, "{n}: {x} {y}");
            }
        }
    }
}
