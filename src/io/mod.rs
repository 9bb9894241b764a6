//! One file a format; nothing here knows a model.
//!
//! Every text input may be plain, gzip or bgzip, with LF or CRLF line ends; what it is is read
//! from its first bytes, never from its name. Every error names the file and the line or entry,
//! what was found and what was expected.

pub mod atomic;
pub mod bed;
pub mod fasta;
pub mod genome;
pub mod meme;
pub mod npy;
pub mod sequences;
pub mod signals;
pub mod text;
