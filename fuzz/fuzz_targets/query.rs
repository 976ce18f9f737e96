//! Fuzz target `query`; see `front_door::fuzz::query`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| front_door::fuzz::query(bytes));
