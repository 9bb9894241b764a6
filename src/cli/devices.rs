//! `cisgrad devices`.

use crate::Result;
use crate::cli::common::emit;
use crate::engine::simd::best_level;

pub fn run() -> Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    emit(None, |w| {
        writeln!(
            w,
            "cpu\t{threads} threads, instruction set {:?}",
            best_level()
        )?;
        writeln!(w, "cuda\tnot used: this version has no CUDA kernels")
    })
}
