//! Order statistics of numbers that are too many for memory and can be read twice.
//!
//! Radix selection: the bits of a number, ordered as the numbers are, are cut into an upper and a lower half. The first reading counts
//! the numbers by their upper half, so that the half is known of the number at every wanted rank; the second one counts by their lower
//! half those whose upper half is wanted. Nothing is rounded, and memory does not grow with the numbers.

/// Values of half of the bits.
const HALVES: usize = 1 << 16;

/// Order statistics at `shares` (0: the minimum, 1: the maximum; in proportion between the two numbers that a share lies
/// between, as numpy's `quantile` has it) of the numbers that `each` visits, the same ones each time. NaN and infinities do not count, and a
/// share beyond 0 or 1 is taken as 0 or 1. None where there is no number.
///
/// Numbers are visited twice. Half a MiB is needed for each upper half of the bits that is wanted, at most two for a share.
///
/// # Errors
/// Those of `each`.
pub fn quantiles<E>(
    shares: &[f64],
    mut each: impl FnMut(&mut dyn FnMut(f32)) -> Result<(), E>,
) -> Result<Option<Vec<f64>>, E> {
    let mut upper = vec![0_u64; HALVES];
    each(&mut |number| {
        if number.is_finite() {
            upper[upper_half(key(number))] += 1;
        }
    })?;
    let Some(last) = upper.iter().sum::<u64>().checked_sub(1) else {
        return Ok(None);
    };
    let places: Vec<Place> = shares.iter().map(|&share| Place::of(share, last)).collect();
    let mut lower: Vec<Option<Vec<u64>>> = vec![None; HALVES];
    for rank in places.iter().flat_map(|place| [place.below, place.above]) {
        lower[find(&upper, rank).0].get_or_insert_with(|| vec![0; HALVES]);
    }
    each(&mut |number| {
        let key = key(number);
        if number.is_finite()
            && let Some(counts) = &mut lower[upper_half(key)]
        {
            counts[key as usize % HALVES] += 1;
        }
    })?;
    let at = |rank| {
        let (half, rank) = find(&upper, rank);
        let low = lower[half]
            .as_ref()
            .map_or(0, |counts| find(counts, rank).0);
        number((half * HALVES + low) as u32)
    };
    let between = |place: &Place| {
        let (below, above) = (at(place.below), at(place.above));
        below + (above - below) * place.share
    };
    Ok(Some(places.iter().map(between).collect()))
}

/// Where a share lies: the ranks on both sides, and how much of the way it is from one to the other.
struct Place {
    below: u64,
    above: u64,
    share: f64,
}

impl Place {
    fn of(share: f64, last: u64) -> Place {
        let place = share.clamp(0.0, 1.0) * last as f64;
        let below = (place as u64).min(last);
        Place {
            below,
            above: (below + 1).min(last),
            share: place - below as f64,
        }
    }
}

/// The bits as an integer, in the numbers' order: those of a negative number, which ascend with its size, are all turned, and of the
/// others the sign, so that they come behind.
fn key(number: f32) -> u32 {
    const SIGN: u32 = 1 << 31;
    let bits = number.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// The number of a key; 0 has no sign.
fn number(key: u32) -> f64 {
    const SIGN: u32 = 1 << 31;
    let bits = if key & SIGN == 0 { !key } else { key ^ SIGN };
    // -0 + 0 is 0.
    f64::from(f32::from_bits(bits)) + 0.0
}

fn upper_half(key: u32) -> usize {
    key as usize / HALVES
}

/// Which of those that are counted, in their order, has a rank, and its rank among its equals.
fn find(counts: &[u64], mut rank: u64) -> (usize, u64) {
    for (which, &count) in counts.iter().enumerate() {
        match rank.checked_sub(count) {
            Some(rest) => rank = rest,
            None => return (which, rank),
        }
    }
    // Only where the second reading had fewer numbers than the first.
    (counts.len() - 1, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Philox;
    use std::convert::Infallible;

    const SHARES: [f64; 9] = [0.0, 1e-4, 0.1, 0.25, 0.5, 0.77, 0.99, 0.9999, 1.0];

    fn found(numbers: &[f32], shares: &[f64]) -> Option<Vec<f64>> {
        let each = |visit: &mut dyn FnMut(f32)| {
            numbers.iter().for_each(|&number| visit(number));
            Ok::<(), Infallible>(())
        };
        match quantiles(shares, each) {
            Ok(found) => found,
            Err(never) => match never {},
        }
    }

    /// By sorting.
    fn expected(numbers: &[f32], shares: &[f64]) -> Vec<f64> {
        let mut sorted: Vec<f64> = numbers.iter().map(|&x| f64::from(x) + 0.0).collect();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len() - 1;
        let at = |share: &f64| {
            let place = share * last as f64;
            let below = place.floor() as usize;
            let next = sorted[(below + 1).min(last)];
            sorted[below] + (next - sorted[below]) * place.fract()
        };
        shares.iter().map(at).collect()
    }

    fn agree(numbers: &[f32]) {
        let (found, expected) = (found(numbers, &SHARES), expected(numbers, &SHARES));
        let bits = |all: &[f64]| all.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(found.map(|all| bits(&all)), Some(bits(&expected)));
    }

    #[test]
    fn the_same_as_by_sorting() {
        let random = Philox::new(5);
        let of = |count: u64, make: &dyn Fn(u64) -> f32| (0..count).map(make).collect::<Vec<_>>();
        agree(&of(10_001, &|i| random.normal(0, i) as f32));
        agree(&of(1000, &|i| (random.normal(1, i) * 10.0).exp() as f32));
        // Whatever bits are a number, denormal ones among them.
        let any = of(20_000, &|i| f32::from_bits(random.bits(2, i) as u32));
        agree(
            &any.into_iter()
                .filter(|x| x.is_finite())
                .collect::<Vec<_>>(),
        );
        agree(&of(500, &|i| {
            f32::from_bits(random.bits(3, i) as u32 % 1000)
        }));
        agree(&of(500, &|i| {
            -f32::from_bits(random.bits(3, i) as u32 % 1000)
        }));
        agree(&of(3000, &|i| (random.bits(4, i) % 3) as f32 - 1.0));
        agree(&[f32::MAX, f32::MIN, f32::MIN_POSITIVE, -f32::MIN_POSITIVE]);
    }

    #[test]
    fn ties_zeros_and_one_number() {
        agree(&[7.5]);
        agree(&[2.0; 40]);
        agree(&[1.0, -1.0]);
        assert_eq!(found(&[-3.0, 1.0], &[0.25, 0.5]), Some(vec![-2.0, -1.0]));
        let zeros = found(&[0.0, -0.0, -0.0], &[0.0, 0.5, 1.0]).unwrap();
        assert!(zeros.iter().all(|x| x.to_bits() == 0), "{zeros:?}");
    }

    #[test]
    fn what_is_no_number_does_not_count() {
        let numbers = [f32::NAN, 4.0, f32::INFINITY, 2.0, f32::NEG_INFINITY];
        assert_eq!(
            found(&numbers, &[-1.0, 0.5, 7.0]),
            Some(vec![2.0, 3.0, 4.0])
        );
        assert_eq!(found(&[], &[0.5]), None);
        assert_eq!(found(&[f32::NAN], &[0.5]), None);
        assert_eq!(found(&[1.0], &[]), Some(Vec::new()));
    }

    #[test]
    fn an_error_of_either_reading_is_given() {
        for failing in [1, 2] {
            let mut reading = 0;
            let found = quantiles(&[0.5], |visit| {
                reading += 1;
                visit(1.0);
                if reading == failing {
                    Err("torn")
                } else {
                    Ok(())
                }
            });
            assert_eq!((found, reading), (Err("torn"), failing));
        }
    }

    /// A file that changes meanwhile must not stop the program.
    #[test]
    fn fewer_numbers_at_the_second_reading() {
        let mut reading = 0;
        let found = quantiles(&[1.0], |visit| {
            reading += 1;
            (reading..3).for_each(|i| visit(i as f32));
            Ok::<(), Infallible>(())
        });
        assert!(found.is_ok_and(|found| found.is_some()));
    }
}
