//! The kinds that the program knows.
