//! Reads how many tests passed and failed from the closing lines of each runner we use.

/// How a step's output is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// cargo-nextest: `Summary [ 0.1s] 12 tests run: 11 passed (1 slow), 1 timed out, 3 skipped`.
    Nextest,
    /// cargo's own harness, once per program: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    Libtest,
    /// pytest: `==== 3 passed, 1 failed, 1 error in 0.12s ====`.
    Pytest,
    /// Node's test runner, spec or TAP: `ℹ pass 3`, `# fail 0`.
    Node,
    /// A check that passes or fails as a whole: one test.
    Whole,
    /// Preparation: proves nothing when it works.
    Preparation,
}

/// Tests counted in one step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed, timed out or could not be started.
    pub failed: u64,
    /// Tests the runner left out.
    pub skipped: u64,
}

impl Count {
    /// Takes in one line of a runner's output.
    pub fn feed(&mut self, runner: Runner, line: &str) {
        let line = line.trim();
        match runner {
            // nextest and pytest say it once, so the last such line holds.
            Runner::Nextest => {
                if let Some((_, counts)) = line.split_once(" run: ")
                    && line.starts_with("Summary [")
                {
                    *self = words(counts);
                }
            }
            Runner::Pytest => {
                let bare = line.trim_matches(['=', ' ']);
                if let Some((counts, _)) = bare.split_once(" in ") {
                    let found = words(counts);
                    if found != Self::default() || counts.starts_with("no tests ran") {
                        *self = found;
                    }
                }
            }
            Runner::Libtest => {
                if let Some((_, counts)) =
                    line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
                {
                    self.add(words(&counts.replace(';', ",")));
                }
            }
            Runner::Node => {
                let mut parts = line.trim_start_matches(['ℹ', '#', ' ']).split(' ');
                let (Some(word), Some(number), None) = (parts.next(), parts.next(), parts.next()) else {
                    return;
                };
                if !line.starts_with(['ℹ', '#']) {
                    return;
                }
                let Ok(number) = number.parse() else { return };
                match word {
                    "pass" => self.passed = number,
                    "fail" => self.failed += number,
                    "cancelled" => self.failed += number,
                    "skipped" | "todo" => self.skipped += number,
                    _ => {}
                }
            }
            Runner::Whole | Runner::Preparation => {}
        }
    }

    /// Adds another count to this one.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Counts `11 passed (1 slow), 1 timed out, 3 skipped`, whatever the order.
fn words(counts: &str) -> Count {
    let mut count = Count::default();
    for part in without_brackets(counts).split(',') {
        let Some((number, what)) = part.trim().split_once(' ') else { continue };
        let Ok(number) = number.parse::<u64>() else { continue };
        match what.trim() {
            "passed" => count.passed += number,
            "failed" | "timed out" | "exec failed" | "error" | "errors" => count.failed += number,
            "skipped" | "ignored" | "deselected" | "xfailed" => count.skipped += number,
            _ => {}
        }
    }
    count
}

fn without_brackets(text: &str) -> String {
    let mut depth = 0_u32;
    let mut kept = String::new();
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => kept.push(c),
            _ => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(runner: Runner, lines: &[&str]) -> (u64, u64, u64) {
        let mut count = Count::default();
        for line in lines {
            count.feed(runner, line);
        }
        (count.passed, count.failed, count.skipped)
    }

    #[test]
    fn nextest_counts_slow_and_timed_out_tests() {
        let r = Runner::Nextest;
        assert_eq!(count(r, &["     Summary [   0.012s] 3 tests run: 3 passed, 0 skipped"]), (3, 0, 0));
        assert_eq!(
            count(
                r,
                &[
                    "Summary [ 9.1s] 12/20 tests run: 9 passed (1 slow, 2 flaky), 2 failed, 1 timed out, 4 skipped"
                ]
            ),
            (9, 3, 4)
        );
        assert_eq!(count(r, &["Summary [ 0.1s] 1 test run: 0 passed, 1 exec failed, 0 skipped"]), (0, 1, 0));
        assert_eq!(count(r, &["the dog said: 3 tests run: 3 passed"]), (0, 0, 0));
    }

    #[test]
    fn libtest_adds_up_its_programs() {
        let lines = [
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ];
        assert_eq!(count(Runner::Libtest, &lines), (4, 2, 1));
    }

    #[test]
    fn pytest_counts_errors_as_failures() {
        let r = Runner::Pytest;
        assert_eq!(count(r, &["===== 3 passed in 0.12s ====="]), (3, 0, 0));
        assert_eq!(count(r, &["= 1 failed, 3 passed, 2 skipped, 1 error in 61.12s (0:01:01) ="]), (3, 2, 2));
        assert_eq!(count(r, &["5 passed, 1 deselected in 1.0s"]), (5, 0, 1));
        assert_eq!(count(r, &["the payer is in the shop"]), (0, 0, 0));
    }

    #[test]
    fn node_counts_cancelled_tests_as_failures() {
        let r = Runner::Node;
        assert_eq!(
            count(r, &["ℹ tests 4", "ℹ pass 2", "ℹ fail 1", "ℹ cancelled 1", "ℹ skipped 0"]),
            (2, 2, 0)
        );
        assert_eq!(count(r, &["# tests 4", "# pass 4", "# fail 0", "# skipped 1"]), (4, 0, 1));
        assert_eq!(count(r, &["pass 3"]), (0, 0, 0));
    }
}
