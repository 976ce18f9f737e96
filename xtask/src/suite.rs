//! `cargo xtask test`: everything that must hold before a change is merged, in one run.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::postgres::{self, Cluster};
use crate::step::Steps;
use crate::summary::Runner;
use crate::{Failure, arrows, install, rules, tree};

/// Servers that the SDK tests start in one run at most, each with a store of its own.
const SDK_SERVERS_MAX: usize = 10;

/// Help of `cargo xtask test`.
pub const HELP: &str = "\
Install what the tests need, run them all, end with 'N passed, M failed'.

Usage: cargo xtask test [--fast] [FILTER]

Runs, in this order: formatting, lints, build, Rust tests (cargo-nextest if installed, else cargo test),
documentation examples, arrows between crates, rule names, licences (if cargo-deny is installed), the
Python SDK against a running server, the wallet in Chromium, and kill -9 under load; SDK and kill -9 again with
the store on PostgreSQL. A private PostgreSQL is started in a temporary folder and stopped afterwards.

Needs Rust, Python 3 and Node.js 18 or newer; missing Debian packages are installed when that is allowed.

Arguments:
  FILTER    Run only tests whose name contains FILTER; leaves out formatting and lints

Options:
  --fast    Leave out everything that starts the server: some minutes less, nothing to install

Environment:
  FEIQIAN_CHROMIUM   the browser to use instead of the one on the path";

/// One step of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Packages,
    Format,
    Lints,
    Build,
    Postgres,
    Rust,
    Doc,
    Arrows,
    Rules,
    Licences,
    PythonPackages,
    Sdk,
    SdkPostgres,
    NodePackages,
    Browser,
    Crash,
    CrashPostgres,
}

/// What was asked for on the command line.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wish {
    fast: bool,
    filter: Option<String>,
}

/// Runs the suite. Prints the sum of all runners as the last line.
///
/// # Errors
/// Status 1 when any step failed or a filter matched nothing; status 2 for a bad command line.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let wish = wish(arguments)?;
    let root = tree::root()?;
    let target = tree::target(&root)?;
    let deny = tree::works("cargo", &["deny", "--version"]);
    let parts = plan(&wish, deny);
    if !deny && parts.contains(&Part::Format) {
        println!(
            "cargo-deny is not installed: licences and bans are not checked ('cargo install cargo-deny')"
        );
    }
    let mut suite = Suite {
        steps: Steps::new(parts.len(), target.join("xtask")),
        nextest: tree::works("cargo", &["nextest", "--version"]),
        binary: target.join("debug/feiqian"),
        root,
        wish,
        built: None,
        python: None,
        node: None,
        postgres: None,
    };
    for part in parts {
        suite.part(part);
    }
    let sum = suite.steps.sum();
    let failed = sum.failed > 0 || suite.steps.outcomes().iter().any(|o| !o.ok);
    println!("{}", suite.steps.report());
    if failed {
        return Err(Failure::told());
    }
    if sum.passed == 0 {
        return Err(Failure::new(format!(
            "no test's name contains '{}', so nothing was tested",
            suite.wish.filter.unwrap_or_default()
        )));
    }
    Ok(())
}

fn wish(arguments: &[String]) -> Result<Wish, Failure> {
    let mut wish = Wish::default();
    for argument in arguments {
        match argument.as_str() {
            "--fast" => wish.fast = true,
            option if option.starts_with('-') => {
                return Err(Failure::usage(format!(
                    "'test' takes no '{option}'; see 'cargo xtask test --help'"
                )));
            }
            _ if wish.filter.is_some() => {
                return Err(Failure::usage("'test' takes one FILTER; see 'cargo xtask test --help'"));
            }
            filter => wish.filter = Some(filter.to_owned()),
        }
    }
    Ok(wish)
}

fn plan(wish: &Wish, deny: bool) -> Vec<Part> {
    use Part::{
        Arrows, Browser, Build, Crash, CrashPostgres, Doc, Format, Licences, Lints, NodePackages, Packages,
        Postgres, PythonPackages, Rules, Rust, Sdk, SdkPostgres,
    };
    let all = [
        Packages,
        Format,
        Lints,
        Build,
        Postgres,
        Rust,
        Doc,
        Arrows,
        Rules,
        Licences,
        PythonPackages,
        Sdk,
        SdkPostgres,
        NodePackages,
        Browser,
        Crash,
        CrashPostgres,
    ];
    let whole = [Format, Lints, Doc, Arrows, Rules, Licences];
    all.into_iter()
        .filter(|part| !wish.fast || *part == Rust || whole.contains(part))
        .filter(|part| !(wish.filter.is_some() && whole.contains(part)))
        .filter(|part| deny || *part != Licences)
        .collect()
}

struct Suite {
    steps: Steps,
    root: PathBuf,
    wish: Wish,
    nextest: bool,
    binary: PathBuf,
    /// Whether the build, and each set of packages, is there. `None`: not tried yet.
    built: Option<bool>,
    python: Option<bool>,
    node: Option<bool>,
    /// The server for tests of the PostgreSQL store. Without it they say that they were skipped.
    postgres: Option<Cluster>,
}

impl Suite {
    fn part(&mut self, part: Part) {
        match part {
            Part::Packages => self.packages(),
            Part::Format => {
                let mut cargo = self.cargo(&["fmt", "--all", "--check", "--", "--color", "never"]);
                self.steps.command("formatting", Runner::Whole, &mut cargo);
            }
            Part::Lints => {
                let mut cargo = self.cargo(&["clippy", "--workspace", "--all-targets"]);
                cargo.args(["--", "-D", "warnings"]);
                self.steps.command("lints", Runner::Whole, &mut cargo);
            }
            // Tests are built in the same call, so that features are unified once and nothing is built twice.
            Part::Build => {
                let mut cargo = self.cargo(&["build", "--workspace", "--bins", "--tests"]);
                self.built = Some(self.steps.command("build", Runner::Preparation, &mut cargo));
            }
            Part::Postgres => self.postgres(),
            Part::Rust => self.rust(),
            Part::Doc => self.doc(),
            Part::Arrows => {
                self.steps.check("arrows between crates", || {
                    arrows::check().map(|n| format!("{n} crates, every arrow allowed")).map_err(|f| f.message)
                });
            }
            Part::Rules => {
                let root = self.root.clone();
                self.steps.check("rule names", || {
                    let named = rules::named(&root).map_err(|f| f.message)?;
                    rules::check(&named).map_err(|f| f.message)?;
                    Ok(format!("{} tests name a row of the rules, and every row exists", named.len()))
                });
            }
            // Advisories need a database from outside; the other three work from what is here.
            Part::Licences => {
                let mut cargo = self.cargo(&["deny", "check", "licenses", "bans", "sources"]);
                self.steps.command("licences and bans", Runner::Whole, &mut cargo);
            }
            Part::PythonPackages => {
                self.python = Some(self.fetch("Python packages", install::python_packages(&self.root)));
            }
            Part::Sdk => self.sdk("Python SDK against the server", None),
            Part::SdkPostgres => self.sdk_postgres(),
            Part::NodePackages => {
                self.node = Some(self.fetch("Node packages", install::node_packages(&self.root)));
            }
            Part::Browser => self.browser(),
            Part::Crash => self.crash("kill -9 under load", false),
            Part::CrashPostgres => self.crash("front door on PostgreSQL", true),
        }
    }

    fn packages(&mut self) {
        let missing = install::missing();
        let name = "system packages";
        if missing.is_empty() {
            self.steps.command(name, Runner::Preparation, Command::new("echo").arg("nothing is missing"));
            return;
        }
        match install::command(&missing) {
            Ok(mut command) => {
                self.steps.command(name, Runner::Preparation, &mut command);
            }
            Err(why) => {
                self.steps.check(name, || Err(why));
            }
        }
    }

    fn fetch(&mut self, name: &str, command: Option<Command>) -> bool {
        let mut command = command.unwrap_or_else(|| {
            let mut nothing = Command::new("echo");
            nothing.arg("up to date");
            nothing
        });
        self.steps.command(name, Runner::Preparation, &mut command)
    }

    fn rust(&mut self) {
        let name = if self.wish.fast { "Rust tests without a server" } else { "Rust tests" };
        if self.built == Some(false) {
            return self.steps.leave_out(name, "the build failed");
        }
        let mut cargo = if self.nextest {
            let scope = if self.wish.fast { "not package(feiqian-tests)" } else { "not test(/^crash_/)" };
            let mut cargo =
                self.cargo(&["nextest", "run", "--workspace", "--no-fail-fast", "--no-tests=pass"]);
            cargo.args(["-E", scope]).args(&self.wish.filter);
            cargo
        } else {
            let mut cargo =
                self.cargo(&["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"]);
            if self.wish.fast {
                cargo.args(["--exclude", "feiqian-tests"]);
            }
            cargo.arg("--").args(&self.wish.filter).args(["--skip", "crash_"]);
            cargo
        };
        self.steps.command(name, self.harness(), &mut cargo);
    }

    fn doc(&mut self) {
        let name = "documentation examples";
        if self.built == Some(false) {
            return self.steps.leave_out(name, "the build failed");
        }
        let mut cargo = self.cargo(&["test", "--workspace", "--doc", "--no-fail-fast"]);
        self.steps.command(name, Runner::Libtest, &mut cargo);
    }

    fn postgres(&mut self) {
        let server = &mut self.postgres;
        self.steps.check("private PostgreSQL", || {
            let started = Cluster::start(&[])?;
            let told = started.path().display().to_string();
            *server = Some(started);
            Ok(told)
        });
    }

    fn crash(&mut self, name: &str, on_postgres: bool) {
        if self.built == Some(false) {
            return self.steps.leave_out(name, "the build failed");
        }
        if on_postgres && self.postgres.is_none() {
            return self.steps.leave_out(name, "PostgreSQL did not start");
        }
        let tests = if on_postgres { "test(/^crash_/) | binary(one_order)" } else { "test(/^crash_/)" };
        let mut cargo = if self.nextest {
            let mut cargo = self.cargo(&["nextest", "run", "--workspace", "--no-tests=pass"]);
            cargo.args(["-E", tests]).args(&self.wish.filter);
            cargo
        } else {
            let mut cargo = self.cargo(&["test", "--workspace", "--test", "crash"]);
            if on_postgres {
                cargo.args(["--test", "one_order"]);
            }
            cargo.arg("--").args(&self.wish.filter);
            cargo
        };
        if on_postgres {
            cargo.env("FEIQIAN_TEST_FRONT_DOOR", "postgres");
        }
        self.steps.command(name, self.harness(), &mut cargo);
    }

    fn sdk_postgres(&mut self) {
        let name = "Python SDK, store on PostgreSQL";
        let Some(server) = &self.postgres else {
            return self.steps.leave_out(name, "PostgreSQL did not start");
        };
        // One server, one database: what moves a clock has a server of its own.
        let url = server.url("postgres");
        let databases: Result<Vec<String>, String> =
            (0..SDK_SERVERS_MAX).map(|_| postgres::new_database(&url)).collect();
        match databases {
            Ok(databases) => self.sdk(name, Some(&databases.join(" "))),
            Err(why) => self.steps.leave_out(name, &why),
        }
    }

    /// With databases: a server of the tests on each.
    fn sdk(&mut self, name: &str, databases: Option<&str>) {
        match (self.built, self.python) {
            (Some(false), _) => return self.steps.leave_out(name, "the build failed"),
            (_, Some(false)) => return self.steps.leave_out(name, "the Python packages are not there"),
            _ => {}
        }
        let mut pytest = Command::new(install::python(&self.root));
        pytest.args(["-m", "pytest", "-v", "--color=no", "-p", "no:cacheprovider", "tests/sdk/"]);
        if let Some(filter) = &self.wish.filter {
            pytest.args(["-k", filter]);
        }
        self.dress(&mut pytest);
        if let Some(databases) = databases {
            // The tests of `prove` write to a file.
            pytest.env("FEIQIAN_TEST_DATABASES", databases).arg("--ignore=tests/sdk/test_prove.py");
        }
        self.steps.command(name, Runner::Pytest, &mut pytest);
    }

    fn browser(&mut self) {
        let name = "wallet in Chromium";
        match (self.built, self.node) {
            (Some(false), _) => return self.steps.leave_out(name, "the build failed"),
            (_, Some(false)) => return self.steps.leave_out(name, "the Node packages are not there"),
            _ => {}
        }
        let Some(chromium) = install::chromium() else {
            return self.steps.leave_out(name, "no Chromium; install Debian's package chromium");
        };
        let files = browser_tests(&self.root.join("tests/browser"));
        if files.is_empty() {
            return self.steps.leave_out(name, "tests/browser holds no *.test.mjs");
        }
        let mut node = Command::new("node");
        node.args(["--test", "--test-reporter=spec"]);
        if let Some(filter) = &self.wish.filter {
            node.arg(format!("--test-name-pattern={filter}"));
        }
        node.args(files).env("FEIQIAN_CHROMIUM", chromium);
        self.dress(&mut node);
        self.steps.command(name, Runner::Node, &mut node);
    }

    fn harness(&self) -> Runner {
        if self.nextest { Runner::Nextest } else { Runner::Libtest }
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.args(arguments);
        let fmt_or_deny = matches!(arguments, ["fmt" | "deny", ..]);
        // A clone on CI must build from the lock file it came with.
        if std::env::var_os("CI").is_some() && !fmt_or_deny {
            cargo.arg("--locked");
        }
        self.dress(&mut cargo);
        cargo
    }

    fn dress(&self, command: &mut Command) {
        command
            .current_dir(&self.root)
            .env("FEIQIAN_BIN", &self.binary)
            .env("CARGO_TERM_COLOR", "never")
            .env("NO_COLOR", "1")
            .env("INSTA_UPDATE", "no")
            .env("PYTHONDONTWRITEBYTECODE", "1");
        if let Some(server) = &self.postgres {
            command.env(postgres::VARIABLE, server.url("postgres"));
        }
    }
}

fn browser_tests(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    files.retain(|file| file.to_string_lossy().ends_with(".test.mjs"));
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_bare_run_leaves_nothing_out() {
        let plan = plan(&wish(&[]).unwrap(), true);
        assert_eq!(plan.len(), 17);
        assert_eq!((plan[0], plan[16]), (Part::Packages, Part::CrashPostgres));
    }

    #[test]
    fn fast_starts_no_server_and_installs_nothing() {
        let plan = plan(&wish(&words("--fast")).unwrap(), false);
        assert_eq!(plan, [Part::Format, Part::Lints, Part::Rust, Part::Doc, Part::Arrows, Part::Rules]);
    }

    #[test]
    fn a_filter_runs_only_tests_with_names() {
        let wish = wish(&words("native")).unwrap();
        assert_eq!(wish.filter.as_deref(), Some("native"));
        let plan = plan(&wish, true);
        for part in [Part::Rust, Part::Sdk, Part::Browser, Part::Crash] {
            assert!(plan.contains(&part), "{part:?}");
        }
        assert!(!plan.contains(&Part::Lints));
    }

    #[test]
    fn a_command_line_that_makes_no_sense_is_refused() {
        assert_eq!(wish(&words("--quick")).unwrap_err().status, 2);
        assert_eq!(wish(&words("one two")).unwrap_err().status, 2);
    }
}
