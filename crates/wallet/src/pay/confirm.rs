//! The payer has typed the PIN: pay, once, and go to the outcome.

use super::{
    cashier::{self, Asked, Source},
    demand::{Demand, Shown},
    door::Door,
};
use crate::{
    app::App,
    form::Posted,
    once, page, pin,
    problem::{Fail, Problem},
    text::refusal::{self, Words},
    visit::SignedIn,
};
use axum::{extract::State, response::Response};
use domain::{Rejection, Reply, payment::Paid};
use engine::Refusal;
use types::Money;

/// Pays the order behind the form's door.
pub(crate) async fn confirm(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    posted: Posted,
) -> Result<Response, Fail> {
    let door = Door::open(&app, posted.text("door"))?;
    let source = Source::parse(posted.text("source"));
    let find = || Demand::find(app.queries(), door.order)?.ok_or(Fail::from(Rejection::OrderNotFound));
    let again = async |words: Words| {
        let asked = Asked { source, error: Some(words) };
        cashier::ask(&app, &visit, &member, &door, &find()?, asked).await
    };
    let unmoved = |what: &'static str, next: &'static str| Words {
        what: what.into(),
        money: "money-unmoved".into(),
        next: next.into(),
    };
    let Some(chosen) = source else { return again(unmoved("why-no-source", "next-not-enough")).await };
    let payer = member.payer.id;
    let Some(pin) = pin::hash(&app, payer, posted.text("pin")) else {
        return again(unmoved("pin-malformed", "next-pin-again")).await;
    };
    let minor = posted.text("shown");
    let shown = match Shown::of(minor, posted.text("currency"), posted.text("kind")) {
        Some(shown) => shown,
        None => {
            let Ok(minor) = minor.parse() else { return Err(Problem::malformed().into()) };
            let demand = find()?;
            Shown { amount: Money::new(minor, demand.amount().currency), whole: demand.is_whole() }
        }
    };
    let command = shown.confirm(&door, payer, chosen.card(), pin);
    let request = once::key(&app, &member, &posted, &command)?;
    match app.run_once(&visit, request, command).await {
        Ok(Reply::Paid(Paid::Done(_))) => Ok(page::see_other(&door.link(&app, "/pay/result"))),
        Ok(Reply::Paid(Paid::Waiting(payment))) => {
            Ok(page::see_other(&door.link(&app, &format!("/pay/waiting/{payment}"))))
        }
        Ok(Reply::Paid(Paid::Pin(outcome))) => match refusal::of_pin(outcome) {
            Some(words) => again(words).await,
            None => Err(Problem::fault("a right PIN was refused").into()),
        },
        Ok(other) => Err(Problem::fault(&format!("paying answered {other:?}")).into()),
        Err(Refusal::Rejected(rejection)) if can_go_on(&rejection) => {
            again(refusal::of(&Refusal::Rejected(rejection))).await
        }
        Err(Refusal::Rejected(rejection)) => {
            // The order may have been paid by this payer a moment ago: then its story goes on.
            cashier::payable(&app, &visit, &member, &door)?;
            Err(rejection.into())
        }
        Err(other) => Err(other.into()),
    }
}

/// Whether the payer can do something about it on the same page.
const fn can_go_on(rejection: &Rejection) -> bool {
    matches!(
        rejection,
        Rejection::NotEnough
            | Rejection::LimitExceeded { .. }
            | Rejection::PinLocked(_)
            | Rejection::CardNotFound
            | Rejection::RequestKeyReused
    )
}
