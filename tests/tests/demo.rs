//! What a newcomer runs first.

use front_door::run;

#[test]
fn the_demo_plays_a_whole_day_and_says_how_many_checks_passed() {
    let ended = run(&["demo", "--exit"]);
    assert!(ended.ok(), "'feiqian demo --exit' failed: {ended}");
    let text = ended.stdout();
    for scene in [
        "the fee is 0.6 %",
        "`finance` approves, the payer has it back",
        "every held cent is explained",
        "the settlement is the day's payments",
        "trade bill: every row and the summary are what the ledger says",
        "fund-flow bill: what moved and what was left are what the ledger says",
        "pain.002 and camt.054 say that it is paid",
        "it is the planted one: the bill says one fen more",
        "bank.cash is what the statement says",
        "booked through suspense: the channel owes nothing",
        "every money invariant holds",
    ] {
        assert!(text.contains(&format!("✓ {scene}")), "'{scene}' was not checked: {ended}");
    }
    let last = text.trim_end().lines().last().unwrap_or_default();
    let passed = last.strip_suffix(" passed, 0 failed").and_then(|n| n.parse::<usize>().ok());
    let ticks = text.matches('✓').count();
    assert!(
        passed == Some(ticks) && ticks > 0,
        "the last line must be '{ticks} passed, 0 failed', not '{last}'"
    );
    // Five seconds is the promise for the release build on a quiet machine; this is a debug build in a crowd.
    assert!(ended.took.as_secs() < 60, "the demo took {:?}", ended.took);
}

#[test]
fn help_names_every_command() {
    let ended = run(&["--help"]);
    assert!(ended.ok(), "{ended}");
    for command in ["demo", "serve", "sandbox", "prove", "bench", "config"] {
        assert!(ended.stdout().contains(command), "--help does not mention '{command}': {ended}");
    }
}

#[test]
fn a_command_that_does_not_exist_is_refused_with_status_2() {
    let ended = run(&["fly"]);
    assert_eq!(ended.status().code(), Some(2), "{ended}");
}
