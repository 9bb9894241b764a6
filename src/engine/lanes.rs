//! Vector sums that the compiler must keep in registers. Inside a [`Kernel`](super::simd::Kernel)
//! plain loops become vectors by themselves as long as there are few of them; a block of sums that
//! lives through a loop does not, so it is spelled out here.

use super::real;
use super::real::Real;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// `sums += a b`.
///
/// # Safety
/// With `FMA`, the processor has FMA with vectors of `L` numbers: inside `Kernel::run` with its own
/// `LANES` and `FMA` this holds.
#[inline(always)]
pub unsafe fn add_product<const L: usize, const FMA: bool>(
    sums: &mut [f32; L],
    a: &[f32; L],
    b: &[f32; L],
) {
    #[cfg(target_arch = "x86_64")]
    if FMA && L == 16 {
        // SAFETY: the arrays have 16 numbers; the caller vouches for the instructions.
        unsafe {
            let (a, b) = (_mm512_loadu_ps(a.as_ptr()), _mm512_loadu_ps(b.as_ptr()));
            let sum = _mm512_fmadd_ps(a, b, _mm512_loadu_ps(sums.as_ptr()));
            _mm512_storeu_ps(sums.as_mut_ptr(), sum);
        }
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if FMA && L == 8 {
        // SAFETY: the arrays have 8 numbers; the caller vouches for the instructions.
        unsafe {
            let (a, b) = (_mm256_loadu_ps(a.as_ptr()), _mm256_loadu_ps(b.as_ptr()));
            let sum = _mm256_fmadd_ps(a, b, _mm256_loadu_ps(sums.as_ptr()));
            _mm256_storeu_ps(sums.as_mut_ptr(), sum);
        }
        return;
    }
    for i in 0..L {
        sums[i] += a[i] * b[i];
    }
}

/// `sums += a`.
///
/// # Safety
/// As for [`add_product`].
#[inline(always)]
pub unsafe fn add<const L: usize, const FMA: bool>(sums: &mut [f32; L], a: &[f32; L]) {
    #[cfg(target_arch = "x86_64")]
    if FMA && L == 16 {
        // SAFETY: the arrays have 16 numbers; the caller vouches for the instructions.
        unsafe {
            let sum = _mm512_add_ps(_mm512_loadu_ps(a.as_ptr()), _mm512_loadu_ps(sums.as_ptr()));
            _mm512_storeu_ps(sums.as_mut_ptr(), sum);
        }
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if FMA && L == 8 {
        // SAFETY: the arrays have 8 numbers; the caller vouches for the instructions.
        unsafe {
            let sum = _mm256_add_ps(_mm256_loadu_ps(a.as_ptr()), _mm256_loadu_ps(sums.as_ptr()));
            _mm256_storeu_ps(sums.as_mut_ptr(), sum);
        }
        return;
    }
    for i in 0..L {
        sums[i] += a[i];
    }
}

/// `sums += a x`, x the same in all lanes.
///
/// # Safety
/// As for [`add_product`].
#[inline(always)]
pub unsafe fn add_scaled<const L: usize, const FMA: bool>(
    sums: &mut [f32; L],
    a: &[f32; L],
    x: f32,
) {
    #[cfg(target_arch = "x86_64")]
    if FMA && L == 16 {
        // SAFETY: the arrays have 16 numbers; the caller vouches for the instructions.
        unsafe {
            let (a, x) = (_mm512_loadu_ps(a.as_ptr()), _mm512_set1_ps(x));
            let sum = _mm512_fmadd_ps(a, x, _mm512_loadu_ps(sums.as_ptr()));
            _mm512_storeu_ps(sums.as_mut_ptr(), sum);
        }
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if FMA && L == 8 {
        // SAFETY: the arrays have 8 numbers; the caller vouches for the instructions.
        unsafe {
            let (a, x) = (_mm256_loadu_ps(a.as_ptr()), _mm256_set1_ps(x));
            let sum = _mm256_fmadd_ps(a, x, _mm256_loadu_ps(sums.as_ptr()));
            _mm256_storeu_ps(sums.as_mut_ptr(), sum);
        }
        return;
    }
    for i in 0..L {
        sums[i] += a[i] * x;
    }
}

/// `to += x from` for slices of any length. (The compiler makes gathers of plain loops over scattered short lines.)
///
/// # Safety
/// As for [`add_product`].
#[inline(always)]
pub unsafe fn axpy<T: Real, const L: usize, const FMA: bool>(to: &mut [T], x: T, from: &[T]) {
    let whole = to.len() / L * L;
    if let (Some(to), Some(from)) = (T::as_f32_mut(to), T::as_f32(from)) {
        let lines = parts_mut::<L>(to).iter_mut().zip(parts::<L>(from));
        for (to, from) in lines {
            // SAFETY: the caller's.
            unsafe { add_scaled::<L, FMA>(to, from, x.f64() as f32) };
        }
        for (to, &from) in to[whole..].iter_mut().zip(&from[whole..]) {
            *to += x.f64() as f32 * from;
        }
    } else {
        real::axpy(to, x, from);
    }
}

/// The vectors of `L` that make up a longer one.
#[inline(always)]
pub fn parts<const L: usize>(vector: &[f32]) -> &[[f32; L]] {
    vector.as_chunks::<L>().0
}

#[inline(always)]
pub fn parts_mut<const L: usize>(vector: &mut [f32]) -> &mut [[f32; L]] {
    vector.as_chunks_mut::<L>().0
}
