//! Why a model says what it says: which bases, and which track values, make its score of a sequence. For any kind of model, and
//! for an ensemble's mean.
//!
//! A kind gives its network ([`network::Explain`]) and the sequences ([`subjects::Subjects`]); what an explanation is made of
//! ([`explainer`]) and where it goes ([`folder`], [`run`]) is the same for all.

pub mod edits;
pub mod explainer;
pub mod folder;
mod genome_track;
pub mod gradients;
pub mod integrated;
pub mod listed;
pub mod marginal;
pub mod method;
pub mod named_hits;
pub mod network;
pub mod output;
pub mod page_section;
pub mod picture;
pub mod run;
pub mod score;
pub mod subjects;
pub mod work;
mod written;
