//! Refunds on the wire: asked for, looked up, sent to another card when abnormal, notified (wire §4, §5).

use crate::error::ApiError;
use crate::field::{self, OUT_REFUND_NO, OUT_TRADE_NO};
use crate::issue;
use crate::json::{self, Fields, FromFields, Members, Node};
use crate::language::Text;
use crate::notification::RefundEnd;
use crate::order::{NOTIFY_URL, Parameters, extra, owned, shape};
use serde::Serialize;
use types::{Currency, MerchantId, Money, RefundNumber, Secret, Time, TransactionId};

/// The most bytes of a reason (wire §4).
pub const REASON_BYTES_MAX: usize = 80;
/// The most characters of an encrypted field: Base64 of one RSA-4096 block fits.
pub const CIPHERTEXT_MAX: usize = 1024;

/// A refund request, checked against wire §4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRequest {
    /// A sub-merchant, in partner mode.
    pub sub_mchid: Option<String>,
    /// The order by the platform's number; this or the next, or both.
    pub transaction_id: Option<TransactionId>,
    /// The order by the merchant's number.
    pub out_trade_no: Option<String>,
    /// The merchant's refund number; 1 to 64 of digits, letters, `_ - | * @`.
    pub out_refund_no: String,
    /// Shown to the payer; at most [`REASON_BYTES_MAX`] bytes.
    pub reason: Option<String>,
    /// Absolute URL, at most 256 characters.
    pub notify_url: Option<String>,
    /// Which of the merchant's money is to pay.
    pub funds: Option<FundsRequest>,
    /// How much goes back, CNY.
    pub refund: Money,
    /// The order's whole amount, minor units.
    pub total: i64,
    /// `amount.from`, summing to the refund; empty when left out.
    pub from: Vec<(FromAccount, i64)>,
    /// `goods_detail` as canonical JSON, kept for the record.
    pub extra: Option<String>,
}

macro_rules! words {
    ($(#[$doc:meta])* $kind:ident { $($(#[$of:meta])* $name:ident = $wire:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $kind { $($(#[$of])* $name,)* }
        impl $kind {
            /// Every word of the wire.
            pub const WORDS: &'static [&'static str] = &[$($wire,)*];
            /// The word of the wire.
            #[must_use]
            pub const fn wire(self) -> &'static str {
                match self { $(Self::$name => $wire,)* }
            }
            /// The value of a word.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($wire => Some(Self::$name),)* _ => None }
            }
        }
        impl Serialize for $kind {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.wire())
            }
        }
    };
}

pub(crate) use words;

words! {
    /// `funds_account` of a request.
    FundsRequest {
        /// Settled money.
        Available = "AVAILABLE",
        /// Takings before settlement.
        Unsettled = "UNSETTLED",
    }
}
words! {
    /// `account` in `amount.from`.
    FromAccount {
        /// Settled money.
        Available = "AVAILABLE",
        /// Money not settled yet.
        Unavailable = "UNAVAILABLE",
    }
}
words! {
    /// `funds_account` of an answer: whose money paid.
    FundsAccount {
        /// Takings before settlement.
        Unsettled = "UNSETTLED",
        /// Settled money.
        Available = "AVAILABLE",
    }
}
words! {
    /// `channel`: the way the money goes.
    Channel {
        /// Back to where it came from.
        Original = "ORIGINAL",
        /// To another card than the one that paid.
        OtherBankCard = "OTHER_BANKCARD",
    }
}
words! {
    /// `status`.
    Status {
        /// Under way, or waiting for approval.
        Processing = "PROCESSING",
        /// The payer has the money.
        Success = "SUCCESS",
        /// Nothing moved.
        Closed = "CLOSED",
        /// The card could not take it.
        Abnormal = "ABNORMAL",
    }
}
words! {
    /// `type` of an abnormal refund's receiver.
    ReceiverKind {
        /// The user's card.
        User = "USER_BANK_CARD",
        /// The merchant's card.
        Merchant = "MERCHANT_BANK_CARD",
    }
}

const REASON: Text = Text::fixed("不超过 80 个字节（UTF-8）的文字", "at most 80 bytes of UTF-8");

impl RefundRequest {
    /// Reads a refund request.
    ///
    /// # Errors
    /// `PARAM_ERROR` with the pointer of the first member that is wrong.
    pub fn read(bytes: &[u8]) -> Result<Self, ApiError> {
        json::read(bytes)
    }

    /// All parameters but the order's numbers as canonical bytes, as [`crate::order::Prepay::canonical`]: a repeat may
    /// name the order by the other number.
    #[must_use]
    pub fn canonical(&self) -> Secret<Vec<u8>> {
        let mut parameters = Parameters::default();
        parameters.text("sub_mchid", self.sub_mchid.as_deref());
        parameters.text("out_refund_no", Some(&self.out_refund_no));
        parameters.text("reason", self.reason.as_deref());
        parameters.text("notify_url", self.notify_url.as_deref());
        parameters.text("funds_account", self.funds.map(FundsRequest::wire));
        parameters.put("order_total", &Node::Integer(self.total));
        parameters.money(self.refund);
        if !self.from.is_empty() {
            let entry = |(account, amount): &(FromAccount, i64)| {
                Node::List(vec![Node::Text(account.wire().into()), Node::Integer(*amount)])
            };
            parameters.put("from", &Node::List(self.from.iter().map(entry).collect()));
        }
        parameters.text("extra", self.extra.as_deref());
        parameters.bytes()
    }
}

impl FromFields for RefundRequest {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, ApiError> {
        let number = |text: &str| field::is_out_trade_no(text).then(|| text.to_owned());
        let transaction =
            || issue::form("本平台生成的 28 位数字订单号", "an order number of this platform, 28 digits");
        let url = |text: &str| field::is_notify_url(text).then(|| text.to_owned());
        let brief = |text: &str| (text.len() <= REASON_BYTES_MAX).then(|| text.to_owned());
        let funds = || issue::one_of(FundsRequest::WORDS);
        let transaction_id =
            fields.parsed("transaction_id", 1..=32, |text| text.parse().ok(), transaction)?;
        let out_trade_no = fields.parsed("out_trade_no", 6..=32, number, || field::form(OUT_TRADE_NO))?;
        if transaction_id.is_none() && out_trade_no.is_none() {
            return Err(fields.missing("out_trade_no"));
        }
        let out_refund_no = out_refund_no(fields)?;
        let mut kept = Members::new();
        if let Some(goods) = fields.objects("goods_detail", 1..=shape::GOODS_MAX)? {
            let nodes = goods.iter().map(|line| shape::take(line, shape::REFUND_GOODS).map(Node::Object));
            kept.insert("goods_detail".into(), Node::List(nodes.collect::<Result<_, _>>()?));
        }
        let amount = fields.need_object("amount")?;
        let cny = |text: &str| (text == "CNY").then_some(Currency::CNY);
        let refund = amount.need_integer("refund", 1..=i64::MAX)?;
        let currency = amount.need_parsed("currency", 1..=16, cny, || issue::one_of(&["CNY"]))?;
        Ok(Self {
            sub_mchid: owned(fields.text("sub_mchid", 1..=32)?),
            transaction_id,
            out_trade_no,
            out_refund_no,
            reason: fields.parsed("reason", 1..=REASON_BYTES_MAX, brief, || field::form(REASON))?,
            notify_url: fields.parsed("notify_url", 1..=256, url, || field::form(NOTIFY_URL))?,
            funds: fields.parsed("funds_account", 1..=32, FundsRequest::parse, funds)?,
            refund: Money::new(refund, currency),
            total: amount.need_integer("total", 1..=i64::MAX)?,
            from: from(&amount, refund)?,
            extra: extra(kept),
        })
    }
}

fn out_refund_no(fields: &Fields<'_>) -> Result<String, ApiError> {
    let number = |text: &str| field::is_out_refund_no(text).then(|| text.to_owned());
    fields.need_parsed("out_refund_no", 1..=64, number, || field::form(OUT_REFUND_NO))
}

/// `amount.from`: accounts that share the refund, summing to it.
fn from(amount: &Fields<'_>, refund: i64) -> Result<Vec<(FromAccount, i64)>, ApiError> {
    let Some(entries) = amount.objects("from", 1..=FromAccount::WORDS.len())? else { return Ok(Vec::new()) };
    let known = || issue::one_of(FromAccount::WORDS);
    let read = |entry: &Fields<'_>| {
        let account = entry.need_parsed("account", 1..=32, FromAccount::parse, known)?;
        Ok((account, entry.need_integer("amount", 1..=i64::MAX)?))
    };
    let from: Vec<_> = entries.iter().map(read).collect::<Result<_, ApiError>>()?;
    let sum = from.iter().try_fold(0_i64, |sum, (_, amount)| sum.checked_add(*amount));
    if sum == Some(refund) {
        return Ok(from);
    }
    Err(amount
        .fault("from", Text::fixed("各项金额之和须等于 refund", "must have amounts that sum to refund")))
}

/// Where to send an abnormal refund. Account and name come encrypted for the platform key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbnormalRequest {
    /// A sub-merchant, in partner mode.
    pub sub_mchid: Option<String>,
    /// The merchant's refund number.
    pub out_refund_no: String,
    /// Whose card.
    pub kind: ReceiverKind,
    /// The bank; required for a user's card.
    pub bank_type: Option<&'static str>,
    /// The card's number, cipher text; required for a user's card.
    pub bank_account: Option<Secret<String>>,
    /// The holder's name, cipher text; required for a user's card.
    pub real_name: Option<Secret<String>>,
}

/// Banks whose cards take an abnormal refund (wire §4).
pub const USER_BANKS: [&str; 15] = [
    "CMB_DEBIT",
    "COMM_DEBIT",
    "ABC_DEBIT",
    "CCB_DEBIT",
    "ICBC_DEBIT",
    "BOC_DEBIT",
    "PAB_DEBIT",
    "SPDB_DEBIT",
    "CITIC_DEBIT",
    "CEB_DEBIT",
    "CMBC_DEBIT",
    "CIB_DEBIT",
    "GDB_DEBIT",
    "PSBC_DEBIT",
    "NBCB_DEBIT",
];

impl AbnormalRequest {
    /// Reads the body; the refund's number is in the path.
    ///
    /// # Errors
    /// `PARAM_ERROR` with the pointer of the first member that is wrong; cipher texts never appear in it.
    pub fn read(bytes: &[u8]) -> Result<Self, ApiError> {
        json::read(bytes)
    }
}

impl FromFields for AbnormalRequest {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, ApiError> {
        let known = || issue::one_of(ReceiverKind::WORDS);
        let kind = fields.need_parsed("type", 1..=32, ReceiverKind::parse, known)?;
        let bank = |text: &str| USER_BANKS.iter().find(|known| **known == text).copied();
        let hidden = fields.hidden();
        let sealed = |name| {
            let text = hidden.text(name, 1..=CIPHERTEXT_MAX)?;
            if text.is_none() && kind == ReceiverKind::User {
                return Err(hidden.missing(name));
            }
            Ok(text.map(|text| Secret::new(text.to_owned())))
        };
        let bank_type = fields.parsed("bank_type", 1..=16, bank, || issue::one_of(&USER_BANKS))?;
        if bank_type.is_none() && kind == ReceiverKind::User {
            return Err(fields.missing("bank_type"));
        }
        Ok(Self {
            sub_mchid: owned(fields.text("sub_mchid", 1..=32)?),
            out_refund_no: out_refund_no(fields)?,
            kind,
            bank_type,
            bank_account: sealed("bank_account")?,
            real_name: sealed("real_name")?,
        })
    }
}

/// The refund object: what creating and looking up answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundView {
    /// The platform's number.
    pub refund_id: RefundNumber,
    /// The merchant's number.
    pub out_refund_no: String,
    /// The order, by the platform's number.
    pub transaction_id: TransactionId,
    /// The order, by the merchant's number.
    pub out_trade_no: String,
    /// Which way the money goes.
    pub channel: Channel,
    /// Where it goes, in words, at most 64 characters.
    pub user_received_account: String,
    /// When the payer had it.
    pub success_time: Option<Time>,
    /// When it was created.
    pub create_time: Time,
    /// Where it stands.
    pub status: Status,
    /// Whose money pays.
    pub funds_account: FundsAccount,
    /// The order's amount.
    pub total: Money,
    /// How much goes back.
    pub refund: Money,
    /// As asked for; left out when empty.
    pub from: Vec<(FromAccount, i64)>,
    /// The fee returned, minor units.
    pub refund_fee: i64,
}

impl RefundView {
    /// The JSON of the object. There are no promotions yet, so the payer's share is the whole and nothing is
    /// discounted.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let (total, refund) = (self.total.minor, self.refund.minor);
        crate::body(&Wire {
            refund_id: self.refund_id.to_string(),
            out_refund_no: &self.out_refund_no,
            transaction_id: self.transaction_id.to_string(),
            out_trade_no: &self.out_trade_no,
            channel: self.channel,
            user_received_account: &self.user_received_account,
            success_time: self.success_time.map(Time::rfc3339),
            create_time: self.create_time.rfc3339(),
            status: self.status,
            funds_account: self.funds_account,
            amount: Amount {
                total,
                refund,
                from: self
                    .from
                    .iter()
                    .map(|(account, amount)| From { account: *account, amount: *amount })
                    .collect(),
                payer_total: total,
                payer_refund: refund,
                settlement_refund: refund,
                settlement_total: total,
                discount_refund: 0,
                currency: self.refund.currency.code(),
                refund_fee: self.refund_fee,
            },
        })
    }
}

/// The clear text of a refund notification (wire §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundNotice {
    /// To whom: the merchant, or the partner that placed the order.
    pub mchid: MerchantId,
    /// Whose refund it is, when a partner placed the order: the text has the partner's form then.
    pub sub_mchid: Option<MerchantId>,
    /// What happened, when it happened: a later state is another notification.
    pub end: RefundEnd,
    /// The refund.
    pub refund: RefundView,
}

impl RefundNotice {
    /// The JSON to seal.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let refund = &self.refund;
        let status = match self.end {
            RefundEnd::Success => Status::Success,
            RefundEnd::Abnormal => Status::Abnormal,
            RefundEnd::Closed => Status::Closed,
        };
        crate::body(&Notice {
            party: match self.sub_mchid {
                None => Party::Own { mchid: self.mchid.to_string() },
                Some(sub) => Party::Partner { sp_mchid: self.mchid.to_string(), sub_mchid: sub.to_string() },
            },
            transaction_id: refund.transaction_id.to_string(),
            out_trade_no: &refund.out_trade_no,
            refund_id: refund.refund_id.to_string(),
            out_refund_no: &refund.out_refund_no,
            refund_status: status,
            success_time: refund.success_time.filter(|_| status == Status::Success).map(Time::rfc3339),
            user_received_account: &refund.user_received_account,
            amount: NoticeAmount {
                total: refund.total.minor,
                refund: refund.refund.minor,
                payer_total: refund.total.minor,
                payer_refund: refund.refund.minor,
            },
        })
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    refund_id: String,
    out_refund_no: &'a str,
    transaction_id: String,
    out_trade_no: &'a str,
    channel: Channel,
    user_received_account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_time: Option<String>,
    create_time: String,
    status: Status,
    funds_account: FundsAccount,
    amount: Amount,
}

#[derive(Serialize)]
struct Amount {
    total: i64,
    refund: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    from: Vec<From>,
    payer_total: i64,
    payer_refund: i64,
    settlement_refund: i64,
    settlement_total: i64,
    discount_refund: i64,
    currency: &'static str,
    refund_fee: i64,
}

#[derive(Serialize)]
struct From {
    account: FromAccount,
    amount: i64,
}

#[derive(Serialize)]
struct Notice<'a> {
    #[serde(flatten)]
    party: Party,
    transaction_id: String,
    out_trade_no: &'a str,
    refund_id: String,
    out_refund_no: &'a str,
    refund_status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_time: Option<String>,
    user_received_account: &'a str,
    amount: NoticeAmount,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Party {
    Own { mchid: String },
    Partner { sp_mchid: String, sub_mchid: String },
}

#[derive(Serialize)]
struct NoticeAmount {
    total: i64,
    refund: i64,
    payer_total: i64,
    payer_refund: i64,
}

#[cfg(test)]
#[path = "refund_tests.rs"]
mod tests;
