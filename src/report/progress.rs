//! Progress on stderr: a bar with rate and time left on a terminal, plain lines otherwise.

use crate::numbers::rate;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io::IsTerminal;

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

    /// A bar over rows, which are called `noun` in the plural; hidden where stderr is no terminal.
    pub fn bar(&self, label: &str, rows: usize, noun: &'static str) -> Bar {
        let template = "{msg} {bar:30} {pos}/{len} {rate} {eta} left";
        self.progress(label, Some(rows as u64), noun, template)
    }

    /// A counter of rows whose number is not known beforehand; hidden where stderr is no terminal.
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
        Bar(bar)
    }
}

impl Default for Reporter {
    fn default() -> Self {
        Reporter::new()
    }
}

/// A progress bar that may be hidden.
pub struct Bar(ProgressBar);

impl Bar {
    /// So many rows more are done.
    pub fn advance(&self, rows: usize) {
        self.0.inc(rows as u64);
    }

    pub fn finish(&self) {
        self.0.finish_and_clear();
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
        let of = |bar: &Bar| (bar.0.position(), bar.0.length());
        assert_eq!(of(&bar), (7, Some(70)));
        assert_eq!(of(&counter), (7, None));
    }
}
