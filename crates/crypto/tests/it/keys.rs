//! Keys and certificates against OpenSSL's output, and what is refused.

use super::{KEY, OTHER};
use crypto::{
    Certificate, PrivateKey, PublicKey,
    rsa::{BadSignature, FieldError, KeyError},
};
use types::Time;

const PKCS8: &str = include_str!("../vectors/key.pkcs8.pem");
const PKCS1: &str = include_str!("../vectors/key.pkcs1.pem");
const PUBLIC: &str = include_str!("../vectors/key.public.pem");
const CERTIFICATE: &str = include_str!("../vectors/certificate.pem");
const MESSAGE: &[u8] = include_bytes!("../vectors/message.txt");
const SIGNATURE: &str = include_str!("../vectors/signature.txt");
const FIELD: &str = include_str!("../vectors/field.txt");

#[test]
fn signatures_are_those_of_openssl() {
    // PKCS#1 v1.5 is deterministic, so equal keys give equal text.
    for pem in [PKCS8, PKCS1] {
        let key = PrivateKey::from_pem(pem).unwrap();
        assert_eq!(key.sign(MESSAGE).unwrap(), SIGNATURE);
        let (front, back) = MESSAGE.split_at(7);
        assert_eq!(key.sign_parts(&[front, b"", back]).unwrap(), SIGNATURE);
        assert_eq!(key.to_pem().unwrap().expose(), PKCS8);
        assert_eq!(key.public_key().to_pem(), PUBLIC);
    }
    for pem in [PUBLIC, CERTIFICATE] {
        let key = PublicKey::from_pem(pem).unwrap();
        assert_eq!(&key, KEY.public_key());
        assert_eq!(key.verify(MESSAGE, SIGNATURE), Ok(()));
    }
}

#[test]
fn a_signature_fits_one_message_and_one_key() {
    let key = KEY.public_key();
    assert_eq!(key.verify(&MESSAGE[1..], SIGNATURE), Err(BadSignature));
    assert_eq!(OTHER.public_key().verify(MESSAGE, SIGNATURE), Err(BadSignature));
    let url_safe = SIGNATURE.replace('+', "-").replace('/', "_");
    let flipped = SIGNATURE.replacen(&SIGNATURE[..1], if SIGNATURE.starts_with('A') { "B" } else { "A" }, 1);
    for wrong in ["", &SIGNATURE[1..], &format!("{SIGNATURE} "), &url_safe, &flipped, &"=".repeat(344)] {
        assert_eq!(key.verify(MESSAGE, wrong), Err(BadSignature), "{wrong}");
    }
}

#[test]
fn fields_are_those_of_openssl() {
    assert_eq!(KEY.decrypt_field(FIELD).unwrap().expose(), "张三13800000000");
    let again = KEY.public_key().encrypt_field("张三13800000000").unwrap();
    assert_eq!(again.len(), 344);
    assert_ne!(again, FIELD, "OAEP is randomised");
    assert_eq!(KEY.decrypt_field(&again).unwrap().expose(), "张三13800000000");
}

#[test]
fn fields_are_bounded_and_bound_to_the_key() {
    let key = KEY.public_key();
    for length in [0, 1, 214] {
        let plain = "x".repeat(length);
        assert_eq!(KEY.decrypt_field(&key.encrypt_field(&plain).unwrap()).unwrap().expose(), &plain);
    }
    assert_eq!(key.encrypt_field(&"x".repeat(215)), Err(FieldError::TooLong(215)));
    assert_eq!(key.encrypt_field(&"张".repeat(72)), Err(FieldError::TooLong(216)));
    assert_eq!(OTHER.decrypt_field(FIELD).unwrap_err(), FieldError::Undecryptable);
    for wrong in ["", "13800000000", &FIELD[1..], &format!("{FIELD}\n"), &"A".repeat(344), SIGNATURE] {
        assert_eq!(KEY.decrypt_field(wrong).unwrap_err(), FieldError::Undecryptable, "{wrong}");
    }
}

#[test]
fn only_rsa_2048_is_accepted() {
    let size = |pem| PublicKey::from_pem(pem).unwrap_err();
    assert_eq!(size(include_str!("../vectors/rsa3072.public.pem")), KeyError::Size("public key", 3072));
    assert!(matches!(
        size(include_str!("../vectors/rsa1024.public.pem")),
        KeyError::Rejected("public key", _)
    ));
    assert!(matches!(size(include_str!("../vectors/p256.public.pem")), KeyError::Rejected("public key", _)));
}

#[test]
fn broken_texts_are_refused_not_panicked_on() {
    for wrong in ["", "x", PUBLIC, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        assert!(PrivateKey::from_pem(wrong).is_err(), "{wrong}");
    }
    for wrong in ["", "x", PKCS8, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(PublicKey::from_pem(wrong).is_err(), "{wrong}");
        assert!(Certificate::from_pem(wrong).is_err(), "{wrong}");
    }
    for pem in [PKCS8, PKCS1] {
        for cut in (0..pem.len() - 1).step_by(97) {
            assert!(PrivateKey::from_pem(&pem[..cut]).is_err(), "{cut}");
        }
    }
    let body: String = CERTIFICATE.lines().filter(|line| !line.starts_with('-')).collect();
    let der = data_encoding::BASE64.decode(body.as_bytes()).unwrap();
    assert!(Certificate::from_der(&der).is_ok());
    for cut in (0..der.len()).step_by(13) {
        assert!(Certificate::from_der(&der[..cut]).is_err(), "{cut}");
    }
    let long = [der.as_slice(), b"x"].concat();
    assert!(matches!(Certificate::from_der(&long), Err(KeyError::Certificate(_))));
}

#[test]
fn a_certificate_tells_serial_life_subject_and_key() {
    let certificate = Certificate::from_pem(CERTIFICATE).unwrap();
    assert_eq!(certificate.serial(), "0123456789ABCDEF");
    assert_eq!(certificate.subject(), "C=CN, O=Vector, CN=1900000001");
    assert_eq!(certificate.public_key(), KEY.public_key());
    let (from, until) = (certificate.not_before(), certificate.not_after());
    assert_eq!(until.since(from), 3650 * types::time::DAY);
    for (at, valid) in [(from, true), (from.plus(-1), false), (until, true), (until.plus(1), false)] {
        assert_eq!(certificate.valid_at(at), valid);
    }
    assert!(!certificate.valid_at(Time(i64::MIN)));
}

#[test]
fn a_key_signs_from_many_threads_and_never_prints() {
    let clones: Vec<PrivateKey> = (0..4).map(|_| KEY.clone()).collect();
    std::thread::scope(|scope| {
        for key in &clones {
            scope.spawn(move || assert_eq!(key.sign(MESSAGE).unwrap(), SIGNATURE));
        }
    });
    assert_eq!(format!("{:?}", *KEY), "PrivateKey(***)");
    assert_eq!(format!("{:?}", KEY.to_pem().unwrap()), "***");
}
