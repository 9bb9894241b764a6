//! Binary files of the trade where text is expected, and 2bit genomes.
