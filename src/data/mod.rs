//! What a sample is: sequences, signals, splits.
