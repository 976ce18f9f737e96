//! Signing in: password, then code; the first time an own password and the enrolment of the code come in between.

use crate::{
    app::App,
    form::Posted,
    list::Field,
    page::{self, Page, own_page},
    problem::{Fail, Problem, words_of},
    query::Query,
    session::{self, Member},
    visit::{Anyone, Visit},
};
use askama::Template;
use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use crypto::{Purpose, Sealed, TotpSecret};
use domain::{
    Command, Rejection, Reply,
    staff::{Given, NewPassword, Staff, StaffStep},
};
use engine::Refusal;
use std::{borrow::Cow, sync::Arc};
use types::Secret;

/// A page with one form and few words.
#[derive(Template)]
#[template(path = "form.html")]
struct FormPage {
    p: Page,
    title: Cow<'static, str>,
    lead: Cow<'static, str>,
    action: String,
    button: Cow<'static, str>,
    fields: Vec<Field>,
    error: Option<String>,
    /// A QR code: markup.
    picture: Option<String>,
    /// What the QR code says, to be typed.
    secret: Option<String>,
}

impl FormPage {
    fn new(p: Page, name: &str, action: &str) -> Self {
        Self {
            title: p.t(&format!("{name}-title")),
            lead: p.t(&format!("{name}-lead")),
            button: p.t(&format!("{name}-button")),
            action: action.to_owned(),
            fields: Vec::new(),
            error: None,
            picture: None,
            secret: None,
            p,
        }
    }
    fn show(self) -> Result<Response, Fail> {
        let status = if self.error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        page::show_as(status, &self)
    }
}

const SIGN_IN: &str = "/console/sign-in";
const PASSWORD: &str = "/console/sign-in/password";
const ENROL: &str = "/console/sign-in/enrol";
const CODE: &str = "/console/sign-in/code";

/// The step that is missing of a sign-in.
pub(crate) const fn next_step(staff: &Staff) -> &'static str {
    match (staff.must_change, &staff.totp) {
        (true, _) => PASSWORD,
        (false, None) => ENROL,
        (false, Some(_)) => CODE,
    }
}

fn sign_in_page(
    app: &App,
    visit: &Visit,
    next: &str,
    name: &str,
    error: Option<String>,
) -> Result<Response, Fail> {
    let p = Page::new(app, visit).at(SIGN_IN);
    let mut form = FormPage::new(p, "sign-in", SIGN_IN);
    form.fields = vec![
        Field::new(&form.p, "text", "name", "field-name", name)
            .more("autocomplete=\"username\" autocapitalize=\"none\" required autofocus"),
        Field::new(&form.p, "password", "password", "field-password", "")
            .more("autocomplete=\"current-password\" required"),
        Field::new(&form.p, "hidden", "next", "field-name", next),
    ];
    form.error = error;
    form.show()
}

/// `GET /console/sign-in`.
pub(crate) async fn ask(
    State(app): State<App>,
    Anyone(visit): Anyone,
    query: Query,
) -> Result<Response, Fail> {
    let next = own_page(query.get("next").unwrap_or("/console"));
    if visit.member().is_some_and(|member| member.session.whole) {
        return Ok(page::see_other(next));
    }
    sign_in_page(&app, &visit, next, "", None)
}

/// `POST /console/sign-in`. An unknown name takes as long as a known one.
pub(crate) async fn enter(
    State(app): State<App>,
    Anyone(visit): Anyone,
    posted: Posted,
) -> Result<Response, Fail> {
    limit(&app, &visit)?;
    let name = posted.trimmed("name").to_lowercase();
    let next = own_page(posted.text("next"));
    let password = Secret::new(posted.text("password").to_owned());
    let known = if domain::staff::is_name(&name) { app.queries().staff_by_name(&name)? } else { None };
    let hash = known.as_ref().map_or_else(nobodys_hash, |staff| staff.password.clone());
    let right = app.compare(&password, &hash).await?;
    let again = |error: String| sign_in_page(&app, &visit, next, &name, Some(error));
    let wrong = || Page::new(&app, &visit).t("error-password").into_owned();
    let Some(staff) = known else { return again(wrong()) };
    let (token, digest) = session::fresh(&app)?;
    let given = Given { compared: hash, right };
    let command = Command::SignInStaff { staff: staff.id, given, token: digest };
    match app.run(&visit, command).await {
        Ok(Reply::StaffStep(StaffStep::Right)) => {
            let to = web::link::to(next_step(&staff), &[("next", next)]);
            enter_with(&app, &visit, &token, &to)
        }
        Ok(_) => again(wrong()),
        Err(Refusal::Rejected(Rejection::StaffNotFound)) => again(wrong()),
        Err(Refusal::Rejected(locked @ Rejection::StaffLocked(_))) => {
            again(words_of(visit.language, &locked))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// What a password of nobody is compared with.
fn nobodys_hash() -> Secret<String> {
    let hash =
        "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IG5vYm9keSE$O2tkVhSH8vQ0pwzTmZ5l0M5kJ6WfXkq0yXz1gT8X0aE";
    Secret::new(hash.to_owned())
}

/// Refuses an address from which too much that was wrong has come lately.
pub(crate) fn limit(app: &App, visit: &Visit) -> Result<(), Fail> {
    let Some(address) = visit.address else { return Ok(()) };
    app.limiter().take(address, visit.now).map_err(|seconds| Problem::too_often(seconds).into())
}

/// What [`limit`] took is given back: it was right.
pub(crate) fn was_right(app: &App, visit: &Visit) {
    if let Some(address) = visit.address {
        app.limiter().give_back(address, visit.now);
    }
}

/// Goes on with a session's new token, after a step that was right.
fn enter_with(app: &App, visit: &Visit, token: &Secret<String>, to: &str) -> Result<Response, Fail> {
    was_right(app, visit);
    let mut response = page::see_other(to);
    let cookie = session::start(app, token).ok_or_else(|| Problem::fault("a token is no cookie"))?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Whoever gave the password, if `step` is the one that comes next.
fn half(visit: &Visit, step: &str) -> Result<Arc<Member>, Fail> {
    let member = visit.member().cloned().ok_or_else(|| Fail::Go(SIGN_IN.to_owned()))?;
    let wanted = if member.session.whole { "/console" } else { next_step(&member.staff) };
    // Somebody who is wholly signed in may change the password.
    let own = member.session.whole && step == PASSWORD;
    if wanted == step || own { Ok(member) } else { Err(Fail::Go(wanted.to_owned())) }
}

fn password_page(app: &App, visit: &Visit, next: &str, error: Option<&str>) -> Result<Response, Fail> {
    let p = Page::new(app, visit).at(PASSWORD);
    let mut form = FormPage::new(p, "password", PASSWORD);
    let field = |name, key, complete| Field::new(&form.p, "password", name, key, "").more(complete);
    form.fields = vec![
        field("old", "field-password-old", "autocomplete=\"current-password\" required"),
        field(
            "new",
            "field-password-new",
            "autocomplete=\"new-password\" minlength=\"12\" maxlength=\"128\" required",
        )
        .hint(&form.p, "hint-password"),
        field("again", "field-password-again", "autocomplete=\"new-password\" required"),
        Field::new(&form.p, "hidden", "next", "field-name", next),
    ];
    form.error = error.map(|key| form.p.t(key).into_owned());
    form.show()
}

/// `GET /console/sign-in/password`.
pub(crate) async fn ask_password(
    State(app): State<App>,
    Anyone(visit): Anyone,
    query: Query,
) -> Result<Response, Fail> {
    half(&visit, PASSWORD)?;
    password_page(&app, &visit, own_page(query.get("next").unwrap_or("/console")), None)
}

/// `POST /console/sign-in/password`.
pub(crate) async fn change_password(
    State(app): State<App>,
    Anyone(visit): Anyone,
    posted: Posted,
) -> Result<Response, Fail> {
    let member = half(&visit, PASSWORD)?;
    limit(&app, &visit)?;
    let next = own_page(posted.text("next"));
    let again = |key| password_page(&app, &visit, next, Some(key));
    let (old, new) = (posted.text("old"), posted.text("new"));
    if new != posted.text("again") {
        return again("error-password-again");
    }
    if new == old || new.to_lowercase().contains(&*member.staff.name) {
        return again("error-password-same");
    }
    let compared = member.staff.password.clone();
    let right = app.compare(&Secret::new(old.to_owned()), &compared).await?;
    let Some(hash) = app.hash(Secret::new(new.to_owned())).await? else { return again("hint-password") };
    let (token, digest) = session::fresh(&app)?;
    let change = NewPassword {
        session: member.session.token,
        old: Given { compared, right },
        new: hash,
        token: digest,
    };
    match step(app.run(&visit, Command::ChangeStaffPassword(Box::new(change))).await)? {
        StaffStep::Wrong => again("error-password-old"),
        StaffStep::Right => {
            let staff = Staff { must_change: false, ..member.staff.clone() };
            let to = if member.session.whole { "/console" } else { next_step(&staff) };
            enter_with(&app, &visit, &token, &web::link::to(to, &[("next", next)]))
        }
    }
}

fn step(outcome: Result<Reply, Refusal>) -> Result<StaffStep, Fail> {
    match outcome? {
        Reply::StaffStep(step) => Ok(step),
        other => Err(Problem::fault(&format!("a sign-in was answered with {other:?}")).into()),
    }
}

/// What a sealed secret is bound to.
fn binding(staff: &Staff) -> String {
    format!("staff-totp:{}", staff.id)
}

fn enrol_page(
    app: &App,
    visit: &Visit,
    staff: &Staff,
    secret: &TotpSecret,
    next: &str,
    error: Option<&str>,
) -> Result<Response, Fail> {
    let p = Page::new(app, visit).at(ENROL);
    let mut form = FormPage::new(p, "enrol", ENROL);
    let sealed = app.service().vault.seal(Purpose::StaffSecret, &binding(staff), secret.as_bytes());
    let sealed = sealed.map_err(|error| Problem::fault(&error.to_string()))?;
    let address = secret.address(&form.p.t("issuer"), &staff.name);
    let picture = protocol::qr::svg(&address, &form.p.t("enrol-picture"));
    form.picture = Some(picture.map_err(|error| Problem::fault(&error.to_string()))?);
    let text = secret.to_text();
    let groups: Vec<&str> = (0..text.len()).step_by(4).map(|at| &text[at..text.len().min(at + 4)]).collect();
    form.secret = Some(groups.join(" "));
    form.fields = vec![
        code_field(&form.p),
        Field::new(&form.p, "hidden", "sealed", "field-code", &hex(sealed.as_bytes())),
        Field::new(&form.p, "hidden", "next", "field-code", next),
    ];
    form.error = error.map(|key| form.p.t(key).into_owned());
    form.show()
}

fn code_field(p: &Page) -> Field {
    Field::new(p, "text", "code", "field-code", "")
        .more("autocomplete=\"one-time-code\" inputmode=\"numeric\" pattern=\"[0-9 ]*\" maxlength=\"7\" required autofocus")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    if text.len() % 2 == 1 || text.len() > 1024 {
        None
    } else {
        (0..text.len()).step_by(2).map(pair).collect()
    }
}

/// `GET /console/sign-in/enrol`: a fresh secret, which becomes the account's with the first code.
pub(crate) async fn ask_enrol(
    State(app): State<App>,
    Anyone(visit): Anyone,
    query: Query,
) -> Result<Response, Fail> {
    let member = half(&visit, ENROL)?;
    let next = own_page(query.get("next").unwrap_or("/console"));
    enrol_page(&app, &visit, &member.staff, &TotpSecret::generate()?, next, None)
}

fn open(app: &App, staff: &Staff, sealed: &[u8]) -> Option<TotpSecret> {
    let sealed = Sealed::from_bytes(sealed)?;
    let opened = app.service().vault.open(Purpose::StaffSecret, &binding(staff), &sealed).ok()?;
    TotpSecret::from_bytes(opened.expose())
}

/// The code as typed, without spaces; empty when there is none.
pub(crate) fn typed_code(posted: &Posted) -> String {
    posted.text("code").chars().filter(|c| !c.is_whitespace()).take(8).collect()
}

/// `POST /console/sign-in/enrol`.
pub(crate) async fn enrol(
    State(app): State<App>,
    Anyone(visit): Anyone,
    posted: Posted,
) -> Result<Response, Fail> {
    let member = half(&visit, ENROL)?;
    limit(&app, &visit)?;
    let next = own_page(posted.text("next"));
    let sealed = unhex(posted.text("sealed")).ok_or_else(Problem::malformed)?;
    let secret = open(&app, &member.staff, &sealed).ok_or_else(Problem::malformed)?;
    let matched = secret.step_of(&typed_code(&posted), app.service().wall_now());
    let (token, digest) = session::fresh(&app)?;
    let command = Command::EnrolTotp {
        session: member.session.token,
        secret: sealed.into(),
        step: matched,
        token: digest,
    };
    match step(app.run(&visit, command).await)? {
        StaffStep::Right => enter_with(&app, &visit, &token, next),
        StaffStep::Wrong => enrol_page(&app, &visit, &member.staff, &secret, next, Some("error-code")),
    }
}

/// The secret of somebody's codes.
///
/// # Errors
/// A fault when it does not open.
pub(crate) fn secret_of(app: &App, staff: &Staff) -> Result<TotpSecret, Fail> {
    let sealed = staff.totp.as_deref().unwrap_or_default();
    let fault = || Problem::fault("a TOTP secret does not open; reset the account").into();
    open(app, staff, sealed).ok_or_else(fault)
}

fn code_page(app: &App, visit: &Visit, next: &str, error: Option<&str>) -> Result<Response, Fail> {
    let p = Page::new(app, visit).at(CODE);
    let mut form = FormPage::new(p, "code", CODE);
    form.fields = vec![code_field(&form.p), Field::new(&form.p, "hidden", "next", "field-code", next)];
    form.error = error.map(|key| form.p.t(key).into_owned());
    form.show()
}

/// `GET /console/sign-in/code`.
pub(crate) async fn ask_code(
    State(app): State<App>,
    Anyone(visit): Anyone,
    query: Query,
) -> Result<Response, Fail> {
    half(&visit, CODE)?;
    code_page(&app, &visit, own_page(query.get("next").unwrap_or("/console")), None)
}

/// `POST /console/sign-in/code`.
pub(crate) async fn confirm(
    State(app): State<App>,
    Anyone(visit): Anyone,
    posted: Posted,
) -> Result<Response, Fail> {
    let member = half(&visit, CODE)?;
    limit(&app, &visit)?;
    let next = own_page(posted.text("next"));
    let secret = secret_of(&app, &member.staff)?;
    let matched = secret.step_of(&typed_code(&posted), app.service().wall_now());
    let (token, digest) = session::fresh(&app)?;
    let command = Command::ConfirmTotp { session: member.session.token, step: matched, token: digest };
    match step(app.run(&visit, command).await)? {
        StaffStep::Right => enter_with(&app, &visit, &token, next),
        StaffStep::Wrong => code_page(&app, &visit, next, Some("error-code")),
    }
}

/// `POST /console/sign-out`.
pub(crate) async fn leave(
    State(app): State<App>,
    Anyone(visit): Anyone,
    _posted: Posted,
) -> Result<Response, Fail> {
    if let Some(member) = visit.member() {
        app.run(&visit, Command::SignOutStaff(member.session.token)).await?;
    }
    let mut response = page::see_other(SIGN_IN);
    let cookie = session::end(&app).unwrap_or(HeaderValue::from_static(""));
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}
