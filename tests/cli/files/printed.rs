//! What is printed on the way.
