//! Host memory from which the GPU is fed while it works: a place is filled by the host, sent beside the kernels' stream,
//! and taken over by kernels once it has arrived.

use super::gpu::{Gpu, failed};
use super::pointer::Out;
use crate::Result;
use cudarc::driver::{CudaContext, CudaEvent, result};
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

/// Words that the driver keeps in place, so that it copies them while the host goes on.
struct Pinned {
    memory: NonNull<u32>,
    len: usize,
    context: Arc<CudaContext>,
}

impl Pinned {
    fn new(
        context: &Arc<CudaContext>,
        len: usize,
    ) -> std::result::Result<Self, result::DriverError> {
        context.bind_to_thread()?;
        // SAFETY: what comes back is given to `free_host` once, in `drop`; it is written whole before it is read.
        let memory = unsafe {
            let memory = result::malloc_host(len.max(1) * size_of::<u32>(), 0)?;
            memory.cast::<u32>().write_bytes(0, len);
            NonNull::new_unchecked(memory.cast())
        };
        Ok(Pinned {
            memory,
            len,
            context: Arc::clone(context),
        })
    }

    fn words(&self) -> &[u32] {
        // SAFETY: `len` words were allocated and written; the owner is borrowed as long as the slice.
        unsafe { std::slice::from_raw_parts(self.memory.as_ptr(), self.len) }
    }

    fn words_mut(&mut self) -> &mut [u32] {
        // SAFETY: as in `words`, and the owner is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.memory.as_ptr(), self.len) }
    }
}

// SAFETY: plain memory with one owner; the driver frees it from any thread that has bound the context.
unsafe impl Send for Pinned {}

impl Drop for Pinned {
    fn drop(&mut self) {
        // What fails here failed before, where it was told.
        let _ = self.context.bind_to_thread();
        // SAFETY: `malloc_host` gave the pointer, and nothing else frees it.
        let _ = unsafe { result::free_host(self.memory.as_ptr().cast::<c_void>()) };
    }
}

/// A place on the GPU with host memory of its size.
pub struct Staging {
    /// The copy to the GPU is done.
    sent: CudaEvent,
    /// The kernels that read what is there are done.
    read: CudaEvent,
    words: Pinned,
    to: Out<u32>,
}

impl Gpu {
    /// Host memory for `len` words at `to`, which must outlive it.
    ///
    /// # Errors
    /// The system gives no such memory.
    pub fn staging(&self, to: Out<u32>, len: usize, what: &str) -> Result<Staging> {
        let context = self.context();
        let megabytes = (len * size_of::<u32>()).div_ceil(1 << 20);
        let wrong = |e| failed(&format!("{megabytes} MB of host memory for {what}"), e);
        let read = context.new_event(None).map_err(wrong)?;
        // The place belongs to the kernels' stream: what was done there so far, its allocation too, comes before a copy.
        read.record(self.stream()).map_err(wrong)?;
        Ok(Staging {
            sent: context.new_event(None).map_err(wrong)?,
            read,
            words: Pinned::new(context, len).map_err(wrong)?,
            to,
        })
    }
}

impl Staging {
    /// The host's memory, to be filled: waits until what was in it has been sent.
    ///
    /// # Errors
    /// What failed on the GPU.
    pub fn fill(&mut self) -> Result<&mut [u32]> {
        self.sent.synchronize().map_err(|e| failed(SENDING, e))?;
        Ok(self.words.words_mut())
    }

    /// Sends the first `len` words, once the kernels that were to read those before are done ([`Staging::free`]).
    ///
    /// # Errors
    /// The driver refuses.
    pub fn send(&mut self, gpu: &Gpu, len: usize) -> Result<()> {
        let copier = gpu.copier();
        let wrong = |e| failed(SENDING, e);
        copier.wait(&self.read).map_err(wrong)?;
        let words = &self.words.words()[..len];
        if !words.is_empty() {
            // SAFETY: `to` has room for all words; they are neither written nor freed before `sent` has come (`fill`,
            // `drop`).
            unsafe { result::memcpy_htod_async(self.to.address(), words, copier.cu_stream()) }
                .map_err(wrong)?;
        }
        self.sent.record(copier).map_err(wrong)
    }

    /// What is put on the kernels' stream from now on finds the words that were sent.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn take(&self, gpu: &Gpu) -> Result<()> {
        gpu.stream()
            .wait(&self.sent)
            .map_err(|e| failed(SENDING, e))
    }

    /// What was put on the kernels' stream so far is the last to read them.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn free(&mut self, gpu: &Gpu) -> Result<()> {
        self.read
            .record(gpu.stream())
            .map_err(|e| failed(SENDING, e))
    }
}

const SENDING: &str = "sending rows to the card";

impl Drop for Staging {
    fn drop(&mut self) {
        // The driver may still read the memory that goes away.
        let _ = self.sent.synchronize();
    }
}
