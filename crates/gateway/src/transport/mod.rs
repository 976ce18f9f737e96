//! What every signed request goes through, in one place and one order (wire §1):
//!
//! 1. the body is read whole, within bounds, before anything in it is parsed;
//! 2. `Authorization` is read, the merchant and its certificate are looked up, the clock is checked, the
//!    signature is verified over the raw bytes;
//! 3. the nonce is looked up, the merchant's rate is counted, a place among the requests in flight is taken;
//! 4. the endpoint runs; a panic in it becomes a `SYSTEM_ERROR`;
//! 5. a 2xx answer is signed once, on the signing threads; an error is not signed;
//! 6. one line is logged, without query, body or personal data.
//!
//! The time of signatures, of certificates and of the window is the machine's clock, also in a sandbox whose own
//! clock was moved: SDKs check answers against theirs. Everything about orders goes by the service's clock.
//!
//! Tolerated on purpose: a request without `User-Agent` (the rule calls it mandatory, yet curl-like clients and
//! health checks leave it out, and nothing here depends on it), any `Accept` and any `Content-Type` (the body is
//! signed and read as JSON in any case; SDKs differ, wire §15).

mod answer;
mod authenticate;
mod body;
pub(crate) mod plain;
pub(crate) mod query_string;
mod rate;
mod replay;

pub(crate) use answer::Answer;
pub(crate) use rate::{Addresses, PerCall, Refunds};

use crate::errors;
use axum::{
    extract::{FromRequestParts, RawPathParams, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use bytes::Bytes;
use domain::{Actor, Caller};
use engine::Clock;
use protocol::{ApiError, Code, Detail, Language, Location, Text, order::Mode};
use query_string::Query;
use rate::Rates;
use replay::ReplayMemory;
use service::{CardNumbers, MerchantEntry, Service, metrics::Stage};
use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Instant,
};
use tokio::sync::Semaphore;
use types::{MerchantId, Time};

/// What an endpoint comes to. An error is answered unsigned.
pub(crate) type Outcome = Result<Answer, ApiError>;

/// Signed requests under way at once. Below the length of the signing queue, so that an order that was placed is
/// never left without its signature because of a crowd.
const IN_FLIGHT_MAX: usize = 4096;
/// Signatures that match no form of the request, a second and address, before the costly forms are not tried.
pub(crate) const FAILURES_PER_SECOND: u32 = 50;

/// What the endpoints share. One per process.
pub(crate) struct Gateway {
    pub(crate) service: Arc<Service>,
    /// The clock of signatures and certificates.
    wall: Arc<dyn Clock>,
    /// Bases that an absolute URL may have been signed with.
    bases: Vec<String>,
    replays: ReplayMemory,
    rates: Rates,
    pub(crate) failures: Addresses,
    /// Exchanges of authorization codes.
    pub(crate) exchanges: Addresses,
    /// How many refunds each merchant asks for.
    pub(crate) refunds: Refunds,
    /// How often each merchant makes each call about transfers.
    pub(crate) transfers: PerCall,
    /// Makes tokens of card numbers.
    pub(crate) cards: Arc<dyn CardNumbers>,
    large_bodies: Arc<Semaphore>,
}

impl Gateway {
    pub(crate) fn new(service: Arc<Service>, wall: Arc<dyn Clock>, cards: Arc<dyn CardNumbers>) -> Arc<Self> {
        let settings = &service.settings;
        let bases = std::iter::once(&settings.public_base).chain(&settings.other_bases).cloned().collect();
        Arc::new(Self {
            bases,
            service,
            wall,
            replays: ReplayMemory::default(),
            rates: Rates::default(),
            failures: Addresses::new(FAILURES_PER_SECOND),
            exchanges: Addresses::new(crate::oauth::PER_SECOND),
            refunds: Refunds::default(),
            transfers: PerCall::default(),
            cards,
            large_bodies: Arc::new(Semaphore::new(body::LARGE_MAX)),
        })
    }

    /// A place among the requests in flight, given back when dropped.
    fn place(&self) -> Result<Place<'_>, ApiError> {
        let under_way = &*self.service.under_way;
        let place = Place(under_way);
        if under_way.fetch_add(1, Ordering::Relaxed) < IN_FLIGHT_MAX {
            return Ok(place);
        }
        Err(ApiError::new(Code::FrequencyLimited))
    }
}

struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An error with the status it is answered with, where that is not the code's own.
#[derive(Debug)]
struct Failure {
    status: StatusCode,
    error: ApiError,
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, error }
    }
}

/// A request whose sender is proved.
pub(crate) struct Call {
    pub(crate) gateway: Arc<Gateway>,
    /// Who signed.
    pub(crate) merchant: Arc<MerchantEntry>,
    /// The certificate that signed, upper-case hex.
    pub(crate) serial: String,
    /// The language of messages.
    pub(crate) language: Language,
    /// The raw body.
    pub(crate) body: Bytes,
    parts: Parts,
    path: Option<RawPathParams>,
}

impl Call {
    pub(crate) fn service(&self) -> &Service {
        &self.gateway.service
    }
    pub(crate) fn mchid(&self) -> MerchantId {
        self.merchant.merchant.id
    }
    /// The service's clock.
    pub(crate) fn now(&self) -> Time {
        self.gateway.service.now()
    }
    /// The machine's clock: for certificates.
    pub(crate) fn wall_now(&self) -> Time {
        self.gateway.wall.now()
    }
    /// A variable of the path, percent-decoded.
    pub(crate) fn path(&self, name: &str) -> &str {
        let found = self.path.as_ref().and_then(|path| path.iter().find(|(known, _)| *known == name));
        found.map_or("", |(_, value)| value)
    }
    /// The query.
    pub(crate) fn query(&self) -> Result<Query, ApiError> {
        Ok(Query::parse(self.parts.uri.query().unwrap_or_default())?)
    }
    /// A header as text; none when absent or not visible ASCII.
    pub(crate) fn header(&self, name: &'static str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }
    /// Who asks, for the journal.
    pub(crate) fn caller(&self) -> Caller {
        caller(Actor::Merchant(self.mchid()), &self.parts)
    }
    /// Checks that a merchant named in the request is the one that signed it.
    ///
    /// # Errors
    /// 403 `NO_AUTH` that names the member.
    pub(crate) fn signed_by(
        &self,
        named: MerchantId,
        mode: Mode,
        location: Location,
    ) -> Result<(), ApiError> {
        self.signed_as(named, mode.signer(), location)
    }
    /// As [`Call::signed_by`], where the member has this name and pointer.
    ///
    /// # Errors
    /// 403 `NO_AUTH` that names the member.
    pub(crate) fn signed_as(
        &self,
        named: MerchantId,
        (name, pointer): (&'static str, &'static str),
        location: Location,
    ) -> Result<(), ApiError> {
        let signer = self.mchid();
        if named == signer {
            return Ok(());
        }
        let issue = Text::new(
            format!("须与签名所用商户号 {signer} 一致"),
            format!("must be the merchant that signed the request, {signer}"),
        );
        let message = Text::new(
            format!("商户号 {named} 与签名所用商户号 {signer} 不一致，请检查 {name} 与签名私钥"),
            format!("{name} {named} is not the merchant that signed, {signer}; check the {name} and the key"),
        );
        let field = if location == Location::Body { pointer } else { name };
        let value = Some(named.to_string());
        let detail = Detail { field: field.into(), value, issue, location, sign_information: None };
        Err(ApiError { code: Code::NoAuth, message, detail: Some(Box::new(detail)) })
    }
}

/// Characters of a device kept in the journal.
const DEVICE_MAX: usize = 120;

pub(crate) fn caller(actor: Actor, parts: &Parts) -> Caller {
    let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let device = agent.map(|text| &text[..text.len().min(DEVICE_MAX)]);
    Caller {
        address: web::address::of_caller(&parts.extensions, &parts.headers),
        device: device.filter(|text| !text.is_empty()).map(Arc::from),
        ..Caller::of(actor)
    }
}

/// Runs `endpoint` for a signed request, through every step above.
pub(crate) async fn serve<F, Fut>(gateway: Arc<Gateway>, request: Request, endpoint: F) -> Response
where
    F: FnOnce(Call) -> Fut,
    Fut: Future<Output = Outcome>,
{
    let seen = Seen::of(&request);
    let mut mchid = None;
    let language = language(request.headers());
    let response = match attend(gateway, request, language, endpoint, &mut mchid).await {
        Ok(response) => response,
        Err(failure) => {
            seen.note_code(failure.error.code);
            answer::refuse(failure.status, &failure.error, language)
        }
    };
    seen.log(response, mchid)
}

async fn attend<F, Fut>(
    gateway: Arc<Gateway>,
    request: Request,
    language: Language,
    endpoint: F,
    mchid: &mut Option<MerchantId>,
) -> Result<Response, Failure>
where
    F: FnOnce(Call) -> Fut,
    Fut: Future<Output = Outcome>,
{
    let (mut parts, body) = request.into_parts();
    let path = match RawPathParams::from_request_parts(&mut parts, &()).await {
        Ok(path) => Some(path),
        Err(_) => return Err(path_error().into()),
    };
    let received = body::read(body, &gateway.large_bodies).await?;
    let began = Instant::now();
    let proven = authenticate::authenticate(&gateway, &parts, &received.bytes);
    gateway.service.metrics.stage(Stage::Verify, began.elapsed());
    let proven = proven?;
    *mchid = Some(proven.merchant.merchant.id);
    if !gateway.rates.pass(&proven.merchant.merchant) {
        return Err(ApiError::new(Code::FrequencyLimited).into());
    }
    let _place = gateway.place()?;
    let requested = parts.headers.get("wechatpay-serial").cloned();
    let mode = proven.merchant.key_mode();
    let call = Call {
        gateway: Arc::clone(&gateway),
        merchant: proven.merchant,
        serial: proven.serial,
        language,
        body: received.bytes.clone(),
        parts,
        path,
    };
    let answer = unpanicked(endpoint(call)).await.unwrap_or_else(|| Err(ApiError::new(Code::SystemError)))?;
    Ok(answer::sign(&gateway, answer, mode, requested).await?)
}

/// The future's outcome; none when it panicked. The panic itself is reported by the process's panic hook.
async fn unpanicked<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        polled.map_or(Poll::Ready(None), |state| state.map(Some))
    })
    .await
}

fn path_error() -> ApiError {
    let issue = Text::fixed("格式错误，须为 UTF-8", "must be UTF-8");
    ApiError::param("path", None, issue, Location::Path)
}

fn language(headers: &HeaderMap) -> Language {
    Language::of(headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()))
}

/// There is no such address.
pub(crate) async fn not_found(request: Request) -> Response {
    refuse_unsigned(&request, StatusCode::NOT_FOUND)
}

/// The address does not take the method; the router adds `Allow`.
pub(crate) async fn method_not_allowed(request: Request) -> Response {
    refuse_unsigned(&request, StatusCode::METHOD_NOT_ALLOWED)
}

fn refuse_unsigned(request: &Request, status: StatusCode) -> Response {
    let seen = Seen::of(request);
    seen.note_code(Code::NotFound);
    seen.log(answer::refuse(status, &errors::no_such_address(request), language(request.headers())), None)
}

/// The state of the router, as handlers take it.
pub(crate) type Shared = State<Arc<Gateway>>;

pub(crate) use answer::RequestId;

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
/// Characters of a path that are logged.
const LOGGED_PATH_MAX: usize = 256;

/// What the log line says of a request.
pub(crate) struct Seen {
    started: Instant,
    method: axum::http::Method,
    path: Box<str>,
    code: std::cell::Cell<&'static str>,
}

impl Seen {
    pub(crate) fn of(request: &Request) -> Self {
        let path = request.uri().path();
        // A path of `http::Uri` may hold any UTF-8, so the cut must not split a character.
        let mut end = path.len().min(LOGGED_PATH_MAX);
        while !path.is_char_boundary(end) {
            end -= 1;
        }
        Self {
            started: Instant::now(),
            method: request.method().clone(),
            path: path[..end].into(),
            code: std::cell::Cell::new("ok"),
        }
    }

    fn note_code(&self, code: Code) {
        self.code.set(code.wire());
    }

    /// Gives the answer its `Request-ID` and logs the line.
    pub(crate) fn log(&self, mut response: Response, mchid: Option<MerchantId>) -> Response {
        let request_id = RequestId::next();
        let status = response.status().as_u16();
        let took_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mchid = mchid.map(|id| id.0);
        let (method, path, code) = (self.method.as_str(), &*self.path, self.code.get());
        if status >= 500 {
            tracing::warn!(target: "access", method, path, status, code, mchid, %request_id, took_ms, "answered");
        } else {
            tracing::info!(target: "access", method, path, status, code, mchid, %request_id, took_ms, "answered");
        }
        response.headers_mut().insert(REQUEST_ID, HeaderValue::from(request_id));
        response
    }
}

#[cfg(test)]
mod tests;
