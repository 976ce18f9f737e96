//! Where things are: the repository's root, the build folder, the binary.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Failure;

/// The repository's root: the nearest folder above the running package whose `Cargo.toml` is a
/// workspace. Works for `cargo xtask` and for a test of any package, wherever the clone lies.
///
/// # Errors
/// When no such folder exists, which means the program was taken out of its clone.
pub fn root() -> Result<PathBuf, Failure> {
    let start = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    for folder in start.ancestors() {
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        // fuzz/ is a workspace of its own, without members.
        if manifest.lines().any(|line| line.trim_start().starts_with("members")) {
            return Ok(folder.to_path_buf());
        }
    }
    Err(Failure::new(format!(
        "no workspace above {}; run this from a clone of the repository",
        start.display()
    )))
}

/// What `cargo metadata --no-deps` says about the workspace, as JSON.
///
/// # Errors
/// When cargo cannot read the manifests; its own words are passed on.
pub fn metadata(root: &Path) -> Result<Value, Failure> {
    let output = Command::new(cargo())
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .map_err(|e| Failure::new(format!("cannot start cargo: {e}")))?;
    if !output.status.success() {
        return Err(Failure::new(format!(
            "cargo metadata failed:\n{}",
            String::from_utf8_lossy(&output.stderr).trim_end()
        )));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|e| Failure::new(format!("cargo metadata did not answer with JSON: {e}")))
}

/// The folder cargo builds into.
///
/// # Errors
/// As [`metadata`].
pub fn target(root: &Path) -> Result<PathBuf, Failure> {
    metadata(root)?["target_directory"]
        .as_str()
        .map(PathBuf::from)
        .ok_or_else(|| Failure::new("cargo metadata names no target directory"))
}

/// The cargo that started us, or the one on the path.
#[must_use]
pub fn cargo() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// The `feiqian` program to test: `FEIQIAN_BIN` if set, else the debug build, which is brought up to date
/// first.
///
/// # Errors
/// When the build fails or the named file does not exist.
pub fn built_binary(root: &Path) -> Result<PathBuf, Failure> {
    let path = match std::env::var_os("FEIQIAN_BIN") {
        Some(named) => PathBuf::from(named),
        None => {
            let status = Command::new(cargo())
                .args(["build", "--workspace", "--bins"])
                .current_dir(root)
                .status()
                .map_err(|e| Failure::new(format!("cannot start cargo: {e}")))?;
            if !status.success() {
                return Err(Failure::new("the binary does not build; see cargo's message above"));
            }
            target(root)?.join("debug/feiqian")
        }
    };
    if path.is_file() {
        Ok(path)
    } else {
        Err(Failure::new(format!(
            "no program at {}; set FEIQIAN_BIN to a built feiqian, or unset it to have one built",
            path.display()
        )))
    }
}

/// Whether `program` can be started with `arguments` and ends well. Used to ask "is it installed?".
#[must_use]
pub fn works(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}
