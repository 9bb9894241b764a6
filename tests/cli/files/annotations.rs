//! GTF files as FlyBase, NCBI and UCSC write them.
