//! Fuzz target `bank_message`; see `front_door::fuzz::bank_message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| front_door::fuzz::bank_message(bytes));
