//! Shapes of the merchant API's requests and answers, for the document only; the reader of a request is
//! [`protocol::order`]. Limits are those of wire §3.2, §3.4 and §3.8.
#![expect(dead_code, reason = "the fields are read by the derive only")]

use utoipa::ToSchema;

/// What JSAPI, APP, H5 and Native orders have in common.
#[derive(ToSchema)]
pub(super) struct Order {
    /// Application, bound to the merchant.
    #[schema(pattern = "^wx[0-9a-f]{16}$", example = "wx8888888888888888")]
    appid: String,
    /// Merchant; must be the one that signs.
    #[schema(pattern = "^[1-9][0-9]{0,18}$", example = "1900000001")]
    mchid: String,
    /// Shown in the payer's bill.
    #[schema(min_length = 1, max_length = 127)]
    description: String,
    /// The merchant's order number, unique per merchant. The same number with the same parameters gives the same
    /// order; with others 403 OUT_TRADE_NO_USED.
    #[schema(pattern = r"^[0-9A-Za-z_\-|*]{6,32}$", example = "TEA_20261121_0001")]
    out_trade_no: String,
    /// Until when it can be paid, RFC 3339. Earlier than in one minute counts as in one minute, later than in 90
    /// days as in 90 days; left out: 7 days. A deadline for paying: the order stays NOTPAY until it is closed.
    #[schema(max_length = 64, example = "2026-11-21T18:00:00+08:00")]
    time_expire: Option<String>,
    /// Given back in queries and notifications once paid.
    #[schema(max_length = 128)]
    attach: Option<String>,
    /// Where the notification goes: https, a public host, no query. A sandbox also takes http and any host.
    #[schema(max_length = 255, example = "https://shop.example.com/notify")]
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

/// A JSAPI or mini-program order.
#[derive(ToSchema)]
pub(super) struct JsapiOrder {
    #[serde(flatten)]
    order: Order,
    payer: JsapiPayer,
}

/// The only payer who may pay. `identity` is not offered yet and refused.
#[derive(ToSchema)]
pub(super) struct JsapiPayer {
    /// The payer, as this appid knows them; from the OAuth exchange.
    #[schema(min_length = 1, max_length = 128)]
    openid: String,
}

/// An H5 order: `scene_info` with `h5_info` is required.
#[derive(ToSchema)]
pub(super) struct H5Order {
    #[serde(flatten)]
    order: Order,
    scene_info: H5Scene,
}

/// How the order is settled.
#[derive(ToSchema)]
pub(super) struct SettleInfo {
    /// Whether its money stays aside to be shared out; 403 NO_AUTH when the merchant may not share.
    profit_sharing: Option<bool>,
}

/// The amount.
#[derive(ToSchema)]
pub(super) struct Amount {
    /// Fen, a JSON integer.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64, example = 1280)]
    total: i64,
    /// CNY, also when left out.
    #[schema(pattern = "^CNY$")]
    currency: Option<String>,
}

/// Goods; kept for the record.
#[derive(ToSchema)]
pub(super) struct Detail {
    #[schema(minimum = 0)]
    cost_price: Option<i64>,
    #[schema(max_length = 32)]
    invoice_id: Option<String>,
    #[schema(min_items = 1, max_items = 6000)]
    goods_detail: Option<Vec<Goods>>,
}

/// A line of goods.
#[derive(ToSchema)]
pub(super) struct Goods {
    #[schema(min_length = 1, max_length = 32)]
    merchant_goods_id: String,
    #[schema(max_length = 32)]
    wechatpay_goods_id: Option<String>,
    #[schema(max_length = 256)]
    goods_name: Option<String>,
    #[schema(minimum = 1)]
    quantity: i64,
    #[schema(minimum = 0)]
    unit_price: i64,
}

/// Where the order is placed.
#[derive(ToSchema)]
pub(super) struct Scene {
    /// IPv4 or IPv6 address of the payer's device.
    #[schema(max_length = 45, example = "203.0.113.7")]
    payer_client_ip: String,
    /// Shown again in the transaction.
    #[schema(max_length = 32)]
    device_id: Option<String>,
    store_info: Option<Store>,
}

/// As Scene, with what a mobile browser must say.
#[derive(ToSchema)]
pub(super) struct H5Scene {
    /// IPv4 or IPv6 address of the payer's device.
    #[schema(max_length = 45, example = "203.0.113.7")]
    payer_client_ip: String,
    /// Shown again in the transaction.
    #[schema(max_length = 32)]
    device_id: Option<String>,
    store_info: Option<Store>,
    h5_info: H5Info,
}

/// A shop.
#[derive(ToSchema)]
pub(super) struct Store {
    #[schema(min_length = 1, max_length = 32)]
    id: String,
    #[schema(max_length = 256)]
    name: Option<String>,
    #[schema(max_length = 32)]
    area_code: Option<String>,
    #[schema(max_length = 512)]
    address: Option<String>,
}

/// The page or app the payer comes from.
#[derive(ToSchema)]
pub(super) struct H5Info {
    /// iOS, Android or Wap, in any case.
    #[schema(pattern = "^([iI][oO][sS]|[aA][nN][dD][rR][oO][iI][dD]|[wW][aA][pP])$", example = "Wap")]
    r#type: String,
    #[schema(max_length = 64)]
    app_name: Option<String>,
    #[schema(max_length = 128)]
    app_url: Option<String>,
    #[schema(max_length = 128)]
    bundle_id: Option<String>,
    #[schema(max_length = 128)]
    package_name: Option<String>,
}

/// JSAPI and APP: what the merchant's front end opens the cashier with, signed by the merchant (`paySign`).
#[derive(ToSchema)]
pub(super) struct PrepayId {
    /// Lives 2 hours.
    #[schema(max_length = 64)]
    prepay_id: String,
}

/// H5: the address the payer's browser is sent to.
#[derive(ToSchema)]
pub(super) struct H5Url {
    /// Lives 5 minutes. The merchant may append `&redirect_url=` with an escaped address to come back to.
    #[schema(max_length = 512)]
    h5_url: String,
}

/// Native: the text of the QR code.
#[derive(ToSchema)]
pub(super) struct CodeUrl {
    /// Lives 2 hours.
    #[schema(max_length = 512)]
    code_url: String,
}

/// A payment-code order. There is no `notify_url`: the answer and queries tell the outcome.
#[derive(ToSchema)]
pub(super) struct CodePayOrder {
    /// Application, bound to the merchant.
    #[schema(pattern = "^wx[0-9a-f]{16}$", example = "wx8888888888888888")]
    appid: String,
    /// Merchant; must be the one that signs.
    #[schema(pattern = "^[1-9][0-9]{0,18}$", example = "1900000001")]
    mchid: String,
    /// Shown in the payer's bill.
    #[schema(min_length = 1, max_length = 127)]
    description: String,
    /// The merchant's order number. Another code needs another number.
    #[schema(pattern = r"^[0-9A-Za-z_\-|*]{6,32}$", example = "TILL_20261121_0001")]
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

/// Who is scanned.
#[derive(ToSchema)]
pub(super) struct CodePayer {
    /// The 18 digits that were scanned. Good for one payment, about a minute.
    #[schema(pattern = "^[0-9]{18}$")]
    auth_code: String,
}

/// The till.
#[derive(ToSchema)]
pub(super) struct CodePayScene {
    /// Shown again in the transaction.
    #[schema(max_length = 32)]
    device_id: Option<String>,
    /// IPv4 or IPv6 address.
    #[schema(max_length = 45)]
    device_ip: Option<String>,
    store_info: CodePayStore,
}

/// The shop of the till.
#[derive(ToSchema)]
pub(super) struct CodePayStore {
    #[schema(max_length = 32)]
    id: Option<String>,
    #[schema(max_length = 32)]
    out_id: Option<String>,
}

/// Goods of a payment-code order; kept for the record.
#[derive(ToSchema)]
pub(super) struct CodePayDetail {
    #[schema(minimum = 0)]
    cost_price: Option<i64>,
    #[schema(max_length = 32)]
    invoice_id: Option<String>,
    #[schema(min_items = 1, max_items = 6000)]
    goods_detail: Vec<CodePayGoods>,
}

/// A line of goods.
#[derive(ToSchema)]
pub(super) struct CodePayGoods {
    #[schema(min_length = 1, max_length = 32)]
    merchant_goods_id: String,
    #[schema(max_length = 32)]
    wxpay_goods_id: Option<String>,
    #[schema(max_length = 256)]
    goods_name: Option<String>,
    #[schema(minimum = 1)]
    quantity: i64,
    #[schema(minimum = 0)]
    unit_price: i64,
}

/// Who closes; the number is in the path.
#[derive(ToSchema)]
pub(super) struct Close {
    /// Merchant; must be the one that signs.
    #[schema(pattern = "^[1-9][0-9]{0,18}$", example = "1900000001")]
    mchid: String,
}

/// Who reverses; the number is in the path.
#[derive(ToSchema)]
pub(super) struct Reverse {
    /// The application the order was placed with.
    #[schema(pattern = "^wx[0-9a-f]{16}$", example = "wx8888888888888888")]
    appid: String,
    /// Merchant; must be the one that signs.
    #[schema(pattern = "^[1-9][0-9]{0,18}$", example = "1900000001")]
    mchid: String,
}

/// The order was reversed: it can't be paid any more, and what was paid went back.
#[derive(ToSchema)]
pub(super) struct Reversed {
    appid: String,
    mchid: String,
    out_trade_no: String,
}

/// An order as it is now. Also the clear text of a payment notification, as it was when the order was paid.
#[derive(ToSchema)]
pub(super) struct Transaction {
    appid: String,
    mchid: String,
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
    payer: Option<TransactionPayer>,
    amount: TransactionAmount,
    #[schema(nullable = false)]
    scene_info: Option<TransactionScene>,
}

/// How the order was placed: JSAPI or mini-program, code scanned by the payer, app, payment code, H5.
#[derive(ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum TradeType {
    Jsapi,
    Native,
    App,
    Micropay,
    Mweb,
}

/// Where the order stands: not paid, the payer must type the PIN, paid, closed unpaid, reversed, failed. Others may
/// be added, such as REFUND.
#[derive(ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum TradeState {
    NotPay,
    UserPaying,
    Success,
    Closed,
    Revoked,
    PayError,
}

/// Who paid.
#[derive(ToSchema)]
pub(super) struct TransactionPayer {
    openid: String,
}

/// What was to be paid, and what was.
#[derive(ToSchema)]
pub(super) struct TransactionAmount {
    /// Fen.
    total: i64,
    /// Fen; once paid.
    #[schema(nullable = false)]
    payer_total: Option<i64>,
    #[schema(pattern = "^CNY$")]
    currency: String,
    #[schema(pattern = "^CNY$")]
    payer_currency: String,
}

/// The terminal of the order.
#[derive(ToSchema)]
pub(super) struct TransactionScene {
    device_id: String,
}

/// The platform's certificates.
#[derive(ToSchema)]
pub(super) struct CertificateList {
    data: Vec<CertificateItem>,
}

/// A certificate, encrypted with the merchant's APIv3 key.
#[derive(ToSchema)]
pub(super) struct CertificateItem {
    /// 40 hex digits, upper case.
    #[schema(pattern = "^[0-9A-F]{40}$")]
    serial_no: String,
    /// RFC 3339.
    effective_time: String,
    /// RFC 3339.
    expire_time: String,
    encrypt_certificate: Encrypted,
}

/// Cipher text with what opens it beside the key.
#[derive(ToSchema)]
pub(super) struct Encrypted {
    #[schema(example = "AEAD_AES_256_GCM")]
    algorithm: String,
    /// Used as bytes.
    #[schema(min_length = 12, max_length = 12)]
    nonce: String,
    associated_data: String,
    /// Base64 of cipher text and tag; inside a PEM certificate.
    ciphertext: String,
}

/// What to echo.
#[derive(ToSchema)]
pub(super) struct EchoRequest {
    /// Where to send a `SECURITY_ECHO.SUCCESS` notification. In production https to a public host.
    #[schema(max_length = 255, example = "https://shop.example/notify")]
    notify_url: Option<String>,
    /// Comes back as it is.
    #[schema(min_length = 1, max_length = 512)]
    echo_message: String,
    /// Base64 of RSAES-OAEP (SHA-1, MGF1-SHA-1) under the platform key that `Wechatpay-Serial` names.
    #[schema(max_length = 1024)]
    encrypted_echo_message: Option<String>,
}

/// The echo.
#[derive(ToSchema)]
pub(super) struct EchoAnswer {
    echo_message: String,
    /// The same clear text, encrypted with the merchant certificate that signed the request.
    #[schema(nullable = false)]
    encrypted_echo_message: Option<String>,
}

/// Every error of the merchant API. Clients branch on `code`; `message` is for people.
#[derive(ToSchema)]
pub(super) struct Error {
    #[schema(max_length = 32, example = "PARAM_ERROR")]
    code: String,
    /// In the language of `Accept-Language`: Chinese, or English.
    #[schema(max_length = 256)]
    message: String,
    #[schema(nullable = false)]
    detail: Option<ErrorDetail>,
}

/// Which value, where.
#[derive(ToSchema)]
pub(super) struct ErrorDetail {
    /// JSON Pointer for a body member, else the variable's name.
    field: String,
    #[schema(nullable = false)]
    value: Option<String>,
    issue: String,
    location: ErrorLocation,
    #[schema(nullable = false)]
    sign_information: Option<SignInformation>,
}

/// Where the value stands.
#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ErrorLocation {
    Body,
    Path,
    Query,
    Header,
    Authorization,
}

/// What the platform verified when a signature did not match: compare it with what was signed.
#[derive(ToSchema)]
pub(super) struct SignInformation {
    method: String,
    url: String,
    /// The text that should have been signed; of the body only both ends.
    truncated_sign_message: String,
    /// Bytes of that text in full.
    sign_message_length: usize,
}
