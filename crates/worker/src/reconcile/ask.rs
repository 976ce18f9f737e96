//! Repair by asking (R-FIN-69): what the ledger does not know is asked of the channel before anything is called an
//! exception. Only its answer ends a payment or refund; one that is still unknown stays so, and is told.

use super::{Trouble, ledger::Open};
use crate::{bank::Channel, channel, insist::insist};
use domain::{Actor, Caller, Command, Rejection};
use engine::{Fault, Refusal};
use service::Service;
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// Asked at once.
const TOGETHER: usize = 32;
/// How long the channel has to answer.
const WITHIN: Duration = Duration::from_secs(10);

/// Asks about each; gives how many the channel has ended.
pub(super) async fn all(
    service: &Arc<Service>,
    channel: &Arc<dyn Channel>,
    open: Vec<Open>,
) -> Result<usize, Trouble> {
    let mut asking = JoinSet::new();
    let mut ended = 0;
    for one in open {
        if asking.len() >= TOGETHER {
            ended += take(asking.join_next().await)?;
        }
        asking.spawn(ask(Arc::clone(service), Arc::clone(channel), one));
    }
    while !asking.is_empty() {
        ended += take(asking.join_next().await)?;
    }
    Ok(ended)
}

type Joined = Option<Result<Result<bool, Trouble>, tokio::task::JoinError>>;

fn take(joined: Joined) -> Result<usize, Trouble> {
    match joined {
        Some(Ok(ended)) => ended.map(usize::from),
        Some(Err(_)) => Err(Trouble::Stopped),
        None => Ok(0),
    }
}

async fn ask(service: Arc<Service>, channel: Arc<dyn Channel>, open: Open) -> Result<bool, Trouble> {
    let reader = Arc::clone(&service);
    let about = open.clone();
    let token = tokio::task::spawn_blocking(move || token(&reader, &about));
    let Some(token) = token.await.map_err(|_| Trouble::Stopped)?? else { return Ok(false) };
    let now = service.now();
    let (command, was) = match &open {
        // What was never asked is about to be: nothing is to be found out by a query.
        Open::Payment(payment) if payment.asked == 0 => return Ok(false),
        Open::Refund(refund) if refund.asked == 0 => return Ok(false),
        Open::Payment(payment) => {
            let answer = channel::answer(&service, WITHIN, channel.query(payment, &token, now)).await;
            (Command::AnswerPayment(payment.id, answer), Rejection::PaymentFinal)
        }
        Open::Refund(refund) => {
            let answer = channel::answer(&service, WITHIN, channel.query_refund(refund, &token, now)).await;
            let (refund, attempt) = (refund.id, refund.attempt);
            (Command::AnswerRefund { refund, attempt, answer }, Rejection::RefundFinal)
        }
    };
    let known = match &command {
        Command::AnswerPayment(_, answer) | Command::AnswerRefund { answer, .. } => {
            *answer != domain::payment::ChannelAnswer::Unknown
        }
        _ => false,
    };
    match insist(&service.engine, &command, &Caller::of(Actor::Channel)).await {
        Ok(_) => Ok(known),
        Err(Refusal::Rejected(rejection)) if rejection == was => {
            tracing::error!(
                command = command.name(),
                "the channel contradicts its own final answer; nothing was changed"
            );
            Ok(false)
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// The token of the card that it is about.
fn token(service: &Service, open: &Open) -> Result<Option<Box<str>>, Fault> {
    let queries = &service.queries;
    let card = match open {
        Open::Payment(payment) => Some(payment.card),
        Open::Refund(refund) => match &refund.receiver {
            Some(receiver) => return Ok(Some(receiver.token.clone())),
            None => queries.order(refund.order)?.and_then(|order| order.card),
        },
    };
    Ok(card.map(|card| queries.card(card)).transpose()?.flatten().map(|card| card.token))
}
