//! Variants in the Variant Call Format, versions 4.0 to 4.5: text, plain, gzip or bgzip. Positions are 1-based, as in the
//! file; genotypes are carried along and not looked at.

mod chunks;
mod header;
mod index;
mod reader;
mod record;
mod regions;
mod writer;

pub use header::Header;
pub use index::indices;
pub use reader::Reader;
pub use record::{Alternative, Record};
pub use regions::Wanted;
pub use writer::{Contig, Field, Kind, Writer, escaped, info_id, write_vcf};
