//! The platform's keys: which one signs, rotation, the certificate list, issuing (wire §1.8, §1.9, §2).

use super::{PLATFORM, now};
use crypto::{
    ApiV3Key, Certificate, MasterKey, PlatformKeys, PublicKey, Vault,
    platform::{CERTIFICATES_MAX, KeyMode, PlatformError},
    vault::VaultError,
};
use types::{
    MerchantId, Time,
    time::{DAY, HOUR},
};

const FIVE_YEARS: i64 = 1826 * DAY;

#[test]
fn answers_follow_the_request_and_the_switch() {
    let platform = &*PLATFORM;
    let id = platform.public_key_id();
    let serial = platform.certificates()[0].serial();
    let cases = [
        (KeyMode::Certificate, None, serial),
        (KeyMode::Certificate, Some(id), serial),
        (KeyMode::Certificate, Some(serial), serial),
        (KeyMode::Both, None, serial),
        (KeyMode::Both, Some(id), id),
        (KeyMode::Both, Some(serial), serial),
        (KeyMode::Both, Some("PUB_KEY_ID_0"), serial),
        (KeyMode::PublicKey, None, id),
        (KeyMode::PublicKey, Some(serial), id),
    ];
    for (mode, requested, expected) in cases {
        let signer = platform.answer_signer(requested, mode, now()).unwrap();
        assert_eq!(signer.serial, expected, "{mode:?} {requested:?}");
    }
    for (mode, ramped, expected) in [
        (KeyMode::Certificate, true, serial),
        (KeyMode::Both, false, serial),
        (KeyMode::Both, true, id),
        (KeyMode::PublicKey, false, id),
    ] {
        assert_eq!(platform.callback_signer(mode, ramped, now()).unwrap().serial, expected, "{mode:?}");
    }
    // Each name leads a client to the key that signed.
    let by_id = platform.answer_signer(Some(id), KeyMode::Both, now()).unwrap();
    let downloaded = PublicKey::from_pem(&platform.public_key().to_pem()).unwrap();
    assert_eq!(downloaded.verify(b"x", &by_id.key.sign(b"x").unwrap()), Ok(()));
    let by_serial = platform.answer_signer(None, KeyMode::Both, now()).unwrap();
    let certificate = Certificate::from_pem(platform.certificates()[0].pem()).unwrap();
    assert_eq!(certificate.public_key().verify(b"x", &by_serial.key.sign(b"x").unwrap()), Ok(()));
    assert!(downloaded.verify(b"x", &by_serial.key.sign(b"x").unwrap()).is_err());
}

#[test]
fn names_and_lives_are_those_of_the_wire() {
    let platform = &*PLATFORM;
    let digits = platform.public_key_id().strip_prefix("PUB_KEY_ID_").unwrap();
    assert!(digits.len() == 28 && digits.bytes().all(|b| b.is_ascii_digit()), "{digits}");
    let held = &platform.certificates()[0];
    assert_eq!(held.serial().len(), 40);
    assert!(matches!(held.serial().as_bytes()[0], b'1'..=b'7'), "{}", held.serial());
    assert_eq!(held.serial(), held.serial().to_uppercase());
    let read = Certificate::from_pem(held.pem()).unwrap();
    assert_eq!(read.serial(), held.serial());
    assert_eq!((read.not_before(), read.not_after()), (held.not_before(), held.not_after()));
    assert_eq!(held.not_before(), now().plus(-HOUR));
    assert_eq!(held.not_after().since(held.not_before()), FIVE_YEARS);
}

#[test]
fn the_list_decrypts_to_the_certificates() {
    let key = ApiV3Key::generate().unwrap();
    let list = PLATFORM.certificate_list(&key, now()).unwrap();
    assert_eq!(list.len(), 1);
    let entry = serde_json::to_value(&list[0]).unwrap();
    let held = &PLATFORM.certificates()[0];
    assert_eq!(entry["serial_no"], held.serial());
    assert_eq!(entry["effective_time"], held.not_before().rfc3339());
    assert_eq!(entry["expire_time"], held.not_after().rfc3339());
    assert_eq!(entry["encrypt_certificate"]["algorithm"], "AEAD_AES_256_GCM");
    assert_eq!(entry["encrypt_certificate"]["associated_data"], "certificate");
    assert_eq!(entry["encrypt_certificate"]["nonce"].as_str().unwrap().len(), 12);
    let clear = key.decrypt(&list[0].encrypt_certificate).unwrap();
    assert_eq!(clear.expose(), held.pem().as_bytes());
    assert!(ApiV3Key::generate().unwrap().decrypt(&list[0].encrypt_certificate).is_err());
}

#[test]
fn fields_decrypt_by_the_serial_they_name() {
    let platform = &*PLATFORM;
    let held = &platform.certificates()[0];
    let certified = Certificate::from_pem(held.pem()).unwrap();
    for (serial, key) in [
        (platform.public_key_id(), platform.public_key()),
        (held.serial(), certified.public_key()),
        (&held.serial().to_lowercase(), certified.public_key()),
    ] {
        let field = key.encrypt_field("张三").unwrap();
        assert_eq!(platform.decrypt_field(serial, &field, now()).unwrap().expose(), "张三");
    }
    let field = platform.public_key().encrypt_field("张三").unwrap();
    let wrong_key = platform.decrypt_field(held.serial(), &field, now()).unwrap_err();
    assert!(matches!(wrong_key, PlatformError::Field(_)), "{wrong_key}");
    for unknown in ["", "PUB_KEY_ID_0", "5A0B", &"é".repeat(100)] {
        let error = platform.decrypt_field(unknown, &field, now()).unwrap_err();
        assert!(matches!(error, PlatformError::UnknownSerial(_)), "{error}");
    }
    let lapsed = platform.decrypt_field(held.serial(), &field, held.not_after().plus(1));
    assert!(matches!(lapsed, Err(PlatformError::UnknownSerial(_))));
}

#[test]
fn rotation_keeps_old_and_new_side_by_side_until_the_old_one_lapses() {
    let mut platform = PLATFORM.clone();
    let old = platform.certificates()[0].serial().to_owned();
    let rotated = now().plus(FIVE_YEARS - 60 * DAY);
    let active = rotated.plus(2 * DAY);
    let new = platform.rotate(rotated, active).unwrap().serial().to_owned();
    assert_ne!(old, new);
    let signing = |platform: &PlatformKeys, at: Time| {
        platform.answer_signer(None, KeyMode::Certificate, at).map(|signer| signer.serial.to_owned())
    };
    let listed = |platform: &PlatformKeys, at: Time| {
        let list = platform.certificate_list(&ApiV3Key::generate().unwrap(), at).unwrap();
        list.into_iter().map(|entry| entry.serial_no).collect::<Vec<_>>()
    };
    assert_eq!(listed(&platform, rotated), [old.clone(), new.clone()]);
    assert_eq!(signing(&platform, active.plus(-1)), Ok(old.clone()));
    assert_eq!(signing(&platform, active), Ok(new.clone()));
    let lapsed = now().plus(FIVE_YEARS);
    assert_eq!(listed(&platform, lapsed), std::slice::from_ref(&new));
    assert_eq!(platform.retire(rotated), 0);
    assert_eq!(platform.retire(lapsed), 1);
    assert_eq!(platform.certificates().len(), 1);
    // The last one stays on file even when it has lapsed, but signs no more.
    let much_later = lapsed.plus(FIVE_YEARS);
    assert_eq!(platform.retire(much_later), 0);
    assert_eq!(signing(&platform, much_later), Err(PlatformError::NoCertificate(much_later)));
}

#[test]
fn an_activation_in_the_past_is_now_and_certificates_are_bounded() {
    let mut platform = PLATFORM.clone();
    let new = platform.rotate(now(), Time(0)).unwrap();
    assert_eq!(new.active_from(), now());
    let new = new.serial().to_owned();
    assert_eq!(platform.answer_signer(None, KeyMode::Certificate, now()).unwrap().serial, new);
    while platform.certificates().len() < CERTIFICATES_MAX {
        platform.rotate(now(), now()).unwrap();
    }
    assert_eq!(platform.rotate(now(), now()).unwrap_err(), PlatformError::TooManyCertificates);
    // As many as there may be can still be sealed.
    let vault = Vault::new(1, &MasterKey::from_bytes([7; 32]));
    let sealed = platform.seal(&vault).unwrap();
    assert_eq!(PlatformKeys::open(&vault, &sealed).unwrap().certificates().len(), CERTIFICATES_MAX);
}

#[test]
fn sealed_keys_come_back_whole_and_only_under_their_master_key() {
    let vault = Vault::new(1, &MasterKey::from_bytes([7; 32]));
    let sealed = PLATFORM.seal(&vault).unwrap();
    let opened = PlatformKeys::open(&vault, &sealed).unwrap();
    assert_eq!(opened.public_key_id(), PLATFORM.public_key_id());
    assert_eq!(opened.public_key(), PLATFORM.public_key());
    assert_eq!(opened.authority_pem(), PLATFORM.authority_pem());
    let field = PLATFORM.public_key().encrypt_field("x").unwrap();
    assert_eq!(opened.decrypt_field(opened.public_key_id(), &field, now()).unwrap().expose(), "x");
    let other = Vault::new(1, &MasterKey::from_bytes([8; 32]));
    let error = PlatformKeys::open(&other, &sealed).unwrap_err();
    assert_eq!(error, PlatformError::Vault(VaultError::Unopenable));
    let shown = format!("{opened:?}");
    assert!(!shown.contains("PRIVATE"), "{shown}");
}

#[test]
fn merchants_get_a_certificate_of_their_own() {
    let name = "茶".repeat(100);
    let one = PLATFORM.issue_merchant(MerchantId(1_900_000_001), &name, now()).unwrap();
    let read = Certificate::from_pem(one.certificate_pem()).unwrap();
    assert_eq!(read.serial(), one.serial());
    assert!(matches!(one.serial().as_bytes()[0], b'1'..=b'7'));
    assert_eq!(read.public_key(), one.key().public_key());
    assert!(read.subject().contains("CN=1900000001"), "{}", read.subject());
    assert!(read.valid_at(now()));
    let other = PLATFORM.issue_merchant(MerchantId(1_900_000_002), "", now()).unwrap();
    assert_ne!(one.serial(), other.serial());
    assert!(PLATFORM.issue_merchant(MerchantId(1), "x", Time(i64::MAX)).is_err());
}

#[test]
fn issued_certificates_chain_to_the_authority() {
    use x509_parser::prelude::{FromDer, X509Certificate, parse_x509_pem};
    let issued = PLATFORM.issue_merchant(MerchantId(1_900_000_001), "Tea house", now()).unwrap();
    let (_, authority) = parse_x509_pem(PLATFORM.authority_pem().as_bytes()).unwrap();
    let (_, authority) = X509Certificate::from_der(&authority.contents).unwrap();
    assert!(authority.is_ca());
    authority.verify_signature(None).unwrap();
    for pem in [issued.certificate_pem(), PLATFORM.certificates()[0].pem()] {
        let (_, leaf) = parse_x509_pem(pem.as_bytes()).unwrap();
        let leaf = leaf.parse_x509().unwrap();
        assert!(!leaf.is_ca());
        assert_eq!(leaf.issuer(), authority.subject());
        leaf.verify_signature(Some(authority.public_key())).unwrap();
    }
}
