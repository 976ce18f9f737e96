//! Notifications to merchants: the body, and what counts as received (wire §5). When to try again is a rule:
//! `domain::notification::RETRY_S`.

use crate::error::cut;
use crate::json::Body;
use crate::sealed::Sealed;
use serde::Serialize;
use types::Time;

/// How long a merchant has to answer, in seconds (wire §5).
pub const ANSWER_SECONDS_MAX: u64 = 5;
/// How much of a merchant's answer is worth reading, in bytes.
pub const ANSWER_BYTES_MAX: usize = 64 << 10;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// An order was paid; the clear text is the transaction object.
    TransactionSuccess,
    /// A refund came to its end; the clear text is [`crate::refund::RefundNotice`].
    Refund(RefundEnd),
    /// The merchant received a share; the clear text is [`crate::sharing::ShareNotice`].
    ShareReceived,
    /// The merchant gave back of a share; the clear text is [`crate::sharing::ShareNotice`].
    ShareReturned,
    /// A transfer to a user has ended; the clear text is [`crate::user_transfer::TransferNotice`].
    UserTransfer,
    /// Every transfer of a batch has ended; the clear text is [`crate::user_transfer::BatchNotice`].
    TransferBatch,
    /// The merchant asked for it by `POST /v3/security/echo`; the clear text is the answer it got (wire §1.11).
    SecurityEcho,
}

/// What a refund came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefundEnd {
    /// The payer has the money.
    Success,
    /// The card could not take it; the merchant must name another.
    Abnormal,
    /// Nothing moved.
    Closed,
}

impl Event {
    /// The text of `event_type`.
    #[must_use]
    pub const fn wire(self) -> &'static str {
        match self {
            Self::TransactionSuccess => "TRANSACTION.SUCCESS",
            Self::Refund(RefundEnd::Success) => "REFUND.SUCCESS",
            Self::Refund(RefundEnd::Abnormal) => "REFUND.ABNORMAL",
            Self::Refund(RefundEnd::Closed) => "REFUND.CLOSED",
            Self::ShareReceived => "PROFITSHARING.SUCCESS",
            Self::ShareReturned => "PROFITSHARING.RETURN",
            Self::UserTransfer => "MCHTRANSFER.BILL.FINISHED",
            Self::TransferBatch => "MCHTRANSFER.BATCH.FINISHED",
            Self::SecurityEcho => "SECURITY_ECHO.SUCCESS",
        }
    }
    /// The text of `original_type`; also the `associated_data` to seal with.
    #[must_use]
    pub const fn original_type(self) -> &'static str {
        match self {
            Self::TransactionSuccess => "transaction",
            Self::Refund(_) => "refund",
            Self::ShareReceived | Self::ShareReturned => "profitsharing",
            Self::UserTransfer | Self::TransferBatch => "mch_payment",
            Self::SecurityEcho => "security",
        }
    }
    /// The text of `summary`, always Chinese.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        match self {
            Self::TransactionSuccess => "支付成功",
            Self::Refund(RefundEnd::Success) => "退款成功",
            Self::Refund(RefundEnd::Abnormal) => "退款异常",
            Self::Refund(RefundEnd::Closed) => "退款关闭",
            Self::ShareReceived => "分账到账通知",
            Self::ShareReturned => "分账回退通知",
            Self::UserTransfer => "商家转账单据终态通知",
            Self::TransferBatch => "商家转账批次完成通知",
            Self::SecurityEcho => "安全自测成功",
        }
    }
}

/// One notification; the same on every attempt, only the signature is fresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Unique and the same on every attempt; at most 36 characters.
    pub id: String,
    /// When the event happened.
    pub create_time: Time,
    /// What happened.
    pub event: Event,
    /// The clear text, sealed with the merchant's APIv3 key.
    pub resource: Sealed,
}

impl Notification {
    /// The body to sign and send.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        crate::body(&Wire {
            id: &self.id,
            create_time: self.create_time.rfc3339(),
            event_type: self.event.wire(),
            resource_type: "encrypt-resource",
            summary: self.event.summary(),
            resource: Resource { original_type: self.event.original_type(), sealed: &self.resource },
        })
    }
}

/// What a merchant's answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acknowledgement {
    /// Received; do not send again.
    Received,
    /// Not received; send again. With a short reason for the console, at most 128 characters.
    Refused(String),
}

/// Reads a merchant's answer. Redirects are not followed, a timeout is no answer at all.
///
/// | Status | Body | Meaning |
/// | --- | --- | --- |
/// | 204 | any | received |
/// | 200 | an object whose `code` is a text other than `SUCCESS` (any case), such as `FAIL` | refused: the older rule's failure |
/// | 200 | anything else, also none | received: the newer rule, where the body is optional |
/// | other 2xx | an object whose `code` is `SUCCESS` | received: the older rule |
/// | anything else | any | refused |
///
/// When the two rules disagree we retry: a second notification is normal, a lost one is not. At most
/// [`ANSWER_BYTES_MAX`] bytes of the body are considered; a longer one counts as no object.
#[must_use]
pub fn acknowledgement(status: u16, body: &[u8]) -> Acknowledgement {
    if status == 204 {
        return Acknowledgement::Received;
    }
    if !(200..300).contains(&status) {
        return Acknowledgement::Refused(format!("HTTP {status}"));
    }
    match answer_code(body) {
        Some((code, _)) if code.eq_ignore_ascii_case("SUCCESS") => Acknowledgement::Received,
        Some((code, message)) => {
            Acknowledgement::Refused(cut(&format!("HTTP {status} {code} {message}"), 128))
        }
        None if status == 200 => Acknowledgement::Received,
        None => Acknowledgement::Refused(format!("HTTP {status}")),
    }
}

/// `code` and `message` of an answer, when it is an object with a text `code`.
fn answer_code(body: &[u8]) -> Option<(String, String)> {
    if body.len() > ANSWER_BYTES_MAX {
        return None;
    }
    let body = Body::parse(body).ok()?;
    let fields = body.fields();
    let code = fields.text("code", 0..=ANSWER_BYTES_MAX).ok()??;
    let message = fields.text("message", 0..=ANSWER_BYTES_MAX).ok().flatten().unwrap_or_default();
    Some((code.to_owned(), message.to_owned()))
}

#[derive(Serialize)]
struct Wire<'a> {
    id: &'a str,
    create_time: String,
    event_type: &'static str,
    resource_type: &'static str,
    summary: &'static str,
    resource: Resource<'a>,
}

#[derive(Serialize)]
struct Resource<'a> {
    original_type: &'static str,
    #[serde(flatten)]
    sealed: &'a Sealed,
}

#[cfg(test)]
#[path = "notification_tests.rs"]
mod tests;
