//! What a PBX asks: up to the first zero byte the query string, then the body.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (query, body) = bytes.split_at(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
    calldex::faces::http::fuzz_query(query, body.strip_prefix(&[0]).unwrap_or(body));
});
