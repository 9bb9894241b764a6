//! Factors without positives, empty peak files, training of all factors.
