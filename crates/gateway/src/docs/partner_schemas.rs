//! Shapes of partner mode's requests and answers, for the document only; the reader of a request is
//! [`protocol::order`]. What a merchant's form has as well is described there.
#![expect(dead_code, reason = "the fields are read by the derive only")]

use super::{
    bills::BillHash,
    order_schemas::{
        Amount, CodePayDetail, CodePayScene, CodePayer, Detail, H5Scene, Scene, SettleInfo, TradeState,
        TradeType, TransactionAmount, TransactionScene,
    },
};
use utoipa::ToSchema;

/// Who signs, and for whom.
#[derive(ToSchema)]
pub(super) struct Parties {
    /// The partner's application, bound to it.
    #[schema(pattern = "^wx[0-9a-f]{16}$", example = "wx8888888888888888")]
    sp_appid: String,
    /// The partner (服务商); must be the one that signs.
    #[schema(pattern = "^[1-9][0-9]{0,18}$", example = "1900000100")]
    sp_mchid: String,
    /// An application bound to the sub-merchant; required with `payer.sub_openid`.
    #[schema(nullable = false, pattern = "^wx[0-9a-f]{16}$")]
    sub_appid: Option<String>,
    /// The sub-merchant (特约商户): whose money it is.
    #[schema(pattern = "^[1-9][0-9]{0,18}$", example = "1900000109")]
    sub_mchid: String,
}

/// An APP or Native order for a sub-merchant.
#[derive(ToSchema)]
pub(super) struct PartnerOrder {
    #[serde(flatten)]
    parties: Parties,
    /// Shown in the payer's bill.
    #[schema(min_length = 1, max_length = 127)]
    description: String,
    /// The partner's order number, unique per partner.
    #[schema(pattern = r"^[0-9A-Za-z_\-|*]{6,32}$", example = "BRANCH_20261121_0001")]
    out_trade_no: String,
    /// As in Order.
    #[schema(max_length = 64, example = "2026-11-21T18:00:00+08:00")]
    time_expire: Option<String>,
    /// Given back in queries and notifications once paid.
    #[schema(max_length = 128)]
    attach: Option<String>,
    /// Where the partner is notified.
    #[schema(max_length = 255, example = "https://office.example.com/notify")]
    notify_url: String,
    /// Kept; nothing acts on it yet.
    #[schema(max_length = 32)]
    goods_tag: Option<String>,
    /// Kept; nothing acts on it yet.
    support_fapiao: Option<bool>,
    settle_info: Option<SettleInfo>,
    amount: Amount,
    detail: Option<Detail>,
    scene_info: Option<Scene>,
}

/// A JSAPI or mini-program order for a sub-merchant.
#[derive(ToSchema)]
pub(super) struct PartnerJsapiOrder {
    #[serde(flatten)]
    order: PartnerOrder,
    payer: PartnerPayer,
}

/// The only payer who may pay: exactly one of the two.
#[derive(ToSchema)]
pub(super) struct PartnerPayer {
    /// The payer, as sp_appid knows them.
    #[schema(nullable = false, min_length = 1, max_length = 128)]
    sp_openid: Option<String>,
    /// The payer, as sub_appid knows them.
    #[schema(nullable = false, min_length = 1, max_length = 128)]
    sub_openid: Option<String>,
}

/// An H5 order for a sub-merchant: `scene_info` with `h5_info` is required.
#[derive(ToSchema)]
pub(super) struct PartnerH5Order {
    #[serde(flatten)]
    order: PartnerOrder,
    scene_info: H5Scene,
}

/// A payment-code order for a sub-merchant.
#[derive(ToSchema)]
pub(super) struct PartnerCodePayOrder {
    #[serde(flatten)]
    parties: Parties,
    /// Shown in the payer's bill.
    #[schema(min_length = 1, max_length = 127)]
    description: String,
    /// The partner's order number. Another code needs another number.
    #[schema(pattern = r"^[0-9A-Za-z_\-|*]{6,32}$", example = "BRANCH_20261121_0001")]
    out_trade_no: String,
    /// Given back once paid.
    #[schema(max_length = 128)]
    attach: Option<String>,
    /// Kept; nothing acts on it yet.
    #[schema(max_length = 32)]
    goods_tag: Option<String>,
    /// Kept; nothing acts on it yet.
    support_fapiao: Option<bool>,
    settle_info: Option<SettleInfo>,
    payer: CodePayer,
    amount: Amount,
    scene_info: CodePayScene,
    detail: Option<CodePayDetail>,
}

/// Who closes, for whom; the number is in the path.
#[derive(ToSchema)]
pub(super) struct PartnerClose {
    /// The partner; must be the one that signs.
    #[schema(pattern = "^[1-9][0-9]{0,18}$", example = "1900000100")]
    sp_mchid: String,
    /// Whose order it is.
    #[schema(pattern = "^[1-9][0-9]{0,18}$", example = "1900000109")]
    sub_mchid: String,
}

/// Who reverses, for whom; the number is in the path.
#[derive(ToSchema)]
pub(super) struct PartnerReverse {
    /// The application the order was placed with.
    #[schema(pattern = "^wx[0-9a-f]{16}$")]
    sp_appid: Option<String>,
    /// The partner; must be the one that signs.
    #[schema(pattern = "^[1-9][0-9]{0,18}$", example = "1900000100")]
    sp_mchid: String,
    /// Repeated in the answer.
    #[schema(pattern = "^wx[0-9a-f]{16}$")]
    sub_appid: Option<String>,
    /// Whose order it is.
    #[schema(pattern = "^[1-9][0-9]{0,18}$", example = "1900000109")]
    sub_mchid: String,
}

/// The order was reversed: it can't be paid any more, and what was paid went back.
#[derive(ToSchema)]
pub(super) struct PartnerReversed {
    #[schema(nullable = false)]
    sp_appid: Option<String>,
    sp_mchid: String,
    #[schema(nullable = false)]
    sub_appid: Option<String>,
    sub_mchid: String,
    out_trade_no: String,
}

/// A sub-merchant's order as it is now, for the partner that placed it. Also the clear text of a payment notification.
#[derive(ToSchema)]
pub(super) struct PartnerTransaction {
    sp_appid: String,
    sp_mchid: String,
    /// Where the order was placed with one.
    #[schema(nullable = false)]
    sub_appid: Option<String>,
    sub_mchid: String,
    out_trade_no: String,
    /// 28 digits, once paid.
    #[schema(nullable = false, max_length = 32)]
    transaction_id: Option<String>,
    trade_type: TradeType,
    trade_state: TradeState,
    /// For people, Chinese.
    #[schema(max_length = 256)]
    trade_state_desc: String,
    /// The bank's code such as CMB_DEBIT, OTHERS for wallet balance; once paid.
    #[schema(nullable = false, max_length = 32)]
    bank_type: Option<String>,
    /// As the order gave it, once paid.
    #[schema(nullable = false, max_length = 128)]
    attach: Option<String>,
    /// RFC 3339 in +08:00, once paid.
    #[schema(nullable = false, example = "2026-11-21T17:03:25+08:00")]
    success_time: Option<String>,
    #[schema(nullable = false)]
    payer: Option<PartnerTransactionPayer>,
    amount: TransactionAmount,
    #[schema(nullable = false)]
    scene_info: Option<TransactionScene>,
}

/// Who paid.
#[derive(ToSchema)]
pub(super) struct PartnerTransactionPayer {
    sp_openid: String,
    /// Where the order was placed with sub_appid.
    #[schema(nullable = false)]
    sub_openid: Option<String>,
}

/// Where the pieces of an encrypted bill are.
#[derive(ToSchema)]
pub(super) struct SealedBill {
    /// Pieces.
    #[schema(minimum = 1)]
    download_bill_count: i64,
    download_bill_list: Vec<SealedBillPiece>,
}

/// One piece.
#[derive(ToSchema)]
pub(super) struct SealedBillPiece {
    /// Its number, from 1 on.
    #[schema(minimum = 1, maximum = 65535)]
    bill_sequence: i64,
    /// Fetch it within 5 minutes, with a signed request of the same partner.
    #[schema(max_length = 2048)]
    download_url: String,
    /// Base64 of RSA-OAEP under the certificate that signed the request.
    encrypt_key: String,
    hash_type: BillHash,
    /// SHA-1 over the piece before compression and encryption, lower-case hex.
    #[schema(pattern = "^[0-9a-f]{40}$")]
    hash_value: String,
    /// 12 characters.
    #[schema(min_length = 12, max_length = 12)]
    nonce: String,
}
