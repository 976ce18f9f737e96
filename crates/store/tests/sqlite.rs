//! The SQLite store conforms.

use store::{Options, conformance, sqlite};

#[test]
fn sqlite_conforms() {
    conformance::suite(|| {
        let folder = tempfile::tempdir().unwrap();
        move || sqlite(&folder.path().join("feiqian.db"), Options::default()).unwrap()
    });
}
