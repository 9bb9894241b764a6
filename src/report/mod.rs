//! What a run says while it runs, and the pictures that it draws.

pub mod aligned_logos;
pub mod clusters;
pub mod comparison_plot;
pub mod heat_map;
pub mod line_chart;
pub mod logo;
pub mod page;
pub mod progress;
pub mod ranking_plot;
pub mod signal_plot;
mod svg;
