//! `feiqian merchant transfer-scenes`: what a merchant may transfer money to users for.

use crate::{
    Error,
    cli::Data,
    database,
    terms::{change, config},
};
use clap::Args;
use domain::{Command, user_transfer::scene};
use std::io::Write;
use types::MerchantId;

#[derive(Debug, Args)]
pub(crate) struct TransferScenes {
    #[command(flatten)]
    data: Data,
    /// Merchant number.
    #[arg(long)]
    mchid: i64,
    /// Scenes to open, such as 1000,1005; those not named are closed. Without it nothing changes and they are listed.
    #[arg(long, value_delimiter = ',', value_name = "SCENE", conflicts_with = "close")]
    open: Vec<u16>,
    /// Close all of them.
    #[arg(long)]
    close: bool,
}

pub(crate) async fn run(options: &TransferScenes) -> Result<bool, Error> {
    let merchant = MerchantId(options.mchid);
    if options.close || !options.open.is_empty() {
        let scenes = options.open.clone();
        change(&options.data, |_| Ok(Command::SetTransferScenes(merchant, scenes))).await?;
    }
    let (home, config) = config(&options.data)?;
    let queries = database::snapshot(&home, &config)?;
    let plan = queries.transfer_plan(merchant)?;
    let open = plan.map(|plan| plan.scenes).unwrap_or_default();
    let mut out = std::io::stdout();
    for known in &scene::SCENES {
        let state = if open.contains(&known.id) { "open" } else { "closed" };
        writeln!(out, "{}  {state:6}  {} ({})", known.id, known.name, known.name_en)?;
    }
    Ok(true)
}
