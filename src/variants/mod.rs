//! What variants change in a model's predictions, for any kind of model: a VCF file is read three times (looked over, scored in
//! blocks, written out with the results), so that memory does not grow with it and nothing is written of a file with a fault.

mod by_network;
mod p_values;
mod parts;
mod request;
mod rows;
mod run;
mod scored;
mod scorer;
mod survey;
mod tables;
mod tally;
mod vcf_table;
mod written;

pub use by_network::{Beside, ByNetwork, Motifs};
pub use request::{BLOCK, Request};
pub use rows::{Allele, Columns, Effect};
pub use run::run;
pub use scorer::{MotifEffect, Scorer, Scores};
pub use survey::{Survey, survey};
pub use tables::{Form, Format, Table, is_other_vcf_name, is_vcf_name};
pub use tally::Tally;
pub use vcf_table::VcfTable;

#[cfg(test)]
mod common_tests;
#[cfg(test)]
mod stopped_tests;
#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod tests;
