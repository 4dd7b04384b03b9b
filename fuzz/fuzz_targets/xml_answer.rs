//! XML answers, turned into JSON.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| calldex::sources::xml::fuzz_bytes(bytes));
