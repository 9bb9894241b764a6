//! Text whose lines end in CR alone.
