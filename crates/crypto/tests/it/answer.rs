//! Signatures of the platform as a merchant checks them (wire §1.6, §1.7).

use super::{KEY, OTHER, now};
use crypto::{
    answer::{DistrustError, HEADER_NAMES, PROBE_PREFIX, SignedHeaders},
    platform::Signer,
    rsa::BadSignature,
};
use types::time::SECOND;

fn signed(body: &[u8]) -> SignedHeaders {
    SignedHeaders::sign(&Signer { serial: "5A0B", key: &KEY }, body, now()).expect("a good key signs")
}

#[test]
fn five_headers_over_three_lines() {
    for body in [b"".as_slice(), b"{\"code_url\":\"x\"}", b"\xff"] {
        let headers = signed(body);
        let message = [format!("1790000000\n{}\n", headers.nonce).as_bytes(), body, b"\n"].concat();
        assert_eq!(KEY.public_key().verify(&message, &headers.signature), Ok(()));
        let pairs = headers.pairs();
        assert_eq!(pairs.map(|(name, _)| name), HEADER_NAMES);
        assert_eq!(pairs[0].1, "1790000000");
        assert_eq!(pairs[1].1.len(), 32);
        assert_eq!(pairs[2].1.len(), 344);
        assert_eq!(pairs[3].1, "5A0B");
        assert_eq!(pairs[4].1, "WECHATPAY2-SHA256-RSA2048");
    }
    assert_ne!(signed(b"").nonce, signed(b"").nonce);
}

#[test]
fn a_client_distrusts_every_change() {
    let good = signed(b"{}");
    let key = KEY.public_key();
    assert_eq!(good.verify(key, b"{}", now()), Ok(()));
    let bad = Err(DistrustError::Signature(BadSignature));
    assert_eq!(good.verify(key, b"{} ", now()), bad);
    assert_eq!(good.verify(OTHER.public_key(), b"{}", now()), bad);
    assert_eq!(SignedHeaders { nonce: "x".into(), ..good.clone() }.verify(key, b"{}", now()), bad);
    let later = SignedHeaders { timestamp: "1790000001".into(), ..good.clone() };
    assert_eq!(later.verify(key, b"{}", now()), bad);
    let sm = SignedHeaders { signature_type: "WECHATPAY2-SM2-WITH-SM3".into(), ..good.clone() };
    assert!(matches!(sm.verify(key, b"{}", now()), Err(DistrustError::Type(_))));
    for timestamp in ["", "x", "-9223372036854775808", "9223372036854775808"] {
        let wrong = SignedHeaders { timestamp: timestamp.into(), ..good.clone() };
        assert_eq!(wrong.verify(key, b"{}", now()), Err(DistrustError::Timestamp(timestamp.into())));
    }
    for (seconds, fresh) in [(-301, false), (-300, true), (300, true), (301, false)] {
        assert_eq!(good.verify(key, b"{}", now().plus(seconds * SECOND)).is_ok(), fresh, "{seconds}");
    }
}

#[test]
fn a_probe_announces_itself_and_is_refused() {
    let probe = signed(b"{}").into_probe();
    assert!(probe.signature.starts_with(PROBE_PREFIX));
    assert_eq!(probe.signature.len(), 344);
    assert_eq!(probe.verify(KEY.public_key(), b"{}", now()), Err(DistrustError::Signature(BadSignature)));
}
