//! The first page: what waits for somebody, and how trade goes. Nothing here sums history: days come from settlements,
//! which the closing of a day has summed; what is not settled comes from the accounts' counters; the success rate is
//! that of the newest orders.

use crate::{
    app::App,
    chart::{Bar, Figure},
    list::Cell,
    orders, page,
    page::Page,
    problem::Fail,
    query::{Query, scope},
    text::show::money,
    visit::SignedIn,
};
use askama::Template;
use axum::{extract::State, response::Response};
use domain::{held::Reason, order::OrderState, payout::PayoutState, settlement::Totals, staff::Permission};
use engine::{
    Fault, Queries,
    query::{ExceptionFilter, OrderFilter, Past},
};
use ledger::AccountId;
use std::{borrow::Cow, collections::BTreeMap};
use types::{BusinessDay, Currency, MerchantId, Money, PageRequest, Shards};

/// Days that are drawn.
const DAYS: i32 = 30;
/// Orders that the success rate is of.
const NEWEST: usize = 500;
/// The one channel there is, the simulated bank.
const CHANNEL: i64 = 1;
/// Things that wait are counted up to this.
const COUNTED: usize = PageRequest::MAX;

/// A number with what it counts, leading to its list.
pub(crate) struct Tile {
    pub(crate) id: &'static str,
    pub(crate) label: Cow<'static, str>,
    pub(crate) value: String,
    pub(crate) href: String,
    /// Whether somebody should look.
    pub(crate) waits: bool,
}

#[derive(Template)]
#[template(path = "start.html")]
struct Start {
    p: Page,
    title: Cow<'static, str>,
    of: String,
    tiles: Vec<Tile>,
    figures: Vec<Figure>,
}

/// What is read for it, on a blocking thread.
struct Read {
    name: Option<String>,
    days: BTreeMap<BusinessDay, Totals>,
    states: BTreeMap<&'static str, usize>,
    refunds: Option<usize>,
    payouts: usize,
    exceptions: Option<usize>,
    /// Keys of words, and amounts.
    money: Vec<(&'static str, i64)>,
    today: Option<i64>,
}

/// `GET /console`.
pub(crate) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Query,
) -> Result<Response, Fail> {
    let merchant = scope(signed_in.staff(), Permission::SeeOrders, &query)?;
    let staff = signed_in.staff();
    let sees_money = staff.may(Permission::SeeMoney, merchant);
    let reconciles = staff.may(Permission::Reconcile, merchant) && merchant.is_none();
    let (now, shards) = (signed_in.visit.now, app.service().engine.shards());
    let newest = now.business_day().previous();
    let read =
        app.read(move |queries| read(queries, merchant, sees_money, reconciles, newest, now, shards)).await?;
    let p = Page::new(&app, &signed_in.visit).of(merchant);
    let of = match (&read.name, merchant) {
        (Some(name), Some(id)) => format!("{name} {id}"),
        (None, Some(id)) => id.to_string(),
        (_, None) => p.t("all-merchants").into_owned(),
    };
    let tiles = tiles(&p, merchant, &read, sees_money);
    let mut figures = Vec::new();
    if sees_money {
        figures.push(payments(&p, &read.days, newest));
    }
    figures.push(success(&p, &read.states));
    if sees_money {
        figures.push(refunds(&p, &read.days, newest));
        figures.push(by_state(&p, &read.money));
    }
    page::show(&Start { title: p.t("menu-start"), of, tiles, figures, p })
}

fn read(
    queries: &dyn Queries,
    merchant: Option<MerchantId>,
    sees_money: bool,
    reconciles: bool,
    newest: BusinessDay,
    now: types::Time,
    shards: Shards,
) -> Result<Read, Fault> {
    let most = PageRequest::new(COUNTED, None);
    let month = PageRequest::new(usize::try_from(DAYS).unwrap_or(30) + 2, None);
    let mut days = BTreeMap::new();
    let mut money = Vec::new();
    let mut today = None;
    if sees_money {
        match merchant {
            Some(merchant) => {
                for one in queries.settlements(merchant, month)?.rows {
                    days.insert(one.id.day(), one.totals);
                }
                let position = engine::position::position(queries, merchant)?;
                money = vec![
                    ("account-unsettled", position.unsettled.balance().minor),
                    ("account-free", position.free().minor),
                    ("account-reserve", position.reserve.balance().minor),
                    ("account-held", position.held.balance().minor),
                    ("account-transit", position.in_transit.balance().minor),
                ];
                let open = position.list(now).into_iter().filter(|held| held.reason == Reason::OpenDay);
                today = Some(open.map(|held| held.amount.minor).sum());
            }
            None => {
                for one in queries.days(month)?.rows {
                    days.insert(one.day, one.totals);
                }
                let cny = Currency::CNY;
                for (key, id) in [
                    ("account-channel", AccountId::channel_receivable(CHANNEL, cny)),
                    ("account-bank", AccountId::bank_cash(cny)),
                    ("account-fees", AccountId::platform_fee(cny)),
                    ("account-suspense", AccountId::platform_suspense(cny)),
                ] {
                    let mut sum = 0_i64;
                    for shard in shards.all() {
                        sum = sum.saturating_add(queries.account(id.at(shard))?.balance().minor);
                    }
                    money.push((key, sum));
                }
            }
        }
        days.retain(|day, _| *day <= newest && *day > newest.plus(-DAYS));
    }
    let past = Past { merchant, before: i64::MAX, from: 0, examine: orders::EXAMINE, take: NEWEST };
    let mut states = BTreeMap::new();
    for order in queries.orders_back(past, OrderFilter::default())?.rows {
        *states.entry(order.state.name()).or_insert(0) += 1;
    }
    let waiting = |payouts: Vec<domain::payout::Payout>| {
        payouts.iter().filter(|payout| payout.state == PayoutState::Waiting).count()
    };
    let open = ExceptionFilter { open: true, ..ExceptionFilter::default() };
    let everything = Past { merchant: None, take: COUNTED, ..past };
    let name = match merchant {
        Some(id) => queries.merchant(id)?.map(|merchant| merchant.name.to_string()),
        None => None,
    };
    Ok(Read {
        name,
        days,
        states,
        refunds: match merchant {
            None => Some(queries.refunds_waiting(most)?.rows.len()),
            Some(_) => None,
        },
        payouts: if sees_money { waiting(queries.payouts_open(merchant, most)?.rows) } else { 0 },
        exceptions: match reconciles {
            true => Some(queries.exceptions_back(everything, open)?.rows.len()),
            false => None,
        },
        money,
        today,
    })
}

fn tiles(p: &Page, merchant: Option<MerchantId>, read: &Read, sees_money: bool) -> Vec<Tile> {
    let id = merchant.map(|id| id.to_string());
    let to = |path: &str, pairs: &[(&str, &str)]| {
        let own = id.as_deref().map(|id| ("merchant", id));
        web::link::to(path, &own.into_iter().chain(pairs.iter().copied()).collect::<Vec<_>>())
    };
    let count = |n: usize| if n >= COUNTED { format!("{COUNTED}+") } else { n.to_string() };
    let waits =
        |id, key: &str, n: usize, href| Tile { id, label: p.t(key), value: count(n), href, waits: n > 0 };
    let mut tiles = Vec::new();
    if let Some(n) = read.refunds {
        tiles.push(waits("tile-refunds", "tile-refunds", n, to("/console/refunds", &[("state", "waiting")])));
    }
    if sees_money {
        let href = to("/console/payouts", &[("state", "in_transit")]);
        tiles.push(waits("tile-payouts", "tile-payouts", read.payouts, href));
    }
    if let Some(n) = read.exceptions {
        tiles.push(waits("tile-exceptions", "tile-exceptions", n, to("/console/exceptions", &[])));
    }
    let money_tile = |id, key: &str, fen| Tile {
        id,
        label: p.t(key),
        value: money(Money::cny(fen)),
        href: to("/console/balance", &[]),
        waits: false,
    };
    if let Some(fen) = read.today {
        tiles.push(money_tile("tile-today", "tile-today", fen));
        let free = read.money.iter().find(|(key, _)| *key == "account-free").map_or(0, |(_, fen)| *fen);
        tiles.push(money_tile("start-free", "account-free", free));
    }
    tiles
}

/// Every day of the stretch, newest last; a day without a settlement has none.
fn stretch(newest: BusinessDay) -> impl Iterator<Item = BusinessDay> {
    (1 - DAYS..=0).map(move |back| newest.plus(back))
}

fn short(day: BusinessDay) -> String {
    day.to_string().get(5..).unwrap_or_default().to_owned()
}

fn payments(p: &Page, days: &BTreeMap<BusinessDay, Totals>, newest: BusinessDay) -> Figure {
    let mut figure =
        Figure::new(p, "payments", p.t("figure-payments-note"), &["col-day", "fact-payments", "col-gross"]);
    let bars: Vec<Bar> = stretch(newest)
        .map(|day| {
            let totals = days.get(&day).copied().unwrap_or_default();
            Bar {
                label: short(day),
                value: i128::from(totals.count),
                shown: p.t1("n-payments", "n", &totals.count.to_string()).into_owned(),
                tone: "",
            }
        })
        .collect();
    figure.rows = days
        .iter()
        .rev()
        .map(|(day, totals)| {
            vec![
                Cell::code(&day.to_string()),
                Cell::number(totals.count),
                Cell::money(p, Money::cny(totals.gross)),
            ]
        })
        .collect();
    figure.upright(&bars, |value| value.to_string());
    figure
}

/// Hundredths of a percent.
fn share(part: i64, whole: i64) -> i64 {
    if whole <= 0 { 0 } else { i64::try_from(i128::from(part) * 10_000 / i128::from(whole)).unwrap_or(0) }
}

fn percent(hundredths: i64) -> String {
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

fn refunds(p: &Page, days: &BTreeMap<BusinessDay, Totals>, newest: BusinessDay) -> Figure {
    let mut figure = Figure::new(
        p,
        "refunds",
        p.t("figure-refunds-note"),
        &["col-day", "col-gross", "menu-refunds", "col-refund-rate"],
    );
    let rate = |totals: &Totals| share(totals.refunds, totals.gross);
    let bars: Vec<Bar> = stretch(newest)
        .map(|day| {
            let rate = days.get(&day).map_or(0, rate);
            Bar { label: short(day), value: i128::from(rate), shown: percent(rate), tone: "wait" }
        })
        .collect();
    figure.rows = days
        .iter()
        .rev()
        .map(|(day, totals)| {
            vec![
                Cell::code(&day.to_string()),
                Cell::money(p, Money::cny(totals.gross)),
                Cell::money(p, Money::cny(totals.refunds)),
                Cell::number(percent(rate(totals))),
            ]
        })
        .collect();
    figure.upright(&bars, |value| percent(i64::try_from(value).unwrap_or(0)));
    figure
}

/// How the newest orders ended: an order that can still be paid counts neither way.
fn success(p: &Page, states: &BTreeMap<&'static str, usize>) -> Figure {
    let all: usize = states.values().sum();
    let of = |state: OrderState| states.get(state.name()).copied().unwrap_or(0);
    let under_way = of(OrderState::Open) + of(OrderState::Paying);
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let rate = share(count(of(OrderState::Paid)), count(all - under_way));
    let note = p.with("figure-success-note", &[("n", &all.to_string()), ("rate", &percent(rate))]);
    let mut figure = Figure::new(p, "success", note, &["col-state", "col-orders"]);
    let bars: Vec<Bar> = OrderState::ALL
        .into_iter()
        .filter(|state| of(*state) > 0)
        .map(|state| Bar {
            label: p.word("state", state.name()).into_owned(),
            value: of(state) as i128,
            shown: of(state).to_string(),
            tone: match state {
                OrderState::Paid => "good",
                OrderState::Open | OrderState::Paying => "wait",
                OrderState::Failed => "bad",
                _ => "",
            },
        })
        .collect();
    figure.rows = OrderState::ALL
        .into_iter()
        .filter(|state| of(*state) > 0)
        .map(|state| vec![Cell::state(p, "state", state.name()), Cell::number(of(state))])
        .collect();
    figure.lying(&bars);
    figure
}

fn by_state(p: &Page, amounts: &[(&'static str, i64)]) -> Figure {
    let mut figure = Figure::new(p, "money", p.t("figure-money-note"), &["col-where", "col-amount"]);
    let bars: Vec<Bar> = amounts
        .iter()
        .map(|(key, fen)| Bar {
            label: p.t(key).into_owned(),
            value: i128::from(*fen),
            shown: money(Money::cny(*fen)),
            tone: match *key {
                "account-free" => "good",
                "account-held" | "account-suspense" => "bad",
                _ => "",
            },
        })
        .collect();
    figure.rows = amounts
        .iter()
        .map(|(key, fen)| vec![Cell::text(&p.t(key)), Cell::money(p, Money::cny(*fen))])
        .collect();
    figure.lying(&bars);
    figure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_told_in_hundredths_of_a_percent() {
        assert_eq!(percent(share(1, 3)), "33.33%");
        assert_eq!(percent(share(0, 0)), "0.00%");
        assert_eq!(percent(share(i64::MAX, i64::MAX)), "100.00%");
        assert_eq!(percent(share(5, 100_000)), "0.00%");
    }

    #[test]
    fn the_stretch_ends_with_the_newest_day() {
        let newest = BusinessDay::parse("2026-03-01").unwrap();
        let days: Vec<_> = stretch(newest).collect();
        assert_eq!((days.len(), days[29], short(days[28])), (30, newest, "02-28".to_owned()));
    }
}
