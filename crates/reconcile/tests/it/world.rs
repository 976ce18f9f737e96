//! A day with planted differences: what is right is known, so what a run finds can be held against it.

use reconcile::{Class, Entry, Kind, Side, Status, bill::BillWriter, format::Format};
use std::io::{self, Write};
use types::{BusinessDay, Currency, Money, Time, time};

/// What was done to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Planted {
    Nothing,
    /// The sides stamp it on two days; the other side's comes tomorrow.
    AcrossMidnight,
    LedgerLacks,
    ChannelLacks,
    OtherAmount,
    OtherCurrency,
    ChannelFailed,
    LedgerDoubts,
    OtherFee,
    ChannelTwice,
    LedgerTwice,
    /// Both say it failed, or the other never heard of it: no difference at all.
    FailedHere,
    FailedBoth,
}

const DIFFERENCES: [Planted; 12] = [
    Planted::AcrossMidnight,
    Planted::LedgerLacks,
    Planted::ChannelLacks,
    Planted::OtherAmount,
    Planted::OtherCurrency,
    Planted::ChannelFailed,
    Planted::LedgerDoubts,
    Planted::OtherFee,
    Planted::ChannelTwice,
    Planted::LedgerTwice,
    Planted::FailedHere,
    Planted::FailedBoth,
];

impl Planted {
    /// The class that must be found.
    pub(crate) fn class(self) -> Option<Class> {
        match self {
            Self::Nothing | Self::AcrossMidnight | Self::FailedHere | Self::FailedBoth => None,
            Self::LedgerLacks => Some(Class::Long),
            Self::ChannelLacks => Some(Class::Short),
            Self::OtherAmount => Some(Class::Amount),
            Self::OtherCurrency => Some(Class::Currency),
            Self::ChannelFailed | Self::LedgerDoubts => Some(Class::Status),
            Self::OtherFee => Some(Class::Fee),
            Self::ChannelTwice | Self::LedgerTwice => Some(Class::Duplicate),
        }
    }
}

/// A day of `count` movements, of which `per_mille` are planted with a difference.
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) count: u64,
    pub(crate) per_mille: u64,
    pub(crate) day: BusinessDay,
}

impl World {
    /// Movement `nth`, as it truly was, and what was planted.
    pub(crate) fn movement(&self, nth: u64) -> (Entry, Planted) {
        let mut dice = fastrand::Rng::with_seed(self.seed ^ nth.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let planted = match dice.u64(0..1000) < self.per_mille {
            true => DIFFERENCES[dice.usize(0..DIFFERENCES.len())],
            false => Planted::Nothing,
        };
        let within = match planted {
            Planted::AcrossMidnight => time::DAY - time::SECOND * dice.i64(1..=500),
            _ => dice.i64(0..time::DAY / time::SECOND - 700) * time::SECOND,
        };
        let kind = if dice.u8(0..10) == 0 { Kind::Refund } else { Kind::Payment };
        let fen = dice.i64(1..500_000_00);
        let entry = Entry {
            fee: Some(Money::cny(fen / 200)),
            batch: Some(format!("B{}", nth % 7)),
            reference: format!("CH{nth:012}"),
            ..Entry::new(
                &format!("42000020261121{nth:010}"),
                kind,
                Money::cny(fen),
                Status::Succeeded,
                Time(self.day.start().0 + within),
            )
        };
        (entry, planted)
    }

    /// What a side says of movement `nth`.
    pub(crate) fn said(&self, side: Side, nth: u64) -> Vec<Entry> {
        let (truth, planted) = self.movement(nth);
        let ledger = side == Side::Ledger;
        match planted {
            Planted::AcrossMidnight if ledger != (nth.is_multiple_of(2)) => Vec::new(),
            Planted::LedgerLacks if ledger => Vec::new(),
            Planted::ChannelLacks if !ledger => Vec::new(),
            Planted::OtherAmount if !ledger => {
                vec![Entry { amount: Money::cny(truth.amount.minor + 1), ..truth }]
            }
            Planted::OtherCurrency if !ledger => {
                let amount = Money::new(truth.amount.minor, Currency::USD);
                let fee = truth.fee.map(|fee| Money::new(fee.minor, Currency::USD));
                vec![Entry { amount, fee, ..truth }]
            }
            Planted::ChannelFailed if !ledger => vec![Entry { status: Status::Failed, ..truth }],
            Planted::LedgerDoubts if ledger => vec![Entry { status: Status::Unknown, ..truth }],
            Planted::OtherFee if !ledger => {
                let fee = truth.fee.map(|fee| Money::cny(fee.minor + 1));
                vec![Entry { fee, ..truth }]
            }
            Planted::ChannelTwice if !ledger => vec![truth.clone(), truth],
            Planted::LedgerTwice if ledger => vec![truth.clone(), truth],
            Planted::FailedHere if ledger => vec![Entry { status: Status::Failed, ..truth }],
            Planted::FailedHere => Vec::new(),
            Planted::FailedBoth => vec![Entry { status: Status::Failed, ..truth }],
            _ => vec![truth],
        }
    }

    /// Movement numbers in an order of the side's own.
    pub(crate) fn order(&self, side: Side) -> impl Iterator<Item = u64> {
        // A step without a common factor visits every movement once.
        let step = match side {
            Side::Ledger => 1,
            _ => (0..).map(|n| self.count / 2 + 1 + n).find(|step| gcd(*step, self.count) == 1).unwrap_or(1),
        };
        let count = self.count;
        (0..count).map(move |nth| nth * step % count)
    }

    /// Writes the channel's bill.
    pub(crate) fn write_bill<W: Write>(&self, out: W, format: &Format) -> io::Result<W> {
        let mut bill = BillWriter::new(out, format)?;
        for nth in self.order(Side::Channel) {
            for entry in self.said(Side::Channel, nth) {
                bill.row(|column| cell(&entry, column))?;
            }
        }
        bill.finish()
    }
}

/// An entry's text in a column of the card channel's bill.
pub(crate) fn cell(entry: &Entry, column: &str) -> String {
    match column {
        "交易时间" => entry.at.local(),
        "平台支付单号" => entry.key.clone(),
        "渠道流水号" => entry.reference.clone(),
        "交易类型" if entry.kind == Kind::Refund => "退款".into(),
        "交易类型" => "消费".into(),
        "交易状态" => match entry.status {
            Status::Succeeded => "成功".into(),
            Status::Failed => "失败".into(),
            Status::Reversed => "已冲正".into(),
            Status::Unknown => "处理中".into(),
        },
        "货币" => entry.amount.currency.code().into(),
        "交易金额" => entry.amount.to_string(),
        "手续费" => entry.fee.map(|fee| fee.to_string()).unwrap_or_default(),
        "清算批次" => entry.batch.clone().unwrap_or_default(),
        other => panic!("no such column: {other}"),
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
