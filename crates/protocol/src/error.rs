//! The public errors: every code the pay family answers, with its status and messages. This file owns the
//! table; no other place invents a code (wire §1.5, §3.7).
//!
//! Where the sources of the wire reference are silent or disagree (§17), the choice is made here once:
//!
//! | Point | Choice |
//! | --- | --- |
//! | duplicate `out_trade_no` with other content | 403 `OUT_TRADE_NO_USED`, [`ApiError::number_used`] |
//! | prepay of a paid order | 400 `INVALID_REQUEST`, [`ApiError::order_paid`] |
//! | prepay of a closed order | 400 `ORDER_CLOSED` |
//! | too many requests | 429 `FREQUENCY_LIMITED` |
//! | payer must type a PIN (codepay) | 202 with code `USERPAYING` |
//! | place of a bad path variable | `location` is `path` |

use crate::language::{Language, Text};
use serde::Serialize;
use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $status:literal, $wire:literal, $zh:literal, $en:literal;)*) => {
        /// A code of the `code` member. Stable: clients branch on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code, for the documentation and for tests.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];
            /// The text of the `code` member.
            #[must_use]
            pub const fn wire(self) -> &'static str {
                match self { $(Code::$name => $wire,)* }
            }
            /// The HTTP status it is answered with.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Code::$name => $status,)* }
            }
            /// The message when nothing more exact is known.
            #[must_use]
            pub const fn text(self) -> Text {
                match self { $(Code::$name => Text::fixed($zh, $en),)* }
            }
        }
    };
}

codes! {
    /// Codepay: the payer is typing a PIN; query, then reverse (wire §3.8). A 2xx, so the answer is signed.
    UserPaying = 202, "USERPAYING",
        "需要用户输入支付密码，请稍后查询订单",
        "The payer must enter the PIN; query the order later";
    /// A member is missing, malformed or out of range; `detail` says which.
    ParamError = 400, "PARAM_ERROR", "参数错误", "Parameter error";
    /// The request is well formed but not possible in the present state.
    InvalidRequest = 400, "INVALID_REQUEST",
        "请求不符合业务规则，请查询订单后再处理",
        "The request is not possible in the present state; query the order first";
    /// The appid is not bound to the merchant.
    AppidMchidNotMatch = 400, "APPID_MCHID_NOT_MATCH",
        "appid 与 mchid 不匹配，请在商户平台绑定后重试",
        "The appid is not bound to the mchid; bind it in the merchant console and try again";
    /// No such merchant.
    MchNotExists = 400, "MCH_NOT_EXISTS",
        "商户号不存在，请检查 mchid",
        "The merchant does not exist; check the mchid";
    /// The order is closed.
    OrderClosed = 400, "ORDER_CLOSED",
        "订单已关闭，请更换商户订单号重新下单",
        "The order is closed; place a new order with another out_trade_no";
    /// The thing to create exists already.
    AlreadyExists = 400, "ALREADY_EXISTS",
        "数据已存在，请勿重复提交",
        "It exists already; do not submit it again";
    /// There is no bill: nothing happened that day.
    NoStatementExist = 400, "NO_STATEMENT_EXIST",
        "账单不存在：当日没有可出账的交易或资金变动",
        "There is no bill: nothing of that kind happened that day";
    /// The bill is not ready yet.
    StatementCreating = 400, "STATEMENT_CREATING",
        "账单尚未生成，请稍后重试",
        "The bill is not ready yet; try again later";
    /// The request signature is absent, wrong, too old or repeated.
    SignError = 401, "SIGN_ERROR",
        "签名错误，请检查签名串、商户私钥与证书序列号",
        "Signature error; check the signed text, the merchant key and the certificate serial";
    /// The merchant may not use this product.
    NoAuth = 403, "NO_AUTH",
        "商户无此产品权限，请开通后重试",
        "The merchant has no permission for this product; have it enabled and try again";
    /// A limit or risk rule stopped the request.
    RuleLimit = 403, "RULE_LIMIT",
        "触发业务规则限制，请检查限额或风控提示",
        "Stopped by a rule; check limits and risk notices";
    /// The merchant's order number belongs to another request.
    OutTradeNoUsed = 403, "OUT_TRADE_NO_USED",
        "商户订单号重复：此单号已用于参数不同的请求，请更换单号",
        "The out_trade_no was used by a request with other parameters; use another number";
    /// The payer's balance is too small.
    NotEnough = 403, "NOT_ENOUGH",
        "余额不足，请更换支付方式",
        "Balance too small; pay by other means";
    /// The payment failed.
    TradeError = 403, "TRADE_ERROR",
        "交易失败，请查询订单后再处理",
        "The payment failed; query the order first";
    /// The payer's account cannot be used.
    AccountError = 403, "ACCOUNT_ERROR",
        "付款账户异常，请用户检查账户状态",
        "The payer's account cannot be used; the payer should check it";
    /// The receiving user's account is not normal (refunds, transfers).
    UserAccountAbnormal = 403, "USER_ACCOUNT_ABNORMAL",
        "用户账户异常或已注销",
        "The user's account is abnormal or closed";
    /// No such order.
    OrderNotExist = 404, "ORDER_NOT_EXIST",
        "订单不存在，请检查订单号与商户号",
        "The order does not exist; check the order number and the mchid";
    /// No such resource.
    ResourceNotExists = 404, "RESOURCE_NOT_EXISTS",
        "查询的资源不存在",
        "The resource does not exist";
    /// No such address.
    NotFound = 404, "NOT_FOUND",
        "接口地址不存在，请检查请求方法与路径",
        "There is no such address; check method and path";
    /// Too many requests.
    FrequencyLimited = 429, "FREQUENCY_LIMITED",
        "请求过于频繁，请稍后以相同参数重试",
        "Too many requests; repeat the same request later";
    /// Something failed on our side; the outcome is unknown to the caller.
    SystemError = 500, "SYSTEM_ERROR",
        "系统异常，请稍后以相同参数重试",
        "System error; repeat the same request later";
    /// The bank failed; the outcome is unknown.
    BankError = 500, "BANK_ERROR",
        "银行系统异常，请查询订单后再处理",
        "The bank failed; query the order first";
    /// The openid does not belong to the appid.
    OpenidMismatch = 500, "OPENID_MISMATCH",
        "openid 与 appid 不匹配，请使用该 appid 下获取的 openid",
        "The openid does not belong to the appid; use an openid obtained for this appid";
    /// No order can have this transaction_id.
    InvalidTransactionid = 500, "INVALID_TRANSACTIONID",
        "订单号非法，请检查 transaction_id",
        "The transaction_id is invalid; check it";
    /// Overloaded or shutting down; nothing was done.
    ServiceUnavailable = 503, "SERVICE_UNAVAILABLE",
        "服务暂不可用，请稍后以相同参数重试",
        "The service is unavailable; repeat the same request later";
}

/// Where the offending value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// The JSON body; `field` is a JSON Pointer (RFC 6901).
    Body,
    /// A path variable; `field` is its name.
    Path,
    /// A query parameter; `field` is its name.
    Query,
    /// A header other than `Authorization`; `field` is its name.
    Header,
    /// The `Authorization` header.
    Authorization,
}

impl Location {
    const fn wire(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Authorization => "authorization",
        }
    }
}

/// An error as a merchant sees it. It never holds a secret: values of secret members are masked when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// What kind of error, with its status.
    pub code: Code,
    /// For people; clients must not parse it. At most 256 characters are sent.
    pub message: Text,
    /// Which value, where.
    pub detail: Option<Box<Detail>>,
}

/// The `detail` member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// JSON Pointer or variable name. At most 256 characters are sent.
    pub field: String,
    /// The value as it came. At most 128 characters are sent.
    pub value: Option<String>,
    /// What is wrong with it.
    pub issue: Text,
    /// Where it stands.
    pub location: Location,
    /// What we verified, when a signature failed.
    pub sign_information: Option<SignInformation>,
}

/// What the platform verified when a signature failed, so that a developer can compare it with what was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignInformation {
    method: String,
    url: String,
    truncated_sign_message: String,
    sign_message_length: usize,
}

impl SignInformation {
    /// `sign_message` is the five-line text of wire §1.3. Method, target, timestamp and nonce are shown; of the
    /// body only both ends, because it may hold payment codes or personal data.
    #[must_use]
    pub fn new(method: &str, url: &str, sign_message: &str) -> Self {
        let mut shown = String::new();
        let mut rest = sign_message;
        for _ in 0..4 {
            let Some((line, tail)) = rest.split_once('\n') else { break };
            shown.push_str(&cut(line, 256));
            shown.push('\n');
            rest = tail;
        }
        shown.push_str(&ends(rest, 12, 4));
        Self {
            method: cut(method, 16),
            url: cut(url, 256),
            truncated_sign_message: shown,
            sign_message_length: sign_message.len(),
        }
    }
}

impl ApiError {
    /// An error with the code's own message.
    #[must_use]
    pub const fn new(code: Code) -> Self {
        Self { code, message: code.text(), detail: None }
    }
    /// An error with a message of its own: what was wrong, with which value, what to do next.
    #[must_use]
    pub const fn because(code: Code, message: Text) -> Self {
        Self { code, message, detail: None }
    }
    /// 400 `PARAM_ERROR`. `field` is a JSON Pointer for a body member, else the variable's name; `value` must
    /// not be a secret; `issue` completes the sentence “`field` …”, see [`crate::issue`].
    #[must_use]
    pub fn param(field: impl Into<String>, value: Option<String>, issue: Text, location: Location) -> Self {
        let field = cut(&field.into(), 256);
        let at = if field.is_empty() { Text::fixed("请求正文", "the body") } else { same(&field) };
        let message = Text::new(
            format!("参数错误：{} {}", at.zh, issue.zh),
            format!("Parameter error: {} {}", at.en, issue.en),
        );
        let value = value.map(|v| cut(&v, 128));
        let detail = Detail { field, value, issue, location, sign_information: None };
        Self { code: Code::ParamError, message, detail: Some(Box::new(detail)) }
    }
    /// 401 `SIGN_ERROR` with `sign_information` (wire §1.5).
    #[must_use]
    pub fn sign(issue: Text, sign_information: Option<SignInformation>) -> Self {
        let message = Text::new(format!("签名错误：{}", issue.zh), format!("Signature error: {}", issue.en));
        let detail = Detail {
            field: "signature".into(),
            value: None,
            issue,
            location: Location::Authorization,
            sign_information,
        };
        Self { code: Code::SignError, message, detail: Some(Box::new(detail)) }
    }
    /// The number was used with other parameters (wire §3.6, §17).
    #[must_use]
    pub const fn number_used() -> Self {
        Self::new(Code::OutTradeNoUsed)
    }
    /// The order is paid: a prepay, close or reverse of it is not possible (wire §3.5, §3.6).
    #[must_use]
    pub const fn order_paid() -> Self {
        Self::because(
            Code::InvalidRequest,
            Text::fixed(
                "该订单已支付，请查询订单，勿重复下单或关单",
                "The order is paid; query it, do not place or close it again",
            ),
        )
    }
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.code.status()
    }
    /// The JSON body of wire §1.5.
    #[must_use]
    pub fn body(&self, language: Language) -> Vec<u8> {
        let detail = self.detail.as_deref().map(|detail| WireDetail {
            field: &detail.field,
            value: detail.value.as_deref().map(|value| cut(value, 128)),
            issue: cut(detail.issue.get(language), 256),
            location: detail.location.wire(),
            sign_information: detail.sign_information.as_ref(),
        });
        let message = cut(self.message.get(language), 256);
        crate::body(&Wire { code: self.code.wire(), message, detail })
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.code.status(), self.code.wire(), self.message.en)
    }
}

impl std::error::Error for ApiError {}

#[derive(Serialize)]
struct Wire<'a> {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<WireDetail<'a>>,
}

#[derive(Serialize)]
struct WireDetail<'a> {
    field: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    issue: String,
    location: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_information: Option<&'a SignInformation>,
}

fn same(text: &str) -> Text {
    Text::new(text.to_owned(), text.to_owned())
}

/// At most `max` characters; a cut text ends with `…`.
pub(crate) fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(max.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// The first and last characters of a text too long to be shown.
fn ends(text: &str, head: usize, tail: usize) -> String {
    let count = text.chars().count();
    if count <= head + tail {
        return text.to_owned();
    }
    text.chars().take(head).chain(['…']).chain(text.chars().skip(count - tail)).collect()
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
