//! An executor: what the engine's two threads do, as events. The applier is [`World::turn`], the committer
//! [`World::write`], [`World::written`] and [`World::recover`]; a crash can fall between any two of them.
//!
//! The store's fence is played as a database does it: taking the store over raises its epoch, a commit succeeds in
//! the newest epoch only, and an executor that has lost its place never takes it back.

use crate::{
    Sabotage,
    loader::Faulty,
    talk::Answer,
    world::{Alive, Event, Step, Stray, World, broken},
};
use domain::{Event as Told, order::Order};
use engine::{
    Committer, Fault, Loader, Recovered,
    core::{Asked, BATCH_MAX, Closed, Core, Outcome},
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};
use types::{NotificationId, OrderId, PaymentId, RefundId, Time, TransferId, time};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Condition {
    #[default]
    Down,
    Up,
    /// Another has taken over: it can do nothing any more.
    Fenced,
}

#[derive(Default)]
pub(crate) struct Node {
    pub(crate) condition: Condition,
    /// Counts its lives.
    pub(crate) life: u32,
    /// Its clock is ahead by so much, microseconds.
    pub(crate) skew: i64,
    /// A start of it is planned.
    pub(crate) starting: bool,
    epoch: i64,
    loader: Option<Box<dyn Loader>>,
    committer: Option<Box<dyn Committer>>,
    core: Option<Core>,
    queue: VecDeque<usize>,
    told: Vec<(usize, Outcome)>,
    flying: Option<Flying>,
    durable: i64,
    turning: bool,
    /// What its worker is at.
    pub(crate) asking: BTreeSet<PaymentId>,
    pub(crate) refunding: BTreeSet<RefundId>,
    pub(crate) sending: BTreeSet<NotificationId>,
    pub(crate) expiring: BTreeSet<OrderId>,
    pub(crate) sweeping: bool,
    pub(crate) carrying: BTreeSet<TransferId>,
    pub(crate) gathering: bool,
    /// Transfers and batches that it asked about, and when.
    pub(crate) advancing: BTreeMap<i64, Time>,
    pub(crate) scan_at: Option<Time>,
}

/// A batch on its way to the disk.
struct Flying {
    closed: Closed,
    told: Vec<(usize, Outcome)>,
    /// It has reached the store, or never will.
    sent: bool,
    said: Option<Result<(), Fault>>,
}

/// Executors A and B are those of shard 0, C and D of shard 1, and so on.
pub(crate) fn name(node: usize) -> char {
    u8::try_from(node).map_or('?', |node| char::from(b'A' + node % 26))
}

/// The other executor of the same shard.
pub(crate) const fn other(node: usize) -> usize {
    node ^ 1
}

impl World {
    pub(crate) fn alive(&self, Alive(node, life): Alive) -> bool {
        self.nodes[node].life == life && self.nodes[node].condition != Condition::Down
    }
    pub(crate) fn is_up(&self, node: usize) -> bool {
        self.nodes[node].condition == Condition::Up
    }
    pub(crate) fn this(&self, node: usize) -> Alive {
        Alive(node, self.nodes[node].life)
    }

    /// Plans a start.
    pub(crate) fn start_in(&mut self, micros: i64, node: usize) {
        self.nodes[node].starting = true;
        self.enter_in(micros, Event::Start(node));
    }

    /// Takes the store over and begins with an empty working set.
    pub(crate) fn start(&mut self, node: usize) -> Step {
        let alone = !self.networked && self.nodes[other(node)].condition != Condition::Down;
        if self.nodes[node].condition != Condition::Down || alone {
            self.nodes[node].starting = false;
            return Ok(());
        }
        let pause = self.dice.between(10_000, 2 * time::SECOND);
        if self.dice.chance(self.weather.silent) {
            self.count("store silent at a start");
            self.start_in(pause, node);
            return Ok(());
        }
        let (shard, place) = (self.shard(node), self.place(node));
        let store = (self.disk)(place);
        let (loader, mut committer) = (store.loader, store.committer);
        self.raise(shard);
        let Ok(recovered) = committer.recover() else {
            self.start_in(pause, node);
            return Ok(());
        };
        if self.dice.chance(self.weather.dies_recovering) {
            self.count("died at a start");
            self.start_in(pause, node);
            return Ok(());
        }
        let acknowledged = self.books.durable(shard);
        if recovered.batch < acknowledged {
            return broken(format!(
                "batch {acknowledged} of shard {shard} was acknowledged, but the store stands at {}",
                recovered.batch
            ));
        }
        let from = match self.sabotage {
            Some(Sabotage::TrustsItsClock) => Recovered { at: Time(0), ..recovered },
            _ => recovered,
        };
        let epoch = self.fence(shard);
        let it = &mut self.nodes[node];
        it.condition = Condition::Up;
        it.starting = false;
        it.epoch = epoch;
        it.loader = Some(loader);
        it.committer = Some(committer);
        it.core = Some(Core::new(from, place));
        it.durable = recovered.batch;
        it.scan_at = None; // a look planned while it was down never comes
        self.say(|world| {
            let skew = world.nodes[node].skew / time::SECOND;
            format!("{} starts at batch {}, epoch {epoch}, clock {skew:+} s", name(node), recovered.batch)
        });
        self.count("start");
        let primary = self.primary(shard);
        if primary != node && !self.is_up(primary) {
            let late = self.dice.between(0, 3 * time::SECOND);
            self.enter_in(late, Event::Route(node));
        }
        self.scan_in(time::SECOND, node);
        Ok(())
    }

    /// Everything that is not durable is gone. Someone will be started.
    pub(crate) fn crash(&mut self, node: usize, why: &str) {
        self.count(why);
        self.say(|_| format!("{} dies: {why}", name(node)));
        let it = &mut self.nodes[node];
        let old = std::mem::replace(it, Node { life: it.life + 1, skew: it.skew, ..Node::default() });
        if self.days.wanted > 0 {
            let flying = old.flying.as_ref();
            let in_flight: Vec<usize> =
                flying.into_iter().flat_map(|it| &it.told).map(|told| told.0).collect();
            let sent = flying.is_some_and(|flying| flying.sent);
            self.days_cut(&in_flight, if sent { "after the commit of" } else { "before the commit of" });
        }
        if let (true, Some(Flying { closed, sent: false, .. }), Some(committer)) =
            (self.networked, old.flying, old.committer)
            && self.dice.chance(400)
        {
            let late = self.dice.between(1_000, 20 * time::SECOND);
            let stray = Stray { shard: self.shard(node), epoch: old.epoch, batch: closed.batch, committer };
            self.enter_in(late, Event::Stray(Box::new(stray)));
        }
        self.someone(node);
    }

    /// Makes sure that an executor serves, or will.
    fn someone(&mut self, died: usize) {
        let other = other(died);
        if self.is_up(other) {
            let late = self.dice.between(0, 3 * time::SECOND);
            return self.enter_in(late, Event::Route(other));
        }
        if [died, other].iter().any(|node| self.nodes[*node].starting) {
            return;
        }
        let down = self.dice.between(20_000, 15 * time::SECOND);
        let takes_over = self.networked
            && self.nodes[other].condition == Condition::Down
            && (self.nodes[died].condition != Condition::Down || self.dice.chance(500));
        if takes_over {
            self.count("fail-over from a dead executor");
            self.nodes[other].skew = self.skewed(died);
            self.start_in(down, other);
        } else {
            self.start_in(down, died);
        }
    }

    /// Another clock, minutes apart.
    pub(crate) fn skewed(&mut self, node: usize) -> i64 {
        let skew = self.nodes[node].skew + self.dice.between(-5 * time::MINUTE, 2 * time::MINUTE);
        if self.days.wanted == 0 { skew } else { skew.clamp(-crate::days::APART_MAX, crate::days::APART_MAX) }
    }

    /// Puts a command in the queue.
    pub(crate) fn push(&mut self, node: usize, talk: usize) {
        let late = self.dice.between(0, 400);
        let it = &mut self.nodes[node];
        it.queue.push_back(talk);
        if !it.turning {
            it.turning = true;
            let alive = self.this(node);
            self.enter_in(late, Event::Turn(alive));
        }
    }

    /// The applier's turn: what waits goes into the open batch.
    pub(crate) fn turn(&mut self, alive: Alive) -> Step {
        let node = alive.0;
        if !self.alive(alive) {
            return Ok(());
        }
        self.nodes[node].turning = false;
        let (now, fails) = (self.clock(node), self.dice.chance(self.weather.load_fails));
        let forget = self.sabotage == Some(Sabotage::NoRequestKeys);
        let takes = (self.sabotage == Some(Sabotage::OwnsWhatItReads)).then(|| self.shard(node));
        let it = &mut self.nodes[node];
        let (Some(core), Some(loader)) = (it.core.as_mut(), it.loader.as_mut()) else {
            let turned_away: Vec<usize> = it.queue.drain(..).collect();
            turned_away.into_iter().for_each(|talk| self.answer(node, talk, Answer::Unavailable));
            return Ok(());
        };
        let room = (BATCH_MAX - core.open()).min(it.queue.len());
        let talks: Vec<usize> = it.queue.drain(..room).collect();
        let jobs: Vec<Arc<Asked>> = talks
            .iter()
            .map(|talk| &self.talks[*talk].asked)
            .map(|asked| {
                if forget {
                    Arc::new(Asked { request: None, ..(**asked).clone() })
                } else {
                    Arc::clone(asked)
                }
            })
            .collect();
        let jobs: Vec<&Asked> = jobs.iter().map(|asked| &**asked).collect();
        // Now and then what would happen is asked first; it must be what happens then.
        let foretold = match jobs[..] {
            [only] if only.request.is_none() && talks[0].is_multiple_of(16) && !fails && takes.is_none() => {
                let open = core.open();
                let told = core.dry_run(now, only, &mut **loader);
                assert_eq!(core.open(), open, "a dry run leaves a trace");
                told.ok()
            }
            _ => None,
        };
        let mut decided = Vec::new();
        let ran =
            core.run(now, &jobs, &mut Faulty { loader: &mut **loader, fails, takes }, |place, outcome| {
                decided.push((place, outcome));
            });
        if let (Some((foretold, effects)), [(_, outcome)]) = (foretold, &decided[..]) {
            let code = |of: &Outcome| of.as_ref().err().map(domain::Rejection::code);
            if code(&foretold) != code(outcome) || (outcome.is_err() && !effects.is_empty()) {
                return broken(format!(
                    "a dry run of {} said {foretold:?}, it came to {outcome:?}",
                    jobs[0].command.name()
                ));
            }
        }
        self.operations += u64::try_from(decided.len()).unwrap_or(0);
        let mut open = vec![true; talks.len()];
        for (place, outcome) in decided {
            open[place] = false;
            let command = &self.talks[talks[place]].asked.command;
            let code = outcome.as_ref().err().map_or("ok", domain::Rejection::code);
            let counted = format!("{}: {code}", command.name());
            self.count(&counted);
            self.say(|world| world.told(node, talks[place], &outcome));
            self.nodes[node].told.push((talks[place], outcome));
        }
        if ran.is_err() {
            self.count("load failed");
            for (talk, _) in talks.iter().zip(&open).filter(|(_, open)| **open) {
                self.answer(node, *talk, Answer::Unavailable);
            }
        }
        self.hand_over(node)
    }

    /// Hands the open batch to the committer if that is idle.
    fn hand_over(&mut self, node: usize) -> Step {
        let it = &mut self.nodes[node];
        let Some(core) = it.core.as_mut().filter(|_| it.flying.is_none()) else { return Ok(()) };
        core.turn(it.durable);
        let Some(closed) = core.close() else { return Ok(()) };
        let told = std::mem::take(&mut it.told);
        let all_refused = told.iter().all(|(_, outcome)| outcome.is_err());
        if all_refused && !told.is_empty() && (closed.batch.changes() > 0 || !closed.events.is_empty()) {
            let journal = &closed.batch.journal;
            return broken(format!(
                "batch {} holds rejected commands only, but writes records: {journal:?}",
                closed.batch.number
            ));
        }
        if closed.batch.journal.len() > 1 {
            self.count("batch of several");
        }
        if self.sabotage == Some(Sabotage::AnswersBeforeCommit) {
            for (talk, outcome) in told.iter().cloned() {
                self.answer(node, talk, Answer::Outcome(outcome));
            }
        }
        self.nodes[node].flying = Some(Flying { closed, told, sent: false, said: None });
        let late = self.weather.disk(self.now, &mut self.dice);
        let alive = self.this(node);
        self.enter_in(late, Event::Write(alive));
        Ok(())
    }

    /// The batch reaches the disk, or does not.
    pub(crate) fn write(&mut self, alive: Alive) -> Step {
        let node = alive.0;
        if !self.alive(alive) || self.nodes[node].flying.is_none() {
            return Ok(());
        }
        if self.dice.chance(self.weather.dies_at_commit) {
            self.crash(node, "died before a commit");
            return Ok(());
        }
        if let Some(flying) = &mut self.nodes[node].flying {
            flying.sent = true;
        }
        let full = self.now < self.weather.full_until;
        let shard = self.shard(node);
        let fenced = self.nodes[node].epoch != self.fence(shard) && self.sabotage != Some(Sabotage::NoFence);
        let said = if fenced {
            self.count("commit fenced");
            Err(Fault::Failed("another executor has taken over".into()))
        } else if full || self.dice.chance(self.weather.refused) {
            self.count(if full { "commit on a full disk" } else { "commit refused" });
            Err(Fault::Failed("no space left on the device".into()))
        } else if self.dice.chance(self.weather.unknown) {
            let there = self.dice.chance(500);
            self.count(if there { "commit unknown, written" } else { "commit unknown, not written" });
            if there {
                drop(self.put(node)?);
            }
            Err(Fault::Unknown("the connection broke".into()))
        } else {
            self.put(node)?
        };
        if self.dice.chance(self.weather.dies_at_commit) {
            self.crash(node, "died after a commit, before its answer");
            return Ok(());
        }
        if let Some(flying) = &mut self.nodes[node].flying {
            flying.said = Some(said);
        }
        let late = self.weather.disk(self.now, &mut self.dice);
        self.enter_in(late, Event::Written(alive));
        Ok(())
    }

    fn put(&mut self, node: usize) -> Result<Result<(), Fault>, crate::world::Broken> {
        let shard = self.shard(node);
        let blind = self.sabotage == Some(Sabotage::BelievesWhatItHears);
        let it = &mut self.nodes[node];
        let (Some(flying), Some(committer)) = (&it.flying, it.committer.as_mut()) else { return Ok(Ok(())) };
        let done = if blind {
            let mut batch = flying.closed.batch.clone();
            batch.orders.iter_mut().for_each(|change| change.before = None);
            committer.commit(&batch)
        } else {
            committer.commit(&flying.closed.batch)
        };
        if done.is_ok() {
            self.books.written(shard, &flying.closed.batch)?;
        }
        Ok(done)
    }

    /// A write of a dead executor: the fence lets it through only while nobody has taken over.
    pub(crate) fn stray(&mut self, mut stray: Stray) -> Step {
        let number = stray.batch.number;
        if stray.epoch != self.fence(stray.shard) && self.sabotage != Some(Sabotage::NoFence) {
            self.count("stray write fenced");
            return Ok(());
        }
        self.count("stray write arrived");
        self.say(|_| format!("a dead executor's batch {number} reaches the store"));
        if stray.committer.commit(&stray.batch).is_ok() {
            self.books.written(stray.shard, &stray.batch)?;
        }
        Ok(())
    }

    /// The disk's answer.
    pub(crate) fn written(&mut self, alive: Alive) -> Step {
        if !self.alive(alive) {
            return Ok(());
        }
        let node = alive.0;
        let said = self.nodes[node].flying.as_mut().and_then(|flying| flying.said.take());
        let believed = self.sabotage == Some(Sabotage::UnknownIsDone);
        match said {
            Some(Ok(())) => self.durable(node),
            Some(Err(Fault::Unknown(_))) if believed => self.durable(node),
            Some(Err(fault)) => {
                self.say(|_| format!("{}: commit failed, {fault}", name(node)));
                self.enter_in(10_000, Event::Recover(alive));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The batch in flight is durable: callers are answered, the worker hears of it.
    fn durable(&mut self, node: usize) -> Step {
        let Some(mut flying) = self.nodes[node].flying.take() else { return Ok(()) };
        self.tell(std::mem::take(&mut flying.closed.handed));
        let number = flying.closed.batch.number;
        self.nodes[node].durable = number;
        self.books.is_durable(self.shard(node), number);
        for (talk, outcome) in &flying.told {
            self.decided(*talk, outcome)?;
        }
        if self.sabotage != Some(Sabotage::AnswersBeforeCommit) {
            for (talk, outcome) in flying.told {
                self.answer(node, talk, Answer::Outcome(outcome));
            }
        }
        let due = &flying.closed.batch;
        let more = !due.crossings.is_empty() || !due.payments.is_empty() || !due.refunds.is_empty();
        let more = more || !due.shares.is_empty() || !due.share_returns.is_empty();
        let more = more || !due.user_transfers.is_empty() || !due.transfer_batches.is_empty();
        if more || !due.notifications.is_empty() || !due.orders.is_empty() {
            self.scan_in(time::SECOND, node);
        }
        for event in flying.closed.events {
            if self.dice.chance(self.weather.unheard) {
                self.count("event unheard");
                continue;
            }
            match event {
                Told::AuthorisationDue(id) => self.begin_asking(node, id)?,
                Told::RefundDue(id) => self.begin_refund(node, id)?,
                Told::NotificationDue(id) => self.begin_sending(node, id)?,
                Told::MoneySent(_) | Told::ShareDue(_) | Told::ShareReturnDue(_) => self.scan_in(0, node),
                Told::MerchantChanged(_) | Told::KeysChanged => {}
            }
        }
        self.hand_over(node)
    }

    /// Tells other shards of orders that they decide about from now on.
    fn tell(&mut self, handed: Vec<Order>) {
        for order in handed {
            if self.dice.chance(self.weather.lost) {
                self.count("word of an order lost");
                continue;
            }
            let to = self.primary(order.shard);
            let copies = if self.dice.chance(self.weather.doubled) { 2 } else { 1 };
            for _ in 0..copies {
                let late = self.weather.delay(&mut self.dice);
                self.enter_in(late, Event::Hear(to, vec![order.clone()]));
            }
        }
    }

    /// Word of orders that another shard handed over.
    pub(crate) fn hear(&mut self, node: usize, orders: Vec<Order>) {
        let Some(core) = &mut self.nodes[node].core else { return };
        let (came, taken) = (orders.len() as u64, core.hear(orders));
        self.count(if taken == came { "order heard of" } else { "word of an order came to nothing" });
    }

    /// Asks the store where it stands, after a fault.
    pub(crate) fn recover(&mut self, alive: Alive) -> Step {
        let node = alive.0;
        if !self.alive(alive) || self.nodes[node].flying.is_none() {
            return Ok(());
        }
        let pause = self.dice.between(10_000, 2 * time::SECOND);
        if self.dice.chance(self.weather.silent) {
            self.count("store silent after a fault");
            self.enter_in(pause, Event::Recover(alive));
            return Ok(());
        }
        if self.dice.chance(self.weather.dies_recovering) {
            self.crash(node, "died while recovering");
            return Ok(());
        }
        let shard = self.shard(node);
        let lost = self.nodes[node].epoch != self.fence(shard);
        if lost && self.sabotage != Some(Sabotage::TakesItsPlaceBack) {
            self.fenced(node);
            return Ok(());
        }
        let epoch = self.raise(shard);
        let place = self.place(node);
        let it = &mut self.nodes[node];
        it.epoch = epoch;
        let Some(Ok(recovered)) = it.committer.as_mut().map(|committer| committer.recover()) else {
            self.enter_in(pause, Event::Recover(alive));
            return Ok(());
        };
        let number = it.flying.as_ref().map_or(0, |flying| flying.closed.batch.number);
        // As the engine decides it: numbers have no gap and one batch is in flight, so a store that stands at the
        // batch or later has it.
        if recovered.batch >= number {
            self.count("commit found to be there");
            return self.durable(node);
        }
        let (flying, told) = (it.flying.take(), std::mem::take(&mut it.told));
        it.durable = recovered.batch;
        it.core = Some(Core::new(recovered, place));
        self.count("commit found to be lost");
        let told = flying.into_iter().flat_map(|flying| flying.told).chain(told);
        told.for_each(|(talk, _)| self.answer(node, talk, Answer::Unavailable));
        Ok(())
    }

    /// Another executor has taken over: nobody here is told success any more.
    fn fenced(&mut self, node: usize) {
        self.count("executor fenced");
        self.say(|_| format!("{} learns that it has lost its place", name(node)));
        let it = &mut self.nodes[node];
        it.condition = Condition::Fenced;
        (it.core, it.loader, it.committer) = (None, None, None);
        let flying = it.flying.take().into_iter().flat_map(|flying| flying.told);
        let told = flying.chain(std::mem::take(&mut it.told)).map(|(talk, _)| talk);
        let all: Vec<usize> = told.chain(std::mem::take(&mut it.queue)).collect();
        all.into_iter().for_each(|talk| self.answer(node, talk, Answer::Unavailable));
        let alive = self.this(node);
        self.enter_in(2 * time::SECOND, Event::Retire(alive));
        self.someone(node);
    }

    /// A fenced executor ends.
    pub(crate) fn retire(&mut self, alive: Alive) {
        if self.alive(alive) {
            let it = &mut self.nodes[alive.0];
            *it = Node { life: it.life + 1, skew: it.skew, ..Node::default() };
            self.someone(alive.0);
        }
    }

    /// What the store of a living executor is: not there while it is down.
    pub(crate) fn idle(&self, node: usize) -> bool {
        let it = &self.nodes[node];
        it.queue.is_empty() && it.flying.is_none() && it.told.is_empty()
    }
}
