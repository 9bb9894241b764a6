//! `--track-transform`: what becomes of a track's values behind their scale.

use serde::{Deserialize, Serialize};

/// A function of each value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transform {
    #[default]
    None,
    /// ln(1 + x), of values below 0 with their sign: -ln(1 - x).
    Log1p,
}

impl Transform {
    /// For config.json, which does not name it.
    pub fn is_none(&self) -> bool {
        *self == Transform::None
    }

    pub fn apply(self, values: &mut [f32]) {
        match self {
            Transform::None => {}
            Transform::Log1p => values
                .iter_mut()
                .for_each(|x| *x = x.abs().ln_1p().copysign(*x)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log1p_keeps_zero_and_signs() {
        let mut values = [0.0, std::f32::consts::E - 1.0, 1.0 - std::f32::consts::E];
        Transform::None.apply(&mut values);
        assert_eq!(values[0], 0.0);
        Transform::Log1p.apply(&mut values);
        for (found, expected) in values.iter().zip([0.0, 1.0, -1.0]) {
            assert!((found - expected).abs() < 1e-6, "{found}");
        }
    }
}
