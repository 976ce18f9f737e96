//! Who asks for a page: language, address, device, and the signed-in payer if there is one.

use crate::{
    app::App,
    headers, problem,
    problem::{Fail, Problem},
    session::{self, Member},
};
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{Actor, Caller};
use protocol::Language;
use std::{net::IpAddr, sync::Arc};
use types::Time;
use web::{address, language, link, origin};

/// Characters of a user agent that are kept.
const DEVICE_CHARS_MAX: usize = 120;

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
        let actor = self.member.as_ref().map_or(Actor::Visitor, |member| Actor::Payer(member.payer.id));
        Caller { address: self.address, device: self.device.clone(), ..Caller::of(actor) }
    }
    fn of(app: &App, request: &Request) -> Result<Self, Fail> {
        let headers = request.headers();
        let now = app.now();
        let device = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        Ok(Self {
            language: language::of(headers),
            here: link::here(request.uri()),
            now,
            address: address::of_caller(request.extensions(), headers),
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

/// A signed-in payer; anyone else is sent to sign in and comes back.
pub(crate) struct SignedIn {
    pub(crate) visit: Arc<Visit>,
    pub(crate) member: Arc<Member>,
}

impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Fail;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fail> {
        let Anyone(visit) = Anyone::from_request_parts(parts, state).await?;
        let Some(member) = visit.member().cloned() else {
            return Err(Fail::Go(link::to("/wallet/sign-in", &[("next", &visit.here)])));
        };
        if member.payer.active { Ok(Self { visit, member }) } else { Err(Problem::suspended().into()) }
    }
}

/// Around every page: notes a change of language, refuses forms posted from elsewhere, finds out who asks,
/// dresses errors as pages, and adds the security headers.
pub(crate) async fn attend(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if let Some(response) = language::switch(request.method(), request.uri(), app.https()) {
        return headers::secure(&app, response);
    }
    let (language, asked) = (language::of(request.headers()), link::here(request.uri()));
    let visit = match check_origin(&app, &request).and_then(|()| Visit::of(&app, &request)) {
        Ok(visit) => Arc::new(visit),
        Err(fail) => {
            let now = app.now();
            let nobody = Visit { language, here: asked, now, address: None, device: None, member: None };
            return headers::secure(&app, problem::dress(&app, &nobody, fail.into_response()));
        }
    };
    request.extensions_mut().insert(Arc::clone(&visit));
    let response = next.run(request).await;
    headers::secure(&app, problem::dress(&app, &visit, response))
}

/// Paths that a merchant's page may post to: they show a page and change nothing.
const OPEN_TO_POST: [&str; 2] = ["/pay/jsapi", "/pay/app"];

/// Refuses a form that another site had the browser post.
fn check_origin(app: &App, request: &Request) -> Result<(), Fail> {
    if origin::is_safe(request.method()) || OPEN_TO_POST.contains(&request.uri().path()) {
        return Ok(());
    }
    let settings = &app.service().settings;
    let bases = settings.other_bases.iter().chain([&settings.public_base]);
    if origin::is_ours(request.headers(), bases) { Ok(()) } else { Err(Problem::foreign_form().into()) }
}
