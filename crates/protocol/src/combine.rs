//! The object of a combined order: what a query answers, and the clear text of its notification (wire §3.9).

use crate::transaction::{Promotion, TradeState, TradeType, TransactionView};
use serde::Serialize;
use types::{AppId, CombineTransactionId, MerchantId};

/// Everything the object shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CombinedView {
    /// `combine_appid`.
    pub appid: AppId,
    /// `combine_mchid`.
    pub mchid: MerchantId,
    /// `combine_out_trade_no`.
    pub out_trade_no: String,
    /// The platform's number; only once paid.
    pub transaction_id: Option<CombineTransactionId>,
    /// `scene_info.device_id`.
    pub device_id: Option<String>,
    /// Its orders.
    pub orders: Vec<TransactionView>,
}

impl CombinedView {
    /// The JSON of the object. Amounts have names of their own here: `total_amount`, `payer_amount`.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        // Of all its orders: they are paid by one payer.
        let openid = self.orders.iter().find_map(|order| order.paid.as_ref()).map(|paid| &*paid.openid);
        let sub_openid = self.orders.iter().find_map(|order| order.sub.as_ref()?.openid.as_deref());
        crate::body(&Wire {
            combine_appid: self.appid.to_string(),
            combine_mchid: self.mchid.to_string(),
            combine_out_trade_no: &self.out_trade_no,
            combine_transaction_id: self.transaction_id.map(|id| id.to_string()),
            scene_info: self.device_id.as_deref().map(|device_id| Scene { device_id }),
            sub_orders: self.orders.iter().map(sub_order).collect(),
            combine_payer_info: openid.map(|openid| Payer { openid, sub_openid }),
        })
    }
}

fn sub_order(order: &TransactionView) -> SubOrder<'_> {
    let (paid, sub) = (order.paid.as_ref(), order.sub.as_ref());
    let currency = order.amount.currency.code();
    SubOrder {
        mchid: order.mchid.to_string(),
        sub_mchid: sub.map(|sub| sub.mchid.to_string()),
        sub_appid: sub.and_then(|sub| sub.appid).map(|app| app.to_string()),
        trade_type: order.trade_type,
        trade_state: order.trade_state,
        bank_type: paid.map(|paid| &*paid.bank_type),
        attach: paid.and_then(|paid| paid.attach.as_deref()),
        success_time: paid.map(|paid| paid.success_time.rfc3339()),
        transaction_id: paid.map(|paid| paid.transaction_id.to_string()),
        out_trade_no: &order.out_trade_no,
        amount: Amount {
            total_amount: order.amount.minor,
            currency,
            payer_amount: paid.map(|paid| paid.payer_total.minor),
            payer_currency: paid.map(|paid| paid.payer_total.currency.code()),
        },
        promotion_detail: paid.map_or(&[], |paid| paid.promotions.as_slice()),
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    combine_appid: String,
    combine_mchid: String,
    combine_out_trade_no: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    combine_transaction_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scene_info: Option<Scene<'a>>,
    sub_orders: Vec<SubOrder<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    combine_payer_info: Option<Payer<'a>>,
}

#[derive(Serialize)]
struct SubOrder<'a> {
    mchid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_mchid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_appid: Option<String>,
    trade_type: TradeType,
    trade_state: TradeState,
    #[serde(skip_serializing_if = "Option::is_none")]
    bank_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attach: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<String>,
    out_trade_no: &'a str,
    amount: Amount,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    promotion_detail: &'a [Promotion],
}

#[derive(Serialize)]
struct Amount {
    total_amount: i64,
    currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payer_amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payer_currency: Option<&'static str>,
}

#[derive(Serialize)]
struct Scene<'a> {
    device_id: &'a str,
}

#[derive(Serialize)]
struct Payer<'a> {
    openid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_openid: Option<&'a str>,
}
