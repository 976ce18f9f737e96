//! Transfers to users that the user confirms (wire §8.1): asked for, cancelled, looked up.

use crate::{
    errors, notify_url, orders, refunds,
    transport::{Answer, Call, Outcome},
};
use aws_lc_rs::digest::{SHA256, digest};
use domain::{
    Command, Rejection, Reply,
    user_transfer::{GivenName, TransferTerms, UserTransfer},
};
use engine::Refusal;
use protocol::{
    ApiError, Code, Location, Text, issue,
    user_transfer::{TransferRequest, path_number, read_cancel},
};
use service::user_transfer as wire;
use std::{sync::Arc, time::Instant};
use types::{AppId, PayerId, Secret, TransferBillNo, UserTransferId, time};

/// How long a transfer can be looked up (wire §8.1).
const KEPT: i64 = 30 * time::DAY;
/// The most characters of a name.
const NAME_MAX: usize = 64;

/// `POST /v3/fund-app/mch-transfer/transfer-bills`. The same number with the same parameters again answers the transfer
/// as it stands.
pub(crate) async fn create(call: Call) -> Outcome {
    pass(&call, "transfer")?;
    let asked = TransferRequest::read(&call.body)?;
    let service = call.service();
    if let Some(url) = &asked.notify_url {
        notify_url::check(url, service.settings.sandbox)?;
    }
    let payer = payer(&call, asked.appid, &asked.openid)?;
    let name = name(&call, asked.user_name.as_ref(), "/user_name").await?;
    let terms = TransferTerms {
        merchant: call.mchid(),
        digest: content(&asked.canonical(), [name.as_ref()]),
        app: asked.appid,
        payer,
        amount: types::Money::cny(asked.amount),
        scene: asked.scene,
        remark: asked.remark.into(),
        perception: asked.perception.unwrap_or_default().into(),
        reports: asked.reports.into_iter().map(|(kind, text)| (kind.into(), text.into())).collect(),
        notify_url: asked.notify_url.unwrap_or_default().into(),
        name,
        number: asked.out_bill_no.into(),
    };
    match service.engine.run(Command::RequestUserTransfer(Arc::new(terms)), call.caller()).await {
        Ok(Reply::UserTransfer(id)) => {
            let transfer = kept(&call, id)?;
            let tokens = service.vault.tokens();
            let package = transfer.is_for_user().then(|| tokens.package_info(id));
            Ok(Answer::ok(wire::bill(&transfer, tokens).created(package.as_deref())))
        }
        Ok(other) => Err(errors::broken("a transfer was taken without an id", &format!("{other:?}"))),
        Err(why) => Err(refused(&why)),
    }
}

/// `POST …/transfer-bills/out-bill-no/{out_bill_no}/cancel`.
pub(crate) async fn cancel(call: Call) -> Outcome {
    pass(&call, "cancel")?;
    read_cancel(&call.body)?;
    let transfer = numbered(&call)?;
    let id = transfer.id;
    let command = Command::CancelUserTransfer { merchant: call.mchid(), transfer: id };
    let service = call.service();
    service.engine.run(command, call.caller()).await.map_err(|why| refused(&why))?;
    Ok(Answer::ok(wire::bill(&kept(&call, id)?, service.vault.tokens()).cancelled()))
}

/// `GET …/transfer-bills/out-bill-no/{out_bill_no}`.
pub(crate) async fn by_out_bill_no(call: Call) -> Outcome {
    pass(&call, "query")?;
    let transfer = numbered(&call)?;
    answer(&call, &transfer)
}

/// `GET …/transfer-bills/transfer-bill-no/{transfer_bill_no}`.
pub(crate) async fn by_transfer_bill_no(call: Call) -> Outcome {
    pass(&call, "query")?;
    let text = call.path("transfer_bill_no");
    let number: TransferBillNo = text.parse().map_err(|_| {
        let issue =
            issue::form("本平台生成的 28 位数字转账单号", "a transfer number of this platform, 28 digits");
        ApiError::param("transfer_bill_no", Some(text.chars().take(64).collect()), issue, Location::Path)
    })?;
    let found = call.service().queries.user_transfer(number.0).map_err(|fault| errors::fault(&fault))?;
    let transfer = own(&call, found)?;
    answer(&call, &transfer)
}

fn answer(call: &Call, transfer: &UserTransfer) -> Outcome {
    let name = transfer.terms.name.as_ref().map(|name| sealed_for(call, name)).transpose()?;
    let view = wire::bill(transfer, call.service().vault.tokens());
    Ok(Answer::ok(view.body(name.as_deref())))
}

/// Counts a call of this merchant.
pub(crate) fn pass(call: &Call, name: &'static str) -> Result<(), ApiError> {
    if call.gateway.transfers.pass(call.mchid(), name, Instant::now()) {
        return Ok(());
    }
    Err(ApiError::new(Code::FrequencyLimited))
}

/// The transfer under the merchant's own number in the path.
fn numbered(call: &Call) -> Result<UserTransfer, ApiError> {
    let number = path_number("out_bill_no", call.path("out_bill_no"))?;
    let found = call.service().queries.user_transfer_by_number(call.mchid(), number);
    own(call, found.map_err(|fault| errors::fault(&fault))?)
}

/// Another merchant's transfer, a batch's detail and one of long ago are answered as if they did not exist.
fn own(call: &Call, found: Option<UserTransfer>) -> Result<UserTransfer, ApiError> {
    let own = found.filter(|transfer| {
        transfer.terms.merchant == call.mchid()
            && transfer.batch.is_none()
            && call.now() < transfer.created_at.plus(KEPT)
    });
    own.ok_or_else(|| errors::rejection(&Rejection::UserTransferNotFound))
}

fn kept(call: &Call, id: UserTransferId) -> Result<UserTransfer, ApiError> {
    let found = call.service().queries.user_transfer(id).map_err(|fault| errors::fault(&fault))?;
    found.ok_or_else(|| errors::broken("a transfer that was just kept is not there", &id))
}

/// The user behind an openid of this application, which must be the merchant's.
pub(crate) fn payer(call: &Call, app: AppId, openid: &str) -> Result<PayerId, ApiError> {
    if !call.merchant.merchant.apps.contains(&app) {
        return Err(errors::rejection(&Rejection::AppNotBound(app, call.mchid())));
    }
    let payer = call.service().vault.tokens().open_openid(app, openid);
    payer.ok_or_else(|| errors::rejection(&Rejection::OpenidMismatch))
}

/// A user's name that came encrypted for the platform, sealed to be kept.
pub(crate) async fn name(
    call: &Call,
    cipher: Option<&Secret<String>>,
    field: &'static str,
) -> Result<Option<GivenName>, ApiError> {
    let Some(cipher) = cipher else { return Ok(None) };
    let clear = refunds::opened(call, cipher, field).await?;
    let text = clear.expose().trim();
    if text.is_empty() || text.chars().count() > NAME_MAX {
        let issue = Text::fixed("解密后须为 1 至 64 个字符", "must be 1 to 64 characters once decrypted");
        return Err(ApiError::param(field, None, issue, Location::Body));
    }
    let sealed = wire::seal_name(&call.service().vault, call.mchid(), text);
    sealed.map(Some).map_err(|error| errors::broken("a name can't be sealed", &error))
}

/// A user's name, encrypted for the merchant's certificate that signed the request (wire §1.9).
pub(crate) fn sealed_for(call: &Call, name: &GivenName) -> Result<String, ApiError> {
    let clear = wire::open_name(&call.service().vault, call.mchid(), name)
        .ok_or_else(|| errors::broken("a name can't be opened", &"sealed under another key"))?;
    let certificate = call.merchant.certificate(&call.serial, call.wall_now());
    let certificate =
        certificate.ok_or_else(|| errors::broken("the certificate that signed is gone", &call.serial))?;
    let sealed = certificate.public_key().encrypt_field(clear.expose());
    sealed.map_err(|error| errors::broken("a name can't be encrypted", &error))
}

/// The digest of all parameters: names by what they say, as their cipher texts are others each time.
pub(crate) fn content<'n>(
    canonical: &Secret<Vec<u8>>,
    names: impl IntoIterator<Item = Option<&'n GivenName>>,
) -> [u8; 16] {
    let mut bytes = orders::content(canonical).to_vec();
    for name in names {
        bytes.extend_from_slice(name.map_or(&[][..], |name| &name.hash.0));
        bytes.push(0);
    }
    let hash = digest(&SHA256, &bytes);
    std::array::from_fn(|place| hash.as_ref()[place])
}

/// As [`errors::refusal`], for a transfer: the user is a payee.
pub(crate) fn refused(why: &Refusal) -> ApiError {
    match why {
        Refusal::Rejected(Rejection::PayerNotFound | Rejection::PayerSuspended) => ApiError::because(
            Code::InvalidRequest,
            Text::fixed("收款用户账户异常，不能收款", "The user's account can't receive money"),
        ),
        Refusal::Rejected(Rejection::NotEnough) => ApiError::because(
            Code::NotEnough,
            Text::fixed(
                "商户可用余额不足，请充值后以原单号重试",
                "The merchant's available money does not cover it; add funds and repeat with the same number",
            ),
        ),
        Refusal::Rejected(Rejection::AmountOutOfRange) => {
            let issue = Text::fixed("超出允许范围", "is out of range");
            ApiError::param("/total_amount", None, issue, Location::Body)
        }
        other => errors::refusal(other),
    }
}
