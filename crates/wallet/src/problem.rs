//! Errors as pages: what happened, whether money moved, what to do now, a reference number.

use crate::{
    app::App,
    page::{self, Page, Tab},
    text::{
        Phrase,
        refusal::{self, Words},
    },
    visit::Visit,
};
use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::Rejection;
use engine::{Fault, Refusal};
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
    words: Words,
    action: Option<(String, &'static str)>,
    /// Stands in the log beside the cause.
    reference: Option<String>,
}

impl Problem {
    pub(crate) const fn new(status: StatusCode, words: Words) -> Self {
        Self { status, words, action: None, reference: None }
    }
    /// With a button that leads on.
    pub(crate) fn leading_to(mut self, href: String, key: &'static str) -> Self {
        self.action = Some((href, key));
        self
    }
    fn plain(status: StatusCode, what: &'static str, next: &'static str) -> Self {
        Self::new(status, Words { what: what.into(), money: "money-unmoved".into(), next: next.into() })
    }
    pub(crate) fn not_found() -> Self {
        Self::plain(StatusCode::NOT_FOUND, "why-no-page", "next-home")
    }
    pub(crate) fn malformed() -> Self {
        Self::plain(StatusCode::BAD_REQUEST, "why-malformed", "next-look-again")
    }
    pub(crate) fn too_large() -> Self {
        Self::plain(StatusCode::PAYLOAD_TOO_LARGE, "why-too-large", "next-look-again")
    }
    /// A form that did not come from a page of this session.
    pub(crate) fn foreign_form() -> Self {
        Self::plain(StatusCode::FORBIDDEN, "why-foreign-form", "next-reload-form")
    }
    pub(crate) fn too_often(seconds: i64) -> Self {
        let words = Words {
            what: Phrase::new("why-too-often").with("seconds", seconds),
            money: "money-unmoved".into(),
            next: "next-again-soon".into(),
        };
        Self::new(StatusCode::TOO_MANY_REQUESTS, words)
    }
    pub(crate) fn suspended() -> Self {
        Self::new(StatusCode::FORBIDDEN, refusal::of(&Refusal::Rejected(Rejection::PayerSuspended)))
    }
    /// What the rules say, as a page.
    pub(crate) fn rejected(rejection: Rejection) -> Self {
        let status = match &rejection {
            Rejection::OrderNotFound | Rejection::PaymentNotFound | Rejection::UserTransferNotFound => {
                StatusCode::NOT_FOUND
            }
            Rejection::WrongPayer | Rejection::NotAllowed | Rejection::PayerSuspended => {
                StatusCode::FORBIDDEN
            }
            _ => StatusCode::CONFLICT,
        };
        Self::new(status, refusal::of(&Refusal::Rejected(rejection)))
    }
    /// A fault of ours; the cause goes to the log under the reference that the page shows.
    pub(crate) fn fault(cause: &str) -> Self {
        let problem = Self::plain(StatusCode::INTERNAL_SERVER_ERROR, "why-fault", "next-reference");
        problem.logged(cause)
    }
    fn logged(mut self, cause: &str) -> Self {
        let reference = crypto::random::digits(10).unwrap_or_default();
        tracing::error!(reference, cause, "a wallet page failed");
        self.reference = Some(reference);
        self
    }
}

impl From<Problem> for Fail {
    fn from(problem: Problem) -> Self {
        Self::Problem(Arc::new(problem))
    }
}

impl From<Rejection> for Fail {
    fn from(rejection: Rejection) -> Self {
        Problem::rejected(rejection).into()
    }
}

impl From<Refusal> for Fail {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Rejected(rejection) => rejection.into(),
            Refusal::Busy | Refusal::Stopped | Refusal::Unavailable(_) | Refusal::Unknown(_) => {
                let words = refusal::of(&refusal);
                let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, words);
                problem.logged(&refusal.to_string()).into()
            }
        }
    }
}

impl From<Fault> for Fail {
    fn from(fault: Fault) -> Self {
        let problem = Problem::plain(StatusCode::SERVICE_UNAVAILABLE, "why-unreadable", "next-again-soon");
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
    money: String,
    next: String,
    action: Option<(&'a str, &'static str)>,
    reference: Option<&'a str>,
}

/// Turns an error into a page in the reader's language. Errors that axum made (a method, a body too large)
/// become pages too.
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
    let say = |phrase: &Phrase| phrase.say(visit.language).into_owned();
    let shown = page::show_as(
        problem.status,
        &ProblemPage {
            p: Page::new(app, visit, Tab::None),
            what: say(&problem.words.what),
            money: say(&problem.words.money),
            next: say(&problem.words.next),
            action: problem.action.as_ref().map(|(href, key)| (href.as_str(), *key)),
            reference: problem.reference.as_deref(),
        },
    );
    shown.unwrap_or_else(|_| problem.status.into_response())
}

/// For addresses that lead nowhere.
pub(crate) async fn not_found() -> Fail {
    Problem::not_found().into()
}
