//! What a run says while it runs, and the pictures that it draws.

pub mod aligned_logos;
mod axis;
pub mod chromosome_map;
pub mod clusters;
pub mod comparison_plot;
pub mod contribution_plot;
pub mod effect_plot;
pub mod heat_map;
pub mod line_chart;
pub mod logo;
pub mod page;
pub mod panels;
pub mod progress;
pub mod ranking_plot;
pub mod run_sections;
pub mod signal_plot;
pub mod split_section;
mod svg;
