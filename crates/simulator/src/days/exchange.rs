//! Files to and from the bank, over a folder in memory that every executor sees; and the bank behind it, which refuses,
//! pays late, twice, wrongly and never, and whose files come late, twice and broken off.

use super::{
    Tick,
    jobs::{Goes, Job, Phase},
};
use crate::world::{Broken, Step, World, broken};
use bank::{
    AccountNumber, BankNumber, Name, Party,
    simulated::{Core, Fate, Faults, Setup},
};
use domain::payout::{Beneficiary, Payout};
use engine::Fault;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};
use types::{MerchantId, Money, PageRequest, PayoutId, time};
use worker::payouts::{Trouble, file};

/// What is on the platform's account at first, fen.
const OPENING: i64 = 1_000_000_000_00;

/// The folder and the bank.
#[derive(Default)]
pub(super) struct Desk {
    /// Order files for the bank, by name.
    into: BTreeMap<String, Vec<u8>>,
    /// Names of those that it took.
    taken: BTreeSet<String>,
    /// Copies, which say that a file was written.
    sent: BTreeMap<String, Vec<u8>>,
    /// The bank's files, by name.
    out: BTreeMap<String, Vec<u8>>,
    /// Every order file that ever was at the bank, as it was first.
    written: BTreeMap<String, Vec<u8>>,
    bank: Option<(Core, Party)>,
    /// Payouts in files that were written, with what the bank makes of them once it has them. The bank itself forgets.
    fates: BTreeMap<PayoutId, Option<Fate>>,
}

/// Where an exchange stands.
#[derive(Default)]
pub(super) enum Exchange {
    #[default]
    Look,
    Send(PageRequest),
    Write,
    File(Box<Writing>),
    Listed,
    Read(VecDeque<String>),
    Aside(String, VecDeque<String>),
}

/// Files that are written.
pub(super) struct Writing {
    files: VecDeque<(Box<str>, Vec<Payout>)>,
    at: At,
}

enum At {
    Begin,
    Half,
    There,
    Kept,
}

fn party(holder: &str, account: &str) -> Result<Party, Broken> {
    let known = (Name::parse(holder), AccountNumber::parse(account), BankNumber::parse("104331000018"));
    match known {
        (Some(name), Some(account), Some(bank)) => Ok(Party { name, account, bank, bank_name: None }),
        _ => broken(format!("{holder} {account} is no account")),
    }
}

/// A merchant's account in clear: the simulator seals nothing.
fn creditor(payout: &Payout) -> Result<Party, Trouble> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    party(&text(&payout.to.holder), &text(&payout.to.number))
        .map_err(|_| Trouble::Unfit("account", payout.id))
}

impl Desk {
    pub(super) fn new(seed: i64) -> Result<Self, Broken> {
        let debtor = party("飞钱备付金", "3301040160012345678")?;
        let faults = Faults {
            rejected: 60,
            late: 90,
            silent: 25,
            wrong_amount: 25,
            duplicate: 25,
            returned: 80,
            missing: 30,
        };
        let seed = u64::try_from(seed).unwrap_or(1);
        let opening = Money::cny(OPENING);
        let setup =
            Setup { faults, ..Setup::new(seed, debtor.account.clone(), debtor.name.clone(), opening) };
        Ok(Self { bank: Some((Core::new(setup), debtor)), ..Self::default() })
    }

    /// What became of a payout at the bank; none while it has not heard of it.
    pub(super) fn fate(&self, payout: PayoutId) -> Option<Fate> {
        self.fates.get(&payout).copied().flatten()
    }

    /// What has left the platform's account, less what came back.
    pub(super) fn gone(&self) -> i64 {
        self.bank.as_ref().map_or(0, |(core, _)| OPENING - core.balance().minor)
    }

    fn is_written(&self, file: &str) -> bool {
        let name = format!("{file}.xml");
        [&self.sent, &self.into].iter().any(|folder| folder.contains_key(&name)) || self.taken.contains(&name)
    }
}

impl World {
    pub(super) fn some_account(&mut self, merchant: MerchantId) -> Arc<Beneficiary> {
        let number = format!("6222{:012}", self.dice.between(1_0000, 9_999_999));
        Arc::new(Beneficiary {
            holder: format!("茶馆{merchant}").into_bytes().into(),
            tail: number[number.len() - 4..].into(),
            number: number.into_bytes().into(),
            bank: "104331000018".into(),
            bank_name: "Bank of Tea".into(),
        })
    }

    pub(super) fn pays_other_amount(&self, payout: PayoutId) -> bool {
        self.days.bank.fate(payout) == Some(Fate::WrongAmount)
    }

    /// The bank takes what is in its folder and does what is due; its files come now, later, twice or broken off.
    pub(super) fn bank_works(&mut self) -> Step {
        let now = self.now;
        let desk = &mut self.days.bank;
        let orders: Vec<(String, Vec<u8>)> = std::mem::take(&mut desk.into).into_iter().collect();
        let Some((core, _)) = &mut desk.bank else { return Ok(()) };
        let files = match core.run(&orders, now) {
            Ok(files) => files,
            Err(fault) => return broken(format!("the bank fails: {fault}")),
        };
        desk.taken.extend(orders.into_iter().map(|(name, _)| name));
        for (id, fate) in desk.fates.iter_mut().filter(|(_, fate)| fate.is_none()) {
            *fate = core.fate(&Payout::end_to_end(*id));
        }
        for (name, content) in files {
            let slow = if self.calm { 0 } else { self.dice.pick(&[0, 0, time::HOUR, 30 * time::HOUR]) };
            if self.dice.chance(if self.calm { 0 } else { 60 }) {
                self.count("bank: file broken off");
                let half = content[..content.len() / 2].to_vec();
                self.tick_in(slow / 2, Tick::Deliver(name.replace(".xml", "-a.xml"), half));
            }
            if self.dice.chance(if self.calm { 0 } else { 150 }) {
                self.count("bank: file doubled");
                let again = slow + self.dice.between(0, 3 * time::DAY);
                self.tick_in(again, Tick::Deliver(name.replace(".xml", "-b.xml"), content.clone()));
            }
            self.tick_in(slow, Tick::Deliver(name, content));
        }
        let next =
            if self.calm { 5 * time::HOUR } else { self.dice.between(10 * time::MINUTE, 5 * time::HOUR) };
        self.tick_in(next, Tick::Bank);
        Ok(())
    }

    pub(super) fn delivered_by_bank(&mut self, name: String, content: Vec<u8>) {
        self.days.bank.out.insert(name, content);
    }

    /// The exchange, as `worker::payouts::exchange` goes.
    pub(super) fn exchange(&mut self, job: &mut Job) -> Result<Goes, Broken> {
        let Phase::Exchange(phase) = &mut job.phase else { return Ok(Goes::Over) };
        let next = match std::mem::take(phase) {
            Exchange::Look => Exchange::Send(PageRequest::new(PageRequest::MAX, None)),
            Exchange::Send(page) => {
                let read = self.queries.payouts_open(None, page)?;
                if let Some((command, _)) = file::to_send(&read.rows) {
                    job.ask([command], 1, "exchange: payouts to send, none marked");
                }
                match read.next {
                    Some(next) => Exchange::Send(PageRequest { after: Some(next), ..page }),
                    None => Exchange::Write,
                }
            }
            Exchange::Write => {
                let desk = &self.days.bank;
                let files = file::unwritten(&*self.queries, &mut |file| desk.is_written(file))?;
                let files: VecDeque<_> = files.into_iter().collect();
                Exchange::File(Box::new(Writing { files, at: At::Begin }))
            }
            Exchange::File(mut writing) => {
                if writing.files.is_empty() {
                    Exchange::Listed
                } else if self.write_one(job, &mut writing)? {
                    Exchange::File(writing)
                } else {
                    return Ok(Goes::Over);
                }
            }
            Exchange::Listed => Exchange::Read(self.days.bank.out.keys().cloned().collect()),
            Exchange::Read(mut files) => {
                let Some(name) = files.pop_front() else { return Ok(Goes::Over) };
                // Another run may have put it aside.
                let (Some(kind), Some(content)) =
                    (file::Kind::of(&name), self.days.bank.out.get(&name).cloned())
                else {
                    job.phase = Phase::Exchange(Exchange::Read(files));
                    return Ok(Goes::On);
                };
                if self.step(job.alive, "exchange: file of the bank there, not read") {
                    return Ok(Goes::Over);
                }
                match kind.read(&*self.queries, &name, &content[..]) {
                    Ok(answers) => {
                        let told = answers.into_iter().map(|answer| file::command(&*self.queries, answer));
                        let told: Result<Vec<_>, Fault> = told.collect();
                        self.count("exchange: file of the bank read");
                        job.ask(told?, 1, "exchange: file of the bank read, nothing taken in");
                    }
                    Err(Trouble::File(_)) => self.count("exchange: file set aside as bad"),
                    Err(other) => return broken(format!("{name} can't be read: {other}")),
                }
                Exchange::Aside(name, files)
            }
            Exchange::Aside(name, files) => {
                if self.step(job.alive, "exchange: every answer taken in, file not put aside") {
                    return Ok(Goes::Over);
                }
                if self.days.bank.out.remove(&name).is_none() {
                    return Ok(Goes::Over); // a run beside this one was quicker; the rename fails
                }
                Exchange::Read(files)
            }
        };
        job.phase = Phase::Exchange(next);
        Ok(Goes::On)
    }

    /// One write of a file for the bank. False when the run is over.
    fn write_one(&mut self, job: &Job, writing: &mut Writing) -> Result<bool, Broken> {
        let Some((file, payouts)) = writing.files.front() else { return Ok(false) };
        let name = format!("{file}.xml");
        if self.now < self.weather.full_until && !matches!(writing.at, At::Begin) {
            self.count("exchange: no room for a file");
            return Ok(false);
        }
        let Some(debtor) = self.days.bank.bank.as_ref().map(|(_, debtor)| debtor.clone()) else {
            return Ok(false);
        };
        let bytes = || match file::order(file, payouts, &debtor, &mut creditor) {
            Ok(bytes) => Ok(bytes),
            Err(trouble) => broken(format!("{file} can't be written: {trouble}")),
        };
        let (at, next) = match writing.at {
            At::Begin => ("exchange: marked as sent, file not written", At::Half),
            At::Half => ("exchange: file half written", At::There),
            At::There => {
                let bytes = bytes()?;
                let desk = &mut self.days.bank;
                let first = desk.written.entry(name.clone()).or_insert_with(|| bytes.clone());
                if *first != bytes {
                    return broken(format!("{name} is written a second time with other content"));
                }
                for payout in payouts {
                    desk.fates.entry(payout.id).or_default();
                }
                if !desk.taken.contains(&name) {
                    desk.into.insert(name, bytes);
                }
                ("exchange: file at the bank, copy not kept", At::Kept)
            }
            At::Kept => {
                let bytes = bytes()?;
                self.days.bank.sent.insert(name, bytes);
                writing.files.pop_front();
                self.count("exchange: file written");
                ("exchange: copy kept", At::Begin)
            }
        };
        writing.at = next;
        Ok(!self.step(job.alive, at))
    }
}
