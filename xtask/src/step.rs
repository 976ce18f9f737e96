//! One step of a long run: its name, its output as it comes, its log, its duration, its count.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::summary::{Count, Runner};

/// No step may take longer; a run that hangs must end by itself and say where.
const LONGEST: Duration = Duration::from_secs(45 * 60);
/// After this long without output we say that we are still there.
const QUIET: Duration = Duration::from_secs(30);
/// How often we look whether a silent program has ended.
const POLL: Duration = Duration::from_millis(100);
/// How long we read on after a program ended.
const AFTERMATH: Duration = Duration::from_secs(2);
/// Between asking a program to end and ending it.
const GRACE: Duration = Duration::from_secs(10);
/// Lines of a failed step shown again at the end.
const TAIL: usize = 60;

/// How a step ended.
#[derive(Debug)]
pub struct Outcome {
    /// What the step does, as shown.
    pub name: String,
    /// Tests counted.
    pub count: Count,
    /// Whether the step as a whole is good.
    pub ok: bool,
    /// Wall time.
    pub took: Duration,
    /// Last lines of its output, for the closing report.
    pub tail: Vec<String>,
    /// The whole output.
    pub log: Option<PathBuf>,
}

/// Runs steps in order, shows where we are, and keeps what came of each.
#[derive(Debug)]
pub struct Steps {
    total: usize,
    logs: PathBuf,
    done: Vec<Outcome>,
}

impl Steps {
    /// `total` steps are to come; logs go to the folder `logs`, made if needed.
    #[must_use]
    pub fn new(total: usize, logs: PathBuf) -> Self {
        // Without the folder there are no log files; the output on the screen is the same.
        let _ = std::fs::create_dir_all(&logs);
        Self { total, logs, done: Vec::new() }
    }

    /// Runs a program as one step, showing its output indented and counting its tests. True when it is good.
    pub fn command(&mut self, name: &str, runner: Runner, command: &mut Command) -> bool {
        self.announce(name);
        let started = Instant::now();
        let log = self.logs.join(format!("{:02}-{}.log", self.done.len() + 1, name.replace([' ', ','], "-")));
        let mut watched = Watched::new(runner, File::create(&log).ok());
        let ok = match watched.run(command) {
            Ok(ok) => ok,
            Err(why) => {
                watched.line(&why);
                false
            }
        };
        let count = settled(runner, watched.count, ok);
        let ok = ok && count.failed == 0;
        self.finish(Outcome {
            name: name.to_owned(),
            count,
            ok,
            took: started.elapsed(),
            tail: watched.tail.into(),
            log: Some(log),
        })
    }

    /// Runs a check of our own as one step. True when it is good.
    pub fn check(&mut self, name: &str, check: impl FnOnce() -> Result<String, String>) -> bool {
        self.announce(name);
        let started = Instant::now();
        let (ok, text) = match check() {
            Ok(text) => (true, text),
            Err(text) => (false, text),
        };
        let tail: Vec<String> = text.lines().map(str::to_owned).collect();
        for line in &tail {
            println!("  {line}");
        }
        let count = settled(Runner::Whole, Count::default(), ok);
        self.finish(Outcome { name: name.to_owned(), count, ok, took: started.elapsed(), tail, log: None })
    }

    /// Leaves a step out because something it needs failed; counted as failed, because it proves nothing.
    pub fn leave_out(&mut self, name: &str, why: &str) {
        self.check(name, || Err(format!("not run: {why}")));
    }

    /// Everything that ran so far.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.done
    }

    /// The sum over all steps.
    #[must_use]
    pub fn sum(&self) -> Count {
        let mut sum = Count::default();
        for outcome in &self.done {
            sum.add(outcome.count);
        }
        sum
    }

    /// The closing report: a table of steps, then the end of each failed one. Its last line is
    /// `N passed, M failed`.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = String::from("\n");
        for outcome in &self.done {
            let _ = writeln!(
                text,
                "  {} {:<34} {:>9}   {}",
                if outcome.ok { "ok  " } else { "FAIL" },
                outcome.name,
                duration(outcome.took),
                counted(outcome.count)
            );
        }
        for outcome in self.done.iter().filter(|o| !o.ok) {
            let _ = writeln!(text, "\n---- {}: the end of its output ----", outcome.name);
            for line in &outcome.tail {
                let _ = writeln!(text, "  {line}");
            }
            if let Some(log) = &outcome.log {
                let _ = writeln!(text, "  whole output: {}", log.display());
            }
        }
        let sum = self.sum();
        let _ = write!(text, "\n{} passed, {} failed", sum.passed, sum.failed);
        text
    }

    fn announce(&self, name: &str) {
        println!("\n[{}/{}] {name}", self.done.len() + 1, self.total);
    }

    fn finish(&mut self, outcome: Outcome) -> bool {
        let ok = outcome.ok;
        println!(
            "  {} in {}: {}",
            if ok { "done" } else { "FAILED" },
            duration(outcome.took),
            counted(outcome.count)
        );
        self.done.push(outcome);
        ok
    }
}

/// A runner that ended badly without naming a failed test has failed once; a check counts as one test;
/// preparation counts only when it fails.
fn settled(runner: Runner, mut count: Count, ok: bool) -> Count {
    if !ok && count.failed == 0 {
        count.failed = 1;
    }
    if ok && runner == Runner::Whole {
        count.passed = 1;
    }
    count
}

fn counted(count: Count) -> String {
    let mut text = format!("{} passed, {} failed", count.passed, count.failed);
    if count.skipped > 0 {
        let _ = write!(text, ", {} left out", count.skipped);
    }
    text
}

/// `3 min 20 s`, `4.2 s`.
fn duration(took: Duration) -> String {
    let seconds = took.as_secs();
    if seconds >= 60 {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    } else {
        format!("{seconds}.{} s", took.subsec_millis() / 100)
    }
}

/// A running program whose lines we show, keep and count.
struct Watched {
    runner: Runner,
    count: Count,
    tail: VecDeque<String>,
    log: Option<File>,
}

impl Watched {
    fn new(runner: Runner, log: Option<File>) -> Self {
        Self { runner, count: Count::default(), tail: VecDeque::new(), log }
    }

    fn run(&mut self, command: &mut Command) -> Result<bool, String> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| format!("cannot start {program}: {e}"))?;
        let (sender, lines) = mpsc::channel();
        if let Some(out) = child.stdout.take() {
            read_lines(out, sender.clone());
        }
        if let Some(err) = child.stderr.take() {
            read_lines(err, sender);
        }
        self.follow(&mut child, &lines, &program)
    }

    fn follow(&mut self, child: &mut Child, lines: &Receiver<String>, program: &str) -> Result<bool, String> {
        let started = Instant::now();
        let mut heard = Instant::now();
        let mut ended: Option<(bool, Instant)> = None;
        let mut silent = false;
        loop {
            if started.elapsed() > LONGEST && ended.is_none() {
                stop(child);
                return Err(format!("{program} took more than {}; stopped", duration(LONGEST)));
            }
            match lines.recv_timeout(POLL) {
                Ok(line) => {
                    heard = Instant::now();
                    self.line(&line);
                    continue;
                }
                // Both ends closed: nothing more can come, but the program may still be at work.
                Err(RecvTimeoutError::Disconnected) => {
                    silent = true;
                    thread::sleep(POLL);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            match ended {
                // A grandchild may keep the pipe open after its parent ended; do not wait for it for ever.
                Some((ok, at)) if silent || at.elapsed() > AFTERMATH => return Ok(ok),
                Some(_) => {}
                None => {
                    let status = child.try_wait().map_err(|e| format!("lost {program}: {e}"))?;
                    ended = status.map(|status| (status.success(), Instant::now()));
                }
            }
            if heard.elapsed() > QUIET && ended.is_none() {
                println!("  … still at it after {}", duration(started.elapsed()));
                heard = Instant::now();
            }
        }
    }

    fn line(&mut self, line: &str) {
        println!("  {line}");
        if let Some(log) = &mut self.log {
            // A full disk must not end the run; the screen still has the line.
            let _ = writeln!(log, "{line}");
        }
        self.count.feed(self.runner, line);
        // Progress of a build says nothing about its failure.
        if ["Compiling ", "Checking ", "Downloaded "].iter().any(|word| line.trim_start().starts_with(word)) {
            return;
        }
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(line.to_owned());
    }
}

fn read_lines(from: impl Read + Send + 'static, to: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n') {
            let Ok(line) = line else { return };
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if to.send(line).is_err() {
                return;
            }
        }
    });
}

/// Asks a program to end, then ends it. Runners pass the request on to what they started.
fn stop(child: &mut Child) {
    let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    let asked = Instant::now();
    while asked.elapsed() < GRACE {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(name: &str) -> (Steps, PathBuf) {
        let folder = std::env::temp_dir().join(format!("xtask-step-{name}-{}", std::process::id()));
        (Steps::new(4, folder.clone()), folder)
    }

    #[test]
    fn the_report_ends_with_the_sum_of_all_runners() {
        let (mut steps, folder) = steps("sum");
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo '=== 3 passed, 1 skipped in 0.1s ==='"]);
        assert!(steps.command("python", Runner::Pytest, &mut shell));
        assert!(steps.check("arrows", || Ok("fine".into())));
        assert!(steps.report().ends_with("\n4 passed, 0 failed"), "{}", steps.report());
        let _ = std::fs::remove_dir_all(folder);
    }

    #[test]
    fn a_failure_is_counted_even_when_the_runner_names_none() {
        let (mut steps, folder) = steps("boom");
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo 'Summary [ 0.1s] 2 tests run: 2 passed, 0 skipped'; echo boom >&2; exit 3"]);
        assert!(!steps.command("rust", Runner::Nextest, &mut shell));
        let mut missing = Command::new("no-such-program-of-ours");
        assert!(!steps.command("missing", Runner::Whole, &mut missing));
        let report = steps.report();
        assert!(report.contains("boom"), "{report}");
        assert!(report.contains("cannot start no-such-program-of-ours"), "{report}");
        assert!(report.ends_with("\n2 passed, 2 failed"), "{report}");
        let _ = std::fs::remove_dir_all(folder);
    }

    #[test]
    fn a_runner_that_ends_well_but_counts_failures_has_failed() {
        let (mut steps, folder) = steps("liar");
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo '1 failed, 2 passed in 0.1s'"]);
        assert!(!steps.command("liar", Runner::Pytest, &mut shell));
        assert!(steps.report().ends_with("\n2 passed, 1 failed"));
        let _ = std::fs::remove_dir_all(folder);
    }
}
