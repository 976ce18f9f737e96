//! Shapes of combined orders, for the document only; the reader of a request is [`protocol::order::Combine`]. Limits are
//! those of wire §3.9.
#![expect(dead_code, reason = "the fields are read by the derive only")]

use super::order_schemas::{Detail, H5Scene, Scene, SettleInfo};
use utoipa::ToSchema;

/// What combined JSAPI, APP, H5 and Native orders have in common.
#[derive(ToSchema)]
pub(super) struct CombinedOrder {
    /// Application, bound to `combine_mchid`.
    #[schema(pattern = "^wx[0-9a-f]{16}$", example = "wx8888888888888888")]
    combine_appid: String,
    /// Who combines the orders; must be the one that signs, and every merchant must have allowed it.
    #[schema(pattern = "^[1-9][0-9]{0,18}$", example = "1900000001")]
    combine_mchid: String,
    /// The number of the whole, unique among the merchant's combined orders. The same number with the same parameters
    /// gives the same combined order; with others 403 OUT_TRADE_NO_USED.
    #[schema(pattern = r"^[0-9A-Za-z_\-|*]{6,32}$", example = "MALL_20261121_0001")]
    combine_out_trade_no: String,
    scene_info: Option<Scene>,
    /// The orders, at most 10 unless the platform allows more.
    #[schema(min_items = 2, max_items = 50)]
    sub_orders: Vec<SubOrder>,
    /// When the merchant's own order began, RFC 3339; kept.
    #[schema(max_length = 64)]
    time_start: Option<String>,
    /// Until when it can be paid, RFC 3339, as for other orders; after `time_start`.
    #[schema(max_length = 64)]
    time_expire: Option<String>,
    /// Where the one notification of the whole goes: https, a public host, no query.
    #[schema(max_length = 255, example = "https://mall.example.com/notify")]
    notify_url: String,
}

/// A combined JSAPI or mini-program order.
#[derive(ToSchema)]
pub(super) struct CombinedJsapiOrder {
    #[serde(flatten)]
    order: CombinedOrder,
    combine_payer_info: CombinedPayer,
}

/// A combined H5 order: `scene_info` with `h5_info` is required.
#[derive(ToSchema)]
pub(super) struct CombinedH5Order {
    #[serde(flatten)]
    order: CombinedOrder,
    scene_info: H5Scene,
}

/// The only payer who may pay: one of the two. `identity` is not offered yet and refused.
#[derive(ToSchema)]
pub(super) struct CombinedPayer {
    /// The payer, as `combine_appid` knows them.
    #[schema(min_length = 1, max_length = 128)]
    openid: Option<String>,
    /// The payer, as the `sub_appid` of an order knows them.
    #[schema(min_length = 1, max_length = 128)]
    sub_openid: Option<String>,
}

/// One of the orders.
#[derive(ToSchema)]
pub(super) struct SubOrder {
    /// The merchant, or the partner that placed it for `sub_mchid`.
    #[schema(pattern = "^[1-9][0-9]{0,18}$", example = "1900000002")]
    mchid: String,
    /// The sub-merchant that gets the money.
    #[schema(pattern = "^[1-9][0-9]{0,18}$")]
    sub_mchid: Option<String>,
    /// An application bound to the sub-merchant.
    #[schema(pattern = "^wx[0-9a-f]{16}$")]
    sub_appid: Option<String>,
    /// The number of the order, one among all orders of `mchid`.
    #[schema(pattern = r"^[0-9A-Za-z_\-|*]{6,32}$", example = "TEA_20261121_0001")]
    out_trade_no: String,
    /// Shown in the payer's bill.
    #[schema(min_length = 1, max_length = 127)]
    description: String,
    /// Given back in queries and notifications once paid.
    #[schema(min_length = 1, max_length = 128)]
    attach: String,
    amount: SubAmount,
    /// Kept; nothing acts on it yet.
    #[schema(max_length = 32)]
    goods_tag: Option<String>,
    detail: Option<Detail>,
    settle_info: Option<SettleInfo>,
}

/// What one merchant gets. The name is not that of other orders.
#[derive(ToSchema)]
pub(super) struct SubAmount {
    /// Fen, a JSON integer. All of them together are at most 1,000,000,000,000.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64, example = 1280)]
    total_amount: i64,
    #[schema(pattern = "^CNY$")]
    currency: String,
}

/// A combined order as it is now, or the clear text of its notification.
#[derive(ToSchema)]
pub(super) struct Combined {
    combine_appid: String,
    combine_mchid: String,
    combine_out_trade_no: String,
    /// 28 digits; once paid.
    combine_transaction_id: Option<String>,
    scene_info: Option<CombinedScene>,
    sub_orders: Vec<CombinedPart>,
    /// Once paid.
    combine_payer_info: Option<CombinedPayer>,
}

/// Where it was placed.
#[derive(ToSchema)]
pub(super) struct CombinedScene {
    device_id: String,
}

/// One of its orders.
#[derive(ToSchema)]
pub(super) struct CombinedPart {
    mchid: String,
    sub_mchid: Option<String>,
    sub_appid: Option<String>,
    /// JSAPI, APP, MWEB or NATIVE.
    trade_type: String,
    /// NOTPAY, SUCCESS, CLOSED; REFUND once a refund of it was accepted.
    trade_state: String,
    /// Once paid.
    bank_type: Option<String>,
    /// Once paid.
    attach: Option<String>,
    /// Once paid.
    success_time: Option<String>,
    /// The number of the order, for refunds and queries; once paid.
    transaction_id: Option<String>,
    out_trade_no: String,
    amount: PaidAmount,
}

/// An amount of an order of a combined one.
#[derive(ToSchema)]
pub(super) struct PaidAmount {
    total_amount: i64,
    currency: String,
    /// Once paid.
    payer_amount: Option<i64>,
    /// Once paid.
    payer_currency: Option<String>,
}

/// What is to be closed.
#[derive(ToSchema)]
pub(super) struct CombinedClose {
    #[schema(pattern = "^wx[0-9a-f]{16}$", example = "wx8888888888888888")]
    combine_appid: String,
    /// Every order of it, and no other.
    #[schema(min_items = 2, max_items = 50)]
    sub_orders: Vec<CombinedCloseOrder>,
}

/// An order to be closed with the others.
#[derive(ToSchema)]
pub(super) struct CombinedCloseOrder {
    #[schema(pattern = "^[1-9][0-9]{0,18}$", example = "1900000002")]
    mchid: String,
    #[schema(pattern = r"^[0-9A-Za-z_\-|*]{6,32}$")]
    out_trade_no: String,
    #[schema(pattern = "^[1-9][0-9]{0,18}$")]
    sub_mchid: Option<String>,
    #[schema(pattern = "^wx[0-9a-f]{16}$")]
    sub_appid: Option<String>,
}
