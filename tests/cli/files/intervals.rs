//! Intervals at and past the ends of chromosomes.
