//! API parameter strings, read as PHP does.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| calldex::config::fuzz_parameter_string(bytes));
