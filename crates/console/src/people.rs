//! People: who may sign in, as what; accounts made, reset, closed.

use crate::{
    app::App,
    form::Posted,
    list::{Cell, Field, List},
    page::{self, Page},
    problem::{Fail, Problem, words_of},
    query::{Query, scope},
    record::{Action, Record},
    stepup,
    visit::SignedIn,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{
    Command, Rejection, Reply,
    staff::{NewStaff, Permission, Role, Staff},
};
use engine::Refusal;
use types::{MerchantId, OperatorId, Secret};

const PATH: &str = "/console/people";
/// People of a page: more work for nobody yet.
const PEOPLE_MAX: usize = 1_000;

/// `GET /console/people`.
pub(crate) async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Query,
) -> Result<Response, Fail> {
    build(app, signed_in, query, PEOPLE_MAX).await?.show()
}

pub(crate) async fn build(app: App, signed_in: SignedIn, query: Query, _: usize) -> Result<List, Fail> {
    let merchant = scope(signed_in.staff(), Permission::SeeStaff, &query)?;
    let mut list = page_of(&app, &signed_in, merchant, None).await?;
    list.exported(&query, "/console/people.csv");
    Ok(list)
}

async fn page_of(
    app: &App,
    signed_in: &SignedIn,
    merchant: Option<MerchantId>,
    typed: Option<(&Posted, String)>,
) -> Result<List, Fail> {
    let people = app.read(move |queries| queries.staff_of(merchant, PEOPLE_MAX)).await?;
    let p = Page::new(app, &signed_in.visit).at(PATH).of(merchant);
    let columns = ["col-name", "col-role", "fact-created", "fact-signed-in", "col-state"];
    let mut list = List::new(p, "menu-people", PATH, &columns, "empty-people");
    list.by_merchant(signed_in.staff(), merchant);
    for person in &people {
        let p = &list.p;
        list.rows.push(vec![
            Cell::link(&person.name, &format!("{PATH}/{}", person.id)),
            Cell::word(p, "role", person.role.name()),
            Cell::time(p, person.created_at),
            Cell::time_or_none(p, person.signed_in_at),
            state(p, person, signed_in.visit.now),
        ]);
    }
    list.sum(&[]);
    if signed_in.staff().may(Permission::ManageStaff, merchant) {
        let p = &list.p;
        let mut action = Action::new(p, "add-person", "add-person", PATH.to_owned());
        let roles = Role::ALL.into_iter().filter(|role| role.is_platforms() == merchant.is_none());
        let mut role = Field::new(p, "select", "role", "col-role", "");
        role.options = roles.map(|role| (role.name().to_owned(), p.word("role", role.name()))).collect();
        let name = typed.as_ref().map_or("", |(posted, _)| posted.trimmed("name"));
        action.fields = vec![
            Field::new(p, "text", "name", "field-name", name)
                .hint(p, "hint-name")
                .more("autocapitalize=\"none\" autocomplete=\"off\" required"),
            role,
            Field::new(
                p,
                "hidden",
                "merchant",
                "col-merchant",
                &merchant.map(|id| id.to_string()).unwrap_or_default(),
            ),
        ];
        action.effect = Some(p.t("effect-add-person").into_owned());
        action.fields.extend(stepup::field(app, signed_in, p)?);
        action.error = typed.map(|(_, error)| error);
        list.actions.push(action);
    }
    Ok(list)
}

fn state(p: &Page, person: &Staff, now: types::Time) -> Cell {
    let name = match person {
        person if !person.active => "inactive",
        person if person.locked(now) => "locked",
        person if person.must_change => "invited",
        _ => "active",
    };
    Cell::state(p, "state", name)
}

fn find(app: &App, signed_in: &SignedIn, id: i64) -> Result<Staff, Fail> {
    let person = app.queries().staff(OperatorId(id))?.ok_or_else(Problem::not_found)?;
    let own = signed_in.staff().merchant;
    if own.is_some() && own != person.merchant {
        return Err(Problem::not_found().into());
    }
    let may = signed_in.staff().may(Permission::SeeStaff, person.merchant);
    if may { Ok(person) } else { Err(Problem::forbidden().into()) }
}

/// `GET /console/people/{id}`.
pub(crate) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
) -> Result<Response, Fail> {
    let person = find(&app, &signed_in, id)?;
    record(&app, &signed_in, &person).await?.show()
}

async fn record(app: &App, signed_in: &SignedIn, person: &Staff) -> Result<Record, Fail> {
    let here = format!("{PATH}/{}", person.id);
    let p = Page::new(app, &signed_in.visit).at(&here).of(person.merchant);
    let state = state(&p, person, signed_in.visit.now);
    let mut record = Record::new(p, "person", person.name.to_string(), ("menu-people", PATH), state);
    let p = &record.p;
    let facts = [
        ("fact-number", Cell::code(&person.id.to_string())),
        ("col-role", Cell::text(&p.word("role", person.role.name()))),
        ("col-merchant", person.merchant.map_or_else(Cell::none, |id| Cell::code(&id.to_string()))),
        ("fact-created", Cell::time(p, person.created_at)),
        ("fact-signed-in", Cell::time_or_none(p, person.signed_in_at)),
        ("fact-code", Cell::text(&p.t(if person.totp.is_some() { "yes" } else { "no" }))),
    ];
    for (key, cell) in facts {
        record.fact(key, cell);
    }
    let other = person.id != signed_in.staff().id;
    if other && signed_in.staff().may(Permission::ManageStaff, person.merchant) {
        let p = &record.p;
        let mut reset = Action::new(p, "reset-person", "reset-person", format!("{here}/reset"));
        reset.effect = Some(p.t("effect-reset-person").into_owned());
        let (id, effect) = if person.active {
            ("close-person", "effect-close-person")
        } else {
            ("open-person", "effect-open-person")
        };
        let code = || stepup::field(app, signed_in, p);
        reset.fields.extend(code()?);
        let mut active = Action::new(p, id, id, format!("{here}/active"));
        active.effect = Some(p.t(effect).into_owned());
        let wanted = if person.active { "no" } else { "yes" };
        active.fields.push(Field::new(p, "hidden", "active", "col-state", wanted));
        active.fields.extend(code()?);
        record.actions = vec![reset, active];
    }
    record.with_timeline(app, person.journal).await
}

/// A page that shows a first password once.
async fn told(
    app: &App,
    signed_in: &SignedIn,
    id: OperatorId,
    password: &Secret<String>,
) -> Result<Response, Fail> {
    let person = app.queries().staff(id)?.ok_or_else(Problem::not_found)?;
    let mut record = record(app, signed_in, &person).await?;
    record.notes.push(record.p.t1("note-password", "password", password.expose()));
    record.actions.clear();
    record.show()
}

/// `POST /console/people`.
pub(crate) async fn create(
    State(app): State<App>,
    signed_in: SignedIn,
    posted: Posted,
) -> Result<Response, Fail> {
    let merchant = match posted.trimmed("merchant") {
        "" => None,
        text => Some(text.parse::<MerchantId>().map_err(|_| Problem::malformed())?),
    };
    if !signed_in.staff().may(Permission::ManageStaff, merchant) {
        return Err(Problem::forbidden().into());
    }
    let role = Role::from_name(posted.text("role")).ok_or_else(Problem::malformed)?;
    let again = async |error: String| {
        let list = page_of(&app, &signed_in, merchant, Some((&posted, error))).await?;
        page::show_as(axum::http::StatusCode::CONFLICT, &list)
    };
    if let Some(refused) = stepup::take(&app, &signed_in, &posted).await? {
        return again(refused).await;
    }
    let password = crypto::password::generate()?;
    let hash = app.hash(password.clone()).await?.ok_or_else(|| Problem::fault("a password too short"))?;
    let new = NewStaff { name: posted.trimmed("name").into(), merchant, role, password: hash };
    match app.run(&signed_in.visit, Command::CreateStaff(Box::new(new))).await {
        Ok(Reply::Staff(id)) => told(&app, &signed_in, id, &password).await,
        Ok(other) => Err(Problem::fault(&format!("an account: {other:?}")).into()),
        Err(Refusal::Rejected(why)) if why != Rejection::NotAllowed => {
            again(words_of(signed_in.visit.language, &why)).await
        }
        Err(why) => Err(why.into()),
    }
}

/// `POST /console/people/{id}/reset`.
pub(crate) async fn reset(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
    posted: Posted,
) -> Result<Response, Fail> {
    let person = find(&app, &signed_in, id)?;
    if let Some(refused) = stepup::take(&app, &signed_in, &posted).await? {
        return record(&app, &signed_in, &person).await?.refused("reset-person", refused);
    }
    let password = crypto::password::generate()?;
    let hash = app.hash(password.clone()).await?.ok_or_else(|| Problem::fault("a password too short"))?;
    app.run(&signed_in.visit, Command::ResetStaff { staff: person.id, password: hash }).await?;
    told(&app, &signed_in, person.id, &password).await
}

/// `POST /console/people/{id}/active`.
pub(crate) async fn set_active(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<i64>,
    posted: Posted,
) -> Result<Response, Fail> {
    let person = find(&app, &signed_in, id)?;
    let active = posted.text("active") == "yes";
    if let Some(refused) = stepup::take(&app, &signed_in, &posted).await? {
        let action = if active { "open-person" } else { "close-person" };
        return record(&app, &signed_in, &person).await?.refused(action, refused);
    }
    app.run(&signed_in.visit, Command::SetStaffActive(person.id, active)).await?;
    Ok(page::see_other(&format!("{PATH}/{}", person.id)))
}
