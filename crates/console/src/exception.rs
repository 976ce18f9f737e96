//! One exception of reconciliation: what each side says, how old it is, and how it is decided: suggested by one person,
//! approved or rejected by another (R-FIN-69), or repaired by asking the channel.

use crate::{
    app::App,
    approval,
    exceptions::{self, PATH, must},
    form::Posted,
    list::{Cell, Field},
    orders, page,
    page::Page,
    problem::{Fail, Problem},
    record::{Action, Record, Section},
    stepup,
    text::show::money,
    visit::SignedIn,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{
    Command, Key, Record as Stored,
    exception::{Exception, NOTE_MAX, State as Stands},
    payment::PaymentState,
    refund::RefundState,
};
use types::{Money, OperatorId, PaymentId, PayoutId, RefundId};

/// The page of an exception.
pub(crate) fn path(reference: &str) -> String {
    let parts: Vec<String> = reference.split('/').map(web::link::encoded).collect();
    format!("{PATH}/of/{}", parts.join("/"))
}

/// The record that an exception is about, as far as it has one.
enum About {
    Payment(PaymentId),
    Refund(RefundId),
    Payout(PayoutId),
    Unknown,
}

/// From `scheme/kind/key/class`.
fn about(reference: &str) -> About {
    let mut parts = reference.split('/').skip(1);
    let (kind, key) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    // The channel knows a refund by its number and the attempt.
    let number = || key.split('-').next().and_then(|id| id.parse::<i64>().ok());
    match (kind, number()) {
        ("payment", Some(id)) => About::Payment(PaymentId(id)),
        ("refund", Some(id)) => About::Refund(RefundId(id)),
        ("payout", Some(id)) => About::Payout(PayoutId(id)),
        ("payout", None) => {
            domain::payout::Payout::from_end_to_end(key).map_or(About::Unknown, About::Payout)
        }
        _ => About::Unknown,
    }
}

fn find(app: &App, signed_in: &SignedIn, reference: &str) -> Result<Exception, Fail> {
    must(signed_in)?;
    match app.queries().record(Key::Exception(reference.into()))? {
        Some(Stored::Exception(found)) => Ok(found),
        _ => Err(Problem::not_found().into()),
    }
}

/// `GET /console/exceptions/of/{reference}`.
pub(crate) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(reference): Path<String>,
) -> Result<Response, Fail> {
    let one = find(&app, &signed_in, &reference)?;
    record(&app, &signed_in, &one).await?.show()
}

async fn record(app: &App, signed_in: &SignedIn, one: &Exception) -> Result<Record, Fail> {
    let p = Page::new(app, &signed_in.visit).at(&path(&one.reference));
    let state = Cell::state(&p, "exception-state", one.state.name());
    let mut record = Record::new(p, "exception", one.reference.to_string(), ("menu-exceptions", PATH), state);
    let p = &record.p;
    let fen = |fen: i64| Money::new(fen, one.against.currency());
    let name = |id: OperatorId| -> Result<Cell, Fail> {
        let staff = app.queries().staff(id)?;
        Ok(staff.map_or_else(|| Cell::code(&id.to_string()), |staff| Cell::text(&staff.name)))
    };
    let age = exceptions::age(one, signed_in.visit.now.business_day());
    let mut facts = vec![
        ("col-class", Cell::word(p, "class", one.class.name())),
        ("fact-found", Cell::code(&one.day.to_string())),
        ("fact-since", Cell::code(&one.since.to_string())),
        ("col-age", Cell::text(&p.t1("age-days", "days", &age.to_string()))),
        ("fact-against", Cell::code(one.against.kind().name())),
        ("fact-opened", Cell::time(p, one.opened_at)),
    ];
    if let Some(at) = one.ended_at {
        facts.push(("fact-ended", Cell::time(p, at)));
    }
    if let Some(maker) = one.maker {
        facts.push(("fact-suggested-by", name(maker)?));
        if one.state != Stands::Open {
            facts.push(("col-correction", Cell::money(p, fen(one.correction))));
        }
        facts.push(("fact-why", Cell::text(&one.why)));
    }
    if let Some(approver) = one.approver {
        facts.push(("fact-approved-by", name(approver)?));
    }
    if one.booked != 0 {
        facts.push(("fact-booked", Cell::money(p, fen(one.booked))));
    }
    if !one.note.is_empty() {
        facts.push(("col-note", Cell::text(&one.note)));
    }
    for (key, cell) in facts {
        record.fact(key, cell);
    }
    record.amount = one.question.map(|question| record.p.money(fen(question)));
    record.notes.push(record.p.t(if one.question.is_some() { "note-question" } else { "note-no-question" }));
    let sides = sides(app, &record.p, one)?;
    record.sections.push(sides.0);
    if one.state.is_open() {
        record.actions = actions(app, signed_in, &record.p, one, sides.1)?;
        if one.state == Stands::Suggested && one.maker == Some(signed_in.staff().id) {
            record.notes.push(record.p.t("note-own"));
        }
    }
    record.with_timeline(app, one.journal).await
}

/// What each side says, and whether the channel can be asked about it.
fn sides(app: &App, p: &Page, one: &Exception) -> Result<(Section, bool), Fail> {
    let mut section = Section::new(p, "sides", &["col-side", "col-amount", "col-record", "col-state"]);
    let amount = |fen: Option<i64>| {
        fen.map_or_else(
            || Cell { class: "money", ..Cell::text(&p.t("side-nothing")) },
            |fen| Cell::money(p, Money::new(fen, one.against.currency())),
        )
    };
    let (record, state, asks) = match about(&one.reference) {
        About::Payment(id) => match app.queries().payment(id)? {
            Some(payment) => {
                let open = matches!(payment.state, PaymentState::Authorising | PaymentState::Unknown);
                let link = match payment.order {
                    Some(order) => Cell::link(&id.to_string(), &orders::path(order)),
                    None => Cell::code(&id.to_string()),
                };
                (link, Cell::state(p, "state", payment.state.name()), open && payment.asked > 0)
            }
            None => (Cell::code(&id.to_string()), Cell::none(), false),
        },
        About::Refund(id) => match app.queries().refund(id)? {
            Some(refund) => {
                let open = matches!(refund.state, RefundState::Processing | RefundState::Unknown);
                let link = Cell::link(&refund.terms.number, &format!("/console/refunds/{id}"));
                (link, Cell::state(p, "state", refund.state.name()), open && refund.asked > 0)
            }
            None => (Cell::code(&id.to_string()), Cell::none(), false),
        },
        About::Payout(id) => match app.queries().payout(id)? {
            Some(payout) => {
                let link = Cell::link(&id.to_string(), &format!("{}/{id}", crate::payouts::PATH));
                (link, Cell::state(p, "state", payout.state.name()), false)
            }
            None => (Cell::code(&id.to_string()), Cell::none(), false),
        },
        About::Unknown => (Cell::none(), Cell::none(), false),
    };
    section.rows.push(vec![Cell::text(&p.t("col-ledger")), amount(one.ledger), record, state]);
    section.rows.push(vec![Cell::text(&p.t("col-channel")), amount(one.channel), Cell::none(), Cell::none()]);
    section.rows.push(vec![Cell::text(&p.t("col-bank")), amount(one.bank), Cell::none(), Cell::none()]);
    Ok((section, asks))
}

fn actions(
    app: &App,
    signed_in: &SignedIn,
    p: &Page,
    one: &Exception,
    asks: bool,
) -> Result<Vec<Action>, Fail> {
    let new = |id: &'static str| {
        let mut action = Action::new(p, id, id, format!("{PATH}/{id}"));
        action.fields = vec![Field::new(p, "hidden", "exception", "col-exception", &one.reference)];
        action
    };
    let reason = || {
        Field::new(p, "text", "why", "field-reason", "")
            .more("maxlength=\"300\" autocomplete=\"off\" required")
    };
    let shown = |fen| money(Money::new(fen, one.against.currency()));
    let mut actions = Vec::new();
    if one.state == Stands::Suggested {
        if one.maker != Some(signed_in.staff().id) {
            let mut approve = new("approve");
            approve.effect = Some(if one.correction == 0 {
                p.t("effect-approve-close").into_owned()
            } else {
                p.t1("effect-approve-correction", "amount", &shown(one.correction)).into_owned()
            });
            approve.fields.push(
                Field::new(p, "text", "typed", "field-typed-correction", "")
                    .hint(p, "hint-typed-correction")
                    .more("inputmode=\"decimal\" autocomplete=\"off\" required"),
            );
            approve.fields.extend(stepup::field(app, signed_in, p)?);
            approve.primary = true;
            actions.push(approve);
        }
        let mut reject = new("reject");
        reject.effect = Some(p.t("effect-reject-correction").into_owned());
        reject.fields.push(reason());
        actions.push(reject);
    }
    if asks {
        let mut ask = new("ask-channel");
        ask.effect = Some(p.t("effect-ask-channel").into_owned());
        actions.push(ask);
    }
    let mut suggest = new("suggest");
    let all = one.question.unwrap_or(0);
    suggest.effect = Some(match one.question {
        Some(_) => p.t1("effect-suggest", "amount", &shown(all)).into_owned(),
        None => p.t("effect-suggest-none").into_owned(),
    });
    suggest.fields.push(
        Field::new(p, "text", "amount", "field-amount", &Money::new(all, one.against.currency()).to_string())
            .hint(p, "hint-correction")
            .more("autocomplete=\"off\" required"),
    );
    suggest.fields.push(reason());
    suggest.primary = one.state == Stands::Open;
    actions.push(suggest);
    Ok(actions)
}

fn amount_of(text: &str, one: &Exception) -> Option<i64> {
    let plain = text.replace([',', '¥', ' '], "");
    let (sign, digits) = plain.strip_prefix('-').map_or((1, plain.as_str()), |digits| (-1, digits));
    Money::parse(digits, one.against.currency()).ok().map(|amount| sign * amount.minor)
}

/// `POST /console/exceptions/suggest`.
pub(crate) async fn suggest(
    State(app): State<App>,
    signed_in: SignedIn,
    posted: Posted,
) -> Result<Response, Fail> {
    let one = find(&app, &signed_in, posted.text("exception"))?;
    let refused = match amount_of(posted.trimmed("amount"), &one) {
        None => Some(Page::new(&app, &signed_in.visit).t("error-amount").into_owned()),
        Some(correction) => {
            let why = posted.trimmed("why").chars().take(NOTE_MAX).collect();
            let exception = one.reference.clone();
            let command = Command::SuggestCorrection { exception, correction, why };
            approval::decide(&app, &signed_in, command).await?
        }
    };
    decided(&app, &signed_in, &one, "suggest", refused).await
}

/// `POST /console/exceptions/approve`.
pub(crate) async fn approve(
    State(app): State<App>,
    signed_in: SignedIn,
    posted: Posted,
) -> Result<Response, Fail> {
    let one = find(&app, &signed_in, posted.text("exception"))?;
    let refused = if amount_of(posted.trimmed("typed"), &one) == Some(one.correction) {
        match stepup::take(&app, &signed_in, &posted).await? {
            None => {
                let command = Command::ApproveCorrection {
                    exception: one.reference.clone(),
                    correction: one.correction,
                };
                approval::decide(&app, &signed_in, command).await?
            }
            refused => refused,
        }
    } else {
        Some(Page::new(&app, &signed_in.visit).t("error-typed-correction").into_owned())
    };
    decided(&app, &signed_in, &one, "approve", refused).await
}

/// `POST /console/exceptions/reject`.
pub(crate) async fn reject(
    State(app): State<App>,
    signed_in: SignedIn,
    posted: Posted,
) -> Result<Response, Fail> {
    let one = find(&app, &signed_in, posted.text("exception"))?;
    let why = posted.trimmed("why").chars().take(NOTE_MAX).collect();
    let command = Command::RejectCorrection { exception: one.reference.clone(), why };
    let refused = approval::decide(&app, &signed_in, command).await?;
    decided(&app, &signed_in, &one, "reject", refused).await
}

/// `POST /console/exceptions/ask-channel`: repair by asking. The answer changes the payment or refund; the exception is
/// cleared when its day is matched anew.
pub(crate) async fn ask(
    State(app): State<App>,
    signed_in: SignedIn,
    posted: Posted,
) -> Result<Response, Fail> {
    let one = find(&app, &signed_in, posted.text("exception"))?;
    let command = match about(&one.reference) {
        About::Payment(id) => Command::AskPayment(id),
        About::Refund(id) => Command::AskRefund(id),
        About::Payout(_) | About::Unknown => return Err(Problem::malformed().into()),
    };
    let refused = approval::decide(&app, &signed_in, command).await?;
    decided(&app, &signed_in, &one, "ask-channel", refused).await
}

async fn decided(
    app: &App,
    signed_in: &SignedIn,
    one: &Exception,
    action: &str,
    refused: Option<String>,
) -> Result<Response, Fail> {
    match refused {
        None => Ok(page::see_other(&path(&one.reference))),
        Some(why) => {
            let now = find(app, signed_in, &one.reference)?;
            record(app, signed_in, &now).await?.refused(action, why)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_leads_to_its_record() {
        for (reference, wanted) in [
            ("card/payment/4200001/short", "payment 4200001"),
            ("card/refund/17-2/status", "refund 17"),
            ("bank/payout/FQP9/amount", "payout 9"),
            ("card/payment/x/long", "unknown"),
            ("card", "unknown"),
            ("", "unknown"),
        ] {
            let found = match about(reference) {
                About::Payment(id) => format!("payment {id}"),
                About::Refund(id) => format!("refund {id}"),
                About::Payout(id) => format!("payout {id}"),
                About::Unknown => "unknown".to_owned(),
            };
            assert_eq!(found, wanted, "{reference}");
        }
        assert_eq!(
            path("card/payment/飞 1#2/long"),
            "/console/exceptions/of/card/payment/%E9%A3%9E%201%232/long"
        );
    }
}
