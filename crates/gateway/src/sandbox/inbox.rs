//! What was sent, to merchants and to phones.

use super::{json, problem::Problem};
use crate::{
    errors,
    transport::{caller, query_string::Query},
};
use axum::{
    extract::{Path, Request, State},
    http::StatusCode,
    response::Response,
};
use domain::{
    Actor, Command,
    notification::{About, Notification},
};
use engine::Fault;
use protocol::notification::Event;
use serde::Serialize;
use service::Service;
use std::{str::FromStr, sync::Arc};
use types::{CombineTransactionId, Cursor, MerchantId, NotificationId, PageRequest, Phone, TransactionId};

#[derive(Serialize)]
struct Listed {
    notifications: Vec<Sent>,
    /// Pass it as `after` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A notification with what a developer asks about it.
#[derive(Serialize)]
struct Sent {
    /// As the merchant receives it.
    id: String,
    url: String,
    event_type: &'static str,
    state: &'static str,
    attempts: u32,
    /// None while there was no answer.
    last_status: Option<u16>,
    next_at: Option<String>,
    created_at: String,
    /// None when it is not about an order.
    out_trade_no: Option<String>,
    transaction_id: Option<String>,
}

/// `GET /sandbox/v1/notifications?mchid=&limit=&after=`: newest first.
pub(super) async fn notifications(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Problem> {
    let query = query(&request)?;
    let merchant: Option<MerchantId> = parsed(&query, "mchid")?;
    let limit: Option<usize> = parsed(&query, "limit")?;
    let after: Option<NotificationId> = parsed(&query, "after")?;
    let page = PageRequest::new(limit.unwrap_or(PageRequest::MAX), after.map(|id| Cursor(id.0)));
    let listed = tokio::task::spawn_blocking(move || list(&service, merchant, page)).await;
    let listed = listed.map_err(|error| errors::broken("notifications can't be listed", &error))?;
    Ok(json(StatusCode::OK, &listed.map_err(|fault| errors::fault(&fault))?))
}

fn list(service: &Service, merchant: Option<MerchantId>, page: PageRequest) -> Result<Listed, Fault> {
    let page = service.queries.notifications(merchant, page)?;
    let notifications = page.rows.iter().map(|row| sent(service, row)).collect::<Result<_, _>>()?;
    Ok(Listed { notifications, next: page.next.map(|cursor| cursor.0.to_string()) })
}

fn sent(service: &Service, row: &Notification) -> Result<Sent, Fault> {
    let (event, url, order) = match row.about {
        About::Paid(id) => {
            let terms = service.queries.order(id)?.map(|order| order.terms);
            let url = terms.as_ref().map(|terms| terms.notify_url.clone());
            let numbers = terms.map(|terms| (terms.number.to_string(), TransactionId(id).to_string()));
            (Event::TransactionSuccess, url, numbers)
        }
        About::RefundSucceeded(id) | About::RefundAbnormal(id) | About::RefundClosed(id) => {
            let refund = service.queries.refund(id)?;
            let order = match &refund {
                Some(refund) => service.queries.order(refund.order)?,
                None => None,
            };
            let numbers =
                order.map(|order| (order.terms.number.to_string(), TransactionId(order.id).to_string()));
            let url = refund.map(|refund| refund.terms.notify_url.clone());
            (Event::Refund(crate::refunds::end(row.about)), url, numbers)
        }
        About::CombinedPaid(id) => {
            let whole = service.queries.combined(id)?;
            let url = whole.as_ref().map(|whole| whole.notify_url.clone());
            let numbers = whole.map(|whole| (whole.number.to_string(), CombineTransactionId(id).to_string()));
            (Event::TransactionSuccess, url, numbers)
        }
        About::UserTransferEnded(id) => {
            let url = service.queries.user_transfer(id)?.map(|transfer| transfer.terms.notify_url.clone());
            (Event::UserTransfer, url, None)
        }
        About::TransferBatchEnded(id) => {
            let url = service.queries.transfer_batch(id)?.map(|batch| batch.terms.notify_url.clone());
            (Event::TransferBatch, url, None)
        }
        About::ShareReceived(_) | About::ShareReturned(_) => {
            let received = matches!(row.about, About::ShareReceived(_));
            let event = if received { Event::ShareReceived } else { Event::ShareReturned };
            (event, service.queries.merchant(row.merchant)?.map(|merchant| merchant.sharing.notify_url), None)
        }
        About::Echo(id) => (Event::SecurityEcho, service.queries.echo(id)?.map(|echo| echo.notify_url), None),
    };
    let (out_trade_no, transaction_id) = order.unzip();
    Ok(Sent {
        id: row.id.wire(),
        url: url.map(String::from).unwrap_or_default(),
        event_type: event.wire(),
        state: row.state.name(),
        attempts: row.attempts,
        last_status: Some(row.last_status).filter(|status| *status != 0),
        next_at: row.next_at.map(types::Time::rfc3339),
        created_at: row.created_at.rfc3339(),
        out_trade_no,
        transaction_id,
    })
}

/// `POST /sandbox/v1/notifications/{id}/resend`: sends it again now, whatever its state.
pub(super) async fn resend(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let id = NotificationId::from_wire(&id).ok_or_else(|| {
        let detail =
            "The id is none of a notification; take it from the list or from the notification itself.";
        Problem::new(StatusCode::BAD_REQUEST, detail).coded("PARAM_ERROR")
    })?;
    let (parts, _) = request.into_parts();
    service.engine.run(Command::Resend(id), caller(Actor::Platform, &parts)).await?;
    let row = service.queries.notification(id).map_err(|fault| errors::fault(&fault))?;
    let row = row.ok_or_else(|| errors::broken("a notification is gone", &id))?;
    Ok(json(StatusCode::OK, &sent(&service, &row).map_err(|fault| errors::fault(&fault))?))
}

#[derive(Serialize)]
struct Messages {
    messages: Vec<Text>,
}

#[derive(Serialize)]
struct Text {
    at: String,
    text: String,
}

/// `GET /sandbox/v1/messages?phone=`: the messages a phone was sent, newest first.
pub(super) async fn messages(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Problem> {
    let query = query(&request)?;
    let phone = query.get("phone").and_then(Phone::parse).ok_or_else(|| {
        Problem::new(StatusCode::BAD_REQUEST, "phone is a mobile number of 11 digits.").coded("PARAM_ERROR")
    })?;
    let kept = service.messenger.kept(&phone).into_iter();
    let messages = kept.map(|kept| Text { at: kept.at.rfc3339(), text: kept.text }).collect();
    Ok(json(StatusCode::OK, &Messages { messages }))
}

fn query(request: &Request) -> Result<Query, Problem> {
    let read = Query::parse(request.uri().query().unwrap_or_default());
    read.map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("{error}.")).coded("PARAM_ERROR"))
}

fn parsed<T: FromStr>(query: &Query, name: &'static str) -> Result<Option<T>, Problem> {
    let Some(text) = query.get(name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        Problem::new(StatusCode::BAD_REQUEST, format!("{name} is not a number.")).coded("PARAM_ERROR")
    })
}
