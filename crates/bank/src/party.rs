//! Who pays and who is paid. Names and account numbers are personal data and never print in clear.

use crate::xml::{Element, Writer};
use intake::Fault;
use serde::{Deserialize, Serialize};
use std::{fmt, io::Write};
use types::Masked;

/// An account number: 1 to 34 letters, digits, `-` and `/`. Shows as its last four characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountNumber(String);

impl AccountNumber {
    /// Reads an account number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'/');
        let fits = (1..=34).contains(&text.len()) && text.bytes().all(known);
        fits.then(|| Self(text.to_owned()))
    }

    /// The last four characters, or all of a shorter one.
    #[must_use]
    pub fn tail(&self) -> &str {
        &self.0[self.0.len().saturating_sub(4)..]
    }
}

impl Masked for AccountNumber {
    fn expose(&self) -> &str {
        &self.0
    }
    fn masked(&self) -> String {
        format!("****{}", self.tail())
    }
}

impl fmt::Debug for AccountNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl TryFrom<String> for AccountNumber {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not an account number of 1 to 34 letters and digits")
    }
}

impl From<AccountNumber> for String {
    fn from(number: AccountNumber) -> Self {
        number.0
    }
}

/// A holder's name: 1 to 140 characters. Shows as its first character.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// Reads a name; spaces around it are dropped.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = (1..=140).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned()))
    }
}

impl Masked for Name {
    fn expose(&self) -> &str {
        &self.0
    }
    fn masked(&self) -> String {
        self.0.chars().take(1).chain("**".chars()).collect()
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl TryFrom<String> for Name {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a name of 1 to 140 characters")
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

/// A bank's number in the payment system (联行号, clearing system `CNAPS`): 12 digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BankNumber(String);

impl BankNumber {
    /// Reads a bank's number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| Self(text.to_owned()))
    }

    /// The 12 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for BankNumber {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a bank's number of 12 digits")
    }
}

impl From<BankNumber> for String {
    fn from(number: BankNumber) -> Self {
        number.0
    }
}

/// A holder with an account at a bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Whose account.
    pub name: Name,
    /// The account.
    pub account: AccountNumber,
    /// Its bank.
    pub bank: BankNumber,
    /// The bank's name, at most 140 characters.
    pub bank_name: Option<String>,
}

/// Code of the mainland's clearing system in the external code list.
const CNAPS: &str = "CNAPS";

impl Party {
    pub(crate) fn write_agent<W: Write>(&self, out: &mut Writer<W>, name: &'static str) -> Result<(), Fault> {
        out.open(name)?;
        out.open("FinInstnId")?;
        out.open("ClrSysMmbId")?;
        out.text("ClrSysId/Cd", CNAPS, 5)?;
        out.text("MmbId", self.bank.as_str(), 35)?;
        out.close(1)?;
        out.text_if("Nm", self.bank_name.as_deref(), 140)?;
        out.close(2)
    }

    /// Reads the holder at `name`, the account at `account` and the bank at `agent`.
    pub(crate) fn read(from: &Element, name: &str, account: &str, agent: &str) -> Result<Self, Fault> {
        let (number, number_path) = number(from, account)?;
        let holder_path = format!("{name}/Nm");
        let holder = from.text(&holder_path, 140)?;
        let code_path = format!("{agent}/FinInstnId/ClrSysMmbId/ClrSysId/Cd");
        let code = from.text(&code_path, 5)?;
        if code != CNAPS {
            return Err(from.fault(&code_path, format!("clearing system `{code}` is not {CNAPS}")));
        }
        let bank_path = format!("{agent}/FinInstnId/ClrSysMmbId/MmbId");
        let bank = from.text(&bank_path, 35)?;
        Ok(Self {
            name: Name::parse(&holder).ok_or_else(|| from.fault(&holder_path, "is no name"))?,
            account: number.ok_or_else(|| from.fault(&number_path, "is missing"))?,
            bank: BankNumber::parse(&bank).ok_or_else(|| {
                from.fault(&bank_path, format!("`{bank}` is not a bank's number of 12 digits"))
            })?,
            bank_name: from.text_if(&format!("{agent}/FinInstnId/Nm"), 140)?,
        })
    }
}

/// The account number inside element `path`, and where it stands.
pub(crate) fn number(from: &Element, path: &str) -> Result<(Option<AccountNumber>, String), Fault> {
    let place = format!("{path}/Id/Othr/Id");
    let Some(text) = from.text_if(&place, 256)? else { return Ok((None, place)) };
    // The number itself stays out of the message.
    let number = AccountNumber::parse(&text).ok_or_else(|| from.fault(&place, "is no account number"))?;
    Ok((Some(number), place))
}
