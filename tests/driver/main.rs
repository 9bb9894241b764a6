//! cudarc on the stand-in driver: what the CUDA backend relies on works, and errors come back as errors. The kernels
//! are those of `standin/selfcheck`, in a stand-in of their own: a process can load one alone, so that this is a binary
//! beside `tests/cuda`.

#[path = "../common/mod.rs"]
mod common;

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

use common::standin;

/// The stand-in with the kernels of the self-check, loaded into this process. `None`: skip the test.
fn installed() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<std::path::PathBuf>> = OnceLock::new();
    let folder = FOLDER
        .get_or_init(|| {
            let kernels = [("CUDA_STANDIN_KERNELS", "standin/selfcheck")];
            let kind = standin::kind();
            standin::build(&kind, &format!("selfcheck-{kind}"), &kernels)
        })
        .as_deref()?;
    standin::load(folder);
    Some(folder)
}

/// A device with its stream, set up as the backend does.
struct Gpu {
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    axpy: CudaFunction,
}

impl Gpu {
    fn new(ordinal: usize) -> Result<Gpu, DriverError> {
        let context = CudaContext::new(ordinal)?;
        // SAFETY: one stream, so nothing needs the events.
        unsafe { context.disable_event_tracking() };
        let stream = context.new_stream()?;
        let axpy = kernel(&context, "good_axpy")?;
        Ok(Gpu {
            context,
            stream,
            axpy,
        })
    }

    /// y = a x + y
    fn axpy(&self, a: f32, x: &CudaSlice<f32>, y: &mut CudaSlice<f32>) -> Result<(), DriverError> {
        let n = x.len() as u32;
        let mut launch = self.stream.launch_builder(&self.axpy);
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

fn kernel(context: &Arc<CudaContext>, name: &str) -> Result<CudaFunction, DriverError> {
    context.load_module(ptx(name))?.load_function(name)
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
    assert!(
        gpu.stream
            .clone_dtoh(&x)
            .unwrap()
            .iter()
            .all(|v| v.is_nan())
    );
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
    gpu.axpy(3.0, &x, &mut y).unwrap();
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

#[test]
fn what_cannot_be_captured_is_an_error() {
    if installed().is_none() {
        return;
    }
    let gpu = Gpu::new(0).unwrap();
    let mode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
    let mut y = gpu.stream.alloc_zeros::<f32>(8).unwrap();
    gpu.stream.begin_capture(mode).unwrap();
    gpu.stream.memset_zeros(&mut y).unwrap();
    is(
        gpu.stream.synchronize(),
        CUresult::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
    );
    let end = gpu
        .stream
        .end_capture(CUgraphInstantiate_flags(0))
        .map(drop);
    is(end, CUresult::CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    // The stream can be used again.
    gpu.stream.synchronize().unwrap();
}

#[test]
fn two_devices_and_copies_between_them() {
    let Some(folder) = installed() else { return };
    in_child(folder, "two_devices", &[("DEVICES", "2")]);
}

fn two_devices() {
    assert_eq!(CudaContext::device_count().unwrap(), 2);
    let (a, b) = (Gpu::new(0).unwrap(), Gpu::new(1).unwrap());
    assert_ne!(a.context.uuid().unwrap(), b.context.uuid().unwrap());
    let x = a.stream.clone_htod(&[1.0f32; 8]).unwrap();
    let mut y = b.stream.alloc_zeros::<f32>(8).unwrap();
    b.stream.memcpy_dtod(&x, &mut y).unwrap();
    assert_eq!(b.stream.clone_dtoh(&y).unwrap(), [1.0; 8]);
    // A kernel cannot use the other device's memory.
    is(
        b.axpy(1.0, &x, &mut y),
        CUresult::CUDA_ERROR_ILLEGAL_ADDRESS,
    );
    // That loses the one context, not the other.
    is(b.stream.synchronize(), CUresult::CUDA_ERROR_ILLEGAL_ADDRESS);
    a.stream.synchronize().unwrap();
    is(
        CudaContext::new(2).map(drop),
        CUresult::CUDA_ERROR_INVALID_DEVICE,
    );
}

#[test]
fn without_a_device() {
    let Some(folder) = installed() else { return };
    in_child(folder, "no_device", &[("DEVICES", "0")]);
}

fn no_device() {
    is(
        CudaContext::new(0).map(drop),
        CUresult::CUDA_ERROR_NO_DEVICE,
    );
}

#[test]
fn memory_runs_out() {
    let Some(folder) = installed() else { return };
    in_child(folder, "out_of_memory", &[("MEMORY", "1M")]);
}

fn out_of_memory() {
    let gpu = Gpu::new(0).unwrap();
    assert_eq!(gpu.context.mem_get_info().unwrap(), (1 << 20, 1 << 20));
    let half = gpu.stream.alloc_zeros::<u8>(1 << 19).unwrap();
    is(
        gpu.stream.alloc_zeros::<u8>((1 << 19) + 1).map(drop),
        CUresult::CUDA_ERROR_OUT_OF_MEMORY,
    );
    // That is no lasting fault.
    gpu.stream.alloc_zeros::<u8>(1 << 19).unwrap();
    drop(half);
    assert_eq!(gpu.context.mem_get_info().unwrap(), (1 << 20, 1 << 20));
}

#[test]
fn a_launch_fails_and_the_context_is_lost() {
    let Some(folder) = installed() else { return };
    in_child(folder, "failing_launch", &[("FAIL_LAUNCH", "3")]);
}

fn failing_launch() {
    let gpu = Gpu::new(0).unwrap();
    let x = gpu.stream.clone_htod(&[1.0f32; 8]).unwrap();
    let mut y = gpu.stream.alloc_zeros::<f32>(8).unwrap();
    gpu.axpy(1.0, &x, &mut y).unwrap();
    gpu.axpy(1.0, &x, &mut y).unwrap();
    let failed = CUresult::CUDA_ERROR_LAUNCH_FAILED;
    is(gpu.axpy(1.0, &x, &mut y), failed);
    is(gpu.stream.synchronize(), failed);
    is(gpu.stream.clone_dtoh(&y), failed);
    is(gpu.stream.alloc_zeros::<f32>(1).map(drop), failed);
}

#[test]
fn a_device_is_lost() {
    let Some(folder) = installed() else { return };
    let variables = [("DEVICES", "2"), ("LOST", "1@1")];
    in_child(folder, "lost_device", &variables);
}

fn lost_device() {
    let lost = CUresult::CUDA_ERROR_ILLEGAL_ADDRESS;
    for ordinal in 0..2 {
        let gpu = Gpu::new(ordinal).unwrap();
        let x = gpu.stream.clone_htod(&[1.0f32; 8]).unwrap();
        let mut y = gpu.stream.alloc_zeros::<f32>(8).unwrap();
        gpu.axpy(1.0, &x, &mut y).unwrap();
        match ordinal {
            0 => drop(gpu.stream.clone_dtoh(&y).unwrap()),
            _ => is(gpu.stream.clone_dtoh(&y), lost),
        }
    }
    // A new context does not bring it back.
    is(CudaContext::new(1).map(drop), lost);
    Gpu::new(0).unwrap();
}

#[test]
fn launches_have_limits() {
    if installed().is_none() {
        return;
    }
    let gpu = Gpu::new(0).unwrap();
    let x = gpu.stream.clone_htod(&[1.0f32; 8]).unwrap();
    let mut y = gpu.stream.alloc_zeros::<f32>(8).unwrap();
    let shapes = [
        ((0, 1, 1), (256, 1, 1)),
        ((1, 65536, 1), (256, 1, 1)),
        ((1, 1, 1), (2048, 1, 1)),
        ((1, 1, 1), (1, 1, 65)),
        ((1, 1, 1), (512, 1, 1)), // more than __launch_bounds__(256)
    ];
    for (grid_dim, block_dim) in shapes {
        let mut launch = gpu.stream.launch_builder(&gpu.axpy);
        launch.arg(&1f32).arg(&x).arg(&mut y).arg(&8u32);
        let shape = LaunchConfig {
            grid_dim,
            block_dim,
            shared_mem_bytes: 0,
        };
        // SAFETY: it is not going to run.
        let result = unsafe { launch.launch(shape) }.map(drop);
        is(result, CUresult::CUDA_ERROR_INVALID_VALUE);
    }
    gpu.axpy(1.0, &x, &mut y).unwrap();
}

#[test]
fn dynamic_shared_memory_above_48_kilobytes() {
    if installed().is_none() {
        return;
    }
    let gpu = Gpu::new(0).unwrap();
    let softmax = kernel(&gpu.context, "good_softmax").unwrap();
    let n = 20_000u32; // 80 kB
    let mut x = gpu.stream.alloc_zeros::<f32>(n as usize).unwrap();
    let mut launch = |softmax: &CudaFunction| {
        let mut launch = gpu.stream.launch_builder(softmax);
        launch.arg(&mut x).arg(&n);
        let shape = LaunchConfig {
            grid_dim: (1, 1, 1),
            block_dim: (256, 1, 1),
            shared_mem_bytes: n * 4,
        };
        // SAFETY: one row of n values.
        unsafe { launch.launch(shape) }.map(drop)
    };
    is(launch(&softmax), CUresult::CUDA_ERROR_INVALID_VALUE);
    let limit = CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
    is(
        softmax.set_attribute(limit, 300 << 10),
        CUresult::CUDA_ERROR_INVALID_VALUE,
    );
    softmax.set_attribute(limit, n as i32 * 4).unwrap();
    launch(&softmax).unwrap();
    let x = gpu.stream.clone_dtoh(&x).unwrap();
    assert!(x.iter().all(|v| (v * n as f32 - 1.0).abs() < 1e-4));
}

#[test]
fn images_and_kernels_by_name() {
    if installed().is_none() {
        return;
    }
    let gpu = Gpu::new(0).unwrap();
    let not_found = CUresult::CUDA_ERROR_NOT_FOUND;
    let module = gpu.context.load_module(ptx("good_axpy")).unwrap();
    module.load_function("good_axpy").unwrap();
    // Known to the stand-in, but not in this image; part of a name; in the image, but not known.
    is(module.load_function("good_softmax").map(drop), not_found);
    is(module.load_function("good_ax").map(drop), not_found);
    let module = gpu.context.load_module(ptx("no_such_kernel")).unwrap();
    is(module.load_function("no_such_kernel").map(drop), not_found);

    let garbage = gpu.context.load_module(Ptx::from_src("garbage"));
    is(garbage.map(drop), CUresult::CUDA_ERROR_INVALID_IMAGE);
    let newer = ".version 99.0\n.target sm_80\n.visible .entry good_axpy()\n";
    is(
        gpu.context.load_module(Ptx::from_src(newer)).map(drop),
        CUresult::CUDA_ERROR_UNSUPPORTED_PTX_VERSION,
    );
    let other = ".version 8.0\n.target sm_100\n.visible .entry good_axpy()\n";
    is(
        gpu.context.load_module(Ptx::from_src(other)).map(drop),
        CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU,
    );

    // A cubin, as far as the stand-in reads one: the header, and the names.
    let mut cubin = vec![0u8; 128];
    cubin[..5].copy_from_slice(b"\x7fELF\x02");
    cubin[18..20].copy_from_slice(&190u16.to_le_bytes());
    cubin[40..48].copy_from_slice(&64u64.to_le_bytes()); // section table at 64
    cubin[58..60].copy_from_slice(&64u16.to_le_bytes()); // of one entry of 64 bytes
    cubin[60..62].copy_from_slice(&1u16.to_le_bytes());
    cubin[64..84].copy_from_slice(b"\0good_fill_one\0.text");
    let module = gpu.context.load_module(Ptx::from_binary(cubin)).unwrap();
    module.load_function("good_fill_one").unwrap();
}

#[test]
fn late_streams_show_what_does_not_wait() {
    let Some(folder) = installed() else { return };
    in_child(folder, "late_streams", &[("STREAMS", "late")]);
}

fn late_streams() {
    let gpu = Gpu::new(0).unwrap();
    let other = gpu.context.new_stream().unwrap();
    let x = gpu.stream.clone_htod(&[1.0f32; 8]).unwrap();
    let mut y = gpu.stream.alloc_zeros::<f32>(8).unwrap();
    gpu.stream.synchronize().unwrap();
    gpu.axpy(1.0, &x, &mut y).unwrap();
    // The launch is still to come; the other stream does not wait for it.
    assert_eq!(other.clone_dtoh(&y).unwrap(), [0.0; 8]);
    other.wait(&gpu.stream.record_event(None).unwrap()).unwrap();
    assert_eq!(other.clone_dtoh(&y).unwrap(), [1.0; 8]);
}

#[test]
fn a_report_is_written() {
    let Some(folder) = installed() else { return };
    let report = tempfile::NamedTempFile::new().unwrap();
    let path = report.path().to_str().unwrap();
    in_child(folder, "reported", &[("REPORT", path)]);
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(report["kernels"]["good_axpy"]["launches"], 2);
    assert_eq!(report["devices"][0]["peak_bytes"], 1024);
    assert_eq!(report["allocations_at_exit"], 0);
}

fn reported() {
    let gpu = Gpu::new(0).unwrap();
    let x = gpu.stream.clone_htod(&[1.0f32; 8]).unwrap();
    let mut y = gpu.stream.alloc_zeros::<f32>(8).unwrap();
    gpu.axpy(1.0, &x, &mut y).unwrap();
    gpu.axpy(1.0, &x, &mut y).unwrap();
}

/// Runs one of [`SCENES`] in a process of its own, under settings of the stand-in that hold for a whole process.
fn in_child(folder: &Path, scene: &str, variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "scene", "--ignored", "--nocapture"])
        .env("LD_LIBRARY_PATH", folder)
        .env("STANDIN_SCENE", scene);
    for (name, value) in variables {
        command.env(format!("CUDA_STANDIN_{name}"), value);
    }
    let output = command.output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|t| String::from_utf8(t).unwrap());
    let text = out + &err;
    assert!(output.status.success(), "{scene}: {text}");
    assert!(text.contains("scene played"), "{scene}: {text}");
}

/// Only ever run by [`in_child`], where the loader finds the stand-in in LD_LIBRARY_PATH.
#[test]
#[ignore = "a part of other tests"]
fn scene() {
    let name = std::env::var("STANDIN_SCENE").unwrap_or_default();
    for (scene, play) in SCENES {
        if *scene == name {
            play();
            println!("scene played");
        }
    }
}

const SCENES: &[(&str, fn())] = &[
    ("two_devices", two_devices),
    ("no_device", no_device),
    ("out_of_memory", out_of_memory),
    ("failing_launch", failing_launch),
    ("lost_device", lost_device),
    ("late_streams", late_streams),
    ("reported", reported),
];
