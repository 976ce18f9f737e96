//! `feiqian merchant fee | terms | bank-account | held`: what a merchant costs, when and where it is paid.

use crate::{Error, app::App, cli::Data, config::Config, database, home::Home};
use clap::{Args, ValueEnum};
use domain::{
    Caller, Command,
    fee::{self, Fees, NewVersion, PLATFORM, Promotion, Return, Rounding, Rule, Tier},
    merchant::Product,
    payout::Beneficiary,
    settlement::{Payouts, Terms},
};
use std::{io::Write, sync::Arc};
use types::{Currency, MerchantId, Money, Rate, Time};

#[derive(Debug, Args)]
pub(crate) struct MerchantFee {
    #[command(flatten)]
    data: Data,
    /// Merchant number; 0 is the platform's default.
    #[arg(long)]
    mchid: i64,
    /// The product the rule is for; every product without a rule of its own when not given.
    #[arg(long, value_enum)]
    product: Option<ProductName>,
    /// The new rule's rate in millionths: 6000 is 0.60 %. Without it the schedule is shown and nothing changes.
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    rate_ppm: Option<u32>,
    /// Fixed part in fen.
    #[arg(long, default_value_t = 0, requires = "rate_ppm")]
    fixed: i64,
    /// Least fee in fen.
    #[arg(long, default_value_t = 0, requires = "rate_ppm")]
    least: i64,
    /// Largest fee in fen.
    #[arg(long, requires = "rate_ppm")]
    most: Option<i64>,
    /// A tier as FROM:PPM or FROM:PPM:FIXED, amounts in fen; repeat for several, rising.
    #[arg(long, value_parser = tier, requires = "rate_ppm")]
    tier: Vec<Tier>,
    /// A rate for a time: FROM/UNTIL/PPM, times in RFC 3339.
    #[arg(long, value_parser = promotion, requires = "rate_ppm")]
    promotion: Option<Promotion>,
    /// How a part of a fen is rounded.
    #[arg(long, value_enum, default_value_t = RoundingName::HalfUp)]
    rounding: RoundingName,
    /// What of the fee goes back with a refund.
    #[arg(long, value_enum, default_value_t = ReturnName::ProRata)]
    returns: ReturnName,
    /// From when on, RFC 3339; at once when not given. The law asks for 30 days' notice.
    #[arg(long, value_parser = time)]
    from: Option<Time>,
    /// Change nothing: show what a payment of so many yuan costs by the schedule and, with a rate, by the new rule.
    #[arg(long, value_name = "YUAN")]
    preview: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ProductName {
    Jsapi,
    App,
    H5,
    Native,
    Code,
}

impl From<ProductName> for Product {
    fn from(name: ProductName) -> Self {
        match name {
            ProductName::Jsapi => Self::Jsapi,
            ProductName::App => Self::App,
            ProductName::H5 => Self::H5,
            ProductName::Native => Self::Native,
            ProductName::Code => Self::Code,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoundingName {
    HalfUp,
    Up,
    Down,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ReturnName {
    ProRata,
    None,
    WhenFull,
}

fn time(text: &str) -> Result<Time, String> {
    Time::parse_rfc3339(text)
        .ok_or_else(|| format!("`{text}` is not a time such as 2026-11-22T00:00:00+08:00"))
}

fn tier(text: &str) -> Result<Tier, String> {
    let bad = || format!("`{text}` is not a tier such as 100000:5000 or 100000:5000:10");
    let mut parts = text.split(':');
    let from = parts.next().and_then(|part| part.parse().ok()).ok_or_else(bad)?;
    let rate = Rate(parts.next().and_then(|part| part.parse().ok()).ok_or_else(bad)?);
    let fixed = parts.next().map_or(Ok(0), |part| part.parse().map_err(|_| bad()))?;
    if parts.next().is_some() { Err(bad()) } else { Ok(Tier { from, rate, fixed }) }
}

fn promotion(text: &str) -> Result<Promotion, String> {
    let bad = || format!("`{text}` is not FROM/UNTIL/PPM");
    let mut parts = text.split('/');
    let from = time(parts.next().ok_or_else(bad)?)?;
    let until = time(parts.next().ok_or_else(bad)?)?;
    let rate = Rate(parts.next().and_then(|part| part.parse().ok()).ok_or_else(bad)?);
    if parts.next().is_some() { Err(bad()) } else { Ok(Promotion { from, until, rate, fixed: 0 }) }
}

impl MerchantFee {
    fn rule(&self) -> Option<Rule> {
        Some(Rule {
            rate: Rate(self.rate_ppm?),
            fixed: self.fixed,
            least: self.least,
            most: self.most,
            tiers: self.tier.clone(),
            promotion: self.promotion,
            rounding: match self.rounding {
                RoundingName::HalfUp => Rounding::HalfUp,
                RoundingName::Up => Rounding::Up,
                RoundingName::Down => Rounding::Down,
            },
            returns: match self.returns {
                ReturnName::ProRata => Return::ProRata,
                ReturnName::None => Return::None,
                ReturnName::WhenFull => Return::WhenFull,
            },
        })
    }
}

pub(crate) fn config(data: &Data) -> Result<(Home, Config), Error> {
    let home = Home::new(&data.data);
    let config = Config::load(&home, data.config.as_deref())?;
    Ok((home, config.with_database(data.database.as_deref())))
}

/// Runs a command while the platform is stopped.
pub(crate) async fn change(
    data: &Data,
    command: impl FnOnce(&App) -> Result<Command, Error>,
) -> Result<(), Error> {
    let (home, config) = config(data)?;
    let app = App::open(&home, &config, crate::nodes::As::Tool).await?;
    let done = match command(&app) {
        Ok(command) => app.service.engine.run(command, Caller::platform()).await.map_err(Error::from),
        Err(error) => Err(error),
    };
    app.close();
    done.map(|_| ())
}

/// Shows, previews or changes a fee schedule.
pub(crate) async fn fee(options: &MerchantFee) -> Result<bool, Error> {
    let mut out = std::io::stdout();
    let merchant = MerchantId(options.mchid);
    let product = options.product.map(Product::from);
    if let (Some(rule), None) = (options.rule(), &options.preview) {
        let shown = rule.to_string();
        let new = NewVersion { merchant, effective_from: options.from, product, rule: Some(rule) };
        change(&options.data, |_| Ok(Command::SetFees(Box::new(new)))).await?;
        writeln!(out, "merchant {merchant}: {shown}")?;
        return Ok(true);
    }
    let (home, config) = config(&options.data)?;
    let queries = database::snapshot(&home, &config)?;
    let (own, platform) = (queries.fees(merchant)?, queries.fees(PLATFORM)?);
    if let Some(yuan) = &options.preview {
        let amount = Money::parse(yuan, Currency::CNY)?;
        let at = options.from.unwrap_or_else(|| engine::Clock::now(&engine::SystemClock));
        for product in product.map_or(Product::ALL.to_vec(), |product| vec![product]) {
            let (now, rule) = fee::preview(own.as_ref(), platform.as_ref(), product, amount, at);
            write!(out, "{product:?} {amount}: fee {now} ({rule})")?;
            if let Some(new) = options.rule() {
                write!(out, "; new: {} ({new})", Money::cny(new.fee(amount.minor, at)))?;
            }
            writeln!(out)?;
        }
        return Ok(true);
    }
    for (whose, fees) in [("merchant", own), ("platform", platform)] {
        print(&mut out, whose, fees.as_ref())?;
    }
    Ok(true)
}

fn print(out: &mut impl Write, whose: &str, fees: Option<&Fees>) -> std::io::Result<()> {
    let Some(fees) = fees else { return writeln!(out, "{whose}: no schedule of its own") };
    for version in &fees.versions {
        let product = version.product.map_or("every product".to_owned(), |product| format!("{product:?}"));
        let rule = version.rule.as_ref().map_or("platform's default".to_owned(), ToString::to_string);
        writeln!(out, "{whose}: {product} from {}: {rule}", version.effective_from)?;
    }
    Ok(())
}

#[derive(Debug, Args)]
pub(crate) struct MerchantTerms {
    #[command(flatten)]
    data: Data,
    /// Merchant number; 0 is the platform's default.
    #[arg(long)]
    mchid: i64,
    /// n of T+n in working days, 0 to 30.
    #[arg(long, default_value_t = 1)]
    delay: u16,
    /// Part of each release that is kept back, in millionths.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    reserve_ppm: u32,
    /// Days that it is kept, 0 to 365.
    #[arg(long, default_value_t = 0)]
    reserve_days: u16,
    /// Pay released money out by itself.
    #[arg(long)]
    automatic_payout: bool,
    /// The least automatic payout, fen.
    #[arg(long, default_value_t = 100)]
    payout_least: i64,
}

/// Sets the terms of settlement.
pub(crate) async fn terms(options: &MerchantTerms) -> Result<bool, Error> {
    let terms = Terms {
        delay: options.delay,
        reserve: Rate(options.reserve_ppm),
        reserve_days: options.reserve_days,
        payouts: if options.automatic_payout { Payouts::Automatic } else { Payouts::OnRequest },
        payout_least: options.payout_least,
    };
    let merchant = MerchantId(options.mchid);
    change(&options.data, |_| Ok(Command::SetSettlementTerms(merchant, Some(terms)))).await?;
    writeln!(std::io::stdout(), "merchant {merchant}: T+{}", options.delay)?;
    Ok(true)
}

#[derive(Debug, Args)]
pub(crate) struct MerchantAccount {
    #[command(flatten)]
    data: Data,
    /// Merchant number.
    #[arg(long)]
    mchid: i64,
    /// The bank's number in the payment system, 12 digits.
    #[arg(long)]
    bank: String,
    /// The bank's name.
    #[arg(long)]
    bank_name: String,
    /// The holder, the merchant itself. Sealed.
    #[arg(long)]
    holder: String,
    /// File that holds the account number, so that it stands in no shell history. Sealed.
    #[arg(long, value_name = "FILE")]
    number_file: std::path::PathBuf,
}

/// Sets the bank account that a merchant is paid to.
pub(crate) async fn bank_account(options: &MerchantAccount) -> Result<bool, Error> {
    let read = std::fs::read_to_string(&options.number_file);
    let number = read.map_err(|error| format!("{}: {error}", options.number_file.display()))?;
    let number = number.trim().to_owned();
    if !(5..=34).contains(&number.len()) || !number.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err("an account number has 5 to 34 letters and digits".into());
    }
    let holder = options.holder.trim();
    if holder.is_empty() || holder.chars().count() > 70 {
        return Err("--holder must have 1 to 70 characters".into());
    }
    let merchant = MerchantId(options.mchid);
    change(&options.data, |app| {
        let account = service::payout::seal(
            &app.service.vault,
            merchant,
            &service::payout::ClearAccount {
                holder: types::Secret::new(holder.to_owned()),
                number: types::Secret::new(number.clone()),
                bank: options.bank.clone(),
                bank_name: options.bank_name.clone(),
            },
        )?;
        let account: Arc<Beneficiary> = Arc::new(account);
        Ok(Command::SetBankAccount(merchant, account))
    })
    .await?;
    writeln!(std::io::stdout(), "merchant {merchant} is paid to {} …{}", options.bank, tail(&number))?;
    Ok(true)
}

fn tail(number: &str) -> &str {
    &number[number.len().saturating_sub(4)..]
}

#[derive(Debug, Args)]
pub(crate) struct MerchantHeld {
    #[command(flatten)]
    data: Data,
    /// Merchant number.
    #[arg(long)]
    mchid: i64,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Prints a merchant's money and every cent it can't use. The platform may be running.
pub(crate) fn held(options: &MerchantHeld) -> Result<bool, Error> {
    let (home, config) = config(&options.data)?;
    let queries = database::snapshot(&home, &config)?;
    let merchant = MerchantId(options.mchid);
    if queries.merchant(merchant)?.is_none() {
        return Err(format!("merchant {merchant} does not exist").into());
    }
    let position = engine::position(&*queries, merchant)?;
    let newest = queries.journal(types::PageRequest::new(1, None))?.rows.first().map(|line| line.at);
    let now = engine::Clock::now(&engine::SystemClock).max(newest.unwrap_or_default());
    let list = position.list(now);
    let mut out = std::io::stdout();
    if options.json {
        let (free, total) = (position.free().minor, position.total());
        writeln!(out, "{}", serde_json::json!({ "available": free, "total": total, "held": list }))?;
        return Ok(true);
    }
    writeln!(out, "available {}", position.free())?;
    for held in list {
        let until = held.release_at.map_or("until it is decided".to_owned(), |at| format!("until {at}"));
        writeln!(out, "held {} {} {until} {} {}", held.amount, held.reason.name(), held.subject, held.note)?;
    }
    writeln!(out, "in all {}", Money::cny(position.total()))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_and_promotions_are_read() {
        assert_eq!(tier("100000:5000"), Ok(Tier { from: 100_000, rate: Rate(5_000), fixed: 0 }));
        assert_eq!(tier("1:2:3"), Ok(Tier { from: 1, rate: Rate(2), fixed: 3 }));
        for bad in ["", "1", "1:x", "1:2:3:4", "-:1"] {
            assert!(tier(bad).is_err(), "{bad}");
        }
        let read = promotion("2026-11-11T00:00:00+08:00/2026-11-12T00:00:00+08:00/1000").unwrap();
        assert_eq!((read.rate, read.until.since(read.from)), (Rate(1_000), types::time::DAY));
        for bad in ["", "a/b/1", "2026-11-11T00:00:00+08:00/2026-11-12T00:00:00+08:00"] {
            assert!(promotion(bad).is_err(), "{bad}");
        }
    }
}
