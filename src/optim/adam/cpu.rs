use super::{AdamStep, Shrink};
use crate::engine::Real;

/// Updates weights `w` and moments `m`, `v` in place from gradients `g`.
pub fn update<T: Real>(
    step: &AdamStep,
    shrink: Shrink,
    w: &mut [T],
    g: &[T],
    m: &mut [T],
    v: &mut [T],
) {
    let rate = T::of(step.rate());
    let spread = T::of(step.spread());
    let keep = T::of(1.0 - step.lr * step.decay);
    let (b1, b2, eps) = (T::of(step.beta1), T::of(step.beta2), T::of(step.eps));
    let (c1, c2) = (T::of(1.0 - step.beta1), T::of(1.0 - step.beta2));
    let (lambda, stretch) = match shrink {
        Shrink::None => (None, T::ONE),
        Shrink::L1 { lambda } => (Some(T::of(lambda)), T::ONE),
        Shrink::Mcp { lambda, b } => (Some(T::of(lambda)), T::of(b / (b - 1.0))),
    };
    let moments = m.iter_mut().zip(v.iter_mut());
    for ((w, &g), (m, v)) in w.iter_mut().zip(g).zip(moments) {
        *m = b1 * *m + c1 * g;
        *v = b2 * *v + c2 * g * g;
        let d = v.sqrt() / spread + eps;
        let moved = *w * keep - rate * *m / d;
        *w = match lambda {
            None => moved,
            Some(lambda) => {
                let size = moved.abs();
                let kept = (size - rate * lambda / d).max(T::ZERO) * stretch;
                let kept = if kept > size { size } else { kept };
                if moved < T::ZERO { -kept } else { kept }
            }
        };
    }
}
