//! Sealing: round trips, binding, rotation, damage.

use crypto::{
    MasterKey, Purpose, Sealed, Vault,
    vault::{SECRET_BYTES_MAX, VERSIONS_MAX, VaultError},
};
use proptest::prelude::*;
use types::{AppId, OrderId, PayerId, Time};

fn key(seed: u8) -> MasterKey {
    MasterKey::from_bytes([seed; 32])
}

#[test]
fn a_record_opens_at_its_place_only() {
    let vault = Vault::new(3, &key(1));
    let sealed = vault.seal(Purpose::MerchantSecret, "1/apiv3", b"secret").unwrap();
    assert_eq!(sealed.version(), Some(3));
    assert_eq!(vault.open(Purpose::MerchantSecret, "1/apiv3", &sealed).unwrap().expose(), b"secret");
    assert_eq!(vault.open_text(Purpose::MerchantSecret, "1/apiv3", &sealed).unwrap().expose(), "secret");
    for (purpose, binding) in [
        (Purpose::MerchantSecret, "2/apiv3"),
        (Purpose::MerchantSecret, ""),
        (Purpose::PlatformKeys, "1/apiv3"),
        (Purpose::PersonalData, "1/apiv3"),
        (Purpose::CardData, "1/apiv3"),
        (Purpose::ChannelSecret, "1/apiv3"),
    ] {
        assert_eq!(
            vault.open(purpose, binding, &sealed),
            Err(VaultError::Unopenable),
            "{purpose:?} {binding}"
        );
    }
    let again = vault.seal(Purpose::MerchantSecret, "1/apiv3", b"secret").unwrap();
    assert_ne!(sealed, again, "a fresh nonce each time");
}

#[test]
fn records_are_stable_across_releases() {
    // Made apart, by another program's HKDF and AES-GCM: the format of stored secrets must never drift.
    let stored: Sealed =
        serde_json::from_str("\"AWFiY2RlZmdoaWprbCBaVuo4sEV6XjUj7gewlc+iSq3PF2M=\"").unwrap();
    let vault = Vault::new(1, &key(7));
    let opened = vault.open_text(Purpose::MerchantSecret, "1900000001/apiv3", &stored).unwrap();
    assert_eq!(opened.expose(), "secret");
}

#[test]
fn damage_and_foreign_keys_are_noticed() {
    let vault = Vault::new(1, &key(1));
    let sealed = vault.seal(Purpose::CardData, "x", b"6222").unwrap();
    for place in 0..sealed.as_bytes().len() {
        let mut bytes = sealed.as_bytes().to_vec();
        bytes[place] ^= 1;
        let changed = Sealed::from_bytes(&bytes).unwrap();
        let expected = if place == 0 { VaultError::UnknownVersion(0) } else { VaultError::Unopenable };
        assert_eq!(vault.open(Purpose::CardData, "x", &changed), Err(expected), "{place}");
        match Sealed::from_bytes(&sealed.as_bytes()[..place]) {
            None => assert!(place < 29),
            Some(cut) => assert!(vault.open(Purpose::CardData, "x", &cut).is_err(), "{place}"),
        }
    }
    let other = Vault::new(1, &key(2));
    assert_eq!(other.open(Purpose::CardData, "x", &sealed), Err(VaultError::Unopenable));
}

#[test]
fn the_version_byte_cannot_be_swapped_between_equal_keys() {
    let vault = Vault::with_keys(&[(1, key(1)), (2, key(1))]).unwrap();
    let sealed = vault.seal(Purpose::CardData, "x", b"6222").unwrap();
    let mut bytes = sealed.as_bytes().to_vec();
    bytes[0] = 1;
    let changed = Sealed::from_bytes(&bytes).unwrap();
    assert_eq!(vault.open(Purpose::CardData, "x", &changed), Err(VaultError::Unopenable));
}

#[test]
fn rotation_opens_the_old_seals_with_the_new_and_keeps_hashes_and_tokens() {
    let before = Vault::new(1, &key(1));
    let during = Vault::with_keys(&[(1, key(1)), (2, key(2))]).unwrap();
    let old = before.seal(Purpose::PersonalData, "5/name", "张三".as_bytes()).unwrap();
    assert_eq!(during.open_text(Purpose::PersonalData, "5/name", &old).unwrap().expose(), "张三");
    let new = during.reseal(Purpose::PersonalData, "5/name", &old).unwrap().unwrap();
    assert_eq!(new.version(), Some(2));
    assert_eq!(during.open_text(Purpose::PersonalData, "5/name", &new).unwrap().expose(), "张三");
    assert_eq!(during.reseal(Purpose::PersonalData, "5/name", &new), Ok(None));
    assert_eq!(before.open(Purpose::PersonalData, "5/name", &new), Err(VaultError::UnknownVersion(2)));
    assert_eq!(before.hasher().pin(PayerId(1), "258369"), during.hasher().pin(PayerId(1), "258369"));
    let (app, now) = (AppId(9), Time::from_unix(1_790_000_000));
    assert_eq!(before.tokens().openid(app, PayerId(1)), during.tokens().openid(app, PayerId(1)));
    assert!(during.tokens().open_h5(&before.tokens().h5(OrderId(1), now)).is_some());
    assert_eq!(format!("{during:?}"), "Vault { versions: [2, 1], .. }");
}

#[test]
fn versions_are_bounded_and_differ() {
    assert_eq!(Vault::with_keys(&[]).unwrap_err(), VaultError::Versions);
    assert_eq!(Vault::with_keys(&[(1, key(1)), (1, key(2))]).unwrap_err(), VaultError::Versions);
    let many: Vec<(u8, MasterKey)> = (0..20).map(|v| (v, key(v))).collect();
    assert!(Vault::with_keys(&many[..VERSIONS_MAX]).is_ok());
    assert_eq!(Vault::with_keys(&many).unwrap_err(), VaultError::Versions);
}

#[test]
fn secrets_are_bounded_and_may_be_no_text() {
    let vault = Vault::new(1, &key(1));
    let most = vec![0xff; SECRET_BYTES_MAX];
    let sealed = vault.seal(Purpose::CardData, "x", &most).unwrap();
    assert_eq!(vault.open(Purpose::CardData, "x", &sealed).unwrap().expose(), &most);
    assert_eq!(vault.open_text(Purpose::CardData, "x", &sealed), Err(VaultError::NotText));
    let more = vec![0; SECRET_BYTES_MAX + 1];
    assert_eq!(vault.seal(Purpose::CardData, "x", &more), Err(VaultError::TooLong(SECRET_BYTES_MAX + 1)));
}

proptest! {
    #[test]
    fn what_is_sealed_opens_and_survives_storing(secret: Vec<u8>, binding in "\\PC{0,40}") {
        let vault = Vault::new(1, &key(1));
        let sealed = vault.seal(Purpose::PersonalData, &binding, &secret).unwrap();
        let json = serde_json::to_string(&sealed).unwrap();
        let stored: Sealed = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&stored, &sealed);
        let opened = vault.open(Purpose::PersonalData, &binding, &stored).unwrap();
        prop_assert_eq!(opened.expose(), &secret);
    }

    #[test]
    fn any_bytes_are_answered(bytes: Vec<u8>) {
        let vault = Vault::new(1, &key(1));
        if let Some(sealed) = Sealed::from_bytes(&bytes) {
            prop_assert!(vault.open(Purpose::PersonalData, "x", &sealed).is_err());
        } else {
            prop_assert!(bytes.len() < 29);
        }
        prop_assert!(serde_json::from_slice::<Sealed>(&bytes).is_err());
    }
}
