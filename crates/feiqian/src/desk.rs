//! Where payouts leave: the folder shared with the platform's bank, and in a sandbox the bank itself.

use crate::{
    config::{Config, Mode},
    home::Home,
};
use bank::{AccountNumber, BankNumber, Name, Party, simulated};
use std::{path::PathBuf, sync::Mutex, time::Duration};
use types::Money;
use worker::{
    payouts::Desk,
    reconcile::{Statements, statement::files::csv_format},
};

/// What stands on the sandbox's bank account at first.
const OPENING: Money = Money::cny(100_000_000_00);
/// How often the folder is looked at.
pub(crate) const EVERY: Duration = Duration::from_secs(5);

/// The folder shared with the bank, the platform's account, and whether the bank is the sandbox's own; none in production
/// without `bank_folder`.
fn account(home: &Home, config: &Config) -> Result<Option<(PathBuf, Party, bool)>, String> {
    let sandbox = config.mode == Mode::Sandbox && config.bank_folder.is_empty();
    if config.bank_folder.is_empty() && !sandbox {
        return Ok(None);
    }
    let named = |given: &str, sandboxes: &str| if sandbox { sandboxes.to_owned() } else { given.to_owned() };
    let wrong = |setting: &str, value: &str, form: &str| format!("{setting}: `{value}` is not {form}");
    let account = named(&config.bank_account, "3301040160012345678");
    let holder = named(&config.bank_holder, "飞钱沙箱备付金");
    let number = named(&config.bank_number, "104331000018");
    let debtor = Party {
        name: Name::parse(&holder).ok_or_else(|| wrong("bank_holder", &holder, "a name"))?,
        account: AccountNumber::parse(&account)
            .ok_or_else(|| wrong("bank_account", "…", "an account number of 5 to 34 letters and digits"))?,
        bank: BankNumber::parse(&number)
            .ok_or_else(|| wrong("bank_number", &number, "a bank number of 12 digits"))?,
        bank_name: None,
    };
    let folder = if sandbox { home.bank() } else { PathBuf::from(&config.bank_folder) };
    Ok(Some((folder, debtor, sandbox)))
}

/// Where the bank's statements come in; none without a bank.
///
/// # Errors
/// What is wrong with the configuration.
pub(crate) fn statements(home: &Home, config: &Config) -> Result<Option<Statements>, String> {
    let Some((folder, debtor, _)) = account(home, config)? else { return Ok(None) };
    let file = &config.statement_format;
    let format = if file.is_empty() {
        csv_format()
    } else {
        let wrong = |why: &dyn std::fmt::Display| format!("statement_format: {file}: {why}");
        let text = std::fs::read(file).map_err(|error| wrong(&error))?;
        serde_json::from_slice(&text).map_err(|error| wrong(&error))?
    };
    let channel_prefix = config.channel_prefix.clone();
    Ok(Some(Statements { folder, marks: home.statements(), account: debtor.account, format, channel_prefix }))
}

/// The desk that the configuration describes; none in production without `bank_folder`: payouts then wait. Files are looked
/// for `every` so often.
///
/// # Errors
/// What is wrong with the configuration or the folder.
pub(crate) fn open(home: &Home, config: &Config, every: Duration) -> Result<Option<Desk>, String> {
    let Some((folder, debtor, sandbox)) = account(home, config)? else { return Ok(None) };
    let simulated = if sandbox {
        let setup = simulated::Setup::new(1, debtor.account.clone(), debtor.name.clone(), OPENING);
        let bank = simulated::Bank::open(setup, &folder).map_err(|fault| fault.to_string())?;
        Some(Mutex::new(bank))
    } else {
        None
    };
    Ok(Some(Desk { folder, debtor, every, simulated }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_has_a_bank_and_production_the_one_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        assert!(open(&home, &Config::default(), EVERY).unwrap().is_none());
        let sandbox = Config { mode: Mode::Sandbox, ..Config::default() };
        assert!(open(&home, &sandbox, EVERY).unwrap().unwrap().simulated.is_some());
        let named = Config { bank_folder: folder.path().display().to_string(), ..Config::default() };
        let told = open(&home, &named, EVERY).unwrap_err();
        assert!(told.starts_with("bank_holder"), "{told}");
        let whole = Config {
            bank_account: "3301040160012345678".into(),
            bank_holder: "Tea Pay".into(),
            bank_number: "104331000018".into(),
            ..named
        };
        assert!(open(&home, &whole, EVERY).unwrap().unwrap().simulated.is_none());
    }
}
