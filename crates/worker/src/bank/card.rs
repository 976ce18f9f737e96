//! Card numbers: checked, turned into a token, and forgotten (PCI DSS 3.4, JR/T 0171 C3: only the last four
//! digits are kept).

use super::SIMULATED;
use crypto::vault::Hasher;
use types::Secret;

/// What may be kept of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCard {
    /// The bank's code on the wire, such as `ICBC_DEBIT`.
    pub bank: &'static str,
    /// Last four digits.
    pub tail: String,
    /// What the channel knows the card by: keyed hash and tail. The same number gives the same token.
    pub token: String,
    /// The channel.
    pub channel: i64,
}

/// Why a card number was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardRefused {
    /// Something other than digits, spaces and hyphens.
    #[error("a card number has only digits")]
    NotDigits,
    /// Too few or too many digits.
    #[error("a card number has {DIGITS_MIN} to {DIGITS_MAX} digits")]
    Length,
    /// The check digit does not fit: a slip of the finger.
    #[error("the card number is mistyped: its check digit does not fit")]
    Checksum,
}

/// Digits of a card number (ISO/IEC 7812-1).
const DIGITS_MIN: usize = 12;
const DIGITS_MAX: usize = 19;
/// Digits of the cards we make up for tests.
const TEST_DIGITS: usize = 19;
/// Characters read at most: digits with a space after each.
const TEXT_MAX: usize = 2 * DIGITS_MAX;

/// First digits and the bank they belong to: some widespread debit and credit cards. A simulated bank need not
/// know them all; what it does not know is `OTHERS` on the wire.
const PREFIXES: [(&str, &str); 37] = [
    ("621226", "ICBC_DEBIT"),
    ("622202", "ICBC_DEBIT"),
    ("622203", "ICBC_DEBIT"),
    ("622208", "ICBC_DEBIT"),
    ("622230", "ICBC_CREDIT"),
    ("622848", "ABC_DEBIT"),
    ("622845", "ABC_DEBIT"),
    ("621661", "BOC_DEBIT"),
    ("621660", "BOC_DEBIT"),
    ("456351", "BOC_DEBIT"),
    ("621700", "CCB_DEBIT"),
    ("622700", "CCB_DEBIT"),
    ("436742", "CCB_DEBIT"),
    ("622260", "COMM_DEBIT"),
    ("622262", "COMM_DEBIT"),
    ("621799", "PSBC_DEBIT"),
    ("622188", "PSBC_DEBIT"),
    ("621485", "CMB_DEBIT"),
    ("621483", "CMB_DEBIT"),
    ("622588", "CMB_DEBIT"),
    ("622609", "CMB_DEBIT"),
    ("622575", "CMB_CREDIT"),
    ("622521", "SPDB_DEBIT"),
    ("622522", "SPDB_DEBIT"),
    ("622622", "CMBC_DEBIT"),
    ("622617", "CMBC_DEBIT"),
    ("622690", "CITIC_DEBIT"),
    ("622696", "CITIC_DEBIT"),
    ("622660", "CEB_DEBIT"),
    ("622662", "CEB_DEBIT"),
    ("622908", "CIB_DEBIT"),
    ("622909", "CIB_DEBIT"),
    ("622568", "GDB_DEBIT"),
    ("622630", "HXB_DEBIT"),
    ("622632", "HXB_DEBIT"),
    ("622298", "PAB_DEBIT"),
    ("622986", "PAB_DEBIT"),
];

pub(super) fn verify(text: &str, hasher: &Hasher) -> Result<VerifiedCard, CardRefused> {
    if text.len() > TEXT_MAX {
        return Err(CardRefused::Length);
    }
    let mut digits = String::with_capacity(TEXT_MAX);
    digits.extend(text.chars().filter(|c| !matches!(c, ' ' | '-')));
    let digits = Secret::new(digits);
    let number = digits.expose().as_str();
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(CardRefused::NotDigits);
    }
    if !(DIGITS_MIN..=DIGITS_MAX).contains(&number.len()) {
        return Err(CardRefused::Length);
    }
    if luhn(number) != 0 {
        return Err(CardRefused::Checksum);
    }
    let bank = PREFIXES.iter().find(|(prefix, _)| number.starts_with(prefix));
    let tail = &number[number.len() - 4..];
    let hash = hasher.code("simulated bank card", number).to_hex();
    Ok(VerifiedCard {
        bank: bank.map_or("OTHERS", |(_, bank)| bank),
        tail: tail.to_owned(),
        token: format!("{}{tail}", &hash[..32]),
        channel: SIMULATED,
    })
}

/// A number of 19 digits that starts with `prefix`, ends in `tail` and passes the check: for test cards. None
/// when they are not digits, or leave no digit free.
#[must_use]
pub fn card_number(prefix: &str, tail: &str) -> Option<String> {
    let free = TEST_DIGITS.checked_sub(prefix.len() + tail.len()).filter(|free| *free > 0)?;
    if !prefix.bytes().chain(tail.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fill = "0".repeat(free - 1);
    (0..10).map(|digit| format!("{prefix}{fill}{digit}{tail}")).find(|number| luhn(number) == 0)
}

/// The sum of Luhn's formula modulo 10 (ISO/IEC 7812-1, annex B); 0 when the check digit fits.
fn luhn(digits: &str) -> u32 {
    let sum = digits.bytes().rev().enumerate().map(|(place, byte)| {
        let digit = u32::from(byte - b'0');
        let doubled = digit * 2;
        match place % 2 {
            0 => digit,
            _ if doubled > 9 => doubled - 9,
            _ => doubled,
        }
    });
    sum.sum::<u32>() % 10
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::{Behaviour, SimulatedBank};
    use crypto::{MasterKey, Vault};
    use proptest::prelude::*;
    use std::sync::Arc;

    fn bank(seed: u8) -> SimulatedBank {
        SimulatedBank::new(Arc::new(Vault::new(1, &MasterKey::from_bytes([seed; 32]))))
    }

    #[test]
    fn every_test_card_is_accepted_and_does_what_it_says() {
        let cards = Behaviour::test_cards();
        assert_eq!(cards.len(), Behaviour::ALL.len());
        for card in cards {
            let verified = bank(1).verify_card(&card.number).unwrap();
            assert_eq!((verified.bank, &*verified.tail), ("ICBC_DEBIT", card.behaviour.tail()));
            assert_eq!(Behaviour::of_token(&verified.token), card.behaviour);
        }
    }

    #[test]
    fn numbers_are_refused_for_what_is_wrong_with_them() {
        for (number, refused) in [
            ("", CardRefused::Length),
            ("4111 1111 111", CardRefused::Length),
            ("62220200000000000000", CardRefused::Length),
            (&"4".repeat(5000), CardRefused::Length),
            ("4111 1111 1111 1112", CardRefused::Checksum),
            ("4111 1111 1111 111a", CardRefused::NotDigits),
            ("４１１１１１１１１１１１", CardRefused::NotDigits),
            ("4111\n1111 1111 1111", CardRefused::NotDigits),
        ] {
            assert_eq!(bank(1).verify_card(number), Err(refused), "{number:.30}");
        }
        let verified = bank(1).verify_card("4111-1111 1111 1111").unwrap();
        assert_eq!((verified.bank, &*verified.tail, verified.channel), ("OTHERS", "1111", SIMULATED));
    }

    #[test]
    fn a_token_tells_the_tail_and_nothing_else_of_the_number() {
        let number = &card_number("62220212345678", "0129").unwrap();
        let [one, same, other] =
            [bank(1), bank(1), bank(2)].map(|bank| bank.verify_card(number).unwrap().token);
        assert_eq!(one, same);
        assert_ne!(one, other, "the hash is keyed");
        assert_eq!((one.len(), &one[32..]), (36, "0129"));
        assert!(!one.contains(&number[..8]), "{one}");
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_always_noticed(tail in 0_u32..10_000, place in 0_usize..19, new in 0_u8..10) {
            let number = card_number("622588", &format!("{tail:04}")).unwrap();
            prop_assert_eq!(bank(1).verify_card(&number).unwrap().bank, "CMB_DEBIT");
            let mut changed = number.clone();
            changed.replace_range(place..=place, &new.to_string());
            prop_assert_eq!(bank(1).verify_card(&changed).is_ok(), changed == number);
        }
    }

    #[test]
    fn a_test_number_needs_room_and_digits() {
        assert_eq!(card_number("622202", "000a"), None);
        assert_eq!(card_number("622202000000000", "0000"), None);
        assert_eq!(card_number("62220200000000", "0000").map(|number| number.len()), Some(19));
    }
}
