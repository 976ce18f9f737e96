//! One order: amount and state, facts, what moved, what was told, refunds, timeline; and a refund of it.

use crate::{
    app::{App, NONCE, is_nonce},
    form::Posted,
    list::{Cell, Field},
    orders, page,
    page::Page,
    problem::{Fail, Problem, words_of},
    record::{Action, Record, Section},
    visit::SignedIn,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{
    Command, Reply,
    notification::About,
    order::{Order, OrderState},
    refund::{Funds, NewRefund, Refund, RefundTerms},
    staff::Permission,
};
use engine::Refusal;
use std::sync::Arc;
use types::{Currency, IdBlock, Money, NotificationId, OrderId, RefundNumber, TransactionId, id_time};

fn find(app: &App, signed_in: &SignedIn, id: OrderId) -> Result<Order, Fail> {
    let order = app.queries().order(id)?.ok_or_else(Problem::not_found)?;
    signed_in.must(Permission::SeeOrders, crate::partners::order_seen_as(signed_in, &order))?;
    Ok(order)
}

/// `GET /console/orders/{id}`.
pub(crate) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
) -> Result<Response, Fail> {
    let order = find(&app, &signed_in, OrderId(id))?;
    record(&app, &signed_in, &order).await?.show()
}

async fn record(app: &App, signed_in: &SignedIn, order: &Order) -> Result<Record, Fail> {
    let terms = &order.terms;
    let p = Page::new(app, &signed_in.visit).at(&orders::path(order.id)).of(Some(terms.merchant));
    let state = Cell::state(&p, "state", order.state.name());
    let mut record = Record::new(p, "order", terms.number.to_string(), ("menu-orders", orders::PATH), state);
    let p = &record.p;
    let money = |minor| Money::new(minor, terms.amount.currency);
    let facts = [
        ("fact-id", Some(Cell::code(&order.id.to_string()))),
        ("fact-transaction", order.paid_at.map(|_| Cell::code(&TransactionId(order.id).to_string()))),
        (
            "col-merchant",
            Some(Cell::link(&terms.merchant.to_string(), &crate::merchant::path(terms.merchant))),
        ),
        ("partner", terms.partner.map(|by| Cell::link(&by.id.to_string(), &crate::merchant::path(by.id)))),
        ("fact-combined", crate::combined::cell(app, signed_in, order)?),
        ("fact-app", Some(Cell::code(&terms.app.to_string()))),
        ("col-product", Some(Cell::text(&p.word("product", orders::product_name(terms.product))))),
        ("fact-created", Some(Cell::time(p, id_time(order.id.0)))),
        ("fact-paid", order.paid_at.map(|at| Cell::time(p, at))),
        ("fact-expires", (order.state == OrderState::Open).then(|| Cell::time(p, order.expires_at))),
        ("fact-payer", order.payer.map(|payer| Cell::code(&payer.to_string()))),
        (
            "fact-paid-with",
            order
                .paid_at
                .map(|_| Cell::text(&p.t(if order.card.is_some() { "with-card" } else { "with-balance" }))),
        ),
        ("fact-fee", order.paid_at.map(|_| Cell::money(p, money(order.fee)))),
        ("col-refunded", (order.refunded.sum > 0).then(|| Cell::money(p, money(order.refunded.sum)))),
    ];
    for (key, cell) in facts {
        if let Some(cell) = cell {
            record.fact(key, cell);
        }
    }
    record.text("col-description", &terms.description);
    record.text("fact-attach", &terms.attach);
    record.text("fact-device", &terms.device);
    record.text("fact-notify", &terms.notify_url);
    record.amount = Some(record.p.money(terms.amount));
    let refunds = refunds_of(app, order).await?;
    sections(app, order, &refunds, &mut record)?;
    if let Some(shared) = crate::sharing::of(app, order).await? {
        for (key, cell) in shared.facts(&record.p) {
            record.fact(key, cell);
        }
        let mut more = shared.sections(&record.p);
        more.append(&mut record.sections);
        record.sections = more;
    }
    if signed_in.may(Permission::Refund, terms.merchant)
        && let Some(action) = refund_form(app, &record.p, order, None)?
    {
        record.actions.push(action);
    }
    record.with_timeline(app, order.journal).await
}

async fn refunds_of(app: &App, order: &Order) -> Result<Vec<Refund>, Fail> {
    if order.refunded.newest.is_none() {
        return Ok(Vec::new());
    }
    let order = order.clone();
    Ok(app.read(move |queries| queries.refunds_of(&order)).await?)
}

fn sections(app: &App, order: &Order, refunds: &[Refund], record: &mut Record) -> Result<(), Fail> {
    let p = &record.p;
    let mut sections = Vec::new();
    let mut moved = Section::new(p, "transfers", &["col-transfer", "col-kind", "col-amount", "col-state"]);
    for first in [order.transfer, order.reversal].into_iter().flatten() {
        for id in [first.0, first.0 + 1].map(types::TransferId) {
            if let Some(transfer) = app.queries().transfer(id)? {
                moved.rows.push(vec![
                    Cell::code(&id.to_string()),
                    Cell::text(&p.word("transfer", transfer.kind.name())),
                    Cell::money(p, Money::new(transfer.amount, transfer.debit.currency())),
                    Cell::text(&p.word("moved", moved_name(transfer.state))),
                ]);
            }
        }
    }
    if !refunds.is_empty() {
        let columns = ["col-time", "col-refund", "col-amount", "col-state"];
        let mut section = Section::new(p, "menu-refunds", &columns);
        section.rows = refunds
            .iter()
            .map(|refund| {
                let href = format!("/console/refunds/{}", refund.id);
                vec![
                    Cell::time(p, refund.created_at),
                    Cell::link(&refund.terms.number, &href),
                    Cell::money(p, refund.terms.amount),
                    Cell::state(p, "state", refund.state.name()),
                ]
            })
            .collect();
        sections.push(section);
    }
    if let Some(told) = told(app, order)? {
        let columns = ["col-time", "col-notification", "col-tries", "col-state"];
        let mut section = Section::new(p, "menu-notifications", &columns);
        section.rows.push(vec![
            Cell::time(p, told.created_at),
            Cell::link(&told.id.to_string(), &format!("/console/notifications/{}", told.id)),
            Cell::number(told.attempts),
            Cell::state(p, "state", told.state.name()),
        ]);
        sections.push(section);
    }
    if !moved.rows.is_empty() {
        sections.push(moved);
    }
    record.sections = sections;
    Ok(())
}

/// What the merchant was told of the payment. It was made by the command that paid, so its id is of the same block as
/// the transfer's: no index leads there.
fn told(app: &App, order: &Order) -> Result<Option<domain::notification::Notification>, Fail> {
    let Some(transfer) = order.transfer else { return Ok(None) };
    let first = transfer.0 - transfer.0 % IdBlock::SIZE;
    for id in first..first + IdBlock::SIZE {
        if let Some(found) = app.queries().notification(NotificationId(id))?
            && found.about == About::Paid(order.id)
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The money that refunds can be paid from, minor units.
fn there(app: &App, order: &Order, funds: Funds) -> Result<i64, Fail> {
    let account = funds.account(order.terms.merchant, order.terms.amount.currency);
    let mut sum = 0_i64;
    for shard in app.service().engine.shards().all() {
        sum = sum.saturating_add(app.queries().account(account.at(shard))?.available().minor);
    }
    Ok(sum)
}

fn refund_form(app: &App, p: &Page, order: &Order, typed: Option<&Posted>) -> Result<Option<Action>, Fail> {
    let left = order.terms.amount.minor - order.refunded.sum;
    if order.state != OrderState::Paid || left <= 0 {
        return Ok(None);
    }
    // Takings pay as long as they are enough; what is settled pays then.
    let (unsettled, available) = (there(app, order, Funds::Unsettled)?, there(app, order, Funds::Available)?);
    let first = if unsettled >= left || unsettled >= available { Funds::Unsettled } else { Funds::Available };
    let left = Money::new(left, order.terms.amount.currency);
    let chosen = typed.map_or(first.name(), |posted| posted.trimmed("funds"));
    let mut funds = Field::new(p, "select", "funds", "fact-funds", chosen);
    funds.options = [(Funds::Unsettled, unsettled), (Funds::Available, available)]
        .map(|(funds, there)| {
            let there = crate::text::show::money(Money { minor: there, ..left });
            (funds.name().to_owned(), format!("{} {there}", p.word("funds", funds.name())).into())
        })
        .into();
    let (amount, reason) = typed.map_or((left.to_string(), ""), |posted| {
        (posted.trimmed("amount").to_owned(), posted.trimmed("reason"))
    });
    let mut action = Action::new(p, "refund", "refund", format!("{}/refund", orders::path(order.id)));
    action.effect = Some(p.t1("effect-refund", "left", &crate::text::show::money(left)).into_owned());
    action.fields = vec![
        Field::new(p, "text", "amount", "field-amount", &amount)
            .more("inputmode=\"decimal\" autocomplete=\"off\" required"),
        funds,
        Field::new(p, "text", "reason", "field-reason", reason).more("maxlength=\"80\" autocomplete=\"off\""),
        Field::new(p, "hidden", "nonce", "field-reason", &crypto::random::alphanumeric(NONCE)?),
    ];
    Ok(Some(action))
}

/// `POST /console/orders/{id}/refund`. The form's nonce is the refund's number: sent twice, it is one refund.
pub(crate) async fn refund(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
    posted: Posted,
) -> Result<Response, Fail> {
    let order = find(&app, &signed_in, OrderId(id))?;
    signed_in.must(Permission::Refund, order.terms.merchant)?;
    let nonce = posted.text("nonce");
    if !is_nonce(nonce) {
        return Err(Problem::malformed().into());
    }
    let reason: String = posted.trimmed("reason").chars().take(80).collect();
    let amount = Money::parse(&posted.trimmed("amount").replace([',', '¥'], ""), Currency::CNY);
    let refused = match amount {
        Err(_) => Page::new(&app, &signed_in.visit).t("error-amount").into_owned(),
        Ok(amount) => {
            let funds = Funds::from_name(posted.text("funds")).unwrap_or(Funds::Unsettled);
            let text = format!("console {} {} {} {reason}", order.id, amount.minor, funds.name());
            let hash = app.service().vault.hasher().code("console/refund", &text);
            let mut digest = [0; 16];
            digest.copy_from_slice(&hash.as_bytes()[..16]);
            let terms = RefundTerms {
                partner: order.terms.principal().partner,
                merchant: order.terms.merchant,
                number: format!("C{nonce}").into(),
                amount,
                reason: reason.into(),
                notify_url: order.terms.notify_url.clone(),
                funds,
                extra: "".into(),
                digest,
            };
            let new = NewRefund {
                terms: Arc::new(terms),
                order: Some(order.id),
                order_number: None,
                total: order.terms.amount.minor,
            };
            match app.run(&signed_in.visit, Command::CreateRefund(Box::new(new))).await {
                Ok(Reply::Refund(refund)) => {
                    return Ok(page::see_other(&format!("/console/refunds/{refund}")));
                }
                Ok(other) => return Err(Problem::fault(&format!("a refund: {other:?}")).into()),
                Err(Refusal::Rejected(why)) => words_of(signed_in.visit.language, &why),
                Err(why) => return Err(why.into()),
            }
        }
    };
    let mut record = record(&app, &signed_in, &order).await?;
    if let Some(action) = refund_form(&app, &record.p, &order, Some(&posted))? {
        record.actions = vec![action];
    }
    record.refused("refund", refused)
}

/// A refund's number on the wire.
pub(crate) fn wire(refund: &Refund) -> String {
    RefundNumber(refund.id).to_string()
}

const fn moved_name(state: ledger::TransferState) -> &'static str {
    match state {
        ledger::TransferState::Posted => "posted",
        ledger::TransferState::Pending => "held",
        ledger::TransferState::Voided => "voided",
    }
}
