//! cudarc on the stand-in driver: what the CUDA backend relies on works, and errors come back as errors. The kernels
//! are those of `standin/selfcheck`.

mod standin;

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};

use cudarc::driver::sys::{
    CUfunction_attribute_enum, CUgraphInstantiate_flags, CUresult, CUstreamCaptureMode,
};
use cudarc::driver::{
    CudaContext, CudaFunction, CudaSlice, CudaStream, DriverError, LaunchConfig, PushKernelArg, sys,
};
use cudarc::nvrtc::Ptx;

/// The stand-in with the kernels of the self-check, loaded into this process. `None`: skip the test.
fn installed() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<std::path::PathBuf>> = OnceLock::new();
    let folder = FOLDER
        .get_or_init(|| {
            let kernels = [("CUDA_STANDIN_KERNELS", "tests/standin/selfcheck")];
            standin::build("plain", "selfcheck-plain", &kernels)
        })
        .as_deref()?;
    standin::load(folder);
    Some(folder)
}

/// A device with its stream, set up as the backend does.
struct Gpu {
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
}

impl Gpu {
    fn new(ordinal: usize) -> Result<Gpu, DriverError> {
        let context = CudaContext::new(ordinal)?;
        // SAFETY: one stream, so nothing needs the events.
        unsafe { context.disable_event_tracking() };
        let stream = context.new_stream()?;
        Ok(Gpu { context, stream })
    }

    fn kernel(&self, name: &str) -> Result<CudaFunction, DriverError> {
        self.context.load_module(ptx(name))?.load_function(name)
    }

    /// y = a x + y
    fn axpy(&self, a: f32, x: &CudaSlice<f32>, y: &mut CudaSlice<f32>) -> Result<(), DriverError> {
        let kernel = self.kernel("good_axpy")?;
        let n = x.len() as u32;
        let mut launch = self.stream.launch_builder(&kernel);
        launch.arg(&a).arg(x).arg(y).arg(&n);
        // SAFETY: the arguments are those of the kernel, and it stays below n.
        unsafe { launch.launch(blocks_of_256(n)) }.map(drop)
    }
}

fn blocks_of_256(n: u32) -> LaunchConfig {
    LaunchConfig {
        grid_dim: (n.div_ceil(256), 1, 1),
        block_dim: (256, 1, 1),
        shared_mem_bytes: 0,
    }
}

/// PTX that names one kernel.
fn ptx(name: &str) -> Ptx {
    Ptx::from_src(format!(
        ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry {name}()\n{{ ret; }}\n"
    ))
}

fn is<T: std::fmt::Debug>(result: Result<T, DriverError>, code: CUresult) {
    assert_eq!(result.expect_err("an error").0, code);
}

#[test]
fn cudarc_finds_the_stand_in() {
    if installed().is_none() {
        return;
    }
    // SAFETY: it only looks for the library.
    assert!(unsafe { sys::is_culib_present() });
    let gpu = Gpu::new(0).unwrap();
    assert_eq!(gpu.context.name().unwrap(), "CUDA stand-in 0");
    assert_eq!(gpu.context.compute_capability().unwrap(), (9, 0));
    assert_eq!(gpu.context.total_mem().unwrap(), 8 << 30);
}

#[test]
fn copies_and_a_launch() {
    if installed().is_none() {
        return;
    }
    let gpu = Gpu::new(0).unwrap();
    let x = gpu.stream.clone_htod(&vec![1.5f32; 1000]).unwrap();
    let mut y = gpu.stream.alloc_zeros::<f32>(1000).unwrap();
    gpu.axpy(2.0, &x, &mut y).unwrap();
    gpu.axpy(1.0, &x, &mut y).unwrap();
    assert_eq!(gpu.stream.clone_dtoh(&y).unwrap(), vec![4.5f32; 1000]);

    let part = gpu.stream.clone_dtoh(&y.slice(10..20)).unwrap();
    assert_eq!(part, vec![4.5f32; 10]);
    let copy = gpu.stream.clone_dtod(&y).unwrap();
    gpu.stream.synchronize().unwrap();
    assert_eq!(gpu.stream.clone_dtoh(&copy).unwrap()[999], 4.5);
}

#[test]
fn fresh_memory_is_not_a_number() {
    if installed().is_none() {
        return;
    }
    let gpu = Gpu::new(0).unwrap();
    // SAFETY: read back as it is, on purpose.
    let x = unsafe { gpu.stream.alloc::<f32>(64) }.unwrap();
    assert!(gpu.stream.clone_dtoh(&x).unwrap().iter().all(|v| v.is_nan()));
}

#[test]
fn pinned_memory_and_events() {
    if installed().is_none() {
        return;
    }
    let gpu = Gpu::new(0).unwrap();
    // SAFETY: filled in the next line.
    let mut pinned = unsafe { gpu.context.alloc_pinned_with_flags::<f32>(1024, 0) }.unwrap();
    pinned.as_mut_slice().unwrap().fill(2.0);
    let timed = Some(sys::CUevent_flags::CU_EVENT_DEFAULT);
    let before = gpu.stream.record_event(timed).unwrap();
    let x = gpu.stream.clone_htod(&pinned).unwrap();
    let after = gpu.stream.record_event(timed).unwrap();
    assert!(before.elapsed_ms(&after).unwrap() >= 0.0);
    let mut back = pinned;
    gpu.stream.memcpy_dtoh(&x, &mut back).unwrap();
    gpu.stream.synchronize().unwrap();
    assert!(back.as_slice().unwrap().iter().all(|&v| v == 2.0));
}

#[test]
fn a_captured_step_is_replayed() {
    if installed().is_none() {
        return;
    }
    let gpu = Gpu::new(0).unwrap();
    let mut x = gpu.stream.clone_htod(&[1.0f32; 64]).unwrap();
    let mut y = gpu.stream.clone_htod(&[7.0f32; 64]).unwrap();
    gpu.stream
        .begin_capture(CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)
        .unwrap();
    gpu.stream.memset_zeros(&mut y).unwrap();
    gpu.axpy_captured(3.0, &x, &mut y);
    // A fill of 32-bit values, of the second half.
    {
        use cudarc::driver::DevicePtrMut;
        let mut half = y.slice_mut(32..);
        let (pointer, _sync) = half.device_ptr_mut(&gpu.stream);
        // SAFETY: 32 values from there on are in the slice.
        unsafe { sys::cuMemsetD32Async(pointer, 1f32.to_bits(), 32, gpu.stream.cu_stream()) }
            .result()
            .unwrap();
    }
    let graph = gpu
        .stream
        .end_capture(CUgraphInstantiate_flags(0))
        .unwrap()
        .unwrap();
    let mut nodes = 0;
    // SAFETY: with no room for the nodes it only counts them.
    unsafe { sys::cuGraphGetNodes(graph.cu_graph(), std::ptr::null_mut(), &mut nodes) }
        .result()
        .unwrap();
    assert_eq!(nodes, 3);

    // Capturing did nothing; replaying uses what is in memory then.
    assert_eq!(gpu.stream.clone_dtoh(&y).unwrap(), [7.0f32; 64]);
    for value in [1.0f32, 5.0] {
        gpu.stream.memcpy_htod(&[value; 64], &mut x).unwrap();
        graph.launch().unwrap();
        let y = gpu.stream.clone_dtoh(&y).unwrap();
        assert_eq!(y[..32], [3.0 * value; 32]);
        assert_eq!(y[32..], [1.0; 32]);
    }
}

impl Gpu {
    /// Modules are not loaded during a capture.
    fn axpy_captured(&self, a: f32, x: &CudaSlice<f32>, y: &mut CudaSlice<f32>) {
        static KERNEL: OnceLock<CudaFunction> = OnceLock::new();
        let relaxed = Gpu::new(self.context.ordinal());
        let kernel = KERNEL.get_or_init(|| {
            std::thread::scope(|scope| {
                scope
                    .spawn(|| relaxed.unwrap().kernel("good_axpy").unwrap())
                    .join()
                    .unwrap()
            })
        });
        let n = x.len() as u32;
        let mut launch = self.stream.launch_builder(kernel);
        launch.arg(&a).arg(x).arg(y).arg(&n);
        // SAFETY: as in axpy.
        unsafe { launch.launch(blocks_of_256(n)) }.unwrap();
    }
}
