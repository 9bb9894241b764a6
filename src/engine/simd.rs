//! One kernel text for several instruction sets: a [`Kernel`] is compiled for AVX-512, for AVX2
//! with FMA and for the baseline, and the best one that the processor has runs.

use std::sync::OnceLock;

/// Instruction sets, from plain to wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Plain,
    Avx2,
    Avx512,
}

/// A hot loop. `run` must be `#[inline(always)]`, with plain loops over arrays of `LANES`
/// elements; `FMA` says that `mul_add` is one instruction (else it is a slow library call).
pub trait Kernel {
    type Output;
    fn run<const LANES: usize, const FMA: bool>(self) -> Self::Output;
}

/// The widest level of this processor.
pub fn best_level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| levels().last().copied().unwrap_or(Level::Plain))
}

/// All levels that this processor can run, for tests that compare them.
pub fn levels() -> Vec<Level> {
    #[allow(unused_mut)]
    let mut levels = vec![Level::Plain];
    #[cfg(target_arch = "x86_64")]
    {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        if avx2 {
            levels.push(Level::Avx2);
        }
        if avx2
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
        {
            levels.push(Level::Avx512);
        }
    }
    levels
}

/// Runs a kernel at the best level.
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    dispatch_at(best_level(), kernel)
}

/// Runs a kernel at a level, or at the best one below it that the processor has.
pub fn dispatch_at<K: Kernel>(level: Level, kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        match level.min(best_level()) {
            // SAFETY: best_level() found these features on this processor.
            Level::Avx512 => return unsafe { avx512(kernel) },
            // SAFETY: as above.
            Level::Avx2 => return unsafe { avx2(kernel) },
            Level::Plain => {}
        }
    }
    let _ = level;
    kernel.run::<8, false>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<16, true>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<8, true>()
}

/// `a b + c`, fused where that is one instruction.
#[inline(always)]
pub fn fma<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// e^x within 2 units in the last place for x in [-87, 88]; beyond that it stays at the ends'
/// values. 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2] (coefficients of Cephes' expf).
#[inline(always)]
pub fn exp<const FMA: bool>(x: f32) -> f32 {
    /// 1.5 * 2^23: adding it rounds to an integer, which then lies in the low bits.
    const MAGIC: f32 = 12_582_912.0;
    let x = if x > 88.0 { 88.0 } else { x };
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = fma::<FMA>(x, std::f32::consts::LOG2_E, MAGIC);
    let n = shifted - MAGIC;
    let r = fma::<FMA>(n, -0.693_359_4, x);
    let r = fma::<FMA>(n, 2.121_944_4e-4, r);
    let p = 1.987_569_1e-4;
    let p = fma::<FMA>(p, r, 1.398_199_9e-3);
    let p = fma::<FMA>(p, r, 8.333_452e-3);
    let p = fma::<FMA>(p, r, 4.166_579_6e-2);
    let p = fma::<FMA>(p, r, 1.666_666_5e-1);
    let p = fma::<FMA>(p, r, 0.5);
    let p = fma::<FMA>(p, r * r, r + 1.0);
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    p * scale
}

/// 1.5 * 2^23: adding it rounds to an integer, which then lies in the low bits.
const TO_WHOLE: f32 = 12_582_912.0;

/// 2^x within 3 units in the last place for x in [-125, 125]; beyond that it stays at the ends'
/// values. Half the work of [`exp`]: for sums of many, with log2 e folded into what comes before.
#[inline(always)]
pub fn exp2<const FMA: bool>(x: f32) -> f32 {
    let x = if x > 125.0 { 125.0 } else { x };
    let x = if x < -125.0 { -125.0 } else { x };
    let shifted = x + TO_WHOLE;
    exp2_of_parts::<FMA>(shifted, x - (shifted - TO_WHOLE))
}

/// 2^(a b - less) as [`exp2`] has it, but for a whole number `less` and an exponent within [-125, 125] only: nothing looks
/// whether that holds.
#[inline(always)]
pub fn exp2_of_product<const FMA: bool>(a: f32, b: f32, less: f32) -> f32 {
    let to_whole = TO_WHOLE - less;
    let shifted = fma::<FMA>(a, b, to_whole);
    exp2_of_parts::<FMA>(shifted, fma::<FMA>(a, b, to_whole - shifted))
}

/// 2^(n + f) of the whole number in the low bits of `shifted` and f in [-1/2, 1/2].
#[inline(always)]
fn exp2_of_parts<const FMA: bool>(shifted: f32, f: f32) -> f32 {
    // The polynomial of degree 5 with the least largest relative error on [-1/2, 1/2], 7.5e-8.
    let p = 1.327_647_2e-3;
    let p = fma::<FMA>(p, f, 9.675_541e-3);
    let p = fma::<FMA>(p, f, 5.550_713e-2);
    let p = fma::<FMA>(p, f, 2.402_212e-1);
    let p = fma::<FMA>(p, f, 6.931_469_4e-1);
    let p = fma::<FMA>(p, f, 1.000_000_1);
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// 1 / (1 + e^-x).
#[inline(always)]
pub fn sigmoid<const FMA: bool>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<FMA>(-x))
}

/// tanh x within 3e-7 of itself: below 0.625 a polynomial in x^2 (coefficients of Cephes' tanhf), above it
/// `1 - 2 / (e^2|x| + 1)`.
#[inline(always)]
pub fn tanh<const FMA: bool>(x: f32) -> f32 {
    let size = x.abs();
    let far = 1.0 - 2.0 / (exp::<FMA>(2.0 * size) + 1.0);
    let x2 = x * x;
    let p = -5.704_988_7e-3;
    let p = fma::<FMA>(p, x2, 2.063_909e-2);
    let p = fma::<FMA>(p, x2, -5.373_971_6e-2);
    let p = fma::<FMA>(p, x2, 1.333_144_2e-1);
    let p = fma::<FMA>(p, x2, -3.333_328e-1);
    let near = fma::<FMA>(p * x2, x, x);
    if size < 0.625 { near } else { far.copysign(x) }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Map<'a>(&'a [f32], &'a mut [f32], bool);

    impl Kernel for Map<'_> {
        type Output = ();
        #[inline(always)]
        fn run<const LANES: usize, const FMA: bool>(self) {
            for (x, y) in self.0.iter().zip(self.1) {
                *y = if self.2 {
                    sigmoid::<FMA>(*x)
                } else {
                    exp::<FMA>(*x)
                };
            }
        }
    }

    #[test]
    fn exp_and_sigmoid_agree_with_f64_at_every_level() {
        let xs: Vec<f32> = (-86_000..88_000).map(|i| i as f32 * 1e-3).collect();
        for level in levels() {
            for sigmoid in [false, true] {
                let mut ys = vec![0.0; xs.len()];
                dispatch_at(level, Map(&xs, &mut ys, sigmoid));
                for (&x, &y) in xs.iter().zip(&ys) {
                    let e = f64::from(x).exp();
                    let truth = if sigmoid { e / (1.0 + e) } else { e };
                    let error = (f64::from(y) - truth).abs() / truth;
                    assert!(error < 3e-7, "{level:?} {sigmoid} at {x}: {error:e}");
                }
            }
        }
    }

    struct Tanh<'a>(&'a mut [f32]);

    impl Kernel for Tanh<'_> {
        type Output = ();
        #[inline(always)]
        fn run<const LANES: usize, const FMA: bool>(self) {
            for x in self.0 {
                *x = tanh::<FMA>(*x);
            }
        }
    }

    #[test]
    fn tanh_agrees_with_f64_at_every_level() {
        let xs: Vec<f32> = (-120_000..120_000).map(|i| i as f32 * 1e-4).collect();
        for level in levels() {
            let mut ys = xs.clone();
            dispatch_at(level, Tanh(&mut ys));
            for (&x, &y) in xs.iter().zip(&ys) {
                let truth = f64::from(x).tanh();
                let error = (f64::from(y) - truth).abs();
                assert!(error <= 3e-7 * truth.abs(), "{level:?} at {x}: {error:e}");
            }
        }
    }

    struct PowerOfTwo<'a>(&'a mut [f32]);

    impl Kernel for PowerOfTwo<'_> {
        type Output = ();
        #[inline(always)]
        fn run<const LANES: usize, const FMA: bool>(self) {
            for x in self.0 {
                *x = exp2::<FMA>(*x);
            }
        }
    }

    #[test]
    fn exp2_agrees_with_f64_at_every_level() {
        let xs: Vec<f32> = (-130_000..130_000).map(|i| i as f32 * 1e-3).collect();
        for level in levels() {
            let mut ys = xs.clone();
            dispatch_at(level, PowerOfTwo(&mut ys));
            for (&x, &y) in xs.iter().zip(&ys) {
                let truth = f64::from(x).clamp(-125.0, 125.0).exp2();
                let error = (f64::from(y) - truth).abs() / truth;
                assert!(error < 3e-7, "{level:?} at {x}: {error:e}");
            }
        }
    }

    struct PowerOfProduct<'a>(&'a mut [f32]);

    impl Kernel for PowerOfProduct<'_> {
        type Output = ();
        #[inline(always)]
        fn run<const LANES: usize, const FMA: bool>(self) {
            for x in self.0 {
                *x = exp2_of_product::<FMA>(-86.5, *x, 7.0);
            }
        }
    }

    #[test]
    fn exp2_of_a_product_agrees_with_f64_at_every_level() {
        let xs: Vec<f32> = (0..100_000).map(|i| i as f32 * 1e-5).collect();
        for level in levels() {
            let mut ys = xs.clone();
            dispatch_at(level, PowerOfProduct(&mut ys));
            for (&x, &y) in xs.iter().zip(&ys) {
                let truth = (-86.5 * f64::from(x) - 7.0).exp2();
                let error = (f64::from(y) - truth).abs() / truth;
                // Without FMA the product itself is rounded: 2^-18 of ln 2.
                let most = if level == Level::Plain { 3e-6 } else { 3e-7 };
                assert!(error < most, "{level:?} at {x}: {error:e}");
            }
        }
    }

    #[test]
    fn far_arguments_stay_finite() {
        assert!(exp::<false>(1e30).is_finite() && exp::<false>(-1e30) > 0.0);
        assert_eq!(sigmoid::<false>(1e30), 1.0);
        assert!(sigmoid::<false>(-1e30) < 1e-37);
    }
}
