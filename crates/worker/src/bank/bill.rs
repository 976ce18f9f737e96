//! The bill of the simulated bank: what it confirmed on a business day, in the format it declares.
//!
//! The bank keeps nothing, so it answers from what it was asked, the records of payments and refunds, by its own menu: a
//! bill says what the bank did, not what the ledger holds. Cards 0184 to 0224 have faults in it. What the channel then pays
//! into the platform's bank account is in `pay`.

use super::menu::{Behaviour, paid_at, refunded_at};
use ::reconcile::{Format, bill::BillWriter};
use domain::{Key, Record, payment::Payment, refund::Refund};
use engine::{Fault, Queries};
use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};
use types::{BusinessDay, CardId, Money, OrderId, PaymentId, RefundId, Time, time::MINUTE};

/// Why there is no bill.
#[derive(Debug, thiserror::Error)]
pub enum BillError {
    /// The records could not be read.
    #[error(transparent)]
    Store(#[from] Fault),
    /// The file could not be written.
    #[error("{0}: {1}")]
    Io(String, io::Error),
}

/// Records read at once.
const PIECE: usize = 500;

/// Writes the bill of `day` as it stands at `now` to `path`, whole or not at all. Gives the number of rows.
///
/// # Errors
/// [`BillError`]; then there is no new file.
pub fn write(queries: &dyn Queries, day: BusinessDay, now: Time, path: &Path) -> Result<u64, BillError> {
    let failed = |error: io::Error| BillError::Io(path.display().to_string(), error);
    let part = path.with_extension("part");
    let file = File::create(&part).map_err(failed)?;
    let format = Format::card_channel();
    let writer = BillWriter::new(BufWriter::new(file), &format).map_err(failed)?;
    let mut bill = Bill { writer, day, rows: 0 };
    payments(queries, now, &mut bill, path)?;
    refunds(queries, now, &mut bill, path)?;
    let rows = bill.rows;
    let file = bill.writer.finish().map_err(failed)?;
    let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().and_then(|()| fs::rename(&part, path)).map_err(failed)?;
    Ok(rows)
}

fn payments<W: Write>(
    queries: &dyn Queries,
    now: Time,
    bill: &mut Bill<'_, W>,
    path: &Path,
) -> Result<(), BillError> {
    let (from, to) = (bill.day.start().plus(-MINUTE), bill.day.next().start());
    let mut ids: Vec<PaymentId> = Vec::new();
    queries.each_payment(&mut |payment: Payment| {
        if (from..to).contains(&payment.created_at) {
            ids.push(payment.id);
        }
    })?;
    for piece in ids.chunks(PIECE) {
        let keys: Vec<Key> = piece.iter().copied().map(Key::Payment).collect();
        let found = queries.records(&keys)?.into_iter().flatten();
        let found: Vec<Payment> = found
            .filter_map(|record| if let Record::Payment(payment) = record { Some(payment) } else { None })
            .collect();
        let tokens = tokens(queries, found.iter().map(|payment| payment.card))?;
        for payment in &found {
            let Some(token) = tokens.get(&payment.card) else { continue };
            let behaviour = Behaviour::of_token(token);
            if let Some(at) = paid_at(behaviour, payment, now) {
                let row = Row { kind: "消费", key: payment.id.to_string(), amount: payment.amount, at };
                bill.with_faults(behaviour, row, &format!("SB{}", payment.id))
                    .map_err(|error| BillError::Io(path.display().to_string(), error))?;
            }
        }
    }
    Ok(())
}

fn refunds<W: Write>(
    queries: &dyn Queries,
    now: Time,
    bill: &mut Bill<'_, W>,
    path: &Path,
) -> Result<(), BillError> {
    let to = bill.day.next().start();
    let from = bill.day.start();
    let mut ids: Vec<RefundId> = Vec::new();
    queries.each_refund(&mut |refund: Refund| {
        let asked = refund.attempt > 0 && refund.asked > 0;
        if asked && refund.created_at < to && refund.ended_at.is_none_or(|at| at >= from) {
            ids.push(refund.id);
        }
    })?;
    for piece in ids.chunks(PIECE) {
        let keys: Vec<Key> = piece.iter().copied().map(Key::Refund).collect();
        let found = queries.records(&keys)?.into_iter().flatten();
        let found: Vec<Refund> = found
            .filter_map(|record| if let Record::Refund(refund) = record { Some(refund) } else { None })
            .collect();
        let cards = cards(queries, found.iter().map(|refund| refund.order))?;
        let tokens = tokens(queries, cards.values().copied())?;
        for refund in &found {
            let card = cards.get(&refund.order).and_then(|card| tokens.get(card));
            let token = refund.receiver.as_ref().map(|receiver| &receiver.token).or(card);
            let Some(token) = token else { continue };
            let behaviour = Behaviour::of_token(token);
            if let Some(at) = refunded_at(behaviour, refund, now) {
                let row = Row { kind: "退款", key: refund.id.to_string(), amount: refund.terms.amount, at };
                bill.with_faults(behaviour, row, &format!("SR{}-{}", refund.id, refund.attempt))
                    .map_err(|error| BillError::Io(path.display().to_string(), error))?;
            }
        }
    }
    Ok(())
}

/// The cards that paid these orders.
fn cards(
    queries: &dyn Queries,
    orders: impl Iterator<Item = OrderId>,
) -> Result<HashMap<OrderId, CardId>, Fault> {
    let keys: Vec<Key> = orders.map(Key::Order).collect();
    let found = queries.records(&keys)?.into_iter().flatten();
    Ok(found
        .filter_map(|record| match record {
            Record::Order(order) => Some((order.id, order.card?)),
            _ => None,
        })
        .collect())
}

pub(super) fn tokens(
    queries: &dyn Queries,
    cards: impl Iterator<Item = CardId>,
) -> Result<HashMap<CardId, Box<str>>, Fault> {
    let keys: Vec<Key> = cards.map(Key::Card).collect();
    let found = queries.records(&keys)?.into_iter().flatten();
    Ok(found
        .filter_map(|record| match record {
            Record::Card(card) => Some((card.id, card.token)),
            _ => None,
        })
        .collect())
}

/// What a row says.
struct Row {
    kind: &'static str,
    key: String,
    amount: Money,
    at: Time,
}

struct Bill<'f, W> {
    writer: BillWriter<'f, W>,
    day: BusinessDay,
    rows: u64,
}

impl<W: Write> Bill<'_, W> {
    /// Writes a row of the day, or what the card's behaviour makes of it.
    fn with_faults(&mut self, behaviour: Behaviour, mut row: Row, serial: &str) -> io::Result<()> {
        if row.at.business_day() != self.day || behaviour == Behaviour::BillLacks {
            return Ok(());
        }
        if behaviour == Behaviour::BillAmount {
            row.amount.minor = row.amount.minor.saturating_add(1);
        }
        let status = if behaviour == Behaviour::BillStatus { "失败" } else { "成功" };
        self.row(&row, serial, status)?;
        match behaviour {
            Behaviour::BillTwice => self.row(&row, &format!("{serial}B"), status),
            Behaviour::BillInvents => {
                row.key = format!("X{}", row.key);
                self.row(&row, &format!("{serial}X"), status)
            }
            _ => Ok(()),
        }
    }

    fn row(&mut self, row: &Row, serial: &str, status: &str) -> io::Result<()> {
        self.rows += 1;
        self.writer.row(|column| match column {
            "交易时间" => row.at.local(),
            "平台支付单号" => row.key.clone(),
            "渠道流水号" => serial.to_owned(),
            "交易类型" => row.kind.to_owned(),
            "交易状态" => status.to_owned(),
            "货币" => row.amount.currency.code().to_owned(),
            "交易金额" => row.amount.to_string(),
            "手续费" => "0.00".to_owned(),
            "清算批次" => self.day.to_string().replace('-', ""),
            _ => String::new(),
        })
    }
}
