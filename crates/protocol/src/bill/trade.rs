//! Trade bills (交易账单): every order paid on a day and every return of money begun on it, a row each.

use super::sheet::{BillError, Line, MARK, Sheet, Values, header};
use crate::transaction::TradeType;
use types::{AppId, MerchantId, Rate, Time, TransactionId};

/// Which rows a trade bill has, `bill_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Payments and returns.
    All,
    /// Payments.
    Success,
    /// Returns.
    Refund,
}

/// Which bills have a column.
#[derive(Clone, Copy)]
enum Has {
    /// Every one.
    Every,
    /// Those with returns.
    Returns,
    /// Those of returns only.
    Refunds,
}
use Has::{Every, Refunds, Returns};

/// The columns of the detail rows, in order.
const COLUMNS: [(&str, Has); 29] = [
    ("交易时间", Every),
    ("公众账号ID", Every),
    ("商户号", Every),
    ("特约商户号", Every),
    ("设备号", Every),
    ("微信订单号", Every),
    ("商户订单号", Every),
    ("用户标识", Every),
    ("交易类型", Every),
    ("交易状态", Every),
    ("付款银行", Every),
    ("货币种类", Every),
    ("应结订单金额", Every),
    ("代金券金额", Every),
    ("退款申请时间", Refunds),
    ("退款成功时间", Refunds),
    ("微信退款单号", Returns),
    ("商户退款单号", Returns),
    ("退款金额", Returns),
    ("充值券退款金额", Returns),
    ("退款类型", Returns),
    ("退款状态", Returns),
    ("商品名称", Every),
    ("商户数据包", Every),
    ("手续费", Every),
    ("费率", Every),
    ("订单金额", Every),
    ("申请退款金额", Returns),
    ("费率备注", Every),
];
const ALL: &[&str] = &columns::<27>(Kind::All);
const SUCCESS: &[&str] = &columns::<20>(Kind::Success);
const REFUND: &[&str] = &columns::<29>(Kind::Refund);

/// The `N` columns of a kind.
const fn columns<const N: usize>(kind: Kind) -> [&'static str; N] {
    let mut found = [""; N];
    let (mut at, mut count) = (0, 0);
    while at < COLUMNS.len() {
        let (column, has) = COLUMNS[at];
        let there = match has {
            Every => true,
            Returns => kind.takes(true),
            Refunds => !kind.takes(false),
        };
        if there {
            found[count] = column;
            count += 1;
        }
        at += 1;
    }
    assert!(count == N);
    found
}

const SUMMARY: &[&str] = &[
    "总交易单数",
    "应结订单总金额",
    "退款总金额",
    "充值券退款总金额",
    "手续费总金额",
    "订单总金额",
    "申请退款总金额",
];
const SUMMARY_OF_SUCCESS: &[&str] = &["总交易单数", "应结订单总金额", "手续费总金额", "订单总金额"];

/// The currency of every row.
const CNY: &str = "CNY";

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::All, Self::Success, Self::Refund];
    /// The word of the wire.
    #[must_use]
    pub const fn wire(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::Success => "SUCCESS",
            Self::Refund => "REFUND",
        }
    }
    /// Columns of the detail rows, in order.
    #[must_use]
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::All => ALL,
            Self::Success => SUCCESS,
            Self::Refund => REFUND,
        }
    }
    /// Columns of the summary row, in order.
    #[must_use]
    pub const fn summary(self) -> &'static [&'static str] {
        match self {
            Self::All | Self::Refund => SUMMARY,
            Self::Success => SUMMARY_OF_SUCCESS,
        }
    }
    /// Whether a bill of this kind has such a row.
    #[must_use]
    pub const fn takes(self, returned: bool) -> bool {
        match self {
            Self::All => true,
            Self::Success => !returned,
            Self::Refund => returned,
        }
    }
}

/// A row. Amounts are fen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// When the order was paid; of a return, when it was accepted.
    pub time: Time,
    /// The application.
    pub appid: AppId,
    /// The merchant.
    pub mchid: MerchantId,
    /// The sub-merchant; none for a direct merchant.
    pub sub_mchid: Option<MerchantId>,
    /// The terminal, where one was named.
    pub device: &'a str,
    /// The order.
    pub transaction_id: TransactionId,
    /// The merchant's number of the order.
    pub out_trade_no: &'a str,
    /// The payer as the application knows them.
    pub openid: &'a str,
    /// How the order was placed.
    pub trade_type: TradeType,
    /// The payer's bank, or `OTHERS` for the wallet.
    pub bank: &'a str,
    /// What was paid, or given back.
    pub what: What<'a>,
    /// What was sold.
    pub description: &'a str,
    /// The merchant's own data.
    pub attach: &'a str,
    /// The fee taken; negative when it was given back.
    pub fee: i64,
    /// The fee's rate.
    pub rate: Rate,
    /// A remark on the rate.
    pub rate_note: &'a str,
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What<'a> {
    /// An order was paid.
    Paid {
        /// What it cost.
        amount: i64,
        /// The part that the merchant is settled for: less coupons that were not paid for.
        settlement: i64,
        /// The part paid by coupons.
        coupon: i64,
    },
    /// Money was given back.
    Returned(Returned<'a>),
}

/// A return of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returned<'a> {
    /// By a reversal of a payment-code order instead of a refund.
    pub reversal: bool,
    /// When it was done; none while it is under way. Only [`Kind::Refund`] shows it.
    pub succeeded_at: Option<Time>,
    /// The platform's number of the refund; of a reversal the order's.
    pub refund_id: &'a str,
    /// The merchant's number of the refund; of a reversal the order's.
    pub out_refund_no: &'a str,
    /// What is given back to the payer.
    pub amount: i64,
    /// The part of it that coupons had paid.
    pub coupon: i64,
    /// What the merchant asked to give back.
    pub asked: i64,
    /// Where it goes: `ORIGINAL`, `BALANCE`, ….
    pub channel: &'a str,
    /// Where it stood when the bill was made: `SUCCESS`, `PROCESSING`, `CHANGE`, `CLOSED`.
    pub status: &'a str,
}

/// Sums over the rows, in fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rows.
    pub rows: u64,
    /// 应结订单总金额.
    pub settlement: i128,
    /// 退款总金额.
    pub returned: i128,
    /// 充值券退款总金额.
    pub returned_coupon: i128,
    /// 手续费总金额: fees taken less fees given back.
    pub fee: i128,
    /// 订单总金额.
    pub amount: i128,
    /// 申请退款总金额.
    pub asked: i128,
}

impl Totals {
    fn add(&mut self, row: &Row<'_>) {
        self.rows += 1;
        self.fee += i128::from(row.fee);
        match row.what {
            What::Paid { amount, settlement, .. } => {
                self.amount += i128::from(amount);
                self.settlement += i128::from(settlement);
            }
            What::Returned(returned) => {
                self.returned += i128::from(returned.amount);
                self.returned_coupon += i128::from(returned.coupon);
                self.asked += i128::from(returned.asked);
            }
        }
    }
    fn put(&self, column: &str, line: &mut Line<'_>) {
        match column {
            "总交易单数" => line.show(self.rows),
            "应结订单总金额" => line.yuan(self.settlement),
            "退款总金额" => line.yuan(self.returned),
            "充值券退款总金额" => line.yuan(self.returned_coupon),
            "手续费总金额" => line.fee(self.fee),
            "订单总金额" => line.yuan(self.amount),
            _ => line.yuan(self.asked),
        }
    }
}

/// Writes a bill: [`Writer::begin`], rows in the order of their times, [`Writer::end`].
#[derive(Debug)]
pub struct Writer {
    kind: Kind,
    totals: Totals,
}

impl Writer {
    /// Of an empty bill.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self { kind, totals: Totals::default() }
    }
    /// What it is of.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }
    /// Mark and header.
    pub fn begin(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(MARK.as_bytes());
        header(self.kind.columns(), out);
    }
    /// A row; nothing when the bill has none of its kind.
    pub fn row(&mut self, row: &Row<'_>, out: &mut Vec<u8>) {
        if !self.kind.takes(matches!(row.what, What::Returned(_))) {
            return;
        }
        self.totals.add(row);
        let mut line = Line::new(out);
        line.word(&row.time.local());
        line.show(row.appid);
        line.show(row.mchid);
        line.show(row.sub_mchid.unwrap_or(MerchantId(0)));
        line.text(row.device);
        line.show(row.transaction_id);
        line.word(row.out_trade_no);
        line.word(row.openid);
        line.word(trade_type(row.trade_type));
        let (state, amount, settlement, coupon) = match row.what {
            What::Paid { amount, settlement, coupon } => ("SUCCESS", amount, settlement, coupon),
            What::Returned(returned) => (if returned.reversal { "REVOKED" } else { "REFUND" }, 0, 0, 0),
        };
        line.word(state);
        line.word(row.bank);
        line.word(CNY);
        line.yuan(settlement.into());
        line.yuan(coupon.into());
        if self.kind != Kind::Success {
            self.put_returned(row, &mut line);
        }
        line.text(row.description);
        line.text(row.attach);
        line.fee(row.fee.into());
        line.rate(row.rate);
        line.yuan(amount.into());
        if self.kind != Kind::Success {
            let asked = if let What::Returned(returned) = row.what { returned.asked } else { 0 };
            line.yuan(asked.into());
        }
        line.text(row.rate_note);
        line.end();
    }
    fn put_returned(&self, row: &Row<'_>, line: &mut Line<'_>) {
        let What::Returned(returned) = row.what else {
            line.word("0");
            line.word("0");
            line.yuan(0);
            line.yuan(0);
            line.word("");
            line.word("");
            return;
        };
        if self.kind == Kind::Refund {
            line.word(&row.time.local());
            line.word(&returned.succeeded_at.map(Time::local).unwrap_or_default());
        }
        line.word(returned.refund_id);
        line.word(returned.out_refund_no);
        line.yuan(returned.amount.into());
        line.yuan(returned.coupon.into());
        line.word(returned.channel);
        line.word(returned.status);
    }
    /// Summary header and row.
    pub fn end(&self, out: &mut Vec<u8>) {
        header(self.kind.summary(), out);
        let mut line = Line::new(out);
        for column in self.kind.summary() {
            self.totals.put(column, &mut line);
        }
        line.end();
    }
    /// The sums so far.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }
}

/// Reads a bill back, line by line, and holds its summary against its rows. It takes exactly the columns of the
/// format: a bill with more, fewer or renamed ones is refused.
#[derive(Debug)]
pub struct Reader {
    kind: Kind,
    sheet: Sheet,
    totals: Totals,
}

impl Reader {
    /// At the start of a bill.
    #[must_use]
    pub const fn new(kind: Kind) -> Self {
        let totals =
            Totals { rows: 0, settlement: 0, returned: 0, returned_coupon: 0, fee: 0, amount: 0, asked: 0 };
        Self { kind, sheet: Sheet::new(kind.columns(), kind.summary()), totals }
    }
    /// Takes in the next line, with or without its end; a row when it is one.
    ///
    /// # Errors
    /// [`BillError`], naming line and column.
    pub fn line<'a>(&mut self, line: &'a str) -> Result<Option<Row<'a>>, BillError> {
        let values = self.sheet.read(line, |column, line| self.totals.put(column, line))?;
        let Some(values) = values else { return Ok(None) };
        let row = self.row(&values)?;
        self.totals.add(&row);
        Ok(Some(row))
    }
    /// The end of the text: the sums of the rows, which are those of the summary.
    ///
    /// # Errors
    /// [`BillError::End`] when the summary is missing.
    pub fn finish(self) -> Result<Totals, BillError> {
        self.sheet.finish()?;
        Ok(self.totals)
    }
    /// The number of the line read last.
    #[must_use]
    pub const fn at(&self) -> u64 {
        self.sheet.line()
    }

    fn row<'a>(&self, values: &Values<'a>) -> Result<Row<'a>, BillError> {
        values.known("货币种类", "currency of a bill, CNY", |value| (value == CNY).then_some(()))?;
        let state = values.known("交易状态", "state of a row of this bill", |value| {
            let known = matches!(value, "SUCCESS" | "REFUND" | "REVOKED");
            (known && self.kind.takes(value != "SUCCESS")).then_some(value)
        })?;
        let what = if state == "SUCCESS" {
            What::Paid {
                amount: values.yuan("订单金额")?,
                settlement: values.yuan("应结订单金额")?,
                coupon: values.yuan("代金券金额")?,
            }
        } else {
            let done = values.get("退款成功时间");
            What::Returned(Returned {
                reversal: state == "REVOKED",
                succeeded_at: if done.is_empty() { None } else { Some(values.time("退款成功时间")?) },
                refund_id: values.get("微信退款单号"),
                out_refund_no: values.get("商户退款单号"),
                amount: values.yuan("退款金额")?,
                coupon: values.yuan("充值券退款金额")?,
                asked: values.yuan("申请退款金额")?,
                channel: values.get("退款类型"),
                status: values.get("退款状态"),
            })
        };
        let sub_mchid = values.parse("特约商户号", "merchant number")?;
        Ok(Row {
            time: values.time("交易时间")?,
            appid: values.parse("公众账号ID", "appid")?,
            mchid: values.parse("商户号", "merchant number")?,
            sub_mchid: Some(sub_mchid).filter(|sub| *sub != MerchantId(0)),
            device: values.get("设备号"),
            transaction_id: values.parse("微信订单号", "order number of this platform")?,
            out_trade_no: values.get("商户订单号"),
            openid: values.get("用户标识"),
            trade_type: values.known("交易类型", "trade type", |value| {
                TYPES.into_iter().find(|known| trade_type(*known) == value)
            })?,
            bank: values.get("付款银行"),
            what,
            description: values.get("商品名称"),
            attach: values.get("商户数据包"),
            fee: values.fee("手续费")?,
            rate: values.rate("费率")?,
            rate_note: values.get("费率备注"),
        })
    }
}

const TYPES: [TradeType; 6] = [
    TradeType::Jsapi,
    TradeType::Native,
    TradeType::App,
    TradeType::Micropay,
    TradeType::Mweb,
    TradeType::Facepay,
];

/// The word of a bill, which is the wire's but for faces.
const fn trade_type(kind: TradeType) -> &'static str {
    match kind {
        TradeType::Facepay => "FACE",
        other => other.wire(),
    }
}
