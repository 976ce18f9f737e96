//! Profit sharing (wire §7): receivers, requests to share and to unfreeze, returns, and what is left of an order.

use crate::{
    errors, orders, partner, refunds,
    transport::{Answer, Call, Outcome},
};
use domain::{
    Command, Reply,
    partner::{Permission, Principal},
    sharing::{NewPart, NewReceiver, NewReturn, NewShare, Party, Share, ShareReturn},
};
use protocol::{
    ApiError, Code, Location, field, issue,
    sharing::{
        Account, AddRequest, AmountsView, ConfigView, ReceiverKind, ReceiverRemoved, ReceiverView,
        RemoveRequest, ReturnRequest, ShareRequest, UnfreezeRequest, path_number,
    },
};
use std::fmt::Debug;
use types::{AppId, MerchantId, Secret, TransactionId};

/// `POST /v3/profitsharing/receivers/add`. The same again changes nothing.
pub(crate) async fn add_receiver(call: Call) -> Outcome {
    let asked = AddRequest::read(&call.body)?;
    let by = principal(&call, asked.sub_mchid.as_deref(), Location::Body)?;
    let apps = Apps { own: Some(asked.appid), sub: asked.sub_appid };
    let (party, app) = apps.party(&call, &asked.account, "")?;
    let new = NewReceiver {
        by,
        party,
        // The signer's application is asked for in any case, and must be its own.
        app: app.or(Some(asked.appid)),
        name: opened(&call, &asked.account, "/name").await?,
        relation: service::sharing::relation(asked.relation),
        custom: asked.custom_relation.clone().unwrap_or_default().into(),
    };
    run(&call, Command::AddReceiver(Box::new(new))).await?;
    let view = ReceiverView {
        sub_mchid: by.partner.map(|_| by.merchant),
        kind: asked.account.kind,
        account: &asked.account.account,
        relation: asked.relation,
        custom_relation: asked.custom_relation.as_deref(),
    };
    Ok(Answer::ok(view.body()))
}

/// `POST /v3/profitsharing/receivers/delete`. Again changes nothing.
pub(crate) async fn remove_receiver(call: Call) -> Outcome {
    let asked = RemoveRequest::read(&call.body)?;
    let by = principal(&call, asked.sub_mchid.as_deref(), Location::Body)?;
    let apps = Apps { own: Some(asked.appid), sub: asked.sub_appid };
    let (party, app) = apps.party(&call, &asked.account, "")?;
    run(&call, Command::RemoveReceiver { by, party, app: app.or(Some(asked.appid)) }).await?;
    let sub_mchid = by.partner.map(|_| by.merchant);
    let view = ReceiverRemoved { sub_mchid, kind: asked.account.kind, account: &asked.account.account };
    Ok(Answer::ok(view.body()))
}

/// `POST /v3/profitsharing/orders`. The same number with the same content answers the request as it stands.
pub(crate) async fn share(call: Call) -> Outcome {
    let asked = ShareRequest::read(&call.body)?;
    let by = principal(&call, asked.sub_mchid.as_deref(), Location::Body)?;
    let apps = Apps { own: asked.appid, sub: asked.sub_appid };
    let mut parts = Vec::with_capacity(asked.receivers.len());
    for (place, to) in asked.receivers.iter().enumerate() {
        let pointer = format!("/receivers/{place}");
        let (party, app) = apps.party(&call, &to.account, &pointer)?;
        let name = opened(&call, &to.account, "/receivers/name").await?;
        parts.push(NewPart { party, app, name, amount: to.amount, description: (*to.description).into() });
    }
    let unfreeze = asked.unfreeze_unsplit.then(|| "解冻给分账方".into());
    let digest = orders::content(&asked.canonical());
    let (order, number) = (asked.transaction_id.0, asked.out_order_no.into());
    ask(&call, NewShare { by, order, number, parts, unfreeze, digest }).await
}

/// `POST /v3/profitsharing/orders/unfreeze`: ends the sharing of an order; what is left is the merchant's.
pub(crate) async fn unfreeze(call: Call) -> Outcome {
    let asked = UnfreezeRequest::read(&call.body)?;
    let by = principal(&call, asked.sub_mchid.as_deref(), Location::Body)?;
    let digest = orders::content(&asked.canonical());
    let (order, number) = (asked.transaction_id.0, asked.out_order_no.into());
    let unfreeze = Some(asked.description.into());
    ask(&call, NewShare { by, order, number, parts: Vec::new(), unfreeze, digest }).await
}

async fn ask(call: &Call, new: NewShare) -> Outcome {
    match run(call, Command::Share(Box::new(new))).await? {
        Reply::Share(id) => shown(call, &kept(call.service().queries.share(id), id)?),
        other => Err(errors::broken("a request to share was made without an id", &format!("{other:?}"))),
    }
}

/// `GET /v3/profitsharing/orders/{out_order_no}?transaction_id=`.
pub(crate) async fn by_out_order_no(call: Call) -> Outcome {
    let number = path_number("out_order_no", call.path("out_order_no"))?;
    let (named, order) = {
        let query = call.query()?;
        let order = query.get("transaction_id").map(str::to_owned);
        (query.get("sub_mchid").map(str::to_owned), order)
    };
    let by = principal(&call, named.as_deref(), Location::Query)?;
    let Some(order) = order else {
        return Err(ApiError::param("transaction_id", None, issue::missing(), Location::Query));
    };
    let bad = |_| {
        let form = issue::form("本平台生成的 28 位数字订单号", "an order number of this platform, 28 digits");
        ApiError::param("transaction_id", Some(order.chars().take(64).collect()), form, Location::Query)
    };
    let order: TransactionId = order.parse().map_err(bad)?;
    let found = call.service().queries.share_by_number(by.signer(), number);
    let found = found.map_err(|fault| errors::fault(&fault))?;
    let own = found.filter(|share| share.principal() == by && share.order == order.0);
    shown(&call, &own.ok_or_else(|| ApiError::new(Code::ResourceNotExists))?)
}

/// `GET /v3/profitsharing/transactions/{transaction_id}/amounts`: what of an order can still be shared.
pub(crate) async fn amounts(call: Call) -> Outcome {
    let id = field::path_transaction_id(call.path("transaction_id"))?;
    let queries = &call.service().queries;
    let order = queries.order(id.0).map_err(|fault| errors::fault(&fault))?;
    let own = order.filter(|order| order.terms.signer() == call.mchid() && order.paid_at.is_some());
    let order = own.ok_or_else(|| ApiError::new(Code::ResourceNotExists))?;
    let sharing = queries.sharing(order.id).map_err(|fault| errors::fault(&fault))?;
    let sharing = sharing.ok_or_else(|| errors::rejection(&domain::Rejection::NotSharing))?;
    Ok(Answer::ok(AmountsView { transaction_id: id, unsplit_amount: sharing.unsplit }.body()))
}

/// `POST /v3/profitsharing/return-orders`. The same number with the same content answers the return as it stands.
pub(crate) async fn give_back(call: Call) -> Outcome {
    let asked = ReturnRequest::read(&call.body)?;
    let by = principal(&call, asked.sub_mchid.as_deref(), Location::Body)?;
    let queries = &call.service().queries;
    let by_number = match &asked.out_order_no {
        None => None,
        Some(number) => {
            let found =
                queries.share_by_number(by.signer(), number).map_err(|fault| errors::fault(&fault))?;
            Some(found.ok_or_else(|| ApiError::new(Code::ResourceNotExists))?.id)
        }
    };
    let share = match (asked.order_id.map(|number| number.0), by_number) {
        (Some(id), Some(other)) if id != other => {
            let issue =
                protocol::Text::fixed("与 order_id 不是同一笔分账", "names another request than order_id");
            return Err(ApiError::param("/out_order_no", asked.out_order_no, issue, Location::Body));
        }
        (Some(id), _) | (None, Some(id)) => id,
        (None, None) => return Err(ApiError::param("/out_order_no", None, issue::missing(), Location::Body)),
    };
    let new = NewReturn {
        by,
        share,
        digest: orders::content(&asked.canonical()),
        number: asked.out_return_no.into(),
        from: asked.return_mchid,
        amount: asked.amount,
        description: asked.description.into(),
    };
    match run(&call, Command::ReturnShare(Box::new(new))).await? {
        Reply::ShareReturn(id) => shown_return(&call, &kept(call.service().queries.share_return(id), id)?),
        other => Err(errors::broken("a return was made without an id", &format!("{other:?}"))),
    }
}

/// `GET /v3/profitsharing/return-orders/{out_return_no}?out_order_no=`.
pub(crate) async fn by_out_return_no(call: Call) -> Outcome {
    let number = path_number("out_return_no", call.path("out_return_no"))?;
    let (named, request) = {
        let query = call.query()?;
        (query.get("sub_mchid").map(str::to_owned), query.get("out_order_no").map(str::to_owned))
    };
    let by = principal(&call, named.as_deref(), Location::Query)?;
    let Some(request) = request else {
        return Err(ApiError::param("out_order_no", None, issue::missing(), Location::Query));
    };
    let queries = &call.service().queries;
    let found = queries.share_return_by_number(by.signer(), number).map_err(|fault| errors::fault(&fault))?;
    let none = || ApiError::new(Code::ResourceNotExists);
    let found = found.filter(|one| one.principal() == by).ok_or_else(none)?;
    let share: Share = kept(queries.share(found.share), found.share)?;
    if *share.number != *request {
        return Err(none());
    }
    shown_return(&call, &found)
}

/// `GET /v3/profitsharing/merchant-configs/{sub_mchid}`: how much of an order may be shared, for oneself or a sub-merchant.
pub(crate) async fn config(call: Call) -> Outcome {
    let text = call.path("sub_mchid");
    let asked = field::optional_mchid("sub_mchid", Some(text), Location::Path)?;
    let merchant = asked.unwrap_or(call.mchid());
    if merchant != call.mchid() {
        partner::principal(&call, Some(merchant), Permission::Sharing)?;
    }
    let found = call.service().directory.find(merchant).map_err(|fault| errors::fault(&fault))?;
    let ratio = found.and_then(|entry| entry.merchant.sharing.max_ratio);
    let off = || errors::rejection(&domain::Rejection::SharingOff(merchant));
    Ok(Answer::ok(ConfigView { sub_mchid: merchant, max_ratio: ratio.ok_or_else(off)? }.body()))
}

/// Whose money is meant.
fn principal(call: &Call, sub: Option<&str>, location: Location) -> Result<Principal, ApiError> {
    let name = if location == Location::Body { "/sub_mchid" } else { "sub_mchid" };
    partner::principal(call, field::optional_mchid(name, sub, location)?, Permission::Sharing)
}

/// The applications that a request names.
struct Apps {
    own: Option<AppId>,
    sub: Option<AppId>,
}

impl Apps {
    /// Who an account is, and the application whose openid it is.
    fn party(&self, call: &Call, to: &Account, pointer: &str) -> Result<(Party, Option<AppId>), ApiError> {
        let wrong = |member: &str, issue| {
            Err(ApiError::param(format!("{pointer}/{member}"), None, issue, Location::Body))
        };
        let (app, missing) = match to.kind {
            ReceiverKind::Merchant => {
                let merchant: Result<MerchantId, _> = to.account.parse();
                return match merchant {
                    Ok(merchant) => Ok((Party::Merchant(merchant), None)),
                    Err(_) => wrong("account", issue::form("商户号数字", "a merchant number")),
                };
            }
            ReceiverKind::Person => (self.own, "/appid"),
            ReceiverKind::SubPerson => (self.sub, "/sub_appid"),
        };
        let Some(app) = app else {
            return Err(ApiError::param(missing, None, issue::missing(), Location::Body));
        };
        match call.service().vault.tokens().open_openid(app, &to.account) {
            Some(payer) => Ok((Party::Payer(payer), Some(app))),
            None => Err(ApiError::new(Code::OpenidMismatch)),
        }
    }
}

/// The receiver's name in clear text, where one is given.
async fn opened(call: &Call, to: &Account, field: &'static str) -> Result<Option<Secret<String>>, ApiError> {
    match &to.name {
        None => Ok(None),
        Some(sealed) => refunds::opened(call, sealed, field).await.map(Some),
    }
}

async fn run(call: &Call, command: Command) -> Result<Reply, ApiError> {
    call.service().engine.run(command, call.caller()).await.map_err(|why| errors::sharing(&why))
}

/// A record that must be there.
fn kept<T>(found: Result<Option<T>, engine::Fault>, id: impl Debug) -> Result<T, ApiError> {
    let found = found.map_err(|fault| errors::fault(&fault))?;
    found.ok_or_else(|| errors::broken("a record of profit sharing is not there", &format!("{id:?}")))
}

fn shown(call: &Call, share: &Share) -> Outcome {
    let (own, tokens) = (&call.merchant.merchant.apps, call.service().vault.tokens());
    Ok(Answer::ok(service::sharing::share(share, own, tokens).body()))
}

fn shown_return(call: &Call, one: &ShareReturn) -> Outcome {
    let share: Share = kept(call.service().queries.share(one.share), one.share)?;
    Ok(Answer::ok(service::sharing::share_return(one, &share.number).body()))
}
