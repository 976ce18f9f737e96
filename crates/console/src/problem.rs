//! Errors as pages: what happened, whether anything changed, what to do now, a reference number.

use crate::{
    app::App,
    page::{self, Page},
    text,
    visit::Visit,
};
use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::Rejection;
use engine::{Fault, Refusal};
use protocol::Language;
use std::sync::Arc;
use web::{answer, pairs::Unread};

/// Why a handler has no page of its own to show.
#[derive(Debug)]
pub(crate) enum Fail {
    /// An error page.
    Problem(Arc<Problem>),
    /// Another page of ours comes first.
    Go(String),
}

/// An error page to be.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    /// Key of what happened; a rejection's code when there are words for it.
    what: String,
    /// What the rules say in their own words, when there are none of ours.
    detail: Option<String>,
    next: &'static str,
    /// Seconds after which it may be tried again, where that is known.
    seconds: Option<i64>,
    /// Stands in the log beside the cause.
    reference: Option<String>,
}

impl Problem {
    fn new(status: StatusCode, what: &str, next: &'static str) -> Self {
        Self { status, what: what.to_owned(), detail: None, next, seconds: None, reference: None }
    }
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "why-not-found", "next-search")
    }
    pub(crate) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "why-forbidden", "next-ask")
    }
    pub(crate) fn malformed() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "why-malformed", "next-look-again")
    }
    pub(crate) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "why-too-large", "next-look-again")
    }
    pub(crate) fn busy() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "why-busy", "next-again-soon")
    }
    pub(crate) fn early() -> Self {
        Self::new(StatusCode::CONFLICT, "why-early", "next-later")
    }
    /// A form that did not come from a page of this session.
    pub(crate) fn foreign_form() -> Self {
        Self::new(StatusCode::FORBIDDEN, "why-foreign-form", "next-reload")
    }
    pub(crate) fn too_often(seconds: i64) -> Self {
        let seconds = Some(seconds);
        Self { seconds, ..Self::new(StatusCode::TOO_MANY_REQUESTS, "why-too-often", "next-again-in") }
    }
    /// A fault of ours; the cause goes to the log under the reference that the page shows.
    pub(crate) fn fault(cause: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "why-fault", "next-reference").logged(cause)
    }
    fn logged(mut self, cause: &str) -> Self {
        let reference = crypto::random::digits(10).unwrap_or_default();
        tracing::error!(reference, cause, "a console page failed");
        self.reference = Some(reference);
        self
    }
}

/// The key of the words for a rejection.
pub(crate) fn key_of(rejection: &Rejection) -> String {
    format!("why-{}", rejection.code().replace('_', "-"))
}

/// What a rejection means, in the reader's language; the rules' own words when there are none of ours.
pub(crate) fn words_of(language: Language, rejection: &Rejection) -> String {
    text::find(language, &key_of(rejection), &[])
        .map_or_else(|| rejection.to_string(), |text| text.into_owned())
}

impl From<Problem> for Fail {
    fn from(problem: Problem) -> Self {
        Self::Problem(Arc::new(problem))
    }
}

impl From<Rejection> for Fail {
    fn from(rejection: Rejection) -> Self {
        let status = match &rejection {
            Rejection::NotAllowed => return Problem::forbidden().into(),
            Rejection::SessionEnded => return Self::Go("/console/sign-in".to_owned()),
            Rejection::OrderNotFound
            | Rejection::RefundNotFound
            | Rejection::PayoutNotFound
            | Rejection::HoldNotFound
            | Rejection::ExceptionNotFound
            | Rejection::StaffNotFound
            | Rejection::NotificationNotFound => return Problem::not_found().into(),
            _ => StatusCode::CONFLICT,
        };
        let detail = Some(rejection.to_string());
        Problem { detail, ..Problem::new(status, &key_of(&rejection), "next-look-again") }.into()
    }
}

impl From<Refusal> for Fail {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Rejected(rejection) => rejection.into(),
            refusal => {
                let what =
                    if matches!(refusal, Refusal::Unknown(_)) { "why-unknown" } else { "why-unavailable" };
                let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, what, "next-again-soon");
                problem.logged(&refusal.to_string()).into()
            }
        }
    }
}

impl From<Fault> for Fail {
    fn from(fault: Fault) -> Self {
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "why-unreadable", "next-again-soon");
        problem.logged(&fault.to_string()).into()
    }
}

impl From<crypto::random::NoRandomness> for Fail {
    fn from(error: crypto::random::NoRandomness) -> Self {
        Problem::fault(&error.to_string()).into()
    }
}

impl From<Unread> for Fail {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Malformed => Problem::malformed().into(),
            Unread::TooLarge => Problem::too_large().into(),
        }
    }
}

impl IntoResponse for Fail {
    fn into_response(self) -> Response {
        match self {
            Self::Go(to) => page::see_other(&to),
            Self::Problem(problem) => {
                let mut response = problem.status.into_response();
                response.extensions_mut().insert(problem);
                response
            }
        }
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    p: Page,
    what: String,
    detail: Option<&'a str>,
    unchanged: bool,
    next: String,
    reference: Option<&'a str>,
}

/// Turns an error into a page in the reader's language. Errors that axum made (a method, a body too large) become pages
/// too.
pub(crate) fn dress(app: &App, visit: &Visit, mut response: Response) -> Response {
    let problem = match (response.extensions_mut().remove::<Arc<Problem>>(), answer::bare_error(&response)) {
        (Some(problem), _) => problem,
        (None, Some(status)) => Arc::new(match status {
            StatusCode::NOT_FOUND => Problem::not_found(),
            StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(),
            status if status.is_server_error() => Problem::fault("an answer without a page"),
            status => Problem { status, ..Problem::malformed() },
        }),
        (None, None) => return response,
    };
    let found = text::find(visit.language, &problem.what, &[]);
    let detail = problem.detail.as_deref();
    let (what, detail) = match found {
        Some(words) => (words.into_owned(), None),
        None => (text::text(visit.language, "why-rejected", &[]).into_owned(), detail),
    };
    let seconds = problem.seconds.map(|seconds| seconds.to_string());
    let values: &[(&str, &str)] = match &seconds {
        Some(seconds) => &[("seconds", seconds)],
        None => &[],
    };
    let page = ProblemPage {
        p: Page::new(app, visit),
        what,
        detail,
        unchanged: problem.what != "why-unknown",
        next: text::text(visit.language, problem.next, values).into_owned(),
        reference: problem.reference.as_deref(),
    };
    let mut response =
        page::show_as(problem.status, &page).unwrap_or_else(|_| problem.status.into_response());
    if let Some(seconds) = problem.seconds {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// For addresses that lead nowhere.
pub(crate) async fn not_found() -> Fail {
    Problem::not_found().into()
}
