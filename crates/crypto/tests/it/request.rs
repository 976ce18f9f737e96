//! Verification over every form that real SDKs sign (wire §1.3, §15).

use super::{KEY, OTHER, now};
use crypto::{
    PrivateKey,
    request::{
        Caller, Credentials, MatchedForm, Received, SignInformation, TargetForm, signing_message, verify,
    },
};
use types::MerchantId;

const NONCE: &str = "593BEC0C930BF1AFEB40B4A08C8FB242";

fn bases() -> Vec<String> {
    vec!["https://pay.example.com/".into()]
}

fn credentials(signature: String) -> Credentials {
    Credentials {
        mchid: MerchantId(1_900_000_001),
        serial: "5A".into(),
        nonce: NONCE.into(),
        timestamp: now().unix(),
        signature,
    }
}

/// Credentials over a message that an SDK built in its own way.
fn signed(message: &[u8]) -> Credentials {
    credentials(KEY.sign(message).expect("a good key signs"))
}

fn message(method: &str, target: &str, body: &[u8]) -> Vec<u8> {
    signing_message(method, target, now().unix(), NONCE, body)
}

fn matched(received: &Received<'_>, credentials: &Credentials) -> Option<(TargetForm, bool)> {
    let form = verify(KEY.public_key(), received, credentials).ok();
    form.map(|MatchedForm { target, body_line }| (target, body_line))
}

fn get<'a>(target: &'a str, bases: &'a [String]) -> Received<'a> {
    Received { method: "GET", target, host: Some("127.0.0.1:8080"), bases, body: b"" }
}

#[test]
fn a_signed_request_verifies_raw() {
    let caller = Caller { mchid: MerchantId(7), serial: "5a0b".into(), key: KEY.clone() };
    // Go appends a line feed, Python escapes and puts blanks: the raw bytes count (wire §1.3).
    for body in
        [b"{\"a\":1}\n".as_slice(), b"{\"a\": \"\\u5f20\"}", "{\"a\":\"张\"}".as_bytes(), b"", b"\xff\x00"]
    {
        let header = caller.authorization("POST", "/v3/pay?x=1", body, now(), NONCE).unwrap();
        let credentials = Credentials::parse(header.as_bytes()).unwrap();
        assert_eq!((credentials.mchid, credentials.serial.as_str()), (MerchantId(7), "5A0B"));
        let received = Received { method: "POST", target: "/v3/pay?x=1", host: None, bases: &[], body };
        assert_eq!(matched(&received, &credentials), Some((TargetForm::Raw, true)));
        let trimmed = Received { body: b"{\"a\":1}", ..received };
        assert_eq!(matched(&trimmed, &credentials), None);
    }
}

#[test]
fn python_signs_the_target_before_it_is_escaped() {
    let bases = bases();
    for (wire, signed_text) in [
        ("/v3/pay/out-trade-no/a%7Cb?mchid=1", "/v3/pay/out-trade-no/a|b?mchid=1"),
        ("/v3/x?name=%E5%BC%A0%E4%B8%89", "/v3/x?name=张三"),
        ("/v3/x?j=%7B%22a%22%7D", "/v3/x?j={\"a\"}"),
        // A plus is itself, and what is no escape stays (wire §1.3).
        ("/v3/x?m=a+b%2Bc%zz%4", "/v3/x?m=a+b+c%zz%4"),
    ] {
        let credentials = signed(&message("GET", signed_text, b""));
        assert_eq!(matched(&get(wire, &bases), &credentials), Some((TargetForm::Decoded, true)), "{wire}");
        let raw = signed(&message("GET", wire, b""));
        assert_eq!(matched(&get(wire, &bases), &raw), Some((TargetForm::Raw, true)), "{wire}");
    }
    // Not decoded twice.
    let twice = signed(&message("GET", "/v3/a|b", b""));
    assert_eq!(matched(&get("/v3/a%257Cb", &bases), &twice), None);
}

#[test]
fn node_signs_absolute_urls_of_our_own_hosts() {
    let bases = bases();
    let target = "/v3/billdownload/file?token=abc";
    for origin in ["https://pay.example.com", "http://127.0.0.1:8080", "https://127.0.0.1:8080"] {
        let credentials = signed(&message("GET", &format!("{origin}{target}"), b""));
        assert_eq!(
            matched(&get(target, &bases), &credentials),
            Some((TargetForm::Absolute, true)),
            "{origin}"
        );
    }
    for origin in ["https://other.example.com", "ftp://127.0.0.1:8080", "https://pay.example.com/"] {
        let credentials = signed(&message("GET", &format!("{origin}{target}"), b""));
        assert_eq!(matched(&get(target, &bases), &credentials), None, "{origin}");
    }
    let without_host = Received { host: None, ..get(target, &bases) };
    let by_host = signed(&message("GET", &format!("http://127.0.0.1:8080{target}"), b""));
    assert_eq!(matched(&without_host, &by_host), None);
}

#[test]
fn bases_beyond_the_bound_do_not_count() {
    let bases: Vec<String> = (0..6).map(|i| format!("https://p{i}.example.com")).collect();
    for (i, base) in bases.iter().enumerate() {
        let credentials = signed(&message("GET", &format!("{base}/v3/x"), b""));
        let expected = (i < Received::BASES_MAX).then_some((TargetForm::Absolute, true));
        assert_eq!(matched(&get("/v3/x", &bases), &credentials), expected, "{base}");
    }
}

#[test]
fn node_leaves_out_the_last_line_on_bodyless_verbs_other_than_get() {
    let four = |method: &str| {
        let mut message = message(method, "/v3/x/close", b"");
        message.pop();
        signed(&message)
    };
    let received = |method| Received { method, target: "/v3/x/close", host: None, bases: &[], body: b"" };
    for method in ["POST", "DELETE", "PUT", "PATCH"] {
        assert_eq!(matched(&received(method), &four(method)), Some((TargetForm::Raw, false)), "{method}");
        let five = signed(&message(method, "/v3/x/close", b""));
        assert_eq!(matched(&received(method), &five), Some((TargetForm::Raw, true)), "{method}");
    }
    assert_eq!(matched(&received("GET"), &four("GET")), None);
    let with_body = Received { body: b"{}", ..received("POST") };
    assert_eq!(matched(&with_body, &four("POST")), None);
}

#[test]
fn every_part_is_under_the_signature() {
    let good = signed(&message("POST", "/v3/x", b"{}"));
    let received = Received { method: "POST", target: "/v3/x", host: None, bases: &[], body: b"{}" };
    assert_eq!(matched(&received, &good), Some((TargetForm::Raw, true)));
    for other in [
        Received { method: "PUT", ..received },
        Received { target: "/v3/y", ..received },
        Received { target: "/v3/x?", ..received },
        Received { body: b"{} ", ..received },
        Received { body: b"", ..received },
    ] {
        assert_eq!(matched(&other, &good), None, "{other:?}");
    }
    for other in [
        Credentials { nonce: "other".into(), ..good.clone() },
        Credentials { timestamp: good.timestamp + 1, ..good.clone() },
        Credentials { signature: "A".repeat(344), ..good.clone() },
        Credentials { signature: String::new(), ..good.clone() },
        credentials(OTHER.sign(&message("POST", "/v3/x", b"{}")).unwrap()),
    ] {
        assert_eq!(matched(&received, &other), None, "{other:?}");
    }
}

#[test]
fn an_escaped_line_feed_cannot_shift_the_lines() {
    // The merchant signs a body that looks like the tail of another message …
    let honest = message("POST", "/v3/note", b"12\nabc\n{\"amount\":1}");
    let signature = KEY.sign(&honest).unwrap();
    // … and a thief of that signature tries to make the first three lines one target.
    let target = format!("/v3/note%0A{}%0A{NONCE}", now().unix());
    let stolen = Credentials { timestamp: 12, nonce: "abc".into(), ..credentials(signature) };
    let received =
        Received { method: "POST", target: &target, host: None, bases: &[], body: b"{\"amount\":1}" };
    assert_eq!(matched(&received, &stolen), None);
}

#[test]
fn a_failure_says_what_should_have_been_signed() {
    let body = "{\"description\":\"张\"}".repeat(40);
    let received = Received {
        method: "POST",
        target: "/v3/pay/transactions/native",
        host: None,
        bases: &[],
        body: body.as_bytes(),
    };
    let wrong = credentials("A".repeat(344));
    let error = verify(KEY.public_key(), &received, &wrong).unwrap_err();
    let full = String::from_utf8(message("POST", received.target, received.body)).unwrap();
    let SignInformation { method, url, truncated_sign_message, sign_message_length } = &error.0;
    assert_eq!((method.as_str(), url.as_str()), ("POST", "/v3/pay/transactions/native"));
    assert_eq!(*sign_message_length, full.len());
    assert!(full.starts_with(truncated_sign_message.as_str()), "{truncated_sign_message}");
    assert!((250..=SignInformation::TRUNCATED_MAX).contains(&truncated_sign_message.len()));
    let json = serde_json::to_value(&error.0).unwrap();
    assert_eq!(json["sign_message_length"], full.len());
    assert!(error.to_string().contains("POST\\n/v3/pay/transactions/native\\n1790000000\\n"), "{error}");

    let short = Received { body: b"", ..received };
    let shown = verify(KEY.public_key(), &short, &wrong).unwrap_err().0.truncated_sign_message;
    assert_eq!(shown.as_bytes(), message("POST", short.target, b""));
    let binary = Received { body: b"\xff\xfe", ..received };
    let shown = verify(KEY.public_key(), &binary, &wrong).unwrap_err().0.truncated_sign_message;
    assert!(shown.ends_with("\u{fffd}\u{fffd}\n"), "{shown:?}");
    let long = "/".repeat(5000);
    let information = verify(KEY.public_key(), &get(&long, &[]), &wrong).unwrap_err().0;
    assert_eq!((information.url.len(), information.truncated_sign_message.len()), (1024, 256));
}

#[test]
fn a_key_of_another_merchant_does_not_pass() {
    let key: &PrivateKey = &OTHER;
    let good = signed(&message("GET", "/v3/x", b""));
    assert!(verify(key.public_key(), &get("/v3/x", &[]), &good).is_err());
}
