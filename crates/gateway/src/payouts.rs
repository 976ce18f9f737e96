//! Payouts to the merchant's bank account, an interface of Feiqian's own: asked for, looked up, listed.

use crate::{
    errors,
    transport::{Answer, Call, Outcome},
};
use domain::{
    Command, Reply,
    payout::{NewPayout, Payout},
};
use protocol::{
    ApiError, Code, Location, issue,
    payout::{Account, Amount, LIST_MAX, PayoutList, PayoutRequest, PayoutView, path_number},
};
use types::{Cursor, PageRequest, PayoutId};

/// Payouts of a page when nothing else is asked for.
const LIST: usize = 20;

/// `POST /v3/feiqian/payouts`. The same number with the same content again answers the payout as it stands.
pub(crate) async fn create(call: Call) -> Outcome {
    let asked = PayoutRequest::read(&call.body)?;
    let new = NewPayout {
        merchant: call.mchid(),
        amount: asked.amount.map(|amount| amount.minor),
        urgent: asked.urgent,
        number: Some(asked.out_payout_no.into()),
    };
    let service = call.service();
    match service.engine.run(Command::RequestPayout(new), call.caller()).await {
        Ok(Reply::Payout(id)) => {
            let payout = service.queries.payout(id).map_err(|fault| errors::fault(&fault))?;
            let payout =
                payout.ok_or_else(|| errors::broken("a payout that was just kept is not there", &id))?;
            Ok(Answer::ok(view(&payout).body()))
        }
        Ok(other) => Err(errors::broken("a payout was made without an id", &format!("{other:?}"))),
        Err(why) => Err(errors::payout(&why)),
    }
}

/// `GET /v3/feiqian/payouts/{out_payout_no}`. Another merchant's payout is answered as if it did not exist.
pub(crate) async fn by_number(call: Call) -> Outcome {
    let number = path_number(call.path("out_payout_no"))?;
    let found = call.service().queries.payout_by_number(call.mchid(), number);
    let payout = found
        .map_err(|fault| errors::fault(&fault))?
        .ok_or_else(|| ApiError::new(Code::ResourceNotExists))?;
    Ok(Answer::ok(view(&payout).body()))
}

/// `GET /v3/feiqian/payouts`: newest first; `before` is the `payout_id` to go on from.
pub(crate) async fn list(call: Call) -> Outcome {
    let query = call.query()?;
    let wrong = |name: &'static str, value: &str, issue| {
        ApiError::param(name, Some(value.chars().take(32).collect()), issue, Location::Query)
    };
    let limit = match query.get("limit").filter(|text| !text.is_empty()) {
        None => LIST,
        Some(text) => {
            let limit = text.parse::<usize>().ok().filter(|limit| (1..=LIST_MAX).contains(limit));
            limit.ok_or_else(|| wrong("limit", text, issue::range(1, LIST_MAX as i64)))?
        }
    };
    let before = match query.get("before").filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => {
            let id = text.parse::<PayoutId>().map_err(|_| {
                let issue = issue::form("出款单的 payout_id", "the payout_id of a payout");
                wrong("before", text, issue)
            })?;
            Some(Cursor(id.0))
        }
    };
    let (queries, merchant) = (std::sync::Arc::clone(&call.service().queries), call.mchid());
    let request = PageRequest { limit, after: before };
    let read = tokio::task::spawn_blocking(move || queries.payouts(Some(merchant), request)).await;
    let read = read.map_err(|error| errors::broken("payouts can't be read", &error))?;
    let page = read.map_err(|fault| errors::fault(&fault))?;
    let list = PayoutList { data: page.rows.iter().map(view).collect(), has_more: page.next.is_some() };
    let body = serde_json::to_vec(&list);
    body.map(Answer::ok).map_err(|error| errors::broken("an answer can't be written", &error))
}

fn view(payout: &Payout) -> PayoutView {
    PayoutView {
        payout_id: payout.id.to_string(),
        out_payout_no: payout.number.to_string(),
        amount: Amount { total: payout.amount.minor, currency: payout.amount.currency.code() },
        status: payout.state.name().to_uppercase(),
        rail: payout.rail.name().to_uppercase(),
        urgent: payout.urgent,
        account: Account { bank_name: payout.to.bank_name.to_string(), tail: payout.to.tail.to_string() },
        create_time: payout.created_at.rfc3339(),
        end_time: payout.ended_at.map(types::Time::rfc3339),
        bank_code: payout.bank_code.to_string(),
    }
}
