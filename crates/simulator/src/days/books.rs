//! What must hold of the money's days, worked out of what people asked for and what the banks did: holds, payouts,
//! settlements by working days counted here, fees by arithmetic done here, and what each merchant must have.

use crate::{
    talk::Who,
    world::{Step, World, broken},
};
use bank::simulated::Fate;
use domain::{
    Command, Rejection, Reply,
    calendar::Calendar,
    exception::State,
    fee::{NewVersion, Return, Rounding, Rule},
    hold::NewHold,
    merchant::Product,
    order::{Order, OrderState},
    payout::{NewPayout, Payout, PayoutState},
    refund::{Refund, RefundState},
    settlement::{Settlement, SettlementState, Terms},
};
use engine::core::Outcome;
use ledger::{AccountKind, TransferKind, TransferState};
use std::collections::{BTreeMap, BTreeSet};
use types::{
    BusinessDay, Currency, HoldId, MerchantId, OperatorId, OrderId, PageRequest, PayoutId, Time, time,
};

#[derive(Default)]
pub(super) struct Books {
    /// Asked for, the last one mostly in force.
    pub(super) calendars: Vec<Calendar>,
    pub(super) terms: BTreeMap<MerchantId, Vec<Option<Terms>>>,
    /// Seconds of approval, in microseconds.
    pub(super) approval_life: i64,
    payouts_asked: Vec<(NewPayout, Option<OperatorId>)>,
    payout_approvals: BTreeSet<(PayoutId, OperatorId)>,
    payout_rejections: BTreeSet<PayoutId>,
    payouts_kept: BTreeSet<PayoutId>,
    payouts_ended: BTreeMap<PayoutId, PayoutState>,
    holds_asked: Vec<NewHold>,
    holds_kept: BTreeSet<HoldId>,
    releases: BTreeSet<HoldId>,
    /// Versions of fees asked for, with when it was heard that they were taken.
    fees: BTreeMap<MerchantId, Vec<(NewVersion, Option<Time>)>>,
    suggestions: BTreeMap<Box<str>, Vec<(OperatorId, i64)>>,
    corrections: BTreeSet<(Box<str>, OperatorId, i64)>,
}

impl Books {
    /// Keeps what a person asks.
    pub(super) fn asked(&mut self, who: Who, command: &Command) {
        let by = if let Who::Checker(by) = who { Some(by) } else { None };
        match (command, by) {
            (Command::RequestPayout(new), by) => self.payouts_asked.push((new.clone(), by)),
            (Command::ApprovePayout(id), Some(by)) => drop(self.payout_approvals.insert((*id, by))),
            (Command::RejectPayout { payout, .. }, Some(_)) => drop(self.payout_rejections.insert(*payout)),
            (Command::HoldMoney(new), Some(_)) => self.holds_asked.push((**new).clone()),
            (Command::ReleaseHold(id), Some(_)) => drop(self.releases.insert(*id)),
            (Command::SetFees(new), _) => {
                self.fees.entry(new.merchant).or_default().push(((**new).clone(), None));
            }
            (Command::SuggestCorrection { exception, correction, .. }, Some(by)) => {
                self.suggestions.entry(exception.clone()).or_default().push((by, *correction));
            }
            (Command::ApproveCorrection { exception, correction }, Some(by)) => {
                self.corrections.insert((exception.clone(), by, *correction));
            }
            _ => {}
        }
    }

    /// Keeps what somebody was told.
    pub(super) fn heard(&mut self, command: &Command, outcome: &Outcome, now: Time) -> Step {
        let ended = |books: &mut Self, id: PayoutId, state: PayoutState| {
            if state.is_open() {
                return Ok(());
            }
            let before = books.payouts_ended.insert(id, state);
            let follows = before.is_none_or(|before| {
                before == state || (before, state) == (PayoutState::Settled, PayoutState::Returned)
            });
            // Answers overtake each other on the way to whoever asked.
            if !follows && (state, before) == (PayoutState::Settled, Some(PayoutState::Returned)) {
                books.payouts_ended.insert(id, PayoutState::Returned);
                return Ok(());
            }
            if follows { Ok(()) } else { broken(format!("payout {id} ended as {before:?} and as {state:?}")) }
        };
        match (command, outcome) {
            (Command::RequestPayout(_), Ok(Reply::Payout(id))) => drop(self.payouts_kept.insert(*id)),
            (
                Command::AnswerPayout { payout, .. }
                | Command::ApprovePayout(payout)
                | Command::RejectPayout { payout, .. }
                | Command::ExpirePayout(payout),
                Ok(Reply::PayoutState(state)),
            ) => return ended(self, *payout, *state),
            (Command::HoldMoney(_), Ok(Reply::Hold(id))) => drop(self.holds_kept.insert(*id)),
            (Command::SetFees(new), Ok(_)) => {
                let known = self.fees.entry(new.merchant).or_default();
                for (_, heard) in known.iter_mut().filter(|(version, _)| *version == **new) {
                    heard.get_or_insert(now);
                }
            }
            (Command::SetFees(new), Err(Rejection::FeeRule(_))) => {
                self.fees.entry(new.merchant).or_default().retain(|(version, _)| *version != **new);
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether one person alone has suggested something for an exception.
    pub(super) fn suggested_once(&self, reference: &str) -> bool {
        let all = self.suggestions.get(reference).map(Vec::as_slice).unwrap_or_default();
        all.windows(2).all(|pair| pair[0].0 == pair[1].0)
    }

    pub(super) fn is_working(&self, day: BusinessDay) -> bool {
        self.calendars.last().is_some_and(|calendar| works(calendar, day))
    }
    pub(super) fn end_of(&self, day: BusinessDay) -> Time {
        let cut_off = self.calendars.last().map_or(1_440, |calendar| calendar.cut_off);
        day.start().plus(i64::from(cut_off) * time::MINUTE)
    }
    pub(super) fn day_of(&self, at: Time) -> BusinessDay {
        let day = at.business_day();
        if at < self.end_of(day) { day } else { day.next() }
    }

    /// When a settlement may be released, by any calendar and terms that somebody set.
    fn releases_of(&self, merchant: MerchantId, day: BusinessDay) -> BTreeSet<Time> {
        let asked = self.terms.get(&merchant).map(Vec::as_slice).unwrap_or_default();
        let delays: BTreeSet<u16> = asked.iter().map(|terms| terms.map_or(1, |terms| terms.delay)).collect();
        let mut all = BTreeSet::new();
        for calendar in &self.calendars {
            let end = day.start().plus(i64::from(calendar.cut_off) * time::MINUTE);
            for delay in &delays {
                let (mut on, mut left) = (day, *delay);
                while left > 0 {
                    on = on.next();
                    if works(calendar, on) {
                        left -= 1;
                    }
                }
                let hour = on.start().plus(i64::from(calendar.release) * time::MINUTE);
                all.insert(if *delay == 0 { end } else { hour.max(end) });
            }
        }
        all
    }

    /// The rules that may hold for a payment.
    fn rules(&self, merchant: MerchantId, product: Product, at: Time) -> Vec<&Rule> {
        let versions = self.fees.get(&merchant).map(Vec::as_slice).unwrap_or_default();
        let in_force = |(version, _): &&(NewVersion, Option<Time>)| {
            version.effective_from.is_some_and(|from| from <= at)
        };
        let mut fits = Vec::new();
        for of in [Some(product), None] {
            let mut known: Vec<_> =
                versions.iter().filter(in_force).filter(|(version, _)| version.product == of).collect();
            known.sort_by_key(|(version, _)| version.effective_from);
            // From the newest back: one that was surely taken hides all older ones.
            let mut latest: Option<Time> = None;
            for (version, heard) in known.into_iter().rev() {
                if latest.is_some() && version.effective_from < latest {
                    break;
                }
                fits.extend(version.rule.as_ref());
                if heard.is_some() {
                    latest = version.effective_from;
                }
            }
            if latest.is_some() {
                return fits;
            }
        }
        fits
    }

    /// Whether only these rules can hold, and not the rate that the merchant began with.
    fn is_sure(&self, merchant: MerchantId, product: Product, at: Time) -> bool {
        let versions = self.fees.get(&merchant).map(Vec::as_slice).unwrap_or_default();
        versions.iter().any(|(version, heard)| {
            heard.is_some()
                && version.product.is_none_or(|of| of == product)
                && version.effective_from.is_some_and(|from| from <= at)
        })
    }
}

/// Monday to Friday but for holidays, and the days that make up for them.
fn works(calendar: &Calendar, day: BusinessDay) -> bool {
    // 1970-01-01 was a Thursday.
    let weekday = (day.0 + 3).rem_euclid(7);
    if weekday < 5 { !calendar.holidays.contains(&day) } else { calendar.make_up.contains(&day) }
}

/// A fee by a rule, in whole fen.
fn fee(rule: &Rule, amount: i64, at: Time) -> i128 {
    let promoted = rule.promotion.filter(|promotion| promotion.from <= at && at < promotion.until);
    let tier = rule.tiers.iter().filter(|tier| tier.from <= amount).max_by_key(|tier| tier.from);
    let (rate, fixed) = match (promoted, tier) {
        (Some(promotion), _) => (promotion.rate, promotion.fixed),
        (None, Some(tier)) => (tier.rate, tier.fixed),
        (None, None) => (rule.rate, rule.fixed),
    };
    let millionths = i128::from(amount) * i128::from(rate.0);
    let (whole, part) = (millionths / 1_000_000, millionths % 1_000_000);
    let up = match rule.rounding {
        Rounding::Up => part > 0,
        Rounding::Down => false,
        Rounding::HalfUp => part >= 500_000,
    };
    let fee = (whole + i128::from(up) + i128::from(fixed)).max(i128::from(rule.least));
    fee.min(rule.most.map_or(i128::MAX, i128::from)).min(i128::from(amount))
}

/// Transfers that the money's days make, beside those of orders and refunds.
pub(crate) const fn is_of_days(kind: TransferKind) -> bool {
    matches!(
        kind,
        TransferKind::Settle
            | TransferKind::Reserve
            | TransferKind::ReserveRelease
            | TransferKind::Hold
            | TransferKind::HoldRelease
            | TransferKind::Payout
            | TransferKind::PayoutSettled
            | TransferKind::PayoutReturned
            | TransferKind::Correction
    )
}

impl World {
    /// Whether an order's fee is one that a version of its merchant's schedule gives; none where no version holds.
    pub(crate) fn days_fee(&self, order: &Order) -> Option<bool> {
        let (terms, at) = (&order.terms, order.paid_at?);
        let books = &self.days.books;
        let fits = books.rules(terms.merchant, terms.product, at).into_iter();
        let mut fits = fits.filter(|rule| fee(rule, terms.amount.minor, at) == i128::from(order.fee));
        match (fits.next(), books.is_sure(terms.merchant, terms.product, at)) {
            (Some(_), _) => Some(true),
            (None, true) => Some(false),
            (None, false) => None,
        }
    }

    /// Everything that must hold at the end of a day, in worlds of days.
    pub(crate) fn days_hold(&self) -> Step {
        self.holds_are_true()?;
        let payouts = self.payouts_are_true()?;
        self.settlements_are_true()?;
        self.corrections_are_true()?;
        self.merchants_have_theirs(&payouts)
    }

    fn holds_are_true(&self) -> Step {
        let books = &self.days.books;
        let (mut there, mut wrong) = (BTreeSet::new(), None);
        self.queries.each_hold(&mut |row| {
            there.insert(row.id);
            let asked = books.holds_asked.iter().any(|new| {
                (new.merchant, new.amount, new.reason, new.until)
                    == (row.merchant, row.amount, row.reason, row.until)
            });
            let over = row.until.is_some_and(|until| until <= self.latest());
            let released = row.released_by.is_none() || over || books.releases.contains(&row.id);
            if !asked || !released {
                wrong = Some(format!("hold {} was not asked for, or not released so: {row:?}", row.id));
            }
        })?;
        match books.holds_kept.iter().find(|id| !there.contains(id)) {
            Some(id) => broken(format!("hold {id} was acknowledged and is not there")),
            None => wrong.map_or(Ok(()), broken),
        }
    }

    fn payouts_are_true(&self) -> Result<Vec<Payout>, crate::world::Broken> {
        let mut all = BTreeMap::new();
        self.queries.each_payout(&mut |row| drop(all.insert(row.id, row)))?;
        let books = &self.days.books;
        if let Some(id) = books.payouts_kept.iter().find(|id| !all.contains_key(id)) {
            return broken(format!("payout {id} was acknowledged and is not there"));
        }
        for (id, told) in &books.payouts_ended {
            let state = all.get(id).map(|row| row.state);
            let later = *told == PayoutState::Settled && state == Some(PayoutState::Returned);
            if state != Some(*told) && !later {
                return broken(format!("payout {id} was acknowledged as {told:?}; it is {state:?}"));
            }
        }
        for row in all.values() {
            let asked = books.payouts_asked.iter().any(|(new, by)| {
                let amount = new.amount.is_none_or(|amount| amount == row.amount.minor);
                new.merchant == row.merchant && amount && new.urgent == row.urgent && *by == row.maker
            });
            let terms = books.terms.get(&row.merchant).into_iter().flatten().flatten();
            let mut least = terms.filter(|terms| terms.payouts == domain::settlement::Payouts::Automatic);
            let least = least.any(|terms| row.amount.minor >= terms.payout_least);
            if !(asked || row.maker.is_none() && !row.urgent && least) {
                return broken(format!("nobody asked for payout {}: {row:?}", row.id));
            }
            let own = row.approvals.iter().any(|given| Some(given.by) == row.maker);
            let given =
                row.approvals.iter().all(|given| books.payout_approvals.contains(&(row.id, given.by)));
            let enough = row.approvals.len() >= usize::from(row.approvals_needed);
            let left = !matches!(row.state, PayoutState::Waiting | PayoutState::Cancelled);
            if own || !given || left && !enough {
                return broken(format!("payout {} went without its approvals: {row:?}", row.id));
            }
            let fate = self.days.bank.fate(row.id);
            let late = row.created_at.plus(books.approval_life) <= self.latest();
            let sound = match (row.state, fate) {
                (PayoutState::Waiting | PayoutState::Created, fate) => fate.is_none(),
                (PayoutState::Cancelled, fate) => {
                    fate.is_none() && (books.payout_rejections.contains(&row.id) || late)
                }
                (PayoutState::Sent | PayoutState::Accepted, _) => true,
                (PayoutState::Settled, Some(fate)) => !matches!(fate, Fate::Rejected(_) | Fate::Silent),
                (PayoutState::Returned, Some(fate)) => matches!(fate, Fate::Returned { .. }),
                (PayoutState::Rejected, Some(fate)) => matches!(fate, Fate::Rejected(_)),
                _ => false,
            };
            if !sound {
                return broken(format!(
                    "payout {} is not what the bank made of it, {fate:?}: {row:?}",
                    row.id
                ));
            }
        }
        Ok(all.into_values().collect())
    }

    /// Days follow each other, each settlement is released no sooner than T+n, and keeps back what its terms say.
    fn settlements_are_true(&self) -> Step {
        let books = &self.days.books;
        let mut last: Option<BusinessDay> = None;
        let mut wrong = None;
        self.queries.each_day(&mut |day| {
            if last.is_some_and(|last| day.day != last.next()) {
                wrong = Some(format!("day {} follows {last:?}", day.day));
            }
            last = Some(day.day);
        })?;
        let mut before: Option<Settlement> = None;
        let latest = self.latest();
        self.queries.each_settlement(&mut |row| {
            let (merchant, day) = (row.id.merchant(), row.id.day());
            let previous = before.as_ref().filter(|before| before.id.merchant() == merchant);
            let not_before = previous.map_or(Time(i64::MIN), |before| before.release_at);
            let fits = books.releases_of(merchant, day);
            if !fits.iter().any(|at| (*at).max(not_before) == row.release_at) {
                wrong = Some(format!("settlement {} is due at {}, not at {fits:?}", row.id, row.release_at));
            }
            let early = row.released_at.is_some_and(|at| at < row.release_at || at > latest);
            let moved = i128::from(row.released) + i128::from(row.reserve);
            let asked = books.terms.get(&merchant).map(Vec::as_slice).unwrap_or_default();
            let kept = asked.iter().any(|terms| {
                let kept = terms
                    .filter(|terms| terms.reserve_days > 0)
                    .map_or(0, |terms| (moved * i128::from(terms.reserve.0) + 500_000) / 1_000_000);
                let days = terms.map_or(0, |terms| i64::from(terms.reserve_days));
                let until = (kept > 0).then(|| row.released_at.unwrap_or_default().plus(days * time::DAY));
                kept == i128::from(row.reserve) && row.reserve_until == until
            });
            let freed =
                row.state == SettlementState::Done && row.reserve_until.is_some_and(|until| until > latest);
            if early || freed || row.state != SettlementState::Waiting && !kept {
                wrong = Some(format!("settlement {} went against its terms: {row:?}", row.id));
            }
            before = Some(row);
        })?;
        wrong.map_or(Ok(()), broken)
    }

    fn corrections_are_true(&self) -> Step {
        let books = &self.days.books;
        let mut wrong = None;
        self.queries.each_exception(&mut |row| {
            let Some(by) = row.approver else { return };
            if row.state.is_open() {
                return; // it was decided, and a late partner opened it again
            }
            let approved = books.corrections.contains(&(row.reference.clone(), by, row.correction));
            let suggested = books.suggestions.get(&row.reference).into_iter().flatten();
            let suggested =
                suggested.filter(|(maker, what)| Some(*maker) == row.maker && *what == row.correction);
            let cleared_later = row.state == State::Cleared && row.correction == 0;
            if row.maker == Some(by) || (!approved || suggested.count() == 0) && !cleared_later {
                wrong = Some(format!("nobody else approved the correction of {row:?}"));
            }
        })?;
        wrong.map_or(Ok(()), broken)
    }

    /// What a merchant has, wherever it lies, is what it was paid, less what it gave back, fees, and what the bank paid
    /// out. What other parts of the platform moved between people is taken from their transfers, which `prove` explains.
    fn merchants_have_theirs(&self, payouts: &[Payout]) -> Step {
        let mut wanted: BTreeMap<i64, i128> = BTreeMap::new();
        let mut orders: BTreeMap<OrderId, Order> = BTreeMap::new();
        self.queries.each_order(&mut |row| {
            if row.paid_at.is_some() {
                if row.state != OrderState::Revoked {
                    let paid = i128::from(row.terms.amount.minor) - i128::from(row.fee);
                    *wanted.entry(row.terms.merchant.0).or_default() += paid;
                }
                orders.insert(row.id, row);
            }
        })?;
        let mut refunded: BTreeMap<OrderId, Vec<Refund>> = BTreeMap::new();
        self.queries.each_refund(&mut |row| {
            if row.state == RefundState::Succeeded {
                *wanted.entry(row.terms.merchant.0).or_default() +=
                    i128::from(row.fee) - i128::from(row.terms.amount.minor);
            }
            if row.state != RefundState::Closed {
                refunded.entry(row.order).or_default().push(row);
            }
        })?;
        for payout in payouts.iter().filter(|payout| payout.state == PayoutState::Settled) {
            *wanted.entry(payout.merchant.0).or_default() -= i128::from(payout.amount.minor);
        }
        let own = |kind: AccountKind| {
            matches!(
                kind,
                AccountKind::MerchantUnsettled
                    | AccountKind::MerchantSharing
                    | AccountKind::MerchantAvailable
                    | AccountKind::MerchantReserve
                    | AccountKind::MerchantHeld
                    | AccountKind::PayoutInTransit
            )
        };
        self.queries.each_transfer(&mut |row| {
            let known = matches!(
                row.kind,
                TransferKind::Payment
                    | TransferKind::Fee
                    | TransferKind::Reversal
                    | TransferKind::FeeReturn
                    | TransferKind::Refund
                    | TransferKind::RefundFee
            ) || is_of_days(row.kind);
            if known || row.state != TransferState::Posted {
                return;
            }
            for (account, fen) in [(row.debit, -row.amount), (row.credit, row.amount)] {
                if own(account.kind()) {
                    *wanted.entry(account.owner()).or_default() += i128::from(fen);
                }
            }
        })?;
        let mut has: BTreeMap<i64, i128> = BTreeMap::new();
        let mut cash = 0;
        self.queries.each_account(&mut |row| {
            if own(row.id.kind()) && row.id.currency() == Currency::CNY {
                *has.entry(row.id.owner()).or_default() += i128::from(row.balance().minor);
            }
            if row.id.kind() == AccountKind::BankCash {
                cash += i128::from(row.balance().minor);
            }
        })?;
        for (merchant, wanted) in wanted {
            let has = has.remove(&merchant).unwrap_or(0);
            if has != wanted {
                return broken(format!("merchant {merchant} has {has} fen, the books say {wanted}"));
            }
        }
        if let Some((merchant, has)) = has.into_iter().find(|(_, has)| *has != 0) {
            return broken(format!("merchant {merchant} has {has} fen, the books know of nothing"));
        }
        self.fees_are_returned(&orders, &refunded)
    }

    /// Of the fee of what was refunded in full goes back what the version says by which it was taken.
    fn fees_are_returned(
        &self,
        orders: &BTreeMap<OrderId, Order>,
        refunded: &BTreeMap<OrderId, Vec<Refund>>,
    ) -> Step {
        for (id, refunds) in refunded {
            let Some(order) = orders.get(id) else { continue };
            let sum: i64 = refunds.iter().map(|refund| refund.terms.amount.minor).sum();
            let back: i64 = refunds.iter().map(|refund| refund.fee).sum();
            let Some(at) = order.paid_at.filter(|_| sum == order.terms.amount.minor) else { continue };
            let (merchant, product) = (order.terms.merchant, order.terms.product);
            let rules = self.days.books.rules(merchant, product, at);
            let sure = self.days.books.is_sure(merchant, product, at);
            let fits = |rule: &&Rule| match rule.returns {
                Return::None => back == 0,
                Return::ProRata | Return::WhenFull => back == order.fee,
            };
            if !rules.iter().any(fits) && (sure || back != order.fee) {
                return broken(format!(
                    "order {id} is refunded in full, of its fee {} came back {back}",
                    order.fee
                ));
            }
        }
        Ok(())
    }

    /// Once faults are over and time has passed: nothing is left to do.
    pub(super) fn days_over(&self) -> Step {
        let now = self.clock(self.primary(types::Shard::FIRST));
        let days_back = now.business_day().plus(-3);
        let closed = self.queries.days(PageRequest::new(1, None))?.rows.first().map(|day| day.day);
        if closed.is_none_or(|day| day < days_back) {
            return broken(format!("it is {now}, and the last day closed is {closed:?}"));
        }
        let week = now.plus(-7 * time::DAY);
        let due = self.queries.due_settlements(week, 1)?;
        let holds = self.queries.due_holds(week, 1)?;
        let waiting = self.queries.due_payouts(week, 1)?;
        let plans = self.queries.due_plans(week, 1)?;
        if !due.is_empty() || !holds.is_empty() || !waiting.is_empty() || !plans.is_empty() {
            return broken(format!("due for a week, not done: {due:?} {holds:?} {waiting:?} {plans:?}"));
        }
        let mut gone = 0;
        for payout in self.payouts_are_true()? {
            let (fate, amount) = (self.days.bank.fate(payout.id), payout.amount.minor);
            let young = payout.created_at > week;
            let silent = fate == Some(Fate::Silent);
            if payout.state.is_open() && !silent && !young {
                return broken(format!("payout {} never ended, the bank made of it {fate:?}", payout.id));
            }
            gone += match (fate, payout.state) {
                (_, state) if state.is_open() => 0,
                (Some(Fate::Rejected(_) | Fate::Returned { .. } | Fate::Silent) | None, _) => 0,
                (Some(Fate::Duplicate), _) => 2 * amount,
                (Some(Fate::WrongAmount), _) => amount - if amount > 1_00 { 1_00 } else { amount / 2 },
                (Some(_), _) => amount,
            };
        }
        let young = self.queries.payouts_open(None, PageRequest::new(PageRequest::MAX, None))?.rows;
        let pending = young.iter().any(|payout| self.days.bank.fate(payout.id) != Some(Fate::Silent));
        if !pending && gone != self.days.bank.gone() {
            return broken(format!(
                "the bank has paid {} fen, the payouts say {gone}",
                self.days.bank.gone()
            ));
        }
        self.differences_are_exceptions()
    }
}
