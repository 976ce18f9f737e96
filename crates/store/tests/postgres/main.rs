//! The PostgreSQL store conforms, keeps executors apart, and loses nothing it confirmed.
//!
//! `cargo xtask test` starts a server for these tests and names it in `FEIQIAN_TEST_POSTGRES`; without that they
//! say that they were skipped.
#![allow(clippy::unwrap_used, reason = "a test stops where an expectation fails")]

mod ahead;
mod faults;
mod fence;
mod load;
mod nodes;
mod opening;
mod partitions;
mod place;
mod proxy;
mod standby;
mod tls;

use place::Place;
use store::conformance;

#[test]
fn postgres_conforms() {
    if place::server().is_none() {
        return;
    }
    conformance::suite(|| {
        let place = Place::new().unwrap();
        move || place.open()
    });
}

#[test]
fn postgres_holds_several_shards() {
    if place::server().is_none() {
        return;
    }
    conformance::shard_suite(|| {
        let place = Place::new().unwrap();
        move |at| place.open_at(at)
    });
}
