//! Names of outputs decide how they are packed; names in tables.
