//! Rules of the house: which crate may know which, and that tests name rules that exist.

use std::path::Path;

#[test]
fn crates_depend_only_in_the_direction_the_architecture_allows() {
    if let Err(failure) = xtask::arrows::check() {
        panic!("{failure}");
    }
}

#[test]
fn every_rule_a_test_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let named = xtask::rules::named(&root).unwrap();
    if let Err(failure) = xtask::rules::check(&named) {
        panic!("{failure}");
    }
}
