//! The token inside a bill's `download_url`: whose bill, which, of which day, since when, proved by a MAC. And the key
//! under which a sub-merchant's bill is sent (wire §6): derived from the token, so that nothing of it is stored and every
//! node can answer.

use super::Tokens;
use crate::{
    ApiV3Key,
    aead::{AeadError, NONCE_CHARS},
    random,
    vault::same,
};
use aws_lc_rs::{hkdf, hmac};
use data_encoding::BASE64URL_NOPAD;
use types::{BusinessDay, MerchantId, Time};
use zeroize::Zeroize;

const MAC_BYTES: usize = 16;
/// Merchant (8 bytes), sub-merchant (8), day (4), time of issue (4), piece (2), bill (1), compressed (1).
const MESSAGE: usize = 8 + 8 + 4 + 4 + 2 + 1 + 1;
const PACKED: usize = MESSAGE + MAC_BYTES;

/// A link to a bill that was ours: the MAC has been checked. Whether it still lives (5 minutes, wire §6) and whether
/// the caller is the merchant is for the caller to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BillToken {
    /// Whose bill: who may fetch it.
    pub merchant: MerchantId,
    /// Of which of the merchant's sub-merchants, for a bill of one.
    pub sub: Option<MerchantId>,
    /// Which piece of an encrypted bill, from 1 on; 0 for the whole in clear.
    pub piece: u16,
    /// Which, as the number of a kind of bill.
    pub bill: u8,
    /// Of which day.
    pub day: BusinessDay,
    /// Whether it is sent compressed.
    pub gzip: bool,
    /// When the link was issued, to the second; before 1970 or after 2106 as the nearest end.
    pub issued_at: Time,
}

impl Tokens {
    /// The text of a link's token: 59 URL-safe characters.
    #[must_use]
    pub fn bill(&self, token: &BillToken) -> String {
        let mut packed = [0; PACKED];
        packed[..MESSAGE].copy_from_slice(&message(token));
        let mac = self.bill_mac(&packed[..MESSAGE]);
        packed[MESSAGE..].copy_from_slice(&mac);
        BASE64URL_NOPAD.encode(&packed)
    }

    /// Reads a token; none unless this server issued exactly this text.
    #[must_use]
    pub fn open_bill(&self, text: &str) -> Option<BillToken> {
        let packed: [u8; PACKED] = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok()?;
        let (message, mac) = packed.split_at(MESSAGE);
        if !same(&self.bill_mac(message), mac) {
            return None;
        }
        let (merchant, rest) = message.split_first_chunk::<8>()?;
        let (sub, rest) = rest.split_first_chunk::<8>()?;
        let (day, rest) = rest.split_first_chunk::<4>()?;
        let (seconds, rest) = rest.split_first_chunk::<4>()?;
        let (piece, rest) = rest.split_first_chunk::<2>()?;
        let sub = i64::from_be_bytes(*sub);
        Some(BillToken {
            merchant: MerchantId(i64::from_be_bytes(*merchant)),
            sub: (sub != 0).then_some(MerchantId(sub)),
            piece: u16::from_be_bytes(*piece),
            bill: *rest.first()?,
            day: BusinessDay(i32::from_be_bytes(*day)),
            gzip: *rest.last()? == 1,
            issued_at: Time::from_unix(u32::from_be_bytes(*seconds).into()),
        })
    }

    /// Key and nonce that the piece of a bill is sent under: drawn from the link's token and the piece's hash, so that
    /// they are the same whenever and wherever the link is followed, and other content never meets the same two.
    ///
    /// # Errors
    /// [`AeadError::Key`], which does not happen.
    pub fn bill_seal(&self, token: &str, hash: &str) -> Result<(ApiV3Key, String), AeadError> {
        let mut drawn = [0; DRAWN];
        let info = [token.as_bytes(), b"/", hash.as_bytes()];
        let expanded = self.bill_seal.expand(&info, Length).and_then(|okm| okm.fill(&mut drawn));
        expanded.map_err(|_| AeadError::Provider)?;
        let (for_key, for_nonce) = drawn.split_at(DRAWN / 2);
        let mut key = random::alphanumeric_of(for_key, ApiV3Key::CHARS);
        let sealed = ApiV3Key::parse(&key).map(|key| (key, random::alphanumeric_of(for_nonce, NONCE_CHARS)));
        key.zeroize();
        drawn.zeroize();
        sealed
    }

    fn bill_mac(&self, message: &[u8]) -> [u8; MAC_BYTES] {
        let tag = hmac::sign(&self.bill, message);
        std::array::from_fn(|place| tag.as_ref()[place])
    }
}

/// Bytes drawn for a key and a nonce: far more than the letters they become, of which one byte in 32 is thrown away.
const DRAWN: usize = 256;

/// So many bytes are drawn.
struct Length;

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        DRAWN
    }
}

fn message(token: &BillToken) -> [u8; MESSAGE] {
    let seconds = u32::try_from(token.issued_at.unix().max(0)).unwrap_or(u32::MAX);
    let mut message = [0; MESSAGE];
    message[..8].copy_from_slice(&token.merchant.0.to_be_bytes());
    message[8..16].copy_from_slice(&token.sub.map_or(0, |sub| sub.0).to_be_bytes());
    message[16..20].copy_from_slice(&token.day.0.to_be_bytes());
    message[20..24].copy_from_slice(&seconds.to_be_bytes());
    message[24..26].copy_from_slice(&token.piece.to_be_bytes());
    message[26..].copy_from_slice(&[token.bill, token.gzip.into()]);
    message
}

#[cfg(test)]
mod tests {
    use super::{super::tokens, *};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_link_reads_back_and_nobody_elses_does(
            merchant in any::<i64>(), bill in any::<u8>(), day in any::<i32>(), gzip in any::<bool>(),
            sub in prop::option::of(1..i64::MAX), piece in any::<u16>(), seconds in any::<u32>(),
            place in 0_usize..59, new in "[A-Za-z0-9_-]",
        ) {
            let (merchant, day) = (MerchantId(merchant), BusinessDay(day));
            let (sub, issued_at) = (sub.map(MerchantId), Time::from_unix(seconds.into()));
            let token = BillToken { merchant, sub, piece, bill, day, gzip, issued_at };
            let text = tokens(1).bill(&token);
            prop_assert_eq!(text.len(), 59);
            prop_assert_eq!(tokens(1).open_bill(&text), Some(token));
            prop_assert_eq!(tokens(2).open_bill(&text), None);
            let mut changed = text.clone();
            changed.replace_range(place..=place, &new);
            prop_assert_eq!(tokens(1).open_bill(&changed), (changed == text).then_some(token));
            prop_assert_eq!(tokens(1).open_bill(&text[..place]), None);
        }

        #[test]
        fn a_seal_is_its_links_and_its_contents_alone(token in "[a-zA-Z0-9]{59}", other in "[a-zA-Z0-9]{59}") {
            let sealed = |seed, token: &str, hash| {
                let (key, nonce) = tokens(seed).bill_seal(token, hash).unwrap();
                (key.text().expose().clone(), nonce)
            };
            let one = sealed(1, &token, "a1");
            prop_assert_eq!((one.0.len(), one.1.len()), (32, 12));
            prop_assert_eq!(&sealed(1, &token, "a1"), &one);
            for another in [sealed(2, &token, "a1"), sealed(1, &token, "a2"), sealed(1, &other, "a1")] {
                prop_assert!(token == other || (another.0 != one.0 && another.1 != one.1));
            }
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,80}") {
            prop_assert_eq!(tokens(1).open_bill(&text), None);
        }
    }
}
