//! OAuth for merchants' pages (`/connect/oauth2/authorize`): the payer becomes known to an application by an
//! authorization code. `snsapi_base` is silent once signed in; `snsapi_userinfo` asks. An error is a page of
//! ours, never a redirect to an address that was not registered.

use crate::{
    app::App,
    form::Posted,
    headers::FormLeadsTo,
    page::{self, Page, Tab},
    pay::back::Back,
    problem::{Fail, Problem},
    text::refusal::Words,
    visit::{SignedIn, Visit},
};
use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use domain::{Command, Rejection, application::Application, records::Digest};
use serde::Deserialize;
use types::{AppId, PayerId};

/// Characters of `state`, echoed to the merchant.
const STATE_CHARS_MAX: usize = 128;
/// Characters of an authorization code.
const CODE_CHARS: usize = 32;

/// An authorization request.
#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    appid: String,
    #[serde(default)]
    redirect_uri: String,
    #[serde(default)]
    response_type: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    state: String,
}

/// A request that was checked against the application.
struct Checked {
    application: Application,
    back: Back,
    state: String,
    asks: bool,
}

#[derive(Template)]
#[template(path = "authorise.html")]
struct AuthorisePage<'a> {
    p: Page,
    application: &'a str,
    host: &'a str,
    asked: &'a Asked,
    cancel: String,
}

fn refuse(what: &'static str) -> Fail {
    let words = Words { what: what.into(), money: "money-unmoved".into(), next: "next-merchant".into() };
    Problem::new(StatusCode::BAD_REQUEST, words).into()
}

fn check(app: &App, asked: &Asked) -> Result<Checked, Fail> {
    let id: AppId = asked.appid.parse().map_err(|_| refuse("why-no-app"))?;
    let application = app.queries().application(id)?.ok_or(Rejection::AppNotFound(id))?;
    let back = Back::parse(&asked.redirect_uri, !app.service().settings.sandbox);
    let back = back.map_err(|_| refuse("why-redirect"))?;
    if !application.redirect_hosts.iter().any(|host| &**host == back.host()) {
        return Err(refuse("why-redirect"));
    }
    let asks = match asked.scope.as_str() {
        "snsapi_base" => false,
        "snsapi_userinfo" => true,
        _ => return Err(refuse("why-oauth-scope")),
    };
    if asked.response_type != "code" {
        return Err(refuse("why-oauth-type"));
    }
    if asked.state.chars().count() > STATE_CHARS_MAX {
        return Err(refuse("why-oauth-state"));
    }
    Ok(Checked { application, back, state: asked.state.clone(), asks })
}

/// Hash of an authorization code as commands carry it; whoever redeems it makes the same.
#[must_use]
pub(crate) fn code_hash(app: &App, code: &str) -> Digest {
    Digest(*app.service().vault.hasher().code("oauth", code).as_bytes())
}

async fn authorise(app: &App, visit: &Visit, payer: PayerId, checked: &Checked) -> Result<Response, Fail> {
    let code = crypto::random::alphanumeric(CODE_CHARS)?;
    let command = Command::Authorise {
        app: checked.application.id,
        payer,
        code: code_hash(app, &code),
        redirect_host: checked.back.host().into(),
    };
    app.run(visit, command).await?;
    Ok(page::see_other(&checked.back.with(&[("code", &code), ("state", &checked.state)])))
}

/// A merchant's page asks who the payer is.
pub(crate) async fn ask(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<Response, Fail> {
    let checked = check(&app, &asked)?;
    if !checked.asks {
        return authorise(&app, &visit, member.payer.id, &checked).await;
    }
    let mut response = page::show(&AuthorisePage {
        p: Page::new(&app, &visit, Tab::None),
        application: &checked.application.name,
        host: checked.back.host(),
        asked: &asked,
        cancel: checked.back.with(&[("state", &checked.state)]),
    })?;
    response.extensions_mut().insert(FormLeadsTo(checked.back.origin()));
    Ok(response)
}

/// The payer agreed.
pub(crate) async fn agree(
    State(app): State<App>,
    SignedIn { visit, member }: SignedIn,
    posted: Posted,
) -> Result<Response, Fail> {
    let field = |name: &str| posted.text(name).to_owned();
    let asked = Asked {
        appid: field("appid"),
        redirect_uri: field("redirect_uri"),
        response_type: field("response_type"),
        scope: field("scope"),
        state: field("state"),
    };
    let checked = check(&app, &asked)?;
    authorise(&app, &visit, member.payer.id, &checked).await
}
