//! Fuzz target `emv`; see `front_door::fuzz::emv_payload`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| front_door::fuzz::emv_payload(bytes));
