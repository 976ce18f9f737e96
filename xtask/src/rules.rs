//! The rules matrix: which `R-` row has a test named after it.
//!
//! A test protects a row by its name: `r_fin_21_one_success_under_concurrency` protects R-FIN-21. The
//! names are read from the source text, so tests in Rust, Python and JavaScript count alike.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::{Failure, tree};

/// Help of `cargo xtask rules`.
pub const HELP: &str = "\
Show which R- rows of the rules have a test named after them.

Usage: cargo xtask rules [--check]

A test whose name contains r_clerk_NN, r_card_NN, r_ops_NN or r_fin_NN protects that row, in Rust
('fn r_fin_21_…'), Python ('def test_r_fin_21_…') and JavaScript ('test(\"r_fin_21 …\")').

Options:
  --check   Print nothing but mistakes; fail if a test names a row that does not exist";

/// Areas of the rules and how many rows each has, numbered from 01.
pub const AREAS: &[(&str, u32)] = &[("CLERK", 53), ("CARD", 49), ("OPS", 47), ("FIN", 80)];

/// Folders that hold no source of ours.
const LEFT_OUT: &[&str] = &["target", ".git", ".cache", "node_modules", "screenshots", "__pycache__"];

/// One row named by one test.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// The row, such as `R-FIN-21`.
    pub row: String,
    /// The test's name as written.
    pub test: String,
    /// The file, relative to the repository's root.
    pub file: PathBuf,
}

/// Prints the matrix, or with `--check` only the mistakes.
///
/// # Errors
/// Status 1 when a test names a row that does not exist.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let quiet = match arguments {
        [] => false,
        [only] if only == "--check" => true,
        [other, ..] => {
            return Err(Failure::usage(format!(
                "'rules' takes no '{other}'; see 'cargo xtask rules --help'"
            )));
        }
    };
    let named = named(&tree::root()?)?;
    if !quiet {
        print_matrix(&named);
    }
    check(&named)
}

/// Fails if a test names a row that does not exist.
///
/// # Errors
/// Status 1 with each such test, its file and the rows its area has.
pub fn check(named: &[Named]) -> Result<(), Failure> {
    let wrong: Vec<String> = named
        .iter()
        .filter(|n| !exists(&n.row))
        .map(|n| format!("{}: test '{}' names {}, which does not exist", n.file.display(), n.test, n.row))
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let areas: Vec<String> = AREAS.iter().map(|(area, last)| format!("R-{area}-01 to {last:02}")).collect();
    Err(Failure::new(format!("{}\nrows there are: {}", wrong.join("\n"), areas.join(", "))))
}

/// Every row named by a test below `root`, sorted.
///
/// # Errors
/// When a file cannot be read.
pub fn named(root: &Path) -> Result<Vec<Named>, Failure> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder)
            .map_err(|e| Failure::new(format!("cannot read {}: {e}", folder.display())))?;
        for entry in entries.flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if !LEFT_OUT.iter().any(|left_out| name == *left_out) {
                    folders.push(path);
                }
                continue;
            }
            let Some(openings) = openings(&path) else { continue };
            let text = std::fs::read_to_string(&path)
                .map_err(|e| Failure::new(format!("cannot read {}: {e}", path.display())))?;
            let file = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
            for line in text.lines() {
                for (row, test) in rows_in(line, openings) {
                    found.insert(Named { row, test, file: file.clone() });
                }
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// How a line that opens a test starts in this kind of file; `None` for files that hold no tests.
fn openings(path: &Path) -> Option<&'static [&'static str]> {
    match path.extension()?.to_str()? {
        "rs" => Some(&["fn ", "async fn ", "pub fn "]),
        "py" => Some(&["def "]),
        "js" | "mjs" | "ts" => Some(&["test(\"", "test('", "test(`", "it(\"", "it('", "it(`"]),
        _ => None,
    }
}

/// The rows a line of source names, each with the test's name.
fn rows_in(line: &str, openings: &[&str]) -> Vec<(String, String)> {
    let Some(name) = openings.iter().find_map(|opening| {
        let after = line.trim_start().strip_prefix(opening)?;
        let end = after.find(['(', '"', '\'', '`', '<']).unwrap_or(after.len());
        Some(&after[..end])
    }) else {
        return Vec::new();
    };
    let mut rows = Vec::new();
    for (area, _) in AREAS {
        let mark = format!("r_{}_", area.to_lowercase());
        for (at, _) in name.match_indices(&mark) {
            let starts_word = !name[..at].ends_with(|c: char| c.is_alphanumeric());
            let digits: String =
                name[at + mark.len()..].chars().take_while(char::is_ascii_digit).take(4).collect();
            if starts_word && !digits.is_empty() {
                rows.push((format!("R-{area}-{digits:0>2}"), name.to_owned()));
            }
        }
    }
    rows
}

fn exists(row: &str) -> bool {
    AREAS.iter().any(|(area, last)| {
        row.strip_prefix(&format!("R-{area}-"))
            .and_then(|digits| digits.parse::<u32>().ok())
            .is_some_and(|number| (1..=*last).contains(&number))
    })
}

fn print_matrix(named: &[Named]) {
    let mut tests_of: BTreeMap<&str, usize> = BTreeMap::new();
    for n in named {
        *tests_of.entry(n.row.as_str()).or_default() += 1;
    }
    let (mut built_in_all, mut rows_in_all) = (0, 0);
    for (area, last) in AREAS {
        let (built, missing): (Vec<u32>, Vec<u32>) =
            (1..=*last).partition(|number| tests_of.contains_key(format!("R-{area}-{number:02}").as_str()));
        built_in_all += built.len();
        rows_in_all += *last;
        println!("R-{area}: {} built, {} not built, of {last}", built.len(), missing.len());
        println!("  built      {}", ranges(&built));
        println!("  not built  {}", ranges(&missing));
    }
    println!("in all: {built_in_all} built of {rows_in_all}");
    for n in named {
        println!("  {:<11} {}  ({})", n.row, n.test, n.file.display());
    }
}

/// `[1, 2, 3, 7]` as `01–03 07`.
fn ranges(numbers: &[u32]) -> String {
    let mut parts: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match parts.last_mut() {
            Some((_, end)) if *end + 1 == number => *end = number,
            _ => parts.push((number, number)),
        }
    }
    if parts.is_empty() {
        return "none".to_owned();
    }
    let shown: Vec<String> = parts
        .iter()
        .map(|(a, b)| if a == b { format!("{a:02}") } else { format!("{a:02}–{b:02}") })
        .collect();
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(line: &str, file: &str) -> Vec<String> {
        rows_in(line, openings(Path::new(file)).unwrap()).into_iter().map(|(row, _)| row).collect()
    }

    #[test]
    fn a_row_is_read_from_the_name_of_a_test_in_each_language() {
        assert_eq!(rows("fn r_fin_21_one_success() {", "a.rs"), ["R-FIN-21"]);
        assert_eq!(rows("    async fn both_r_card_03_and_r_ops_1() {", "a.rs"), ["R-CARD-03", "R-OPS-01"]);
        assert_eq!(rows("def test_r_clerk_14_locked(server):", "a.py"), ["R-CLERK-14"]);
        assert_eq!(rows("test('r_fin_63 pays in three steps', async () => {", "a.mjs"), ["R-FIN-63"]);
    }

    #[test]
    fn a_mention_is_not_a_test() {
        assert!(rows("// protects r_fin_21_one_success", "a.rs").is_empty());
        assert!(rows("let x = r_fin_21();", "a.rs").is_empty());
        assert!(rows("let text = \"fn r_fin_21() {\";", "a.rs").is_empty());
        assert!(rows("fn clear_fin_21() {", "a.rs").is_empty());
    }

    #[test]
    fn a_row_that_does_not_exist_is_a_mistake() {
        let name = |row: &str| Named { row: row.into(), test: "t".into(), file: "f.rs".into() };
        for row in ["R-CLERK-53", "R-CARD-49", "R-OPS-47", "R-FIN-80", "R-FIN-01"] {
            assert!(check(&[name(row)]).is_ok(), "{row}");
        }
        for row in ["R-CLERK-54", "R-CARD-50", "R-OPS-48", "R-FIN-81", "R-FIN-00", "R-FIN-9999"] {
            assert!(check(&[name(row)]).is_err(), "{row}");
        }
    }

    #[test]
    fn numbers_in_a_row_are_shown_as_a_range() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), "01–03 07 09–10");
        assert_eq!(ranges(&[]), "none");
    }
}
