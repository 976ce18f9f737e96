//! Developer commands of Feiqian, reached as `cargo xtask COMMAND`.
//!
//! The crate is a library too, so that the checks it holds ([`arrows`], [`rules`]) are also ordinary
//! tests: a contributor who only runs `cargo test` meets the same rules as CI.
#![allow(clippy::print_stdout, reason = "a command-line tool speaks on standard output")]

pub mod arrows;
pub mod fuzz;
pub mod install;
pub mod openapi;
pub mod postgres;
pub mod rules;
pub mod screenshots;
pub mod simulate;
pub mod step;
pub mod suite;
pub mod summary;
pub mod tree;

use std::fmt;

const HELP: &str = "\
Developer commands of Feiqian.

Usage: cargo xtask COMMAND [OPTIONS]

Commands:
  test         Install what the tests need, run them all, end with 'N passed, M failed'
  rules        Show which R- rows of the rules have a test named after them
  arrows       Check that crates depend only in the direction ARCHITECTURE.md allows
  screenshots  Render each wallet journey into screenshots/ (two widths, two themes, two languages)
  fuzz         Run the fuzz targets for a while
  simulate     Live through seeded worlds of the simulator and check every invariant
  openapi      Write docs/openapi.json from the binary

'cargo xtask COMMAND --help' tells more about one of them.";

/// Why a command stopped, and the exit status it asks for.
#[derive(Debug)]
pub struct Failure {
    /// One sentence saying what went wrong and what to do next. Empty when all has been said already.
    pub message: String,
    /// Exit status: 1 for a failed check, 2 for a command line that makes no sense.
    pub status: u8,
}

impl Failure {
    /// A check or a tool failed (exit status 1).
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), status: 1 }
    }

    /// The command line makes no sense (exit status 2).
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), status: 2 }
    }

    /// Failed, and everything worth saying is on the screen already.
    pub fn told() -> Self {
        Self { message: String::new(), status: 1 }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Runs one developer command; `arguments` are those after the program's name.
///
/// # Errors
/// A [`Failure`] with status 2 for an unknown command or option, and with status 1 when the command's
/// check did not pass or a tool it needs is missing.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let Some((command, rest)) = arguments.split_first() else {
        println!("{HELP}");
        return Err(Failure { message: String::new(), status: 2 });
    };
    let help = rest.iter().any(|a| a == "--help" || a == "-h");
    match command.as_str() {
        "--help" | "-h" | "help" => {
            println!("{HELP}");
            Ok(())
        }
        "test" if help => say(suite::HELP),
        "test" => suite::run(rest),
        "rules" if help => say(rules::HELP),
        "rules" => rules::run(rest),
        "arrows" if help => say(arrows::HELP),
        "arrows" => arrows::run(rest),
        "screenshots" if help => say(screenshots::HELP),
        "screenshots" => screenshots::run(rest),
        "fuzz" if help => say(fuzz::HELP),
        "fuzz" => fuzz::run(rest),
        "simulate" if help => say(simulate::HELP),
        "simulate" => simulate::run(rest),
        "openapi" if help => say(openapi::HELP),
        "openapi" => openapi::run(rest),
        other => Err(Failure::usage(format!(
            "'{other}' is not a command of cargo xtask; 'cargo xtask --help' lists them"
        ))),
    }
}

fn say(text: &str) -> Result<(), Failure> {
    println!("{text}");
    Ok(())
}

/// Refuses arguments a command does not take.
pub(crate) fn no_arguments(command: &str, arguments: &[String]) -> Result<(), Failure> {
    match arguments.first() {
        None => Ok(()),
        Some(extra) => {
            Err(Failure::usage(format!("'{command}' takes no '{extra}'; see 'cargo xtask {command} --help'")))
        }
    }
}
