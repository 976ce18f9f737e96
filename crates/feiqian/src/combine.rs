//! `feiqian merchant combine`: who may take a merchant's orders into a combined order.

use crate::{Error, cli::Data, terms::change};
use clap::Args;
use domain::{Command, merchant::MerchantChange};
use std::io::Write;
use types::MerchantId;

#[derive(Debug, Args)]
#[group(id = "change", required = true, multiple = false)]
pub(crate) struct Change {
    /// Merchant that may combine its orders with others' from now on.
    #[arg(long, value_name = "MCHID")]
    allow: Option<i64>,
    /// Merchant that may do so no more; combined orders that were placed can still be paid.
    #[arg(long, value_name = "MCHID")]
    forbid: Option<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct Combine {
    #[command(flatten)]
    data: Data,
    /// The merchant whose orders are combined.
    #[arg(long)]
    mchid: i64,
    #[command(flatten)]
    change: Change,
}

pub(crate) async fn run(options: &Combine) -> Result<bool, Error> {
    let (merchant, asked) = (MerchantId(options.mchid), &options.change);
    let settings = MerchantChange {
        allow_combine: asked.allow.map(MerchantId),
        forbid_combine: asked.forbid.map(MerchantId),
        ..MerchantChange::default()
    };
    change(&options.data, |_| Ok(Command::ChangeMerchant(merchant, Box::new(settings.clone())))).await?;
    match (asked.allow, asked.forbid) {
        (Some(other), _) => writeln!(std::io::stdout(), "{other} may combine the orders of {merchant}")?,
        (_, other) => {
            let other = other.unwrap_or_default();
            writeln!(std::io::stdout(), "{other} may combine the orders of {merchant} no more")?;
        }
    }
    Ok(true)
}
