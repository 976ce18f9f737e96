//! `cargo xtask screenshots`: pictures of every journey, to be looked at.

use std::process::Command;

use crate::{Failure, install, no_arguments, tree};

/// Help of `cargo xtask screenshots`.
pub const HELP: &str = "\
Render each journey of the wallet and the consoles into screenshots/.

Usage: cargo xtask screenshots

Starts a sandbox server, walks each journey in Chromium at 390 and 1440 pixels, light and dark, Chinese and
English, and writes one picture a page. The folder is ignored by git. Look at every picture your change
touched.";

/// Renders the pictures.
///
/// # Errors
/// When the binary, Chromium or Node is missing, or a journey does not finish.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    no_arguments("screenshots", arguments)?;
    let root = tree::root()?;
    let binary = tree::built_binary(&root)?;
    let Some(chromium) = install::chromium() else {
        return Err(Failure::new(
            "no Chromium on this machine; install Debian's package chromium, or set FEIQIAN_CHROMIUM",
        ));
    };
    if let Some(mut packages) = install::node_packages(&root)
        && !packages.status().is_ok_and(|status| status.success())
    {
        return Err(Failure::new(
            "the Node packages of tests/browser could not be installed; see npm's message",
        ));
    }
    let folder = root.join("screenshots");
    let status = Command::new("node")
        .arg(root.join("tests/browser/screenshots.mjs"))
        .arg(&folder)
        .env("FEIQIAN_BIN", binary)
        .env("FEIQIAN_CHROMIUM", chromium)
        .current_dir(&root)
        .status()
        .map_err(|e| Failure::new(format!("cannot start node: {e}; install Node.js 18 or newer")))?;
    if !status.success() {
        return Err(Failure::new("a journey did not finish; its last page is in screenshots/"));
    }
    println!("pictures are in {}", folder.display());
    Ok(())
}
