//! The one table from what a command refuses to what a merchant is told (wire §1.5, §3.7). Codes, statuses and
//! general messages are those of [`protocol::Code`]; here stands only which rejection is which.
//!
//! Choices where the wire is silent:
//!
//! | Rejection | Code | Why |
//! | --- | --- | --- |
//! | suspended merchant, product off | `NO_AUTH` | the merchant, not the request, must change |
//! | unknown application | `APPID_MCHID_NOT_MATCH` | what is not there is not bound |
//! | expired, busy, reversed order; link or code too old | `INVALID_REQUEST` | well formed, not possible now |
//! | limits of law or operator, locked PIN | `RULE_LIMIT` | with what is left, where that is known |
//! | payer suspended or without PIN, frozen account | `ACCOUNT_ERROR` | the payer must act |
//! | queue full | `FREQUENCY_LIMITED` | nothing changed; the same request again is right |
//! | store not available | `SYSTEM_ERROR` | nothing is kept of it; the same number again is right |

use axum::extract::Request;
use crypto::{platform::PlatformError, rsa::FieldError};
use domain::Rejection;
use domain::sharing::Unfit;
use engine::{Fault, Refusal};
use ledger::Refused;
use protocol::{ApiError, Code, Location, Text, issue};

/// What a merchant is told when the rules say no.
pub(crate) fn rejection(rejection: &Rejection) -> ApiError {
    use Rejection as R;
    match rejection {
        R::MerchantNotFound(_) => ApiError::new(Code::MchNotExists),
        R::MerchantSuspended(id) => no(Code::NoAuth, format!("商户 {id} 已被停用，请联系平台"), rejection),
        R::ProductOff(product) => no(
            Code::NoAuth,
            format!("商户未开通 {} 支付产品，请开通后重试", service::wire::trade_type(*product).wire()),
            rejection,
        ),
        R::AppNotFound(app) => {
            no(Code::AppidMchidNotMatch, format!("appid {app} 不存在，请检查 appid"), rejection)
        }
        R::AppNotBound(app, merchant) => {
            let zh = format!("appid {app} 未与商户号 {merchant} 绑定，请绑定后重试");
            no(Code::AppidMchidNotMatch, zh, rejection)
        }
        R::OpenidMismatch => ApiError::new(Code::OpenidMismatch),
        R::OrderNotFound => ApiError::new(Code::OrderNotExist),
        R::OrderNumberUsed => ApiError::number_used(),
        R::OrderPaid => ApiError::order_paid(),
        R::OrderClosed => ApiError::new(Code::OrderClosed),
        R::OrderExpired(at) => {
            let zh = format!("订单已过支付截止时间 {at}，请更换商户订单号重新下单");
            let en = format!("the order could be paid until {at}; place a new one under another number");
            ApiError::because(Code::InvalidRequest, Text::new(zh, en))
        }
        R::OrderBusy => no(Code::InvalidRequest, "订单支付结果尚未确定，请稍后查询订单", rejection),
        R::OrderRevoked => no(Code::InvalidRequest, "订单已撤销，请更换商户订单号重新下单", rejection),
        R::OrderFailed => no(Code::TradeError, "订单支付失败，请更换商户订单号重新下单", rejection),
        R::OrderCombined => no(Code::InvalidRequest, "订单是合单支付的子单，请对整个合单操作", rejection),
        R::PartsDiffer => {
            let issue = Text::fixed(
                "须列出且仅列出该合单的全部子单",
                "must name each order of the combined order and no other",
            );
            ApiError::param("/sub_orders", None, issue, Location::Body)
        }
        R::PartTwice => {
            let issue = Text::fixed("含重复的子单", "names an order twice");
            ApiError::param("/sub_orders", None, issue, Location::Body)
        }
        R::PartsOutOfRange => {
            let issue = Text::fixed("子单数量超出允许范围", "has too few or too many orders");
            ApiError::param("/sub_orders", None, issue, Location::Body)
        }
        R::MayNotCombine { merchant, by } => {
            no(Code::NoAuth, format!("商户 {merchant} 未授权商户 {by} 合单收款，请联系平台开通"), rejection)
        }
        R::NotReversible => no(Code::InvalidRequest, "只有付款码支付的订单可以撤销", rejection),
        R::ReverseTooLate => no(Code::InvalidRequest, "订单支付已超过 7 天，不能撤销", rejection),
        R::WrongPayer => no(Code::InvalidRequest, "订单指定了其他付款人", rejection),
        R::WrongApp => {
            let issue = Text::fixed("与下单时的 appid 不一致", "is not the appid the order was placed with");
            ApiError::param("/appid", None, issue, Location::Body)
        }
        R::WrongAmount { wanted, .. } => {
            no(Code::InvalidRequest, format!("确认的金额与订单金额 {wanted} 不一致"), rejection)
        }
        R::EntryExpired => no(Code::InvalidRequest, "支付链接或二维码已过期，请商户重新下单获取", rejection),
        R::EntryMismatch => no(Code::InvalidRequest, "订单不能以此方式支付", rejection),
        R::AmountOutOfRange => {
            let issue = Text::fixed("超出允许范围", "is out of range");
            ApiError::param("/amount/total", None, issue, Location::Body)
        }
        R::CurrencyUnsupported => {
            ApiError::param("/amount/currency", None, issue::one_of(&["CNY"]), Location::Body)
        }
        R::PinLocked(until) => no(Code::RuleLimit, format!("支付密码连续输错，已锁定至 {until}"), rejection),
        R::LimitExceeded { left, .. } => {
            no(Code::RuleLimit, format!("超出支付限额，剩余额度 {left} 元"), rejection)
        }
        R::NotEnough | R::Ledger(Refused::NotEnough { .. }) => ApiError::new(Code::NotEnough),
        R::CodeInvalid => no(Code::InvalidRequest, "付款码无效，请重新扫码", rejection),
        R::CodeUsed => no(Code::InvalidRequest, "付款码已使用，请用户刷新后重新扫码", rejection),
        R::CodeExpired => no(Code::InvalidRequest, "付款码已过期，请用户刷新后重新扫码", rejection),
        R::PayerNotFound | R::PayerSuspended => ApiError::new(Code::AccountError),
        R::PinNotSet => no(Code::AccountError, "用户未设置支付密码", rejection),
        R::Ledger(Refused::Frozen(_)) => no(Code::AccountError, "账户已冻结", rejection),
        R::MerchantExists(_) | R::CertificateExists => ApiError::new(Code::AlreadyExists),
        R::CardNotFound | R::PaymentNotFound | R::NotificationNotFound => {
            because(Code::ResourceNotExists, Code::ResourceNotExists.text().zh, rejection)
        }
        R::RefundNotFound => ApiError::new(Code::ResourceNotExists),
        R::PayoutNotFound => ApiError::new(Code::ResourceNotExists),
        R::PayoutNumberUsed => {
            no(Code::InvalidRequest, "商户付款单号重复：此单号已用于参数不同的付款", rejection)
        }
        R::BankAccountMissing(_) => {
            no(Code::InvalidRequest, "商户未登记收款银行账户，请联系平台登记", rejection)
        }
        R::NoRail(most) => {
            no(Code::InvalidRequest, format!("没有可付 {most} 元的汇路，请拆分金额"), rejection)
        }
        R::OrderNotPaid => no(Code::ResourceNotExists, "订单未支付，不能退款", rejection),
        R::RefundNumberUsed => {
            no(Code::InvalidRequest, "商户退款单号重复：此单号已用于参数不同的退款", rejection)
        }
        R::OrderRefunded => no(Code::InvalidRequest, "订单已有退款，不能撤销，请退还剩余金额", rejection),
        R::WrongOrder => no(Code::InvalidRequest, "transaction_id 与 out_trade_no 不是同一笔订单", rejection),
        R::RefundTooMuch { left } => {
            no(Code::InvalidRequest, format!("退款金额超过可退金额，还可退 {left} 元"), rejection)
        }
        R::RefundTooMany(most) => no(Code::InvalidRequest, format!("一笔订单最多退款 {most} 次"), rejection),
        R::RefundTooLate(at) => no(Code::InvalidRequest, format!("订单已过退款期限 {at}"), rejection),
        R::RefundTooSoon(at) => no(
            Code::FrequencyLimited,
            format!("同一订单的退款过于频繁，请在 {at} 之后以相同商户退款单号重试"),
            rejection,
        ),
        R::RefundNotAbnormal(_) => {
            no(Code::InvalidRequest, "退款单不是异常状态，无需发起异常退款", rejection)
        }
        R::RefundNotWaiting(_) => no(Code::InvalidRequest, "退款单不在待审批状态", rejection),
        R::OwnRefund => no(Code::NoAuth, "申请人不能审批自己的退款", rejection),
        R::CodeTooSoon(_) | R::CodeTooMany => {
            because(Code::FrequencyLimited, Code::FrequencyLimited.text().zh, rejection)
        }
        R::SharingOff(id) => no(Code::NoAuth, format!("商户 {id} 未开通分账，请联系平台开通"), rejection),
        R::NotSharing => {
            no(Code::InvalidRequest, "非分账订单，下单时须将 settle_info.profit_sharing 设为 true", rejection)
        }
        R::SharingEnded => no(Code::InvalidRequest, "订单剩余金额已解冻，不能再分账", rejection),
        R::SharesTooMany(most) => {
            no(Code::InvalidRequest, format!("一笔订单最多请求分账 {most} 次"), rejection)
        }
        R::ShareTooMuch { left } => {
            no(Code::NotEnough, format!("金额超过可分账或可回退金额，剩余 {left} 元"), rejection)
        }
        R::ShareAboveRatio(ratio) => no(
            Code::InvalidRequest,
            format!("分账金额超过最大分账比例 {}.{:02}%", ratio / 100, ratio % 100),
            rejection,
        ),
        R::NoRelation(_) => {
            no(Code::InvalidRequest, "分账接收方未添加，请先调用添加分账接收方接口", rejection)
        }
        R::ReceiverWrong(why) => unfit(*why),
        R::ReceiversTooMany(most) => {
            no(Code::RuleLimit, format!("分账接收方最多 {most} 个，请先删除不用的"), rejection)
        }
        R::ShareNotFound | R::ShareReturnNotFound => ApiError::new(Code::ResourceNotExists),
        R::ShareNumberUsed => {
            no(Code::InvalidRequest, "单号重复：此单号已用于参数不同的分账或回退请求", rejection)
        }
        R::NoSuchShare(id) => no(Code::InvalidRequest, format!("商户 {id} 不是此笔分账的接收方"), rejection),
        R::ReturnsOff(id) => no(Code::NoAuth, format!("商户 {id} 未同意分账回退"), rejection),
        R::ReturnTooLate(at) => no(Code::InvalidRequest, format!("已过分账回退期限 {at}"), rejection),
        R::OrderShared => no(Code::InvalidRequest, "订单已分账或解冻，不能撤销，请申请退款", rejection),
        R::NotSubMerchant { merchant, partner } => no(
            Code::NoAuth,
            format!(
                "商户号 {merchant} 不是服务商 {partner} 的特约商户，请检查 sub_mchid，或联系平台建立受理关系"
            ),
            rejection,
        ),
        R::PartnerMayNot { merchant, permission, .. } => {
            let what = crate::partner::permission_name(*permission);
            no(Code::NoAuth, format!("未获特约商户 {merchant} 授权：{what}，请联系平台开通"), rejection)
        }
        R::UserTransferNotFound | R::TransferBatchNotFound => {
            no(Code::NotFound, "记录不存在，请检查单号", rejection)
        }
        R::UserTransferNumberUsed => {
            no(Code::InvalidRequest, "商户单号重复：此单号已用于参数不同的转账", rejection)
        }
        R::TransferBatchNumberUsed => {
            no(Code::AlreadyExists, "商家批次单号重复：此单号已用于参数不同的批次", rejection)
        }
        R::UserTransferNotWaiting(_) => {
            no(Code::InvalidRequest, "转账单当前状态不允许此操作，请查询转账单", rejection)
        }
        R::UserTransferOverdue(at) => {
            no(Code::InvalidRequest, format!("转账单已于 {at} 超过确认期限"), rejection)
        }
        R::TransferRefused(why) => {
            no(Code::RuleLimit, format!("用户当前无法收款：{}", why.name()), rejection)
        }
        R::TransferAmount { least, most } => {
            no(Code::InvalidRequest, format!("单笔转账金额须在 {least} 元至 {most} 元之间"), rejection)
        }
        R::TransferNameMissing(from) => {
            let issue = Text::new(
                format!("转账金额达到 {from} 元时必填"),
                format!("must be given for {from} or more"),
            );
            ApiError::param("/user_name", None, issue, Location::Body)
        }
        R::TransferDay { left } => {
            no(Code::InvalidRequest, format!("超出商户单日转账额度，今日剩余 {left} 元"), rejection)
        }
        R::SceneUnknown(scene) => {
            let issue = Text::fixed("不是有效的转账场景 ID", "is no transfer scene");
            ApiError::param("/transfer_scene_id", Some(scene.to_string()), issue, Location::Body)
        }
        R::SceneClosed(0) => no(Code::NoAuth, "商户未开通商家转账，请联系平台开通转账场景", rejection),
        R::SceneClosed(scene) => {
            no(Code::NoAuth, format!("商户未开通转账场景 {scene}，请联系平台开通"), rejection)
        }
        R::SceneReports(scene) => {
            let reports = domain::user_transfer::scene::find(*scene).map_or(&[][..], |scene| scene.reports);
            let issue = Text::new(
                format!("转账场景 {scene} 须报备且仅报备：{}", reports.join("、")),
                format!("transfer scene {scene} asks for exactly these: {}", reports.join(", ")),
            );
            ApiError::param("/transfer_scene_report_infos", None, issue, Location::Body)
        }
        R::ScenePerception(scene) => {
            no(Code::InvalidRequest, format!("转账场景 {scene} 不支持此 user_recv_perception"), rejection)
        }
        R::NotAllowed | R::SessionEnded | R::StepUpNeeded => ApiError::new(Code::NoAuth),
        // No merchant's request comes to these; they are told in general terms.
        R::PinAlreadySet
        | R::CodeMissing
        | R::TooManyCards(_)
        | R::PaymentFinal
        | R::RefundFinal
        | R::WindowOutOfRange(_)
        | R::TooManyCombiners(_)
        | R::FeeRule(_)
        | R::CalendarWrong(_)
        | R::DayNotOver { .. }
        | R::DayOutOfOrder { .. }
        | R::DayDiffers { .. }
        | R::SettlementNotFound
        | R::SettlementDiffers(_)
        | R::SettlementOutOfOrder(_)
        | R::HoldNotFound
        | R::BankAccountWrong
        | R::PayoutNotWaiting(_)
        | R::OwnPayout
        | R::PayoutNotSent(_)
        | R::PayoutFinal(_)
        | R::StaffNameWrong
        | R::StaffNameUsed
        | R::StaffRoleWrong
        | R::StaffNotFound
        | R::StaffSelf
        | R::StaffLocked(_)
        | R::PasswordWrong
        | R::PasswordMustChange
        | R::TotpEnrolled
        | R::TotpMissing
        | R::PartnerWrong(_)
        | R::SharingWrong(_)
        | R::ExceptionNotFound
        | R::ExceptionNotOpen(_)
        | R::OwnCorrection
        | R::CorrectionOutOfRange
        | R::OauthCodeInvalid
        | R::RedirectNotAllowed
        | R::RequestKeyReused
        | R::NumberOutOfRange(_)
        | R::LimitsOutOfOrder(_) => because(Code::InvalidRequest, Code::InvalidRequest.text().zh, rejection),
        // The router follows the first four, and the last is between shards: none leaves the platform unless it errs.
        R::Elsewhere(_)
        | R::NumberElsewhere { .. }
        | R::MoneyElsewhere { .. }
        | R::MoneyUnderWay
        | R::TransferMismatch => broken("a refusal between shards came to a merchant", rejection),
        // The rules above the ledger let none of these through: one of our invariants is broken.
        R::Ledger(
            Refused::Amount(_)
            | Refused::SameAccount(_)
            | Refused::Currency(..)
            | Refused::Overflow(_)
            | Refused::NotPending(_),
        ) => broken("the ledger refused what the rules allowed", rejection),
    }
}

/// A rejection with a Chinese message of its own; the English one is the rejection's.
fn no(code: Code, zh: impl Into<String>, rejection: &Rejection) -> ApiError {
    ApiError::because(code, Text::new(zh.into(), rejection.to_string()))
}

fn because(code: Code, zh: std::borrow::Cow<'static, str>, rejection: &Rejection) -> ApiError {
    ApiError::because(code, Text { zh, en: rejection.to_string().into() })
}

/// What a merchant is told when a command has no answer.
pub(crate) fn refusal(refusal: &Refusal) -> ApiError {
    match refusal {
        Refusal::Rejected(why) => rejection(why),
        Refusal::Busy => ApiError::new(Code::FrequencyLimited),
        Refusal::Stopped => ApiError::new(Code::ServiceUnavailable),
        Refusal::Unknown(reason) => {
            tracing::error!(%reason, "a command's outcome is unknown");
            ApiError::because(
                Code::SystemError,
                Text::fixed(
                    "系统异常，结果未知，请先查询订单，再以相同参数（含商户订单号）重试",
                    "The system failed and the outcome is unknown; query the order, then repeat the same request",
                ),
            )
        }
        Refusal::Unavailable(reason) => {
            tracing::error!(%reason, "a command was not kept");
            ApiError::because(
                Code::SystemError,
                Text::fixed(
                    "系统异常，请求未生效，请稍后以相同参数（含商户订单号）重试",
                    "The system failed and kept nothing; repeat the same request with the same number",
                ),
            )
        }
    }
}

/// Which member of a receiver is wrong.
fn unfit(why: Unfit) -> ApiError {
    let (field, zh) = match why {
        Unfit::RelationName => ("/custom_relation", "仅 relation_type 为 CUSTOM 时填写，1 至 10 个字"),
        Unfit::Itself => ("/account", "不能与自己分账"),
        Unfit::NameMissing => ("/name", "接收方为商户时须填写商户全称"),
        Unfit::NameDiffers => ("/name", "与商户全称不一致"),
        Unfit::NameUnknown => ("/name", "平台不保存个人姓名，请勿填写"),
        Unfit::AppMissing => ("/appid", "接收方为个人时必填"),
        Unfit::Twice => ("/receivers", "同一请求中接收方不能重复"),
        Unfit::Count => ("/receivers", "须有 1 至 50 个接收方"),
    };
    ApiError::param(field, None, Text { zh: zh.into(), en: why.to_string().into() }, Location::Body)
}

/// As [`refusal`], for profit sharing: what is named is an order to be shared, and amounts are those of receivers.
pub(crate) fn sharing(why: &Refusal) -> ApiError {
    let Refusal::Rejected(rejected) = why else { return refusal(why) };
    match rejected {
        Rejection::OrderNotFound => ApiError::new(Code::ResourceNotExists),
        Rejection::OrderNotPaid => no(Code::InvalidRequest, "订单未支付，不能分账", rejected),
        Rejection::AmountOutOfRange => {
            let issue =
                Text::fixed("金额须大于 0 且合计不超出范围", "must be above zero, and so must be their sum");
            ApiError::param("/amount", None, issue, Location::Body)
        }
        Rejection::MerchantNotFound(_) => {
            let issue = Text::fixed("商户号不存在", "names no merchant");
            ApiError::param("/account", None, issue, Location::Body)
        }
        Rejection::PayerNotFound => ApiError::new(Code::OpenidMismatch),
        other => rejection(other),
    }
}

/// As [`refusal`], for a reversal: the money that is missing is the merchant's.
pub(crate) fn reversal(why: &Refusal) -> ApiError {
    match why {
        Refusal::Rejected(Rejection::NotEnough) => ApiError::because(
            Code::NotEnough,
            Text::fixed(
                "商户未结算资金不足，无法撤销并退还用户，请充值或改用退款",
                "The merchant's unsettled money does not cover the return; add funds or refund instead",
            ),
        ),
        other => refusal(other),
    }
}

/// As [`refusal`], for a combined order: its amounts have another name, and so has its application.
pub(crate) fn combined(why: &Refusal) -> ApiError {
    let Refusal::Rejected(rejected) = why else { return refusal(why) };
    match rejected {
        Rejection::AmountOutOfRange => {
            let issue = Text::fixed(
                "子单金额合计超出允许范围",
                "the amounts of the orders, or their sum, are out of range",
            );
            ApiError::param("/sub_orders", None, issue, Location::Body)
        }
        Rejection::WrongApp => {
            let issue =
                Text::fixed("与下单时的 combine_appid 不一致", "is not the combine_appid it was placed with");
            ApiError::param("/combine_appid", None, issue, Location::Body)
        }
        other => rejection(other),
    }
}

/// As [`refusal`], for a refund: the money is the merchant's, the order is a resource, and the amount has another name.
pub(crate) fn refund(why: &Refusal) -> ApiError {
    let Refusal::Rejected(rejected) = why else { return refusal(why) };
    match rejected {
        Rejection::OrderNotFound => ApiError::because(
            Code::ResourceNotExists,
            Text::fixed(
                "订单不存在，请检查订单号与商户号",
                "The order does not exist; check the order number and the mchid",
            ),
        ),
        Rejection::OrderRevoked => ApiError::because(
            Code::InvalidRequest,
            Text::fixed("订单已撤销，款项已退还用户", "The order was reversed; its money has gone back"),
        ),
        Rejection::NotEnough => ApiError::because(
            Code::NotEnough,
            Text::fixed(
                "商户可用退款资金不足，请充值后以相同商户退款单号重试",
                "The merchant's money does not cover the refund; add funds and repeat with the same out_refund_no",
            ),
        ),
        Rejection::WrongAmount { wanted, .. } => ApiError::because(
            Code::InvalidRequest,
            Text::new(
                format!("amount.total 与订单金额 {wanted} 元不一致"),
                format!("amount.total is not the order's amount, {wanted}"),
            ),
        ),
        Rejection::AmountOutOfRange => {
            let issue = Text::fixed("超出允许范围", "is out of range");
            ApiError::param("/amount/refund", None, issue, Location::Body)
        }
        Rejection::PayerNotFound => ApiError::new(Code::UserAccountAbnormal),
        other => rejection(other),
    }
}

/// As [`refusal`], for a payout: the money is the merchant's settled money.
pub(crate) fn payout(why: &Refusal) -> ApiError {
    match why {
        Refusal::Rejected(Rejection::NotEnough) => ApiError::because(
            Code::NotEnough,
            Text::fixed(
                "商户已结算资金不足，无法出款",
                "The merchant's settled money does not cover the payout",
            ),
        ),
        other => refusal(other),
    }
}

/// What a merchant is told when the store can't be read.
pub(crate) fn fault(fault: &Fault) -> ApiError {
    broken("the store can't be read", fault)
}

/// `SYSTEM_ERROR` for what can't be; the reason goes to the log only.
pub(crate) fn broken(what: &'static str, error: &dyn std::fmt::Display) -> ApiError {
    tracing::error!(%error, "{what}");
    ApiError::new(Code::SystemError)
}

/// Why a sensitive field of a request can't be read; always the merchant's to repair.
pub(crate) fn field_error(error: &PlatformError, serial: &str, field: &str) -> ApiError {
    match error {
        PlatformError::UnknownSerial(_) => {
            let issue = issue::form(
                "本平台有效的证书序列号或公钥 ID",
                "the serial of a valid certificate, or the public-key id, of this platform",
            );
            ApiError::param("Wechatpay-Serial", Some(serial.to_owned()), issue, Location::Header)
        }
        PlatformError::Field(FieldError::Undecryptable | FieldError::TooLong(_)) => {
            let issue = Text::fixed(
                "无法解密，请用 Wechatpay-Serial 对应的平台公钥以 RSA-OAEP 加密",
                "can't be decrypted; encrypt it by RSA-OAEP with the platform key that Wechatpay-Serial names",
            );
            ApiError::param(field, None, issue, Location::Body)
        }
        other => broken("a field can't be decrypted", other),
    }
}

/// 404 and 405: the method and path that lead nowhere.
pub(crate) fn no_such_address(request: &Request) -> ApiError {
    let at: String = format!("{} {}", request.method(), request.uri().path()).chars().take(160).collect();
    ApiError::because(
        Code::NotFound,
        Text::new(
            format!("接口地址不存在：{at}，请检查请求方法与路径"),
            format!("There is no such address: {at}; check method and path"),
        ),
    )
}

#[cfg(test)]
#[path = "tests/errors.rs"]
mod tests;
