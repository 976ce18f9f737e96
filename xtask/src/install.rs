//! What the tests need on the machine beyond Rust, and how to get it on Debian.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tree::works;

/// The oldest Node.js whose test runner and whose Playwright we use; Debian 12 has this one.
const NODE_AT_LEAST: u32 = 18;

/// Debian packages that are missing here for the SDK and browser tests.
#[must_use]
pub fn missing() -> Vec<&'static str> {
    let mut packages = Vec::new();
    if chromium().is_none() {
        packages.push("chromium");
    }
    if !has_chinese_font() {
        packages.push("fonts-noto-cjk");
    }
    if !works("python3", &["-c", "import ensurepip, venv"]) {
        packages.extend(["python3", "python3-venv"]);
    }
    if crate::postgres::programs().is_none() {
        packages.push("postgresql");
    }
    if node_version().is_none() {
        packages.push("nodejs");
    }
    if !works("npm", &["--version"]) {
        packages.push("npm");
    }
    packages
}

/// The command that installs `packages`.
///
/// # Errors
/// A sentence telling what to install by hand, when this machine has no apt-get or we may not use it.
pub fn command(packages: &[&str]) -> Result<Command, String> {
    let apt = works("apt-get", &["--version"]);
    let root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.trim_ascii() == b"0");
    let sudo = !root && works("sudo", &["-n", "true"]);
    let mut command = Command::new("sh");
    command.args(["-c", &script(packages, apt, root, sudo)?]).env("DEBIAN_FRONTEND", "noninteractive");
    Ok(command)
}

fn script(packages: &[&str], apt: bool, root: bool, sudo: bool) -> Result<String, String> {
    let list = packages.join(" ");
    if !apt {
        return Err(format!(
            "the tests need {list} (names as in Debian), and there is no apt-get here; install them your \
             system's way, or run 'cargo xtask test --fast', which needs none of them"
        ));
    }
    let prefix = match (root, sudo) {
        (true, _) => "",
        (false, true) => "sudo -n ",
        (false, false) => {
            return Err(format!(
                "the tests need {list}, and installing needs root; run 'sudo apt-get install {list}' once, \
                 or run 'cargo xtask test --fast', which needs none of them"
            ));
        }
    };
    Ok(format!(
        "{prefix}apt-get update -q && \
         {prefix}env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends {list}"
    ))
}

/// A Chromium the browser tests can start: `FEIQIAN_CHROMIUM` if set, else the first on the path.
#[must_use]
pub fn chromium() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("FEIQIAN_CHROMIUM") {
        return Some(PathBuf::from(named));
    }
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(on_path)
}

/// The full path of `program`, if the search path has it.
#[must_use]
pub fn on_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|p| p.join(program)).find(|p| p.is_file())
}

/// The Python of the SDK tests' own environment.
#[must_use]
pub fn python(root: &Path) -> PathBuf {
    root.join(".cache/sdk/bin/python")
}

/// The command that makes the SDK tests' Python environment; `None` when it is there and up to date.
#[must_use]
pub fn python_packages(root: &Path) -> Option<Command> {
    let stamp = root.join(".cache/sdk/requirements.txt");
    let wanted = std::fs::read_to_string(root.join("tests/sdk/requirements.txt")).ok();
    if wanted.is_some() && std::fs::read_to_string(stamp).ok() == wanted && python(root).is_file() {
        return None;
    }
    let mut command = Command::new("sh");
    command.current_dir(root).args([
        "-c",
        "set -e; python3 -m venv --clear .cache/sdk; \
         .cache/sdk/bin/python -m pip install --quiet --no-input --disable-pip-version-check \
           -r tests/sdk/requirements.txt; \
         cp tests/sdk/requirements.txt .cache/sdk/",
    ]);
    Some(command)
}

/// The command that installs the browser tests' Node packages; `None` when they are there and up to date.
#[must_use]
pub fn node_packages(root: &Path) -> Option<Command> {
    let folder = root.join("tests/browser");
    let wanted = std::fs::read_to_string(folder.join("package-lock.json")).ok();
    let stamp = folder.join("node_modules/.installed-lock.json");
    if wanted.is_some() && std::fs::read_to_string(stamp).ok() == wanted {
        return None;
    }
    let mut command = Command::new("sh");
    command.current_dir(&folder).args([
        "-c",
        "set -e; npm ci --no-audit --no-fund --ignore-scripts; \
         cp package-lock.json node_modules/.installed-lock.json",
    ]);
    Some(command)
}

fn has_chinese_font() -> bool {
    let listed = Command::new("fc-list").args([":lang=zh-cn", "family"]).output();
    listed.is_ok_and(|o| !o.stdout.trim_ascii().is_empty())
        || Path::new("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc").is_file()
}

fn node_version() -> Option<u32> {
    let output = Command::new("node").arg("--version").output().ok()?;
    major(&String::from_utf8_lossy(&output.stdout)).filter(|major| *major >= NODE_AT_LEAST)
}

fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_installs_directly_and_a_user_through_sudo() {
        let direct = script(&["chromium", "npm"], true, true, false).unwrap();
        assert!(direct.starts_with("apt-get update"), "{direct}");
        assert!(direct.ends_with("chromium npm"), "{direct}");
        assert!(script(&["npm"], true, false, true).unwrap().starts_with("sudo -n apt-get update"));
    }

    #[test]
    fn a_user_without_rights_is_told_the_command() {
        let told = script(&["chromium"], true, false, false).unwrap_err();
        assert!(told.contains("'sudo apt-get install chromium'"), "{told}");
        let told = script(&["chromium"], false, false, false).unwrap_err();
        assert!(told.contains("no apt-get here"), "{told}");
    }

    #[test]
    fn node_must_be_new_enough() {
        assert_eq!(major("v18.20.4\n"), Some(18));
        assert_eq!(major("20"), None);
    }
}
