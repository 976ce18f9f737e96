//! Fuzz target `json_body`; see `front_door::fuzz::json_body`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| front_door::fuzz::json_body(bytes));
