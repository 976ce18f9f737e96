//! Fuzz target `signature_header`; see `front_door::fuzz::signature_header`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| front_door::fuzz::signature_header(bytes));
