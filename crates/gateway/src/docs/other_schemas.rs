//! Shapes of OAuth and of the sandbox's endpoints, for the document only.
#![expect(dead_code, reason = "the fields are read by the derive only")]

use utoipa::ToSchema;

/// The exchange, done or refused. Always 200, as in the classic API: look for `errcode`.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum AccessToken {
    Granted(Granted),
    Refused(Refused),
}

/// The payer's openid.
#[derive(ToSchema)]
pub(super) struct Granted {
    /// Random; nothing takes it.
    access_token: String,
    #[schema(example = 7200)]
    expires_in: u32,
    /// Random; nothing takes it.
    refresh_token: String,
    /// The payer, as this application knows them.
    openid: String,
    #[schema(example = "snsapi_base")]
    scope: String,
}

/// Why not.
#[derive(ToSchema)]
pub(super) struct Refused {
    /// -1 busy, 40002 grant_type, 40013 appid, 40029 code, 40125 secret, 41002 no appid, 41004 no secret, 41008 no
    /// code, 45011 too often, 47001 unreadable query.
    #[schema(example = 40029)]
    errcode: i32,
    errmsg: String,
}

/// Who pays, by exactly one of `code_url`, `prepay_id` and `h5_url`.
#[derive(ToSchema)]
pub(super) struct SandboxPayment {
    /// As the application that placed the order knows the payer.
    openid: String,
    #[schema(nullable = false)]
    code_url: Option<String>,
    #[schema(nullable = false)]
    prepay_id: Option<String>,
    #[schema(nullable = false)]
    h5_url: Option<String>,
    /// Pay from the newest card instead of the balance.
    #[schema(nullable = false)]
    card: Option<bool>,
}

/// A card payment whose bank has not answered.
#[derive(ToSchema)]
pub(super) struct SandboxWaiting {
    payment_id: String,
    state: SandboxPaymentState,
}

/// Asked of the bank, or the bank does not know.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SandboxPaymentState {
    Authorising,
    Unknown,
}

/// Refunds that wait for approval.
#[derive(ToSchema)]
pub(super) struct SandboxRefunds {
    refunds: Vec<SandboxRefund>,
}

/// A refund that waits.
#[derive(ToSchema)]
pub(super) struct SandboxRefund {
    refund_id: String,
    out_refund_no: String,
    mchid: String,
    /// Fen.
    amount: i64,
    approvals: u32,
    approvals_needed: u8,
    /// RFC 3339.
    create_time: String,
}

/// Who decides on a refund.
#[derive(ToSchema)]
pub(super) struct SandboxRefundDecision {
    /// An operator's number, 1 when left out. Two approvals need two numbers.
    #[schema(nullable = false, minimum = 1, maximum = 9)]
    operator: Option<i64>,
    /// Of a rejection.
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// Which transfer; one of the two.
#[derive(ToSchema)]
pub(super) struct SandboxTransfer {
    #[schema(nullable = false, pattern = "^6[0-9]{27}$")]
    transfer_bill_no: Option<String>,
    /// As the merchant got it.
    #[schema(nullable = false, pattern = "^[0-9A-Za-z_-]{32}$")]
    package_info: Option<String>,
}

/// A payer's real name.
#[derive(ToSchema)]
pub(super) struct SandboxName {
    openid: String,
    /// The application of the openid; found when left out.
    #[schema(nullable = false)]
    appid: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    name: String,
}

/// Whose name was kept.
#[derive(ToSchema)]
pub(super) struct SandboxNamed {
    openid: String,
}

/// A payer to be made.
#[derive(ToSchema)]
pub(super) struct SandboxNewPayer {
    /// Fen; nothing when left out.
    #[schema(nullable = false, minimum = 0, maximum = 100_000_000)]
    balance: Option<i64>,
    /// The application the openid is for; the first bound to any merchant when left out.
    #[schema(nullable = false)]
    appid: Option<String>,
}

/// A payer: class III, one card that its bank always accepts.
#[derive(ToSchema)]
pub(super) struct SandboxPayer {
    openid: String,
    appid: String,
    /// To sign in to the wallet; its codes are listed by `/sandbox/v1/messages`.
    phone: String,
    #[schema(example = "123456")]
    pin: String,
    balance: i64,
}

/// Whose payment code.
#[derive(ToSchema)]
pub(super) struct SandboxCodeRequest {
    openid: String,
    /// The application the openid is for; found when left out.
    #[schema(nullable = false)]
    appid: Option<String>,
}

/// A payment code.
#[derive(ToSchema)]
pub(super) struct SandboxCode {
    #[schema(pattern = "^[0-9]{18}$")]
    auth_code: String,
    /// Until when it is shown; it is taken 10 seconds longer.
    expires_at: String,
}

/// What the payer of a USERPAYING order decides.
#[derive(ToSchema)]
pub(super) struct SandboxDecision {
    out_trade_no: String,
    mchid: String,
    /// Refuse instead of typing the PIN.
    #[schema(nullable = false)]
    refuse: Option<bool>,
}

/// Notifications, newest first.
#[derive(ToSchema)]
pub(super) struct SandboxNotifications {
    notifications: Vec<SandboxNotification>,
    /// Pass it as `after` for the next page.
    #[schema(nullable = false)]
    next: Option<String>,
}

/// A notification.
#[derive(ToSchema)]
pub(super) struct SandboxNotification {
    /// As the merchant receives it, the same on every attempt.
    id: String,
    /// Empty when the record is no longer kept: an echo is kept two days.
    url: String,
    #[schema(example = "TRANSACTION.SUCCESS")]
    event_type: String,
    state: SandboxNotificationState,
    attempts: u32,
    /// HTTP status of the last attempt; null when there was no answer.
    last_status: Option<u16>,
    next_at: Option<String>,
    created_at: String,
    /// Null when it is not about an order.
    out_trade_no: Option<String>,
    /// Null when it is not about an order.
    transaction_id: Option<String>,
}

/// To be tried, acknowledged, or every try failed.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SandboxNotificationState {
    Pending,
    Delivered,
    GivenUp,
}

/// Messages to a phone, newest first.
#[derive(ToSchema)]
pub(super) struct SandboxMessages {
    messages: Vec<SandboxMessage>,
}

/// A message.
#[derive(ToSchema)]
pub(super) struct SandboxMessage {
    at: String,
    text: String,
}

/// An error of the sandbox's endpoints, RFC 9457.
#[derive(ToSchema)]
pub(super) struct Problem {
    #[schema(example = "about:blank")]
    r#type: String,
    title: String,
    status: u16,
    detail: String,
    /// The merchant API's code, where it has one.
    #[schema(nullable = false, example = "NOT_ENOUGH")]
    code: Option<String>,
    /// The rule's own code, where a command was refused.
    #[schema(nullable = false, example = "not_enough")]
    reason: Option<String>,
}
