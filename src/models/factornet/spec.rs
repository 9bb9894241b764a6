//! What a FactorNet model is, as its folder keeps it.

use crate::engine::memory::{self, Bytes};
use crate::numbers::counted;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Sizes, tracks and dropout of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Bases of the input, L.
    pub length: usize,
    /// Bases under a kernel, w.
    pub motif_width: usize,
    pub kernels: usize,
    pub recurrent: Recurrent,
    /// Outputs of the dense layers, d.
    pub dense: usize,
    /// Tracks beside the sequence, in order.
    pub tracks: Vec<String>,
    /// By track of the other strand: the track that it is read from (stranded tracks change places).
    pub rc_order: Vec<usize>,
    /// Numbers that join after the first dense layer; with 0 there is no second dense layer.
    pub meta: usize,
    /// Probabilities that come out, T.
    pub factors: usize,
    pub dropout: Dropouts,
}

/// What follows the convolution's per-position layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recurrent {
    /// Pooling, then an LSTM with this many units in each direction.
    Units(usize),
    /// Pooling alone.
    Flatten,
    /// The maximum over all positions.
    GlobalMax,
}

impl Recurrent {
    /// As `-r` spells it: units, 0 for no LSTM, negative for the global maximum.
    pub fn of(flag: i64) -> Self {
        match usize::try_from(flag) {
            Err(_) => Recurrent::GlobalMax,
            Ok(0) => Recurrent::Flatten,
            Ok(units) => Recurrent::Units(units),
        }
    }

    /// [`Recurrent::of`] the other way.
    pub fn flag(self) -> i64 {
        match self {
            Recurrent::GlobalMax => -1,
            Recurrent::Flatten => 0,
            Recurrent::Units(units) => i64::try_from(units).unwrap_or(i64::MAX),
        }
    }
}

/// Probabilities of dropout, 0 where a model has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dropouts {
    /// After the convolution.
    pub convolution: f64,
    /// On the LSTM's inputs: one mask for each gate, the same at every step.
    pub lstm_input: f64,
    /// On the LSTM's h, likewise.
    pub lstm_state: f64,
    /// Before the first dense layer.
    pub features: f64,
    /// Where the meta numbers have joined.
    pub meta: f64,
    /// Before the last layer.
    pub dense: f64,
}

impl Dropouts {
    pub const NONE: Dropouts = Dropouts {
        convolution: 0.0,
        lstm_input: 0.0,
        lstm_state: 0.0,
        features: 0.0,
        meta: 0.0,
        dense: 0.0,
    };

    /// The original's: `p` before the first dense layer and before the last, 0.1 elsewhere.
    pub fn of(p: f64) -> Self {
        Dropouts {
            convolution: 0.1,
            lstm_input: 0.1,
            lstm_state: 0.1,
            features: p,
            meta: 0.1,
            dense: p,
        }
    }
}

impl Spec {
    /// Rows of the first kernel dimension: four bases, then the tracks.
    pub fn channels(&self) -> usize {
        4 + self.tracks.len()
    }

    /// Positions of the convolution, P.
    pub fn positions(&self) -> usize {
        self.length - self.motif_width + 1
    }

    /// Positions under one maximum: half a motif, or all of them.
    pub fn pool(&self) -> usize {
        match self.recurrent {
            Recurrent::GlobalMax => self.positions(),
            Recurrent::Units(_) | Recurrent::Flatten => self.motif_width / 2,
        }
    }

    /// Positions that are left, S.
    pub fn pooled(&self) -> usize {
        self.positions() / self.pool()
    }

    /// Inputs of the first dense layer.
    pub fn features(&self) -> usize {
        let each = match self.recurrent {
            Recurrent::Units(units) => 2 * units,
            Recurrent::Flatten | Recurrent::GlobalMax => self.kernels,
        };
        self.pooled() * each
    }

    /// That a network of these sizes can be built.
    ///
    /// # Errors
    /// The first size that is impossible.
    pub fn check(&self) -> Result<()> {
        let fail = |message: String| Err(Error::invalid(message));
        if self.motif_width < 2 {
            return fail(format!(
                "a motif width of {}; at least 2 are needed",
                counted(self.motif_width, "base")
            ));
        }
        if self.length < self.motif_width {
            return fail(format!(
                "sequences of {} are shorter than a motif of {}",
                counted(self.length, "base"),
                self.motif_width
            ));
        }
        self.check_memory()?;
        if self.pooled() == 0 {
            return fail(format!(
                "sequences of {} leave {} for motifs of {}; at least {} are needed",
                counted(self.length, "base"),
                counted(self.positions(), "position"),
                counted(self.motif_width, "base"),
                self.pool()
            ));
        }
        let units = match self.recurrent {
            Recurrent::Units(units) => units,
            Recurrent::Flatten | Recurrent::GlobalMax => 1,
        };
        for (what, size) in [
            ("kernels", self.kernels),
            ("LSTM units", units),
            ("dense units", self.dense),
            ("factors", self.factors),
        ] {
            if size == 0 {
                return fail(format!("a network without {what}"));
            }
        }
        let mut order = self.rc_order.clone();
        order.sort_unstable();
        if !order.into_iter().eq(0..self.tracks.len()) {
            return fail(format!(
                "the other strand's tracks {:?} are no order of the {} tracks",
                self.rc_order,
                self.tracks.len()
            ));
        }
        let rates = &self.dropout;
        let rates = [
            rates.convolution,
            rates.lstm_input,
            rates.lstm_state,
            rates.features,
            rates.meta,
            rates.dense,
        ];
        match rates.into_iter().find(|p| !(0.0..1.0).contains(p)) {
            Some(p) => fail(format!("dropout {p}: expected 0 or more and below 1")),
            None => Ok(()),
        }
    }
}

impl Spec {
    /// That parameters, and what a sample becomes on its way, can be in memory at all: what is refused here could not even
    /// be counted later.
    fn check_memory(&self) -> Result<()> {
        let numbers = |shape: &[usize]| Bytes::of::<f32>(shape);
        let (w, k, d, positions) = (self.motif_width, self.kernels, self.dense, self.pooled());
        let convolution = numbers(&[w, self.channels(), k]) + numbers(&[k, k]);
        let (lstm, each) = match self.recurrent {
            Recurrent::Units(r) => ((numbers(&[k, r]) + numbers(&[r, r])) * 8, numbers(&[2, r])),
            Recurrent::Flatten | Recurrent::GlobalMax => (Bytes::default(), numbers(&[k])),
        };
        let features = each * positions;
        let dense = features * d + numbers(&[d, self.meta]) + numbers(&[d, self.factors]);
        let sample =
            numbers(&[self.length, self.channels()]) + numbers(&[2, positions, k]) + features;
        let recurrent = self.recurrent.flag();
        memory::check(
            format!(
                "a network of -L {}, -w {w}, -k {k}, -r {recurrent}, -d {d}",
                self.length
            ),
            convolution + lstm + dense + sample,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Spec {
        Spec {
            length: 1000,
            motif_width: 26,
            kernels: 32,
            recurrent: Recurrent::Units(32),
            dense: 128,
            tracks: vec!["a".into(), "b".into()],
            rc_order: vec![0, 1],
            meta: 0,
            factors: 1,
            dropout: Dropouts::of(0.5),
        }
    }

    #[test]
    fn the_default_sizes_leave_75_positions_and_4800_features() {
        let spec = spec();
        spec.check().unwrap();
        assert_eq!(
            [spec.positions(), spec.pooled(), spec.features()],
            [975, 75, 4800]
        );
        let flat = |recurrent| {
            Spec {
                recurrent,
                ..spec.clone()
            }
            .features()
        };
        assert_eq!(
            [flat(Recurrent::of(0)), flat(Recurrent::of(-1))],
            [75 * 32, 32]
        );
    }

    #[test]
    fn impossible_sizes_are_refused() {
        let bad = [
            Spec {
                motif_width: 1,
                ..spec()
            },
            Spec {
                length: 25,
                ..spec()
            },
            Spec {
                length: 26,
                ..spec()
            },
            Spec {
                kernels: 0,
                ..spec()
            },
            Spec {
                rc_order: vec![1, 1],
                ..spec()
            },
            Spec {
                rc_order: vec![0],
                ..spec()
            },
            Spec {
                dropout: Dropouts::of(1.0),
                ..spec()
            },
        ];
        for spec in bad {
            spec.check().unwrap_err();
        }
    }

    #[test]
    fn sizes_that_no_machine_has_room_for_are_refused_with_what_they_need() {
        let most = usize::MAX;
        let large = [
            Spec {
                length: most - 1,
                ..spec()
            },
            Spec {
                length: most,
                motif_width: 2,
                recurrent: Recurrent::Flatten,
                ..spec()
            },
            Spec {
                kernels: most,
                ..spec()
            },
            Spec {
                recurrent: Recurrent::Units(most),
                ..spec()
            },
            Spec {
                dense: most,
                ..spec()
            },
        ];
        for spec in large {
            let error = spec.check().unwrap_err().to_string();
            assert!(error.starts_with("a network of -L "), "{error}");
            assert!(error.contains(" GB of memory; "), "{error}");
        }
    }

    #[test]
    fn a_spec_survives_its_file() {
        let text = serde_json::to_string(&spec()).unwrap();
        assert_eq!(serde_json::from_str::<Spec>(&text).unwrap(), spec());
    }
}
