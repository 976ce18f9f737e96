//! What profit sharing answers and tells.

use super::{ReceiverKind, Relation, Serialize, words};
use types::{MerchantId, ShareNumber, ShareReturnNumber, Time, TransactionId};

/// The time that stands where something has not ended yet (wire §7).
pub const NOT_YET: Time = Time(0);

words! {
    /// `state` of a request to share.
    ShareState {
        /// Parts are under way.
        Processing = "PROCESSING",
        /// Every part has ended.
        Finished = "FINISHED",
    }
}
words! {
    /// `result` of a part.
    PartResult {
        /// It has not gone yet.
        Pending = "PENDING",
        /// It went.
        Success = "SUCCESS",
        /// It could not go.
        Closed = "CLOSED",
    }
}
words! {
    /// `result` of a return.
    ReturnResult {
        /// The money has not moved yet.
        Processing = "PROCESSING",
        /// It came back.
        Success = "SUCCESS",
        /// It could not.
        Failed = "FAILED",
    }
}

/// What adding a receiver answers: what was asked, without the application and the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverView<'a> {
    /// A sub-merchant, in partner mode.
    pub sub_mchid: Option<MerchantId>,
    /// What kind of number it is.
    pub kind: ReceiverKind,
    /// The number.
    pub account: &'a str,
    /// What the receiver is to the merchant.
    pub relation: Relation,
    /// The name of a relation of the merchant's own.
    pub custom_relation: Option<&'a str>,
}

impl ReceiverView<'_> {
    /// The JSON of the object.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Wire<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            sub_mchid: Option<String>,
            #[serde(rename = "type")]
            kind: ReceiverKind,
            account: &'a str,
            relation_type: Relation,
            #[serde(skip_serializing_if = "Option::is_none")]
            custom_relation: Option<&'a str>,
        }
        crate::body(&Wire {
            sub_mchid: self.sub_mchid.map(|id| id.to_string()),
            kind: self.kind,
            account: self.account,
            relation_type: self.relation,
            custom_relation: self.custom_relation,
        })
    }
}

/// What deleting a receiver answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverRemoved<'a> {
    /// A sub-merchant, in partner mode.
    pub sub_mchid: Option<MerchantId>,
    /// What kind of number it is.
    pub kind: ReceiverKind,
    /// The number.
    pub account: &'a str,
}

impl ReceiverRemoved<'_> {
    /// The JSON of the object.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Wire<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            sub_mchid: Option<String>,
            #[serde(rename = "type")]
            kind: ReceiverKind,
            account: &'a str,
        }
        let sub_mchid = self.sub_mchid.map(|id| id.to_string());
        crate::body(&Wire { sub_mchid, kind: self.kind, account: self.account })
    }
}

/// A request to share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareView {
    /// A sub-merchant, in partner mode.
    pub sub_mchid: Option<MerchantId>,
    /// The order.
    pub transaction_id: TransactionId,
    /// The signer's number.
    pub out_order_no: String,
    /// The platform's number.
    pub order_id: ShareNumber,
    /// Where it stands.
    pub state: ShareState,
    /// Its parts.
    pub receivers: Vec<SharedView>,
}

/// A part of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedView {
    /// How much.
    pub amount: i64,
    /// Why.
    pub description: String,
    /// What kind of number it is.
    pub kind: ReceiverKind,
    /// The number.
    pub account: String,
    /// What became of it.
    pub result: PartResult,
    /// Why it could not go.
    pub fail_reason: Option<&'static str>,
    /// When it was asked for.
    pub create_time: Time,
    /// When it ended.
    pub finish_time: Option<Time>,
}

#[derive(Serialize)]
struct Shared<'a> {
    amount: i64,
    description: &'a str,
    #[serde(rename = "type")]
    kind: ReceiverKind,
    account: &'a str,
    result: PartResult,
    #[serde(skip_serializing_if = "Option::is_none")]
    fail_reason: Option<&'static str>,
    detail_id: String,
    create_time: String,
    finish_time: String,
}

impl SharedView {
    fn wire(&self, share: ShareNumber, place: usize) -> Shared<'_> {
        Shared {
            amount: self.amount,
            description: &self.description,
            kind: self.kind,
            account: &self.account,
            result: self.result,
            fail_reason: self.fail_reason,
            detail_id: detail_id(share, place),
            create_time: self.create_time.rfc3339(),
            finish_time: self.finish_time.unwrap_or(NOT_YET).rfc3339(),
        }
    }
}

impl ShareView {
    /// The JSON of the object. A part's number is that of the request and its place, two digits.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Wire<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            sub_mchid: Option<String>,
            transaction_id: String,
            out_order_no: &'a str,
            order_id: String,
            state: ShareState,
            receivers: Vec<Shared<'a>>,
        }
        crate::body(&Wire {
            sub_mchid: self.sub_mchid.map(|id| id.to_string()),
            transaction_id: self.transaction_id.to_string(),
            out_order_no: &self.out_order_no,
            order_id: self.order_id.to_string(),
            state: self.state,
            receivers: (0..)
                .zip(&self.receivers)
                .map(|(place, part)| part.wire(self.order_id, place))
                .collect(),
        })
    }
}

/// The number of the part at `place` of a request, `detail_id`.
#[must_use]
pub fn detail_id(share: ShareNumber, place: usize) -> String {
    format!("{share}{place:02}")
}

/// A return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnView {
    /// A sub-merchant, in partner mode.
    pub sub_mchid: Option<MerchantId>,
    /// The request to share, by the platform's number.
    pub order_id: ShareNumber,
    /// The same by the signer's number.
    pub out_order_no: String,
    /// The signer's number of the return.
    pub out_return_no: String,
    /// The platform's number of the return.
    pub return_id: ShareReturnNumber,
    /// Who returns.
    pub return_mchid: MerchantId,
    /// How much.
    pub amount: i64,
    /// Why.
    pub description: String,
    /// Where it stands.
    pub result: ReturnResult,
    /// Why it failed.
    pub fail_reason: Option<&'static str>,
    /// When it was asked for.
    pub create_time: Time,
    /// When it ended.
    pub finish_time: Option<Time>,
}

impl ReturnView {
    /// The JSON of the object.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Wire<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            sub_mchid: Option<String>,
            order_id: String,
            out_order_no: &'a str,
            out_return_no: &'a str,
            return_id: String,
            return_mchid: String,
            amount: i64,
            description: &'a str,
            result: ReturnResult,
            #[serde(skip_serializing_if = "Option::is_none")]
            fail_reason: Option<&'static str>,
            create_time: String,
            finish_time: String,
        }
        crate::body(&Wire {
            sub_mchid: self.sub_mchid.map(|id| id.to_string()),
            order_id: self.order_id.to_string(),
            out_order_no: &self.out_order_no,
            out_return_no: &self.out_return_no,
            return_id: self.return_id.to_string(),
            return_mchid: self.return_mchid.to_string(),
            amount: self.amount,
            description: &self.description,
            result: self.result,
            fail_reason: self.fail_reason,
            create_time: self.create_time.rfc3339(),
            finish_time: self.finish_time.unwrap_or(NOT_YET).rfc3339(),
        })
    }
}

/// What is left of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmountsView {
    /// The order.
    pub transaction_id: TransactionId,
    /// What can still be shared.
    pub unsplit_amount: i64,
}

impl AmountsView {
    /// The JSON of the object.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Wire {
            transaction_id: String,
            unsplit_amount: i64,
        }
        crate::body(&Wire {
            transaction_id: self.transaction_id.to_string(),
            unsplit_amount: self.unsplit_amount,
        })
    }
}

/// How much of an order a merchant may share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigView {
    /// The merchant.
    pub sub_mchid: MerchantId,
    /// Of ten thousand.
    pub max_ratio: u16,
}

impl ConfigView {
    /// The JSON of the object.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Wire {
            sub_mchid: String,
            max_ratio: u16,
        }
        crate::body(&Wire { sub_mchid: self.sub_mchid.to_string(), max_ratio: self.max_ratio })
    }
}

/// The clear text of a notification to a receiver (wire §5): it received a share, or gave back of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareNotice {
    /// Who shared.
    pub mchid: MerchantId,
    /// The partner that asked: the text has the partner's form then.
    pub partner: Option<MerchantId>,
    /// The order.
    pub transaction_id: TransactionId,
    /// The request to share.
    pub order_id: ShareNumber,
    /// The same by the signer's number; of a return the return's.
    pub out_order_no: String,
    /// Who is told.
    pub receiver: MerchantId,
    /// How much.
    pub amount: i64,
    /// Why.
    pub description: String,
    /// When it happened.
    pub success_time: Time,
}

impl ShareNotice {
    /// The JSON to seal.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Wire<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            mchid: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            sp_mchid: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            sub_mchid: Option<String>,
            transaction_id: String,
            order_id: String,
            out_order_no: &'a str,
            receiver: Receiver<'a>,
            success_time: String,
        }
        #[derive(Serialize)]
        struct Receiver<'a> {
            #[serde(rename = "type")]
            kind: ReceiverKind,
            account: String,
            amount: i64,
            description: &'a str,
        }
        let own = self.mchid.to_string();
        let (mchid, sub_mchid) = if self.partner.is_some() { (None, Some(own)) } else { (Some(own), None) };
        crate::body(&Wire {
            mchid,
            sp_mchid: self.partner.map(|id| id.to_string()),
            sub_mchid,
            transaction_id: self.transaction_id.to_string(),
            order_id: self.order_id.to_string(),
            out_order_no: &self.out_order_no,
            receiver: Receiver {
                kind: ReceiverKind::Merchant,
                account: self.receiver.to_string(),
                amount: self.amount,
                description: &self.description,
            },
            success_time: self.success_time.rfc3339(),
        })
    }
}
