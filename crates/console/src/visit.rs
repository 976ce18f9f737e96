//! Who asks for a page: language, address, device, and the person who is signed in, if anybody.

use crate::{
    app::App,
    headers, problem,
    problem::{Fail, Problem},
    session::{self, Member},
    signin,
};
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{
    Actor, Caller, Command,
    staff::{Permission, SEEN_EVERY, Staff},
};
use protocol::Language;
use std::{net::IpAddr, sync::Arc};
use types::{MerchantId, Time};
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
        let actor = self.member.as_ref().map_or(Actor::Visitor, |member| Actor::Operator(member.staff.id));
        let session = self.member.as_ref().map(|member| member.session.token);
        Caller { address: self.address, device: self.device.clone(), session, ..Caller::of(actor) }
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

/// Somebody who gave both factors; anyone else is sent to sign in and comes back.
#[derive(Clone)]
pub(crate) struct SignedIn {
    pub(crate) visit: Arc<Visit>,
    member: Arc<Member>,
}

impl SignedIn {
    pub(crate) fn staff(&self) -> &Staff {
        &self.member.staff
    }
    pub(crate) fn member(&self) -> &Member {
        &self.member
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
            None => Err(Fail::Go(link::to("/console/sign-in", &[("next", &visit.here)]))),
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

/// Refuses a form that another site had the browser post.
fn check_origin(app: &App, request: &Request) -> Result<(), Fail> {
    let ours = || origin::is_ours(request.headers(), [&app.service().settings.public_base]);
    if origin::is_safe(request.method()) || ours() { Ok(()) } else { Err(Problem::foreign_form().into()) }
}
