//! `feiqian merchant sharing`: whether a merchant's orders are shared, how much of them, and what it does as a receiver.

use crate::{
    Error,
    cli::Data,
    database,
    terms::{change, config},
};
use clap::{ArgAction, Args};
use domain::{
    Command,
    merchant::MerchantChange,
    sharing::{Participation, RATIO_DEFAULT},
};
use std::io::Write;
use types::MerchantId;

#[derive(Debug, Args)]
pub(crate) struct Sharing {
    #[command(flatten)]
    data: Data,
    /// Merchant number.
    #[arg(long)]
    mchid: i64,
    /// Let the merchant share its orders; up to 30 % of each unless --max-ratio says otherwise.
    #[arg(long)]
    on: bool,
    /// Let it place no more orders that are to be shared; what is aside is released by time.
    #[arg(long, conflicts_with_all = ["on", "max_ratio"])]
    off: bool,
    /// How much of an order may go to others, of 10000: 3000 is 30 %. Switches sharing on.
    #[arg(long, value_name = "RATIO", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    max_ratio: Option<u16>,
    /// As a receiver: whether it gives back what it received when whoever shared asks.
    #[arg(long, value_name = "true|false", action = ArgAction::Set)]
    returns: Option<bool>,
    /// As a receiver: where it is told of what it received and gave back; empty for nowhere.
    #[arg(long, value_name = "URL")]
    notify_url: Option<String>,
}

impl Sharing {
    fn changes(&self) -> bool {
        self.on || self.off || self.max_ratio.is_some() || self.returns.is_some() || self.notify_url.is_some()
    }

    fn applied(&self, now: Participation) -> Result<Participation, Error> {
        let max_ratio = match (self.max_ratio, self.off) {
            (Some(ratio), _) => Some(ratio),
            (None, true) => None,
            (None, false) if self.on => now.max_ratio.or(Some(RATIO_DEFAULT)),
            (None, false) => now.max_ratio,
        };
        let notify_url = match &self.notify_url {
            Some(url) if !url.is_empty() && !protocol::field::is_notify_url(url) => {
                return Err(format!(
                    "`{url}` is no address such as https://shop.example/shares, without a query"
                )
                .into());
            }
            Some(url) => (**url).into(),
            None => now.notify_url,
        };
        Ok(Participation { max_ratio, returns: self.returns.unwrap_or(now.returns), notify_url })
    }
}

pub(crate) async fn run(options: &Sharing) -> Result<bool, Error> {
    let merchant = MerchantId(options.mchid);
    if options.changes() {
        change(&options.data, |app| {
            let known = app
                .service
                .queries
                .merchant(merchant)?
                .ok_or_else(|| format!("merchant {merchant} does not exist"))?;
            let sharing = Some(options.applied(known.sharing)?);
            let change = MerchantChange { sharing, ..MerchantChange::default() };
            Ok(Command::ChangeMerchant(merchant, Box::new(change)))
        })
        .await?;
    }
    let (home, config) = config(&options.data)?;
    let known = database::snapshot(&home, &config)?.merchant(merchant)?;
    let Participation { max_ratio, returns, notify_url } =
        known.ok_or_else(|| format!("merchant {merchant} does not exist"))?.sharing;
    let mut out = std::io::stdout();
    match max_ratio {
        Some(ratio) => writeln!(out, "shares up to {}.{:02} % of an order", ratio / 100, ratio % 100)?,
        None => writeln!(out, "does not share its orders")?,
    }
    writeln!(
        out,
        "as a receiver {} what it received",
        if returns { "gives back" } else { "does not give back" }
    )?;
    if notify_url.is_empty() {
        writeln!(out, "is not told of shares")?;
    } else {
        writeln!(out, "is told of shares at {notify_url}")?;
    }
    Ok(true)
}
