//! Texts that carry their own proof, so that nothing about them is stored: order tokens, links to bills and openids;
//! and random session tokens, of which only a hash is stored.

mod bill;
mod openid;
mod order;
mod user_transfer;

pub use bill::BillToken;
pub use order::{OrderToken, TokenKind};

use crate::{
    MasterKey,
    random::{self, NoRandomness},
};
use aws_lc_rs::{
    hkdf::{HKDF_SHA256, Prk},
    hmac,
};
use data_encoding::BASE64URL_NOPAD;
use std::fmt;
use types::Secret;
use zeroize::Zeroize;

/// Makes and reads tokens. Belongs to a [`crate::Vault`].
///
/// ```
/// use crypto::{MasterKey, Vault, token::TokenKind};
/// use types::{OrderId, PayerId, Time};
/// let vault = Vault::new(1, &MasterKey::generate()?);
/// let tokens = vault.tokens();
/// let now = Time::from_unix(1_790_000_000);
///
/// let prepay_id = tokens.prepay_id(OrderId(911), now);
/// let read = tokens.open_prepay_id(&prepay_id).ok_or("not ours")?;
/// assert_eq!((read.kind, read.order, read.issued_at), (TokenKind::Prepay, OrderId(911), now));
///
/// let app = "wx8888888888888888".parse()?;
/// let openid = tokens.openid(app, PayerId(5));
/// assert_eq!(tokens.open_openid(app, &openid), Some(PayerId(5)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Tokens {
    order: hmac::Key,
    bill: hmac::Key,
    bill_seal: Prk,
    openid: Prk,
    user_transfer: hmac::Key,
}

impl Tokens {
    pub(crate) fn derive(master: &MasterKey) -> Self {
        let mut order: [u8; 32] = master.derive("token/order");
        let mut bill: [u8; 32] = master.derive("token/bill");
        let mut bill_seal: [u8; 32] = master.derive("token/bill-seal");
        let mut openid: [u8; 32] = master.derive("token/openid");
        let mut user_transfer: [u8; 32] = master.derive("token/user-transfer");
        let tokens = Self {
            order: hmac::Key::new(hmac::HMAC_SHA256, &order),
            bill: hmac::Key::new(hmac::HMAC_SHA256, &bill),
            bill_seal: Prk::new_less_safe(HKDF_SHA256, &bill_seal),
            openid: Prk::new_less_safe(HKDF_SHA256, &openid),
            user_transfer: hmac::Key::new(hmac::HMAC_SHA256, &user_transfer),
        };
        order.zeroize();
        bill.zeroize();
        bill_seal.zeroize();
        openid.zeroize();
        user_transfer.zeroize();
        tokens
    }
}

#[cfg(test)]
fn tokens(seed: u8) -> Tokens {
    Tokens::derive(&MasterKey::from_bytes([seed; 32]))
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(***)")
    }
}

/// A new session token: 32 random bytes, 43 characters of URL-safe Base64. Store its hash
/// ([`crate::vault::Hasher::token`]), never itself.
///
/// ```
/// assert_eq!(crypto::token::session()?.expose().len(), 43);
/// # Ok::<(), crypto::random::NoRandomness>(())
/// ```
///
/// # Errors
/// [`NoRandomness`].
pub fn session() -> Result<Secret<String>, NoRandomness> {
    let mut bytes = random::bytes::<32>()?;
    let text = Secret::new(BASE64URL_NOPAD.encode(&bytes));
    bytes.zeroize();
    Ok(text)
}
