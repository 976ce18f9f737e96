//! The code given again, with the form of something dangerous: the rules take it for ten minutes
//! ([`domain::staff::STEP_UP_LIFE`]).

use crate::{
    app::App,
    form::Posted,
    list::Field,
    page::Page,
    problem::{Fail, Problem, words_of},
    signin,
    visit::SignedIn,
};
use domain::{Command, Rejection, Reply, staff::StaffStep};
use engine::Refusal;

/// The field of the code; none while one was given lately.
///
/// # Errors
/// The store's fault.
pub(crate) fn field(app: &App, signed_in: &SignedIn, p: &Page) -> Result<Option<Field>, Fail> {
    let field = || {
        Field::new(p, "text", "code", "field-code", "").hint(p, "hint-step-up").more(
            "autocomplete=\"one-time-code\" inputmode=\"numeric\" pattern=\"[0-9 ]*\" maxlength=\"7\" required",
        )
    };
    Ok((!given(app, signed_in)?).then(field))
}

/// Takes the code that came with a form, unless one was given lately. Gives why the form is refused, in words.
///
/// # Errors
/// A page that says no.
pub(crate) async fn take(app: &App, signed_in: &SignedIn, posted: &Posted) -> Result<Option<String>, Fail> {
    if given(app, signed_in)? {
        return Ok(None);
    }
    let say = |key: &str| Some(Page::new(app, &signed_in.visit).t(key).into_owned());
    let code = signin::typed_code(posted);
    if code.is_empty() {
        return Ok(say("error-step-up"));
    }
    signin::limit(app, &signed_in.visit)?;
    let member = signed_in.member();
    let secret = signin::secret_of(app, &member.staff)?;
    let step = secret.step_of(&code, app.service().wall_now());
    let command = Command::StepUp { session: member.session.token, step };
    match app.run(&signed_in.visit, command).await {
        Ok(Reply::StaffStep(StaffStep::Right)) => {
            signin::was_right(app, &signed_in.visit);
            Ok(None)
        }
        Ok(Reply::StaffStep(StaffStep::Wrong)) => Ok(say("error-code")),
        Ok(other) => Err(Problem::fault(&format!("a code was answered with {other:?}")).into()),
        Err(Refusal::Rejected(locked @ Rejection::StaffLocked(_))) => {
            Ok(Some(words_of(signed_in.visit.language, &locked)))
        }
        Err(why) => Err(why.into()),
    }
}

/// As the store has it now: a code may have been taken since the session was read.
fn given(app: &App, signed_in: &SignedIn) -> Result<bool, Fail> {
    let session = app.queries().staff_session(signed_in.member().session.token)?;
    Ok(session.is_some_and(|session| session.stepped_up(signed_in.visit.now)))
}
