//! Signatures, certificates, sealing and tokens of the merchant API (wire §1.3–§1.9, §2, §3.3, §5).
//!
//! What is *not* here: sockets, files, the clock and any payment rule. Time is always a parameter; the only thing
//! taken from outside is randomness of the operating system, through [`random`]. One provider does the
//! arithmetic, aws-lc-rs; this crate arranges bytes around it.
//!
//! | Module | Noun |
//! | --- | --- |
//! | [`rsa`] | a private key, a public key |
//! | [`certificate`] | an X.509 certificate read back |
//! | [`request`] | what a merchant signs: the `Authorization` header |
//! | [`answer`] | what the platform signs: answers and callbacks |
//! | [`aead`] | the APIv3 key and what it encrypts |
//! | [`platform`] | the platform's own keys in both modes, and certificates it issues |
//! | [`vault`] | the master key, sealed secrets, keyed hashes |
//! | [`token`] | prepay_id, code_url, h5 token, openid, session token |
//! | [`password`], [`totp`] | what staff sign in with |
//! | [`pay_sign`] | what a merchant's front end signs to open the cashier |

pub mod aead;
pub mod answer;
pub mod certificate;
pub mod checksum;
pub mod password;
pub mod pay_sign;
mod pem;
pub mod platform;
pub mod random;
pub mod request;
pub mod rsa;
pub mod token;
pub mod totp;
pub mod vault;

pub use aead::ApiV3Key;
pub use certificate::Certificate;
pub use checksum::Checksum;
pub use platform::PlatformKeys;
pub use rsa::{PrivateKey, PublicKey};
pub use token::Tokens;
pub use totp::TotpSecret;
pub use vault::{MasterKey, Purpose, Sealed, Vault};
