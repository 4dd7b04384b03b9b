//! Answers of a SOAP service, and its description.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| calldex::soap::fuzz_bytes(bytes));
