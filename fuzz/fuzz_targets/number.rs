//! Numbers as PBXs send them: one that is read again is itself.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| assert_eq!(calldex::number::hostile::violation(bytes), None));
