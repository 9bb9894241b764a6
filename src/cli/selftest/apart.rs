//! Checks in processes of their own: after a kernel that fails, a process cannot use the GPU any more, and every case that
//! came later in it would fail, too.

use super::Row;
use crate::{Error, Result};
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// What one process checks.
pub struct Part {
    name: String,
    /// What tells it so.
    flags: Vec<OsString>,
}

impl Part {
    pub fn of_op(op: &str) -> Self {
        Part {
            name: op.to_string(),
            flags: vec!["--ops".into(), op.into()],
        }
    }

    pub fn golden(folder: Option<&Path>) -> Self {
        let mut flags: Vec<OsString> = vec!["--only-golden".into()];
        if let Some(folder) = folder {
            flags.extend(["--golden".into(), folder.into()]);
        }
        Part {
            name: "golden cases".to_string(),
            flags,
        }
    }
}

/// Runs the parts on a GPU, `jobs` at a time, and gives their rows in order. What a process says on stderr is passed on,
/// except the line that names the device.
pub fn run(card: usize, parts: &[Part], jobs: usize) -> Result<Vec<Row>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(parts.len()) {
            scope.spawn(|| {
                // The golden cases, which are last and take longest, begin first.
                let begun = || next.fetch_add(1, Ordering::Relaxed) + 1;
                while let Some(index) = parts.len().checked_sub(begun()) {
                    let rows = run_part(card, &parts[index]);
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    done.push((index, rows));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    let mut all = Vec::new();
    for (_, rows) in done {
        all.extend(rows?);
    }
    Ok(all)
}

fn run_part(card: usize, part: &Part) -> Result<Vec<Row>> {
    let program = std::env::current_exe().map_err(|e| Error::io("this program", e))?;
    let ran = Command::new(&program)
        .arg("selftest")
        .args(["--device", &format!("cuda:{card}")])
        .args(&part.flags)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| Error::io(&program, e))?;
    let said = String::from_utf8_lossy(&ran.stderr);
    let mut rows = rows(&String::from_utf8_lossy(&ran.stdout));
    let failed = rows.iter().any(|row| row.failed > 0);
    for line in said.lines().filter(|line| !line.starts_with("device: ")) {
        // How many failed is counted over all processes.
        if !(failed && line.starts_with("error: ")) {
            tell!("{line}");
        }
    }
    if !ran.status.success() && !failed {
        tell!("{}: its process ended with {}", part.name, ran.status);
        rows.push(Row {
            name: part.name.clone(),
            ran: 1,
            failed: 1,
            worst: String::new(),
        });
    }
    Ok(rows)
}

/// The rows of a table that `selftest` wrote.
fn rows(table: &str) -> Vec<Row> {
    let mut lines = table.lines();
    if lines.next() != Some(Row::HEADER) {
        return Vec::new();
    }
    let row = |line: &str| {
        let mut fields = line.split('\t');
        Some(Row {
            name: fields.next()?.to_string(),
            ran: fields.next()?.parse().ok()?,
            failed: fields.next()?.parse().ok()?,
            worst: fields.next()?.to_string(),
        })
    };
    lines.filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_back_as_it_was_written() {
        let written = [("linear", 3, 0, "1.0e-2"), ("lstm in bf16", 2, 2, "")].map(
            |(name, ran, failed, worst)| Row {
                name: name.to_string(),
                ran,
                failed,
                worst: worst.to_string(),
            },
        );
        let lines: Vec<String> = written.iter().map(Row::to_string).collect();
        let table = format!("{}\n{}\n", Row::HEADER, lines.join("\n"));
        assert_eq!(rows(&table), written);
        assert_eq!(rows("error: no card\n"), []);
    }
}
