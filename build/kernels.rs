//! The table of kernels: every `kernels/<op>.cu` as text, and a typed argument struct for each `__global__` function in
//! it, made from its parameter list. The .cu text is the only place where a kernel's arguments are declared, so a launch
//! with a wrong number or type of arguments does not compile.

use super::{file_name, sorted};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Where the Rust side of a kernel file may lie, in a folder of its name.
const HOMES: [&str; 3] = ["src/ops", "src/optim", "src/train/worker/step"];

/// Writes `kernels.rs` into `out`.
///
/// # Errors
/// A kernel file without its folder, or a declaration that this reader does not know.
pub fn pack(root: &Path, out: &Path) -> Result<(), String> {
    println!("cargo::rerun-if-changed=kernels");
    for home in HOMES {
        println!("cargo::rerun-if-changed={home}");
    }
    let folder = root.join("kernels");
    let (mut sources, mut structs) = (String::new(), String::new());
    let files = sorted(&folder)
        .into_iter()
        .filter(|p| p.extension().is_some_and(|e| e == "cu"));
    for (index, path) in files.enumerate() {
        let name = file_name(&path);
        let stem = name.trim_end_matches(".cu");
        if !HOMES.iter().any(|home| root.join(home).join(stem).is_dir()) {
            return Err(format!(
                "kernels/{name}: expected a folder {stem} for it in one of {HOMES:?}"
            ));
        }
        let text = fs::read_to_string(&path).map_err(|e| format!("kernels/{name}: {e}"))?;
        let kernels = declarations(&text).map_err(|e| format!("kernels/{name}: {e}"))?;
        let ptx = folder.join("ptx").join(format!("{stem}.ptx"));
        let ptx = if ptx.is_file() {
            format!("Some(include_str!({:?}))", ptx.display().to_string())
        } else {
            "None".to_string()
        };
        let names: Vec<&str> = kernels.iter().map(|k| k.name.as_str()).collect();
        let _ = writeln!(
            sources,
            "    Source {{ name: {stem:?}, text: include_str!({:?}), ptx: {ptx}, kernels: &{names:?} }},",
            path.display().to_string()
        );
        for kernel in &kernels {
            kernel.write(&mut structs, index, &name);
        }
    }
    let mut headers = String::new();
    for path in sorted(&folder.join("lib")) {
        let _ = writeln!(
            headers,
            "    ({:?}, include_str!({:?})),",
            format!("lib/{}", file_name(&path)),
            path.display().to_string()
        );
    }
    let table = format!(
        "/// Every `kernels/<op>.cu`.\npub static SOURCES: &[Source] = &[\n{sources}];\n\n\
         /// What they include, by the name in the `#include`.\npub static HEADERS: &[(&str, &str)] = &[\n{headers}];\n\n\
         {structs}"
    );
    fs::write(out.join("kernels.rs"), table).map_err(|e| format!("kernels.rs: {e}"))
}

/// A `__global__` function.
struct Declaration {
    name: String,
    threads: u32,
    /// Name and Rust type.
    parameters: Vec<(String, String)>,
}

impl Declaration {
    fn write(&self, out: &mut String, source: usize, file: &str) {
        let title: String = self
            .name
            .split('_')
            .map(|word| {
                let (first, rest) = word.split_at(word.len().min(1));
                first.to_uppercase() + rest
            })
            .collect();
        let _ = writeln!(
            out,
            "/// `{}` of {file}.\n#[derive(Clone, Copy, Debug)]\npub struct {title} {{",
            self.name
        );
        for (name, kind) in &self.parameters {
            let _ = writeln!(out, "    pub {name}: {kind},");
        }
        let _ = writeln!(
            out,
            "}}\n\nimpl Kernel for {title} {{\n    const NAME: &'static str = {:?};\n    const SOURCE: usize = {source};\n    const THREADS: u32 = {};\n",
            self.name, self.threads
        );
        let list: String = self
            .parameters
            .iter()
            .map(|(name, _)| format!("(&raw const self.{name}).cast_mut().cast(), "))
            .collect();
        let _ = writeln!(
            out,
            "    fn arguments(&self) -> Arguments {{\n        smallvec::smallvec![{list}]\n    }}\n}}\n"
        );
    }
}

/// The `__global__` functions of a file, in order.
fn declarations(text: &str) -> Result<Vec<Declaration>, String> {
    let text = without_comments(text);
    let mut found = Vec::new();
    for part in text.split("__global__").skip(1) {
        let (threads, rest) = part
            .trim_start()
            .strip_prefix("void")
            .and_then(|rest| rest.trim_start().strip_prefix("__launch_bounds__("))
            .and_then(|rest| rest.split_once(')'))
            .ok_or("a kernel is declared as: extern \"C\" __global__ void __launch_bounds__(N) name(...)")?;
        let bound = threads.split(',').next().unwrap_or_default().trim();
        let threads = bound
            .parse()
            .map_err(|_| format!("__launch_bounds__({bound}): a number is expected"))?;
        let (name, rest) = rest.split_once('(').ok_or("a kernel without parameters")?;
        let (list, _) = rest
            .split_once(')')
            .ok_or("a parameter list without its end")?;
        let name = name.trim().to_string();
        let parameters = list
            .split(',')
            .map(|p| parameter(p).map_err(|e| format!("{name}: {e}")))
            .collect::<Result<_, _>>()?;
        found.push(Declaration {
            name,
            threads,
            parameters,
        });
    }
    Ok(found)
}

/// `const float* __restrict__ x` gives `("x", "In<f32>")`.
fn parameter(text: &str) -> Result<(String, String), String> {
    let text = text.replace("__restrict__", " ").replace('*', " * ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let unknown = || format!("parameter `{}` is of no known form", words.join(" "));
    let (constant, words) = match words.split_first() {
        Some((&"const", rest)) => (true, rest),
        _ => (false, &words[..]),
    };
    let (kind, pointer, name) = match words {
        [kind, name] => (*kind, false, *name),
        [kind, "*", name] => (*kind, true, *name),
        _ => return Err(unknown()),
    };
    let element = match kind {
        "float" => "f32",
        "double" => "f64",
        "int" => "i32",
        "u8" | "u16" | "u32" | "u64" | "i32" | "StepState" => kind,
        _ => return Err(unknown()),
    };
    let kind = match (pointer, constant) {
        (true, true) => format!("In<{element}>"),
        (true, false) => format!("Out<{element}>"),
        (false, _) if kind != "StepState" => element.to_string(),
        _ => return Err(unknown()),
    };
    Ok((name.to_string(), kind))
}

/// C and C++ comments replaced by spaces.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('/') {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        let end = if tail.starts_with("//") {
            tail.find('\n').unwrap_or(tail.len())
        } else if tail.starts_with("/*") {
            tail.find("*/").map_or(tail.len(), |e| e + 2)
        } else {
            out.push('/');
            1
        };
        if end > 1 {
            out.push(' ');
        }
        rest = &tail[end..];
    }
    out.push_str(rest);
    out
}
