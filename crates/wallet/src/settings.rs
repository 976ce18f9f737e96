//! Settings: language, payments without PIN, this device, signing out.

use crate::{
    app::App,
    form::Posted,
    page::{self, Page, Tab},
    problem::Fail,
    signin,
    text::show,
    visit::SignedIn,
};
use askama::Template;
use axum::{extract::State, response::Response};
use domain::{
    Command,
    limit::{LimitTable, Limits},
};
use types::{Masked, Money, Time};

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    p: Page,
    phone: String,
    has_pin: bool,
    free_pay: bool,
    free_amount: Money,
    free_count: u32,
    device: Option<String>,
    signed_in_at: Time,
    signed_in_until: Time,
}

/// The limits in force now.
pub(crate) fn limits_at(limits: Option<Limits>, now: Time) -> LimitTable {
    limits.map_or_else(LimitTable::of_law, |limits| limits.at(now))
}

/// Shows the settings.
pub(crate) async fn show(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
) -> Result<Response, Fail> {
    let limits = limits_at(app.queries().limits()?, visit.now);
    let phone = signin::open_phone(&app.service().vault, &member.payer);
    page::show(&SettingsPage {
        p: Page::new(&app, &visit, Tab::Me),
        phone: phone.map_or_else(|| "***********".to_owned(), |phone| phone.masked()),
        has_pin: member.payer.pin.is_some(),
        free_pay: member.payer.free_pay,
        free_amount: Money::cny(limits.free_amount),
        free_count: limits.free_count,
        device: show::device(&member.session.device),
        signed_in_at: member.session.created_at,
        signed_in_until: member.session.expires_at,
    })
}

/// Switches payments without PIN on or off.
pub(crate) async fn free_pay(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    posted: Posted,
) -> Result<Response, Fail> {
    let on = posted.text("on") == "1";
    app.run(&visit, Command::SetFreePay(member.payer.id, on)).await?;
    Ok(page::see_other("/wallet/settings"))
}

/// The form's address opened by hand.
pub(crate) async fn back() -> Response {
    page::see_other("/wallet/settings")
}
