//! Model folders and what is written: folders in use, damaged ones, those of another kind, full disks, and outputs that
//! would take the place of an input.

mod damaged;
mod disks;
mod factornet;
mod in_use;
mod other_kind;
mod outputs;
mod over_inputs;
