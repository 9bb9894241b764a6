//! Files and numbers as users have them.

mod annotations;
mod binary_files;
mod factors;
mod intervals;
mod line_ends;
mod motif_files;
mod names;
mod pipes;
mod printed;
mod sizes;
mod tables;
mod tracks;
mod weights;
