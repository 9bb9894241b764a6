use super::Activation;
use crate::engine::simd::{self, Kernel, dispatch};
use crate::engine::{Backward, Forward, Real};
use crate::ops::shared::cpu::each_row;

const LEAK: f64 = 0.01;

pub fn forward<T: Real>(kind: Activation, len: usize, io: Forward<'_, T>) {
    let x = io.inputs[0];
    each_row(io.output, len, io.context.parallel, |row, y| {
        let x = x.row(row);
        match kind {
            Activation::Sigmoid => match (T::as_f32(x), T::as_f32_mut(y)) {
                (Some(x), Some(y)) => dispatch(Sigmoid(x, y)),
                _ => map(x, y, T::sigmoid),
            },
            Activation::Relu => map(x, y, |x| if x > T::ZERO { x } else { T::ZERO }),
            Activation::LeakyRelu => {
                let leak = T::of(LEAK);
                map(x, y, |x| if x > T::ZERO { x } else { leak * x });
            }
            Activation::Gelu => match (T::as_f32(x), T::as_f32_mut(y)) {
                (Some(x), Some(y)) => dispatch(Gelu(x, y)),
                _ => map(x, y, |x| x * normal(x)),
            },
        }
    });
}

pub fn backward<T: Real>(kind: Activation, len: usize, io: Backward<'_, '_, T>) {
    let Some(dx) = &mut io.grads[0] else { return };
    let (dy, parallel) = (io.grad_output, io.context.parallel);
    let (x, y) = (io.inputs[0], io.output);
    each_row(dx.data, len, parallel, |row, dx| {
        let at = row * len..(row + 1) * len;
        let dy = &dy[at.clone()];
        match kind {
            Activation::Sigmoid => chain(dx, dy, &y[at], |y| y * (T::ONE - y)),
            Activation::Relu => chain(
                dx,
                dy,
                &y[at],
                |y| {
                    if y > T::ZERO { T::ONE } else { T::ZERO }
                },
            ),
            Activation::LeakyRelu => {
                let leak = T::of(LEAK);
                chain(dx, dy, &y[at], |y| if y > T::ZERO { T::ONE } else { leak });
            }
            Activation::Gelu => match (T::as_f32(x.row(row)), T::as_f32(dy), T::as_f32_mut(dx)) {
                (Some(x), Some(dy), Some(dx)) => dispatch(GeluGradient(x, dy, dx)),
                _ => chain(dx, dy, x.row(row), |x| normal(x) + x * density(x)),
            },
        }
    });
}

fn map<T: Real>(x: &[T], y: &mut [T], f: impl Fn(T) -> T) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = f(x);
    }
}

fn chain<T: Real>(dx: &mut [T], dy: &[T], at: &[T], slope: impl Fn(T) -> T) {
    for ((dx, &dy), &at) in dx.iter_mut().zip(dy).zip(at) {
        *dx += dy * slope(at);
    }
}

/// The normal distribution function.
fn normal<T: Real>(x: T) -> T {
    T::of(0.5) * (T::ONE + (x * T::of(std::f64::consts::FRAC_1_SQRT_2)).erf())
}

/// The normal density.
fn density<T: Real>(x: T) -> T {
    T::of(0.398_942_280_401_432_7) * (T::of(-0.5) * x * x).exp()
}

struct Sigmoid<'a>(&'a [f32], &'a mut [f32]);

impl Kernel for Sigmoid<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(self) {
        for (x, y) in self.0.iter().zip(self.1) {
            *y = simd::sigmoid::<FMA>(*x);
        }
    }
}

/// Distribution function and density, within 1e-7: Abramowitz and Stegun's 7.1.26 for the error
/// function, which vectorises as the exact one does not.
#[inline(always)]
fn normal_f32<const FMA: bool>(x: f32) -> (f32, f32) {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / simd::fma::<FMA>(0.327_591_1, z, 1.0);
    let p = simd::fma::<FMA>(t, 1.061_405_4, -1.453_152_1);
    let p = simd::fma::<FMA>(t, p, 1.421_413_8);
    let p = simd::fma::<FMA>(t, p, -0.284_496_72);
    let p = simd::fma::<FMA>(t, p, 0.254_829_6);
    let e = simd::exp::<FMA>(-z * z);
    let tail = 0.5 * t * p * e;
    let below = if x > 0.0 { 1.0 - tail } else { tail };
    (below, 0.398_942_3 * e)
}

struct Gelu<'a>(&'a [f32], &'a mut [f32]);

impl Kernel for Gelu<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(self) {
        for (x, y) in self.0.iter().zip(self.1) {
            *y = *x * normal_f32::<FMA>(*x).0;
        }
    }
}

struct GeluGradient<'a>(&'a [f32], &'a [f32], &'a mut [f32]);

impl Kernel for GeluGradient<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(self) {
        for ((x, dy), dx) in self.0.iter().zip(self.1).zip(self.2) {
            let (below, density) = normal_f32::<FMA>(*x);
            *dx += dy * simd::fma::<FMA>(*x, density, below);
        }
    }
}
