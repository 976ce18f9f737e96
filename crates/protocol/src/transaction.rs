//! The transaction object: what a query answers, what a codepay answers, and the clear text of a payment
//! notification (wire §3.4).

use serde::Serialize;
use types::{AppId, MerchantId, Money, Time, TransactionId};

/// How the order was placed, `trade_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TradeType {
    /// JSAPI and mini-program.
    Jsapi,
    /// The payer scanned.
    Native,
    /// A merchant's app.
    App,
    /// The payer was scanned.
    Micropay,
    /// H5.
    Mweb,
    /// Face.
    Facepay,
}

impl TradeType {
    /// The word of the wire.
    #[must_use]
    pub const fn wire(self) -> &'static str {
        match self {
            Self::Jsapi => "JSAPI",
            Self::Native => "NATIVE",
            Self::App => "APP",
            Self::Micropay => "MICROPAY",
            Self::Mweb => "MWEB",
            Self::Facepay => "FACEPAY",
        }
    }
}

/// Where the order is in its life (wire §3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TradeState {
    /// Created, not paid.
    NotPay,
    /// Codepay: the payer is typing the PIN.
    UserPaying,
    /// Paid.
    Success,
    /// Paid, and at least one refund was accepted.
    Refund,
    /// Closed unpaid.
    Closed,
    /// Codepay: reversed.
    Revoked,
    /// Codepay: failed.
    PayError,
}

impl TradeState {
    /// The word of the wire.
    #[must_use]
    pub const fn wire(self) -> &'static str {
        match self {
            Self::NotPay => "NOTPAY",
            Self::UserPaying => "USERPAYING",
            Self::Success => "SUCCESS",
            Self::Refund => "REFUND",
            Self::Closed => "CLOSED",
            Self::Revoked => "REVOKED",
            Self::PayError => "PAYERROR",
        }
    }

    /// The sentence in `trade_state_desc`, always Chinese.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::NotPay => "订单未支付",
            Self::UserPaying => "用户支付中，等待输入支付密码",
            Self::Success => "支付成功",
            Self::Refund => "订单已转入退款，详情请查询退款单",
            Self::Closed => "订单已关闭",
            Self::Revoked => "订单已撤销",
            Self::PayError => "支付失败，请更换支付方式重新下单",
        }
    }
}

/// Everything the object shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionView {
    /// The application, `sp_appid` of a partner's order.
    pub appid: AppId,
    /// Who placed it, `sp_mchid` of a partner's order.
    pub mchid: MerchantId,
    /// Whose it is, when a partner placed it: the object has the partner's form then.
    pub sub: Option<SubView>,
    /// The order number of who placed it.
    pub out_trade_no: String,
    /// How it was placed.
    pub trade_type: TradeType,
    /// Where it is in its life.
    pub trade_state: TradeState,
    /// What was to be paid.
    pub amount: Money,
    /// `scene_info.device_id`.
    pub device_id: Option<String>,
    /// Known only once paid; unpaid orders leave all its members out.
    pub paid: Option<Paid>,
}

/// The sub-merchant of a partner's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubView {
    /// `sub_mchid`.
    pub mchid: MerchantId,
    /// `sub_appid`, where the order was placed with one.
    pub appid: Option<AppId>,
    /// The payer as that application knows them, once paid.
    pub openid: Option<String>,
}

/// The members that an order has once it is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The platform's number.
    pub transaction_id: TransactionId,
    /// Where the money came from: an upper-case bank code such as `CMB_DEBIT`, or [`Paid::WALLET`].
    pub bank_type: String,
    /// As the merchant gave it.
    pub attach: Option<String>,
    /// When it was paid.
    pub success_time: Time,
    /// The payer, as this application knows them.
    pub openid: String,
    /// What the payer paid: the amount less all promotions.
    pub payer_total: Money,
    /// Promotions used; the member is left out when there are none, which every SDK accepts.
    pub promotions: Vec<Promotion>,
}

impl Paid {
    /// The `bank_type` of wallet balance.
    pub const WALLET: &'static str = "OTHERS";
}

/// One entry of `promotion_detail`. Contributions sum to `amount`, all in minor units of the order's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Promotion {
    /// The coupon; at most 32 characters.
    pub coupon_id: String,
    /// Its name; at most 64 characters.
    pub name: String,
    /// Of the order or of one line.
    pub scope: PromotionScope,
    /// Whether the merchant is paid for it.
    #[serde(rename = "type")]
    pub kind: PromotionKind,
    /// How much it took off.
    pub amount: i64,
    /// The stock it belongs to; at most 32 characters.
    pub stock_id: String,
    /// Paid by the platform.
    pub wechatpay_contribute: i64,
    /// Paid by the merchant.
    pub merchant_contribute: i64,
    /// Paid by others.
    pub other_contribute: i64,
    /// ISO 4217.
    pub currency: String,
}

/// The scope of a promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PromotionScope {
    /// The whole order.
    Global,
    /// Certain goods.
    Single,
}

/// Whether the merchant is paid for a promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PromotionKind {
    /// Prefunded: the merchant gets the money.
    Cash,
    /// The merchant's own discount: the settlement is smaller.
    NoCash,
}

impl TransactionView {
    /// The JSON of the object.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let paid = self.paid.as_ref();
        let currency = self.amount.currency.code();
        let (appid, mchid, sub) = (self.appid.to_string(), self.mchid.to_string(), self.sub.as_ref());
        let payer = paid.map(|paid| match sub {
            None => Payer::Own { openid: &paid.openid },
            Some(sub) => Payer::Partner { sp_openid: &paid.openid, sub_openid: sub.openid.as_deref() },
        });
        crate::body(&Wire {
            party: match sub {
                None => Party::Own { appid, mchid },
                Some(sub) => Party::Partner {
                    sp_appid: appid,
                    sp_mchid: mchid,
                    sub_appid: sub.appid.map(|app| app.to_string()),
                    sub_mchid: sub.mchid.to_string(),
                },
            },
            out_trade_no: &self.out_trade_no,
            transaction_id: paid.map(|p| p.transaction_id.to_string()),
            trade_type: self.trade_type,
            trade_state: self.trade_state,
            trade_state_desc: self.trade_state.description(),
            bank_type: paid.map(|p| p.bank_type.as_str()),
            attach: paid.and_then(|p| p.attach.as_deref()),
            success_time: paid.map(|p| p.success_time.rfc3339()),
            payer,
            amount: Amount {
                total: self.amount.minor,
                payer_total: paid.map(|p| p.payer_total.minor),
                currency,
                payer_currency: paid.map_or(currency, |p| p.payer_total.currency.code()),
            },
            scene_info: self.device_id.as_deref().map(|device_id| Scene { device_id }),
            promotion_detail: paid.map_or(&[], |p| p.promotions.as_slice()),
        })
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    #[serde(flatten)]
    party: Party,
    out_trade_no: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<String>,
    trade_type: TradeType,
    trade_state: TradeState,
    trade_state_desc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bank_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attach: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payer: Option<Payer<'a>>,
    amount: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    scene_info: Option<Scene<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    promotion_detail: &'a [Promotion],
}

#[derive(Serialize)]
#[serde(untagged)]
enum Party {
    Own {
        appid: String,
        mchid: String,
    },
    Partner {
        sp_appid: String,
        sp_mchid: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        sub_appid: Option<String>,
        sub_mchid: String,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Payer<'a> {
    Own {
        openid: &'a str,
    },
    Partner {
        sp_openid: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        sub_openid: Option<&'a str>,
    },
}

#[derive(Serialize)]
struct Amount {
    total: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    payer_total: Option<i64>,
    currency: &'static str,
    payer_currency: &'static str,
}

#[derive(Serialize)]
struct Scene<'a> {
    device_id: &'a str,
}

#[cfg(test)]
#[path = "transaction_tests.rs"]
mod tests;
