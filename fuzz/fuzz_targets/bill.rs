//! Fuzz target `bill`; see `front_door::fuzz::bill`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| front_door::fuzz::bill(bytes));
