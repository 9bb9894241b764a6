#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    parsers::run("hdf5", bytes);
});
