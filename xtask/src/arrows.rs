//! The arrows between crates: which crate may know which.
//!
//! `types ← ledger ← domain ← engine ← cluster ← service ← {gateway, wallet, worker} ← feiqian`; `store` implements
//! the engine's trait; `crypto` and `protocol` know only `types`. Nothing points the other way. The tables
//! below are the rule; `ARCHITECTURE.md` says why.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::{Failure, no_arguments, tree};

/// Help of `cargo xtask arrows`.
pub const HELP: &str = "\
Check that crates depend only in the direction ARCHITECTURE.md allows.

Usage: cargo xtask arrows

Reads every Cargo.toml of the workspace. Fails naming each forbidden arrow: between two crates of ours,
or from a crate that must stay pure to a crate that does I/O. Fails too when a banned crate (deny.toml)
is anywhere in the tree.";

/// Crate, and the crates of ours it may depend on. A crate missing here is an error: a new room has to say
/// where it stands.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("ledger", &["types"]),
    ("domain", &["types", "ledger"]),
    ("engine", &["types", "ledger", "domain"]),
    ("cluster", &["types", "ledger", "domain", "engine"]),
    ("store", &["types", "ledger", "domain", "engine"]),
    ("crypto", &["types"]),
    ("protocol", &["types"]),
    ("web", &["types", "protocol"]),
    ("intake", &[]),
    ("bank", &["types", "intake"]),
    ("reconcile", &["types", "intake"]),
    ("service", &["types", "ledger", "domain", "engine", "cluster", "crypto", "protocol"]),
    ("gateway", &["types", "ledger", "domain", "engine", "cluster", "crypto", "protocol", "service", "web"]),
    ("console", &["types", "ledger", "domain", "engine", "cluster", "crypto", "protocol", "service", "web"]),
    ("wallet", &["types", "ledger", "domain", "engine", "cluster", "crypto", "protocol", "service", "web"]),
    (
        "worker",
        &[
            "types",
            "ledger",
            "domain",
            "engine",
            "cluster",
            "crypto",
            "protocol",
            "service",
            "intake",
            "bank",
            "reconcile",
        ],
    ),
    // It plays the worker's jobs, and the bank behind them, without a task, a folder of the bank or a clock.
    (
        "simulator",
        &["types", "ledger", "domain", "engine", "crypto", "protocol", "bank", "reconcile", "worker"],
    ),
    (
        "feiqian",
        &[
            "types",
            "ledger",
            "domain",
            "engine",
            "cluster",
            "store",
            "crypto",
            "protocol",
            "service",
            "gateway",
            "wallet",
            "console",
            "worker",
            "simulator",
            "bank",
            "reconcile",
            "intake",
        ],
    ),
    // Tests of the edges start from it; only [MAY_TEST_WITH] leads to it, so it is never in the binary.
    (
        "fixture",
        &["types", "ledger", "domain", "engine", "cluster", "store", "crypto", "protocol", "service"],
    ),
    ("xtask", &[]),
    // The tests stand outside the house: they may look through every window, and nothing may know them.
    (
        "tests",
        &[
            "types",
            "ledger",
            "domain",
            "engine",
            "cluster",
            "store",
            "crypto",
            "protocol",
            "service",
            "gateway",
            "wallet",
            "console",
            "worker",
            "simulator",
            "xtask",
            "intake",
            "bank",
            "reconcile",
        ],
    ),
];

/// Arrows allowed in `[dev-dependencies]` only, on top of [`MAY_KNOW`]: tests of an edge run on a real store.
const MAY_TEST_WITH: &[(&str, &[&str])] = &[
    // The rules are tested as they run: applied by the engine over the memory store.
    ("domain", &["engine", "store"]),
    ("engine", &["store"]),
    ("cluster", &["store"]),
    // It starts the servers of a store's tests.
    ("store", &["xtask"]),
    ("service", &["store", "fixture"]),
    ("gateway", &["store", "fixture"]),
    ("console", &["store", "fixture"]),
    ("wallet", &["store", "fixture"]),
    ("worker", &["store", "fixture"]),
    ("feiqian", &["fixture"]),
    ("simulator", &["store", "xtask"]),
];

/// Crates from outside that do I/O, and the only crates of ours that may depend on them directly.
/// "Domain knows no SQL and no HTTP" is checked here.
const ONLY_FOR: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("tokio-postgres", &["store"]),
    ("reqwest", &["worker", "feiqian"]),
    ("axum", &["web", "gateway", "wallet", "console", "feiqian"]),
    ("tower-http", &["gateway", "wallet", "console", "feiqian"]),
    ("hyper-util", &["gateway", "wallet", "console", "feiqian"]),
    (
        "tokio",
        &[
            "engine",
            "cluster",
            "store",
            "service",
            "fixture",
            "web",
            "gateway",
            "wallet",
            "console",
            "worker",
            "simulator",
            "feiqian",
        ],
    ),
];

/// Crates that may be nowhere in the tree; `deny.toml` says why. Checked here as well, because cargo-deny
/// is not on every machine.
const BANNED: &[&str] = &["ring", "openssl-sys", "native-tls", "sqlx", "sqlx-core"];

/// Checks the workspace's manifests and prints the result.
///
/// # Errors
/// Status 1 with every forbidden arrow, one a line.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    no_arguments("arrows", arguments)?;
    let checked = check()?;
    println!("{checked} crates, every arrow allowed");
    Ok(())
}

/// Checks the workspace's manifests; the number of crates looked at.
///
/// # Errors
/// Status 1 with every forbidden arrow, one a line.
pub fn check() -> Result<usize, Failure> {
    let root = tree::root()?;
    let metadata = tree::metadata(&root)?;
    let mut wrong = forbidden(&metadata);
    wrong.extend(banned(&dependency_tree(&root)?));
    if wrong.is_empty() {
        return Ok(packages(&metadata).len());
    }
    Err(Failure::new(format!("{} forbidden arrow(s) between crates:\n  {}", wrong.len(), wrong.join("\n  "))))
}

/// Every forbidden arrow in what `cargo metadata --no-deps` printed, as sentences.
#[must_use]
pub fn forbidden(metadata: &Value) -> Vec<String> {
    let packages = packages(metadata);
    let ours: Vec<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    let mut wrong = Vec::new();
    for package in &packages {
        let Some(name) = package["name"].as_str() else { continue };
        let from = short(name);
        let Some(allowed) = row(MAY_KNOW, from) else {
            wrong.push(format!(
                "{from}: not in the table; say in xtask/src/arrows.rs and ARCHITECTURE.md what it may know"
            ));
            continue;
        };
        let for_tests = row(MAY_TEST_WITH, from).unwrap_or_default();
        for dependency in package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let Some(to) = dependency["name"].as_str() else { continue };
            let testing = dependency["kind"].as_str() == Some("dev");
            if ours.contains(&to) {
                let to = short(to);
                // A crate may name itself in its dev-dependencies to switch a test feature on.
                let known = allowed.contains(&to) || (testing && (for_tests.contains(&to) || to == from));
                if !known {
                    let kind = if testing { " (for tests)" } else { "" };
                    wrong.push(format!("{from} → {to}{kind}: {from} may know only [{}]", allowed.join(", ")));
                }
            } else if let Some(only) = row(ONLY_FOR, to)
                && !testing
                && !only.contains(&from)
                && from != "tests"
            {
                wrong.push(format!("{from} → {to}: only [{}] may use {to}", only.join(", ")));
            }
        }
    }
    wrong
}

/// Every banned crate in the output of [`dependency_tree`], as sentences.
fn banned(tree: &str) -> Vec<String> {
    let names: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    BANNED
        .iter()
        .filter(|name| names.contains(*name))
        .map(|name| format!("{name} is in the tree; 'cargo tree -i {name}' shows who brings it (deny.toml)"))
        .collect()
}

/// Every package built on any platform, one a line as `name vVERSION …`.
fn dependency_tree(root: &Path) -> Result<String, Failure> {
    let output = Command::new(tree::cargo())
        .args(["tree", "--workspace", "--edges", "all", "--target", "all", "--prefix", "none"])
        .current_dir(root)
        .output()
        .map_err(|e| Failure::new(format!("cannot start cargo: {e}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(Failure::new(format!("cargo tree failed:\n{}", String::from_utf8_lossy(&output.stderr).trim_end())))
}

fn packages(metadata: &Value) -> Vec<&Value> {
    metadata["packages"].as_array().map(|all| all.iter().collect()).unwrap_or_default()
}

fn short(package: &str) -> &str {
    package.strip_prefix("feiqian-").unwrap_or(package)
}

fn row(table: &[(&str, &'static [&'static str])], name: &str) -> Option<&'static [&'static str]> {
    table.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workspace(from: &str, dependency: Value) -> Value {
        json!({"packages": [
            {"name": from, "dependencies": [dependency]},
            {"name": "feiqian-types", "dependencies": []},
            {"name": "feiqian-gateway", "dependencies": []},
            {"name": "feiqian-store", "dependencies": []},
        ]})
    }

    #[test]
    fn an_arrow_from_right_to_left_is_allowed() {
        let good = workspace("feiqian-domain", json!({"name": "feiqian-types", "kind": null}));
        assert_eq!(forbidden(&good), Vec::<String>::new());
    }

    #[test]
    fn an_arrow_from_left_to_right_is_named() {
        let bad = workspace("feiqian-domain", json!({"name": "feiqian-gateway", "kind": null}));
        assert_eq!(forbidden(&bad), ["domain → gateway: domain may know only [types, ledger]"]);
    }

    #[test]
    fn tests_may_not_turn_an_arrow_round_either() {
        let bad = workspace("feiqian-domain", json!({"name": "feiqian-gateway", "kind": "dev"}));
        assert_eq!(forbidden(&bad), ["domain → gateway (for tests): domain may know only [types, ledger]"]);
        let allowed = workspace("feiqian-simulator", json!({"name": "feiqian-store", "kind": "dev"}));
        assert_eq!(forbidden(&allowed), Vec::<String>::new());
        let shipped = workspace("feiqian-simulator", json!({"name": "feiqian-store", "kind": null}));
        assert_eq!(forbidden(&shipped).len(), 1, "what tests may use, the binary may not");
    }

    #[test]
    fn a_pure_crate_may_not_do_input_or_output() {
        let bad = workspace("feiqian-domain", json!({"name": "rusqlite", "kind": null}));
        assert_eq!(forbidden(&bad), ["domain → rusqlite: only [store] may use rusqlite"]);
    }

    #[test]
    fn a_banned_crate_is_found_by_its_whole_name() {
        assert_eq!(banned("string v1.0.0\nring-like v0.1.0\n"), Vec::<String>::new());
        assert_eq!(banned("serde v1.0.0\nring v0.17.14\n").len(), 1);
    }

    #[test]
    fn a_crate_without_a_place_is_refused() {
        let bad = workspace("feiqian-attic", json!({"name": "feiqian-types", "kind": null}));
        assert_eq!(forbidden(&bad).len(), 1);
        assert!(forbidden(&bad)[0].starts_with("attic: not in the table"));
    }
}
