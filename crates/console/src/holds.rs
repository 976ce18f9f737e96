//! Money of a merchant that is set aside: why, until when, and releasing it before.

use crate::{
    app::App,
    approval, balance,
    form::Posted,
    list::{Cell, Field, List, ROWS},
    page::{self, Page},
    problem::{Fail, Problem, words_of},
    query::{Query, scope},
    record::{Action, Record},
    text::show::money,
    visit::SignedIn,
};
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use domain::{
    Command, Rejection, Reply,
    hold::{Hold, HoldReason, NewHold},
    staff::Permission,
};
use engine::Refusal;
use types::{BusinessDay, Currency, HoldId, MerchantId, Money, Time, time};

pub(crate) const PATH: &str = "/console/holds";
/// Open holds read at most; more is not told apart on a page.
const HOLDS_MAX: usize = 2_000;

/// `GET /console/holds`: a merchant's open ones, oldest first.
pub(crate) async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Query,
) -> Result<Response, Fail> {
    if scope(signed_in.staff(), Permission::SeeMoney, &query)?.is_none() {
        return balance::choose(&app, &signed_in, PATH, "menu-holds").await;
    }
    build(app, signed_in, query, ROWS).await?.show()
}

pub(crate) async fn build(app: App, signed_in: SignedIn, query: Query, rows: usize) -> Result<List, Fail> {
    let merchant = scope(signed_in.staff(), Permission::SeeMoney, &query)?.ok_or_else(Problem::malformed)?;
    page_of(&app, &signed_in, merchant, &query, rows, None).await
}

async fn page_of(
    app: &App,
    signed_in: &SignedIn,
    merchant: MerchantId,
    query: &Query,
    rows: usize,
    typed: Option<(&Posted, String)>,
) -> Result<List, Fail> {
    let all = app.read(move |queries| queries.holds_open(merchant, HOLDS_MAX)).await?;
    let reason = query.get("reason");
    let wanted: Vec<Hold> =
        all.into_iter().filter(|hold| reason.is_none_or(|name| hold.reason.name() == name)).collect();
    let after = query.id("before").unwrap_or(0);
    let found: Vec<&Hold> = wanted.iter().filter(|hold| hold.id.0 > after).take(rows + 1).collect();
    let id = merchant.to_string();
    let here = web::link::to(PATH, &[("merchant", &id)]);
    let p = Page::new(app, &signed_in.visit).at(&here).of(Some(merchant));
    let columns = ["col-since", "col-hold", "col-why", "col-amount", "col-release", "col-note"];
    let mut list = List::new(p, "menu-holds", PATH, &columns, "empty-holds");
    list.by_merchant(signed_in.staff(), Some(merchant));
    let reasons = HoldReason::ALL.map(HoldReason::name);
    list.fields.push(Field::select(&list.p, ("reason", "col-why"), "held", reasons, reason));
    let mut sum = 0_i128;
    for hold in found.iter().take(rows) {
        let p = &list.p;
        sum += i128::from(hold.amount);
        list.rows.push(vec![
            Cell::time(p, hold.since),
            Cell::link(&hold.id.to_string(), &path(hold.id)),
            Cell::word(p, "held", hold.reason.name()),
            Cell::money(p, Money::cny(hold.amount)),
            release(p, hold),
            Cell::text(&hold.note),
        ]);
    }
    list.sum(&[("col-amount", sum)]);
    let next = (found.len() > rows).then(|| found[rows - 1].id.0);
    list.goes_on(query, next);
    list.exported(query, "/console/holds.csv");
    if signed_in.staff().may(Permission::Hold, None) {
        let position = app.read(move |queries| engine::position::position(queries, merchant)).await?;
        let action = form(&list.p, merchant, position.free(), typed)?;
        list.actions.push(action);
    }
    Ok(list)
}

/// The page of a hold.
pub(crate) fn path(id: HoldId) -> String {
    format!("{PATH}/{id}")
}

fn release(p: &Page, hold: &Hold) -> Cell {
    hold.until.map_or_else(|| Cell::text(&p.t("by-hand")), |until| Cell::time(p, until))
}

fn form(
    p: &Page,
    merchant: MerchantId,
    free: Money,
    typed: Option<(&Posted, String)>,
) -> Result<Action, Fail> {
    let value = |name: &str| typed.as_ref().map_or("", |(posted, _)| posted.trimmed(name)).to_owned();
    let mut action = Action::new(p, "hold", "hold-money", PATH.to_owned());
    action.effect = Some(p.t1("effect-hold", "free", &money(free)).into_owned());
    let mut reason = Field::new(p, "select", "reason", "col-why", &value("reason"));
    reason.options = HoldReason::ALL
        .into_iter()
        .map(|reason| (reason.name().to_owned(), p.word("held", reason.name())))
        .collect();
    action.fields = vec![
        Field::new(p, "text", "amount", "field-amount", &value("amount"))
            .more("inputmode=\"decimal\" autocomplete=\"off\" required"),
        reason,
        Field::new(p, "datetime-local", "until", "field-until", &value("until")).hint(p, "hint-until"),
        Field::new(p, "text", "note", "field-note", &value("note"))
            .hint(p, "hint-note")
            .more("maxlength=\"120\" autocomplete=\"off\" required"),
        Field::new(p, "hidden", "merchant", "col-merchant", &merchant.to_string()),
        Field::new(p, "hidden", "nonce", "col-merchant", &crypto::random::alphanumeric(crate::app::NONCE)?),
    ];
    action.error = typed.map(|(_, error)| error);
    Ok(action)
}

/// `2026-11-30T09:00` of the business zone.
fn local_time(text: &str) -> Option<Time> {
    let (day, clock) = text.split_once('T')?;
    let (hours, minutes) = clock.split_once(':')?;
    let minutes = minutes.split(':').next()?;
    let (hours, minutes) = (hours.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?);
    let fits = (0..24).contains(&hours) && (0..60).contains(&minutes);
    let day = BusinessDay::parse(day)?;
    fits.then(|| day.start().plus((hours * 60 + minutes) * time::MINUTE))
}

/// `POST /console/holds`. Sent twice, it is one hold: the form's nonce is the request's key.
pub(crate) async fn make(
    State(app): State<App>,
    signed_in: SignedIn,
    posted: Posted,
) -> Result<Response, Fail> {
    let merchant: MerchantId = posted.trimmed("merchant").parse().map_err(|_| Problem::malformed())?;
    if !signed_in.staff().may(Permission::Hold, None) {
        return Err(Problem::forbidden().into());
    }
    let reason = HoldReason::ALL.into_iter().find(|known| known.name() == posted.text("reason"));
    let reason = reason.ok_or_else(Problem::malformed)?;
    let say = |key: &str| Page::new(&app, &signed_in.visit).t(key).into_owned();
    let until = posted.trimmed("until");
    let amount = Money::parse(&posted.trimmed("amount").replace([',', '¥'], ""), Currency::CNY);
    let refused = match (amount, local_time(until)) {
        (Err(_), _) => say("error-amount"),
        (Ok(_), None) if !until.is_empty() => say("error-until"),
        (Ok(_), Some(at)) if at <= signed_in.visit.now => say("error-until"),
        (Ok(amount), until) => {
            let note: Box<str> = posted.trimmed("note").chars().take(120).collect();
            let content = format!("hold {merchant} {} {} {until:?} {note}", amount.minor, reason.name());
            let new = NewHold { merchant, amount: amount.minor, reason, note, until };
            let command = Command::HoldMoney(Box::new(new));
            match app.run_once(&signed_in, posted.text("nonce"), &content, command).await {
                Ok(Reply::Hold(id)) => return Ok(page::see_other(&path(id))),
                Ok(other) => return Err(Problem::fault(&format!("a hold: {other:?}")).into()),
                Err(Refusal::Rejected(why)) if why != Rejection::NotAllowed => {
                    words_of(signed_in.visit.language, &why)
                }
                Err(why) => return Err(why.into()),
            }
        }
    };
    let typed = Some((&posted, refused));
    let list = page_of(&app, &signed_in, merchant, &Query::default(), ROWS, typed).await?;
    page::show_as(StatusCode::CONFLICT, &list)
}

fn find(app: &App, signed_in: &SignedIn, id: i64) -> Result<Hold, Fail> {
    let hold = app.queries().hold(HoldId(id))?.ok_or_else(Problem::not_found)?;
    signed_in.must(Permission::SeeMoney, hold.merchant)?;
    Ok(hold)
}

/// `GET /console/holds/{id}`.
pub(crate) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
) -> Result<Response, Fail> {
    let hold = find(&app, &signed_in, id)?;
    record(&app, &signed_in, &hold).await?.show()
}

async fn record(app: &App, signed_in: &SignedIn, hold: &Hold) -> Result<Record, Fail> {
    let here = path(hold.id);
    let p = Page::new(app, &signed_in.visit).at(&here).of(Some(hold.merchant));
    let open = hold.released_by.is_none();
    let state = Cell::state(&p, "hold-state", if open { "held" } else { "released" });
    let mut record = Record::new(p, "hold", hold.id.to_string(), ("menu-holds", PATH), state);
    let p = &record.p;
    let facts = [
        ("col-merchant", Some(Cell::link(&hold.merchant.to_string(), &balance::path(hold.merchant)))),
        ("col-why", Some(Cell::word(p, "held", hold.reason.name()))),
        ("col-note", Some(Cell::text(&hold.note))),
        ("col-since", Some(Cell::time(p, hold.since))),
        ("col-release", Some(release(p, hold))),
        ("col-transfer", hold.released_by.map(|id| Cell::code(&id.to_string()))),
    ];
    for (key, cell) in facts {
        if let Some(cell) = cell {
            record.fact(key, cell);
        }
    }
    let amount = Money::cny(hold.amount);
    record.amount = Some(record.p.money(amount));
    if open && signed_in.may(Permission::Hold, hold.merchant) {
        let p = &record.p;
        let mut action = Action::new(p, "release", "release-hold", format!("{here}/release"));
        action.effect = Some(p.t1("effect-release", "amount", &money(amount)).into_owned());
        action.fields = vec![
            Field::new(p, "text", "typed", "field-typed", "")
                .hint(p, "hint-typed")
                .more("inputmode=\"decimal\" autocomplete=\"off\" required"),
        ];
        record.actions.push(action);
    }
    record.with_timeline(app, hold.journal).await
}

/// `POST /console/holds/{id}/release`.
pub(crate) async fn let_go(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
    posted: Posted,
) -> Result<Response, Fail> {
    let hold = find(&app, &signed_in, id)?;
    let amount = Money::cny(hold.amount);
    let refused = if approval::typed(&posted, amount) {
        approval::decide(&app, &signed_in, Command::ReleaseHold(hold.id)).await?
    } else {
        Some(Page::new(&app, &signed_in.visit).t("error-typed").into_owned())
    };
    match refused {
        None => Ok(page::see_other(&path(hold.id))),
        Some(why) => record(&app, &signed_in, &hold).await?.refused("release", why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_of_the_business_zone() {
        let day = BusinessDay::parse("2026-11-30").unwrap();
        let nine = day.start().plus(9 * time::HOUR);
        for (text, wanted) in [
            ("2026-11-30T09:00", Some(nine)),
            ("2026-11-30T09:00:00", Some(nine)),
            ("2026-11-30T24:00", None),
            ("2026-11-30", None),
            ("", None),
            ("2026-02-30T09:00", None),
        ] {
            assert_eq!(local_time(text), wanted, "{text}");
        }
    }
}
