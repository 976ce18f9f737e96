//! `cargo xtask openapi`: writes the stored API description anew.

use std::process::Command;

use serde_json::Value;

use crate::{Failure, no_arguments, tree};

/// Help of `cargo xtask openapi`.
pub const HELP: &str = "\
Write docs/openapi.json from the binary.

Usage: cargo xtask openapi

Run it after a change to the merchant API, read the difference, and commit both together: a test compares
the stored document with the one the program serves.";

/// Asks the binary for its description and stores it.
///
/// # Errors
/// When the binary does not build, fails, or prints something that is not an OpenAPI document.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    no_arguments("openapi", arguments)?;
    let root = tree::root()?;
    let binary = tree::built_binary(&root)?;
    let output = Command::new(&binary)
        .arg("openapi")
        .current_dir(&root)
        .output()
        .map_err(|e| Failure::new(format!("cannot start {}: {e}", binary.display())))?;
    if !output.status.success() {
        return Err(Failure::new(format!(
            "'feiqian openapi' failed ({}):\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim_end()
        )));
    }
    let document: Value = serde_json::from_slice(&output.stdout)
        .map_err(|e| Failure::new(format!("'feiqian openapi' printed no JSON: {e}")))?;
    let paths = document["paths"].as_object().map_or(0, serde_json::Map::len);
    if paths == 0 {
        return Err(Failure::new("'feiqian openapi' printed a document without paths; nothing was written"));
    }
    let file = root.join("docs/openapi.json");
    let before = std::fs::read(&file).ok();
    if before.as_deref() == Some(output.stdout.as_slice()) {
        println!("docs/openapi.json is up to date ({paths} paths)");
        return Ok(());
    }
    std::fs::create_dir_all(root.join("docs"))
        .and_then(|()| std::fs::write(&file, &output.stdout))
        .map_err(|e| Failure::new(format!("cannot write {}: {e}", file.display())))?;
    println!("wrote docs/openapi.json ({paths} paths); 'git diff docs/openapi.json' shows what changed");
    Ok(())
}
