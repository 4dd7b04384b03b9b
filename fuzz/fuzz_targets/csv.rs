//! Files of address books, of any format.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = calldex::directory::import::fuzz_bytes(bytes);
});
