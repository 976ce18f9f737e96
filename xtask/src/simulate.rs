//! `cargo xtask simulate`: worlds of the deterministic simulator, many by seed or one in full.

use std::process::Command;

use crate::{Failure, tree};

/// Help of `cargo xtask simulate`.
pub const HELP: &str = "\
Live through seeded worlds of the simulator and check every invariant.

Usage: cargo xtask simulate --seeds N [--from S] [--shards K | --days D]
       cargo xtask simulate --seed X [--shards K | --days D]

The first form runs N seeds on all cores and ends with a line that sums them up. A seed that fails is told
with the broken invariant, its last operations and the command that plays it again. The second form plays one
seed and prints every operation.

Options:
  --seeds N   Seeds to run (1 to 10000000)
  --from S    The first of them (default 1)
  --seed X    The one seed to play
  --shards K  Shards of each world, with two executors each (1 to 64, default 1)
  --days D    Worlds of D business days (1 to 250): settlement, payouts, reconciliation and everything before them

What a world is and what is checked: docs/reliability.md.";

/// A week of one machine: more is more than anybody waits for.
const SEEDS_MOST: u64 = 10_000_000;

/// Runs the simulator.
///
/// # Errors
/// Status 1 when a seed failed or the simulator does not build; status 2 for a command line that makes no sense.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let wish = wish(arguments)?;
    let root = tree::root()?;
    // Not optimised on purpose: the checks for overflow and the assertions of debug builds are half of the point,
    // and it is fast enough (docs/reliability.md).
    let status = Command::new(tree::cargo())
        .args(["run", "--quiet", "--package", "feiqian-simulator", "--example", "simulate", "--"])
        .args(wish)
        .current_dir(root)
        .status()
        .map_err(|e| Failure::new(format!("cannot start cargo: {e}")))?;
    if status.success() { Ok(()) } else { Err(Failure::told()) }
}

/// The arguments of the simulator's own command line.
fn wish(arguments: &[String]) -> Result<Vec<String>, Failure> {
    let bad = |text: &str| Failure::usage(format!("{text}; see 'cargo xtask simulate --help'"));
    let (mut seeds, mut from, mut seed, mut shards, mut days) = (None, None, None, None, None);
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        let slot = match option.as_str() {
            "--seeds" => &mut seeds,
            "--from" => &mut from,
            "--seed" => &mut seed,
            "--shards" => &mut shards,
            "--days" => &mut days,
            other => return Err(bad(&format!("'simulate' takes no '{other}'"))),
        };
        let given = rest.next().map(String::as_str).unwrap_or_default();
        let number: u64 =
            given.parse().map_err(|_| bad(&format!("{option} takes a number, not '{given}'")))?;
        if slot.replace(number).is_some() {
            return Err(bad(&format!("{option} is given twice")));
        }
    }
    let number = |option: &str, number: u64| [option.to_owned(), number.to_string()];
    if let Some(count) = shards.filter(|count| !(1..=64).contains(count)) {
        return Err(bad(&format!("--shards takes 1 to 64, not {count}")));
    }
    if let Some(count) = days.filter(|count| !(1..=250).contains(count)) {
        return Err(bad(&format!("--days takes 1 to 250, not {count}")));
    }
    if days.is_some() && shards.is_some_and(|count| count > 1) {
        return Err(bad("worlds of business days have one shard"));
    }
    let days = days.into_iter().flat_map(|count| number("--days", count));
    let shards = shards.into_iter().flat_map(|count| number("--shards", count));
    let shards: Vec<String> = shards.chain(days).collect();
    match (seeds, from, seed) {
        (None, None, Some(seed)) => Ok([number("--seed", seed).to_vec(), shards].concat()),
        (Some(seeds), from, None) if (1..=SEEDS_MOST).contains(&seeds) => {
            Ok([number("--seeds", seeds).to_vec(), number("--from", from.unwrap_or(1)).to_vec(), shards]
                .concat())
        }
        (Some(seeds), _, None) => Err(bad(&format!("--seeds takes 1 to {SEEDS_MOST}, not {seeds}"))),
        (None, _, None) => Err(bad("say how many worlds with --seeds N, or which one with --seed X")),
        (_, _, Some(_)) => Err(bad("--seed X goes alone")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(line: &str) -> Result<String, u8> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        wish(&arguments).map(|wish| wish.join(" ")).map_err(|failure| failure.status)
    }

    #[test]
    fn seeds_are_counted_from_one_unless_told_otherwise() {
        assert_eq!(ask("--seeds 1000"), Ok("--seeds 1000 --from 1".into()));
        assert_eq!(ask("--from 7 --seeds 2"), Ok("--seeds 2 --from 7".into()));
        assert_eq!(ask("--seed 42"), Ok("--seed 42".into()));
        assert_eq!(ask("--shards 3 --seeds 9"), Ok("--seeds 9 --from 1 --shards 3".into()));
        assert_eq!(ask("--seed 42 --shards 64"), Ok("--seed 42 --shards 64".into()));
        assert_eq!(ask("--days 60 --seeds 3"), Ok("--seeds 3 --from 1 --days 60".into()));
    }

    #[test]
    fn a_command_line_that_makes_no_sense_is_refused() {
        for line in [
            "",
            "--seeds",
            "--seeds 0",
            "--seeds x",
            "--seeds 1 --seed 1",
            "--seed 1 --seed 2",
            "--from 1",
            "--shards 3",
            "--seed 1 --shards 0",
            "--seed 1 --shards 65",
            "--seed 1 --days 0",
            "--seeds 1 --days 251",
            "--seed 1 --days 60 --shards 2",
            "7",
        ] {
            assert_eq!(ask(line), Err(2), "{line}");
        }
    }
}
