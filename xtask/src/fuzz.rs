//! `cargo xtask fuzz`: the fuzz targets, each for a bounded time.

use std::path::Path;
use std::process::Command;

use crate::{Failure, tree};

/// Help of `cargo xtask fuzz`.
pub const HELP: &str = "\
Run the fuzz targets for a while.

Usage: cargo xtask fuzz [TARGET] [--seconds N]

Without TARGET every target of fuzz/ runs, one after the other. New inputs are kept in .cache/fuzz/TARGET;
inputs worth keeping for everyone belong in fuzz/seeds/TARGET, where an ordinary test runs them too.

Options:
  --seconds N   Seconds a target runs (1 to 86400; default 60)

Needs cargo-fuzz ('cargo install cargo-fuzz') and a C++ compiler.";

/// A day: longer runs should be started again, so that their finds are looked at.
const LONGEST_SECONDS: u32 = 86_400;

/// Runs one target or all.
///
/// # Errors
/// Status 1 when a target crashed or cargo-fuzz is missing; status 2 for an unknown target or number.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let root = tree::root()?;
    let targets = targets(&root)?;
    let (wanted, seconds) = wish(arguments, &targets)?;
    if !tree::works("cargo", &["fuzz", "--version"]) {
        return Err(Failure::new(
            "cargo-fuzz is not installed; 'cargo install cargo-fuzz' gets it (some minutes), then run this again",
        ));
    }
    for target in &wanted {
        println!("{target} for {seconds} s");
        fuzz(&root, target, seconds)?;
    }
    println!("{} target(s) ran {seconds} s each and found nothing", wanted.len());
    Ok(())
}

fn fuzz(root: &Path, target: &str, seconds: u32) -> Result<(), Failure> {
    let finds = root.join(".cache/fuzz").join(target);
    std::fs::create_dir_all(&finds)
        .map_err(|e| Failure::new(format!("cannot make {}: {e}", finds.display())))?;
    // The one stable toolchain is enough: cargo-fuzz only needs its unstable flags let through.
    let status = Command::new("cargo")
        .args(["fuzz", "run", "--fuzz-dir", "fuzz", target])
        .arg(&finds)
        .arg(root.join("fuzz/seeds").join(target))
        .args(["--", &format!("-max_total_time={seconds}"), "-max_len=16384", "-timeout=10"])
        .env("RUSTC_BOOTSTRAP", "1")
        .current_dir(root)
        .status()
        .map_err(|e| Failure::new(format!("cannot start cargo fuzz: {e}")))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{target} did not end well; if an input was found it is in fuzz/artifacts/{target}: copy it to \
         fuzz/seeds/{target} with the fix"
    )))
}

/// The names of the targets: one file each.
fn targets(root: &Path) -> Result<Vec<String>, Failure> {
    let folder = root.join("fuzz/fuzz_targets");
    let entries = std::fs::read_dir(&folder)
        .map_err(|e| Failure::new(format!("cannot read {}: {e}", folder.display())))?;
    let mut names: Vec<String> =
        entries.flatten().filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    Ok(names)
}

fn wish(arguments: &[String], targets: &[String]) -> Result<(Vec<String>, u32), Failure> {
    let mut wanted = Vec::new();
    let mut seconds = 60;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--seconds" {
            let number = rest.next().map(String::as_str).unwrap_or_default();
            seconds = number.parse().ok().filter(|n| (1..=LONGEST_SECONDS).contains(n)).ok_or_else(|| {
                Failure::usage(format!(
                    "--seconds takes a number from 1 to {LONGEST_SECONDS}, not '{number}'"
                ))
            })?;
        } else if targets.contains(argument) && wanted.is_empty() {
            wanted.push(argument.clone());
        } else {
            return Err(Failure::usage(format!(
                "'{argument}' is not a fuzz target; there are {}",
                targets.join(", ")
            )));
        }
    }
    if wanted.is_empty() {
        wanted = targets.to_vec();
    }
    Ok((wanted, seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(line: &str) -> Result<(Vec<String>, u32), Failure> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        wish(&arguments, &["json_body".into(), "query".into()])
    }

    #[test]
    fn all_targets_run_for_a_minute_unless_told_otherwise() {
        assert_eq!(ask("").unwrap(), (vec!["json_body".into(), "query".into()], 60));
        assert_eq!(ask("query --seconds 5").unwrap(), (vec!["query".into()], 5));
    }

    #[test]
    fn unknown_targets_and_silly_times_are_refused() {
        for line in ["nonsense", "--seconds", "--seconds 0", "--seconds 86401", "--seconds ten"] {
            assert_eq!(ask(line).unwrap_err().status, 2, "{line}");
        }
    }
}
