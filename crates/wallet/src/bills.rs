//! Bills: what was paid and topped up, by month, and each with its story.

use crate::{
    app::App,
    page::{self, Page, Tab},
    problem::{Fail, Problem},
    text::{names, show},
    transfers,
    visit::{SignedIn, Visit},
};
use askama::Template;
use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use domain::{
    card::Card,
    limit::BillEntry,
    merchant::Merchant,
    order::{Order, OrderState},
    payment::{Payment, PaymentState},
    refund::{Refund, RefundState},
    user_transfer::UserTransferState,
};
use engine::{
    Fault, Queries,
    query::{Bill, JournalRow},
};
use ledger::{AccountKind, Transfer, TransferState};
use protocol::Language;
use serde::Deserialize;
use std::collections::HashMap;
use types::{
    CombineTransactionId, MerchantId, Money, OrderId, PayerId, PaymentId, RefundNumber, Time, TransactionId,
    UserTransferId,
};

/// Entries on a page of the list.
const PAGE: usize = 20;
/// Journal lines read for a timeline.
pub(crate) const TIMELINE_MAX: usize = 100;

/// A bill entry with the merchant's name.
pub(crate) struct Named {
    bill: Bill,
    merchant: Option<Box<str>>,
}

/// Adds merchants' names, asking once for each merchant.
///
/// # Errors
/// The store's fault.
pub(crate) fn named(queries: &dyn Queries, bills: Vec<Bill>) -> Result<Vec<Named>, Fault> {
    let mut known: HashMap<MerchantId, Option<Box<str>>> = HashMap::new();
    let mut out = Vec::with_capacity(bills.len());
    for bill in bills {
        let merchant = match &bill {
            Bill::TopUp(_) => None,
            Bill::Order(order) => Some(order.terms.merchant),
            Bill::UserTransfer(transfer) => Some(transfer.terms.merchant),
        };
        let merchant = match merchant {
            None => None,
            Some(id) => match known.get(&id) {
                Some(name) => name.clone(),
                None => {
                    let name = queries.merchant(id)?.map(|merchant| merchant.name);
                    known.insert(id, name.clone());
                    name
                }
            },
        };
        out.push(Named { bill, merchant });
    }
    Ok(out)
}

/// A line of the list.
pub(crate) struct Entry {
    pub(crate) id: i64,
    pub(crate) title: String,
    pub(crate) detail: String,
    pub(crate) amount: String,
    /// Money came in; else it went out.
    pub(crate) incoming: bool,
    pub(crate) reversed: bool,
    /// Paid together with other orders (合单).
    pub(crate) together: bool,
    /// What came back or is on its way back, if anything.
    pub(crate) refunded: Option<String>,
    pub(crate) at: Time,
}

impl Entry {
    pub(crate) fn of(named: Named, language: Language) -> Self {
        match named.bill {
            Bill::Order(order) => {
                let merchant = named.merchant.unwrap_or_default();
                Self {
                    id: order.id.0,
                    title: merchant.into(),
                    detail: order.terms.description.to_string(),
                    amount: format!("-{}", show::money(order.terms.amount)),
                    incoming: false,
                    reversed: order.state == OrderState::Revoked,
                    together: order.whole().is_some(),
                    refunded: refunded(&order),
                    at: order.paid_at.unwrap_or_default(),
                }
            }
            Bill::UserTransfer(transfer) => Self {
                id: transfer.id.0,
                title: named.merchant.unwrap_or_default().into(),
                detail: transfer.terms.remark.to_string(),
                amount: format!("+{}", show::money(transfer.terms.amount)),
                incoming: true,
                reversed: false,
                together: false,
                refunded: None,
                at: transfer.updated_at,
            },
            Bill::TopUp(payment) => Self {
                id: payment.id.0,
                title: crate::text::text(language, "bill-top-up", None).into_owned(),
                detail: String::new(),
                amount: format!("+{}", show::money(payment.amount)),
                incoming: true,
                reversed: false,
                together: false,
                refunded: None,
                at: payment.created_at,
            },
        }
    }
}

/// What came back of an order, or is on its way back.
fn refunded(order: &Order) -> Option<String> {
    let (sum, currency) = (order.refunded.sum, order.terms.amount.currency);
    (sum > 0).then(|| show::money(Money::new(sum, currency)))
}

/// The entries of one month.
struct Month {
    name: String,
    entries: Vec<Entry>,
}

fn by_month(entries: Vec<Entry>) -> Vec<Month> {
    let mut months: Vec<Month> = Vec::new();
    for entry in entries {
        let name = show::month(entry.at);
        match months.last_mut() {
            Some(month) if month.name == name => month.entries.push(entry),
            _ => months.push(Month { name, entries: vec![entry] }),
        }
    }
    months
}

#[derive(Deserialize)]
pub(crate) struct From {
    from: Option<i64>,
}

#[derive(Template)]
#[template(path = "bills.html")]
struct BillsPage {
    p: Page,
    months: Vec<Month>,
    first: bool,
    next: Option<i64>,
}

/// The list, newest first.
pub(crate) async fn list(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    Query(From { from }): Query<From>,
) -> Result<Response, Fail> {
    let payer = member.payer.id;
    // A cursor is an entry of this payer's own bill; another's would open another's list.
    if let Some(from) = from
        && !owns(app.queries(), payer, from)?
    {
        return Err(Problem::not_found().into());
    }
    let read = app.read(move |queries| {
        let bill = queries.bill(payer, from.map(BillEntry), PAGE + 1)?;
        named(queries, bill)
    });
    let mut entries: Vec<Entry> =
        read.await?.into_iter().map(|named| Entry::of(named, visit.language)).collect();
    let next = entries.get(PAGE).map(|entry| entry.id);
    entries.truncate(PAGE);
    let p = Page::new(&app, &visit, Tab::Bills);
    page::show(&BillsPage { p, months: by_month(entries), first: from.is_none(), next })
}

/// Whether a bill entry is this payer's.
fn owns(queries: &dyn Queries, payer: PayerId, entry: i64) -> Result<bool, Fault> {
    if let Some(order) = queries.order(OrderId(entry))? {
        return Ok(order.payer == Some(payer) && order.paid_at.is_some());
    }
    if let Some(transfer) = queries.user_transfer(UserTransferId(entry))? {
        return Ok(transfer.terms.payer == payer && transfer.state == UserTransferState::Succeeded);
    }
    let received = |payment: Payment| payment.payer == payer && payment.state == PaymentState::Succeeded;
    Ok(queries.payment(PaymentId(entry))?.is_some_and(received))
}

/// A step of a record's story.
pub(crate) struct Step {
    pub(crate) at: Time,
    pub(crate) who: String,
    pub(crate) what: String,
    pub(crate) why: Option<String>,
}

pub(crate) fn steps(rows: &[JournalRow], me: PayerId, language: Language) -> Vec<Step> {
    let step = |row: &JournalRow| Step {
        at: row.at,
        who: names::actor(row, me).say(language).into_owned(),
        what: names::deed(row).say(language).into_owned(),
        why: names::outcome(row).map(|phrase| phrase.say(language).into_owned()),
    };
    rows.iter().rev().map(step).collect()
}

/// A movement in the ledger as the payer may see it.
struct Movement {
    id: String,
    kind: &'static str,
    /// Whether it is held, has moved or was released.
    state: &'static str,
    amount: Money,
    from: &'static str,
    to: &'static str,
    at: Time,
}

impl Movement {
    fn of(transfer: &Transfer) -> Self {
        let place = |kind| match kind {
            AccountKind::PayerBalance => "place-your-balance",
            AccountKind::MerchantUnsettled => "place-merchant",
            AccountKind::ChannelReceivable => "place-bank",
            _ => "place-platform",
        };
        let state = match transfer.state {
            TransferState::Pending => "moved-held",
            TransferState::Posted => "moved-posted",
            TransferState::Voided => "moved-voided",
        };
        let kind = match transfer.kind {
            ledger::TransferKind::Payment => "kind-payment",
            ledger::TransferKind::TopUp => "kind-top-up",
            ledger::TransferKind::Reversal => "kind-reversal",
            ledger::TransferKind::Fee => "kind-fee",
            ledger::TransferKind::FeeReturn => "kind-fee-return",
            ledger::TransferKind::ShardSend | ledger::TransferKind::ShardReceive => "kind-between-shards",
            _ => "kind-other", // a payer's page shows no other
        };
        Self {
            id: transfer.id.to_string(),
            kind,
            state,
            amount: Money::new(transfer.amount, transfer.debit.currency()),
            from: place(transfer.debit.kind()),
            to: place(transfer.credit.kind()),
            at: transfer.at,
        }
    }
}

/// A refund as the payer may see it: what the merchant gets back of its fee is not the payer's to know.
struct Return {
    amount: Money,
    state: &'static str,
    good: bool,
    /// Where the money goes; none for the balance.
    card: Option<String>,
    reason: Option<String>,
    number: String,
    at: Time,
    ended_at: Option<Time>,
}

impl Return {
    fn of(refund: &Refund, order: &Order, card: Option<&String>, language: Language) -> Self {
        let terms = &refund.terms;
        // A small part of an order is returned without a reason (wire §4).
        let shown = terms.amount.minor > 100 || terms.amount == order.terms.amount;
        let to = refund.receiver.as_ref().map(|to| names::card(&to.bank, &to.tail, language));
        Self {
            amount: terms.amount,
            state: match refund.state {
                RefundState::Waiting | RefundState::Processing | RefundState::Unknown => "refund-processing",
                RefundState::Succeeded => "refund-succeeded",
                RefundState::Abnormal => "refund-abnormal",
                RefundState::Closed => "refund-closed",
            },
            good: refund.state == RefundState::Succeeded,
            card: to.or_else(|| card.cloned()),
            reason: Some(terms.reason.to_string()).filter(|reason| shown && !reason.is_empty()),
            number: RefundNumber(refund.id).to_string(),
            at: refund.created_at,
            ended_at: refund.ended_at,
        }
    }
}

#[derive(Template)]
#[template(path = "bill_order.html")]
struct OrderPage {
    p: Page,
    order: Order,
    merchant: String,
    number: String,
    card: Option<String>,
    steps: Vec<Step>,
    movements: Vec<Movement>,
    returns: Vec<Return>,
    together: Option<Together>,
}

/// The combined order that an order was paid with, and the others of it.
struct Together {
    total: Money,
    number: String,
    others: Vec<(i64, String, Money)>,
}

impl Together {
    fn of(queries: &dyn Queries, order: &Order) -> Result<Option<Self>, Fault> {
        let Some(whole) = order.whole().map(|id| queries.combined(id)).transpose()?.flatten() else {
            return Ok(None);
        };
        let mut others = Vec::new();
        for other in queries.orders_of(&whole)?.into_iter().filter(|other| other.id != order.id) {
            let merchant = queries.merchant(other.terms.merchant)?;
            let name = merchant.map(|merchant| merchant.name.into_string()).unwrap_or_default();
            others.push((other.id.0, name, other.terms.amount));
        }
        Ok(Some(Self { total: whole.total, number: CombineTransactionId(whole.id).to_string(), others }))
    }
}

impl OrderPage {
    fn refunded(&self) -> Option<String> {
        refunded(&self.order)
    }
    fn reversed(&self) -> bool {
        self.order.state == OrderState::Revoked
    }
}

#[derive(Template)]
#[template(path = "bill_top_up.html")]
struct TopUpPage {
    p: Page,
    payment: Payment,
    card: Option<String>,
    steps: Vec<Step>,
}

struct OrderStory {
    order: Order,
    merchant: Option<Merchant>,
    card: Option<Card>,
    rows: Vec<JournalRow>,
    transfers: Vec<Transfer>,
    refunds: Vec<Refund>,
    together: Option<Together>,
}

fn order_story(queries: &dyn Queries, order: Order) -> Result<OrderStory, Fault> {
    let mut transfers = Vec::new();
    for id in [order.transfer, order.reversal].into_iter().flatten() {
        transfers.extend(queries.transfer(id)?);
    }
    Ok(OrderStory {
        merchant: queries.merchant(order.terms.merchant)?,
        card: order.card.map(|card| queries.card(card)).transpose()?.flatten(),
        rows: queries.timeline(order.journal, TIMELINE_MAX)?,
        transfers,
        refunds: queries.refunds_of(&order)?,
        together: Together::of(queries, &order)?,
        order,
    })
}

/// One entry.
pub(crate) async fn detail(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Fail> {
    let me = member.payer.id;
    let id: OrderId = id.parse().map_err(|_| Problem::not_found())?;
    let story = app.read(move |queries| {
        let order = queries.order(id)?.filter(|order| order.payer == Some(me) && order.paid_at.is_some());
        order.map(|order| order_story(queries, order)).transpose()
    });
    if let Some(story) = story.await? {
        return order_page(&app, &visit, me, story);
    }
    if app.queries().user_transfer(UserTransferId(id.0))?.is_some_and(|found| found.terms.payer == me) {
        return Ok(page::see_other(&transfers::path(UserTransferId(id.0))));
    }
    let top_up = app.read(move |queries| {
        let payment = queries.payment(PaymentId(id.0))?;
        let Some(payment) = payment.filter(|p| p.payer == me && p.order.is_none()) else { return Ok(None) };
        let rows = queries.timeline(payment.journal, TIMELINE_MAX)?;
        Ok(Some((queries.card(payment.card)?, rows, payment)))
    });
    let (card, rows, payment) = top_up.await?.ok_or_else(Problem::not_found)?;
    page::show(&TopUpPage {
        p: Page::new(&app, &visit, Tab::Bills),
        card: card.map(|card| names::card(&card.bank, &card.tail, visit.language)),
        steps: steps(&rows, me, visit.language),
        payment,
    })
}

fn order_page(app: &App, visit: &Visit, me: PayerId, story: OrderStory) -> Result<Response, Fail> {
    let OrderStory { order, merchant, card, rows, transfers, refunds, together } = story;
    let card = card.map(|card| names::card(&card.bank, &card.tail, visit.language));
    let returns = refunds.iter().map(|refund| Return::of(refund, &order, card.as_ref(), visit.language));
    let returns = returns.collect();
    page::show(&OrderPage {
        p: Page::new(app, visit, Tab::Bills),
        merchant: merchant.map(|merchant| merchant.name.into_string()).unwrap_or_default(),
        number: TransactionId(order.id).to_string(),
        card,
        returns,
        together,
        steps: steps(&rows, me, visit.language),
        movements: transfers.iter().map(Movement::of).collect(),
        order,
    })
}
