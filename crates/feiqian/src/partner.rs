//! `feiqian merchant partner`: who may act for whom.

use crate::{
    Error,
    app::App,
    cli::Data,
    config::Config,
    database,
    home::Home,
    terms::{change, config},
};
use clap::{Args, Subcommand};
use domain::{
    Caller, Command,
    merchant::{Merchant, NewMerchant, Products},
    partner::{Permission, Permissions},
};
use engine::Queries;
use std::io::Write;
use types::{MerchantId, Rate};

/// Partners listed at once.
const LISTED: usize = 1_000;

#[derive(Debug, Subcommand)]
pub(crate) enum Partner {
    /// Make a merchant a sub-merchant of a partner, or change what the partner may do, while the platform is stopped.
    Add(PartnerAdd),
    /// End that a merchant is a sub-merchant, while the platform is stopped; nothing more is signed or paid in its name.
    Remove(PartnerRemove),
    /// List the sub-merchants of a partner, or all, with what the partner may do.
    List(PartnerList),
}

#[derive(Debug, Args)]
pub(crate) struct PartnerAdd {
    #[command(flatten)]
    data: Data,
    /// The partner, who signs the requests.
    #[arg(long, value_name = "MCHID")]
    partner: i64,
    /// The sub-merchant, whose money it is.
    #[arg(long)]
    mchid: i64,
    /// What the partner may do: pay, refund, bills, sharing, transfer.
    #[arg(long, value_delimiter = ',', default_value = "pay,refund,bills", value_parser = permission)]
    allow: Vec<Permission>,
    /// Register the sub-merchant first, under this name, with all products and without a certificate of its own.
    #[arg(long)]
    name: Option<String>,
    /// Fee of a sub-merchant that is registered, in millionths of each payment.
    #[arg(long, default_value_t = 6000, requires = "name", value_parser = clap::value_parser!(u32).range(0..=100_000))]
    fee_ppm: u32,
}

#[derive(Debug, Args)]
pub(crate) struct PartnerRemove {
    #[command(flatten)]
    data: Data,
    /// The partner.
    #[arg(long, value_name = "MCHID")]
    partner: i64,
    /// The sub-merchant.
    #[arg(long)]
    mchid: i64,
}

#[derive(Debug, Args)]
pub(crate) struct PartnerList {
    #[command(flatten)]
    data: Data,
    /// The partner; all when not given.
    #[arg(long, value_name = "MCHID")]
    partner: Option<i64>,
    /// Print one JSON array instead of text.
    #[arg(long)]
    json: bool,
}

fn permission(text: &str) -> Result<Permission, String> {
    Permission::from_name(text).ok_or_else(|| {
        let known: Vec<_> = Permission::ALL.into_iter().map(Permission::name).collect();
        format!("`{text}` is none of {}", known.join(", "))
    })
}

/// What is given, as a set.
pub(crate) fn permissions(given: &[Permission]) -> Permissions {
    given.iter().fold(Permissions::default(), |all, permission| all.and(*permission))
}

fn names(permissions: Permissions) -> Vec<&'static str> {
    permissions.iter().map(Permission::name).collect()
}

pub(crate) async fn run(command: &Partner) -> Result<bool, Error> {
    match command {
        Partner::Add(options) => add(options).await,
        Partner::Remove(options) => remove(options).await,
        Partner::List(options) => list(options),
    }
}

async fn add(options: &PartnerAdd) -> Result<bool, Error> {
    let (merchant, partner) = (MerchantId(options.mchid), MerchantId(options.partner));
    if let Some(name) = &options.name {
        register(&options.data, merchant, name, Rate(options.fee_ppm)).await?;
    }
    let permissions = permissions(&options.allow);
    change(&options.data, |_| Ok(Command::AddSubMerchant { merchant, partner, permissions })).await?;
    let may = names(permissions).join(", ");
    writeln!(std::io::stdout(), "merchant {merchant} is a sub-merchant of {partner}, who may: {may}")?;
    Ok(true)
}

/// Registers a merchant that needs no connection of its own: no application, certificate or key.
async fn register(data: &Data, id: MerchantId, name: &str, fee: Rate) -> Result<(), Error> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 64 {
        return Err("--name must have 1 to 64 characters".into());
    }
    if !(10_000_000..=9_999_999_999).contains(&id.0) {
        return Err("--mchid must have 8 to 10 digits".into());
    }
    let new = NewMerchant { id, name: name.into(), products: Products::ALL, fee, rate_per_s: 150 };
    change(data, |_| Ok(Command::RegisterMerchant(new))).await
}

async fn remove(options: &PartnerRemove) -> Result<bool, Error> {
    let (merchant, partner) = (MerchantId(options.mchid), MerchantId(options.partner));
    change(&options.data, |_| Ok(Command::RemoveSubMerchant { merchant, partner })).await?;
    writeln!(std::io::stdout(), "merchant {merchant} is no sub-merchant of {partner} any more")?;
    Ok(true)
}

fn list(options: &PartnerList) -> Result<bool, Error> {
    let (home, config): (Home, Config) = config(&options.data)?;
    let queries = database::snapshot(&home, &config)?;
    let mut found = Vec::new();
    match options.partner {
        None => found.extend(queries.merchants()?.into_iter().filter(|one| one.partnership.is_some())),
        Some(partner) => of_partner(&*queries, MerchantId(partner), &mut found)?,
    }
    let mut out = std::io::stdout();
    let known = found.iter().filter_map(|merchant| Some((merchant, merchant.partnership?)));
    if options.json {
        let rows: Vec<_> = known
            .map(|(merchant, known)| {
                serde_json::json!({
                    "mchid": merchant.id.to_string(),
                    "name": merchant.name,
                    "partner": known.partner.to_string(),
                    "permissions": names(known.permissions),
                    "since": known.since.rfc3339(),
                    "ended_at": known.ended_at.map(types::Time::rfc3339),
                })
            })
            .collect();
        writeln!(out, "{}", serde_json::Value::from(rows))?;
        return Ok(true);
    }
    for (merchant, known) in known {
        let until = known.ended_at.map_or(String::new(), |at| format!(" until {at}"));
        let may = names(known.permissions).join(", ");
        writeln!(
            out,
            "{} {}: sub-merchant of {} since {}{until}; may: {may}",
            merchant.id, merchant.name, known.partner, known.since
        )?;
    }
    Ok(true)
}

fn of_partner(queries: &dyn Queries, partner: MerchantId, found: &mut Vec<Merchant>) -> Result<(), Error> {
    loop {
        let past = found.last().map(|merchant| merchant.id);
        let some = queries.sub_merchants(partner, past, LISTED)?;
        let all = some.len() < LISTED;
        found.extend(some);
        if all {
            return Ok(());
        }
    }
}

/// Registers a sub-merchant and its partner's permissions in a running platform: for the sandbox.
pub(crate) async fn seed(app: &App, new: NewMerchant, partner: MerchantId) -> Result<(), engine::Refusal> {
    let merchant = new.id;
    let (engine, caller) = (&app.service.engine, Caller::platform);
    engine.run(Command::RegisterMerchant(new), caller()).await?;
    let command = Command::AddSubMerchant { merchant, partner, permissions: Permissions::ALL };
    engine.run(command, caller()).await.map(drop)
}
