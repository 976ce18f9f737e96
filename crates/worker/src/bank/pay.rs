//! What the simulated channel pays into the simulated bank by its bill, with the faults that cards ask for.

use super::{bill::tokens, menu::Behaviour};
use crate::reconcile::{
    Trouble,
    day::{each_row, expect},
};
use ::bank::{Direction, Name, simulated::Deposit};
use ::reconcile::{Expectations, Kind};
use domain::{Key, Record};
use engine::Queries;
use std::path::Path;
use types::{BusinessDay, Currency, Money, PaymentId, Time, time::DAY};

/// What the fault of a channel that pays too little takes, and how many days one that pays late is late.
const LESS: i64 = 1_00;
const LATE_DAYS: i64 = 2;
/// What a stranger pays in.
const STRANGERS: Money = Money::cny(88_00);
/// Payments looked up at once.
const PIECE: usize = 500;

/// What the bill of `day` brings to the bank: a deposit a batch, named `prefix` and the batch.
///
/// # Errors
/// The bill can't be read, or the records of its payments.
pub(crate) fn deposits(
    queries: &dyn Queries,
    day: BusinessDay,
    bill: &Path,
    prefix: &str,
    now: Time,
) -> Result<Vec<Deposit>, Trouble> {
    let mut sums = Expectations::new(Currency::CNY);
    let mut payments: Vec<PaymentId> = Vec::new();
    each_row(bill, &mut |entry| {
        if entry.kind == Kind::Payment {
            payments.extend(entry.key.parse::<PaymentId>().ok());
        }
        expect(&mut sums, entry, day)
    })?;
    let faults = faults(queries, &payments)?;
    let count = |wanted| i64::try_from(faults.iter().filter(|one| **one == wanted).count()).unwrap_or(0);
    let (less, strangers) = (count(Behaviour::BankLess), count(Behaviour::BankStranger));
    let late = if count(Behaviour::BankLate) > 0 { LATE_DAYS } else { 0 };
    let not_before = now.plus(late * DAY).business_day().start();
    let deposit = |end_to_end: String, minor: i64, party: &str, text: String| {
        let party = Name::parse(party)?;
        let direction = if minor < 0 { Direction::Debit } else { Direction::Credit };
        let amount = Money::new(minor.saturating_abs(), Currency::CNY);
        Some(Deposit { end_to_end, amount, direction, not_before, party, text: Some(text) })
    };
    let mut all: Vec<Deposit> = Vec::new();
    for entry in sums.entries(|at| at) {
        let sign = if entry.kind == Kind::Reclaim { -1 } else { 1 };
        let minor = sign * entry.amount.minor - less * LESS;
        let text = format!("清算 {day}");
        all.extend(deposit(format!("{prefix}{}", entry.key), minor, "模拟银行卡渠道", text));
    }
    for nth in 1..=strangers {
        let id = format!("STRANGER-{day}-{nth}");
        all.extend(deposit(id, STRANGERS.minor, "不相识的付款人", "来款".to_owned()));
    }
    all.retain(|deposit| deposit.amount.minor > 0);
    Ok(all)
}

/// What the cards of these payments do.
fn faults(queries: &dyn Queries, payments: &[PaymentId]) -> Result<Vec<Behaviour>, Trouble> {
    let mut faults = Vec::new();
    for piece in payments.chunks(PIECE) {
        let keys: Vec<Key> = piece.iter().copied().map(Key::Payment).collect();
        let found = queries.records(&keys)?.into_iter().flatten();
        let cards =
            found.filter_map(
                |record| {
                    if let Record::Payment(payment) = record { Some(payment.card) } else { None }
                },
            );
        let cards: Vec<types::CardId> = cards.collect();
        let tokens = tokens(queries, cards.iter().copied())?;
        let behaviours = cards.iter().filter_map(|card| tokens.get(card));
        faults.extend(behaviours.map(|token| Behaviour::of_token(token)));
    }
    Ok(faults)
}
