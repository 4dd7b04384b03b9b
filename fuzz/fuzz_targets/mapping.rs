//! What `map` and the check of the numbers make of an answer; up to the first zero byte the bytes are the expression.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| calldex::sources::mapping::fuzz_bytes(bytes));
