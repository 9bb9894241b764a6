//! The CUDA backend on the host stand-in of the driver, which this process loads: kernels of ops and of a session, golden
//! cases, and the program's runs. Tests of the driver itself load another stand-in and are a binary of their own.

#[path = "../common/mod.rs"]
mod common;
#[macro_use]
#[path = "../common/for_each_kind.rs"]
mod for_each_kind;

mod batch_norm;
mod checks;
mod explain;
mod factornet;
mod golden;
mod kinds;
mod on_card;
mod ops;
mod session_kernels;
mod tisfm;
