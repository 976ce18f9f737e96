//! The way of a request to its shard, as the router of a real node finds it: it asks the shard that the command says,
//! and follows those that answer that it belongs elsewhere. What it asks on the way is lost, doubled and late like
//! everything else, and may be given up half-way.

use crate::{
    talk::{Answer, Talk, Who},
    world::{Event, Step, World},
};
use domain::{
    Command, Home, Rejection,
    home::{After, Next, after, hops_max, next},
};
use engine::core::Outcome;
use types::Shard;

/// Hops that one request may take beyond those of a router, since here all is late and doubled; then its caller is told to
/// try again.
const HOPS_MORE: u32 = 8;

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

    /// An executor said that a request belongs to another shard, or that what it needs is in one.
    pub(crate) fn follow(&mut self, place: usize, refused: &Rejection) {
        let talk = &mut self.talks[place];
        if talk.clearing.is_some_and(|before| !self.talks[before].is_over()) {
            return; // a second copy of the answer
        }
        let hops_max = u32::from(hops_max(self.shards)) + HOPS_MORE;
        let talk = &mut self.talks[place];
        talk.hops += 1;
        let (asked, at, tired) = (talk.asked.clone(), talk.at, talk.hops > hops_max);
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
        let step = match (talk.who, refused) {
            (Who::Router(_), Rejection::Elsewhere(other)) => Some(Next::Send(*other)),
            _ => next(&asked.command, at, refused),
        };
        match step {
            None => {}
            Some(Next::Wait) => {
                self.count("waited for money under way");
                let late = self.dice.between(100_000, 3_000_000);
                let tries = self.talks[place].tries;
                self.enter_in(late, Event::Patience(place, tries));
            }
            Some(Next::Send(to)) => {
                self.count("request sent on");
                self.talks[place].at = to;
                self.send(place);
            }
            Some(Next::First(to, command)) => {
                self.count(match *command {
                    Command::MoveOrder { .. } => "order asked to move",
                    Command::MoveCombined { .. } => "combined order asked to move",
                    Command::ClaimParts { .. } => "numbers of a combined order asked for",
                    Command::SendToShard { .. } => "money asked for",
                    _ => "number asked for",
                });
                let before = self.ask_at(Who::Router(place), *command, to);
                self.talks[place].clearing = Some(before);
            }
        }
    }

    /// What the router asked for a request is answered: the request goes on, or has its answer.
    pub(crate) fn cleared(&mut self, place: usize, first: &Command, outcome: Outcome) -> Step {
        let talk = &self.talks[place];
        if talk.is_over() {
            return Ok(());
        }
        match outcome.map(|reply| after(first, reply)) {
            Ok(After::Again) => {
                self.send(place);
                Ok(())
            }
            Ok(After::First(to, command)) => {
                let before = self.ask_at(Who::Router(place), *command, to);
                self.talks[place].clearing = Some(before);
                Ok(())
            }
            Ok(After::Answer(reply)) => self.reply(place, Answer::Outcome(Ok(reply))),
            Err(refused) => self.reply(place, Answer::Outcome(Err(refused))),
        }
    }
}

impl Talk {
    /// Nobody waits for it any more.
    pub(crate) const fn is_over(&self) -> bool {
        self.heard.is_some() || self.given_up
    }
}

/// What the router follows: nothing is decided yet.
pub(crate) const fn followed(outcome: &Outcome) -> Option<&Rejection> {
    match outcome {
        Err(
            refused @ (Rejection::Elsewhere(_) | Rejection::MoneyElsewhere { .. } | Rejection::MoneyUnderWay),
        ) => Some(refused),
        _ => None,
    }
}
