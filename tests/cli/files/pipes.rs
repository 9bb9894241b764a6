//! An input that comes through a pipe is read once, and recorded as such.
