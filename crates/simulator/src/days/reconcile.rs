//! The card channel's bills, with differences put into them, and the job that matches them.
//!
//! The channel is the town's bank: a bill says what it did, not what it said. What is different on purpose is drawn once a
//! payment or refund, so that a bill that is written again says the same.

use super::{
    Tick,
    jobs::{Goes, Job, Phase},
};
use crate::{
    bank::Matter,
    town::CHANNEL,
    world::{Broken, Step, World, broken},
};
use ::reconcile::{Format, bill::BillWriter};
use domain::{Command, exception, payment::PaymentState, refund::RefundState};
use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};
use types::{BusinessDay, Money, Place, Shard, ShardSet, Time, time};
use worker::reconcile::{Bills, SCHEME, Trouble, day, is_closed, ledger};

/// The channel's side.
#[derive(Default)]
pub(super) struct Channel {
    bills: Option<Bills>,
    planted: BTreeMap<(Matter, Time), Plant>,
    /// What bills have said, by kind and key: rows with amount and whether it succeeded.
    told: BTreeMap<(&'static str, String), Vec<(i64, bool)>>,
}

/// What a bill makes of something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plant {
    Right,
    Lacks,
    Amount,
    Twice,
    Failed,
    Invents,
}

/// Where a reconciliation stands.
pub(super) enum Reconciliation {
    Look,
    Days(VecDeque<BusinessDay>),
    Asked(BusinessDay, VecDeque<BusinessDay>),
    Matched { day: BusinessDay, about: String, said: String, rest: VecDeque<BusinessDay> },
}

impl Channel {
    pub(super) fn new(folder: &Path) -> Self {
        Self { bills: Some(Bills::new(folder)), ..Self::default() }
    }
}

impl World {
    /// The channel writes the bill of a day, in the morning after or some mornings later.
    pub(super) fn channel_bills(&mut self, day: BusinessDay) -> Step {
        // Each day's bill once; the next day's is on its way already when this one is late.
        let next = day.next().next().start().plus(9 * time::HOUR);
        let late = if self.calm { 0 } else { self.dice.pick(&[0, 0, 0, time::HOUR, 60 * time::HOUR]) };
        if self.days.channel.bills.as_ref().is_some_and(|bills| bills.bill(day).exists()) {
            return Ok(());
        }
        self.days_bill(day)?;
        let at = next.since(self.now).max(time::MINUTE) + late;
        self.tick_in(at, Tick::Bill(day.next()));
        Ok(())
    }

    fn days_bill(&mut self, day: BusinessDay) -> Step {
        let Some(bills) = self.days.channel.bills.clone() else { return Ok(()) };
        let mut rows: Vec<(Matter, Time, String, Money)> = Vec::new();
        for (matter, paid_at) in self.bank.paid() {
            if paid_at.business_day() != day {
                continue;
            }
            let found = match matter {
                Matter::Payment(id) => self.queries.payment(id)?.map(|row| (id.to_string(), row.amount)),
                Matter::Refund(id, _) => {
                    self.queries.refund(id)?.map(|row| (id.to_string(), row.terms.amount))
                }
            };
            if let Some((key, amount)) = found {
                rows.push((matter, paid_at, key, amount));
            }
        }
        let format = Format::card_channel();
        let io = |error: std::io::Error| Broken(format!("the bill of {day} can't be written: {error}"));
        let mut writer = BillWriter::new(Vec::new(), &format).map_err(io)?;
        for (matter, at, key, amount) in rows {
            let kind = if matches!(matter, Matter::Payment(_)) { "消费" } else { "退款" };
            let drawn = match self.dice.below(240) {
                0..=2 => Plant::Lacks,
                3..=5 => Plant::Amount,
                6..=8 => Plant::Twice,
                9..=11 => Plant::Failed,
                12..=14 => Plant::Invents,
                _ => Plant::Right,
            };
            let plant = *self.days.channel.planted.entry((matter, at)).or_insert(drawn);
            if plant != Plant::Right {
                self.count("channel: difference put into a bill");
            }
            let mut told: Vec<(String, i64, bool)> = Vec::new();
            match plant {
                Plant::Lacks => {}
                Plant::Right => told.push((key, amount.minor, true)),
                Plant::Amount => told.push((key, amount.minor + 1, true)),
                Plant::Failed => told.push((key, amount.minor, false)),
                Plant::Twice => told.extend([(key.clone(), amount.minor, true), (key, amount.minor, true)]),
                Plant::Invents => {
                    told.extend([(key.clone(), amount.minor, true), (format!("X{key}"), amount.minor, true)]);
                }
            }
            for (nth, (key, fen, done)) in told.into_iter().enumerate() {
                let of = if kind == "消费" { "payment" } else { "refund" };
                self.days.channel.told.entry((of, key.clone())).or_default().push((fen, done));
                let row = |column: &str| match column {
                    "交易时间" => at.local(),
                    "平台支付单号" => key.clone(),
                    "渠道流水号" => format!("S{key}{nth}"),
                    "交易类型" => kind.to_owned(),
                    "交易状态" => if done { "成功" } else { "失败" }.to_owned(),
                    "货币" => "CNY".to_owned(),
                    "交易金额" => Money::cny(fen).to_string(),
                    "手续费" => "0.00".to_owned(),
                    "清算批次" => day.to_string().replace('-', ""),
                    _ => String::new(),
                };
                writer.row(row).map_err(io)?;
            }
        }
        let bytes = writer.finish().map_err(io)?;
        let path = bills.bill(day);
        fs::write(&path, bytes).map_err(io)?;
        // Marks name a bill by its size and time: that of the world, or it would not play again alike.
        let at = UNIX_EPOCH + Duration::from_micros(u64::try_from(self.now.0).unwrap_or(0));
        let file = fs::File::options().append(true).open(&path).map_err(io)?;
        file.set_modified(at).map_err(io)?;
        self.count("channel: bill written");
        Ok(())
    }

    /// The reconciliation, as `worker::reconcile::all_due` and `reconcile` go.
    pub(super) fn reconcile(&mut self, job: &mut Job) -> Result<Goes, Broken> {
        let Some(bills) = self.days.channel.bills.clone() else { return Ok(Goes::Over) };
        let of = ShardSet::only(Place { shard: Shard::FIRST, shards: self.shards });
        let trouble = |day: BusinessDay, trouble: &Trouble| {
            broken::<Goes>(format!("{day} can't be reconciled: {trouble}"))
        };
        let Phase::Reconciliation(phase) = &mut job.phase else { return Ok(Goes::Over) };
        let next = match std::mem::replace(phase, Reconciliation::Look) {
            Reconciliation::Look => match bills.days() {
                Ok(days) => Reconciliation::Days(days.into()),
                Err(fault) => return broken(format!("the bills can't be listed: {fault}")),
            },
            Reconciliation::Days(mut days) => {
                let due = loop {
                    let Some(day) = days.pop_front() else { return Ok(Goes::Over) };
                    if !bills.is_done(day, bills.matched(day.previous())) {
                        break day;
                    }
                };
                match is_closed(&*self.queries, due) {
                    Ok(true) => {}
                    Ok(false) => return Ok(Goes::Over),
                    Err(fault) => return trouble(due, &fault),
                }
                let open = match ledger::open(&*self.queries, of, due.next().start()) {
                    Ok(open) => open,
                    Err(fault) => return trouble(due, &fault),
                };
                if !open.is_empty() {
                    self.count("reconciliation: something unknown in the morning");
                }
                let questions: Vec<Command> =
                    open.iter().filter_map(|open| self.answered_by_channel(open)).collect();
                job.ask(questions, 3, "reconciliation: bill there, nothing asked");
                Reconciliation::Asked(due, days)
            }
            Reconciliation::Asked(day, rest) => {
                if self.step(job.alive, "reconciliation: asked, not matched") {
                    return Ok(Goes::Over);
                }
                job.refused = false; // the channel contradicts itself: it is told, and the run goes on
                let previous = bills.matched(day.previous());
                let Some(about) = bills.about(day, previous) else { return Ok(Goes::Over) };
                let queries = std::sync::Arc::clone(&self.queries);
                let work = day::Work {
                    queries: &*queries,
                    owned: of,
                    channel: CHANNEL,
                    bills: &bills,
                    day,
                    previous,
                };
                let mut commands = Vec::new();
                let done = day::run(&work, &mut |some| {
                    commands.extend(some);
                    Ok(())
                });
                let totals = match done {
                    Ok(totals) => totals,
                    Err(fault) => return trouble(day, &fault),
                };
                if totals.exceptions() > 0 {
                    self.count("reconciliation: a run found exceptions");
                }
                let wave = 1 + self.dice.below(5);
                job.ask(commands, wave, "reconciliation: matched, nothing kept");
                Reconciliation::Matched { day, about, said: format!("{totals:?}"), rest }
            }
            Reconciliation::Matched { .. } if job.refused => return Ok(Goes::Over),
            Reconciliation::Matched { day, about, said, rest } => {
                if self.step(job.alive, "reconciliation: every exception kept, day not marked") {
                    return Ok(Goes::Over);
                }
                if let Err(fault) = bills.keep_done(day, &about, &said) {
                    return trouble(day, &fault);
                }
                self.count("reconciliation: a run matched a day");
                Reconciliation::Days(rest)
            }
        };
        job.phase = Phase::Reconciliation(next);
        Ok(Goes::On)
    }

    /// What the channel says when it is asked about something open: what was never asked is passed over.
    fn answered_by_channel(&mut self, open: &ledger::Open) -> Option<Command> {
        let matter = match open {
            ledger::Open::Payment(payment) if payment.asked > 0 => Matter::Payment(payment.id),
            ledger::Open::Refund(refund) if refund.asked > 0 => Matter::Refund(refund.id, refund.attempt),
            _ => return None,
        };
        let said = self.says(matter, false);
        Some(matter.answered(said))
    }

    /// Every difference between bills and ledger is an exception that stands, and no exception stands without one.
    pub(super) fn differences_are_exceptions(&self) -> Step {
        let mut ledger: BTreeMap<(&'static str, String), Option<i64>> = BTreeMap::new();
        self.queries.each_payment(&mut |row| {
            let there = (row.state == PaymentState::Succeeded).then_some(row.amount.minor);
            ledger.insert(("payment", row.id.to_string()), there);
        })?;
        self.queries.each_refund(&mut |row| {
            if row.attempt > 0 {
                let there = (row.state == RefundState::Succeeded).then_some(row.terms.amount.minor);
                ledger.insert(("refund", row.id.to_string()), there);
            }
        })?;
        let mut wanted: BTreeMap<(&'static str, String), Vec<&'static str>> = BTreeMap::new();
        let told = &self.days.channel.told;
        let keys = ledger.keys().chain(told.keys());
        for key in keys {
            let rows = told.get(key).map(Vec::as_slice).unwrap_or_default();
            let done = rows.iter().filter(|(_, done)| *done);
            let first = done.clone().next().map(|(fen, _)| *fen);
            let class = match (ledger.get(key).copied().flatten(), first) {
                (Some(_), None) if rows.is_empty() => Some("short"),
                (Some(_), None) => Some("status"),
                (Some(booked), Some(fen)) if booked != fen => Some("amount"),
                // The ledger says that nothing moved, or knows nothing of it.
                (None, Some(_)) if ledger.contains_key(key) => Some("status"),
                (None, Some(_)) => Some("long"),
                _ => None,
            };
            let entry = wanted.entry(key.clone()).or_default();
            entry.extend(class);
            if done.count() > 1 {
                entry.push("duplicate");
            }
        }
        let mut found: BTreeMap<(String, String), Vec<exception::Exception>> = BTreeMap::new();
        self.queries.each_exception(&mut |row| {
            let rest = row.reference.strip_prefix(SCHEME).and_then(|rest| rest.strip_prefix('/'));
            let parts = rest.and_then(|rest| rest.split_once('/'));
            if let Some((kind, key)) = parts.and_then(|(kind, rest)| Some((kind, rest.rsplit_once('/')?.0))) {
                found.entry((kind.into(), key.into())).or_default().push(row);
            }
        })?;
        let stands = |row: &exception::Exception| row.state.is_open() || row.approver.is_some();
        for ((kind, key), classes) in &wanted {
            let rows = found.remove(&((*kind).into(), key.clone())).unwrap_or_default();
            let standing: Vec<_> = rows.iter().filter(|row| stands(row)).collect();
            for class in classes {
                // A refund or payment that the ledger has as failed is long where the day's run did not see it.
                let fits = |row: &&&exception::Exception| {
                    let name = row.class.name();
                    name == *class
                        || matches!((name, *class), ("long", "status") | ("status", "long" | "short"))
                };
                if !standing.iter().any(|row| fits(&row)) {
                    return broken(format!(
                        "{kind} {key}: bill {:?}, ledger {:?} is {class}, but its exceptions are {rows:?}",
                        told.get(&(*kind, key.clone())),
                        ledger.get(&(*kind, key.clone()))
                    ));
                }
            }
            if classes.is_empty()
                && let Some(row) = standing.iter().find(|row| row.state.is_open() && row.booked == 0)
            {
                return broken(format!(
                    "{kind} {key}: bill {:?} and ledger {:?} agree, but {row:?} is open",
                    told.get(&(*kind, key.clone())),
                    ledger.get(&(*kind, key.clone()))
                ));
            }
        }
        match found.into_iter().find(|(_, rows)| rows.iter().any(stands)) {
            Some((key, rows)) => {
                broken(format!("nothing is known of {key:?}, but its exceptions are {rows:?}"))
            }
            None => Ok(()),
        }
    }
}
