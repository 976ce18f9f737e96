//! Bank accounts of merchants: sealed on the way in, opened only where a file for the bank is written.

use crypto::{Purpose, Sealed, Vault, vault::VaultError};
use domain::payout::Beneficiary;
use types::{MerchantId, Secret};

/// A bank account as a person gives it.
#[derive(Clone, Debug)]
pub struct ClearAccount {
    /// The holder's name.
    pub holder: Secret<String>,
    /// The account number.
    pub number: Secret<String>,
    /// The bank's number in the payment system, 12 digits.
    pub bank: String,
    /// The bank's name.
    pub bank_name: String,
}

/// What the sealed parts are bound to: they open for this merchant only.
fn binding(merchant: MerchantId, part: &str) -> String {
    format!("bank_account:{part}:{merchant}")
}

/// Seals an account for `merchant`.
///
/// # Errors
/// [`VaultError`] when the machine gives no randomness.
pub fn seal(vault: &Vault, merchant: MerchantId, clear: &ClearAccount) -> Result<Beneficiary, VaultError> {
    let sealed = |part: &str, text: &Secret<String>| {
        let sealed = vault.seal(Purpose::CardData, &binding(merchant, part), text.expose().as_bytes());
        sealed.map(|sealed| Box::<[u8]>::from(sealed.as_bytes()))
    };
    let number = clear.number.expose();
    let from = number.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
    Ok(Beneficiary {
        holder: sealed("holder", &clear.holder)?,
        number: sealed("number", &clear.number)?,
        tail: number[from..].into(),
        bank: clear.bank.as_str().into(),
        bank_name: clear.bank_name.as_str().into(),
    })
}

/// Why a sealed account can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The vault has not the key, or the bytes were changed or belong to another merchant.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The stored bytes are no sealed text.
    #[error("the stored {0} of merchant {1} is damaged")]
    Damaged(&'static str, MerchantId),
}

/// Opens an account of `merchant`.
///
/// # Errors
/// [`OpenError`].
pub fn open(vault: &Vault, merchant: MerchantId, sealed: &Beneficiary) -> Result<ClearAccount, OpenError> {
    let text = |part: &'static str, bytes: &[u8]| -> Result<Secret<String>, OpenError> {
        let sealed = Sealed::from_bytes(bytes).ok_or(OpenError::Damaged(part, merchant))?;
        Ok(vault.open_text(Purpose::CardData, &binding(merchant, part), &sealed)?)
    };
    Ok(ClearAccount {
        holder: text("holder", &sealed.holder)?,
        number: text("number", &sealed.number)?,
        bank: sealed.bank.to_string(),
        bank_name: sealed.bank_name.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::MasterKey;

    #[test]
    fn an_account_opens_for_its_merchant_only() {
        let vault = Vault::new(1, &MasterKey::generate().unwrap());
        let clear = ClearAccount {
            holder: Secret::new("杭州茶叶有限公司".into()),
            number: Secret::new("6222021234567890002".into()),
            bank: "102100099996".into(),
            bank_name: "中国工商银行".into(),
        };
        let sealed = seal(&vault, MerchantId(5), &clear).unwrap();
        assert_eq!(&*sealed.tail, "0002");
        assert!(!format!("{sealed:?} {clear:?}").contains("62220212"), "never shown");
        let opened = open(&vault, MerchantId(5), &sealed).unwrap();
        assert_eq!(opened.number.expose(), clear.number.expose());
        assert_eq!(opened.holder.expose(), clear.holder.expose());
        assert!(open(&vault, MerchantId(6), &sealed).is_err());
        let swapped = Beneficiary { number: sealed.holder.clone(), ..sealed };
        assert!(open(&vault, MerchantId(5), &swapped).is_err());
    }
}
