//! Tests over the whole crate: pages through the router, over an engine and a store in memory.

use std::{fs, path::Path};

/// Every source file and template with its text, tests left out.
pub(crate) fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut out = Vec::new();
    for folder in ["src", "templates"] {
        collect(&root.join(folder), &mut out);
    }
    out
}

fn collect(folder: &Path, out: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "tests" {
                collect(&path, out);
            }
        } else if name != "tests.rs" {
            out.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

mod bills;
mod bridge;
mod code;
mod combined;
mod frame;
mod oauth;
mod paying;
mod signing_in;
mod transfers;
mod world;
