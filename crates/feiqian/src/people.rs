//! Accounts of the consoles: the first ones, and `feiqian staff`.

use crate::{
    app::App,
    cli,
    config::Config,
    home::{Home, write_private},
    nodes::As,
};
use domain::{
    Caller, Command, Reply,
    staff::{NewStaff, Role, is_name},
};
use serde::Serialize;
use service::Service;
use std::io::Write;
use types::{MerchantId, Secret};

type Error = Box<dyn std::error::Error>;

/// An account whose first password is told once.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    pub(crate) name: String,
    pub(crate) role: &'static str,
    pub(crate) merchant: Option<MerchantId>,
    pub(crate) password: String,
}

impl Told {
    fn line(&self) -> String {
        let place = self.merchant.map_or_else(|| "platform".to_owned(), |id| format!("merchant {id}"));
        format!("{} ({}, {place}), first password {}", self.name, self.role, self.password)
    }
}

/// Makes an account with a random first password.
pub(crate) async fn add(
    service: &Service,
    name: &str,
    merchant: Option<MerchantId>,
    role: Role,
) -> Result<Told, Error> {
    let (password, hash) = password().await?;
    let new = NewStaff { name: name.into(), merchant, role, password: hash };
    match service.engine.run(Command::CreateStaff(Box::new(new)), Caller::platform()).await? {
        Reply::Staff(_) => Ok(Told {
            name: name.to_owned(),
            role: role.name(),
            merchant,
            password: password.expose().clone(),
        }),
        other => Err(format!("an account was made with {other:?}").into()),
    }
}

async fn password() -> Result<(Secret<String>, Secret<String>), Error> {
    let password = crypto::password::generate()?;
    let clear = password.clone();
    let hash = tokio::task::spawn_blocking(move || crypto::password::hash(&clear)).await??;
    Ok((password, hash))
}

/// The platform's first account, when it has none yet; told on the terminal, kept nowhere.
pub(crate) async fn first(service: &Service, base: &str) -> Result<(), Error> {
    if service.queries.staff_of(None, 1)?.is_empty() {
        let told = add(service, "admin", None, Role::Administrator).await?;
        let mut out = std::io::stderr();
        writeln!(out, "console    {base}/console   {}", told.line())?;
        writeln!(
            out,
            "           shown only now; it is replaced at the first sign-in. Lost it? feiqian staff reset admin"
        )?;
    }
    Ok(())
}

/// The accounts of a sandbox: one of the platform's administrator, two who decide about money, and the merchant's owner.
/// They are written beside the keys, since nothing in a sandbox is secret.
pub(crate) async fn sandbox(
    service: &Service,
    home: &Home,
    merchant: MerchantId,
) -> Result<Vec<Told>, Error> {
    let all = [
        ("admin", None, Role::Administrator),
        ("finance", None, Role::Finance),
        ("finance-2", None, Role::Finance),
        ("owner", Some(merchant), Role::Owner),
    ];
    let mut made = Vec::new();
    for (name, merchant, role) in all {
        made.push(add(service, name, merchant, role).await?);
    }
    write_private(&home.sandbox().join("console.json"), &serde_json::to_vec_pretty(&made)?)?;
    Ok(made)
}

async fn open(data: &cli::Data) -> Result<App, Error> {
    let home = Home::new(&data.data);
    let config = Config::load(&home, data.config.as_deref())?.with_database(data.database.as_deref());
    Ok(App::open(&home, &config, As::Tool).await?)
}

/// `feiqian staff add`.
pub(crate) async fn run_add(options: &cli::StaffAdd) -> Result<bool, Error> {
    if !is_name(&options.name) {
        return Err(domain::Rejection::StaffNameWrong.to_string().into());
    }
    let role = Role::from_name(&options.role).ok_or_else(|| {
        let names: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
        format!("--role must be one of {}", names.join(", "))
    })?;
    let app = open(&options.data).await?;
    let told = add(&app.service, &options.name, options.merchant.map(MerchantId), role).await;
    app.close();
    writeln!(std::io::stdout(), "{}", told?.line())?;
    Ok(true)
}

/// `feiqian staff reset`.
pub(crate) async fn run_reset(options: &cli::StaffReset) -> Result<bool, Error> {
    let app = open(&options.data).await?;
    let outcome = reset(&app.service, &options.name).await;
    app.close();
    writeln!(std::io::stdout(), "{}: first password {}", options.name, outcome?)?;
    Ok(true)
}

async fn reset(service: &Service, name: &str) -> Result<String, Error> {
    let known = service.queries.staff_by_name(name)?;
    let known = known.ok_or_else(|| format!("nobody signs in as `{name}`; feiqian staff list names all"))?;
    let (password, hash) = password().await?;
    let command = Command::ResetStaff { staff: known.id, password: hash };
    service.engine.run(command, Caller::platform()).await?;
    Ok(password.expose().clone())
}

/// `feiqian staff list`.
pub(crate) async fn run_list(options: &cli::StaffList) -> Result<bool, Error> {
    let app = open(&options.data).await?;
    let people = app.service.queries.staff_of(options.merchant.map(MerchantId), 10_000);
    app.close();
    let mut out = std::io::stdout();
    for person in people? {
        let state = if person.active { "active" } else { "closed" };
        let seen = person.signed_in_at.map_or_else(|| "never".to_owned(), |at| at.local());
        writeln!(out, "{:<24} {:<14} {state:<7} last sign-in {seen}", person.name, person.role.name())?;
    }
    Ok(true)
}
