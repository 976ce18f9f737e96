//! A merchant's bill out of its day: records are fetched some hundreds at a time, rows go out as bytes.

use super::day::{Day, DayError, Flow};
use super::shared::Shared;
use crate::wire::trade_type;
use crypto::Tokens;
use domain::{
    Key, Record,
    fee::{self, Fees},
    merchant::{Merchant, Product},
    order::Order,
    partner::Permission,
    refund::{Refund, RefundState},
};
use engine::{Fault, Queries};
use ledger::TransferKind;
use protocol::{
    bill::{ask::Bill, fund, trade},
    sharing::detail_id,
    transaction::Paid,
};
use std::{collections::HashMap, io};
use types::{
    BusinessDay, CardId, MerchantId, Money, OrderId, PayoutId, Rate, RefundId, RefundNumber, ShareNumber,
    ShareReturnNumber, Time, TransactionId, TransferBatchId, TransferBatchNo, TransferBillNo, TransferId,
    UserTransferId, id_time, time,
};

/// Records fetched at once.
const PIECE: usize = 1_000;
/// Bytes of rows collected before they are passed on.
pub(super) const BYTES: usize = 256 * 1024;
/// When the bill of a day is drawn up, after the day's start: 09:00 of the next day (wire §6). What refunds come to
/// later is not in it, so that it says the same whenever it is made.
pub(super) const DRAWN_UP: i64 = time::DAY + 9 * time::HOUR;

/// Takes the next bytes of a bill.
pub(super) type Out<'a> = &'a mut dyn FnMut(Vec<u8>) -> io::Result<()>;

/// Whose bill is to be made, of what.
pub(super) struct Made<'a> {
    pub(super) queries: &'a dyn Queries,
    pub(super) tokens: &'a Tokens,
    pub(super) day: &'a Day,
    pub(super) date: BusinessDay,
    pub(super) merchant: MerchantId,
    /// Of a trade bill only what this partner placed for the merchant.
    pub(super) partner: Option<MerchantId>,
}

impl Made<'_> {
    /// Writes a bill to `out`, in pieces; gives its rows. With none, nothing useful was written.
    pub(super) fn write(&self, bill: Bill, out: Out<'_>) -> Result<u64, DayError> {
        match bill {
            Bill::Trade(kind) => self.trade(kind, out),
            Bill::Fund(fund::Account::Basic) => self.fund(out),
            Bill::Sharing => self.shared(out),
            // The ledger has no account of either kind: nothing ever moves in them.
            Bill::Fund(fund::Account::Operation | fund::Account::Fees) => Ok(0),
        }
    }

    /// The merchant's own trade, whoever placed it; then what it placed as a partner, one sub-merchant after the other,
    /// so that memory does not grow with their number.
    fn trade(&self, kind: trade::Kind, out: Out<'_>) -> Result<u64, DayError> {
        let (mut writer, mut bytes) = (trade::Writer::new(kind), Vec::with_capacity(2 * BYTES));
        writer.begin(&mut bytes);
        let mut banks = Banks::default();
        self.trade_of(self.merchant, self.partner, &mut banks, &mut writer, (&mut bytes, out))?;
        let mut past = None;
        while self.partner.is_none() {
            let subs = self.queries.sub_merchants(self.merchant, past, PIECE)?;
            let Some(last) = subs.last() else { break };
            past = Some(last.id);
            let may = |sub: &&Merchant| {
                sub.partnership.is_some_and(|known| known.permissions.has(Permission::Bills))
            };
            for sub in subs.iter().filter(may) {
                let by = Some(self.merchant);
                self.trade_of(sub.id, by, &mut banks, &mut writer, (&mut bytes, out))?;
            }
        }
        writer.end(&mut bytes);
        out(bytes)?;
        Ok(writer.totals().rows)
    }

    /// A merchant's trade; only what `by` placed for it, when given.
    fn trade_of(
        &self,
        merchant: MerchantId,
        by: Option<MerchantId>,
        banks: &mut Banks,
        writer: &mut trade::Writer,
        (bytes, out): (&mut Vec<u8>, Out<'_>),
    ) -> Result<(), DayError> {
        let mut pieces = Pieces::new(self.events(merchant, writer.kind()));
        let mut rates = None;
        while let Some(piece) = pieces.next()? {
            let found = self.fetch(&piece)?;
            banks.fetch(self.queries, found.orders.values())?;
            let rates = match &mut rates {
                Some(rates) => &*rates,
                none => none.insert(self.rates(merchant)?),
            };
            for event in &piece {
                self.row(*event, by, (&found, rates, banks), writer, bytes)?;
            }
            if bytes.len() >= BYTES {
                out(std::mem::replace(bytes, Vec::with_capacity(2 * BYTES)))?;
            }
        }
        Ok(())
    }

    fn rates(&self, merchant: MerchantId) -> Result<Rates, DayError> {
        let own = self.queries.records(&[Key::Fees(merchant), Key::Fees(fee::PLATFORM)])?;
        let mut own = own.into_iter().map(|record| match record {
            Some(Record::Fees(fees)) => Some(fees),
            _ => None,
        });
        Ok(Rates { own: own.next().flatten(), platform: own.next().flatten() })
    }

    /// Payments, reversals and refunds, by time.
    fn events(
        &self,
        merchant: MerchantId,
        kind: trade::Kind,
    ) -> impl Iterator<Item = Result<Event, DayError>> + '_ {
        let flows = self.day.flows(merchant).filter_map(move |flow| {
            let flow = match flow {
                Ok(flow) => flow,
                Err(error) => return Some(Err(error)),
            };
            let event = match flow.kind {
                TransferKind::Payment if !flow.undone => Event::Paid(flow.id, OrderId(flow.subject)),
                TransferKind::Reversal if !flow.undone => Event::Reversed(flow.id, OrderId(flow.subject)),
                _ => return None,
            };
            kind.takes(!matches!(event, Event::Paid(..))).then_some(Ok(event))
        });
        let refunds = kind.takes(true).then(|| self.day.refunds(merchant));
        let refunds = refunds.into_iter().flatten().map(|refund| refund.map(Event::Refunded));
        merged(flows, refunds, Event::id)
    }

    fn fetch(&self, piece: &[Event]) -> Result<Found, DayError> {
        let mut found = Found::default();
        let keys: Vec<Key> = piece.iter().map(Event::key).collect();
        let mut more = Vec::new();
        for record in self.queries.records(&keys)?.into_iter().flatten() {
            match record {
                Record::Order(order) => drop(found.orders.insert(order.id, order)),
                Record::Refund(refund) => {
                    more.push(Key::Order(refund.order));
                    found.refunds.insert(refund.id, refund);
                }
                _ => {}
            }
        }
        for record in self.queries.records(&more)?.into_iter().flatten() {
            if let Record::Order(order) = record {
                found.orders.insert(order.id, order);
            }
        }
        Ok(found)
    }

    fn row(
        &self,
        event: Event,
        by: Option<MerchantId>,
        (found, rates, banks): (&Found, &Rates, &Banks),
        writer: &mut trade::Writer,
        out: &mut Vec<u8>,
    ) -> Result<(), DayError> {
        let refund = match event {
            Event::Refunded(id) => Some(found.refund(id)?),
            _ => None,
        };
        let order = found.order(match event {
            Event::Paid(_, order) | Event::Reversed(_, order) => order,
            Event::Refunded(_) => refund.map_or(OrderId(0), |refund| refund.order),
        })?;
        let (terms, transaction_id) = (&order.terms, TransactionId(order.id));
        if by.is_some_and(|partner| partner != terms.signer()) {
            return Ok(()); // the sub-merchant's own, or another partner's
        }
        let missing =
            || lost(&format!("order {} was paid, but its row does not say by whom and when", order.id));
        let (payer, paid_at) = order.payer.zip(order.paid_at).ok_or_else(missing)?;
        let amount = terms.amount.minor;
        let (refund_id, out_refund_no);
        let (time, fee, what) = match (event, refund) {
            (Event::Paid(..), _) => {
                (paid_at, order.fee, trade::What::Paid { amount, settlement: amount, coupon: 0 })
            }
            (Event::Reversed(id, _), _) => {
                refund_id = transaction_id.to_string();
                let at = id_time(id.0);
                let returned = trade::Returned {
                    reversal: true,
                    succeeded_at: Some(at),
                    refund_id: &refund_id,
                    out_refund_no: &terms.number,
                    amount,
                    coupon: 0,
                    asked: amount,
                    channel: ORIGINAL,
                    status: "SUCCESS",
                };
                (at, -order.fee, trade::What::Returned(returned))
            }
            (Event::Refunded(_), Some(refund)) => {
                (refund_id, out_refund_no) = (RefundNumber(refund.id).to_string(), &refund.terms.number);
                let (status, succeeded_at) = self.outcome(refund);
                let elsewhere = succeeded_at.is_some() && refund.receiver.is_some();
                let returned = trade::Returned {
                    reversal: false,
                    succeeded_at,
                    refund_id: &refund_id,
                    out_refund_no,
                    amount: refund.terms.amount.minor,
                    coupon: 0,
                    asked: refund.terms.amount.minor,
                    channel: if elsewhere { "OTHER_BANKCARD" } else { ORIGINAL },
                    status,
                };
                (refund.created_at, -refund.fee, trade::What::Returned(returned))
            }
            (Event::Refunded(_), None) => return Err(missing()),
        };
        let (rate, rate_note) = rates.of(terms.product, terms.amount, paid_at);
        writer.row(
            &trade::Row {
                time,
                appid: terms.app,
                mchid: terms.signer(),
                sub_mchid: terms.partner.map(|_| terms.merchant),
                device: &terms.device,
                transaction_id,
                out_trade_no: &terms.number,
                openid: &self.tokens.openid(terms.app, payer),
                trade_type: trade_type(terms.product),
                bank: banks.of(order.card),
                what,
                description: &terms.description,
                attach: &terms.attach,
                fee,
                rate,
                rate_note: &rate_note,
            },
            out,
        );
        Ok(())
    }

    /// Where a refund stood when the bill was drawn up.
    fn outcome(&self, refund: &Refund) -> (&'static str, Option<Time>) {
        let drawn_up = self.date.start().plus(DRAWN_UP);
        match (refund.state, refund.ended_at.filter(|at| *at <= drawn_up)) {
            (RefundState::Succeeded, Some(at)) => ("SUCCESS", Some(at)),
            (RefundState::Closed, Some(_)) => ("CLOSED", None),
            _ => ("PROCESSING", None),
        }
    }

    fn fund(&self, out: Out<'_>) -> Result<u64, DayError> {
        let (mut writer, mut bytes) = (fund::Writer::default(), Vec::with_capacity(2 * BYTES));
        writer.begin(&mut bytes);
        let mut balance = self.opening()?;
        // What moved between two accounts of the merchant itself changed nothing.
        let changes = |flow: &Result<Flow, DayError>| flow.as_ref().map_or(true, |flow| flow.change != 0);
        let mut pieces = Pieces::new(self.day.flows(self.merchant).filter(changes));
        while let Some(piece) = pieces.next()? {
            let found = self.fetch_flows(&piece)?;
            for flow in &piece {
                balance = balance.checked_add(flow.change).ok_or(DayError::Damaged)?;
                self.flow(flow, balance, &found, &mut writer, &mut bytes)?;
            }
            if bytes.len() >= BYTES {
                out(std::mem::replace(&mut bytes, Vec::with_capacity(2 * BYTES)))?;
            }
        }
        writer.end(&mut bytes);
        out(bytes)?;
        let totals = writer.totals();
        Ok(totals.in_rows + totals.out_rows)
    }

    /// The balance at the day's start: that at its end without what moved.
    fn opening(&self) -> Result<i64, DayError> {
        let mut opening = self.day.closing(self.merchant);
        for flow in self.day.flows(self.merchant) {
            opening = opening.checked_sub(flow?.change).ok_or(DayError::Damaged)?;
        }
        Ok(opening)
    }

    fn fetch_flows(&self, piece: &[Flow]) -> Result<Found, DayError> {
        let events = piece.iter().filter_map(|flow| match flow.kind {
            TransferKind::Refund | TransferKind::RefundFee => Some(Event::Refunded(RefundId(flow.subject))),
            TransferKind::Payment | TransferKind::Fee | TransferKind::Reversal | TransferKind::FeeReturn => {
                Some(Event::Paid(flow.id, OrderId(flow.subject)))
            }
            _ => None,
        });
        let mut events: Vec<Event> = events.collect();
        events.dedup_by_key(|event| event.key_number());
        let mut found = self.fetch(&events)?;
        found.shared = self.fetch_shared(piece)?;
        self.fetch_user_transfers(piece, &mut found)?;
        let voided: Vec<Key> =
            piece.iter().filter(|flow| flow.undone).map(|flow| Key::Transfer(flow.id)).collect();
        for record in self.queries.records(&voided)?.into_iter().flatten() {
            if let Record::Transfer(transfer) = record {
                found.voided.insert(transfer.id, transfer.at);
            }
        }
        Ok(found)
    }

    fn fetch_user_transfers(&self, piece: &[Flow], found: &mut Found) -> Result<(), DayError> {
        let ours = |flow: &&Flow| {
            matches!(flow.kind, TransferKind::UserTransferHold | TransferKind::UserTransferReturn)
        };
        // Money is set aside for a transfer or for a batch.
        let keys: Vec<Key> = piece
            .iter()
            .filter(ours)
            .flat_map(|flow| {
                let (transfer, batch) = (UserTransferId(flow.subject), TransferBatchId(flow.subject));
                [Key::UserTransfer(transfer), Key::TransferBatch(batch)]
            })
            .collect();
        for record in self.queries.records(&keys)?.into_iter().flatten() {
            let (id, numbers) = match record {
                Record::UserTransfer(one) => {
                    (one.id.0, (TransferBillNo(one.id).to_string(), one.terms.number.to_string()))
                }
                Record::TransferBatch(batch) => {
                    (batch.id.0, (TransferBatchNo(batch.id).to_string(), batch.terms.number.to_string()))
                }
                _ => continue,
            };
            found.user_transfers.insert(id, numbers);
        }
        Ok(())
    }

    fn flow(
        &self,
        flow: &Flow,
        balance: i64,
        found: &Found,
        writer: &mut fund::Writer,
        out: &mut Vec<u8>,
    ) -> Result<(), DayError> {
        let (name, kind) = business(flow);
        let (mut note, mut submitter) = (String::new(), "system".to_owned());
        let (business_id, voucher) = match flow.kind {
            TransferKind::Payment | TransferKind::Fee | TransferKind::Reversal | TransferKind::FeeReturn => {
                let order = found.order(OrderId(flow.subject))?;
                (TransactionId(order.id).to_string(), order.terms.number.to_string())
            }
            TransferKind::Refund | TransferKind::RefundFee => {
                let refund = found.refund(RefundId(flow.subject))?;
                note = refund.terms.reason.to_string();
                submitter = match refund.maker {
                    None => format!("{}API", refund.terms.signer()),
                    Some(maker) => format!("operator {maker}"),
                };
                (RefundNumber(refund.id).to_string(), format!("REF{}", TransactionId(refund.order)))
            }
            TransferKind::Share => {
                let (share, place, part) = found.shared.part(flow)?;
                note = part.description.to_string();
                submitter = format!("{}API", share.principal().signer());
                let number = ShareNumber(share.id);
                (number.to_string(), detail_id(number, place))
            }
            TransferKind::ShareReturn => {
                let one = found.shared.back(flow)?;
                note = one.description.to_string();
                submitter = format!("{}API", one.principal().signer());
                (ShareReturnNumber(one.id).to_string(), one.number.to_string())
            }
            TransferKind::Payout | TransferKind::PayoutReturned => {
                let number = PayoutId(flow.subject).to_string();
                (number.clone(), number)
            }
            // One of the platform's numbers, by whether it is a single transfer's or a batch's money.
            TransferKind::UserTransferHold | TransferKind::UserTransferReturn => {
                match found.user_transfers.get(&flow.subject) {
                    Some((number, out_number)) => (number.clone(), out_number.clone()),
                    None => (flow.subject.to_string(), String::new()),
                }
            }
            _ => (flow.subject.to_string(), String::new()),
        };
        let voided = || lost(&format!("transfer {} was voided, but it is not there", flow.id));
        let time = if flow.undone { *found.voided.get(&flow.id).ok_or_else(voided)? } else { flow.made_at() };
        writer.row(
            &fund::Row {
                time,
                business_id: &business_id,
                flow_id: &flow.id.to_string(),
                name,
                kind,
                change: flow.change,
                balance,
                submitter: &submitter,
                note: &note,
                voucher: &voucher,
            },
            out,
        );
        Ok(())
    }
}

const ORIGINAL: &str = "ORIGINAL";

/// 业务名称 and 业务类型 of a flow.
fn business(flow: &Flow) -> (&'static str, &'static str) {
    if flow.undone {
        return match flow.kind {
            TransferKind::Refund => ("退款关闭退回", "退款"),
            TransferKind::RefundFee => ("退款关闭扣回手续费", "交易手续费"),
            _ => ("冲正", "冲正"),
        };
    }
    match flow.kind {
        TransferKind::Payment => ("交易", "交易"),
        TransferKind::Fee => ("扣除交易手续费", "交易手续费"),
        TransferKind::Reversal => ("交易撤销", "退款"),
        TransferKind::Refund => ("退款", "退款"),
        TransferKind::FeeReturn | TransferKind::RefundFee => ("退还交易手续费", "交易手续费"),
        TransferKind::Share if flow.change > 0 => ("分账入账", "分账"),
        TransferKind::Share => ("分账", "分账"),
        TransferKind::ShareReturn => ("分账回退", "分账回退"),
        TransferKind::Payout => ("提现", "提现"),
        TransferKind::PayoutReturned => ("提现退回", "提现"),
        TransferKind::UserTransferHold => ("商家转账", "转账"),
        TransferKind::UserTransferReturn => ("商家转账退回", "转账"),
        other => (other.name(), other.name()),
    }
}

/// What a trade bill's row is about. Ids sort by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Paid(TransferId, OrderId),
    Reversed(TransferId, OrderId),
    Refunded(RefundId),
}

impl Event {
    fn id(&self) -> i64 {
        match self {
            Self::Paid(id, _) | Self::Reversed(id, _) => id.0,
            Self::Refunded(id) => id.0,
        }
    }
    fn key(&self) -> Key {
        match self {
            Self::Paid(_, order) | Self::Reversed(_, order) => Key::Order(*order),
            Self::Refunded(refund) => Key::Refund(*refund),
        }
    }
    /// Tells whether two neighbours ask for the same record.
    fn key_number(&self) -> i64 {
        match self {
            Self::Paid(_, order) | Self::Reversed(_, order) => order.0,
            Self::Refunded(refund) => refund.0,
        }
    }
}

/// Records of one piece.
#[derive(Default)]
struct Found {
    orders: HashMap<OrderId, Order>,
    refunds: HashMap<RefundId, Refund>,
    voided: HashMap<TransferId, Time>,
    shared: Shared,
    /// The platform's and the merchant's number of transfers to users and of batches, by id.
    user_transfers: HashMap<i64, (String, String)>,
}

impl Found {
    fn order(&self, id: OrderId) -> Result<&Order, DayError> {
        self.orders.get(&id).ok_or_else(|| lost(&format!("order {id} is named, but it is not there")))
    }
    fn refund(&self, id: RefundId) -> Result<&Refund, DayError> {
        self.refunds.get(&id).ok_or_else(|| lost(&format!("refund {id} is named, but it is not there")))
    }
}

/// A record that must be in the store is not.
pub(super) fn lost(what: &str) -> DayError {
    DayError::Store(Fault::Failed(what.to_owned()))
}

/// The fee schedules that a merchant's payments are charged by.
struct Rates {
    own: Option<Fees>,
    platform: Option<Fees>,
}

impl Rates {
    /// The rate, and a remark on what is added to it.
    fn of(&self, product: Product, amount: Money, paid_at: Time) -> (Rate, String) {
        let (_, rule) = fee::preview(self.own.as_ref(), self.platform.as_ref(), product, amount, paid_at);
        let (rate, fixed) = rule.rate_at(amount.minor, paid_at);
        let added = (fixed > 0).then(|| format!("每笔另加{}元", Money { minor: fixed, ..amount }));
        (rate, added.unwrap_or_default())
    }
}

/// Banks of cards, as the wire calls them.
#[derive(Default)]
struct Banks(HashMap<CardId, Box<str>>);

impl Banks {
    /// Cards remembered before all are forgotten.
    const MOST: usize = 20_000;

    fn fetch<'o>(
        &mut self,
        queries: &dyn Queries,
        orders: impl Iterator<Item = &'o Order>,
    ) -> Result<(), Fault> {
        if self.0.len() > Self::MOST {
            self.0.clear();
        }
        let cards = orders.filter_map(|order| order.card).filter(|card| !self.0.contains_key(card));
        let keys: Vec<Key> = cards.map(Key::Card).collect();
        for record in queries.records(&keys)?.into_iter().flatten() {
            if let Record::Card(card) = record {
                self.0.insert(card.id, card.bank);
            }
        }
        Ok(())
    }
    fn of(&self, card: Option<CardId>) -> &str {
        card.and_then(|card| self.0.get(&card)).map_or(Paid::WALLET, |bank| bank)
    }
}

/// An iterator taken in pieces.
pub(super) struct Pieces<I>(I);

impl<T, I: Iterator<Item = Result<T, DayError>>> Pieces<I> {
    pub(super) const fn new(of: I) -> Self {
        Self(of)
    }
    pub(super) fn next(&mut self) -> Result<Option<Vec<T>>, DayError> {
        let piece: Vec<T> = self.0.by_ref().take(PIECE).collect::<Result<_, _>>()?;
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }
}

/// Two iterators in the order of a number, each of which is in that order. An error comes at once.
fn merged<T>(
    one: impl Iterator<Item = Result<T, DayError>>,
    two: impl Iterator<Item = Result<T, DayError>>,
    by: impl Fn(&T) -> i64,
) -> impl Iterator<Item = Result<T, DayError>> {
    let (mut one, mut two) = (one.peekable(), two.peekable());
    std::iter::from_fn(move || {
        let first = match (one.peek(), two.peek()) {
            (Some(Ok(a)), Some(Ok(b))) => by(a) <= by(b),
            (_, Some(Err(_))) | (None, _) => false,
            (Some(_), _) => true,
        };
        if first { one.next() } else { two.next() }
    })
}
