//! What a run says while it runs, and the pictures that it draws.

pub mod clusters;
pub mod heat_map;
pub mod line_chart;
pub mod logo;
pub mod progress;
pub mod signal_plot;
mod svg;
