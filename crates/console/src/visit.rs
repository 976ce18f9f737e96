//! Who asks for a page: language, address, device, and the person who is signed in, if anybody.

use crate::{
    app::App,
    headers, page, problem,
    problem::{Fail, Problem},
    query,
    session::{self, Member},
    signin, text,
};
use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, Method, Uri, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{
    Actor, Caller, Command,
    staff::{Permission, SEEN_EVERY, Staff},
};
use protocol::Language;
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use types::{MerchantId, Time};
use url::form_urlencoded;

/// Characters of a user agent that are kept.
const DEVICE_CHARS_MAX: usize = 120;
/// Cookie that holds the language chosen, the wallet's too.
const LANGUAGE_COOKIE: &str = "feiqian-lang";

/// One request for a page.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) language: Language,
    /// Path and query asked for.
    pub(crate) here: String,
    pub(crate) now: Time,
    pub(crate) address: Option<IpAddr>,
    device: Option<Arc<str>>,
    member: Option<Arc<Member>>,
}

impl Visit {
    pub(crate) fn member(&self) -> Option<&Arc<Member>> {
        self.member.as_ref()
    }
    /// As the journal names whoever asks.
    pub(crate) fn caller(&self) -> Caller {
        let actor = self.member.as_ref().map_or(Actor::Visitor, |member| Actor::Operator(member.staff.id));
        Caller { actor, address: self.address, device: self.device.clone() }
    }
    fn of(app: &App, request: &Request) -> Result<Self, Fail> {
        let headers = request.headers();
        let now = app.now();
        let device = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        Ok(Self {
            language: language(headers),
            here: here(request.uri()),
            now,
            address: address(request),
            device: device.map(|agent| agent.chars().take(DEVICE_CHARS_MAX).collect::<String>().into()),
            member: session::member(app, headers, now)?.map(Arc::new),
        })
    }
}

/// A visitor, signed in or not.
pub(crate) struct Anyone(pub(crate) Arc<Visit>);

impl<S: Sync> FromRequestParts<S> for Anyone {
    type Rejection = Fail;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fail> {
        let visit = parts.extensions.get::<Arc<Visit>>().cloned();
        visit.map(Self).ok_or_else(|| Problem::fault("a page is served without `attend`").into())
    }
}

/// Somebody who gave both factors; anyone else is sent to sign in and comes back.
pub(crate) struct SignedIn {
    pub(crate) visit: Arc<Visit>,
    member: Arc<Member>,
}

impl SignedIn {
    pub(crate) fn staff(&self) -> &Staff {
        &self.member.staff
    }
    /// Whether the person may do this with a merchant's things.
    pub(crate) fn may(&self, what: Permission, merchant: MerchantId) -> bool {
        self.member.staff.may(what, Some(merchant))
    }
    /// Stops who may not; what belongs to another merchant is as if it did not exist.
    ///
    /// # Errors
    /// A page that says so.
    pub(crate) fn must(&self, what: Permission, merchant: MerchantId) -> Result<(), Fail> {
        if self.may(what, merchant) {
            return Ok(());
        }
        let foreign = self.staff().merchant.is_some_and(|own| own != merchant);
        Err(if foreign { Problem::not_found() } else { Problem::forbidden() }.into())
    }
}

impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Fail;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fail> {
        let Anyone(visit) = Anyone::from_request_parts(parts, state).await?;
        match visit.member().cloned() {
            None => Err(Fail::Go(query::link("/console/sign-in", &[("next", &visit.here)]))),
            Some(member) if !member.session.whole => {
                Err(Fail::Go(signin::next_step(&member.staff).to_owned()))
            }
            Some(member) => Ok(Self { visit, member }),
        }
    }
}

/// Around every page: notes a change of language, refuses forms posted from elsewhere, finds out who asks, dresses errors
/// as pages, and adds the security headers.
pub(crate) async fn attend(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if let Some(response) = switch_language(&app, &request) {
        return headers::secure(&app, response);
    }
    let (language, asked) = (language(request.headers()), here(request.uri()));
    let visit = match check_origin(&app, &request).and_then(|()| Visit::of(&app, &request)) {
        Ok(visit) => Arc::new(visit),
        Err(fail) => {
            let now = app.now();
            let nobody = Visit { language, here: asked, now, address: None, device: None, member: None };
            return headers::secure(&app, problem::dress(&app, &nobody, fail.into_response()));
        }
    };
    if let Some(member) = visit.member()
        && member.session.whole
        && visit.now.since(member.session.seen_at) >= SEEN_EVERY
        && let Err(error) = app.run(&visit, Command::SeeStaffSession(member.session.token)).await
    {
        tracing::warn!(%error, "a console session in use could not be noted");
    }
    request.extensions_mut().insert(Arc::clone(&visit));
    let response = next.run(request).await;
    headers::secure(&app, problem::dress(&app, &visit, response))
}

/// Answers `?lang=` with the same page and a cookie.
fn switch_language(app: &App, request: &Request) -> Option<Response> {
    if request.method() != Method::GET {
        return None;
    }
    let query = request.uri().query()?;
    let wanted = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "lang")?.1;
    let wanted = text::language(&wanted)?;
    let secure = if app.https() { "; Secure" } else { "" };
    let short = text::short(wanted);
    let cookie =
        format!("{LANGUAGE_COOKIE}={short}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}");
    let mut response = page::see_other(&here(request.uri()));
    response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_str(&cookie).ok()?);
    Some(response)
}

/// Path and query without `lang`.
fn here(uri: &Uri) -> String {
    let Some(query) = uri.query() else { return uri.path().to_owned() };
    let kept = query.split('&').filter(|pair| !pair.starts_with("lang=") && !pair.is_empty());
    let query = kept.collect::<Vec<_>>().join("&");
    if query.is_empty() { uri.path().to_owned() } else { format!("{}?{query}", uri.path()) }
}

/// The language chosen, else the browser's.
fn language(headers: &HeaderMap) -> Language {
    let chosen = session::cookie(headers, LANGUAGE_COOKIE).and_then(text::language);
    chosen.unwrap_or_else(|| {
        Language::of(headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()))
    })
}

/// The peer's address, or the one that a proxy on this machine saw.
fn address(request: &Request) -> Option<IpAddr> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>()?.0.ip();
    if peer.is_loopback() {
        let forwarded = request.headers().get("x-forwarded-for").and_then(|value| value.to_str().ok());
        let last = forwarded.and_then(|list| list.rsplit(',').next()).and_then(|ip| ip.trim().parse().ok());
        return Some(last.unwrap_or(peer));
    }
    Some(peer)
}

/// Refuses a form that another site had the browser post.
fn check_origin(app: &App, request: &Request) -> Result<(), Fail> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    let ours = match (header("sec-fetch-site"), header("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = header("host").unwrap_or_default();
            let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
            let settings = &app.service().settings;
            (!host.is_empty() && authority.eq_ignore_ascii_case(host))
                || settings.public_base.eq_ignore_ascii_case(origin)
        }
        (None, None) => true,
    };
    if ours { Ok(()) } else { Err(Problem::foreign_form().into()) }
}
