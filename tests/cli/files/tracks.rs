//! Tracks without values, and tracks of another depth than a model has seen.
