//! The way of a command to its shard.

use super::{World, asked};
use domain::{
    Caller, Command, Home, Rejection,
    home::{After, Next, after, next},
};
use engine::{
    Committer, Fault, Loader, Store,
    core::{Asked, Core, Outcome},
};
use types::{Place, Shard};

/// What a shard's executor has.
pub(crate) struct Seat {
    loader: Box<dyn Loader>,
    committer: Box<dyn Committer>,
    core: Core,
}

/// Whether a command changes what all shards read.
fn is_shared(command: &Command) -> bool {
    matches!(
        command,
        Command::RegisterMerchant(_)
            | Command::ChangeMerchant(..)
            | Command::AddSubMerchant { .. }
            | Command::RemoveSubMerchant { .. }
            | Command::AddReceiver(_)
            | Command::RemoveReceiver { .. }
            | Command::RegisterApplication(_)
            | Command::SetLimits(_)
    )
}

/// Hops that a command may take.
const HOPS_MAX: usize = 8;

impl World {
    /// Opens the shards beside the one at hand, with nothing in their working sets.
    pub(super) fn open_others(&mut self) {
        for shard in self.shards.all().filter(|shard| *shard != self.at) {
            let place = Place::new(shard, self.shards).unwrap();
            let Store { loader, mut committer, .. } = self.memory.at(place).open();
            let core = Core::new(committer.recover().unwrap(), place);
            self.others[usize::from(shard.number())] = Some(Seat { loader, committer, core });
        }
    }

    /// Takes the seat of another shard.
    fn turn_to(&mut self, shard: Shard) {
        if shard == self.at {
            return;
        }
        let Seat { loader, committer, core } = self.others[usize::from(shard.number())].take().unwrap();
        let left = Seat {
            loader: std::mem::replace(&mut self.loader, loader),
            committer: std::mem::replace(&mut self.committer, committer),
            core: std::mem::replace(&mut self.core, core),
        };
        self.others[usize::from(self.at.number())] = Some(left);
        self.at = shard;
    }

    /// Has a command decided where it belongs; then the first shard is at hand again.
    pub(super) fn route(&mut self, job: &Asked) -> Result<Outcome, Fault> {
        let home = job.command.home(self.shards);
        let first = home.first(self.shards).unwrap_or_else(|| {
            let Home::OauthCode(code) = home else { panic!("{home:?} needs a read") };
            let kept = self.queries.oauth_code(code).unwrap();
            kept.map_or(Shard::FIRST, |kept| self.shards.of_payer(kept.payer))
        });
        let outcome = self.follow(job, first);
        if home == Home::Shard(Shard::FIRST) && matches!(outcome, Ok(Ok(_))) && is_shared(&job.command) {
            self.turn_to(Shard::FIRST);
            // As if the two seconds had passed that the others may go by what they know.
            self.others.iter_mut().flatten().for_each(|seat| seat.core.forget_shared());
        }
        self.turn_to(Shard::FIRST);
        outcome
    }

    fn follow(&mut self, job: &Asked, mut shard: Shard) -> Result<Outcome, Fault> {
        for _ in 0..HOPS_MAX {
            let outcome = self.decide_at(shard, job)?;
            let Err(refused) = &outcome else { return Ok(outcome) };
            match next(&job.command, shard, refused) {
                None => return Ok(outcome),
                Some(Next::Send(to)) => shard = to,
                Some(Next::First(at, command)) => {
                    if let Some(answer) = self.clear(job.caller.clone(), *command, at, shard)? {
                        return Ok(answer);
                    }
                }
                // What a dead executor has left on its way is brought on by the worker.
                Some(Next::Wait) => self.carry_on(),
            }
        }
        panic!("{:?} never arrived", job.command);
    }

    /// Has what lets another command go on at `home` decided. An answer when that is the answer of both.
    fn clear(
        &mut self,
        caller: Caller,
        mut command: Command,
        mut shard: Shard,
        home: Shard,
    ) -> Result<Option<Outcome>, Fault> {
        for _ in 0..HOPS_MAX {
            let caller = if command.is_between_shards() { Caller::platform() } else { caller.clone() };
            match self.decide_at(shard, &asked(caller, command.clone()))? {
                Err(Rejection::Elsewhere(other)) if other == home && shard == home => {
                    panic!("{command:?} is at home in {home} and is not")
                }
                Err(Rejection::Elsewhere(other)) => shard = other,
                Err(refused) => return Ok(Some(Err(refused))),
                Ok(reply) => match after(&command, reply) {
                    After::Again => return Ok(None),
                    After::First(to, then) => (shard, command) = (to, *then),
                    After::Answer(reply) => return Ok(Some(Ok(reply))),
                },
            }
        }
        panic!("{command:?} never arrived");
    }

    /// Brings money that is on its way to where it goes, as the worker does.
    pub(crate) fn carry_on(&mut self) {
        for crossing in self.queries.crossings(types::ShardSet::all(self.shards), 1000).unwrap() {
            let to = domain::home::of_account(crossing.to, self.shards);
            self.decide_at(to, &asked(Caller::platform(), Command::Receive(Box::new(crossing))))
                .unwrap()
                .unwrap();
            let home = Shard::of_id(crossing.id.0);
            self.decide_at(home, &asked(Caller::platform(), Command::Arrived(crossing.id))).unwrap().unwrap();
        }
    }

    /// Tells other shards of the orders that the last batch handed over to them.
    pub(super) fn tell(&mut self) {
        for order in &self.handed {
            if let Some(seat) = &mut self.others[usize::from(order.shard.number())] {
                seat.core.hear(vec![order.clone()]);
            }
        }
    }

    /// The core of a shard.
    pub(crate) fn core_of(&mut self, shard: Shard) -> &mut Core {
        if shard == self.at {
            return &mut self.core;
        }
        &mut self.others[usize::from(shard.number())].as_mut().unwrap().core
    }

    /// As [`World::run_in`], on a store that may fail.
    pub(crate) fn try_in(&mut self, shard: Shard, command: Command) -> Result<Outcome, Fault> {
        let outcome = self.decide_at(shard, &asked(Caller::platform(), command));
        self.turn_to(Shard::FIRST);
        outcome
    }

    /// Has a command decided in that shard, wherever it belongs; the first shard is at hand again then.
    pub(crate) fn run_in(&mut self, shard: Shard, command: Command) -> Outcome {
        self.run_in_as(shard, &asked(Caller::platform(), command))
    }

    /// As [`World::run_in`], for whoever asks.
    pub(crate) fn run_in_as(&mut self, shard: Shard, job: &Asked) -> Outcome {
        let outcome = self.decide_at(shard, job).unwrap();
        self.turn_to(Shard::FIRST);
        outcome
    }

    fn decide_at(&mut self, shard: Shard, job: &Asked) -> Result<Outcome, Fault> {
        self.turn_to(shard);
        Ok(self.ask_here(&[job])?.remove(0))
    }
}
