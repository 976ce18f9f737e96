//! Requests and answers between callers and executors: lost, doubled, late, and asked again with the same number
//! or under the same key.

use crate::{
    node::name,
    route::followed,
    world::{Alive, Event, Step, World, broken},
};
use domain::{Actor, Caller, Command, Rejection, Reply, payment::Paid, records::Digest};
use engine::core::{Asked, Outcome};
use std::sync::Arc;
use types::{MerchantId, OperatorId, PayerId, Shard, Time, time};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Merchant(MerchantId),
    Payer(PayerId),
    Visitor,
    Operator,
    /// A person who approves.
    Checker(OperatorId),
    Bank,
    /// The worker in an executor's own process: nothing is lost on the way, and it dies with it.
    Worker(Alive),
    /// The same worker, over the network to another shard.
    Courier(Alive),
    /// The router, for that request.
    Router(usize),
}

/// What comes back.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Outcome(Outcome),
    Unavailable,
}

#[derive(Debug)]
pub(crate) struct Talk {
    pub(crate) asked: Arc<Asked>,
    pub(crate) who: Who,
    /// Why it must not be accepted, if so.
    wrong: Option<&'static str>,
    born: Time,
    pub(crate) tries: u32,
    tries_max: u32,
    pub(crate) heard: Option<Outcome>,
    /// The first acceptance that became durable, heard or not.
    kept: Option<Reply>,
    pub(crate) given_up: bool,
    /// The shard it is sent to.
    pub(crate) at: Shard,
    /// Hops it has taken.
    pub(crate) hops: u32,
    /// What the router asks for it first.
    pub(crate) clearing: Option<usize>,
}

/// How long an engine keeps the answer under a request key, with room: nobody asks again later.
const KEYS_KEPT: i64 = 12 * time::HOUR;
/// Tries of a worker that must get through (`worker::insist`).
const INSISTS: u32 = 16;

impl World {
    /// Begins to ask; with a request key when `keyed`. Gives the talk's place.
    pub(crate) fn ask(
        &mut self,
        who: Who,
        command: Command,
        keyed: bool,
        wrong: Option<&'static str>,
    ) -> usize {
        let at = self.first_shard(&command);
        self.begin(who, command, at, keyed, wrong)
    }

    /// As [`World::ask`], of a shard that the router was told of.
    pub(crate) fn ask_at(&mut self, who: Who, command: Command, shard: Shard) -> usize {
        self.begin(who, command, shard, false, None)
    }

    fn begin(
        &mut self,
        who: Who,
        command: Command,
        at: Shard,
        keyed: bool,
        wrong: Option<&'static str>,
    ) -> usize {
        let place = self.talks.len();
        let actor = match who {
            Who::Merchant(id) => Actor::Merchant(id),
            Who::Payer(id) => Actor::Payer(id),
            Who::Visitor => Actor::Visitor,
            Who::Checker(id) => Actor::Operator(id),
            Who::Bank => Actor::Channel,
            Who::Operator | Who::Worker(_) | Who::Courier(_) | Who::Router(_) => Actor::Platform,
        };
        let request = keyed.then(|| (number(place), content(&command)));
        self.books.asked(who, &command);
        let tries_max = match who {
            Who::Worker(_) | Who::Courier(_) => INSISTS,
            _ => u32::try_from(self.dice.between(1, 6)).unwrap_or(1),
        };
        let asked = Arc::new(Asked { command, caller: Caller::of(actor), request });
        let born = self.now;
        self.talks.push(Talk {
            asked,
            who,
            wrong,
            born,
            tries: 0,
            tries_max,
            heard: None,
            kept: None,
            given_up: false,
            at,
            hops: 0,
            clearing: None,
        });
        self.send(place);
        place
    }

    /// Sends a request on its way.
    pub(crate) fn send(&mut self, place: usize) {
        let talk = &mut self.talks[place];
        talk.tries += 1;
        let (tries, at) = (talk.tries, talk.at);
        if let Who::Worker(alive) = talk.who {
            if self.alive(alive) {
                self.enter_in(0, Event::Arrive(place, alive.0));
            }
            return;
        }
        let node = self.primary(at);
        let patience = self.dice.between(5 * time::SECOND, 12 * time::SECOND);
        self.enter_in(patience, Event::Patience(place, tries));
        if self.dice.chance(self.weather.lost) {
            self.count("request lost");
            return;
        }
        let copies = if self.dice.chance(self.weather.doubled) { 2 } else { 1 };
        if copies == 2 {
            self.count("request doubled");
        }
        for _ in 0..copies {
            let late = self.weather.delay(&mut self.dice);
            self.enter_in(late, Event::Arrive(place, node));
        }
    }

    /// A request reaches an executor.
    pub(crate) fn arrive(&mut self, place: usize, node: usize) {
        if self.is_up(node) {
            // The worker uses no key, and nobody but its executor can lose what it asks.
            let worker = matches!(self.talks[place].who, Who::Worker(_));
            let stale = !worker && self.now.since(self.talks[place].born) > KEYS_KEPT;
            if !stale {
                self.push(node, place);
            }
        } else if self.dice.chance(500) {
            self.answer(node, place, Answer::Unavailable);
        }
    }

    /// An executor answers.
    pub(crate) fn answer(&mut self, node: usize, place: usize, answer: Answer) {
        if let Who::Worker(alive) = self.talks[place].who {
            if alive.0 == node && self.alive(alive) {
                self.enter_in(0, Event::Reply(place, answer));
            }
            return;
        }
        if self.dice.chance(self.weather.lost) {
            self.count("answer lost");
            return;
        }
        let late = self.weather.delay(&mut self.dice);
        self.enter_in(late, Event::Reply(place, answer));
    }

    /// An answer reaches its caller.
    pub(crate) fn reply(&mut self, place: usize, answer: Answer) -> Step {
        let talk = &mut self.talks[place];
        let outcome = match answer {
            Answer::Outcome(outcome) => outcome,
            Answer::Unavailable => {
                if talk.heard.is_none() && !talk.given_up {
                    let pause = self.dice.between(20_000, 4 * time::SECOND);
                    let tries = self.talks[place].tries;
                    self.enter_in(pause, Event::Patience(place, tries));
                }
                return Ok(());
            }
        };
        if talk.is_over() {
            return Ok(());
        }
        if let Some(refused) = followed(&outcome) {
            // A worker asks its own shard only; money of others' may be brought to it.
            let stays = matches!((talk.who, refused), (Who::Worker(_), Rejection::Elsewhere(_)));
            if !stays {
                self.follow(place, refused);
                return Ok(());
            }
        }
        talk.heard = Some(outcome.clone());
        if let Who::Router(before) = talk.who {
            let first = Arc::clone(&talk.asked);
            return self.cleared(before, &first.command, outcome);
        }
        let accepted = !matches!(&outcome, Err(_) | Ok(Reply::Paid(Paid::Pin(_)) | Reply::Pin(_)));
        if let Some(wrong) = talk.wrong.filter(|_| accepted) {
            let command = describe(&talk.asked.command);
            return broken(format!("{wrong} was accepted: {command} came to {outcome:?}"));
        }
        let asked = Arc::clone(&talk.asked);
        let who = talk.who;
        if let Ok(reply) = &outcome {
            self.books.acknowledged(&asked.command, *reply)?;
        }
        if let Who::Worker(alive) = who {
            self.recorded(alive, &asked.command);
        }
        if let Who::Courier(alive) = who {
            self.carried(alive, &asked.command, outcome.is_ok());
        }
        self.goes_on(&asked.command, &outcome);
        self.days_hear(place)
    }

    /// A caller has waited long enough: it asks again, or gives up and will never know.
    pub(crate) fn patience(&mut self, place: usize, tries: u32) -> Step {
        let talk = &self.talks[place];
        if talk.heard.is_some() || talk.given_up || talk.tries != tries {
            return Ok(());
        }
        let dead = self.is_nobodys(talk);
        let late = self.now.since(talk.born) > KEYS_KEPT / 2;
        if dead || late || (talk.tries >= talk.tries_max && !self.calm) {
            self.talks[place].given_up = true;
            self.count("caller gave up");
            let asked = Arc::clone(&self.talks[place].asked);
            match self.talks[place].who {
                Who::Worker(alive) => self.recorded(alive, &asked.command),
                Who::Courier(alive) => self.carried(alive, &asked.command, false),
                // A worker's own request goes the short way, where nothing is lost: it ends with what it waits for.
                Who::Router(request) => {
                    if let Who::Worker(alive) = self.talks[request].who {
                        self.talks[request].given_up = true;
                        let asked = Arc::clone(&self.talks[request].asked);
                        self.recorded(alive, &asked.command);
                    }
                }
                _ => {}
            }
            return self.days_hear(place);
        }
        self.count("asked again");
        self.send(place);
        Ok(())
    }

    /// An outcome is durable. What was accepted once is answered alike from then on: under a request key always,
    /// by order number while it is accepted.
    pub(crate) fn decided(&mut self, place: usize, outcome: &Outcome) -> Step {
        let talk = &mut self.talks[place];
        if followed(outcome).is_some() {
            return Ok(()); // nothing was decided
        }
        let Some(first) = talk.kept else {
            talk.kept = outcome.as_ref().ok().copied();
            return Ok(());
        };
        let numbered = matches!(
            talk.asked.command,
            Command::CreateOrder { .. }
                | Command::CodePay { .. }
                | Command::CreateCombined { .. }
                | Command::CreateRefund(_)
        );
        let same = match outcome {
            Ok(again) => *again == first || !(numbered || talk.asked.request.is_some()),
            Err(_) => talk.asked.request.is_none(),
        };
        if same {
            return Ok(());
        }
        let command = describe(&talk.asked.command);
        broken(format!("{command} was accepted as {first:?}, then its repeat came to {outcome:?}"))
    }

    /// Requests that nobody has answered and somebody waits for.
    pub(crate) fn waiting(&self) -> Vec<String> {
        let open = self.talks.iter().zip(0..).filter(|(talk, _)| !talk.is_over() && !self.is_nobodys(talk));
        open.map(|(talk, place)| format!("#{place} {}", describe(&talk.asked.command))).collect()
    }

    /// Whoever asked is dead, or has its answer already.
    fn is_nobodys(&self, talk: &Talk) -> bool {
        match talk.who {
            Who::Worker(alive) | Who::Courier(alive) => !self.alive(alive),
            Who::Router(request) => self.talks[request].is_over(),
            _ => false,
        }
    }

    /// One line on what an executor decided.
    pub(crate) fn told(&self, node: usize, place: usize, outcome: &Outcome) -> String {
        let talk = &self.talks[place];
        let came = match outcome {
            Ok(reply) => format!("{reply:?}"),
            Err(rejection) => format!("refused: {}", rejection.code()),
        };
        let who = &talk.asked.caller.actor;
        format!("{} #{place} {who}: {} → {came}", name(node), describe(&talk.asked.command))
    }
}

/// A key of its own for every talk.
fn number(place: usize) -> Digest {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&(place as u64).to_le_bytes());
    Digest(bytes)
}

/// A hash of what is asked.
fn content(command: &Command) -> Digest {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&crate::digest::hash(&format!("{command:?}")).to_le_bytes());
    Digest(bytes)
}

/// A command in a line.
fn describe(command: &Command) -> String {
    let name = command.name();
    match command {
        Command::CreateOrder { terms, .. } => {
            format!("{name} {} {:?} ¥{}", terms.number, terms.product, terms.amount)
        }
        Command::CodePay { terms, code } => format!("{name} {} ¥{} by {code}", terms.number, terms.amount),
        Command::CloseOrder(_, number) | Command::ReverseOrder { number, .. } => format!("{name} {number}"),
        Command::PayOrder(asked) => {
            let from = asked.card.map_or("balance".into(), |card| format!("card {card}"));
            format!("{name} {} ¥{} from {from}", asked.order, asked.shown)
        }
        Command::CreateCombined { terms, .. } | Command::ClaimParts { terms, .. } => {
            format!("{name} {} of {} orders", terms.number, terms.parts.len())
        }
        Command::PayCombined(asked) => format!("{name} {} ¥{}", asked.combined, asked.shown),
        Command::MoveCombined { combined, to } => format!("{name} {combined} to shard {to}"),
        Command::CloseCombined { number, .. } => format!("{name} {number}"),
        Command::TopUp { card, amount, .. } => format!("{name} ¥{amount} from card {card}"),
        Command::AnswerPayment(id, said) => format!("{name} {id} {said:?}"),
        Command::CreateRefund(new) => {
            let of = new.order_number.as_deref().unwrap_or_default();
            format!("{name} {} of {of} ¥{}", new.terms.number, new.terms.amount)
        }
        Command::ApproveRefund(id) | Command::ExpireRefund(id) => format!("{name} {id}"),
        Command::RejectRefund { refund, .. } | Command::RetryRefund { refund, .. } => {
            format!("{name} {refund}")
        }
        Command::AnswerRefund { refund, attempt, answer } => {
            format!("{name} {refund} attempt {attempt} {answer:?}")
        }
        Command::ConfirmCodePay { order, pin, .. } => {
            format!("{name} {order} {}", if pin.is_some() { "with a PIN" } else { "refusing" })
        }
        Command::RecordAttempt(id, attempt) => format!("{name} {id} status {}", attempt.status),
        Command::ExpireOrder(id) => format!("{name} {id}"),
        Command::Resend(id) => format!("{name} {id}"),
        Command::IssuePaymentCode(payer, code) => format!("{name} {code} of payer {payer}"),
        Command::ChangeMerchant(id, _) => format!("{name} {id}"),
        Command::MoveOrder { order, to } => format!("{name} {order} to shard {to}"),
        Command::ClaimOrder { terms, to } => format!("{name} {} for shard {to}", terms.number),
        Command::SendToShard { from, to, most } => format!("{name} {to} {most:?} fen from {from}"),
        Command::Receive(sent) => format!("{name} {} fen sent as {}", sent.amount, sent.id),
        Command::Arrived(id) => format!("{name} {id}"),
        _ => name.to_owned(),
    }
}
