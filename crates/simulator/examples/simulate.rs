//! Runs seeds on all cores, or one seed with every operation told. `cargo xtask simulate` starts it, optimised.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks to its caller")]

use simulator::{BusinessDays, Folder, Report, STEPS, Setup, replay, replay_days, simulate, simulate_days};
use std::{
    collections::BTreeMap,
    io::{IsTerminal, Write as _},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use store::Memory;
use types::Shards;

const USAGE: &str = "simulate (--seeds N [--from S] | --seed X) [--shards 1 to 64] [--days 1 to 250]";
/// Failures that are told in full.
const TOLD_MAX: usize = 3;

fn disk() -> simulator::Disk {
    let memory = Memory::default();
    Box::new(move |place| memory.at(place).open())
}

/// An empty folder for the bills of a world.
#[allow(clippy::unwrap_used, reason = "without a folder there is nothing to be done")]
fn folder() -> Folder {
    Box::new(tempfile::tempdir().unwrap())
}

/// A world, of so many business days if there are any.
fn live(seed: u64, shards: Shards, count: u16) -> Report {
    match count {
        0 => simulate(seed, &setup(shards)),
        _ => simulate_days(seed, &setup(shards), &BusinessDays { count, folder: &folder }),
    }
}

fn setup(shards: Shards) -> Setup<'static> {
    Setup { disk: &disk, networked: true, shards, sabotage: None }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)?.parse::<u64>().ok()
    };
    // A failed assertion is part of a report; the hook would tell it a second time, in the middle of the progress.
    std::panic::set_hook(Box::new(|_| {}));
    let shards = number("--shards").map_or(Some(Shards::ONE), |count| Shards::new(u8::try_from(count).ok()?));
    let days = u16::try_from(number("--days").unwrap_or(0)).unwrap_or(u16::MAX);
    match (number("--seed"), number("--seeds"), number("--from"), shards) {
        (Some(seed), None, None, Some(shards)) => one(seed, shards, days),
        (None, Some(seeds), from, Some(shards)) => many(seeds, from.unwrap_or(1), shards, days),
        _ => {
            eprintln!("usage: {USAGE}");
            ExitCode::from(2)
        }
    }
}

fn one(seed: u64, shards: Shards, count: u16) -> ExitCode {
    let tell = Box::new(|line: &str| println!("{line}"));
    let report = match count {
        0 => replay(seed, &setup(shards), tell),
        _ => replay_days(seed, &setup(shards), &BusinessDays { count, folder: &folder }, tell),
    };
    println!("\nwhat happened, and how often:");
    for (what, times) in &report.happened {
        println!("{times:>8}  {what}");
    }
    println!(
        "\n{} operations in {} simulated s, digest {:016x}",
        report.operations,
        report.lived / 1_000_000,
        report.digest
    );
    let Some(failure) = report.failure else {
        println!("seed {seed}: every invariant holds");
        return ExitCode::SUCCESS;
    };
    println!("\n{failure}");
    ExitCode::FAILURE
}

#[derive(Default)]
struct Sum {
    operations: u64,
    lived: i64,
    happened: BTreeMap<String, u64>,
    failures: Vec<Report>,
}

fn many(seeds: u64, from: u64, shards: Shards, days: u16) -> ExitCode {
    let started = Instant::now();
    let (next, done, sum) = (AtomicU64::new(0), AtomicU64::new(0), Mutex::new(Sum::default()));
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place >= seeds {
                return;
            }
            let report = live(from.wrapping_add(place), shards, days);
            let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
            sum.operations += report.operations;
            sum.lived = sum.lived.saturating_add(report.lived);
            for (what, times) in &report.happened {
                *sum.happened.entry(what.clone()).or_default() += times;
            }
            if report.failure.is_some() {
                sum.failures.push(report);
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let mut told = Instant::now();
        while workers.iter().any(|worker| !worker.is_finished()) {
            thread::sleep(Duration::from_millis(100));
            let terminal = std::io::stderr().is_terminal();
            if told.elapsed() >= Duration::from_secs(if terminal { 1 } else { 10 }) {
                told = Instant::now();
                let (done, failed) = (
                    done.load(Ordering::Relaxed),
                    sum.lock().unwrap_or_else(PoisonError::into_inner).failures.len(),
                );
                let (begin, end) = if terminal { ("\r", "") } else { ("", "\n") };
                eprint!(
                    "{begin}{done} of {seeds} seeds, {failed} failed, {} s{end}",
                    started.elapsed().as_secs()
                );
                let _ = std::io::stderr().flush();
            }
        }
        if std::io::stderr().is_terminal() {
            eprintln!();
        }
    });
    let mut sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("what happened, and how often:");
    for (what, times) in &sum.happened {
        println!("{times:>9}  {what}");
    }
    if days > 0 {
        let died = |step: &&&str| sum.happened.contains_key(&format!("died at step: {step}"));
        println!(
            "\nexecutors died at {} of {} steps of the jobs",
            STEPS.iter().filter(died).count(),
            STEPS.len()
        );
        for step in STEPS.iter().filter(|step| !died(step)) {
            println!("  never: {step}");
        }
    }
    sum.failures.sort_by_key(|report| report.seed);
    for failure in sum.failures.iter().filter_map(|report| report.failure.as_ref()).take(TOLD_MAX) {
        println!("\n{failure}");
    }
    for report in sum.failures.iter().skip(TOLD_MAX) {
        let shards = if shards.is_one() { String::new() } else { format!(" --shards {}", shards.count()) };
        let days = if days == 0 { String::new() } else { format!(" --days {days}") };
        println!("\nseed {} failed too: cargo xtask simulate --seed {0}{days}{shards}", report.seed);
    }
    let failed = sum.failures.len();
    println!(
        "\n{seeds} seeds, {failed} failed, {} operations, {} simulated days, {:.1} s wall, {} CPU",
        sum.operations,
        sum.lived / 86_400_000_000,
        started.elapsed().as_secs_f64(),
        cpu().map_or_else(|| "unknown".into(), |used| format!("{used:.1} s")),
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Seconds of processor time this process has used, where the system tells (Linux: 100 ticks a second).
#[allow(clippy::float_arithmetic, reason = "a figure to be read by people")]
fn cpu() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u32 = fields.get(11..13)?.iter().filter_map(|field| field.parse::<u32>().ok()).sum();
    Some(f64::from(ticks) / 100.0)
}
