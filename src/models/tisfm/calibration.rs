//! The motif layer's start from each motif's score distribution, after the original's
//! `initiate_conv_w_cdf`: a logistic fitted to a power of the cumulative distribution of the
//! motif's scores.

/// Grid points of the score axis: the step is (largest - smallest probability) / 999.
const GRID: f64 = 999.0;
/// The target is the cumulative distribution to this power: only the best scores count.
const POWER: i32 = 10;

/// conv_scale and conv_bias of one channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    pub scale: f64,
    pub bias: f64,
    /// Mean squared error over the support.
    pub mse: f64,
    /// Scores that the kernel can reach.
    pub support: usize,
}

impl Fit {
    /// What an all-zero kernel gets.
    pub const ZERO: Fit = Fit {
        scale: 0.0,
        bias: 0.0,
        mse: 0.0,
        support: 0,
    };
}

/// Support points of the score distribution that have mass, and the target at each.
struct Target {
    scores: Vec<f64>,
    values: Vec<f64>,
}

/// Scores of a kernel (positions x bases) under base probabilities that are the softmax of each
/// row, on a grid, by convolving the rows.
fn target(kernel: &[[f64; 4]]) -> Option<Target> {
    let rows: Vec<[f64; 4]> = kernel
        .iter()
        .copied()
        .filter(|r| r.iter().any(|&p| p != 0.0))
        .collect();
    let (low, high) = rows
        .iter()
        .flatten()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &p| {
            (l.min(p), h.max(p))
        });
    let step = (high - low) / GRID;
    if rows.is_empty() || step <= 0.0 {
        return None;
    }
    let mut mass = vec![1.0];
    let mut lowest = 0;
    for row in &rows {
        let peak = row.iter().fold(f64::NEG_INFINITY, |m, &p| m.max(p));
        let weights = row.map(|p| (p - peak).exp());
        let total: f64 = weights.iter().sum();
        // The scores themselves are rounded, not their distance from the row's lowest.
        let rounded = row.map(|p| (p / step).round_ties_even() as usize);
        let bottom = rounded.iter().copied().min().unwrap_or(0);
        let cells = rounded.map(|r| r - bottom);
        let widest = cells.iter().copied().max().unwrap_or(0);
        let mut next = vec![0.0; mass.len() + widest];
        for (weight, cell) in weights.iter().zip(cells) {
            for (i, m) in mass.iter().enumerate() {
                next[i + cell] += m * weight / total;
            }
        }
        mass = next;
        lowest += bottom;
    }
    let mut cumulative = 0.0;
    let mut found = Target {
        scores: Vec::new(),
        values: Vec::new(),
    };
    for (i, &m) in mass.iter().enumerate() {
        cumulative += m;
        if m > 0.0 {
            found.scores.push((lowest + i) as f64 * step);
            found.values.push(cumulative.powi(POWER));
        }
    }
    Some(found)
}

/// Fits sigmoid(scale s + bias) to the target by Nelder and Mead's simplex from (1, 5).
pub fn fit(kernel: &[[f64; 4]]) -> Fit {
    let Some(target) = target(kernel) else {
        return Fit::ZERO;
    };
    let n = target.scores.len() as f64;
    let cost = |p: [f64; 2]| {
        let error = |(s, t): (&f64, &f64)| (1.0 / (1.0 + (-p[0] * s - p[1]).exp()) - t).powi(2);
        target
            .scores
            .iter()
            .zip(&target.values)
            .map(error)
            .sum::<f64>()
            / n
    };
    let (best, mse) = nelder_mead(cost, [1.0, 5.0]);
    Fit {
        scale: best[0],
        bias: best[1],
        mse,
        support: target.scores.len(),
    }
}

/// Nelder and Mead (1965) in two dimensions: reflection 1, expansion 2, contraction and shrinking
/// 1/2; the first simplex is 5 % wide; stops when simplex and values agree within 1e-4, after at
/// most 400 iterations.
fn nelder_mead(cost: impl Fn([f64; 2]) -> f64, start: [f64; 2]) -> ([f64; 2], f64) {
    let vertex = |p: [f64; 2]| (p, cost(p));
    let mut simplex = [
        vertex(start),
        vertex([start[0] * 1.05, start[1]]),
        vertex([start[0], start[1] * 1.05]),
    ];
    for _ in 0..400 {
        simplex.sort_by(|a, b| a.1.total_cmp(&b.1));
        let [best, middle, worst] = simplex;
        let spread = [middle, worst]
            .iter()
            .flat_map(|v| [(v.0[0] - best.0[0]).abs(), (v.0[1] - best.0[1]).abs()])
            .fold(0.0, f64::max);
        if spread <= 1e-4 && worst.1 - best.1 <= 1e-4 {
            break;
        }
        let centre = [0, 1].map(|i| (best.0[i] + middle.0[i]) / 2.0);
        let along = |t: f64| vertex([0, 1].map(|i| centre[i] + t * (centre[i] - worst.0[i])));
        let reflected = along(1.0);
        simplex[2] = if reflected.1 < best.1 {
            let expanded = along(2.0);
            if expanded.1 < reflected.1 {
                expanded
            } else {
                reflected
            }
        } else if reflected.1 < middle.1 {
            reflected
        } else {
            let contracted = along(if reflected.1 < worst.1 { 0.5 } else { -0.5 });
            if contracted.1 < reflected.1.min(worst.1) {
                contracted
            } else {
                for i in [1, 2] {
                    simplex[i] = vertex([0, 1].map(|d| (best.0[d] + simplex[i].0[d]) / 2.0));
                }
                continue;
            }
        };
    }
    simplex.sort_by(|a, b| a.1.total_cmp(&b.1));
    simplex[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_all_zero_kernel_gets_zeros() {
        assert_eq!(fit(&[[0.0; 4]; 7]), Fit::ZERO);
        assert_eq!(fit(&[[0.25; 4]; 7]), Fit::ZERO);
    }

    #[test]
    fn the_simplex_finds_a_minimum() {
        let (p, value) = nelder_mead(
            |p| (p[0] - 3.0).powi(2) + 2.0 * (p[1] + 1.0).powi(2),
            [1.0, 5.0],
        );
        assert!(
            (p[0] - 3.0).abs() < 1e-2 && (p[1] + 1.0).abs() < 1e-2 && value < 1e-3,
            "{p:?} {value}"
        );
    }
}
