//! Where payouts leave: the folder shared with the platform's bank, and in a sandbox the bank itself.

use crate::{
    config::{Config, Mode},
    home::Home,
};
use bank::{AccountNumber, BankNumber, Name, Party, simulated};
use std::{path::PathBuf, sync::Mutex, time::Duration};
use types::Money;
use worker::payouts::Desk;

/// What stands on the sandbox's bank account at first.
const OPENING: Money = Money::cny(100_000_000_00);
const EVERY: Duration = Duration::from_secs(5);

/// The desk that the configuration describes; none in production without `bank_folder`: payouts then wait.
///
/// # Errors
/// What is wrong with the configuration or the folder.
pub(crate) fn open(home: &Home, config: &Config) -> Result<Option<Desk>, String> {
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
    let simulated = if sandbox {
        let setup = simulated::Setup::new(1, debtor.account.clone(), debtor.name.clone(), OPENING);
        let bank = simulated::Bank::open(setup, &folder).map_err(|fault| fault.to_string())?;
        Some(Mutex::new(bank))
    } else {
        None
    };
    Ok(Some(Desk { folder, debtor, every: EVERY, simulated }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_has_a_bank_and_production_the_one_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        assert!(open(&home, &Config::default()).unwrap().is_none());
        let sandbox = Config { mode: Mode::Sandbox, ..Config::default() };
        assert!(open(&home, &sandbox).unwrap().unwrap().simulated.is_some());
        let named = Config { bank_folder: folder.path().display().to_string(), ..Config::default() };
        let told = open(&home, &named).unwrap_err();
        assert!(told.starts_with("bank_holder"), "{told}");
        let whole = Config {
            bank_account: "3301040160012345678".into(),
            bank_holder: "Tea Pay".into(),
            bank_number: "104331000018".into(),
            ..named
        };
        assert!(open(&home, &whole).unwrap().unwrap().simulated.is_none());
    }
}
