use super::*;

fn one(shrink: Shrink, w: f64, g: f64) -> f64 {
    let (mut w, mut m, mut v) = ([w], [0.0], [0.0]);
    update(
        &AdamStep::new(0.1, 0.0, 1),
        shrink,
        &mut w,
        &[g],
        &mut m,
        &mut v,
    );
    w[0]
}

#[test]
fn the_first_step_is_the_rate_against_the_gradients_sign() {
    for g in [3.0, -0.02] {
        assert!((one(Shrink::None, 1.0, g) - (1.0 - 0.1 * f64::signum(g))).abs() < 1e-6);
    }
}

#[test]
fn decay_acts_without_a_gradient() {
    let (mut w, mut m, mut v) = ([2.0f64], [0.0], [0.0]);
    update(
        &AdamStep::new(0.1, 0.01, 1),
        Shrink::None,
        &mut w,
        &[0.0],
        &mut m,
        &mut v,
    );
    assert!((w[0] - 2.0 * 0.999).abs() < 1e-15);
}

#[test]
fn l1_sets_small_weights_to_zero_and_mcp_leaves_large_ones_alone() {
    // t = 1: the update is lr sign(g), the threshold lr lambda / (|g| (1 - b1) / ...) = lr lambda / (0.1 |g|) * 0.1.
    let g = 1.0;
    let threshold = 0.1 / 0.1 * 0.5 / 1.0; // lr / (1 - b1) * lambda / d with d = |g|
    let moved = 5.0 - 0.1;
    assert!((one(Shrink::L1 { lambda: 0.5 }, 5.0, g) - (moved - threshold)).abs() < 1e-6);
    assert_eq!(one(Shrink::L1 { lambda: 0.5 }, 0.3, g), 0.0);
    let mcp = Shrink::Mcp {
        lambda: 0.5,
        b: 3.0,
    };
    assert!(
        (one(mcp, 5.0, g) - moved).abs() < 1e-9,
        "capped by the unshrunk weight"
    );
    let near = 0.8;
    assert!((one(mcp, near, g) - (near - 0.1 - threshold) * 1.5).abs() < 1e-6);
}
