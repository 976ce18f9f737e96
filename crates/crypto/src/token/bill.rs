//! The token inside a bill's `download_url`: whose bill, which, of which day, since when, proved by a MAC.

use super::Tokens;
use crate::vault::same;
use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use types::{BusinessDay, MerchantId, Time};

const MAC_BYTES: usize = 16;
/// Merchant (8 bytes), day (4), time of issue (4), bill (1), compressed (1).
const MESSAGE: usize = 8 + 4 + 4 + 1 + 1;
const PACKED: usize = MESSAGE + MAC_BYTES;

/// A link to a bill that was ours: the MAC has been checked. Whether it still lives (5 minutes, wire §6) and whether
/// the caller is the merchant is for the caller to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BillToken {
    /// Whose bill.
    pub merchant: MerchantId,
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
    /// The text of a link's token: 46 URL-safe characters.
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
        let (day, rest) = rest.split_first_chunk::<4>()?;
        let (seconds, rest) = rest.split_first_chunk::<4>()?;
        Some(BillToken {
            merchant: MerchantId(i64::from_be_bytes(*merchant)),
            bill: *rest.first()?,
            day: BusinessDay(i32::from_be_bytes(*day)),
            gzip: *rest.last()? == 1,
            issued_at: Time::from_unix(u32::from_be_bytes(*seconds).into()),
        })
    }

    fn bill_mac(&self, message: &[u8]) -> [u8; MAC_BYTES] {
        let tag = hmac::sign(&self.bill, message);
        std::array::from_fn(|place| tag.as_ref()[place])
    }
}

fn message(token: &BillToken) -> [u8; MESSAGE] {
    let seconds = u32::try_from(token.issued_at.unix().max(0)).unwrap_or(u32::MAX);
    let mut message = [0; MESSAGE];
    message[..8].copy_from_slice(&token.merchant.0.to_be_bytes());
    message[8..12].copy_from_slice(&token.day.0.to_be_bytes());
    message[12..16].copy_from_slice(&seconds.to_be_bytes());
    message[16..].copy_from_slice(&[token.bill, token.gzip.into()]);
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
            seconds in any::<u32>(), place in 0_usize..46, new in "[A-Za-z0-9_-]",
        ) {
            let (merchant, day) = (MerchantId(merchant), BusinessDay(day));
            let token = BillToken { merchant, bill, day, gzip, issued_at: Time::from_unix(seconds.into()) };
            let text = tokens(1).bill(&token);
            prop_assert_eq!(text.len(), 46);
            prop_assert_eq!(tokens(1).open_bill(&text), Some(token));
            prop_assert_eq!(tokens(2).open_bill(&text), None);
            let mut changed = text.clone();
            changed.replace_range(place..=place, &new);
            prop_assert_eq!(tokens(1).open_bill(&changed), (changed == text).then_some(token));
            prop_assert_eq!(tokens(1).open_bill(&text[..place]), None);
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,80}") {
            prop_assert_eq!(tokens(1).open_bill(&text), None);
        }
    }
}
