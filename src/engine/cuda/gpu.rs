//! One card: its context and stream, its memory, and the kernels that were loaded for it.

use super::arch::Arch;
use super::images::{Image, Images};
use super::kernels::{Kernel, SOURCES};
use super::pointer::{In, Out};
use super::probe;
use super::probe::{Card, describe};
use crate::numbers::bytes;
use crate::{Error, Result};
use cudarc::driver::{
    CudaContext, CudaFunction, CudaGraph, CudaModule, CudaSlice, CudaStream, DevicePtr, DeviceRepr,
    result, sys,
};
use cudarc::nvrtc::Ptx;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Whether an error of loading is about the image, and not about a card that is gone or full.
fn refuses_image(error: result::DriverError) -> bool {
    use sys::CUresult as Code;
    matches!(
        error.0,
        Code::CUDA_ERROR_INVALID_IMAGE
            | Code::CUDA_ERROR_INVALID_PTX
            | Code::CUDA_ERROR_INVALID_SOURCE
            | Code::CUDA_ERROR_NO_BINARY_FOR_GPU
            | Code::CUDA_ERROR_UNSUPPORTED_PTX_VERSION
            | Code::CUDA_ERROR_JIT_COMPILER_NOT_FOUND
            | Code::CUDA_ERROR_JIT_COMPILATION_DISABLED
            | Code::CUDA_ERROR_NOT_FOUND
            | Code::CUDA_ERROR_NOT_SUPPORTED
    )
}

/// What a driver call was for, and what it said.
pub(super) fn failed(what: &str, error: result::DriverError) -> Error {
    let advice = match error.0 {
        sys::CUresult::CUDA_ERROR_ILLEGAL_ADDRESS
        | sys::CUresult::CUDA_ERROR_LAUNCH_FAILED
        | sys::CUresult::CUDA_ERROR_ECC_UNCORRECTABLE
        | sys::CUresult::CUDA_ERROR_DEVICE_UNAVAILABLE => {
            "; the card cannot be used by this process any more: start again (training: with --resume)"
        }
        _ => "",
    };
    Error::Device(format!("CUDA: {what}: {}{advice}", describe(error)))
}

/// An image as cudarc takes it.
fn ptx(image: Image) -> Ptx {
    match image {
        Image::Cubin(bytes) => Ptx::from_binary(bytes),
        Image::Ptx(text) => Ptx::from_src(text.into_owned()),
    }
}

/// Grid of a launch, in blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    x: u32,
    y: u32,
    z: u32,
}

impl Grid {
    pub fn new(x: usize, y: usize, z: usize) -> Self {
        let part = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Grid {
            x: part(x),
            y: part(y),
            z: part(z),
        }
    }

    /// Whether a GPU takes so many blocks.
    fn fits(self) -> bool {
        self.x <= i32::MAX as u32 && self.y <= 65_535 && self.z <= 65_535
    }

    /// One block for each `of` of `n` elements.
    pub fn over(n: usize, of: usize) -> Self {
        Grid::new(n.div_ceil(of), 1, 1)
    }
}

/// An open card. Everything is ordered by its one stream, but for rows that are sent beside it ([`super::Staging`]).
pub struct Gpu {
    card: Card,
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    copier: Arc<CudaStream>,
    images: Images,
    modules: Mutex<HashMap<usize, Arc<CudaModule>>>,
    functions: Mutex<HashMap<&'static str, Loaded>>,
}

/// A kernel that the card has.
struct Loaded {
    function: CudaFunction,
    /// Bytes of dynamic shared memory that a launch may have: never less than a launch before had, since a recorded graph
    /// launches with its own.
    shared: usize,
}

/// Bytes that every launch may have.
const SHARED_OF_ANY: usize = 48 << 10;

impl fmt::Debug for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cuda:{} {}", self.card.ordinal, self.card.name)
    }
}

impl Gpu {
    /// Opens a card that [`probe::cards`] has listed, with the CUDA version of the driver.
    ///
    /// # Errors
    /// The driver refuses the card.
    pub fn open(driver: (u32, u32), card: Card) -> Result<Arc<Gpu>> {
        let what = format!("opening cuda:{} {}", card.ordinal, card.name);
        let refused = |e| failed(&what, e);
        let context = CudaContext::new(card.ordinal).map_err(refused)?;
        // SAFETY: every copy and launch here goes to one stream, which orders them, or to that of `Staging`, which has
        // events of its own; cudarc's would forbid the capture of a graph.
        unsafe { context.disable_event_tracking() };
        let stream = context.new_stream().map_err(refused)?;
        let copier = context.new_stream().map_err(refused)?;
        Ok(Arc::new(Gpu {
            card,
            context,
            stream,
            copier,
            images: Images::open_for_driver(Some(driver.0)),
            modules: Mutex::default(),
            functions: Mutex::default(),
        }))
    }

    /// Opens card number `ordinal`.
    ///
    /// # Errors
    /// No driver, no such card, or one that cannot be used.
    pub fn open_ordinal(ordinal: usize) -> Result<Arc<Gpu>> {
        let found = probe::cards().map_err(|a| Error::Device(a.reason().to_string()))?;
        Gpu::open(found.driver, probe::choose(&found, ordinal)?)
    }

    pub fn card(&self) -> &Card {
        &self.card
    }

    pub fn images(&self) -> &Images {
        &self.images
    }

    pub(super) fn context(&self) -> &Arc<CudaContext> {
        &self.context
    }

    pub(super) fn stream(&self) -> &CudaStream {
        &self.stream
    }

    pub(super) fn copier(&self) -> &CudaStream {
        &self.copier
    }

    pub fn arch(&self) -> Arch {
        self.card.arch
    }

    /// Free and total bytes of device memory.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn memory(&self) -> Result<(usize, usize)> {
        self.context
            .mem_get_info()
            .map_err(|e| failed("asking for free memory", e))
    }

    /// A kernel that may be launched with `shared` bytes of dynamic shared memory; its file is compiled or loaded if it is
    /// not yet there.
    fn ready<K: Kernel>(&self, shared: usize) -> Result<sys::CUfunction> {
        let mut functions = self
            .functions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let loaded = match functions.entry(K::NAME) {
            Entry::Occupied(loaded) => loaded.into_mut(),
            Entry::Vacant(place) => {
                let function = self.module(K::SOURCE)?.load_function(K::NAME);
                let file = SOURCES[K::SOURCE].name;
                place.insert(Loaded {
                    function: function
                        .map_err(|e| failed(&format!("kernel {} in {file}.cu", K::NAME), e))?,
                    shared: SHARED_OF_ANY,
                })
            }
        };
        let function = loaded.function.cu_function();
        if shared > loaded.shared {
            // SAFETY: a handle that the driver gave; the attribute is a number that it checks.
            unsafe {
                result::function::set_function_attribute(
                    function,
                    sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                    i32::try_from(shared).unwrap_or(i32::MAX),
                )
            }
            .map_err(|e| failed(&format!("{}: {shared} bytes of shared memory", K::NAME), e))?;
            loaded.shared = shared;
        }
        Ok(function)
    }

    fn module(&self, source: usize) -> Result<Arc<CudaModule>> {
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = modules.get(&source) {
            return Ok(Arc::clone(module));
        }
        let text = &SOURCES[source];
        let image = self.images.load(text, self.arch())?;
        let module = match self.context.load_module(ptx(image.clone())) {
            Ok(module) => module,
            // A card that is gone refuses everything.
            Err(gone) if !refuses_image(gone) => {
                return Err(failed(
                    &format!("loading the kernels of {}.cu", text.name),
                    gone,
                ));
            }
            Err(refusal) => {
                let other = self.images.instead_of(&image, text, &describe(refusal))?;
                self.context
                    .load_module(ptx(other))
                    .map_err(|e| failed(&format!("loading the kernels of {}.cu", text.name), e))?
            }
        };
        modules.insert(source, Arc::clone(&module));
        Ok(module)
    }

    /// Puts a kernel on the stream. A grid without blocks is no launch.
    ///
    /// # Errors
    /// The kernel cannot be compiled, or the driver refuses the launch.
    pub fn launch<K: Kernel>(&self, grid: Grid, kernel: K) -> Result<()> {
        self.launch_shared(grid, 0, kernel)
    }

    /// [`Gpu::launch`] with `shared` bytes of dynamic shared memory.
    ///
    /// # Errors
    /// As there.
    pub fn launch_shared<K: Kernel>(&self, grid: Grid, shared: usize, kernel: K) -> Result<()> {
        if grid.x == 0 || grid.y == 0 || grid.z == 0 {
            return Ok(());
        }
        if !grid.fits() {
            return Err(Error::Device(format!(
                "{} would need {} x {} x {} blocks, a GPU takes 2147483647 x 65535 x 65535: use a smaller --batch-size",
                K::NAME,
                grid.x,
                grid.y,
                grid.z
            )));
        }
        let function = self.ready::<K>(shared)?;
        self.context
            .bind_to_thread()
            .map_err(|e| failed(K::NAME, e))?;
        let mut arguments = kernel.arguments();
        // SAFETY: number and types of the arguments are the kernel's own parameter list (build.rs); the driver copies
        // them before it returns; the addresses in them come from the planner, which keeps them inside allocations
        // that outlive the stream's work.
        unsafe {
            result::launch_kernel(
                function,
                (grid.x, grid.y, grid.z),
                (K::THREADS, 1, 1),
                u32::try_from(shared).unwrap_or(u32::MAX),
                self.stream.cu_stream(),
                &mut arguments,
            )
        }
        .map_err(|e| failed(&format!("launching {} on a grid of {grid:?}", K::NAME), e))
    }

    /// That a batch of so many rows fits into what is free, with all that a run keeps beside it: `needed` bytes for a number of rows.
    ///
    /// # Errors
    /// It does not: names the largest batch that does. Those of `needed`.
    pub fn check_batch(&self, rows: usize, needed: impl Fn(usize) -> Result<usize>) -> Result<()> {
        let free = self.memory()?.0;
        // Allocations begin at whole pages, and a driver keeps some memory of its own.
        let room = free - free / 32;
        let all = needed(rows)?;
        if all <= room {
            return Ok(());
        }
        // The first that is known to fit, and the first that is known not to.
        let (mut fits, mut beyond) = (0, rows);
        while beyond - fits > 1 {
            let middle = fits + (beyond - fits) / 2;
            match needed(middle)? <= room {
                true => fits = middle,
                false => beyond = middle,
            }
        }
        let advice = match fits {
            0 => "not even one row fits".to_string(),
            fits => format!("--batch-size {fits} would fit"),
        };
        Err(Error::Device(format!(
            "{self:?}: out of memory: {} are needed for a batch of {rows} ({advice}), {} are free",
            bytes(all),
            bytes(free)
        )))
    }

    /// Memory for `len` elements, not initialised.
    ///
    /// # Errors
    /// Out of memory: says how much was asked for, what it was for and what is free.
    pub fn allocate<T: DeviceRepr>(&self, len: usize, what: &str) -> Result<Buffer<T>> {
        // SAFETY: nothing reads it before it was written: kernels write their outputs whole, tests fill it with NaN.
        let slice = unsafe { self.stream.alloc::<T>(len.max(1)) }.map_err(|e| {
            let size = bytes(len * size_of::<T>());
            if e.0 == sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY {
                let free = self.context.mem_get_info().map_or(0, |m| m.0);
                Error::Device(format!(
                    "{:?}: out of memory: {size} are needed for {what}, {} are free",
                    self,
                    bytes(free)
                ))
            } else {
                failed(&format!("{size} for {what}"), e)
            }
        })?;
        let address = slice.device_ptr(&self.stream).0;
        Ok(Buffer {
            slice,
            address,
            len,
        })
    }

    /// Memory with these numbers.
    ///
    /// # Errors
    /// As [`Gpu::allocate`].
    pub fn upload<T: DeviceRepr>(&self, values: &[T], what: &str) -> Result<Buffer<T>> {
        let mut buffer = self.allocate(values.len(), what)?;
        self.write(&mut buffer, values)?;
        Ok(buffer)
    }

    /// Copies numbers to the start of a buffer.
    ///
    /// # Errors
    /// The driver refuses.
    ///
    /// # Panics
    /// When the buffer is shorter.
    pub fn write<T: DeviceRepr>(&self, buffer: &mut Buffer<T>, values: &[T]) -> Result<()> {
        assert!(values.len() <= buffer.len, "a copy past the buffer's end");
        if values.is_empty() {
            return Ok(());
        }
        self.stream
            .memcpy_htod(values, &mut buffer.slice)
            .map_err(|e| failed("copying to the card", e))
    }

    /// Copies the first numbers of a buffer back and waits for them.
    ///
    /// # Errors
    /// Whatever failed on the stream before, or the copy.
    ///
    /// # Panics
    /// When the buffer is shorter.
    pub fn read<T: DeviceRepr>(&self, buffer: &Buffer<T>, values: &mut [T]) -> Result<()> {
        assert!(values.len() <= buffer.len, "a copy past the buffer's end");
        if !values.is_empty() {
            self.read_at(buffer.input(), values)?;
        }
        Ok(())
    }

    /// Copies numbers back from a place and waits for them.
    ///
    /// # Errors
    /// As [`Gpu::read`].
    pub fn read_at<T: DeviceRepr>(&self, from: In<T>, values: &mut [T]) -> Result<()> {
        if values.is_empty() {
            return Ok(());
        }
        let wrong = |e| failed("copying from the card", e);
        self.context.bind_to_thread().map_err(wrong)?;
        // SAFETY: the planner's place lies inside a live allocation; the copy is waited for before the slice is used.
        unsafe { result::memcpy_dtoh_async(values, from.address(), self.stream.cu_stream()) }
            .map_err(wrong)?;
        self.synchronize()
    }

    /// Fills a place with zero bytes.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn clear<T>(&self, place: Out<T>, len: usize) -> Result<()> {
        if len == 0 {
            return Ok(());
        }
        let wrong = |e| failed("clearing memory", e);
        self.context.bind_to_thread().map_err(wrong)?;
        // SAFETY: the place lies inside a live allocation (planner), ordered by the stream.
        unsafe {
            result::memset_d8_async(
                place.address(),
                0,
                len * size_of::<T>(),
                self.stream.cu_stream(),
            )
        }
        .map_err(wrong)
    }

    /// Fills a place with one number.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn fill(&self, place: Out<f32>, len: usize, value: f32) -> Result<()> {
        if len == 0 {
            return Ok(());
        }
        let wrong = |e| failed("filling memory", e);
        self.context.bind_to_thread().map_err(wrong)?;
        // SAFETY: as in `clear`; four bytes an element.
        unsafe {
            sys::cuMemsetD32Async(
                place.address(),
                value.to_bits(),
                len,
                self.stream.cu_stream(),
            )
        }
        .result()
        .map_err(wrong)
    }

    /// Copies inside the card.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn copy<T>(&self, to: Out<T>, from: In<T>, len: usize) -> Result<()> {
        if len == 0 {
            return Ok(());
        }
        let wrong = |e| failed("copying on the card", e);
        self.context.bind_to_thread().map_err(wrong)?;
        // SAFETY: both places lie inside live allocations (planner), ordered by the stream.
        unsafe {
            result::memcpy_dtod_async(
                to.address(),
                from.address(),
                len * size_of::<T>(),
                self.stream.cu_stream(),
            )
        }
        .map_err(wrong)
    }

    /// Waits for everything on the stream.
    ///
    /// # Errors
    /// What failed there.
    pub fn synchronize(&self) -> Result<()> {
        self.stream
            .synchronize()
            .map_err(|e| failed("waiting for the card", e))
    }

    /// Records what `work` puts on the stream, without running it. All its kernels must have been launched before: a
    /// module cannot be loaded while the stream is recorded.
    ///
    /// # Errors
    /// Those of `work`, or the driver's.
    pub fn record(&self, work: impl FnOnce() -> Result<()>) -> Result<Graph> {
        let wrong = |e| failed("recording a graph", e);
        self.stream
            .begin_capture(sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)
            .map_err(wrong)?;
        let worked = work();
        // Ended in any case: a stream left in capture can do nothing else.
        let graph = self.stream.end_capture(sys::CUgraphInstantiate_flags(0));
        worked?;
        graph
            .map_err(wrong)?
            .map(Graph)
            .ok_or_else(|| Error::Device("CUDA: recording a graph gave none".to_string()))
    }
}

/// Device memory.
pub struct Buffer<T> {
    slice: CudaSlice<T>,
    address: u64,
    len: usize,
}

impl<T> Buffer<T> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn input(&self) -> In<T> {
        In::new(self.address)
    }

    pub fn out(&self) -> Out<T> {
        Out::new(self.address)
    }
}

/// A recorded piece of work.
pub struct Graph(CudaGraph);

impl Graph {
    /// Puts all of it on the stream.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn launch(&self) -> Result<()> {
        self.0.launch().map_err(|e| failed("running a graph", e))
    }
}
