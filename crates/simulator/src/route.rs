//! The way of a request to its shard, as the router of a real node finds it: it asks the shard that the command says,
//! and follows those that answer that it belongs elsewhere. What it asks on the way is lost, doubled and late like
//! everything else, and may be given up half-way.

use crate::{
    talk::{Answer, Talk, Who},
    world::{Event, Step, World},
};
use domain::{
    Command, Home, Rejection, Reply,
    home::{Next, next},
};
use engine::core::Outcome;
use types::Shard;

/// Hops that one request may take; then its caller is told to try again.
const HOPS_MAX: u32 = 16;

impl World {
    /// The shard that a request is sent to first. A code's payer is read, as the router reads it.
    pub(crate) fn first_shard(&self, command: &Command) -> Shard {
        let home = command.home(self.shards);
        home.first(self.shards).unwrap_or_else(|| {
            let Home::OauthCode(code) = home else { return Shard::FIRST };
            let kept = self.queries.oauth_code(code).ok().flatten();
            kept.map_or(Shard::FIRST, |kept| self.shards.of_payer(kept.payer))
        })
    }

    /// An executor said that a request belongs to another shard.
    pub(crate) fn follow(&mut self, place: usize, other: Shard) {
        let talk = &mut self.talks[place];
        if talk.clearing.is_some_and(|before| !self.talks[before].is_over()) {
            return; // a second copy of the answer
        }
        let talk = &mut self.talks[place];
        talk.hops += 1;
        let (asked, at, tired) = (talk.asked.clone(), talk.at, talk.hops > HOPS_MAX);
        if tired {
            let first = self.first_shard(&asked.command);
            let talk = &mut self.talks[place];
            (talk.hops, talk.at) = (0, first);
            self.count("request went round in circles");
            let late = self.dice.between(1_000, 100_000);
            let tries = self.talks[place].tries;
            return self.enter_in(late, Event::Patience(place, tries));
        }
        // What was asked on behalf of another request is asked where it belongs now.
        let step = match talk.who {
            Who::Router(_) => Next::Send(other),
            _ => next(&asked.command, at, other),
        };
        match step {
            Next::Send(to) => {
                self.count("request sent on");
                self.talks[place].at = to;
                self.send(place);
            }
            Next::First(to, command) => {
                self.count(if matches!(*command, Command::MoveOrder { .. }) {
                    "order asked to move"
                } else {
                    "number asked for"
                });
                let before = self.ask_at(Who::Router(place), *command, to);
                self.talks[place].clearing = Some(before);
            }
        }
    }

    /// What the router asked for a request is answered: the request goes on, or has its answer.
    pub(crate) fn cleared(&mut self, place: usize, outcome: Outcome) -> Step {
        let talk = &self.talks[place];
        if talk.is_over() {
            return Ok(());
        }
        match outcome {
            Ok(Reply::Done) => {
                self.send(place);
                Ok(())
            }
            other => self.reply(place, Answer::Outcome(other)),
        }
    }
}

impl Talk {
    /// Nobody waits for it any more.
    pub(crate) const fn is_over(&self) -> bool {
        self.heard.is_some() || self.given_up
    }
}

/// The shard that an outcome points to.
pub(crate) const fn elsewhere(outcome: &Outcome) -> Option<Shard> {
    match outcome {
        Err(Rejection::Elsewhere(shard)) => Some(*shard),
        _ => None,
    }
}
