//! Progress on stderr: a bar with rate and time left on a terminal, plain lines otherwise.

use crate::numbers::rate;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Writes to stderr.
#[derive(Clone, Debug)]
pub struct Reporter {
    terminal: bool,
    quiet: bool,
    /// Stands before each line: which of several runs it is about.
    of: Option<String>,
}

impl Reporter {
    pub fn new() -> Self {
        Reporter {
            terminal: std::io::stderr().is_terminal(),
            quiet: false,
            of: None,
        }
    }

    /// Says nothing: for tests and inner runs.
    pub fn quiet() -> Self {
        Reporter {
            terminal: false,
            quiet: true,
            of: None,
        }
    }

    /// Of one of several runs at the same time: says which before each line, and shows no bars.
    pub fn of(name: &str) -> Self {
        Reporter {
            terminal: false,
            quiet: false,
            of: Some(name.to_string()),
        }
    }

    pub fn line(&self, text: &str) {
        match &self.of {
            _ if self.quiet => {}
            Some(name) => tell!("{name}: {text}"),
            None => tell!("{text}"),
        }
    }

    /// A bar over rows, which are called `noun` in the plural; where stderr is no terminal, a line per minute.
    pub fn bar(&self, label: &str, rows: usize, noun: &'static str) -> Bar {
        let template = "{msg} {bar:30} {pos}/{len} {rate} {eta} left";
        self.progress(label, Some(rows as u64), noun, template)
    }

    /// A counter of rows whose number is not known beforehand; where stderr is no terminal, a line per minute.
    pub fn counter(&self, label: &str, noun: &'static str) -> Bar {
        self.progress(label, None, noun, "{msg} {pos} {rate}")
    }

    fn progress(&self, label: &str, rows: Option<u64>, noun: &'static str, template: &str) -> Bar {
        let target = if self.terminal && !self.quiet {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(rows, target);
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let per_second = move |state: &ProgressState, w: &mut dyn Write| {
            // What cannot be written here is only not shown.
            let _ = write!(w, "{}", rate(state.per_sec(), noun));
        };
        bar.set_style(style.with_key("rate", per_second));
        bar.set_message(label.to_string());
        let plain = (!self.terminal && !self.quiet).then(|| Plain {
            reporter: self.clone(),
            label: label.to_string(),
            rows,
            noun,
            started: Instant::now(),
            before: AtomicU64::new(0),
            said: AtomicU64::new(0),
        });
        Bar { bar, plain }
    }
}

impl Default for Reporter {
    fn default() -> Self {
        Reporter::new()
    }
}

/// A progress bar; where stderr is no terminal, a line per minute in its place.
pub struct Bar {
    bar: ProgressBar,
    plain: Option<Plain>,
}

/// What is said where there is no bar.
struct Plain {
    reporter: Reporter,
    label: String,
    rows: Option<u64>,
    noun: &'static str,
    started: Instant,
    /// Rows of an earlier run.
    before: AtomicU64,
    /// Lines so far.
    said: AtomicU64,
}

/// Seconds between two lines.
const MINUTE: u64 = 60;

impl Plain {
    /// The next line, where a minute has passed since the last one.
    fn line(&self, done: u64, seconds: f64) -> Option<String> {
        let minutes = seconds as u64 / MINUTE;
        // Of several threads one says it.
        if minutes == 0 || self.said.fetch_max(minutes, Ordering::Relaxed) >= minutes {
            return None;
        }
        let own = done.saturating_sub(self.before.load(Ordering::Relaxed));
        let per_second = own as f64 / seconds;
        let shown = rate(per_second, self.noun);
        Some(match self.rows {
            Some(rows) => format!(
                "{}: {done} of {rows} {}, {shown}, {} left",
                self.label,
                self.noun,
                duration(rows.saturating_sub(done) as f64 / per_second)
            ),
            None => format!("{}: {done} {}, {shown}", self.label, self.noun),
        })
    }
}

impl Bar {
    /// So many rows were done by an earlier run: they are not in the rate.
    pub fn begin_behind(&self, rows: usize) {
        self.bar.set_position(rows as u64);
        self.bar.reset_eta();
        if let Some(plain) = &self.plain {
            plain.before.store(rows as u64, Ordering::Relaxed);
        }
    }

    /// So many rows more are done.
    pub fn advance(&self, rows: usize) {
        self.bar.inc(rows as u64);
        if let Some(plain) = &self.plain {
            let seconds = plain.started.elapsed().as_secs_f64();
            if let Some(line) = plain.line(self.bar.position(), seconds) {
                plain.reporter.line(&line);
            }
        }
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Seconds for people: `40 s`, `12 min`, `3 h 5 min`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "an unknown time".to_string();
    }
    let minutes = (seconds / 60.0).round() as u64;
    match (seconds < 60.0, minutes) {
        (true, _) => format!("{seconds:.0} s"),
        (_, ..60) => format!("{minutes} min"),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_has_a_total_and_a_counter_has_none() {
        let reporter = Reporter::quiet();
        let (bar, counter) = (
            reporter.bar("scoring", 70, "windows"),
            reporter.counter("scoring", "windows"),
        );
        bar.advance(7);
        counter.advance(7);
        let of = |bar: &Bar| (bar.bar.position(), bar.bar.length());
        assert_eq!(of(&bar), (7, Some(70)));
        assert_eq!(of(&counter), (7, None));
    }

    #[test]
    fn on_a_pipe_there_is_a_line_per_minute() {
        let plain = |rows| Plain {
            reporter: Reporter::quiet(),
            label: "epoch 2/9".to_string(),
            rows,
            noun: "sequences",
            started: Instant::now(),
            before: AtomicU64::new(0),
            said: AtomicU64::new(0),
        };
        let of_known = plain(Some(1000));
        assert_eq!(of_known.line(10, 59.0), None);
        let line = of_known.line(120, 60.0).unwrap();
        assert!(
            line.starts_with("epoch 2/9: 120 of 1000 sequences, "),
            "{line}"
        );
        assert!(line.ends_with(", 7 min left"), "{line}");
        assert_eq!(of_known.line(130, 70.0), None);
        assert!(of_known.line(300, 125.0).is_some());
        let gone_on = plain(Some(1000));
        gone_on.before.store(880, Ordering::Relaxed);
        let line = gone_on.line(940, 60.0).unwrap();
        assert!(line.ends_with(" 1.00 sequences/s, 1 min left"), "{line}");
        assert!(!plain(None).line(5, 61.0).unwrap().contains("left"));
        let shown = [5.4, 59.6, 3599.0, 11_100.0, f64::NAN].map(duration);
        assert_eq!(
            shown,
            ["5 s", "60 s", "1 h 0 min", "3 h 5 min", "an unknown time"]
        );
    }
}
