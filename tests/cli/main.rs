//! The program as a user meets it: every command on small data, what it says about bad input, and what it may not cost.

#[path = "../common/mod.rs"]
mod common;
#[macro_use]
#[path = "../common/for_each_kind.rs"]
mod for_each_kind;

mod bad_input;
mod commands;
mod explain;
mod factornet;
mod files;
mod folders;
mod motifs;
mod prepare;
mod readme;
mod report;
mod resume;
mod scripts;
mod tisfm;
mod variants;
