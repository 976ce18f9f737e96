//! Random histories: a few merchants, payers and orders, every command there is for them, and a store that
//! fails. What must hold in every one of them:
//!
//! 1. After each command every money invariant is proved.
//! 2. Orders, channel payments, transfers and notifications move only along their state machines; what an order
//!    asked for, when it was paid, and what a transfer moved never change.
//! 3. What the store did not keep left no trace; what it kept is there.
//! 4. Commands on different records come to the same end one by one and in one batch, warm or cold.
//!
//! Seeds that failed once are kept in `proptest-regressions` and run again first.

mod history;
mod step;

use crate::{
    summary::summary,
    world::{World, asked},
};
use domain::{Caller, Rejection, Reply, payment::Paid};
use engine::core::{Asked, Outcome};
use history::History;
use proptest::prelude::*;
use step::{Step, Town, steps};

/// Shops, and payers, whose commands are compared.
const LANES: usize = 3;

/// So many histories; `PROPTEST_CASES` asks for more.
fn config(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(cases), max_shrink_iters: 4000, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn every_history_keeps_every_invariant(steps in steps(2, 10..150)) {
        let mut world = World::new();
        let town = Town::build(&mut world, 2);
        let mut history = History::over(&world);
        for step in steps {
            let before = world.last.number;
            let Some(command) = step.play(&mut world, &town) else { continue };
            let job = asked(Caller::platform(), command);
            match world.try_ask(&[&job]) {
                Ok(_) => history.take(&world.last),
                Err(_) => prop_assert_eq!(world.queries.counts().unwrap().batch, before, "nothing was kept"),
            }
            world.prove();
        }
    }

    /// Each lane has a shop, a payer and orders of its own; only the platform's accounts are shared.
    #[test]
    fn one_by_one_and_in_one_batch_come_to_the_same(
        rounds in prop::collection::vec(prop::collection::vec(step::lane(), LANES), 1..25),
    ) {
        let ends = [Way::OneByOne, Way::OneByOneCold, Way::InOneBatch, Way::InOneBatchBackwards].map(|way| run(&rounds, way));
        for end in &ends[1..] {
            prop_assert_eq!(&ends[0], end);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    OneByOne,
    /// Every command finds an empty working set.
    OneByOneCold,
    InOneBatch,
    InOneBatchBackwards,
}

/// Plays rounds of one step a lane; gives the outcomes round by round, and the end.
fn run(rounds: &[Vec<Step>], way: Way) -> (Vec<Vec<String>>, Vec<String>) {
    let mut world = World::new();
    let town = Town::build(&mut world, LANES);
    let mut told = Vec::new();
    for round in rounds {
        world.advance(types::time::SECOND);
        let jobs: Vec<Option<Asked>> = round
            .iter()
            .enumerate()
            .map(|(lane, step)| step.at(lane).play(&mut world, &town))
            .map(|command| command.map(|command| asked(Caller::platform(), command)))
            .collect();
        let mut outcomes: Vec<Option<Outcome>> = vec![None; LANES];
        let mut due: Vec<usize> = (0..LANES).filter(|lane| jobs[*lane].is_some()).collect();
        if way == Way::InOneBatchBackwards {
            due.reverse();
        }
        let groups: Vec<&[usize]> = match way {
            Way::OneByOne | Way::OneByOneCold => due.chunks(1).collect(),
            Way::InOneBatch | Way::InOneBatchBackwards => due.chunks(LANES).collect(),
        };
        for group in groups {
            let batch: Vec<&Asked> = group.iter().filter_map(|lane| jobs[*lane].as_ref()).collect();
            let now = world.now;
            if way == Way::OneByOneCold {
                world.restart();
                world.now = now;
            }
            for (lane, outcome) in group.iter().zip(world.ask(&batch)) {
                outcomes[*lane] = Some(outcome);
            }
        }
        told.push(outcomes.into_iter().map(plain).collect());
    }
    (told, summary(&world, &town.buyers))
}

/// An outcome without ids and times, which depend on who went first.
fn plain(outcome: Option<Outcome>) -> String {
    match outcome {
        None => "nothing to do".into(),
        Some(Ok(Reply::Order(_))) => "order".into(),
        Some(Ok(Reply::Paid(Paid::Done(_)))) => "paid".into(),
        Some(Ok(Reply::Paid(Paid::Waiting(_)))) => "waiting".into(),
        Some(Ok(Reply::Paid(Paid::Pin(outcome)))) => format!("{outcome:?}").chars().take(15).collect(),
        Some(Ok(Reply::ShownUntil(_))) => "shown".into(),
        Some(Ok(other)) => format!("{other:?}"),
        Some(Err(Rejection::OrderExpired(_) | Rejection::PinLocked(_))) => "too late, or locked".into(),
        Some(Err(refused)) => format!("{refused:?}"),
    }
}
