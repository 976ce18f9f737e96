//! prepay_id, code_url and the h5 token: each says which order, since when, and proves it by a MAC.

use super::Tokens;
use crate::vault::same;
use aws_lc_rs::hmac;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use types::{OrderId, Time};

/// What stands before the token in a `code_url` (wire §3.2).
const CODE_URL: &str = "weixin://wxpay/bizpayurl?pr=";
const MAC_BYTES: usize = 12;
/// Order id (8 bytes), issue time (4), MAC (12).
const PACKED: usize = 8 + 4 + MAC_BYTES;
/// `wx`, 14 digits of time, hex of order id and MAC.
const PREPAY_CHARS: usize = 2 + 14 + 2 * (8 + MAC_BYTES);

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// `prepay_id` of JSAPI, mini-program and APP orders.
    Prepay,
    /// The `pr` value of a Native order's `code_url`.
    Code,
    /// The token of an H5 order's `h5_url`.
    H5,
}

impl TokenKind {
    /// Part of the MAC: one kind is never taken for another.
    const fn byte(self) -> u8 {
        match self {
            Self::Prepay => 1,
            Self::Code => 2,
            Self::H5 => 3,
        }
    }
}

/// A token that was ours: the MAC has been checked. Whether it still lives is for the caller to say
/// (2 h for prepay_id and code_url, 5 min for h5; wire §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderToken {
    /// What it opens.
    pub kind: TokenKind,
    /// The order.
    pub order: OrderId,
    /// When it was issued, to the second.
    pub issued_at: Time,
}

impl Tokens {
    /// A prepay_id of 56 characters: `wx`, the time of issue as `yyyyMMddHHmmss`, hex.
    ///
    /// Times of issue are kept as 32-bit seconds: one before 1970 or after 2106 is taken as the nearest end.
    #[must_use]
    pub fn prepay_id(&self, order: OrderId, now: Time) -> String {
        let seconds = seconds(now);
        let mut packed = [0; 8 + MAC_BYTES];
        packed[..8].copy_from_slice(&order.0.to_be_bytes());
        packed[8..].copy_from_slice(&self.mac(TokenKind::Prepay, order, seconds));
        format!("wx{}{}", Time::from_unix(seconds.into()).compact(), HEXLOWER.encode(&packed))
    }

    /// Reads a prepay_id; none unless this server issued exactly this text.
    #[must_use]
    pub fn open_prepay_id(&self, text: &str) -> Option<OrderToken> {
        if text.len() != PREPAY_CHARS || !text.is_ascii() {
            return None;
        }
        let (time, hex) = text.strip_prefix("wx")?.split_at(14);
        let packed: [u8; 8 + MAC_BYTES] = HEXLOWER.decode(hex.as_bytes()).ok()?.try_into().ok()?;
        let (order, mac) = packed.split_first_chunk::<8>()?;
        self.checked(TokenKind::Prepay, *order, seconds_of_compact(time)?, mac)
    }

    /// The whole `code_url` of a Native order, 60 characters, to be shown as QR code.
    #[must_use]
    pub fn code_url(&self, order: OrderId, now: Time) -> String {
        format!("{CODE_URL}{}", self.packed(TokenKind::Code, order, now))
    }

    /// Reads a `code_url`, or its `pr` value alone.
    #[must_use]
    pub fn open_code(&self, text: &str) -> Option<OrderToken> {
        self.unpacked(TokenKind::Code, text.strip_prefix(CODE_URL).unwrap_or(text))
    }

    /// The token inside an `h5_url`: 32 URL-safe characters.
    #[must_use]
    pub fn h5(&self, order: OrderId, now: Time) -> String {
        self.packed(TokenKind::H5, order, now)
    }

    /// Reads an h5 token.
    #[must_use]
    pub fn open_h5(&self, text: &str) -> Option<OrderToken> {
        self.unpacked(TokenKind::H5, text)
    }

    fn packed(&self, kind: TokenKind, order: OrderId, now: Time) -> String {
        let seconds = seconds(now);
        let mut bytes = [0; PACKED];
        bytes[..8].copy_from_slice(&order.0.to_be_bytes());
        bytes[8..12].copy_from_slice(&seconds.to_be_bytes());
        bytes[12..].copy_from_slice(&self.mac(kind, order, seconds));
        BASE64URL_NOPAD.encode(&bytes)
    }

    fn unpacked(&self, kind: TokenKind, text: &str) -> Option<OrderToken> {
        if text.len() != PACKED / 3 * 4 {
            return None;
        }
        let bytes: [u8; PACKED] = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok()?;
        let (order, rest) = bytes.split_first_chunk::<8>()?;
        let (seconds, mac) = rest.split_first_chunk::<4>()?;
        self.checked(kind, *order, u32::from_be_bytes(*seconds), mac)
    }

    fn checked(&self, kind: TokenKind, order: [u8; 8], seconds: u32, mac: &[u8]) -> Option<OrderToken> {
        let order = OrderId(i64::from_be_bytes(order));
        let genuine = same(&self.mac(kind, order, seconds), mac);
        genuine.then_some(OrderToken { kind, order, issued_at: Time::from_unix(seconds.into()) })
    }

    fn mac(&self, kind: TokenKind, order: OrderId, seconds: u32) -> [u8; MAC_BYTES] {
        let mut message = [0; 13];
        message[0] = kind.byte();
        message[1..9].copy_from_slice(&order.0.to_be_bytes());
        message[9..].copy_from_slice(&seconds.to_be_bytes());
        let tag = hmac::sign(&self.order, &message);
        std::array::from_fn(|i| tag.as_ref()[i])
    }
}

fn seconds(time: Time) -> u32 {
    u32::try_from(time.unix().max(0)).unwrap_or(u32::MAX)
}

/// The second that [`Time::compact`] prints as `digits`; none when no second does.
fn seconds_of_compact(digits: &str) -> Option<u32> {
    if digits.len() != 14 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let [year, month, day] = [&digits[..4], &digits[4..6], &digits[6..8]];
    let [hour, minute, second] = [&digits[8..10], &digits[10..12], &digits[12..]];
    let time = Time::parse_rfc3339(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}+08:00"))?;
    // Summer time was kept until 1991; comparing the print refuses what such a clock would blur.
    if time.compact() == digits { u32::try_from(time.unix()).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{super::tokens, *};
    use proptest::prelude::*;

    fn now() -> Time {
        Time::from_unix(1_700_000_000)
    }

    #[test]
    fn texts_have_the_wire_forms() {
        let tokens = tokens(1);
        let prepay_id = tokens.prepay_id(OrderId(0x0102_0304_0506_0708), now());
        assert_eq!(prepay_id.len(), PREPAY_CHARS);
        assert!(prepay_id.starts_with("wx202311150613200102030405060708"), "{prepay_id}");
        let code_url = tokens.code_url(OrderId(1), now());
        assert_eq!(code_url.len(), 60);
        assert!(code_url.starts_with("weixin://wxpay/bizpayurl?pr="));
        assert_eq!(tokens.h5(OrderId(1), now()).len(), 32);
    }

    #[test]
    fn tokens_are_stable_across_releases() {
        // Orders outlive an upgrade. The values were computed apart, from another program's HMAC.
        let (tokens, order) = (tokens(7), OrderId(911));
        assert_eq!(
            tokens.prepay_id(order, now()),
            "wx20231115061320000000000000038f9555452f8ae534c2bd9a017c"
        );
        assert_eq!(
            tokens.code_url(order, now()),
            "weixin://wxpay/bizpayurl?pr=AAAAAAAAA49lU_EA37XB4LQrSTV-8DZm"
        );
        assert_eq!(tokens.h5(order, now()), "AAAAAAAAA49lU_EA5bj98qVxu3NK6V1M");
    }

    #[test]
    fn one_kind_is_never_taken_for_another() {
        let tokens = tokens(1);
        let code = tokens.packed(TokenKind::Code, OrderId(1), now());
        let h5 = tokens.h5(OrderId(1), now());
        assert_eq!(tokens.open_code(&code).unwrap().kind, TokenKind::Code);
        assert_eq!(tokens.open_h5(&h5).unwrap().kind, TokenKind::H5);
        assert_eq!(tokens.open_h5(&code), None);
        assert_eq!(tokens.open_code(&h5), None);
        assert_eq!(tokens.open_prepay_id(&code), None);
    }

    #[test]
    fn one_token_has_one_text() {
        // A leap second reads as the second before it, but was never printed.
        let (tokens, last_second) = (tokens(1), now().plus(39 * types::time::SECOND));
        let text = tokens.prepay_id(OrderId(1), last_second);
        assert!(text.starts_with("wx20231115061359"), "{text}");
        assert!(tokens.open_prepay_id(&text).is_some());
        assert_eq!(tokens.open_prepay_id(&text.replacen("061359", "061360", 1)), None);
        assert_eq!(tokens.open_prepay_id(&text.to_uppercase()), None);
        assert_eq!(tokens.open_code(&format!("{} ", tokens.code_url(OrderId(1), now()))), None);
    }

    #[test]
    fn times_beyond_the_range_take_its_ends() {
        let tokens = tokens(1);
        for (time, unix) in [(Time(i64::MIN), 0), (Time(-1), 0), (Time(i64::MAX), i64::from(u32::MAX))] {
            let text = tokens.h5(OrderId(1), time);
            assert_eq!(tokens.open_h5(&text).unwrap().issued_at, Time::from_unix(unix));
        }
        let late = tokens.prepay_id(OrderId(1), Time(i64::MAX));
        assert_eq!(tokens.open_prepay_id(&late).unwrap().issued_at, Time::from_unix(u32::MAX.into()));
    }

    proptest! {
        #[test]
        fn every_token_reads_back(order in any::<i64>(), unix in 700_000_000_i64..=4_294_967_295) {
            let tokens = tokens(1);
            let (order, issued_at) = (OrderId(order), Time::from_unix(unix));
            let expected = |kind| Some(OrderToken { kind, order, issued_at });
            let late = issued_at.plus(999_999);
            prop_assert_eq!(tokens.open_prepay_id(&tokens.prepay_id(order, late)), expected(TokenKind::Prepay));
            prop_assert_eq!(tokens.open_code(&tokens.code_url(order, late)), expected(TokenKind::Code));
            prop_assert_eq!(tokens.open_h5(&tokens.h5(order, late)), expected(TokenKind::H5));
        }

        #[test]
        fn a_changed_or_foreign_token_is_not_ours(order in any::<i64>(), place in 0_usize..60, new in "[ -~]") {
            let (ours, theirs) = (tokens(1), tokens(2));
            for text in [ours.prepay_id(OrderId(order), now()), ours.h5(OrderId(order), now())] {
                prop_assert_eq!(theirs.open_prepay_id(&text), None);
                prop_assert_eq!(theirs.open_h5(&text), None);
                let place = place % text.len();
                let mut changed = text.clone();
                changed.replace_range(place..=place, &new);
                if changed != text {
                    prop_assert_eq!(ours.open_prepay_id(&changed), None);
                    prop_assert_eq!(ours.open_h5(&changed), None);
                }
                prop_assert_eq!(ours.open_prepay_id(&text[..place]), None);
                prop_assert_eq!(ours.open_h5(&text[..place]), None);
            }
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,80}", hex in "wx[0-9a-fé]{54}") {
            let tokens = tokens(1);
            for text in [text, hex] {
                prop_assert_eq!(tokens.open_prepay_id(&text), None);
                prop_assert_eq!(tokens.open_code(&text), None);
                prop_assert_eq!(tokens.open_h5(&text), None);
            }
        }
    }
}
