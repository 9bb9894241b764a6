//! NVRTC, the CUDA C++ compiler as a library: opened at run time when it is there. Nothing of CUDA is linked, nothing
//! here panics when a part is missing.

use super::arch::{Arch, Target};
use libloading::Library;
use std::ffi::{CStr, CString, OsString, c_char, c_int, c_void};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

/// File names by preference.
const NAMES: [&str; 3] = ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"];

/// `nvrtcProgram`: a pointer to what only NVRTC knows.
type Program = *mut c_void;

const SUCCESS: c_int = 0;

macro_rules! functions {
    ($($name:ident = $symbol:literal ($($parameter:ty),*) -> $out:ty;)*) => {
        /// The functions that are called, with the types of nvrtc.h.
        struct Functions {
            $($name: unsafe extern "C" fn($($parameter),*) -> $out,)*
        }

        impl Functions {
            fn find(library: &Library) -> Result<Self, String> {
                Ok(Functions {
                    // SAFETY: nvrtc.h declares the symbol with this very type, in every version that has it. The
                    // pointer stays valid because the library is never closed (see `Nvrtc::library`).
                    $($name: *unsafe { library.get($symbol) }
                        .map_err(|_| format!("it has no {}: NVRTC 12 or newer is needed", $symbol))?,)*
                })
            }
        }
    };
}

functions! {
    version = "nvrtcVersion"(*mut c_int, *mut c_int) -> c_int;
    count_archs = "nvrtcGetNumSupportedArchs"(*mut c_int) -> c_int;
    list_archs = "nvrtcGetSupportedArchs"(*mut c_int) -> c_int;
    error_string = "nvrtcGetErrorString"(c_int) -> *const c_char;
    create = "nvrtcCreateProgram"(
        *mut Program, *const c_char, *const c_char, c_int, *const *const c_char, *const *const c_char
    ) -> c_int;
    destroy = "nvrtcDestroyProgram"(*mut Program) -> c_int;
    compile = "nvrtcCompileProgram"(Program, c_int, *const *const c_char) -> c_int;
    log_size = "nvrtcGetProgramLogSize"(Program, *mut usize) -> c_int;
    log = "nvrtcGetProgramLog"(Program, *mut c_char) -> c_int;
    ptx_size = "nvrtcGetPTXSize"(Program, *mut usize) -> c_int;
    ptx = "nvrtcGetPTX"(Program, *mut c_char) -> c_int;
    cubin_size = "nvrtcGetCUBINSize"(Program, *mut usize) -> c_int;
    cubin = "nvrtcGetCUBIN"(Program, *mut c_char) -> c_int;
}

/// An open NVRTC. Threads may compile at the same time: NVRTC allows it as long as each has a program of its own.
pub struct Nvrtc {
    functions: Functions,
    /// Never closed: the functions stay valid for the process, and nothing that the library may have left behind
    /// (threads, exit handlers) can point into unmapped code.
    _library: ManuallyDrop<Library>,
    _builtins: Option<ManuallyDrop<Library>>,
    version: (u32, u32),
    archs: Vec<Arch>,
    path: PathBuf,
}

/// What a compilation gave.
#[derive(Debug)]
pub struct Compiled {
    /// A cubin, or PTX without its closing NUL.
    pub image: Vec<u8>,
    /// Warnings; usually empty.
    pub log: String,
}

impl Nvrtc {
    /// The first that opens of: `NVRTC_PATH` (a file or a folder; nothing else is tried when it is set), the loader's
    /// own search, the usual folders of a CUDA installation, the wheel of an active Python environment.
    ///
    /// A driver of CUDA 12 refuses machine code made by NVRTC 13 (its ELF has another ABI version), so a library with
    /// a major version above `newest` is passed over.
    ///
    /// # Errors
    /// None opens: says what was tried.
    pub fn open(newest: Option<u32>) -> Result<Self, String> {
        Self::open_with(&|name| std::env::var_os(name), newest)
    }

    /// [`Nvrtc::open`] with the environment given.
    pub fn open_with(
        variable: &dyn Fn(&str) -> Option<OsString>,
        newest: Option<u32>,
    ) -> Result<Self, String> {
        let chosen = variable("NVRTC_PATH").filter(|v| !v.is_empty());
        let candidates = match &chosen {
            Some(path) => files_of(Path::new(path)),
            None => candidates(variable),
        };
        let mut faults = Vec::new();
        for path in candidates {
            // What is not there needs no attempt and no mention; a bare name is the loader's to look for.
            if path.parent() != Some(Path::new("")) && !path.exists() {
                continue;
            }
            match Self::open_file(&path) {
                Ok(nvrtc) if newest.is_none_or(|newest| nvrtc.version.0 <= newest) => {
                    return Ok(nvrtc);
                }
                Ok(nvrtc) => faults.push(format!(
                    "{} is of CUDA {}.{}, newer than the driver",
                    path.display(),
                    nvrtc.version.0,
                    nvrtc.version.1
                )),
                // The loader says at length that it finds no such name: the usual case, told below in few words.
                Err(_) if path.parent() == Some(Path::new("")) => {}
                Err(fault) => faults.push(format!("{}: {fault}", path.display())),
            }
        }
        let place = match chosen {
            Some(path) => format!("at NVRTC_PATH={}", Path::new(&path).display()),
            None => "(libnvrtc.so.12 or .13)".to_string(),
        };
        faults.insert(0, format!("no NVRTC {place}"));
        Err(faults.join("; "))
    }

    fn open_file(path: &Path) -> Result<Self, String> {
        // SAFETY: opening runs the library's initializers; the file is NVIDIA's compiler by its name and by the user's
        // choice of folders, and needs nothing prepared.
        let library = unsafe { Library::new(path) }.map_err(|e| e.to_string())?;
        let library = ManuallyDrop::new(library);
        let functions = Functions::find(&library)?;
        let (mut major, mut minor) = (0, 0);
        // SAFETY: both pointers are to integers that live through the call.
        let code = unsafe { (functions.version)(&raw mut major, &raw mut minor) };
        if code != SUCCESS {
            return Err(format!("nvrtcVersion gives error {code}"));
        }
        let archs = functions.archs()?;
        Ok(Nvrtc {
            _builtins: builtins(path, major, minor),
            functions,
            _library: library,
            version: (major.unsigned_abs(), minor.unsigned_abs()),
            archs,
            path: path.to_path_buf(),
        })
    }

    /// Major and minor, as CUDA's own.
    pub fn version(&self) -> (u32, u32) {
        self.version
    }

    /// The architectures that it makes code for, in rising order.
    pub fn archs(&self) -> &[Arch] {
        &self.archs
    }

    /// What it was opened by: a path, or the name that the loader found.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The best that can be made for a card: machine code; for a card that is not in the list, PTX of the highest
    /// architecture below it, which the driver compiles.
    pub fn target(&self, card: Arch) -> Option<Target> {
        target(&self.archs, card)
    }

    /// Compiles one file. `headers` are name (as in `#include`) and text.
    ///
    /// # Errors
    /// NVRTC's message and log.
    pub fn compile(
        &self,
        name: &str,
        text: &str,
        headers: &[(&str, &str)],
        target: Target,
        options: &[&str],
    ) -> Result<Compiled, String> {
        let failed = |what: String| format!("{name} for {target}: {what}");
        let c_string = |text: &str| {
            CString::new(text).map_err(|_| failed("a NUL byte in a text for NVRTC".to_string()))
        };
        let c_strings = |texts: &mut dyn Iterator<Item = &str>| {
            texts.map(c_string).collect::<Result<Vec<_>, _>>()
        };
        let count = |n: usize| c_int::try_from(n).map_err(|_| failed(format!("{n} is too many")));

        let (text, file) = (c_string(text)?, c_string(name)?);
        let header_names = c_strings(&mut headers.iter().map(|h| h.0))?;
        let header_texts = c_strings(&mut headers.iter().map(|h| h.1))?;
        let architecture = format!("--gpu-architecture={target}");
        let options = c_strings(&mut options.iter().copied().chain([architecture.as_str()]))?;
        let (name_list, text_list, option_list) = (
            pointers(&header_names),
            pointers(&header_texts),
            pointers(&options),
        );
        let (header_count, option_count) = (count(headers.len())?, count(options.len())?);

        let functions = &self.functions;
        let mut handle: Program = std::ptr::null_mut();
        // SAFETY: every string ends with NUL, both lists have `header_count` entries, and all of them live through the
        // call; NVRTC keeps copies.
        let code = unsafe {
            (functions.create)(
                &raw mut handle,
                text.as_ptr(),
                file.as_ptr(),
                header_count,
                text_list.as_ptr(),
                name_list.as_ptr(),
            )
        };
        if code != SUCCESS {
            return Err(failed(functions.message(code)));
        }
        let program = Guard { functions, handle };
        // SAFETY: the program was made above and is used by this thread only; the list has `option_count` strings,
        // each ending with NUL, that live through the call.
        let code =
            unsafe { (functions.compile)(program.handle, option_count, option_list.as_ptr()) };
        let log = program
            .fetch(functions.log_size, functions.log)
            .unwrap_or_default();
        let log = String::from_utf8_lossy(without_nul(&log))
            .trim_end()
            .to_string();
        if code != SUCCESS {
            return Err(failed(format!("{}\n{log}", functions.message(code))));
        }
        let mut image = match target {
            Target::Cubin(_) => program.fetch(functions.cubin_size, functions.cubin),
            Target::Ptx(_) => program.fetch(functions.ptx_size, functions.ptx),
        }
        .map_err(&failed)?;
        if matches!(target, Target::Ptx(_)) {
            image.truncate(without_nul(&image).len());
        }
        if image.is_empty() {
            return Err(failed(format!("NVRTC gave nothing\n{log}")));
        }
        Ok(Compiled { image, log })
    }
}

impl std::fmt::Debug for Nvrtc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nvrtc")
            .field("path", &self.path)
            .field("version", &self.version)
            .field("archs", &self.archs)
            .finish_non_exhaustive()
    }
}

impl Functions {
    fn message(&self, code: c_int) -> String {
        // SAFETY: any number may be asked for.
        let text = unsafe { (self.error_string)(code) };
        if text.is_null() {
            return format!("NVRTC error {code}");
        }
        // SAFETY: a string constant of the library, which is never closed.
        unsafe { CStr::from_ptr(text) }
            .to_string_lossy()
            .into_owned()
    }

    fn archs(&self) -> Result<Vec<Arch>, String> {
        let mut count = 0;
        // SAFETY: the pointer is to an integer that lives through the call.
        let code = unsafe { (self.count_archs)(&raw mut count) };
        let mut numbers = vec![0; usize::try_from(count).unwrap_or(0)];
        if code != SUCCESS || numbers.is_empty() {
            return Err(format!("nvrtcGetNumSupportedArchs gives error {code}"));
        }
        // SAFETY: the list has as many places as the library has just asked for.
        let code = unsafe { (self.list_archs)(numbers.as_mut_ptr()) };
        if code != SUCCESS {
            return Err(format!("nvrtcGetSupportedArchs: {}", self.message(code)));
        }
        let mut archs: Vec<Arch> = numbers
            .iter()
            .map(|&n: &c_int| Arch::new(n.unsigned_abs() / 10, n.unsigned_abs() % 10))
            .collect();
        archs.sort_unstable();
        archs.dedup();
        Ok(archs)
    }
}

/// Ends a program when it goes out of scope.
struct Guard<'a> {
    functions: &'a Functions,
    handle: Program,
}

impl Guard<'_> {
    /// Asks how long something is, then for its bytes.
    fn fetch(
        &self,
        size: unsafe extern "C" fn(Program, *mut usize) -> c_int,
        get: unsafe extern "C" fn(Program, *mut c_char) -> c_int,
    ) -> Result<Vec<u8>, String> {
        let mut length = 0;
        // SAFETY: the program is alive until the guard's end; the pointer is to an integer that lives through the call.
        let code = unsafe { size(self.handle, &raw mut length) };
        if code != SUCCESS {
            return Err(self.functions.message(code));
        }
        let mut bytes = vec![0u8; length];
        if length > 0 {
            // SAFETY: the buffer is as long as the library has just asked for, and it writes no more than that.
            let code = unsafe { get(self.handle, bytes.as_mut_ptr().cast()) };
            if code != SUCCESS {
                return Err(self.functions.message(code));
            }
        }
        Ok(bytes)
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        // SAFETY: made by `create`, ended once, used no more. NVRTC sets the handle to null.
        unsafe { (self.functions.destroy)(&raw mut self.handle) };
    }
}

fn pointers(texts: &[CString]) -> Vec<*const c_char> {
    texts.iter().map(|text| text.as_ptr()).collect()
}

fn without_nul(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&b| b != 0).map_or(0, |at| at + 1);
    &bytes[..end]
}

fn target(archs: &[Arch], card: Arch) -> Option<Target> {
    if archs.contains(&card) {
        return Some(Target::Cubin(card));
    }
    let below = archs.iter().filter(|&&arch| arch < card).max();
    below.map(|&arch| Target::Ptx(arch))
}

/// NVRTC asks the loader for its builtins by their bare name, which finds nothing in a folder of one's own; a library of
/// that name that is open already is found, though. Asked for at the first compilation, so opening them here is in time.
fn builtins(nvrtc: &Path, major: c_int, minor: c_int) -> Option<ManuallyDrop<Library>> {
    let folder = nvrtc.parent().filter(|folder| *folder != Path::new(""))?;
    let path = folder.join(format!("libnvrtc-builtins.so.{major}.{minor}"));
    // SAFETY: opening runs the library's initializers; it is the data half of the NVRTC beside it.
    unsafe { Library::new(path) }.ok().map(ManuallyDrop::new)
}

/// A file as it is, a folder's files by the usual names.
fn files_of(path: &Path) -> Vec<PathBuf> {
    if path.is_dir() {
        NAMES.iter().map(|name| path.join(name)).collect()
    } else if path.parent() == Some(Path::new("")) {
        // A bare name is a file here, not the loader's to look for.
        vec![Path::new(".").join(path)]
    } else {
        vec![path.to_path_buf()]
    }
}

/// Where to look when nobody has said.
fn candidates(variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let root = |name: &str| variable(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let target = match std::env::consts::ARCH {
        "aarch64" => "targets/sbsa-linux/lib",
        _ => "targets/x86_64-linux/lib",
    };
    let mut folders = Vec::new();
    let toolkits = [
        root("CUDA_HOME"),
        root("CUDA_PATH"),
        Some("/usr/local/cuda".into()),
        Some("/opt/cuda".into()),
    ];
    for toolkit in toolkits.into_iter().flatten() {
        folders.extend([toolkit.join("lib64"), toolkit.join(target)]);
    }
    for environment in ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(root) {
        for python in sorted(&environment.join("lib")) {
            if file_name(&python).starts_with("python") {
                let wheels = python.join("site-packages/nvidia");
                folders.extend(["cu13/lib", "cuda_nvrtc/lib"].map(|wheel| wheels.join(wheel)));
            }
        }
    }
    // Conda's own package, after the wheels: both may be there, and the wheels belong to the active environment's
    // Python packages.
    if let Some(conda) = root("CONDA_PREFIX") {
        folders.push(conda.join("lib"));
    }
    let bare = NAMES.iter().map(PathBuf::from);
    let full = folders
        .iter()
        .flat_map(|folder| NAMES.iter().map(|name| folder.join(name)));
    bare.chain(full).collect()
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
#[path = "nvrtc_tests.rs"]
pub(super) mod tests;
