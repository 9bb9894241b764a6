//! The two number types of the CPU kernels: f32 to work in, f64 as the reference.

use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

/// A floating-point number that every CPU kernel is generic over.
pub trait Real:
    Copy
    + Debug
    + Display
    + Default
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + Sum
{
    const ZERO: Self;
    const ONE: Self;
    const NEG_INFINITY: Self;
    /// `f32` or `f64`, as `--precision` spells it.
    const NAME: &'static str;

    fn of(value: f64) -> Self;
    fn f64(self) -> f64;
    fn exp(self) -> Self;
    fn ln(self) -> Self;
    fn tanh(self) -> Self;
    fn sqrt(self) -> Self;
    fn erf(self) -> Self;
    fn abs(self) -> Self;
    fn is_finite(self) -> bool;

    /// The slice itself where `Self` is f32: how a fast f32 form of a kernel is chosen without
    /// a second trait.
    fn as_f32(slice: &[Self]) -> Option<&[f32]>;
    fn as_f32_mut(slice: &mut [Self]) -> Option<&mut [f32]>;

    fn max(self, other: Self) -> Self {
        if other > self { other } else { self }
    }

    /// 1 / (1 + e^-x), without overflow on either side.
    fn sigmoid(self) -> Self {
        if self >= Self::ZERO {
            Self::ONE / (Self::ONE + (-self).exp())
        } else {
            let e = self.exp();
            e / (Self::ONE + e)
        }
    }
}

macro_rules! real {
    ($t:ty, $erf:path, $name:literal, $as:expr, $as_mut:expr) => {
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NEG_INFINITY: Self = <$t>::NEG_INFINITY;
            const NAME: &'static str = $name;
            #[inline(always)]
            fn of(value: f64) -> Self {
                value as $t
            }
            #[inline(always)]
            fn f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn exp(self) -> Self {
                <$t>::exp(self)
            }
            #[inline(always)]
            fn ln(self) -> Self {
                <$t>::ln(self)
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                <$t>::tanh(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$t>::sqrt(self)
            }
            #[inline(always)]
            fn erf(self) -> Self {
                $erf(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                <$t>::abs(self)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                <$t>::is_finite(self)
            }
            fn as_f32(slice: &[Self]) -> Option<&[f32]> {
                let pick: fn(&[$t]) -> Option<&[f32]> = $as;
                pick(slice)
            }
            fn as_f32_mut(slice: &mut [Self]) -> Option<&mut [f32]> {
                let pick: fn(&mut [$t]) -> Option<&mut [f32]> = $as_mut;
                pick(slice)
            }
        }
    };
}

real!(f32, libm::erff, "f32", |s| Some(s), |s| Some(s));
real!(f64, libm::erf, "f64", |_| None, |_| None);

/// `a[i] += scale * b[i]`.
#[inline]
pub fn axpy<T: Real>(a: &mut [T], scale: T, b: &[T]) {
    for (a, &b) in a.iter_mut().zip(b) {
        *a += scale * b;
    }
}

/// `sum a[i] b[i]`, in eight running sums so that it vectorises.
#[inline]
pub fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    let mut sums = [T::ZERO; 8];
    let (a8, a_rest) = a.as_chunks::<8>();
    let (b8, b_rest) = b.as_chunks::<8>();
    for (a, b) in a8.iter().zip(b8) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    let mut sum = sums.into_iter().sum::<T>();
    for (&a, &b) in a_rest.iter().zip(b_rest) {
        sum += a * b;
    }
    sum
}

/// `sum a[i]`, in eight running sums.
#[inline]
pub fn sum<T: Real>(a: &[T]) -> T {
    let mut sums = [T::ZERO; 8];
    let (a8, rest) = a.as_chunks::<8>();
    for a in a8 {
        for i in 0..8 {
            sums[i] += a[i];
        }
    }
    sums.into_iter().sum::<T>() + rest.iter().copied().sum()
}
