//! 付款码: the merchant scans the payer's code, and may reverse the order (wire §3.8).

use crate::{
    errors, orders, partner, query,
    transport::{Answer, Call, Outcome},
};
use domain::{
    Command, Rejection, merchant,
    order::{OrderState, Terms},
    partner::Permission,
};
use protocol::{
    ApiError, Code, Location, Text, field,
    order::{CodePay, Mode, Reverse},
    qr::{PaymentCode, PaymentCodeError, Prefix},
};
use service::Service;
use std::sync::Arc;
use types::Masked;

/// `POST /v3/pay/transactions/codepay`: 200 with the transaction when it is decided, 202 `USERPAYING` while the
/// payer must type the PIN.
pub(crate) async fn codepay(call: Call, mode: Mode) -> Outcome {
    let asked = CodePay::read(mode, &call.body)?;
    call.signed_by(asked.mchid, mode, Location::Body)?;
    let by = partner::may_place(&call, merchant::Product::Code, asked.appid, asked.sub.as_ref())?;
    orders::check_amount(asked.amount)?;
    let code = our_code(&asked, prefix(call.service()))?;
    let terms = Terms {
        merchant: by.merchant,
        partner: partner::placed(asked.mchid, asked.sub.as_ref()),
        app: asked.appid,
        digest: orders::content(&asked.canonical()),
        payer: None,
        sharing: asked.profit_sharing,
        number: asked.out_trade_no.into(),
        product: merchant::Product::Code,
        amount: asked.amount,
        description: asked.description.into(),
        attach: asked.attach.unwrap_or_default().into(),
        notify_url: "".into(),
        device: asked.device_id.unwrap_or_default().into(),
        extra: orders::recorded(asked.extra, asked.goods_tag, asked.support_fapiao),
    };
    let id = orders::place(&call, Command::CodePay { terms: Arc::new(terms), code }).await?;
    let service = call.service();
    let order = service.queries.order(id).map_err(|fault| errors::fault(&fault))?;
    let Some(order) = order else {
        return Err(errors::broken("an order that was just placed is not there", &id));
    };
    if order.state == OrderState::Paying {
        return Ok(Answer::accepted(ApiError::new(Code::UserPaying).body(call.language)));
    }
    Ok(Answer::ok(query::transaction(service, &order)?.body()))
}

/// `POST /v3/pay/transactions/out-trade-no/{out_trade_no}/reverse`.
pub(crate) async fn reverse(call: Call, mode: Mode) -> Outcome {
    let number = field::path_out_trade_no(call.path("out_trade_no"))?;
    let asked = Reverse::read(mode, &call.body)?;
    call.signed_by(asked.mchid, mode, Location::Body)?;
    let by = partner::principal(&call, asked.sub.as_ref().map(|sub| sub.mchid), Permission::Pay)?;
    let command = Command::ReverseOrder { by, app: asked.appid, number: number.into() };
    call.service().engine.run(command, call.caller()).await.map_err(|why| errors::reversal(&why))?;
    Ok(Answer::ok(asked.answer(number)))
}

/// What the payment codes of this installation start with. A configured prefix that belongs to other wallets is
/// replaced by the default one, as the wallet does when it shows a code.
pub(crate) fn prefix(service: &Service) -> Prefix {
    service.settings.payment_code_prefix
}

/// The number of a scanned code. A code that can't be ours is refused without asking the store.
fn our_code(asked: &CodePay, prefix: Prefix) -> Result<i64, ApiError> {
    let refused = |zh, en| ApiError::because(Code::InvalidRequest, Text::fixed(zh, en));
    match PaymentCode::of(prefix, &asked.auth_code) {
        Ok(code) => code.expose().parse().map_err(|_| errors::rejection(&Rejection::CodeInvalid)),
        Err(PaymentCodeError::Check) => Err(refused(
            "付款码校验位错误，请重新扫码",
            "The last digit of the payment code is wrong; scan it again",
        )),
        Err(PaymentCodeError::Prefix(_) | PaymentCodeError::Form) => Err(refused(
            "不是本平台的付款码，请用户打开本平台钱包的付款码",
            "This is not a payment code of this platform; ask the payer to open its wallet",
        )),
    }
}
