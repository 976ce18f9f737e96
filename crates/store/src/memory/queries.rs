//! The read side.

use super::{Held, Memory};
use domain::{
    Key, Record,
    application::Application,
    card::Card,
    combined::Combined,
    crossing::Crossing,
    echo::{self, Echo},
    keyring::KeyRing,
    limit::{BillEntry, Limits, Usage},
    merchant::{Certificate, Merchant},
    notification::Notification,
    order::{Order, OrderState},
    payer::Payer,
    payment::Payment,
    payment_code::PaymentCode,
    records::Digest,
    refund::{Refund, RefundState},
    session::{OauthCode, Session},
    sweep,
};
use engine::{
    Fault, Queries,
    query::{Bill, Counts, JournalRow},
};
use ledger::{Account, AccountId, Transfer, TransferState};
use std::{cmp::Reverse, collections::BTreeMap, ops::Bound};
use types::{
    AppId, CardId, EchoId, JournalId, MerchantId, NotificationId, OrderId, Page, PageRequest, PayerId,
    PaymentId, RefundId, Shard, ShardSet, Shards, Time, TransferId, UserTransferId, first_id_at, time,
};

type Answer<T> = Result<T, Fault>;

/// Payment-code orders shown to a payer at once.
const TO_CONFIRM_MAX: usize = 10;

impl Queries for Memory {
    fn shards(&self) -> Answer<Shards> {
        Ok(self.place.shards)
    }
    fn merchant(&self, id: MerchantId) -> Answer<Option<Merchant>> {
        Ok(self.held().rows.merchants.get(&id).cloned())
    }
    fn merchants(&self) -> Answer<Vec<Merchant>> {
        Ok(self.held().rows.merchants.values().cloned().collect())
    }
    fn sub_merchants(
        &self,
        partner: MerchantId,
        past: Option<MerchantId>,
        limit: usize,
    ) -> Answer<Vec<Merchant>> {
        let start = past.map_or(Bound::Unbounded, Bound::Excluded);
        let held = self.held();
        let later = held.rows.merchants.range((start, Bound::Unbounded)).map(|(_, row)| row);
        let of = |row: &&Merchant| row.partnership.is_some_and(|known| known.partner == partner);
        Ok(later.filter(of).take(limit).cloned().collect())
    }
    fn certificate(&self, serial: &str) -> Answer<Option<Certificate>> {
        Ok(self.held().rows.certificates.get(serial).cloned())
    }
    fn certificates(&self, merchant: MerchantId) -> Answer<Vec<Certificate>> {
        let held = self.held();
        let mut of: Vec<_> =
            held.rows.certificates.values().filter(|c| c.merchant == merchant).cloned().collect();
        of.sort_by_key(|certificate| Reverse(certificate.not_before));
        Ok(of)
    }
    fn application(&self, id: AppId) -> Answer<Option<Application>> {
        Ok(self.held().rows.applications.get(&id).cloned())
    }
    fn key_ring(&self, name: &str) -> Answer<Option<KeyRing>> {
        Ok(self.held().rows.key_rings.get(name).cloned())
    }
    fn limits(&self) -> Answer<Option<Limits>> {
        Ok(self.held().rows.limits.get(&()).cloned())
    }
    fn payer(&self, id: PayerId) -> Answer<Option<Payer>> {
        Ok(self.held().rows.payers.get(&id).cloned())
    }
    fn payer_by_phone(&self, phone: Digest) -> Answer<Option<PayerId>> {
        Ok(self.held().rows.phones.get(&phone).map(|owner| owner.payer))
    }
    fn session(&self, token: Digest) -> Answer<Option<Session>> {
        Ok(self.held().rows.sessions.get(&token).cloned())
    }
    fn member(&self, token: Digest) -> Answer<Option<(Session, Payer)>> {
        let held = self.held();
        let session = held.rows.sessions.get(&token);
        Ok(session.and_then(|session| Some((session.clone(), held.rows.payers.get(&session.payer)?.clone()))))
    }
    fn oauth_code(&self, code: Digest) -> Answer<Option<OauthCode>> {
        Ok(self.held().rows.oauth_codes.get(&code).cloned())
    }
    fn card(&self, id: CardId) -> Answer<Option<Card>> {
        Ok(self.held().rows.cards.get(&id).cloned())
    }
    fn cards(&self, payer: PayerId) -> Answer<Vec<Card>> {
        let held = self.held();
        Ok(held.rows.cards.values().rev().filter(|card| card.payer == payer).cloned().collect())
    }
    fn usage(&self, id: i64) -> Answer<Option<Usage>> {
        Ok(self.held().rows.usage.get(&id).copied())
    }
    fn account(&self, id: AccountId) -> Answer<Account> {
        Ok(self.held().rows.accounts.get(&id).copied().unwrap_or(Account::new(id)))
    }
    fn transfer(&self, id: TransferId) -> Answer<Option<Transfer>> {
        Ok(self.held().rows.transfers.get(&id).copied())
    }
    fn order(&self, id: OrderId) -> Answer<Option<Order>> {
        Ok(self.held().rows.orders.get(&id).cloned())
    }
    fn order_by_number(&self, merchant: MerchantId, number: &str) -> Answer<Option<Order>> {
        let held = self.held();
        let known = held.rows.order_numbers.get(&(merchant, number.into()));
        Ok(known.and_then(|known| held.rows.orders.get(&known.order)).cloned())
    }
    fn orders_to_confirm(&self, payer: PayerId) -> Answer<Vec<Order>> {
        let held = self.held();
        let waiting = |order: &&Order| order.state == OrderState::Paying && order.payer == Some(payer);
        Ok(held.rows.orders.values().rev().filter(waiting).take(TO_CONFIRM_MAX).cloned().collect())
    }
    fn payment(&self, id: PaymentId) -> Answer<Option<Payment>> {
        Ok(self.held().rows.payments.get(&id).cloned())
    }
    fn refund(&self, id: RefundId) -> Answer<Option<Refund>> {
        Ok(self.held().rows.refunds.get(&id).cloned())
    }
    fn refund_by_number(&self, merchant: MerchantId, number: &str) -> Answer<Option<Refund>> {
        let held = self.held();
        let known = held.rows.refund_numbers.get(&(merchant, number.into()));
        Ok(known.and_then(|known| held.rows.refunds.get(&known.refund)).cloned())
    }
    fn refunds_waiting(&self, page: PageRequest) -> Answer<Page<Refund>> {
        let held = self.held();
        let start = page.after.map_or(Bound::Unbounded, |cursor| Bound::Excluded(RefundId(cursor.0)));
        let rows = held.rows.refunds.range((start, Bound::Unbounded)).map(|(_, row)| row);
        let waiting = rows.filter(|row| row.state == RefundState::Waiting).cloned();
        Ok(Page::of(waiting.take(page.limit + 1).collect(), page.limit, |row| row.id.0))
    }
    fn payment_code(&self, code: i64) -> Answer<Option<PaymentCode>> {
        Ok(self.held().rows.payment_codes.get(&code).copied())
    }
    fn bill(&self, payer: PayerId, from: Option<BillEntry>, limit: usize) -> Answer<Vec<Bill>> {
        let held = self.held();
        let newest = || held.rows.usage.get(&payer.0).and_then(|usage| usage.newest);
        let mut next = from.or_else(newest);
        let mut entries = Vec::new();
        while entries.len() < limit
            && let Some(BillEntry(id)) = next
        {
            if let Some(order) = held.rows.orders.get(&OrderId(id)) {
                next = order.bill_previous;
                entries.push(Bill::Order(Box::new(order.clone())));
            } else if let Some(payment) = held.rows.payments.get(&PaymentId(id)) {
                next = payment.bill_previous;
                entries.push(Bill::TopUp(Box::new(payment.clone())));
            } else if let Some(transfer) = held.rows.user_transfers.get(&UserTransferId(id)) {
                next = transfer.bill_previous;
                entries.push(Bill::UserTransfer(Box::new(transfer.clone())));
            } else {
                return Err(Fault::Failed(format!(
                    "the bill of payer {payer} names {id}, which is not there"
                )));
            }
        }
        Ok(entries)
    }
    fn notification(&self, id: NotificationId) -> Answer<Option<Notification>> {
        Ok(self.held().rows.notifications.get(&id).copied())
    }
    fn notifications(&self, merchant: Option<MerchantId>, page: PageRequest) -> Answer<Page<Notification>> {
        let held = self.held();
        let end = page.after.map_or(Bound::Unbounded, |cursor| Bound::Excluded(NotificationId(cursor.0)));
        let rows = held.rows.notifications.range((Bound::Unbounded, end)).rev().map(|(_, row)| *row);
        let of = rows.filter(|row| merchant.is_none_or(|merchant| row.merchant == merchant));
        Ok(Page::of(of.take(page.limit + 1).collect(), page.limit, |row| row.id.0))
    }
    fn echo(&self, id: EchoId) -> Answer<Option<Echo>> {
        Ok(self.held().rows.echoes.get(&id).cloned())
    }
    fn timeline(&self, head: JournalId, limit: usize) -> Answer<Vec<JournalRow>> {
        let held = self.held();
        let mut lines = Vec::new();
        let mut next = Some(head);
        while lines.len() < limit
            && let Some(line) = next.and_then(|id| held.journal.get(&id)).map(|(_, line)| line)
        {
            next = line.previous;
            lines.push(line.clone());
        }
        Ok(lines)
    }
    fn journal(&self, page: PageRequest) -> Answer<Page<JournalRow>> {
        let held = self.held();
        let after = page.after.map(|cursor| JournalId(cursor.0));
        let end = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows: Vec<JournalRow> = if self.place.is_only() {
            let rows = held.journal.range((Bound::Unbounded, end)).rev().map(|(_, (_, row))| row.clone());
            rows.take(page.limit + 1).collect()
        } else {
            let after = match after {
                None => Some((Time(i64::MAX), JournalId(i64::MAX))),
                Some(id) => held.journal.get(&id).map(|(at, _)| (*at, id)),
            };
            let mut rows: Vec<_> = held.journal.iter().map(|(id, (at, row))| ((*at, *id), row)).collect();
            rows.retain(|(place, _)| after.is_some_and(|after| *place < after));
            rows.sort_by_key(|(place, _)| Reverse(*place));
            rows.into_iter().take(page.limit + 1).map(|(_, row)| row.clone()).collect()
        };
        Ok(Page::of(rows, page.limit, |row| row.id.0))
    }

    fn due_notifications(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<Notification>> {
        self.due_notifications_past(of, now, None, &[], limit)
    }
    fn due_notifications_past(
        &self,
        of: ShardSet,
        now: Time,
        past: Option<(Time, NotificationId)>,
        except: &[MerchantId],
        limit: usize,
    ) -> Answer<Vec<Notification>> {
        let held = self.held();
        let place = |row: &Notification| row.next_at.map(|at| (at, row.id));
        let due = |row: &Notification| place(row).is_some_and(|place| place.0 <= now && Some(place) > past);
        let mut rows: Vec<_> = held.rows.notifications.values().copied().filter(due).collect();
        rows.retain(|row| !except.contains(&row.merchant) && within(of, Shard::of_id(row.id.0)));
        Ok(earliest(rows, limit, place))
    }
    fn due_payments(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<Payment>> {
        let held = self.held();
        let due =
            |row: &&Payment| row.ask_at.is_some_and(|at| at <= now) && within(of, Shard::of_id(row.id.0));
        let rows: Vec<_> = held.rows.payments.values().filter(due).cloned().collect();
        Ok(earliest(rows, limit, |row| (row.ask_at, row.id)))
    }
    fn due_refunds(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<Refund>> {
        let held = self.held();
        let due =
            |row: &&Refund| row.due_at.is_some_and(|at| at <= now) && within(of, Shard::of_id(row.id.0));
        let rows: Vec<_> = held.rows.refunds.values().filter(due).cloned().collect();
        Ok(earliest(rows, limit, |row| (row.due_at, row.id)))
    }
    fn due_orders(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<OrderId>> {
        let held = self.held();
        let due = |row: &&Order| {
            matches!(row.state, OrderState::Open | OrderState::Paying)
                && row.payment.is_none()
                && row.expires_at <= now
                && within(of, row.shard)
        };
        let rows: Vec<_> =
            held.rows.orders.values().filter(due).map(|row| (row.expires_at, row.id)).collect();
        Ok(earliest(rows, limit, |row| *row).into_iter().map(|(_, id)| id).collect())
    }
    fn stale(&self, of: ShardSet, now: Time, limit: usize) -> Answer<Vec<Key>> {
        let held = self.held();
        let rows = &held.rows;
        let over = |end: Time| end.plus(sweep::KEPT) < now;
        let codes = rows.payment_codes.values().filter(|row| over(row.expires_at));
        let sessions = rows.sessions.values().filter(|row| over(row.expires_at));
        let staff = rows.staff_sessions.values().filter(|row| over(row.expires_at));
        let sent = rows.one_time_codes.values().filter(|row| row.sent_at.plus(time::DAY) < now);
        let oauth = rows.oauth_codes.values().filter(|row| over(row.expires_at));
        let requests = rows.requests.values().filter(|row| over(row.at.plus(time::DAY)));
        let keys = codes
            .map(|row| Key::PaymentCode(row.code))
            .chain(sessions.map(|row| Key::Session(row.token)))
            .chain(staff.map(|row| Key::StaffSession(row.token)))
            .chain(sent.map(|row| Key::OneTimeCode(row.phone)))
            .chain(oauth.map(|row| Key::OauthCode(row.code)))
            .chain(rows.echoes.range(..echo::oldest_kept(now)).map(|(id, _)| Key::Echo(*id)))
            .chain(requests.map(|row| Key::Request(row.key)));
        Ok(keys.filter(|key| within(of, shard_of(rows, key, of))).take(limit).collect())
    }
    fn crossings(&self, of: ShardSet, limit: usize) -> Answer<Vec<Crossing>> {
        let held = self.held();
        let rows = held.rows.crossings.values().filter(|row| within(of, Shard::of_id(row.id.0)));
        Ok(rows.take(limit).copied().collect())
    }

    fn each_account(&self, take: &mut dyn FnMut(Account)) -> Answer<()> {
        self.each(|held| held.rows.accounts.values().copied().collect(), take)
    }
    fn each_transfer(&self, take: &mut dyn FnMut(Transfer)) -> Answer<()> {
        self.each(|held| held.rows.transfers.values().copied().collect(), take)
    }
    fn each_order(&self, take: &mut dyn FnMut(Order)) -> Answer<()> {
        self.each(|held| held.rows.orders.values().cloned().collect(), take)
    }
    fn each_payment(&self, take: &mut dyn FnMut(Payment)) -> Answer<()> {
        self.each(|held| held.rows.payments.values().cloned().collect(), take)
    }
    fn each_refund(&self, take: &mut dyn FnMut(Refund)) -> Answer<()> {
        self.each(|held| held.rows.refunds.values().cloned().collect(), take)
    }
    fn each_notification(&self, take: &mut dyn FnMut(Notification)) -> Answer<()> {
        self.each(|held| held.rows.notifications.values().copied().collect(), take)
    }
    fn each_combined(&self, take: &mut dyn FnMut(Combined)) -> Answer<()> {
        self.each(|held| held.rows.combined.values().cloned().collect(), take)
    }
    fn each_crossing(&self, take: &mut dyn FnMut(Crossing)) -> Answer<()> {
        self.each(|held| held.rows.crossings.values().copied().collect(), take)
    }
    fn transfers_between(
        &self,
        from: TransferId,
        to: TransferId,
        take: &mut dyn FnMut(Transfer),
    ) -> Answer<()> {
        if from >= to {
            return Ok(());
        }
        self.each(|held| held.rows.transfers.range(from..to).map(|(_, row)| *row).collect(), take)
    }
    fn refunds_between(&self, from: RefundId, to: RefundId, take: &mut dyn FnMut(Refund)) -> Answer<()> {
        if from >= to {
            return Ok(());
        }
        self.each(|held| held.rows.refunds.range(from..to).map(|(_, row)| row.clone()).collect(), take)
    }
    fn transfers_voided(&self, from: Time, to: Time, take: &mut dyn FnMut(Transfer)) -> Answer<()> {
        let voided = |row: &&Transfer| row.state == TransferState::Voided && (from..to).contains(&row.at);
        let mut rows: Vec<Transfer> = self.held().rows.transfers.values().filter(voided).copied().collect();
        rows.sort_by_key(|row| (row.at, row.id));
        rows.into_iter().for_each(take);
        Ok(())
    }
    fn records(&self, keys: &[Key]) -> Answer<Vec<Option<Record>>> {
        let held = self.held();
        Ok(keys.iter().map(|key| held.rows.get(key)).collect())
    }
    fn merchant_balances(&self, at: Time) -> Answer<Vec<(AccountId, i64)>> {
        let held = self.held();
        let own = held.rows.accounts.values().filter(|account| account.id.kind().is_merchants_own());
        let mut balances: BTreeMap<_, _> = own
            .map(|row| {
                let came = row.credits_posted + row.credits_pending;
                (row.id, came - row.debits_posted - row.debits_pending)
            })
            .collect();
        let first = TransferId(first_id_at(at));
        for row in held.rows.transfers.values() {
            let moved = match (row.id >= first, row.state == TransferState::Voided) {
                (true, false) => row.amount,
                (false, true) if row.at >= at => -row.amount,
                _ => 0,
            };
            balances.entry(row.credit).and_modify(|balance| *balance -= moved);
            balances.entry(row.debit).and_modify(|balance| *balance += moved);
        }
        Ok(balances.into_iter().collect())
    }
    fn counts(&self) -> Answer<Counts> {
        let held = self.held();
        let batch = held.shards.get(&self.place.shard).map_or(0, |standing| standing.stands.batch);
        Ok(Counts { batch, bytes: i64::try_from(held.rows.size()).unwrap_or(i64::MAX) })
    }
}

/// Whether a record of `shard` is one of those asked for; with all of them, whatever its shard.
pub(super) fn within(of: ShardSet, shard: Shard) -> bool {
    of.is_all() || of.contains(shard)
}

/// The shard of a short-lived record that is there.
fn shard_of(rows: &super::Rows, key: &Key, of: ShardSet) -> Shard {
    let shards = of.shards();
    match key {
        Key::PaymentCode(code) => shards.of_code(*code),
        Key::Session(token) => {
            rows.sessions.get(token).map_or(Shard::FIRST, |row| shards.of_payer(row.payer))
        }
        Key::OauthCode(code) => {
            rows.oauth_codes.get(code).map_or(Shard::FIRST, |row| shards.of_payer(row.payer))
        }
        Key::OneTimeCode(phone) => shards.of_phone(&phone.0),
        Key::Request(key) => Shard::of_id(i64::from(key.0[31]) << 16),
        Key::Echo(id) => Shard::of_id(id.0),
        _ => Shard::FIRST,
    }
}

impl Memory {
    /// Gives every row of one kind; the lock is let go first, so that `take` may read the store.
    fn each<T>(&self, rows: impl FnOnce(&Held) -> Vec<T>, take: &mut dyn FnMut(T)) -> Answer<()> {
        let rows = rows(&self.held());
        rows.into_iter().for_each(take);
        Ok(())
    }
}

pub(super) fn earliest<T, K: Ord>(mut rows: Vec<T>, limit: usize, by: impl Fn(&T) -> K) -> Vec<T> {
    rows.sort_by_key(by);
    rows.truncate(limit);
    rows
}
