//! Declared formats of channel bills, as data: an operator can add a channel without a new release.

use crate::entry::{Kind, Status};
use intake::{Encoding, Quoting};
use serde::{Deserialize, Serialize};
use types::Currency;

/// What a channel promises of its bill. Columns are named, never counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// What messages call it, such as `card-channel/1`.
    pub name: String,
    /// Encoding of the file.
    #[serde(default)]
    pub encoding: Encoding,
    /// Between fields.
    #[serde(default = "comma")]
    pub separator: char,
    /// How data fields are quoted; header lines are not.
    #[serde(default)]
    pub quoting: Quoting,
    /// Columns of the details, all of them, in order.
    pub columns: Vec<String>,
    /// Columns that hold amounts in major units (yuan), each with its exact number of decimals.
    pub amounts: Vec<Amount>,
    /// How times are written.
    pub time: TimeForm,
    /// How a row becomes an entry; the first rule that applies. A row to which none applies is refused.
    pub rules: Vec<Rule>,
    /// The summary at the end. A bill without one cannot be told from one that was cut off, so it is required.
    pub summary: Vec<Summary>,
}

const fn comma() -> char {
    ','
}

/// Most columns of amounts.
pub(crate) const AMOUNTS_MAX: usize = 32;

/// A column of amounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amount {
    /// The column.
    pub column: String,
    /// Digits after the point, 0 to 8; exactly so many.
    pub decimals: u8,
}

/// How a bill writes times, always in the business zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeForm {
    /// `2026-11-21 10:11:12`.
    Local,
    /// `20261121101112`.
    Compact,
    /// `2026-11-21T10:11:12+08:00`.
    Rfc3339,
}

/// How some rows become entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// It applies where each of these columns has one of these values; always when empty.
    #[serde(default)]
    pub when: Vec<(String, Vec<String>)>,
    /// What such a row is.
    pub kind: Kind,
    /// Column of the number that both sides know.
    pub key: String,
    /// Column of the amount; one of [`Format::amounts`].
    pub amount: String,
    /// Column of the fee; one of [`Format::amounts`].
    #[serde(default)]
    pub fee: Option<String>,
    /// Column of the currency code, such as `CNY`.
    pub currency: String,
    /// Column of the status and what its values mean. A value that is not named is refused.
    pub status: (String, Vec<(String, Status)>),
    /// Column of the time.
    pub time: String,
    /// Column of the channel's own number.
    pub reference: String,
    /// Column of the settlement batch.
    #[serde(default)]
    pub batch: Option<String>,
}

/// A column of the summary, and what it must equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Its name in the summary's header.
    pub column: String,
    /// What it says.
    pub says: Says,
}

/// What a summary column says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Says {
    /// The number of detail rows.
    Rows,
    /// The number of rows of a kind.
    RowsOf(Kind),
    /// The sum of a detail column, one of [`Format::amounts`].
    Sum(String),
    /// The sum of a detail column over rows of a kind.
    SumOf(String, Kind),
}

impl Format {
    /// The trade bill `ALL` of the wire (§6), which a service provider downloads and other gateways copy.
    #[must_use]
    pub fn trade_bill() -> Self {
        let columns = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,\
                       付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,\
                       退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注";
        let rule =
            |kind, when: &[&str], key: &str, amount: &str, status: (String, Vec<(String, Status)>)| Rule {
                when: vec![("交易状态".into(), when.iter().map(|v| (*v).into()).collect())],
                kind,
                key: key.into(),
                amount: amount.into(),
                fee: Some("手续费".into()),
                currency: "货币种类".into(),
                status,
                time: "交易时间".into(),
                reference: if kind == Kind::Refund { "微信退款单号" } else { "微信订单号" }.into(),
                batch: None,
            };
        let paid = [("SUCCESS", Status::Succeeded), ("REVOKED", Status::Reversed)];
        let refunded = [
            ("SUCCESS", Status::Succeeded),
            ("PROCESSING", Status::Unknown),
            ("CHANGE", Status::Unknown),
            ("FAIL", Status::Failed),
        ];
        let meaning = |column: &str, values: &[(&str, Status)]| {
            (column.to_owned(), values.iter().map(|(value, status)| ((*value).into(), *status)).collect())
        };
        let sum = |column: &str, of: &str| Summary { column: column.into(), says: Says::Sum(of.into()) };
        let fen = ["应结订单金额", "代金券金额", "退款金额", "充值券退款金额", "订单金额", "申请退款金额"];
        let mut amounts: Vec<Amount> =
            fen.iter().map(|column| Amount { column: (*column).into(), decimals: 2 }).collect();
        amounts.push(Amount { column: "手续费".into(), decimals: 5 });
        Self {
            name: "trade-bill/ALL".into(),
            encoding: Encoding::Utf8,
            separator: ',',
            quoting: Quoting::Backtick,
            columns: columns.split(',').map(|c| c.trim().to_owned()).collect(),
            amounts,
            time: TimeForm::Local,
            rules: vec![
                rule(
                    Kind::Payment,
                    &["SUCCESS", "REVOKED"],
                    "商户订单号",
                    "订单金额",
                    meaning("交易状态", &paid),
                ),
                rule(
                    Kind::Refund,
                    &["REFUND"],
                    "商户退款单号",
                    "申请退款金额",
                    meaning("退款状态", &refunded),
                ),
            ],
            summary: vec![
                Summary { column: "总交易单数".into(), says: Says::Rows },
                sum("应结订单总金额", "应结订单金额"),
                sum("退款总金额", "退款金额"),
                sum("充值券退款总金额", "充值券退款金额"),
                sum("手续费总金额", "手续费"),
                sum("订单总金额", "订单金额"),
                sum("申请退款总金额", "申请退款金额"),
            ],
        }
    }

    /// The bill of the simulated card channel.
    #[must_use]
    pub fn card_channel() -> Self {
        let columns = "交易时间,平台支付单号,渠道流水号,交易类型,交易状态,货币,交易金额,手续费,清算批次";
        let rule = |kind, value: &str| Rule {
            when: vec![("交易类型".into(), vec![value.into()])],
            kind,
            key: "平台支付单号".into(),
            amount: "交易金额".into(),
            fee: Some("手续费".into()),
            currency: "货币".into(),
            status: (
                "交易状态".into(),
                vec![
                    ("成功".into(), Status::Succeeded),
                    ("失败".into(), Status::Failed),
                    ("已冲正".into(), Status::Reversed),
                    ("处理中".into(), Status::Unknown),
                ],
            ),
            time: "交易时间".into(),
            reference: "渠道流水号".into(),
            batch: Some("清算批次".into()),
        };
        let sum = |column: &str, of: &str, kind| Summary {
            column: column.into(),
            says: Says::SumOf(of.into(), kind),
        };
        let amount = |column: &str| Amount { column: column.into(), decimals: 2 };
        Self {
            name: "card-channel/1".into(),
            encoding: Encoding::Utf8,
            separator: ',',
            quoting: Quoting::Backtick,
            columns: columns.split(',').map(str::to_owned).collect(),
            amounts: vec![amount("交易金额"), amount("手续费")],
            time: TimeForm::Local,
            rules: vec![rule(Kind::Payment, "消费"), rule(Kind::Refund, "退款")],
            summary: vec![
                Summary { column: "总笔数".into(), says: Says::Rows },
                sum("消费总金额", "交易金额", Kind::Payment),
                sum("退款总金额", "交易金额", Kind::Refund),
                Summary { column: "手续费总金额".into(), says: Says::Sum("手续费".into()) },
            ],
        }
    }

    /// Checks the declaration and resolves names to places.
    ///
    /// # Errors
    /// A sentence naming the format and what in it is wrong.
    pub(crate) fn layout(&self) -> Result<Layout<'_>, String> {
        let wrong = |problem: String| format!("format `{}`: {problem}", self.name);
        if self.columns.is_empty() || self.columns.len() > 200 {
            return Err(wrong("1 to 200 columns are declared".into()));
        }
        if self.rules.is_empty() || self.summary.is_empty() {
            return Err(wrong("at least one rule and one summary column are declared".into()));
        }
        if self.amounts.len() > AMOUNTS_MAX {
            return Err(wrong(format!("at most {AMOUNTS_MAX} columns of amounts are declared")));
        }
        if let Some(twice) =
            (1..self.columns.len()).find(|at| self.columns[..*at].contains(&self.columns[*at]))
        {
            return Err(wrong(format!("column `{}` is declared twice", self.columns[twice])));
        }
        let place = |name: &str| {
            let at = self.columns.iter().position(|column| column == name);
            at.ok_or_else(|| wrong(format!("column `{name}` is used and not declared")))
        };
        let mut amounts = Vec::new();
        for amount in &self.amounts {
            if amount.decimals > 8 {
                return Err(wrong(format!("column `{}` has more than 8 decimals", amount.column)));
            }
            amounts.push((place(&amount.column)?, amount.decimals));
        }
        let sum = |name: &str| {
            let at = self.amounts.iter().position(|amount| amount.column == name);
            at.ok_or_else(|| wrong(format!("column `{name}` is not among the amounts")))
        };
        let mut rules = Vec::new();
        for rule in &self.rules {
            let mut when = Vec::new();
            for (column, values) in &rule.when {
                when.push((place(column)?, values.as_slice()));
            }
            rules.push(Places {
                when,
                kind: rule.kind,
                key: place(&rule.key)?,
                amount: sum(&rule.amount)?,
                fee: rule.fee.as_deref().map(sum).transpose()?,
                currency: place(&rule.currency)?,
                status: (place(&rule.status.0)?, rule.status.1.as_slice()),
                time: place(&rule.time)?,
                reference: place(&rule.reference)?,
                batch: rule.batch.as_deref().map(place).transpose()?,
            });
        }
        let mut summary = Vec::new();
        for column in &self.summary {
            summary.push(match &column.says {
                Says::Rows => Check::Rows(None),
                Says::RowsOf(kind) => Check::Rows(Some(*kind)),
                Says::Sum(of) => Check::Sum(sum(of)?, None),
                Says::SumOf(of, kind) => Check::Sum(sum(of)?, Some(*kind)),
            });
        }
        Ok(Layout { amounts, rules, summary })
    }
}

/// A format with names resolved.
#[derive(Debug)]
pub(crate) struct Layout<'f> {
    /// Place and decimals of each amount column.
    pub(crate) amounts: Vec<(usize, u8)>,
    pub(crate) rules: Vec<Places<'f>>,
    pub(crate) summary: Vec<Check>,
}

/// A rule with names resolved. `amount` and `fee` count among the amounts, everything else among the columns.
#[derive(Debug)]
pub(crate) struct Places<'f> {
    pub(crate) when: Vec<(usize, &'f [String])>,
    pub(crate) kind: Kind,
    pub(crate) key: usize,
    pub(crate) amount: usize,
    pub(crate) fee: Option<usize>,
    pub(crate) currency: usize,
    pub(crate) status: (usize, &'f [(String, Status)]),
    pub(crate) time: usize,
    pub(crate) reference: usize,
    pub(crate) batch: Option<usize>,
}

/// What a summary column is held against.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Check {
    Rows(Option<Kind>),
    Sum(usize, Option<Kind>),
}

/// The currency of this code.
pub(crate) fn currency(code: &str) -> Option<Currency> {
    Currency::from_code(code)
}
